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
from dataclasses import dataclass, replace
from urllib.parse import quote, urlsplit

from wanbatch.model.archive import archived_name, archived_poster, is_archived
from wanbatch.model.report import Report, ReportJob
from wanbatch.model.storage import Storage

_ORIGIN = re.compile(r"https?://[A-Za-z0-9.\-\[\]:]+")


@dataclass(frozen=True, slots=True)
class Shelf:
    """A store as a report leads to it: what comes before a name there, and by a video's
    SHA-256 whether it is known to have its poster."""

    base: str
    has_poster: Callable[[str], bool]


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
    shown = has_poster if is_showable(base) else nowhere
    return _led(report, is_archived, lambda name: f"{base}/{name}", shown)


def is_showable(base: str) -> bool:
    """Whether a browser reads what has an address under ``base``, and a page may say
    so."""
    return base.startswith("file://") or bool(_origins([base]))


def with_signatures(
    report: Report, sign: Callable[[str], str], has_poster: Callable[[str], bool] = nowhere
) -> Report:
    """A copy whose addresses anybody can read; ``sign`` makes one of a name in the
    store, ``has_poster`` knows the posters there by the video's SHA-256."""
    return _led(report, is_address, sign, has_poster)


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


def _led(
    report: Report,
    lives_there: Callable[[str], bool],
    lead: Callable[[str], str],
    has_poster: Callable[[str], bool],
) -> Report:
    """The report with every video that ``lives_there``, by its path, and its poster
    where ``lead`` leads from their names in the store."""

    def led(job: ReportJob) -> ReportJob:
        output = job.output
        if output is None or not lives_there(output.path):
            return job
        sha256 = output.sha256
        poster = lead(archived_poster(sha256)) if has_poster(sha256) else job.poster
        video = replace(output, path=lead(archived_name(sha256)))
        return replace(job, output=video, poster=poster)

    jobs, former = ([led(job) for job in some] for some in (report.jobs, report.former))
    return replace(report, jobs=tuple(jobs), former=tuple(former))
