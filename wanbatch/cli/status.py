"""``wanbatch status``: what the ledger knows of these manifests' jobs. Looks only."""

from __future__ import annotations

import time

import click

from wanbatch.cli import guard, stages
from wanbatch.cli.console import duration, quoted, say
from wanbatch.cli.ending import commands_that_decide
from wanbatch.cli.options import Settings, planning_options
from wanbatch.cli.wording import state_counts
from wanbatch.model.lifecycle import IN_FLIGHT, Attempt
from wanbatch.model.plan import Action, Plan


@click.command("status")
@planning_options
@click.option(
    "--json", "as_json", is_flag=True, help="Print the standing of every job as JSON on stdout."
)
def command(settings: Settings, as_json: bool) -> None:
    """Show how every job stands by the ledger. Needs no key and sends nothing."""
    checked = stages.read_and_check(settings, quiet_warnings=True)
    chosen = stages.choose_backend(settings, checked.manifests, offline=True)
    plan, _, around = stages.look_and_plan(settings, checked, chosen.profile)
    for line in guard.older_ledger(settings, around) if around.newer else ():
        say(f"warning: {line}")
    if as_json:
        from wanbatch.report.formats.json import document_text, plan_document

        click.echo(document_text(plan_document(plan, checked.manifests)))
        return
    for entry in plan.selected():
        if not settings.quiet:
            say(
                f"  {entry.state.value:9}  {entry.name}  ({entry.reason}{deadline(entry.attempt, time.time())})"
            )
    for attempt in plan.strangers:
        task = f"task {attempt.task_id or 'unknown'}{deadline(attempt, time.time())}"
        say(f"  {attempt.state.value:9}  {attempt.job}  (no longer in the manifest; {task})")
    if not settings.quiet:
        _say_commands(settings, checked, plan)
    say(state_counts(plan.selected()))
    for way in guard.ways_out_of_elsewhere(settings, plan):
        say(f"  help: {way}")


def _say_commands(settings: Settings, checked: stages.Checked, plan: Plan) -> None:
    """What brings home what was paid for, and what a person decides with."""
    options = stages.repeated_options(settings, checked)
    ours = any(entry.action is Action.RESUME for entry in plan.selected())
    if ours or any(attempt.state in IN_FLIGHT for attempt in plan.strangers):
        say(f"Fetch with: {quoted(['wanbatch', 'fetch', *map(str, settings.files), *options])}")
    files = {m.name: m.path for m in checked.manifests}
    for command_ in commands_that_decide(plan, files, options):
        say(f"  help: {command_}")


def deadline(attempt: Attempt | None, now: float) -> str:
    """The 24-hour clock of a paid task that is not on disk yet: when it runs out, and what is left."""
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
