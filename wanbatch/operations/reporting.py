"""Writes the reports of a command's manifests, always from plan and ledger.

What it may not do: read a run's memory, or send anything.
"""

from __future__ import annotations

import math
import os
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import anyio

from wanbatch.config.profiles import load_profiles
from wanbatch.ledger.looks import read_looks
from wanbatch.manifest.load import load_manifests
from wanbatch.model.job import Manifest
from wanbatch.model.lifecycle import RunRecord, Snapshot, State
from wanbatch.model.looked import Looked
from wanbatch.model.period import Allowance
from wanbatch.model.plan import Plan
from wanbatch.model.report import Report
from wanbatch.model.workers import Workers
from wanbatch.operations.archives import open_archive, shelf_of
from wanbatch.operations.at_hand import look_with_copies
from wanbatch.operations.check import check
from wanbatch.operations.choose import choose_backend
from wanbatch.operations.elsewhere import refuse_older_ledger
from wanbatch.operations.events import Observer
from wanbatch.operations.folders import make_output
from wanbatch.operations.looking import Look, keep_looks, look_at_rest
from wanbatch.operations.looking import look as look_at_one
from wanbatch.operations.options import DEFAULT_OUTPUT, PlanningOptions
from wanbatch.operations.planning import look_and_plan, put_back_needed
from wanbatch.operations.pools import choose_workers, opened_pool
from wanbatch.operations.posters import MOST_S, ask_for_posters, hand_in_posters
from wanbatch.operations.presigning import (
    Presigning,
    open_presigning,
    read_lifetime,
    refuse_other_copies,
)
from wanbatch.operations.shared import ledger_file
from wanbatch.operations.summary import append_summary
from wanbatch.operations.viewings import Subject, Viewings
from wanbatch.plan.saved import Basis, complete
from wanbatch.report.addresses import (
    Shelf,
    with_addresses,
    with_signatures,
)
from wanbatch.report.collect import collect, with_last_run
from wanbatch.report.export import export_videofolder, refuse_used_folder
from wanbatch.report.formats.json import plan_head, plan_lines, plan_text, to_bytes
from wanbatch.report.formats.render import Format, base_for, format_of, render_file, render_signed
from wanbatch.report.head import read_document
from wanbatch.report.timing import last_at_work
from wanbatch.report.wording import moment
from wanbatch.report.write import write_report
from wanbatch.videos.folders import refuse_odd_places
from wanbatch.words.collector import collector_resting
from wanbatch.words.errors import ExitCode, WanbatchError


def write_reports(
    options: PlanningOptions,
    manifests: Sequence[Manifest],
    plan: Plan,
    snapshot: Snapshot,
    run_id: str | None = None,
    viewings: Viewings | None = None,
    shelf: Shelf | None = None,
) -> list[tuple[Path, Report]]:
    """Writes the report of every manifest; returns each page's path with its report.

    ``run_id`` ``None`` takes the last run of the plan's realm; where that had nothing
    to do, the report is about the one before it that had. What is known of the videos
    comes from the ledger, unless ``viewings`` know it. ``shelf`` is the store
    where videos live.
    """
    written = []
    viewings = viewings or viewings_of(options, plan, snapshot)
    looks = viewings.by_attempt(plan, snapshot)
    for manifest in manifests:
        every = [r for r in snapshot.runs if r.manifest == manifest.name and r.realm == plan.realm]
        runs = _up_to(every, run_id)
        own = [a for a in snapshot.attempts if a.manifest == manifest.name]
        folder = options.output / manifest.name
        make_output(folder)
        report = collect(
            manifest,
            plan,
            snapshot,
            last_at_work(runs, own),
            repeated_options(options, manifests),
            looks,
        )
        if shelf is not None:
            report = with_addresses(report, shelf.base, shelf.has_poster)
        report = with_last_run(report, runs[-1] if runs else None)
        report = replace(write_report(report, folder), folder=folder)
        written.append((folder / "report.html", report))
    append_summary([report for _, report in written])
    return written


def _up_to(runs: Sequence[RunRecord], run_id: str | None) -> Sequence[RunRecord]:
    """``runs`` to the one of this id; all, where it has none."""
    found = [at for at, run in enumerate(runs, start=1) if run.run_id == run_id]
    return runs[: found[-1]] if found else runs


def viewings_of(options: PlanningOptions, plan: Plan, snapshot: Snapshot) -> Viewings:
    """The videos of ``plan``, with what the ledger knows of them. Raises
    ``WanbatchError`` where it cannot be read."""
    stored = [a.sha256 for a in snapshot.attempts if a.state is State.STORED]
    known = read_looks(ledger_file(options, snapshot), stored)
    return Viewings(options.output, options.checks, plan, known)


@dataclass(frozen=True, slots=True)
class Rebuilt:
    """The pages' paths; for each target the report in the format that its name asks
    for, with links that hold there; the jobs whose videos were exported."""

    pages: tuple[Path, ...]
    rendered: tuple[tuple[Path, bytes], ...]
    exported: tuple[str, ...]


def rebuild_reports(
    options: PlanningOptions,
    targets: Sequence[Path],
    observe: Observer,
    videofolder: Path | None = None,
    look: Look = look_at_one,
    presign: str = "",
) -> Rebuilt:
    """Writes every manifest's report as after the last run, once ``look`` has looked
    at what no run has, and the done videos of the selection to ``videofolder``. With
    ``presign`` (``7d``) the targets are pages whose links work for so long. Raises
    ``WanbatchError``."""
    if videofolder is not None:
        refuse_used_folder(videofolder)
    formats = [format_of(target) for target in targets]
    lifetime = read_lifetime(presign) if presign else None
    if lifetime is not None:
        refuse_other_copies(list(targets))
    checked = check(options, observe)
    if targets and len(checked.manifests) != 1:
        raise WanbatchError(
            ExitCode.INVALID,
            "-o takes one manifest at a time",
            "run it once for each manifest, or leave out -o: each has its own folder",
        )
    refuse_shared_folders(options, checked.manifests)
    profile = choose_backend(options, checked.manifests, offline=True).profile
    refuse_odd_places(options.output, [m.name for m in checked.manifests])
    plan, snapshot, around = look_and_plan(options, checked, profile, observe)
    refuse_older_ledger(options, around)
    put_back_needed(options.output, plan)
    viewings = viewings_of(options, plan, snapshot)
    subjects = viewings.subjects(plan, snapshot)
    archive = open_archive(profile) if profile.store is not None else None
    has_answered = archive is not None and ask_for_posters(archive, subjects)
    if archive is not None:
        look = look_with_copies(look, options.output, archive, plan)
    workers = choose_workers(options.workers, profile.workers)
    new = _look_at_rest(options, workers, viewings, subjects, look)
    ledger = ledger_file(options, snapshot)
    if new and ledger.exists():  # what reads a shared one has no file of its own
        keep_looks(ledger, new)
    if archive is not None and has_answered:
        within_s = MOST_S if lifetime is None else math.inf  # a copy has one chance
        hand_in_posters(archive, options.output, subjects, within_s)
    shelf = shelf_of(profile, archive)
    written = write_reports(
        options, checked.manifests, plan, snapshot, viewings=viewings, shelf=shelf
    )
    signing = None
    if lifetime is not None:
        signing = open_presigning(profile, lifetime, time.time(), shelf)
    rendered = []
    for target, form in zip(targets, formats, strict=True):
        page, report = written[0]
        rendered.append((target, _rendered(report, form, base_for(target, page.parent), signing)))
    exported = []
    if videofolder is not None:
        chosen = [(page.parent, _selected(report, plan)) for page, report in written]
        exported = export_videofolder(chosen, videofolder)
    return Rebuilt(tuple(page for page, _ in written), tuple(rendered), tuple(exported))


def _rendered(report: Report, form: Format, way: str, signing: Presigning | None) -> bytes:
    if signing is None:
        return render_file(report, form, way)
    signed = with_signatures(report, signing.sign, signing.has_poster)
    return render_signed(signed, way, moment(signing.until))


def _look_at_rest(
    options: PlanningOptions,
    workers: Workers,
    viewings: Viewings,
    subjects: Sequence[Subject],
    look: Look,
) -> list[Looked]:
    subjects = [one for one in subjects if viewings.needed(one) is not None]
    if not subjects:
        return []
    hidden = load_profiles(os.environ).secret_names()
    with opened_pool(workers, options.output, hidden) as pool:
        return anyio.run(look_at_rest, pool, viewings, subjects, look)


def _selected(report: Report, plan: Plan) -> Report:
    """The report with the jobs that ``--select`` selects."""
    names = {e.name for e in plan.selected() if e.job.manifest == report.manifest.name}
    return replace(report, jobs=tuple(job for job in report.jobs if job.name in names))


@dataclass(frozen=True, slots=True)
class RenderedPlan:
    """A plan as the JSON document of ``schemas/plan.schema.json``, and its digest."""

    content: bytes
    digest: str


def render_plan(
    plan: Plan, manifests: Sequence[Manifest], basis: Basis, left: Sequence[Allowance] = ()
) -> RenderedPlan:
    """The plan as it is kept. ``basis`` is what it was made from beside its jobs,
    ``left`` what may still be spent in this day and month."""
    with collector_resting():
        lines = plan_lines(plan, manifests)
        head = plan_head(plan, manifests, left)
        document = complete(head, basis, (line.canonical for line in lines))
        return RenderedPlan(to_bytes(plan_text(document, lines)), str(document["digest"]))


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
