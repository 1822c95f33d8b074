"""``wanbatch plan``: the jobs, each with an action and a reason, and what a run would
cost. Looks at everything, touches nothing."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import click

from wanbatch.cli import wording
from wanbatch.cli.command import Command
from wanbatch.cli.console import say, wants_color
from wanbatch.cli.grouping import every_line, plan_lines
from wanbatch.cli.options import CommonOptions, planning_options, retry_option
from wanbatch.cli.output import observer, save
from wanbatch.model.plan import Action, Plan
from wanbatch.model.retrying import Retrying
from wanbatch.operations.check import check
from wanbatch.operations.choose import Unpriced, choose_backend, find_unpriced
from wanbatch.operations.elsewhere import refuse_older_ledger, ways_out_of_elsewhere
from wanbatch.operations.planning import estimate_s, look_and_plan, refuse_undeliverable
from wanbatch.words.errors import ExitCode
from wanbatch.words.humanize import duration


@click.command("plan", cls=Command)
@planning_options
@click.option(
    "-o", "saved", type=click.Path(path_type=Path, dir_okay=False), help="Save the plan as JSON."
)
@click.option("--json", "as_json", is_flag=True, help="Print the plan as JSON on stdout.")
@click.option(
    "--detailed-exitcode",
    is_flag=True,
    help="Exit 5 where there is work to do, 0 where there is none.",
)
@retry_option("Plan failed jobs again.")
@click.option(
    "--regenerate", is_flag=True, help="Plan to buy again what the selection already has."
)
def command(
    options: CommonOptions,
    saved: Path | None,
    as_json: bool,
    detailed_exitcode: bool,
    retry_failed: Retrying,
    regenerate: bool,
) -> int:
    """Show what a run would do with every job and why, and what it costs. Needs no key
    and sends nothing."""
    observe = observer(options, quiet_warnings=options.quiet)
    checked = check(options, observe)
    profile = choose_backend(options, checked.manifests, offline=True).profile
    plan, snapshot, around = look_and_plan(
        options, checked, profile, observe, retry_failed=retry_failed, regenerate=regenerate
    )
    refuse_older_ledger(options, around)
    refuse_undeliverable(plan, profile, observe)
    if as_json or saved:
        from wanbatch.operations.reporting import render_plan

        document = render_plan(plan, checked.manifests)
        if saved:
            save(saved, document)
        if as_json:
            click.echo(document, nl=False)
    if not as_json:
        show_plan(options, plan, estimate_s(plan, profile, snapshot))
        _say_missing_price(options, find_unpriced(plan, profile))
    work = any(entry.action in (Action.GENERATE, Action.RESUME) for entry in plan.selected())
    return ExitCode.WORK_TO_DO if detailed_exitcode and work else ExitCode.DONE


def show_plan(options: CommonOptions, plan: Plan, estimate_s: float | None) -> None:
    """The plan for people: the jobs that are not up to date by groups (with ``-v`` a
    line for each and every job), then the sum."""
    show_jobs(options, plan)
    for attempt in plan.strangers:
        say(
            f"  ! {attempt.job} is no longer in the manifest, and its attempt is"
            f" {attempt.state.value}: a run settles what it can"
        )
    say(wording.plan_line(plan))
    for way in ways_out_of_elsewhere(options, plan):
        say(f"  help: {way}")
    if estimate_s:
        say(f"About {duration(estimate_s)} on backend {plan.backend}.")


def show_jobs(options: CommonOptions, plan: Plan) -> None:
    """What would be done with the jobs, in colour where that is welcome."""
    color, jobs = wants_color(options.color), () if options.quiet else plan.selected()
    if options.verbose:
        lines: Iterable[str] = every_line(jobs, lambda entry: wording.job_line(entry, plan))
    else:
        lines = plan_lines(plan, jobs)
    for line in lines:
        paint = wording.COLORS.get(line[2:3]) if color else None
        say(click.style(line, fg=paint) if paint else line)


def _say_missing_price(options: CommonOptions, unpriced: Unpriced | None) -> None:
    if unpriced is not None and not options.quiet:
        say(f"No limit can be kept: {unpriced.missing}.\n  help: {unpriced.advice}")
