"""Local media against the limits of the API, before anything is sent.

What it may not do: fetch a URL, decode media, read a clock, or decide what a manifest
may name (the manifest's room resolves and contains paths).

How it works: job by job, in their order; a file is examined once, however many jobs use
it, and what is wrong is said once, at its first use, with all these jobs. From the one
open file come its facts, its size and its hash, so that what was judged is what was
hashed. ``judge`` then holds the facts against the table, and against the jobs.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from io import BufferedReader
from pathlib import Path

from wanbatch.media import judge
from wanbatch.media.expiry import expires_at
from wanbatch.media.judge import Examined, Objection
from wanbatch.media.limits import KINDS, LIMITS, MEGABYTE, Kind
from wanbatch.media.probe import READERS, probe
from wanbatch.media.urls import doubtful_uses, url_uses
from wanbatch.model.job import FileMedia, Job, Manifest, MediaInput, MediaType, UrlMedia
from wanbatch.model.media import FileDigest, UnreadableFile
from wanbatch.words.diagnostics import Cell, Diagnostic, Severity, merge
from wanbatch.words.files import file_length, hash_open_file, open_regular
from wanbatch.words.files import hash_file as hash_file
from wanbatch.words.hiding import hide_queries


@dataclass(frozen=True, slots=True)
class MediaFindings:
    """``digests`` by the paths of ``FileMedia``: of every file that could be read and
    is not too big."""

    digests: Mapping[Path, FileDigest]
    diagnostics: tuple[Diagnostic, ...]


Files = Sequence[tuple[Path, Kind]]


def examine_each(files: Files) -> Sequence[Examined]:
    """One after the other; a work pool does it side by side."""
    return [examine(*one) for one in files]


def check_media(
    manifests: Sequence[Manifest],
    now: float,
    examine_all: Callable[[Files], Sequence[Examined]] = examine_each,
) -> MediaFindings:
    """Examines every local file once, and says what is wrong. ``now`` is Unix seconds.
    Never raises for what files are or say."""
    files = _files_of(manifests)
    judge_once = _Judge(now, dict(zip(files, examine_all(files), strict=True)))
    found = [
        finding
        for manifest in manifests
        for job in manifest.jobs
        for item in job.media
        for finding in _new_findings(judge_once, job, item)
    ]
    found += [
        _diagnostic(doubt, use.job, use.input, use.input, Severity.ERROR)
        for use, doubt in doubtful_uses(url_uses(manifests))
    ]
    digests = {
        path: examined.digest for (path, _), examined in judge_once.files.items() if examined.digest
    }
    return MediaFindings(digests, tuple(with_sources(list(merge(found)))))


@dataclass(slots=True)
class _Judge:
    """What was found out so far, so that nothing is opened or judged twice."""

    now: float
    files: Mapping[tuple[Path, Kind], Examined]
    judged: dict[tuple[FileMedia, MediaType], list[Objection]] = field(default_factory=dict)
    first_uses: dict[object, MediaInput] = field(default_factory=dict)
    expiries: dict[str, Objection | None] = field(default_factory=dict)
    quiet: set[tuple[int, MediaType, int]] = field(default_factory=set)
    """Sources (by identity), what they are used as, and seconds of jobs, of which there
    is nothing to say: the jobs of a manifest mostly share their media, and a hundred
    thousand looks at one picture are half a second."""

    def file(self, source: FileMedia, media_type: MediaType) -> Examined:
        """The file, opened once for each kind that it is used as."""
        return self.files[source.path, KINDS[media_type]]

    def objections(self, source: FileMedia, media_type: MediaType) -> list[Objection]:
        """What is wrong with the file, whichever job uses it."""
        key = (source, media_type)
        if key not in self.judged:
            examined = self.file(source, media_type)
            self.judged[key] = list(
                judge.objections(source.source, source.path, media_type, examined)
            )
        return self.judged[key]

    def expiry(self, url: str) -> Objection | None:
        """Whether the URL's signature is good for long enough."""
        if url not in self.expiries:
            end = expires_at(url)
            self.expiries[url] = None if end is None else judge.expiry(end, self.now)
        return self.expiries[url]


def _new_findings(judge_once: _Judge, job: Job, item: MediaInput) -> Sequence[Diagnostic]:
    """``_findings``, unless another job with the same source was sound."""
    use = (id(item.source), item.type, job.seconds)
    if use in judge_once.quiet:
        return ()
    found = list(_findings(judge_once, job, item))
    if not found:
        judge_once.quiet.add(use)
    return found


def _files_of(manifests: Sequence[Manifest]) -> Files:
    """Every local file, once for each kind that it is used as."""
    found = (
        (item.source.path, KINDS[item.type])
        for manifest in manifests
        for job in manifest.jobs
        for item in job.media
        if isinstance(item.source, FileMedia)
    )
    return list(dict.fromkeys(found))


def _findings(judge_once: _Judge, job: Job, item: MediaInput) -> Iterator[Diagnostic]:
    """What is wrong with one of a job's media, said at its first use, and what it does
    to the job, said where the job names it.
    """
    source = item.source
    if isinstance(source, FileMedia):
        first = judge_once.first_uses.setdefault((source.path, KINDS[item.type]), item)
        for objection in judge_once.objections(source, item.type):
            yield _diagnostic(objection, job, item, first, Severity.ERROR)
        examined = judge_once.file(source, item.type)
        if odd := judge.oddity(source.source, examined):
            yield _diagnostic(odd, job, item, first, Severity.WARNING)
        if warning := judge.length_in_job(source.source, examined, job.seconds):
            yield _diagnostic(warning, job, item, item, Severity.WARNING)
    elif isinstance(source, UrlMedia) and (warning := judge_once.expiry(source.url)):
        first = judge_once.first_uses.setdefault(source.url, item)
        yield _diagnostic(warning, job, item, first, Severity.WARNING)


def examine(path: Path, kind: Kind) -> Examined:
    """What the file is. Its hash is taken only where its size is within the limit: a
    larger one is refused anyway."""

    def read(file: BufferedReader) -> Examined | UnreadableFile:
        length = file_length(file)
        facts = READERS[kind](file)
        fits = length <= LIMITS[kind].megabytes * MEGABYTE
        if isinstance(facts, UnreadableFile):
            return Examined(facts, length)
        return Examined(
            facts, length, FileDigest(hash_open_file(file), length, facts.mime) if fits else None
        )

    examined = probe(path, read)
    return Examined(examined) if isinstance(examined, UnreadableFile) else examined


def _diagnostic(
    objection: Objection, job: Job, item: MediaInput, first: MediaInput, severity: Severity
) -> Diagnostic:
    """A finding at the place of ``first``, about the job that has ``item``."""
    row = item.row() if item.row else None
    place = item.place if item.place != first.place else None
    return Diagnostic(
        objection.code,
        objection.message,
        first.place,
        first.route,
        objection.label,
        objection.help,
        cell=job.name,
        severity=severity,
        row=row,
        cells=(Cell(job.name, objection.message, objection.label, objection.help, row, place),),
    )


def with_sources(found: Sequence[Diagnostic]) -> Iterator[Diagnostic]:
    """The findings with the lines of the manifests that they point at, queries hidden;
    empty where a manifest cannot be read again."""
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
