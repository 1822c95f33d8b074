"""Two reports side by side: what is new, gone, changed, identical, job by job.

What it may not do: I/O, or word a comparison (``formats.comparison`` does).

How it works: jobs are matched by name. Two are identical where the same was asked for
(by fingerprint, else field by field) and the same came of it: the same state, the same
bytes. Of all others what differs is told field by field, in the words of
``model.changes``. A lock is read as a report of what it keeps. ``merge`` makes one
report of both, for the page: its jobs have the axes ``run`` (A or B) and ``name``, and
their paths lead from the page to their own folders.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import cast
from urllib.parse import unquote

from wanbatch.model.changes import find_changes
from wanbatch.model.lock import Lock, LockEntry
from wanbatch.model.plan import JobState
from wanbatch.model.report import (
    Check,
    Cost,
    ManifestFacts,
    Output,
    Report,
    ReportJob,
    Totals,
)
from wanbatch.report import wording
from wanbatch.report.labels import STATES
from wanbatch.report.wording import reach
from wanbatch.words.canonical import Json
from wanbatch.words.names import name_job
from wanbatch.words.scalars import Scalar


class Standing(StrEnum):
    """How a job of one report stands to that of the other."""

    NEW = "new"
    GONE = "gone"
    CHANGED = "changed"
    IDENTICAL = "identical"


@dataclass(frozen=True, slots=True)
class Difference:
    """What differs in one field, in words; ``before`` and ``after`` are its values
    where it is one of the request."""

    field: str
    words: str
    before: Json = None
    after: Json = None


@dataclass(frozen=True, slots=True)
class Compared:
    """A name and what it stands for on both sides. ``same_as`` is the job of the other
    side that asked for the same under another name."""

    name: str
    standing: Standing
    differences: tuple[Difference, ...] = ()
    same_as: str = ""


@dataclass(frozen=True, slots=True)
class Comparison:
    """The jobs in B's order, what is gone after them."""

    jobs: tuple[Compared, ...]

    def count(self, standing: Standing) -> int:
        return sum(job.standing is standing for job in self.jobs)


def compare(a: Report, b: Report) -> Comparison:
    """What became of ``a`` in ``b``."""
    before = {job.name: job for job in a.jobs}
    after = {job.name: job for job in b.jobs}
    found = [
        _compared(before[name], job)
        if name in before
        else Compared(name, Standing.NEW, same_as=_namesake(job, a, after))
        for name, job in after.items()
    ]
    found += [
        Compared(name, Standing.GONE, same_as=_namesake(job, b, before))
        for name, job in before.items()
        if name not in after
    ]
    return Comparison(tuple(found))


def _namesake(job: ReportJob, other: Report, own: Mapping[str, ReportJob]) -> str:
    """The job of ``other`` that has the fingerprint of ``job`` and a name that its own
    report does not know."""
    return next(
        (o.name for o in other.jobs if o.fingerprint == job.fingerprint and o.name not in own), ""
    )


def _compared(before: ReportJob, after: ReportJob) -> Compared:
    found = tuple(_differences(before, after))
    return Compared(before.name, Standing.CHANGED if found else Standing.IDENTICAL, found)


def _differences(before: ReportJob, after: ReportJob) -> Iterator[Difference]:
    if before.fingerprint != after.fingerprint:
        asked = [*_asked_otherwise(before.request, after.request)]
        yield from asked
        if not asked and _rule(before) == _rule(after):
            yield Difference("identity", _NOT_SHOWN)
    if before.state is not after.state:
        yield Difference("state", f"{STATES[before.state]} → {STATES[after.state]}")
    elif (was := _fault(before)) != (is_now := _fault(after)):
        yield Difference("error", f"{was} → {is_now}")
    one, other = before.output, after.output
    if (one and one.sha256) != (other and other.sha256):
        yield Difference("video", f"{_video(one)} → {_video(other)}")
    yield from _verdicts_turned(before, after)


_NOT_SHOWN = "something that the request does not show, as the job that it takes media from"


def _rule(job: ReportJob) -> str:
    """The rule of a fingerprint (``wb2``): two of different rules always differ."""
    return job.fingerprint.partition(":")[0]


def _asked_otherwise(before: Mapping[str, Json], after: Mapping[str, Json]) -> Iterator[Difference]:
    for change in find_changes(before, after):
        part = change.part
        yield Difference(part, change.words, before.get(part), after.get(part))


def _fault(job: ReportJob) -> str:
    return f"{job.error.code}: {job.error.message}" if job.error else "none"


def _video(output: Output | None) -> str:
    if output is None:
        return "none"
    return (
        f"{wording.duration(output.seconds)}, {output.width} × {output.height}"
        f" ({output.sha256[:8]})"
    )


def _verdicts_turned(before: ReportJob, after: ReportJob) -> Iterator[Difference]:
    """Checks whose verdict is another; a check that only one side made tells
    nothing."""
    had = {check.name: check for check in before.checks}
    for check in after.checks:
        old = had.get(check.name)
        if old is not None and old.passed != check.passed:
            yield Difference(f"check {check.name}", f"{_verdict(old)} → {_verdict(check)}")


def _verdict(check: Check) -> str:
    return f"{'passed' if check.passed else 'remarked'} ({check.message})"


# -- a lock ----------------------------------------------------------------------------


def report_of_lock(lock: Lock, name: str) -> Report:
    """A committed lock as a report. What it does not keep (attempts, times, checks,
    where videos lie) stays unknown."""
    jobs = tuple(_locked(job, entry) for job, entry in lock.jobs.items())
    counts = Counter(job.state.value for job in jobs)
    return Report(
        manifest=ManifestFacts(name, "", ""),
        realm="paid",  # the emulator neither writes nor reads a lock
        run=None,
        totals=Totals(jobs=len(jobs), cost=Cost(None, None, ""), **counts),
        jobs=jobs,
    )


def _locked(name: str, entry: LockEntry) -> ReportJob:
    output = entry.output
    return ReportJob(
        name=name,
        id=name.partition("[")[0],
        axes=_axes(name),
        tags=(),
        fingerprint=entry.fingerprint,
        state=JobState(entry.state),
        backend="",
        task_id=entry.task_id or None,
        request=cast("Mapping[str, Json]", entry.request),
        cost=Cost(None, None, ""),
        output=None
        if output is None
        else Output(
            *("", output.sha256, output.bytes, output.seconds, output.width, output.height),
            fps=0.0,
            has_audio=False,
        ),
    )


def _axes(name: str) -> tuple[tuple[str, Scalar], ...]:
    """The axes that a name tells; a value that it cuts stays cut."""
    inside = name.partition("[")[2].removesuffix("]")
    pairs = (pair.partition("=") for pair in inside.split(",") if pair)
    return tuple((axis, unquote(value)) for axis, _, value in pairs)


# -- one report of both ----------------------------------------------------------------

SIDES = ("A", "B")
ROW = "name"
"""The axis of the page of both on which namesakes stand in one row."""


def merge(a: Report, b: Report, ways: tuple[str, str]) -> Report:
    """A report with the jobs of both, each beside its namesake. ``ways`` lead from the
    page's folder to the folder of each side, empty or ending with a slash."""
    before = {job.name: job for job in a.jobs}
    after = {job.name: job for job in b.jobs}
    jobs: list[ReportJob] = []
    for name in dict.fromkeys((*before, *after)):
        for side, way, found in zip(SIDES, ways, (before.get(name), after.get(name)), strict=True):
            if found is not None:
                jobs.append(_sided(found, side, way))
    same = a.manifest.name == b.manifest.name
    return Report(
        manifest=ManifestFacts(
            a.manifest.name if same else f"{a.manifest.name} – {b.manifest.name}",
            b.manifest.path,
            b.manifest.sha256,
        ),
        realm=b.realm if a.realm == b.realm else "paid",
        run=b.run,
        totals=_add_totals(a.totals, b.totals),
        jobs=tuple(jobs),
    )


def _sided(job: ReportJob, side: str, way: str) -> ReportJob:
    taken = {name for name, _ in job.axes}
    axis = "run" if "run" not in taken else "side"
    axes: tuple[tuple[str, Scalar], ...] = ((axis, side), *job.axes)
    row = () if ROW in taken else ((ROW, job.name),)
    output = job.output
    return replace(
        job,
        name=name_job(job.id, axes),
        axes=(*axes, *row),
        output=replace(output, path=reach(way, output.path)) if output and output.path else None,
        poster=reach(way, job.poster) if job.poster else None,
        preview=way + job.preview if job.preview else None,
        frames=way + job.frames if job.frames else None,
    )


def _add_totals(a: Totals, b: Totals) -> Totals:
    counts = {state.value: a.of(state) + b.of(state) for state in JobState}
    return Totals(
        jobs=a.jobs + b.jobs,
        cost=_add_costs(a.cost, b.cost),
        http_requests=a.http_requests + b.http_requests,
        **counts,
    )


def _add_costs(a: Cost, b: Cost) -> Cost:
    if None in (a.spent, b.spent, a.reserved, b.reserved) or (
        a.currency and b.currency and a.currency != b.currency
    ):
        return Cost(None, None, "")
    assert a.spent is not None and b.spent is not None  # noqa: S101, PT018 - looked at above
    assert a.reserved is not None and b.reserved is not None  # noqa: S101, PT018
    return Cost(a.spent + b.spent, a.reserved + b.reserved, a.currency or b.currency)
