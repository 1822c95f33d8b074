"""Values to SQL and back: attempts, events, placements, runs, looks.

What it may not do: open or write a file.

How it works: a write is a list of ``Statement``s, made here from one ``Write``; a row
becomes an ``Attempt`` by position, for a hundred thousand of them are read when a run
resumes. Text from outside may hold lone surrogates, which no database takes:
``clean_text`` replaces them at the door, before an event is folded, so that the row in
memory and the row on disk stay equal.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, fields, replace
from decimal import Decimal
from functools import lru_cache
from typing import Any, cast

from wanbatch.ledger.schema import SqlRow, SqlValue
from wanbatch.model.lifecycle import (
    ATTEMPT_FIELDS,
    Attempt,
    Authorisation,
    Authority,
    Event,
    EventKind,
    Facts,
    Opening,
    Placement,
    RunRecord,
    State,
    attempt_of,
)
from wanbatch.model.looked import Looked

PLACEMENT_FIELDS = tuple(f.name for f in fields(Placement))
RUN_FIELDS = tuple(f.name for f in fields(RunRecord))
AUTHORISATION_FIELDS = tuple(f.name for f in fields(Authorisation))
LOOK_FIELDS = tuple(f.name for f in fields(Looked))

# Every name that is put into SQL below is a field of a dataclass of ours; every value
# goes by parameter.
SELECT_ATTEMPTS = f"SELECT {', '.join(ATTEMPT_FIELDS)}, last_seq FROM attempts ORDER BY attempt_id"
SELECT_PLACEMENTS = f"SELECT {', '.join(PLACEMENT_FIELDS)} FROM placements ORDER BY rowid"
SELECT_RUNS = f"SELECT {', '.join(RUN_FIELDS)} FROM runs ORDER BY started_at, run_id"
SELECT_AUTHORISATIONS = (
    f"SELECT {', '.join(AUTHORISATION_FIELDS)} FROM authorisations ORDER BY authorisation_id"
)
SELECT_NOTES = "SELECT name, value FROM meta"
SELECT_LOOKS = f"SELECT {', '.join(LOOK_FIELDS)} FROM looks"
SELECT_EVENTS = "SELECT attempt_id, seq, kind, at, facts FROM events ORDER BY attempt_id, seq"
SELECT_ATTEMPT = f"SELECT {', '.join(ATTEMPT_FIELDS)}, last_seq FROM attempts WHERE attempt_id = ?"
SELECT_EVENTS_OF = (
    "SELECT attempt_id, seq, kind, at, facts FROM events WHERE attempt_id = ? ORDER BY seq"
)
SELECT_EVENTS_AFTER = "SELECT DISTINCT attempt_id FROM events WHERE event_id > ?"
SELECT_LAST_EVENT = "SELECT COALESCE(MAX(event_id), 0) FROM events"

_INSERT_ATTEMPT = (
    f"INSERT INTO attempts ({', '.join(ATTEMPT_FIELDS)}, last_seq) VALUES"
    f" ({', '.join('?' * len(ATTEMPT_FIELDS))}, 1)"
)
_INSERT_EVENT = "INSERT INTO events (attempt_id, seq, kind, at, facts) VALUES (?, ?, ?, ?, ?)"
_PUT_PLACEMENT = (
    f"INSERT OR REPLACE INTO placements ({', '.join(PLACEMENT_FIELDS)}) VALUES (?, ?, ?, ?, ?)"
)
_PUT_RUN = (
    f"INSERT OR REPLACE INTO runs ({', '.join(RUN_FIELDS)}) VALUES"
    f" ({', '.join('?' * len(RUN_FIELDS))})"
)
_PUT_AUTHORISATION = (
    f"INSERT INTO authorisations ({', '.join(AUTHORISATION_FIELDS)}) VALUES"
    f" ({', '.join('?' * len(AUTHORISATION_FIELDS))})"
)
_PUT_LOOK = (
    f"INSERT OR REPLACE INTO looks ({', '.join(LOOK_FIELDS)}) VALUES"
    f" ({', '.join('?' * len(LOOK_FIELDS))})"
)
_PUT_NOTE = "INSERT OR REPLACE INTO meta (name, value) VALUES (?, ?)"

_ENCODER = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), allow_nan=False)
_LARGEST_INTEGER = 2**63 - 1
"""SQLite's."""

Statement = tuple[str, tuple[SqlValue, ...]]


@dataclass(frozen=True, slots=True)
class Opened:
    """A new attempt: its row, and its ``INTENT`` event as number 1."""

    row: Attempt
    seq: int = 1


@dataclass(frozen=True, slots=True)
class Happened:
    """An event, numbered ``seq`` among its attempt's, and the row after it."""

    event: Event
    row: Attempt
    seq: int


@dataclass(frozen=True, slots=True)
class Note:
    """A value of the table ``meta``: what the ledger remembers of itself."""

    name: str
    value: str


Write = Opened | Happened | Placement | RunRecord | Authorisation | Looked | Note
"""One thing to write; all its statements go into one transaction."""


def statements_of(entry: Write) -> tuple[Statement, ...]:
    """The SQL that writes ``entry``."""
    match entry:
        case Opened(row):
            return (
                (_INSERT_ATTEMPT, _attempt_values(row)),
                (_INSERT_EVENT, (row.attempt_id, 1, EventKind.INTENT.value, row.intent_at, "{}")),
            )
        case Happened(event, row, seq):
            facts = cast("Mapping[str, SqlValue]", event.facts)
            return (
                (
                    _update_of(*facts),
                    (
                        *facts.values(),
                        row.state.value,
                        event.at,
                        event.kind.value,
                        seq,
                        event.attempt_id,
                    ),
                ),
                (
                    _INSERT_EVENT,
                    (event.attempt_id, seq, event.kind.value, event.at, write_facts(event.facts)),
                ),
            )
        case Placement():
            return (
                (
                    _PUT_PLACEMENT,
                    (entry.manifest, entry.job, entry.attempt_id, entry.path, entry.mtime_ns),
                ),
            )
        case Authorisation():
            values = tuple(getattr(entry, name) for name in AUTHORISATION_FIELDS)
            return ((_PUT_AUTHORISATION, values),)
        case Looked():
            return ((_PUT_LOOK, tuple(getattr(entry, name) for name in LOOK_FIELDS)),)
        case Note(name, value):
            return ((_PUT_NOTE, (name, value)),)
        case _:
            return ((_PUT_RUN, tuple(getattr(entry, name) for name in RUN_FIELDS)),)


@lru_cache(maxsize=256)
def _update_of(*facts: str) -> str:
    changes = "".join(f"{name} = ?, " for name in facts)
    return (
        f"UPDATE attempts SET {changes}state = ?, updated_at = ?, last_event = ?, last_seq = ?"
        " WHERE attempt_id = ?"
    )


def _attempt_values(row: Attempt) -> tuple[SqlValue, ...]:
    price = None if row.price is None else str(row.price)
    return tuple(price if name == "price" else getattr(row, name) for name in ATTEMPT_FIELDS)


def write_facts(facts: Facts) -> str:
    """Facts as they stand in the events table."""
    return _ENCODER.encode(facts)


def read_facts(text: str) -> Facts:
    """The inverse of ``write_facts``. Raises ``ValueError`` for anything that is not a
    JSON object."""
    facts = json.loads(text)
    if not isinstance(facts, dict):
        raise ValueError("an event's facts are not a JSON object")
    return cast("Facts", facts)


_STATES: Mapping[object, State] = {state.value: state for state in State}
_KINDS: Mapping[object, EventKind] = {kind.value: kind for kind in EventKind}
_AUTHORITIES: Mapping[object, Authority] = {authority.value: authority for authority in Authority}
_AUTHORITY, _PRICE, _STATE, _RETRYABLE, _HAS_AUDIO, _LAST_EVENT = map(
    ATTEMPT_FIELDS.index, ("authority", "price", "state", "retryable", "has_audio", "last_event")
)


def read_attempts(rows: Iterable[SqlRow]) -> tuple[dict[int, Attempt], dict[int, int]]:
    """Rows of ``SELECT_ATTEMPTS`` as attempts and as the numbers of their last events,
    both by attempt id.

    Raises ``KeyError`` or ``decimal.InvalidOperation`` for a word or a price that this
    version does not know.
    """
    attempts: dict[int, Attempt] = {}
    last: dict[int, int] = {}
    prices: dict[object, Decimal | None] = {None: None}
    for row in rows:
        known: list[object] = [*row]
        last_seq = cast("int", known.pop())
        text = known[_PRICE]
        if text not in prices:
            prices[text] = Decimal(str(text))
        known[_PRICE] = prices[text]
        known[_AUTHORITY] = _AUTHORITIES[known[_AUTHORITY]]
        known[_STATE] = _STATES[known[_STATE]]
        known[_LAST_EVENT] = _KINDS[known[_LAST_EVENT]]
        known[_RETRYABLE] = known[_RETRYABLE] == 1
        known[_HAS_AUDIO] = known[_HAS_AUDIO] == 1
        attempt = attempt_of(known)  # the schema promises the columns' types
        attempts[attempt.attempt_id] = attempt
        last[attempt.attempt_id] = last_seq
    return attempts, last


def read_placements(rows: Iterable[SqlRow]) -> dict[tuple[str, str, int], Placement]:
    """Rows of ``SELECT_PLACEMENTS`` by manifest, job and attempt."""
    make = cast("Callable[..., Placement]", Placement)
    found = (make(*row) for row in rows)
    return {key_of(placement): placement for placement in found}


def key_of(placement: Placement) -> tuple[str, str, int]:
    """What tells one placement from another: a later one with the same key takes its
    place."""
    return placement.manifest, placement.job, placement.attempt_id


def read_runs(rows: Iterable[SqlRow]) -> dict[tuple[str, str], RunRecord]:
    """Rows of ``SELECT_RUNS`` by run id and manifest."""
    make = cast("Callable[..., RunRecord]", RunRecord)
    found = (make(*row) for row in rows)
    return {(run.run_id, run.manifest): run for run in found}


def read_authorisations(rows: Iterable[SqlRow]) -> dict[int, Authorisation]:
    """Rows of ``SELECT_AUTHORISATIONS`` by their ids."""
    make = cast("Callable[..., Authorisation]", Authorisation)
    found = (make(*row) for row in rows)
    return {one.authorisation_id: one for one in found}


def read_notes(rows: Iterable[SqlRow]) -> dict[str, str]:
    """Rows of ``SELECT_NOTES``, values by name."""
    return {str(name): str(value) for name, value in rows}


def read_looks(rows: Iterable[SqlRow]) -> list[Looked]:
    """Rows of ``SELECT_LOOKS``."""
    make = cast("Callable[..., Looked]", Looked)
    return [make(*row) for row in rows]


def clean_text(text: str) -> str:
    """``text`` with lone surrogates, which JSON can carry and UTF-8 cannot, replaced by
    U+FFFD."""
    if text.isascii():
        return text
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def clean_event(event: Event) -> Event:
    """``event`` as it can be stored. Raises ``ValueError`` for facts that no ledger
    holds: an unknown name, NaN, an integer beyond 64 bits."""
    facts = cast("dict[str, SqlValue]", event.facts)
    cleaned = {name: _clean_fact(name, value) for name, value in facts.items()}
    if not math.isfinite(event.at):
        raise ValueError("at is not a finite number")
    return Event(event.attempt_id, event.kind, event.at, cast("Facts", cleaned))


def _clean_fact(name: str, value: SqlValue) -> SqlValue:
    if name not in _FACTS:
        raise ValueError(f"{name!r} is not a fact that an event can carry")
    if isinstance(value, str):
        return clean_text(value)
    if isinstance(value, float) and not math.isfinite(value):
        raise ValueError(f"{name} is not a finite number")
    if isinstance(value, int) and abs(value) > _LARGEST_INTEGER:
        raise ValueError(f"{name} is out of range")
    return value


def clean_opening(opening: Opening) -> Opening:
    """``opening`` as it can be stored. Raises ``ValueError`` for a price or an instant
    that is not a finite number."""
    if (opening.price is not None and not opening.price.is_finite()) or not math.isfinite(
        opening.at
    ):
        raise ValueError("an attempt's price and instant must be finite numbers")
    texts: dict[str, Any] = {name: clean_text(getattr(opening, name)) for name in _OPENING_TEXTS}
    return replace(opening, **texts)


_FACTS = frozenset(Facts.__annotations__)
_OPENING_TEXTS = (
    "fingerprint",
    "realm",
    "backend",
    "origin",
    "manifest",
    "job",
    "run_id",
    "request",
    "size",
    "currency",
)
