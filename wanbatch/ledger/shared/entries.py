"""Writes of a ledger as lines of JSON, and back.

What it may not do: I/O, or write a row: an event's row is folded anew by the law of
states wherever it is read.

How it works: a line is a list whose first value says what it is. A ``Fold`` reads lines
in their order and keeps the rows so far; ``Contents`` are what it folds into.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import fields
from decimal import Decimal, InvalidOperation
from typing import Any, cast

from wanbatch.ledger.rows import (
    AUTHORISATION_FIELDS,
    LOOK_FIELDS,
    PLACEMENT_FIELDS,
    RUN_FIELDS,
    Happened,
    Note,
    Opened,
    Write,
    clean_event,
    clean_opening,
)
from wanbatch.ledger.sqlite import Contents
from wanbatch.model import lifecycle
from wanbatch.model.lifecycle import (
    Authorisation,
    Authority,
    Event,
    EventKind,
    Facts,
    IllegalTransition,
    Opening,
    Placement,
    RunRecord,
    State,
)
from wanbatch.model.looked import Looked

LOCAL = "copy:"
"""How the names of notes begin that concern this machine's copy alone."""

_OPENING = tuple(f.name for f in fields(Opening))
_AT, _PRICE, _AUTHORITY = map(_OPENING.index, ("at", "price", "authority"))

_FLAT: Mapping[str, tuple[Any, tuple[str, ...]]] = {
    "placement": (Placement, PLACEMENT_FIELDS),
    "run": (RunRecord, RUN_FIELDS),
    "authorisation": (Authorisation, AUTHORISATION_FIELDS),
    "look": (Looked, LOOK_FIELDS),
    "note": (Note, ("name", "value")),
}
_NAME_OF = {kind: name for name, (kind, _) in _FLAT.items()}

Line = list[Any]


class Unfit(Exception):
    """A line that does not follow from those before it."""


def is_shared(entry: Write) -> bool:
    """Whether others are told: all but what concerns this machine's copy."""
    return not (isinstance(entry, Note) and entry.name.startswith(LOCAL))


def is_intent(entry: Write) -> bool:
    """Whether a POST may follow once ``entry`` is durable."""
    return isinstance(entry, Opened) or (
        isinstance(entry, Happened) and entry.row.state is State.INTENT
    )


def write_line(entry: Write) -> Line:
    match entry:
        case Opened(row):
            values: Line = [row.intent_at if n == "at" else getattr(row, n) for n in _OPENING]
            values[_PRICE] = None if row.price is None else str(row.price)
            values[_AUTHORITY] = row.authority.value
            return ["opened", row.attempt_id, *values]
        case Happened(event, _, seq):
            return ["event", event.attempt_id, seq, event.kind.value, event.at, dict(event.facts)]
        case _:
            name = _NAME_OF[type(entry)]
            return [name, *(getattr(entry, field) for field in _FLAT[name][1])]


class Fold:
    """Rows as lines make them, on top of ``contents``, which follow."""

    def __init__(self, contents: Contents) -> None:
        self.contents = contents

    def read(self, lines: Iterable[Line]) -> list[Write]:
        """The writes of ``lines``, each folded in. Raises ``Unfit``."""
        return [self._read(line) for line in lines]

    def _read(self, line: Line) -> Write:
        try:
            entry = self._made(line)
        except (LookupError, TypeError, ValueError, InvalidOperation, IllegalTransition) as error:
            raise Unfit(f"{type(error).__name__} {error}") from error
        self.contents.take(entry)
        return entry

    def _made(self, line: Line) -> Write:
        kind, *values = line
        if kind == "opened":
            return self._opened(*values)
        if kind == "event":
            return self._happened(*values)
        make, names = _FLAT[kind]
        if len(values) != len(names):
            raise ValueError(f"a {kind} of {len(values)} values")
        return cast("Callable[..., Write]", make)(*values)

    def _opened(self, number: int, *values: object) -> Opened:
        if number in self.contents.attempts:
            raise ValueError(f"attempt {number} is opened twice")
        told = list(values)
        told[_PRICE] = None if told[_PRICE] is None else Decimal(str(told[_PRICE]))
        told[_AUTHORITY] = Authority(str(told[_AUTHORITY]))
        opening = clean_opening(cast("Callable[..., Opening]", Opening)(*told))
        return Opened(lifecycle.open_attempt(number, opening))

    def _happened(self, number: int, seq: int, kind: str, at: float, facts: Facts) -> Happened:
        if seq != self.contents.last[number] + 1:
            raise ValueError(f"event {seq} of attempt {number} is out of its order")
        event = clean_event(Event(number, EventKind(kind), at, facts))
        return Happened(event, lifecycle.apply(self.contents.attempts[number], event), seq)
