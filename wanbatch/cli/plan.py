"""``wanbatch plan``: the jobs, each with an action and a reason, and what a run would
cost. Looks at everything, touches nothing."""

from __future__ import annotations

from pathlib import Path

import click

from wanbatch.api import look_ahead
from wanbatch.cli import wording
from wanbatch.cli.console import say, wants_color
from wanbatch.cli.options import CommonOptions, planning_options
from wanbatch.cli.output import observer, save
from wanbatch.model.plan import Action, Plan
from wanbatch.operations.choose import Unpriced
from wanbatch.operations.elsewhere import ways_out_of_elsewhere
from wanbatch.words.errors import ExitCode
from wanbatch.words.humanize import duration


@click.command("plan")
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
@click.option("--retry-failed", is_flag=True, help="Plan failed jobs again.")
@click.option(
    "--regenerate", is_flag=True, help="Plan to buy again what the selection already has."
)
def command(
    options: CommonOptions,
    saved: Path | None,
    as_json: bool,
    detailed_exitcode: bool,
    retry_failed: bool,
    regenerate: bool,
) -> int:
    """Show what a run would do with every job and why, and what it costs. Needs no key
    and sends nothing."""
    observe = observer(options, quiet_warnings=options.quiet)
    seen = look_ahead(options, observe, retry_failed=retry_failed, regenerate=regenerate)
    plan = seen.plan
    if as_json or saved:
        from wanbatch.operations.reporting import render_plan

        document = render_plan(plan, seen.manifests)
        if saved:
            save(saved, document)
        if as_json:
            click.echo(document, nl=False)
    if not as_json:
        show_plan(options, plan, seen.estimate_s)
        _say_missing_price(options, seen.unpriced)
    work = any(entry.action in (Action.GENERATE, Action.RESUME) for entry in plan.selected())
    return ExitCode.WORK_TO_DO if detailed_exitcode and work else ExitCode.DONE


def show_plan(options: CommonOptions, plan: Plan, estimate_s: float | None) -> None:
    """The plan for people: a line per job that is not up to date (all with ``-v``),
    then the sum."""
    color = wants_color(options.color)
    for entry in plan.selected():
        if options.quiet or (entry.action is Action.REUSE and not options.verbose):
            continue
        line = wording.job_line(entry, plan)
        say(click.style(line, fg=wording.COLORS[line.strip()[0]]) if color else line)
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


def _say_missing_price(options: CommonOptions, unpriced: Unpriced | None) -> None:
    if unpriced is not None and not options.quiet:
        say(f"No limit can be kept: {unpriced.missing}.\n  help: {unpriced.advice}")
