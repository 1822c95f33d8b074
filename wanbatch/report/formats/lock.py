"""A committed lock file as a report: what was asked for and what came of it.

What it may not do: touch files, or trust the document, which came with a repository.

How it works: every field that is read is looked at first; the first that is not as it
should be is told with its place. What a lock does not keep (attempts, times, checks)
stays unknown.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping
from urllib.parse import unquote

from wanbatch.model.plan import JobState
from wanbatch.model.report import Cost, ManifestFacts, Output, Report, ReportJob, Totals
from wanbatch.words.canonical import Json
from wanbatch.words.scalars import Scalar

LOCK_SCHEMA = "wanbatch/lock@1"
_SHA256 = re.compile("[0-9a-f]{64}")


class NoLock(ValueError):
    """The document is no lock; the text says where and why."""


def parse_lock(document: Mapping[str, Json], name: str) -> Report:
    """The report of a lock called ``name``. Raises ``NoLock``."""
    entries = document.get("jobs")
    if not isinstance(entries, Mapping):
        raise NoLock("jobs: is no mapping of names to jobs")
    jobs = tuple(_job(str(key), entry) for key, entry in entries.items())
    counts = Counter(job.state.value for job in jobs)
    return Report(
        manifest=ManifestFacts(name, "", ""),
        realm="paid",  # the emulator neither writes nor reads a lock
        run=None,
        totals=Totals(jobs=len(jobs), cost=Cost(None, None, ""), **counts),
        jobs=jobs,
    )


def _job(name: str, entry: Json) -> ReportJob:
    place = f"jobs/{name}"
    fields = _mapping(entry, place)
    state = _text(fields, "state", place)
    if state not in list(JobState):
        raise NoLock(f"{place}/state: {state!r} is no state of a job")
    output = fields.get("output")
    return ReportJob(
        name=name,
        id=name.partition("[")[0],
        axes=_axes(name),
        tags=(),
        fingerprint=_text(fields, "fingerprint", place),
        state=JobState(state),
        backend="",
        task_id=_text(fields, "task_id", place) if fields.get("task_id") else None,
        request=_mapping(fields.get("request"), f"{place}/request"),
        cost=Cost(None, None, ""),
        output=None if output is None else _output(output, f"{place}/output"),
    )


def _output(value: Json, place: str) -> Output:
    fields = _mapping(value, place)
    digest = _text(fields, "sha256", place)
    if not _SHA256.fullmatch(digest):
        raise NoLock(f"{place}/sha256: is no SHA-256")
    return Output(
        path="",
        sha256=digest,
        bytes=int(_number(fields, "bytes", place)),
        seconds=_number(fields, "seconds", place),
        width=int(_number(fields, "width", place)),
        height=int(_number(fields, "height", place)),
        fps=0.0,
        has_audio=False,
    )


def _axes(name: str) -> tuple[tuple[str, Scalar], ...]:
    """The axes that a name tells; a value that it cuts stays cut."""
    inside = name.partition("[")[2].removesuffix("]")
    pairs = (pair.partition("=") for pair in inside.split(",") if pair)
    return tuple((axis, unquote(value)) for axis, _, value in pairs)


def _mapping(value: Json, place: str) -> Mapping[str, Json]:
    if not isinstance(value, Mapping):
        raise NoLock(f"{place}: is no mapping")
    return value


def _text(fields: Mapping[str, Json], name: str, place: str) -> str:
    value = fields.get(name)
    if not isinstance(value, str) or not value:
        raise NoLock(f"{place}/{name}: is no text")
    return value


def _number(fields: Mapping[str, Json], name: str, place: str) -> float:
    value: object = fields.get(name)
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 <= value < 1e15:
        raise NoLock(f"{place}/{name}: is no number")
    return value
