"""Writes a manifest's report folder: ``report.json``, ``report.html``, the record of a
finished run; and reads reports again.

What it may not do: decide what a report says, or touch a video.

How it works: posters, previews and film strips are made by whoever looks at a video
(``videos.looking``), under names that its SHA-256 gives; the documents name those that
are there, and a video without one is shown without. Every file is written beside its
target and renamed. A finished run's record is written once and kept: a report made
later, with what a person decided since, leaves it alone.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import replace
from hashlib import sha256
from pathlib import Path
from urllib.parse import quote

from wanbatch.model.report import Report, ReportJob
from wanbatch.report.addresses import is_address
from wanbatch.report.formats.json import document_text, parse_report, report_document, to_bytes
from wanbatch.report.head import Head, read_head
from wanbatch.report.schema import find_violation
from wanbatch.report.thumbnails import add_thumbnails
from wanbatch.words.errors import ExitCode, WanbatchError
from wanbatch.words.files import open_regular, written_atomically


def write_report(report: Report, folder: Path) -> Report:
    """Writes the report into ``folder`` (``<output>/<manifest name>``) and returns it
    with the pictures that are there.

    Raises ``OSError`` where the folder cannot be written.
    """
    folder.mkdir(parents=True, exist_ok=True)
    report = add_thumbnails(name_pictures(report, folder), folder)
    document = report_document(report)
    content = to_bytes(document_text(document))
    _keep_evidence(folder, report)
    _write(folder / "report.json", content)
    # Templates are loaded when there is something to show: a run begins sooner.
    from wanbatch.report.formats.page import render_page

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


def name_pictures(report: Report, folder: Path) -> Report:
    """The report with the poster, preview and film strip of each video that has
    one."""
    present = {
        f"{room}/{picture.name}"
        for room in ("posters", "previews", "frames")
        if (folder / room).is_dir()
        for picture in (folder / room).iterdir()
    }
    return replace(
        report,
        jobs=_with_pictures(report.jobs, present),
        former=_with_pictures(report.former, present),
    )


def poster_name(sha256: str) -> str:
    """Where a video's poster stands, relative to the manifest's folder."""
    return f"posters/{sha256[:24]}.webp"


def preview_name(sha256: str) -> str:
    """Where a video's preview stands."""
    return f"previews/{sha256[:24]}.mp4"


def frames_name(sha256: str) -> str:
    """Where a video's film strip stands."""
    return f"frames/{sha256[:24]}.webp"


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


def _with_pictures(jobs: Iterable[ReportJob], present: set[str]) -> tuple[ReportJob, ...]:
    return tuple(_with_pictures_of(job, present) for job in jobs)


def _with_pictures_of(job: ReportJob, present: set[str]) -> ReportJob:
    """What a report already names stays, where it is there; a poster in a store is."""
    sha256 = job.output.sha256 if job.output else ""
    poster, preview, frames = (
        next((name for name in names if name in present), None)
        for names in (
            (job.poster, poster_name(sha256)),
            (job.preview, preview_name(sha256)),
            (job.frames, frames_name(sha256)),
        )
    )
    if job.poster and is_address(job.poster):
        poster = job.poster
    return replace(job, poster=poster, preview=preview, frames=frames)


def _write(target: Path, content: bytes) -> None:
    with written_atomically(target) as file:
        file.write(content)
