"""Checks a ledger against itself: is every row the fold of its events?

What it may not do: write, mend, or judge the videos.

How it works: reads one instant of the file; asks SQLite whether its pages are whole;
folds each attempt's events from its opening by ``lifecycle.apply`` and compares with
the row. A look must be a JSON object of a video's SHA-256. Findings are sentences for
people; none means sound.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import MISSING, fields, replace
from itertools import groupby
from pathlib import Path
from typing import Any

from wanbatch.ledger import rows, schema
from wanbatch.ledger.sqlite import is_missing, read_with
from wanbatch.model.lifecycle import (
    ATTEMPT_FIELDS,
    Attempt,
    Event,
    EventKind,
    IllegalTransition,
    Opening,
    apply,
)
from wanbatch.model.looked import Looked

_SHA256 = re.compile("[0-9a-f]{64}")
_BORN_WITH = frozenset(f.name for f in fields(Opening))
_BLANK: dict[str, Any] = {
    f.name: f.default
    for f in fields(Attempt)
    if f.default is not MISSING and f.name not in _BORN_WITH
}


def verify_ledger(path: Path) -> list[str]:
    """What is wrong with the ledger at ``path``; empty where it is sound or missing.
    Raises ``WanbatchError`` (ENVIRONMENT) where it cannot be read at all.
    """
    return [] if is_missing(path) else read_with(path, _findings)


def _findings(connection: schema.Connection) -> list[str]:
    connection.execute("BEGIN")
    broken = [str(text) for (text,) in connection.execute("PRAGMA quick_check") if text != "ok"]
    if broken:
        return broken
    attempts, last = rows.read_attempts(connection.execute(rows.SELECT_ATTEMPTS))
    events = {
        attempt_id: list(found)
        for attempt_id, found in groupby(
            connection.execute(rows.SELECT_EVENTS), key=lambda row: row[0]
        )
    }
    strangers = [
        f"attempt {attempt_id}: has events and no row"
        for attempt_id in events
        if attempt_id not in attempts
    ]
    folds = [
        text for i, row in attempts.items() for text in _check(row, last[i], events.get(i, []))
    ]
    looks = rows.read_looks(connection.execute(f"{rows.SELECT_LOOKS} ORDER BY sha256"))
    return strangers + folds + [text for look in looks for text in _check_look(look)]


def _check_look(look: Looked) -> Iterator[str]:
    name = f"the look at video {look.sha256[:12]}"
    if not _SHA256.fullmatch(look.sha256):
        yield f"{name}: this is no SHA-256"
    if not look.is_readable():
        yield f"{name}: what it found is no JSON object"


def _check(row: Attempt, last_seq: int, events: list[schema.SqlRow]) -> Iterator[str]:
    name = f"attempt {row.attempt_id}"
    if [seq for _, seq, *_ in events] != list(range(1, last_seq + 1)):
        yield f"{name}: its events are not numbered from 1 to {last_seq}"
    elif events[0][2] != EventKind.INTENT.value:
        yield f"{name}: its first event is {events[0][2]!r}, not 'intent'"
    else:
        try:
            folded = fold(row, events[1:])
        except (IllegalTransition, ValueError, KeyError) as error:
            yield f"{name}: its events do not fold: {error}"
        else:
            different = [n for n in ATTEMPT_FIELDS if getattr(folded, n) != getattr(row, n)]
            if different:
                yield (
                    f"{name}: the row is not the fold of its events; they differ in"
                    f" {', '.join(different)}"
                )


def fold(row: Attempt, events: list[schema.SqlRow]) -> Attempt:
    """The row that ``events`` (rows of ``SELECT_EVENTS`` after the first) make of the
    opening of ``row``."""
    folded = replace(row, **_BLANK | {"updated_at": row.intent_at})
    for _, _, kind, at, facts in events:
        folded = apply(
            folded,
            Event(
                row.attempt_id, EventKind(str(kind)), float(str(at)), rows.read_facts(str(facts))
            ),
        )
    return folded
