"""Writes the reports of a command's manifests, always from plan and ledger.

What it may not do: read a run's memory, or send anything.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from wanbatch.ledger.looks import read_looks
from wanbatch.manifest.load import load_manifests
from wanbatch.model.job import Manifest
from wanbatch.model.lifecycle import Snapshot, State
from wanbatch.model.plan import Plan
from wanbatch.model.report import Report
from wanbatch.operations.check import check
from wanbatch.operations.choose import choose_backend
from wanbatch.operations.elsewhere import refuse_older_ledger
from wanbatch.operations.events import Observer
from wanbatch.operations.looking import Look, look_at_rest
from wanbatch.operations.looking import look as look_at_one
from wanbatch.operations.options import DEFAULT_OUTPUT, PlanningOptions
from wanbatch.operations.planning import look_and_plan
from wanbatch.operations.viewings import Viewings
from wanbatch.report.collect import collect
from wanbatch.report.formats.json import document_text, plan_document, to_bytes
from wanbatch.report.formats.render import base_for, format_of, render
from wanbatch.report.head import read_document
from wanbatch.report.write import write_report
from wanbatch.videos.folders import refuse_odd_places
from wanbatch.words.errors import ExitCode, WanbatchError


def write_reports(
    options: PlanningOptions,
    manifests: Sequence[Manifest],
    plan: Plan,
    snapshot: Snapshot,
    run_id: str | None = None,
    viewings: Viewings | None = None,
) -> list[tuple[Path, Report]]:
    """Writes the report of every manifest; returns each page's path with its report.

    ``run_id`` ``None`` takes the last run of the plan's realm. What is known of the
    videos comes from the ledger, unless ``viewings`` know it.
    """
    written = []
    viewings = viewings or viewings_of(options, plan, snapshot)
    looks = viewings.by_attempt(plan, snapshot)
    for manifest in manifests:
        runs = [
            r
            for r in snapshot.runs
            if r.manifest == manifest.name and r.realm == plan.realm and run_id in (None, r.run_id)
        ]
        folder = options.output / manifest.name
        report = collect(
            manifest,
            plan,
            snapshot,
            runs[-1] if runs else None,
            repeated_options(options, manifests),
            looks,
        )
        written.append((folder / "report.html", write_report(report, folder)))
    return written


def viewings_of(options: PlanningOptions, plan: Plan, snapshot: Snapshot) -> Viewings:
    """The videos of ``plan``, with what the ledger knows of them. Raises
    ``WanbatchError`` where it cannot be read."""
    stored = [a.sha256 for a in snapshot.attempts if a.state is State.STORED]
    known = read_looks(options.ledger, stored)
    return Viewings(options.output, options.checks, plan, known)


def rebuild_reports(
    options: PlanningOptions,
    targets: Sequence[Path],
    observe: Observer,
    look: Look = look_at_one,
) -> tuple[list[Path], list[tuple[Path, bytes]]]:
    """Writes every manifest's report as after the last run, once ``look`` has looked
    at what no run has.

    Returns the pages' paths, and for each of ``targets`` the report in the format that
    its name asks for, with links that hold there. Raises ``WanbatchError``.
    """
    formats = [format_of(target) for target in targets]
    checked = check(options, observe)
    if targets and len(checked.manifests) != 1:
        raise WanbatchError(ExitCode.INVALID, "-o takes one manifest at a time")
    refuse_shared_folders(options, checked.manifests)
    profile = choose_backend(options, checked.manifests, offline=True).profile
    refuse_odd_places(options.output, [m.name for m in checked.manifests])
    plan, snapshot, around = look_and_plan(options, checked, profile, observe)
    refuse_older_ledger(options, around)
    viewings = viewings_of(options, plan, snapshot)
    look_at_rest(viewings, viewings.subjects(plan, snapshot), look, options.ledger)
    written = write_reports(options, checked.manifests, plan, snapshot, viewings=viewings)
    rendered = []
    for target, form in zip(targets, formats, strict=True):
        page, report = written[0]
        rendered.append((target, to_bytes(render(report, form, base_for(target, page.parent)))))
    return [page for page, _ in written], rendered


def render_plan(plan: Plan, manifests: Sequence[Manifest]) -> bytes:
    """The plan as the JSON document of ``schemas/plan.schema.json``."""
    return to_bytes(document_text(plan_document(plan, manifests)))


def repeated_options(options: PlanningOptions, manifests: Sequence[Manifest]) -> tuple[str, ...]:
    """The options that a printed command must repeat to mean the same ledger and
    backend."""
    words: list[str] = []
    if options.backend and any(m.run.backend != options.backend for m in manifests):
        words += ["--backend", options.backend]
    if options.output != DEFAULT_OUTPUT:
        words += ["--output", str(options.output)]
    return tuple(words)


def refuse_shared_folders(options: PlanningOptions, manifests: Sequence[Manifest]) -> None:
    """Two manifests of one name would write over each other's report, also when they
    are run one after the other. Raises ``WanbatchError`` (2).

    A manifest that was moved or renamed is the same one: only a second file that is
    still there, and still has the name, counts.
    """
    for manifest in manifests:
        folder = options.output / manifest.name
        other = _reported_path(folder / "report.json")
        if other is None or not other.is_file() or other.samefile(manifest.path):
            continue
        if any(m.name == manifest.name for m in load_manifests([other]).manifests):
            raise WanbatchError(
                ExitCode.INVALID,
                f"{manifest.path} and {other} both have the name {manifest.name!r}, and with it"
                f" the folder {folder}",
                "write another name: at the top of one of them, or choose another folder with"
                " --output",
            )


def _reported_path(report: Path) -> Path | None:
    try:
        return Path((read_document(report) or {})["manifest"]["path"])  # type: ignore[index]
    except (LookupError, TypeError):
        return None
