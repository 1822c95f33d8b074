"""Packs the jobs of a document for the page: what the page reads of them, and nothing
twice.

What it may not do: change a value that the page reads, or know what one means.

How it works: ``SHAPES`` names the fields of each kind of record, those of
``web/types.d.ts`` (a test compares the two). A record becomes a list: a number whose
bits say which fields it has, then these. A field that it has not takes the value that
most records of its kind have, or, in an attempt, that of its job. Words that come again
and again are numbers of a list of words. ``web/unpack.js`` does the reverse. Of a check
that is met the page needs no words: its name and what was measured say it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, cast

from wanbatch.words.canonical import Json

Kind = Literal["plain", "record", "records", "word"]


@dataclass(frozen=True, slots=True)
class Field:
    """``of`` names the shape of what a field holds, ``like`` the field of the record
    around this one whose value it has unless it says otherwise."""

    name: str
    kind: Kind = "plain"
    of: str = ""
    like: str = ""


def _plain(names: str) -> tuple[Field, ...]:
    return tuple(Field(name) for name in names.split())


SHAPES: Mapping[str, tuple[Field, ...]] = {
    "job": (
        *_plain("name id axes tags fingerprint state backend task_id"),
        Field("request", "record", "request"),
        Field("timings", "record", "timings"),
        Field("cost", "record", "cost"),
        Field("error", "record", "fault"),
        Field("attempts", "records", "attempt"),
        Field("output", "record", "output"),
        *_plain("poster preview frames"),
        Field("checks", "records", "check"),
    ),
    "request": (
        *_plain("model prompt negative_prompt seconds size seed prompt_extend watermark"),
        Field("media", "records", "media"),
    ),
    "media": (*_plain("type"), Field("source", "word"), Field("sha256", "word")),
    "timings": _plain("submitted_at stored_at queue_s submit_s generation_s download_s"),
    "cost": _plain("spent reserved currency"),
    "fault": (Field("code", "word"), Field("message", "word")),
    "attempt": (
        *_plain("state authority manifest reason"),
        Field("job", like="name"),
        Field("task_id", like="task_id"),
        Field("timings", "record", "timings", like="timings"),
        Field("cost", "record", "cost", like="cost"),
        Field("error", "record", "fault", like="error"),
    ),
    "output": _plain("path sha256 bytes seconds width height fps has_audio"),
    "check": (Field("name", "word"), *_plain("passed value"), Field("message", "word")),
}
"""Every kind of record that the page reads, a field before those that are like it."""

Record = Mapping[str, Json]


def pack_jobs(jobs: Sequence[Json], former: Sequence[Json]) -> dict[str, Json]:
    """The page's ``jobs`` and ``former``, with the ``shapes`` and ``words`` that they
    are unpacked by."""
    packer = _Packer([*_records(jobs), *_records(former)])
    return {
        "jobs": [packer.pack("job", job) for job in _records(jobs)],
        "former": [packer.pack("job", job) for job in _records(former)],
        "shapes": packer.shapes(),
        "words": list(packer.words),
    }


class _Packer:
    def __init__(self, jobs: Sequence[Record]) -> None:
        self._counts: dict[str, dict[str, Counter[Json]]] = {
            shape: {field.name: Counter() for field in fields if _has_default(field)}
            for shape, fields in SHAPES.items()
        }
        for job in jobs:
            self._count("job", job)
        self._usual: dict[str, dict[str, Json]] = {
            shape: {name: _most_common(counter) for name, counter in counters.items()}
            for shape, counters in self._counts.items()
        }
        self.words: dict[Json, int] = {}

    def shapes(self) -> dict[str, Json]:
        """Each field as [name, kind, of, like, usual value]."""
        return {
            shape: [
                [field.name, field.kind, field.of, field.like, self._usual[shape].get(field.name)]
                for field in fields
            ]
            for shape, fields in SHAPES.items()
        }

    def pack(self, shape: str, record: Record, around: Record | None = None) -> list[Json]:
        """``[bits, value, …]``: the values that differ from what is usual."""
        bits, values = 0, list[Json]()
        for place, field in enumerate(SHAPES[shape]):
            value = _read(shape, record, field)
            if around is not None and field.like:
                usual = around.get(field.like)
            else:
                usual = self._usual[shape].get(field.name)
            if value == usual or (value in ([], {}) and usual is None):
                continue
            bits |= 1 << place
            values.append(self._packed(field, value, record))
        return [bits, *values]

    def _packed(self, field: Field, value: Json, around: Record) -> Json:
        if value is None:
            return None
        if field.kind == "record":
            return self.pack(field.of, cast("Record", value))
        if field.kind == "records":
            return [self.pack(field.of, one, around) for one in _records(value)]
        if field.kind == "word":
            return self.words.setdefault(value, len(self.words))
        return value

    def _count(self, shape: str, record: Record) -> None:
        counters = self._counts[shape]
        for field in SHAPES[shape]:
            value = _read(shape, record, field)
            if field.name in counters and (value is None or isinstance(value, str | int | float)):
                counters[field.name][value] += 1
            elif field.kind == "record" and value is not None:
                self._count(field.of, cast("Record", value))
            elif field.kind == "records":
                for one in _records(value):
                    self._count(field.of, one)


def _has_default(field: Field) -> bool:
    return field.kind == "plain" and not field.like


def _read(shape: str, record: Record, field: Field) -> Json:
    if shape == "check" and field.name == "message" and record.get("passed"):
        return None
    return record.get(field.name)


def _most_common(counter: Counter[Json]) -> Json:
    """``None`` where nothing comes twice."""
    found = counter.most_common(1)
    return found[0][0] if found and found[0][1] > 1 else None


def _records(value: Json | Sequence[Json]) -> Sequence[Record]:
    return cast("Sequence[Record]", value or ())
