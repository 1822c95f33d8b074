"""``wanbatch plan``: the jobs, each with an action and a reason, and what a run would
cost. Looks at everything, touches nothing."""

from __future__ import annotations

from pathlib import Path

import click

from wanbatch.cli import wording
from wanbatch.cli.console import say, wants_color
from wanbatch.cli.options import CommonOptions, planning_options
from wanbatch.cli.output import observer, save
from wanbatch.model.plan import Action, Plan
from wanbatch.operations.check import check
from wanbatch.operations.choose import Unpriced, choose_backend, find_unpriced
from wanbatch.operations.elsewhere import refuse_older_ledger, ways_out_of_elsewhere
from wanbatch.operations.events import Forecast
from wanbatch.operations.planning import (
    basis_of,
    estimate,
    look_and_plan,
    refuse_undeliverable,
)
from wanbatch.operations.sharding import refuse_other_shards
from wanbatch.words.errors import ExitCode
from wanbatch.words.humanize import quoted


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
    and sends nothing.

    With -o the plan is saved, and 'wanbatch run --plan' runs exactly that. With
    --format markdown it is printed for a pull request.
    """
    if as_json and options.format == "markdown":
        raise click.UsageError("--json and --format markdown both write to stdout: choose one.")
    observe = observer(options, quiet_warnings=options.quiet)
    checked = check(options, observe)
    profile = choose_backend(options, checked.manifests, offline=True).profile
    plan, snapshot, around = look_and_plan(
        options, checked, profile, observe, retry_failed=retry_failed, regenerate=regenerate
    )
    refuse_older_ledger(options, around)
    refuse_other_shards(options, profile, snapshot.notes)
    refuse_undeliverable(plan, profile, observe)
    document, as_markdown = None, options.format == "markdown"
    if as_json or saved or as_markdown:
        from wanbatch.operations.reporting import render_plan

        basis = basis_of(
            options, profile, snapshot, retry_failed=retry_failed, regenerate=regenerate
        )
        document = render_plan(plan, checked.manifests, basis)
        if saved:
            save(saved, document.content)
        if as_json:
            click.echo(document.content, nl=False)
    if as_markdown and document:
        from wanbatch.cli.plan_markdown import render_plan_markdown

        click.echo(render_plan_markdown(plan, snapshot, document.digest), nl=False)
    elif not as_json:
        show_plan(options, plan, estimate(plan, profile, snapshot))
        _say_missing_price(options, find_unpriced(plan, profile))
    if saved and document:
        _say_saved(saved, document.digest)
    work = any(entry.action in (Action.GENERATE, Action.RESUME) for entry in plan.selected())
    return ExitCode.WORK_TO_DO if detailed_exitcode and work else ExitCode.DONE


def show_plan(options: CommonOptions, plan: Plan, estimated: Forecast | None) -> None:
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
    if estimated is not None:
        say(wording.estimate_line(estimated, plan.backend))


def _say_saved(path: Path, digest: str) -> None:
    command = quoted(["wanbatch", "run", "--plan", str(path), "--digest", digest])
    say(f"Saved {path}, digest {digest}.\nRun exactly this with: {command}")


def _say_missing_price(options: CommonOptions, unpriced: Unpriced | None) -> None:
    if unpriced is not None and not options.quiet:
        say(f"No limit can be kept: {unpriced.missing}.\n  help: {unpriced.advice}")
