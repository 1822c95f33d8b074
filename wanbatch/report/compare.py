"""Two reports side by side: what is new, gone, changed, identical, job by job.

What it may not do: I/O, or word a comparison (``formats.comparison`` does).

How it works: jobs are matched by name. Two are identical where the same was asked for
(by fingerprint, else field by field) and the same came of it: the same state, the same
bytes. Of all others each difference is a ``Change`` with what stood before and what
stands now. ``merge`` makes one report of both, for the page: its jobs have the axes
``run`` (A or B) and ``name``, and their paths lead from the page to their own folders.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from wanbatch.model.plan import JobState
from wanbatch.model.report import (
    Cost,
    ManifestFacts,
    Output,
    Report,
    ReportJob,
    Totals,
)
from wanbatch.report import wording
from wanbatch.report.labels import MEDIA, STATES
from wanbatch.words.canonical import Json
from wanbatch.words.names import name_job
from wanbatch.words.scalars import Scalar

FIELDS = (
    "model",
    "prompt",
    "negative_prompt",
    "seconds",
    "size",
    "seed",
    "prompt_extend",
    "watermark",
)
"""Of a request, in the order in which changes are told; its media come after them."""


class Standing(StrEnum):
    """How a job of one report stands to that of the other."""

    NEW = "new"
    GONE = "gone"
    CHANGED = "changed"
    IDENTICAL = "identical"


@dataclass(frozen=True, slots=True)
class Change:
    """One difference; ``None`` where there was nothing, or is nothing."""

    field: str
    before: str | None
    after: str | None


@dataclass(frozen=True, slots=True)
class Compared:
    """A name and what it stands for on both sides. ``same_as`` is the job of the other
    side that asked for the same under another name."""

    name: str
    standing: Standing
    changes: tuple[Change, ...] = ()
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
    changes = tuple(_changes(before, after))
    return Compared(before.name, Standing.CHANGED if changes else Standing.IDENTICAL, changes)


def _changes(before: ReportJob, after: ReportJob) -> Iterator[Change]:
    if before.fingerprint != after.fingerprint:
        asked = [*_request_changes(before.request, after.request)]
        yield from asked
        if not asked and _rule(before) == _rule(after):
            yield Change("identity", before.fingerprint, after.fingerprint)
    if before.state is not after.state:
        yield Change("state", STATES[before.state], STATES[after.state])
    was, is_now = _fault(before), _fault(after)
    if was != is_now and before.state is after.state:
        yield Change("error", was, is_now)
    yield from _output_changes(before.output, after.output)
    yield from _check_changes(before, after)


def _rule(job: ReportJob) -> str:
    """The rule of a fingerprint (``wb2``): two of different rules always differ."""
    return job.fingerprint.partition(":")[0]


def _request_changes(before: Mapping[str, Json], after: Mapping[str, Json]) -> Iterator[Change]:
    for field in FIELDS:
        was, is_now = _text(before.get(field)), _text(after.get(field))
        if was != is_now:
            yield Change(field, was, is_now)
    had, has = _media(before), _media(after)
    for kind in dict.fromkeys((*had, *has)):
        one, other = had.get(kind), has.get(kind)
        if one is None or other is None or not _is_same_media(one, other):
            label = MEDIA.get(kind, kind)  # type: ignore[call-overload]
            yield Change(str(label).lower(), _media_text(one), _media_text(other))


def _text(value: Json) -> str | None:
    if isinstance(value, bool):
        return "true" if value else "false"
    return None if value is None else str(value)


def _media(request: Mapping[str, Json]) -> dict[str, Mapping[str, Json]]:
    media = request.get("media")
    entries = media if isinstance(media, Sequence) and not isinstance(media, str) else ()
    return {str(one.get("type")): one for one in entries if isinstance(one, Mapping)}


def _is_same_media(one: Mapping[str, Json], other: Mapping[str, Json]) -> bool:
    """By content where both have a hash; else by what they are called."""
    if one.get("sha256") and other.get("sha256"):
        return one["sha256"] == other["sha256"]
    return one.get("source") == other.get("source")


def _media_text(media: Mapping[str, Json] | None) -> str | None:
    if media is None:
        return None
    digest = media.get("sha256")
    return f"{media.get('source')}" + (f" ({str(digest)[:8]})" if digest else "")


def _fault(job: ReportJob) -> str | None:
    return f"{job.error.code}: {job.error.message}" if job.error else None


def _output_changes(before: Output | None, after: Output | None) -> Iterator[Change]:
    if (before and before.sha256) != (after and after.sha256):
        yield Change("video", _video_text(before), _video_text(after))


def _video_text(output: Output | None) -> str | None:
    if output is None:
        return None
    return (
        f"{wording.duration(output.seconds)}, {output.width} × {output.height}"
        f" ({output.sha256[:8]})"
    )


def _check_changes(before: ReportJob, after: ReportJob) -> Iterator[Change]:
    """Checks whose verdict is another; a check that only one side made tells
    nothing."""
    had = {check.name: check for check in before.checks}
    for check in after.checks:
        old = had.get(check.name)
        if old is not None and old.passed != check.passed:
            yield Change(
                f"check {check.name}",
                _verdict(old.passed, old.message),
                _verdict(check.passed, check.message),
            )


def _verdict(passed: bool, message: str) -> str:
    return f"{'passed' if passed else 'remarked'}: {message}"


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
        output=replace(output, path=way + output.path) if output and output.path else None,
        poster=way + job.poster if job.poster else None,
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
