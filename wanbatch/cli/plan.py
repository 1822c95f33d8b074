"""``wanbatch plan``: the jobs, each with an action and a reason, and what a run would cost. Looks at everything, touches nothing."""

from __future__ import annotations

from pathlib import Path

import click

from wanbatch.cli import guard, stages, wording
from wanbatch.cli.console import duration, say, wants_color
from wanbatch.cli.options import Settings, planning_options
from wanbatch.model.plan import Action, Plan
from wanbatch.words.errors import ExitCode


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
    settings: Settings,
    saved: Path | None,
    as_json: bool,
    detailed_exitcode: bool,
    retry_failed: bool,
    regenerate: bool,
) -> int:
    """Show what a run would do with every job and why, and what it costs. Needs no key and sends nothing."""
    checked = stages.read_and_check(settings, quiet_warnings=settings.quiet)
    chosen = stages.choose_backend(settings, checked.manifests, offline=True)
    plan, snapshot, around = stages.look_and_plan(
        settings, checked, chosen.profile, retry_failed=retry_failed, regenerate=regenerate
    )
    guard.refuse_older_ledger(settings, around)
    stages.refuse_undeliverable(settings, plan, chosen.profile)
    if as_json or saved:
        from wanbatch.report.formats.json import document_text, plan_document, to_bytes

        text = document_text(plan_document(plan, checked.manifests))
        if saved:
            stages.save(saved, to_bytes(text))
        if as_json:
            click.echo(to_bytes(text), nl=False)
    if not as_json:
        show_plan(settings, plan, stages.estimate_s(plan, chosen.profile, snapshot))
        _say_missing_price(settings, stages.find_unpriced(plan, chosen.profile))
    work = any(entry.action in (Action.GENERATE, Action.RESUME) for entry in plan.selected())
    return ExitCode.WORK_TO_DO if detailed_exitcode and work else ExitCode.DONE


def show_plan(settings: Settings, plan: Plan, estimate_s: float | None) -> None:
    """The plan for people: a line per job that is not up to date (all with ``-v``), then the sum."""
    color = wants_color(settings.color)
    for entry in plan.selected():
        if settings.quiet or (entry.action is Action.REUSE and not settings.verbose):
            continue
        line = wording.job_line(entry, plan)
        say(click.style(line, fg=wording.COLORS[line.strip()[0]]) if color else line)
    for attempt in plan.strangers:
        say(
            f"  ! {attempt.job} is no longer in the manifest, and its attempt is {attempt.state.value}: a run settles what it can"
        )
    say(wording.plan_line(plan))
    for way in guard.ways_out_of_elsewhere(settings, plan):
        say(f"  help: {way}")
    if estimate_s:
        say(f"About {duration(estimate_s)} on backend {plan.backend}.")


def _say_missing_price(settings: Settings, unpriced: stages.Unpriced | None) -> None:
    if unpriced is not None and not settings.quiet:
        say(f"No limit can be kept: {unpriced.missing}.\n  help: {unpriced.advice}")
