"""Local media against the limits of the API, before anything is sent.

What it may not do: fetch a URL, decode media, read a clock, or decide what a manifest may name (the manifest's room resolves and contains paths).

How it works: the jobs' media are gathered by file, so that a file is examined once, however many jobs use it, and reported at the place of the
first. From the one open file come its facts, its size and its hash, so that what was judged is what was hashed. ``judge`` then holds the facts
against the table, and against the jobs.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from io import BufferedReader
from pathlib import Path

from wanbatch.diagnostics import Diagnostic, Place, Severity
from wanbatch.manifest.hiding import hide_queries
from wanbatch.manifest.model import FileMedia, Job, Manifest, MediaInput, UrlMedia
from wanbatch.media import judge
from wanbatch.media.expiry import expires_at
from wanbatch.media.files import file_length, hash_open_file, open_regular
from wanbatch.media.files import hash_file as hash_file
from wanbatch.media.judge import Examined, Objection
from wanbatch.media.limits import KINDS, LIMITS, MEGABYTE, Kind
from wanbatch.media.model import FileDigest, Unreadable
from wanbatch.media.probe import READERS, probe
from wanbatch.media.urls import doubtful_uses, url_uses


@dataclass(frozen=True, slots=True)
class MediaFindings:
    """``digests`` by the paths of ``FileMedia``: of every file that could be read and is not too big."""

    digests: Mapping[Path, FileDigest]
    diagnostics: tuple[Diagnostic, ...]


@dataclass(frozen=True, slots=True)
class _Use:
    job: Job
    input: MediaInput


@dataclass(slots=True)
class _Uses:
    """Who uses what, in the order of the jobs. ``at_place`` counts the jobs that share a place in the manifest."""

    files: dict[tuple[Path, Kind], list[_Use]] = field(default_factory=dict)
    urls: dict[str, list[_Use]] = field(default_factory=dict)
    at_place: Counter[Place] = field(default_factory=Counter)


def check_media(manifests: Sequence[Manifest], now: float) -> MediaFindings:
    """Examines every local file once, and says what is wrong. ``now`` is Unix seconds. Never raises for what files are or say."""
    uses = _gather(manifests)
    digests: dict[Path, FileDigest] = {}
    found: list[Diagnostic] = []
    for (path, kind), users in uses.files.items():
        examined = examine(path, kind)
        if examined.digest:
            digests[path] = examined.digest
        source = users[0].input.source
        name = source.source if isinstance(source, FileMedia) else str(path)
        found += [
            _diagnostic(o, users, uses, Severity.ERROR)
            for o in judge.objections(name, path, users[0].input.type, examined)
        ]
        if odd := judge.oddity(name, examined):
            found.append(_diagnostic(odd, users, uses, Severity.WARNING))
        found += _warnings(name, examined, users, uses)
    for url, users in uses.urls.items():
        if (end := expires_at(url)) is not None and (objection := judge.expiry(end, now)):
            found.append(_diagnostic(objection, users, uses, Severity.WARNING))
    for use, doubt in doubtful_uses(url_uses(manifests)):
        found.append(_diagnostic(doubt, [_Use(use.job, use.input)], uses, Severity.ERROR))
    return MediaFindings(digests, tuple(with_sources(found)))


def examine(path: Path, kind: Kind) -> Examined:
    """What the file is. Its hash is taken only where its size is within the limit: a larger one is refused anyway."""

    def read(file: BufferedReader) -> Examined | Unreadable:
        length = file_length(file)
        facts = READERS[kind](file)
        fits = length <= LIMITS[kind].megabytes * MEGABYTE
        if isinstance(facts, Unreadable):
            return Examined(facts, length)
        return Examined(
            facts, length, FileDigest(hash_open_file(file), length, facts.mime) if fits else None
        )

    examined = probe(path, read)
    return Examined(examined) if isinstance(examined, Unreadable) else examined


def _gather(manifests: Sequence[Manifest]) -> _Uses:
    uses = _Uses()
    for manifest in manifests:
        for job in manifest.jobs:
            for item in job.media:
                uses.at_place[item.place] += 1
                if isinstance(item.source, FileMedia):
                    uses.files.setdefault((item.source.path, KINDS[item.type]), []).append(
                        _Use(job, item)
                    )
                elif isinstance(item.source, UrlMedia):
                    uses.urls.setdefault(item.source.url, []).append(_Use(job, item))
    return uses


def _warnings(
    name: str, examined: Examined, users: Sequence[_Use], uses: _Uses
) -> Iterator[Diagnostic]:
    """What the file does to the jobs that use it, once per place in the manifest."""
    by_place: dict[Place, list[_Use]] = {}
    objections: dict[Place, Objection] = {}
    for use in users:
        if objection := judge.length_in_job(name, examined, use.job.seconds):
            by_place.setdefault(use.input.place, []).append(use)
            objections.setdefault(use.input.place, objection)
    for place, affected in by_place.items():
        yield _diagnostic(objections[place], affected, uses, Severity.WARNING)


def _diagnostic(
    objection: Objection, affected: Sequence[_Use], uses: _Uses, severity: Severity
) -> Diagnostic:
    """The finding at the first use; it names the job where other jobs of the same place have nothing wrong."""
    first = affected[0]
    place = first.input.place
    here = sum(use.input.place == place for use in affected)
    cell = first.job.name if here < uses.at_place[place] else ""
    return Diagnostic(
        objection.code,
        objection.message,
        place,
        ("media", first.input.type),
        objection.label,
        objection.help,
        cell=cell,
        severity=severity,
    )


def with_sources(found: Sequence[Diagnostic]) -> Iterator[Diagnostic]:
    """The findings with the lines of the manifests that they point at, queries hidden; empty where a manifest cannot be read again."""
    lines: dict[str, list[str]] = {}
    for finding in found:
        place = finding.place
        if place.path not in lines:
            lines[place.path] = _lines(Path(place.path))
        here = lines[place.path][place.line - 1 : place.line]
        if not here:
            yield finding
            continue
        source = hide_queries(here[0])
        shorter = (
            place
            if source == here[0]
            else replace(
                place, end_column=max(place.column, min(place.end_column, len(source) + 1))
            )
        )
        yield replace(finding, source=source, place=shorter)


def _lines(path: Path) -> list[str]:
    try:
        with open_regular(path) as file:
            return [
                line.rstrip("\r") for line in file.read().decode("utf-8-sig", "replace").split("\n")
            ]
    except OSError:
        return []
