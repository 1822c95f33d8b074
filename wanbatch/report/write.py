"""Writes a manifest's report folder: posters, ``report.json``, ``report.html``, the
record of a finished run; and reads reports again.

What it may not do: decide what a report says, or touch a video.

How it works: posters first, for the documents name them. They are cached under the
video's SHA-256, so a second report makes only what is new; a video without a poster is
shown without one. Every file is written beside its target and renamed. A finished run's
record is written once and kept: a report made later, with what a person decided since,
leaves it alone.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from hashlib import sha256
from pathlib import Path
from urllib.parse import quote

from wanbatch.model.report import Output, Report, ReportJob, is_inside
from wanbatch.report.formats.json import document_text, parse_report, report_document, to_bytes
from wanbatch.report.formats.page import render_page
from wanbatch.report.head import Head, read_head
from wanbatch.report.schema import find_violation
from wanbatch.report.thumbnails import add_thumbnails
from wanbatch.videos.stills import Undecodable, make_poster
from wanbatch.words.errors import ExitCode, WanbatchError
from wanbatch.words.files import open_regular, written_atomically

POSTER_WORKERS = min(4, os.cpu_count() or 1)
"""Decoding holds a core each; more than four would take the machine away from its
user."""


def write_report(report: Report, folder: Path) -> Report:
    """Writes the report into ``folder`` (``<output>/<manifest name>``) and returns it
    with its posters.

    Raises ``OSError`` where the folder cannot be written. A video that is missing or
    cannot be decoded only goes without a poster.
    """
    folder.mkdir(parents=True, exist_ok=True)
    report = add_thumbnails(add_posters(report, folder), folder)
    document = report_document(report)
    content = to_bytes(document_text(document))
    _keep_evidence(folder, report)
    _write(folder / "report.json", content)
    _write(folder / "report.html", to_bytes(render_page(report, document)))
    run = report.last_run or report.run
    if run is not None and run.finished_at is not None:
        record = folder / "runs" / f"{quote(run.id, safe='')}.json"
        if not record.exists():
            record.parent.mkdir(exist_ok=True)
            _write(record, content)
    return report


def _keep_evidence(folder: Path, report: Report) -> None:
    """What the present ``report.json`` alone may know of purchases goes to ``runs/``
    before it is replaced: one of another ledger, of a later state of this one, or of
    the paid realm."""
    present = folder / "report.json"
    head = read_head(present)
    if (head is None and not present.is_file()) or (head and head.realm != "paid"):
        return
    run_id = quote(head.run_id, safe="") if head else ""
    record = folder / "runs" / f"{run_id}.json"
    if head and run_id and (_knows(report, head) or not head.ledger_id) and record.exists():
        return
    if head and report.realm == "paid" and _knows(report, head):
        return
    content = present.read_bytes()
    if not run_id or (record.exists() and record.read_bytes() != content):
        digits = sha256(content).hexdigest()[:8]
        record = record.with_name(f"{run_id or 'unnamed'}.{digits}.json")
    if not record.exists():
        record.parent.mkdir(exist_ok=True)
        _write(record, content)


def _knows(report: Report, head: Head) -> bool:
    """Whether the report's ledger is the one of ``head``, and no younger."""
    ledger = report.ledger
    return ledger is not None and ledger.id == head.ledger_id and ledger.events >= head.events


def add_posters(report: Report, folder: Path) -> Report:
    """The report with ``poster`` set wherever there is one, after making those that
    were missing."""
    posters = folder / "posters"
    wanted = {
        _poster_name(job.output): job.output
        for job in (*report.jobs, *report.former)
        if job.output and is_inside(job.output.path)
    }
    present = {poster.name for poster in posters.iterdir()} if posters.is_dir() else set()
    present |= _make_posters(
        {name: folder / output.path for name, output in wanted.items() if name not in present},
        posters,
    )
    return replace(
        report,
        jobs=_with_posters(report.jobs, present),
        former=_with_posters(report.former, present),
    )


def read_report(path: Path) -> Report:
    """The report in a ``report.json`` or ``runs/RUN_ID.json``. Raises ``WanbatchError``
    (2) where there is none that the schema allows."""
    try:
        with open_regular(path) as file:
            document = json.loads(file.read())
    except OSError as error:
        raise WanbatchError(
            ExitCode.INVALID,
            f"{path} cannot be read: {error.strerror or error}",
            "wanbatch report writes one",
        ) from None
    except (ValueError, RecursionError):
        raise WanbatchError(
            ExitCode.INVALID, f"{path} is not JSON", "wanbatch report writes it anew"
        ) from None
    violation = find_violation(document, "report")
    if violation is not None:
        raise WanbatchError(
            ExitCode.INVALID,
            f"{path} is no report of format wanbatch/report@1: {violation}",
            "wanbatch report writes it anew",
        )
    return parse_report(document)


def _poster_name(output: Output) -> str:
    return f"{output.sha256[:24]}.webp"


def _make_posters(missing: dict[str, Path], posters: Path) -> set[str]:
    """The names of those that could be made."""
    videos = {name: video for name, video in missing.items() if video.is_file()}
    if not videos:
        return set()
    posters.mkdir(exist_ok=True)
    with ThreadPoolExecutor(POSTER_WORKERS) as pool:
        made = pool.map(lambda name: _make_poster(videos[name], posters / name), videos)
        return {name for name, is_made in zip(videos, made, strict=True) if is_made}


def _make_poster(video: Path, target: Path) -> bool:
    try:
        make_poster(video, target)
    except (Undecodable, OSError):
        return False
    return True


def _with_posters(jobs: Iterable[ReportJob], present: set[str]) -> tuple[ReportJob, ...]:
    return tuple(
        replace(job, poster=f"posters/{name}")
        if job.output and (name := _poster_name(job.output)) in present
        else replace(job, poster=None)
        for job in jobs
    )


def _write(target: Path, content: bytes) -> None:
    with written_atomically(target) as file:
        file.write(content)
