"""``wanbatch plan``: the jobs, each with an action and a reason, and what a run would
cost. Looks at everything, touches nothing."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

import click

from wanbatch.api import look_ahead
from wanbatch.cli import wording
from wanbatch.cli.command import Command
from wanbatch.cli.console import say, wants_color
from wanbatch.cli.grouping import every_line, plan_lines
from wanbatch.cli.options import CommonOptions, planning_options, retry_option
from wanbatch.cli.output import observer, save
from wanbatch.model.period import Allowance
from wanbatch.model.plan import Action, Plan
from wanbatch.model.retrying import Retrying
from wanbatch.operations.allowance import describe_left
from wanbatch.operations.choose import Unpriced
from wanbatch.operations.elsewhere import ways_out_of_elsewhere
from wanbatch.operations.events import Forecast
from wanbatch.words.errors import ExitCode
from wanbatch.words.humanize import quoted


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
    and sends nothing.

    With -o the plan is saved, and 'wanbatch run --plan' runs exactly that. With
    --format markdown it is printed for a pull request.
    """
    if as_json and options.format == "markdown":
        raise click.UsageError("--json and --format markdown both write to stdout: choose one.")
    observe = observer(options, quiet_warnings=options.quiet)
    seen = look_ahead(options, observe, retry_failed=retry_failed, regenerate=regenerate)
    plan = seen.plan
    document, as_markdown = None, options.format == "markdown"
    if as_json or saved or as_markdown:
        from wanbatch.operations.reporting import render_plan

        document = render_plan(plan, seen.manifests, seen.basis, seen.left)
        if saved:
            save(saved, document.content)
        if as_json:
            click.echo(document.content, nl=False)
    if as_markdown and document:
        from wanbatch.cli.plan_markdown import render_plan_markdown

        left = describe_left(seen.left, plan.currency)
        text = render_plan_markdown(plan, seen.snapshot, document.digest, left)
        click.echo(text, nl=False)
    elif not as_json:
        show_plan(options, plan, seen.estimate)
        show_left(options, seen.left, plan)
        _say_missing_price(options, seen.unpriced)
    if saved and document:
        _say_saved(saved, document.digest)
    work = any(entry.action in (Action.GENERATE, Action.RESUME) for entry in plan.selected())
    return ExitCode.WORK_TO_DO if detailed_exitcode and work else ExitCode.DONE


def show_plan(options: CommonOptions, plan: Plan, estimated: Forecast | None) -> None:
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
    if estimated is not None:
        say(wording.estimate_line(estimated, plan.backend))


def show_left(options: CommonOptions, left: Sequence[Allowance], plan: Plan) -> None:
    """What may still be spent in this day and month, where somebody has set that."""
    if left and not options.quiet:
        say(describe_left(left, plan.currency))


def _say_saved(path: Path, digest: str) -> None:
    command = quoted(["wanbatch", "run", "--plan", str(path), "--digest", digest])
    say(f"Saved {path}, digest {digest}.\nRun exactly this with: {command}")


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
