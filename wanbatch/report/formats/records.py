"""A report as one table: a row for each job, columns that have a name and a kind.

What it may not do: I/O, or know a file format (``tables``, ``parquet`` and
``videofolder`` write one each).

How it works: what every job has comes first, then an axis ``hour`` as ``axis.hour`` and
a check ``frozen`` as ``check.frozen``. A column of axes or checks has the kind that all
of its values have; where they differ it is a text. A check's value is what was
measured; of a check that measures nothing it is whether it passed. ``remarks`` names
the checks that found something.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from math import isfinite

from wanbatch.model.report import Check, Report, ReportJob
from wanbatch.report.wording import reach
from wanbatch.words.canonical import Json
from wanbatch.words.scalars import Scalar, scalar_text

Value = str | int | float | bool | Decimal | tuple[str, ...] | None


class Kind(StrEnum):
    """What the values of a column are; each may also be absent."""

    TEXT = "text"
    WHOLE = "whole"
    NUMBER = "number"
    FLAG = "flag"
    INSTANT = "instant"
    AMOUNT = "amount"
    TEXTS = "texts"


@dataclass(frozen=True, slots=True)
class Column:
    """Values in job order. An instant is in Unix seconds."""

    name: str
    kind: Kind
    values: tuple[Value, ...]


Read = Callable[[ReportJob], Value]


def make_columns(report: Report, base: str = "") -> tuple[Column, ...]:
    """All columns of a report. ``base`` leads to the manifest's folder."""
    jobs = report.jobs
    fixed = [Column(n, kind, tuple(map(read, jobs))) for n, kind, read in _fixed(base)]
    axes = dict.fromkeys(name for job in jobs for name, _ in job.axes)
    checks = dict.fromkeys(check.name for job in jobs for check in job.checks)
    return (
        *fixed,
        *(_axis(name, jobs) for name in axes),
        *(_check(name, jobs) for name in checks),
    )


def _fixed(base: str) -> tuple[tuple[str, Kind, Read], ...]:
    return (
        ("name", Kind.TEXT, lambda job: job.name),
        ("id", Kind.TEXT, lambda job: job.id),
        ("state", Kind.TEXT, lambda job: job.state.value),
        ("tags", Kind.TEXTS, lambda job: job.tags),
        ("seed", Kind.WHOLE, _asked_whole("seed")),
        ("prompt", Kind.TEXT, _asked("prompt")),
        ("negative_prompt", Kind.TEXT, _asked("negative_prompt")),
        ("model", Kind.TEXT, _asked("model")),
        ("seconds", Kind.WHOLE, _asked_whole("seconds")),
        ("size", Kind.TEXT, _asked("size")),
        ("prompt_extend", Kind.FLAG, _asked_flag("prompt_extend")),
        ("watermark", Kind.FLAG, _asked_flag("watermark")),
        ("media", Kind.TEXTS, lambda job: _media(job.request.get("media"))),
        ("backend", Kind.TEXT, lambda job: job.backend),
        ("task_id", Kind.TEXT, lambda job: job.task_id),
        ("fingerprint", Kind.TEXT, lambda job: job.fingerprint),
        ("attempts", Kind.WHOLE, lambda job: len(job.attempts)),
        ("submitted_at", Kind.INSTANT, lambda job: job.timings.submitted_at or None),
        ("stored_at", Kind.INSTANT, lambda job: job.timings.stored_at or None),
        ("queue_s", Kind.NUMBER, lambda job: _rounded(job.timings.queue_s)),
        ("submit_s", Kind.NUMBER, lambda job: _rounded(job.timings.submit_s)),
        ("generation_s", Kind.NUMBER, lambda job: _rounded(job.timings.generation_s)),
        ("download_s", Kind.NUMBER, lambda job: _rounded(job.timings.download_s)),
        ("spent", Kind.AMOUNT, lambda job: job.cost.spent),
        ("reserved", Kind.AMOUNT, lambda job: job.cost.reserved),
        ("currency", Kind.TEXT, lambda job: job.cost.currency),
        ("path", Kind.TEXT, lambda job: reach(base, job.output.path) if job.output else None),
        ("sha256", Kind.TEXT, lambda job: job.output.sha256 if job.output else None),
        ("bytes", Kind.WHOLE, lambda job: job.output.bytes if job.output else None),
        (
            "output_seconds",
            Kind.NUMBER,
            lambda job: _rounded(job.output.seconds) if job.output else None,
        ),
        ("width", Kind.WHOLE, lambda job: job.output.width if job.output else None),
        ("height", Kind.WHOLE, lambda job: job.output.height if job.output else None),
        ("fps", Kind.NUMBER, lambda job: _rounded(job.output.fps) if job.output else None),
        ("has_audio", Kind.FLAG, lambda job: job.output.has_audio if job.output else None),
        ("error_code", Kind.TEXT, lambda job: job.error.code if job.error else None),
        ("error_message", Kind.TEXT, lambda job: job.error.message if job.error else None),
        ("poster", Kind.TEXT, lambda job: reach(base, job.poster) if job.poster else None),
        ("preview", Kind.TEXT, lambda job: base + job.preview if job.preview else None),
        ("frames", Kind.TEXT, lambda job: base + job.frames if job.frames else None),
        ("remarks", Kind.TEXTS, lambda job: tuple(c.name for c in job.checks if not c.passed)),
    )


def _asked(field: str) -> Read:
    return lambda job: _as_text(job.request.get(field))


def _as_text(value: Json) -> str | None:
    return value if isinstance(value, str) or value is None else str(value)


def _asked_whole(field: str) -> Read:
    """A whole number of the request, which has ``seconds`` as a text on some wires."""

    def read(job: ReportJob) -> int | None:
        value = job.request.get(field)
        if isinstance(value, str) and value.isdecimal():
            return int(value)
        return value if isinstance(value, int) and not isinstance(value, bool) else None

    return read


def _asked_flag(field: str) -> Read:
    def read(job: ReportJob) -> bool | None:
        value = job.request.get(field)
        return value if isinstance(value, bool) else None

    return read


def _media(media: Json) -> tuple[str, ...]:
    if not isinstance(media, Sequence) or isinstance(media, str):
        return ()
    return tuple(f"{m['type']}={m['source']}" for m in media if isinstance(m, Mapping))


def _axis(name: str, jobs: Sequence[ReportJob]) -> Column:
    values: list[Scalar] = [dict(job.axes).get(name) for job in jobs]
    kind = _common_kind(values)
    if kind is Kind.TEXT:
        texts = (None if value is None else scalar_text(value) for value in values)
        return Column(f"axis.{name}", kind, tuple(texts))
    return Column(f"axis.{name}", kind, tuple(values))


def _check(name: str, jobs: Sequence[ReportJob]) -> Column:
    found = [next((c for c in job.checks if c.name == name), None) for job in jobs]
    measured = [check.value if check else None for check in found]
    if all(value is None for value in measured):
        return Column(f"check.{name}", Kind.FLAG, tuple(map(_passed, found)))
    kind = _common_kind(measured)
    if kind is Kind.TEXT:
        return Column(f"check.{name}", kind, tuple(v if v is None else str(v) for v in measured))
    return Column(f"check.{name}", Kind.NUMBER, tuple(map(_as_float, measured)))


def _passed(check: Check | None) -> bool | None:
    return None if check is None else check.passed


def _as_float(value: float | str | None) -> float | None:
    """Silence has minus infinity decibels, which no format holds."""
    known = isinstance(value, (int, float)) and isfinite(value)
    return float(value) if known and value is not None else None


def _common_kind(values: Sequence[Scalar]) -> Kind:
    """The kind that all of the values have that are there; else a text."""
    kinds = {type(value) for value in values if value is not None}
    if kinds == {bool}:
        return Kind.FLAG
    if kinds == {int}:
        return Kind.WHOLE if all(v is None or abs(int(v)) < 2**63 for v in values) else Kind.TEXT
    if kinds and kinds <= {int, float}:
        return Kind.NUMBER
    return Kind.TEXT


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 3)
