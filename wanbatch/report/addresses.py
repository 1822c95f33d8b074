"""Where the videos of a report, and their posters, are read that live in an object
store.

What it may not do: reach a store, or make a signature (``operations.presigning`` does);
a signature stands in a copy alone, never in a report's own files.

How it works: the ledger knows such a video by its name, ``sha256/ab/cd….mp4``; a report
says the whole address, under the profile's ``public_url`` where it has one. A poster
has an address only where a browser can show it; else the one beside the report serves.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import replace
from urllib.parse import quote, urlsplit

from wanbatch.model.archive import archived_name, archived_poster, is_archived
from wanbatch.model.report import Output, Report, ReportJob
from wanbatch.model.storage import Storage

_ORIGIN = re.compile(r"https?://[A-Za-z0-9.\-\[\]:]+")


def is_address(path: str) -> bool:
    """Whether a video's path is a whole address; no path on a disk holds ``://``."""
    return "://" in path


def base_address(storage: Storage) -> str:
    """What comes before a video's name."""
    if storage.public_url:
        return storage.public_url
    return quote(storage.url, safe="/:") if storage.scheme == "file" else storage.url


def nowhere(_sha256: str) -> bool:
    """No poster is known to be in a store."""
    return False


def with_addresses(
    report: Report, base: str, has_poster: Callable[[str], bool] = nowhere
) -> Report:
    """The report with the address of every video that lives in the store at ``base``,
    and of its poster where the store has that and a browser can show it. ``has_poster``
    is asked with a video's SHA-256."""
    is_shown = is_showable(base)

    def change(job: ReportJob, output: Output) -> ReportJob:
        if not is_archived(output.path):
            return job
        poster = archived_poster(output.sha256)
        return replace(
            job,
            output=replace(output, path=f"{base}/{output.path}"),
            poster=f"{base}/{poster}" if is_shown and has_poster(output.sha256) else job.poster,
        )

    return _changed(report, change)


def is_showable(base: str) -> bool:
    """Whether a browser reads what has an address under ``base``, and a page may say
    so."""
    return base.startswith("file://") or bool(_origins([base]))


def with_signatures(
    report: Report, sign: Callable[[str], str], has_poster: Callable[[str], bool] = nowhere
) -> Report:
    """A copy whose addresses anybody can read; ``sign`` makes one of a name in the
    store, ``has_poster`` knows the posters there by the video's SHA-256."""

    def change(job: ReportJob, output: Output) -> ReportJob:
        if not is_address(output.path):
            return job
        is_there = has_poster(output.sha256)
        return replace(
            job,
            output=replace(output, path=sign(archived_name(output.sha256))),
            poster=sign(archived_poster(output.sha256)) if is_there else job.poster,
        )

    return _changed(report, change)


def origins_of(report: Report) -> tuple[str, ...]:
    """The servers that a page asks for videos and posters, as a content security policy
    names them."""
    jobs = (*report.jobs, *report.former)
    return _origins(
        path
        for job in jobs
        for path in (job.output.path if job.output else "", job.poster or "")
        if is_address(path)
    )


def _origins(addresses: Iterable[str]) -> tuple[str, ...]:
    parts = (urlsplit(address) for address in addresses)
    found = {f"{one.scheme}://{one.netloc}" for one in parts}
    return tuple(sorted(one for one in found if _ORIGIN.fullmatch(one)))


def _changed(report: Report, change: Callable[[ReportJob, Output], ReportJob]) -> Report:
    """The report with every job that has a video changed."""

    def changed(jobs: Iterable[ReportJob]) -> tuple[ReportJob, ...]:
        return tuple(job if job.output is None else change(job, job.output) for job in jobs)

    return replace(report, jobs=changed(report.jobs), former=changed(report.former))
