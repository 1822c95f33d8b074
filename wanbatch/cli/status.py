"""``wanbatch status``: what the ledger knows of these manifests' jobs. Looks only."""

from __future__ import annotations

import time
from collections.abc import Iterable
from math import inf

import click

from wanbatch.cli.command import Command
from wanbatch.cli.console import say
from wanbatch.cli.ending import commands_that_buy_again, commands_that_decide
from wanbatch.cli.grouping import every_line, state_lines
from wanbatch.cli.options import CommonOptions, planning_options
from wanbatch.cli.output import observer
from wanbatch.cli.wording import state_counts
from wanbatch.model.lifecycle import IN_FLIGHT, Attempt
from wanbatch.model.plan import Action, Plan, PlannedJob
from wanbatch.operations.check import Checked, check
from wanbatch.operations.choose import choose_backend
from wanbatch.operations.elsewhere import older_ledger, ways_out_of_elsewhere
from wanbatch.operations.events import Event, Observer, SharedLedgerRead
from wanbatch.operations.planning import Group, basis_of, group_jobs, look_and_plan
from wanbatch.operations.reporting import repeated_options
from wanbatch.words.humanize import duration, quoted


@click.command("status", cls=Command)
@planning_options
@click.option(
    "--json", "as_json", is_flag=True, help="Print the standing of every job as JSON on stdout."
)
def command(options: CommonOptions, as_json: bool) -> None:
    """Show how every job stands by the ledger. Needs no key and sends nothing."""
    observe = _with_holder(observer(options, quiet_warnings=True), options)
    checked = check(options, observe)
    profile = choose_backend(options, checked.manifests, offline=True).profile
    plan, snapshot, around = look_and_plan(options, checked, profile, observe)
    for line in older_ledger(options, around) if around.newer else ():
        say(f"warning: {line}")
    if as_json:
        from wanbatch.operations.reporting import render_plan

        basis = basis_of(options, profile, snapshot)
        click.echo(render_plan(plan, checked.manifests, basis).content.decode())
        return
    for line in () if options.quiet else _job_lines(plan, time.time(), every=options.verbose):
        say(line)
    for attempt in plan.strangers:
        task = f"task {attempt.task_id or 'unknown'}{deadline(attempt, time.time())}"
        say(f"  {attempt.state.value:9}  {attempt.job}  (no longer in the manifest; {task})")
    if not options.quiet:
        _say_commands(options, checked, plan)
    say(state_counts(plan.selected()))
    for way in ways_out_of_elsewhere(options, plan):
        say(f"  help: {way}")


def _with_holder(observe: Observer, options: CommonOptions) -> Observer:
    """Says too in whose hands a shared ledger is."""

    def take(event: Event) -> None:
        match event:
            case SharedLedgerRead(url, holder) if holder and not options.quiet:
                say(f"Shared ledger {url}: {holder}.")
            case _:
                observe(event)

    return take


def _job_lines(plan: Plan, now: float, *, every: bool) -> Iterable[str]:
    def line(entry: PlannedJob) -> str:
        return (
            f"  {entry.state.value:9}  {entry.name}  ({entry.reason}{deadline(entry.attempt, now)})"
        )

    def first_deadline(group: Group) -> str:
        told = [e.attempt for e in group.jobs if e.attempt and e.attempt.state in IN_FLIGHT]
        first = min(told, key=lambda a: a.shown_deadline or inf, default=None)
        return deadline(first, now)

    jobs = plan.selected()
    return every_line(jobs, line) if every else state_lines(group_jobs(jobs), line, first_deadline)


def _say_commands(options: CommonOptions, checked: Checked, plan: Plan) -> None:
    """What brings home what was paid for, and what a person decides with."""
    words = repeated_options(options, checked.manifests)
    ours = any(entry.action is Action.RESUME for entry in plan.selected())
    if ours or any(attempt.state in IN_FLIGHT for attempt in plan.strangers):
        say(f"Fetch with: {quoted(['wanbatch', 'fetch', *map(str, options.files), *words])}")
    files = {m.name: m.path for m in checked.manifests}
    for command_ in commands_that_decide(plan, files, words):
        say(f"  help: {command_}")
    for command_ in commands_that_buy_again(plan, files, words):
        say(f"  help: to buy again what cannot be had here: {command_}")


def deadline(attempt: Attempt | None, now: float) -> str:
    """The 24-hour clock of a paid task that is not on disk yet: when it runs out, and
    what is left."""
    if (
        attempt is None
        or attempt.state not in IN_FLIGHT
        or attempt.realm != "paid"
        or attempt.shown_deadline is None
    ):
        return ""
    at = time.strftime("%Y-%m-%d %H:%M", time.localtime(attempt.shown_deadline))
    left = attempt.shown_deadline - now
    return (
        f"; fetch it before {at}, in {duration(left)}"
        if left > 0
        else f"; its time ran out at {at}: fetch it at once"
    )
