"""Where the videos of a report are read that live in an object store.

What it may not do: reach a store, or make a signature (``operations.presigning`` does);
a signature stands in a copy alone, never in a report's own files.

How it works: the ledger knows such a video by its name, ``sha256/ab/cd….mp4``; a report
says the whole address, under the profile's ``public_url`` where it has one.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import replace
from urllib.parse import quote, urlsplit

from wanbatch.model.archive import archived_name, is_archived
from wanbatch.model.report import Report, ReportJob
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


def with_addresses(report: Report, base: str) -> Report:
    """The report with the address of every video that lives in the store at
    ``base``."""
    return _with_paths(report, lambda path, _: f"{base}/{path}" if is_archived(path) else path)


def with_signatures(report: Report, sign: Callable[[str], str]) -> Report:
    """A copy whose addresses anybody can read; ``sign`` makes one of a name in the
    store."""
    return _with_paths(
        report,
        lambda path, sha256: sign(archived_name(sha256)) if is_address(path) else path,
    )


def origins_of(report: Report) -> tuple[str, ...]:
    """The servers that a page asks for the videos, as a content security policy names
    them."""
    paths = (job.output.path for job in (*report.jobs, *report.former) if job.output)
    parts = (urlsplit(path) for path in paths if is_address(path))
    found = {f"{one.scheme}://{one.netloc}" for one in parts}
    return tuple(sorted(one for one in found if _ORIGIN.fullmatch(one)))


def _with_paths(report: Report, change: Callable[[str, str], str]) -> Report:
    def changed(jobs: Iterable[ReportJob]) -> tuple[ReportJob, ...]:
        return tuple(
            job
            if job.output is None
            else replace(
                job,
                output=replace(job.output, path=change(job.output.path, job.output.sha256)),
            )
            for job in jobs
        )

    return replace(report, jobs=changed(report.jobs), former=changed(report.former))
