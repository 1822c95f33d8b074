"""Which manifests, locks and reviews refer to which attempt, and until when they did.

What it may not do: read a manifest, or decide what is old (``operations.clean`` does).

How it works: a *source* is a file under a path relative to the output folder, so that a
project may move as a whole; ``told`` is what else a manifest is read with (variables).
A mention lives until somebody has looked and found that its source names the attempt no
more: then it is *dropped*, and its age counts from that look. So what nobody has looked
at is never old, and a run whose manifest has not changed writes next to nothing.
Instants only ever grow: a clock that was set back makes nothing older.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Set
from dataclasses import dataclass, field
from pathlib import Path

from wanbatch.ledger.schema import Connection
from wanbatch.ledger.sqlite import is_missing, read_with, write_with


@dataclass(frozen=True, slots=True)
class Source:
    """A file that refers to videos: ``kind`` is ``manifest``, ``lock`` or
    ``review``."""

    kind: str
    path: str
    told: str = ""


@dataclass(frozen=True, slots=True)
class Seen:
    """A source, since when it is known, when it was read last, and which attempts it
    named until when; 0.0 for those that it names as far as anybody knows."""

    source: Source
    since: float
    seen_at: float
    attempts: Mapping[int, float] = field(default_factory=dict)


def read_mentions(path: Path) -> list[Seen]:
    """All sources of the ledger at ``path``, in the order in which it met them; none
    where there is no file. Raises ``WanbatchError`` (ENVIRONMENT)."""
    return [] if is_missing(path) else read_with(path, _read)


def _read(connection: Connection) -> list[Seen]:
    named: dict[object, dict[int, float]] = {}
    for source_id, attempt_id, at in connection.execute(
        "SELECT source_id, attempt_id, dropped_at FROM mentions"
    ):
        named.setdefault(source_id, {})[int(str(attempt_id))] = float(str(at))
    return [
        Seen(
            Source(str(kind), str(path), str(told)),
            float(str(since)),
            float(str(seen_at)),
            named.get(source_id, {}),
        )
        for source_id, kind, path, told, since, seen_at in connection.execute(
            "SELECT source_id, kind, path, told, since, seen_at FROM sources ORDER BY source_id"
        )
    ]


def note_mentions(path: Path, found: Mapping[Source, Collection[int]], at: float) -> None:
    """Records that these sources were read at Unix second ``at``, and name these
    attempts and no others. Hold the folder's ``RunLock``. Raises ``WanbatchError``
    (ENVIRONMENT)."""
    write_with(path, lambda connection: _note(connection, found, at))


def _note(connection: Connection, found: Mapping[Source, Collection[int]], at: float) -> None:
    ((latest,),) = connection.execute("SELECT coalesce(max(seen_at), 0.0) FROM sources")
    at = max(at, float(str(latest)))
    known = {attempt_id for (attempt_id,) in connection.execute("SELECT attempt_id FROM attempts")}
    for source, attempts in found.items():
        _renew(connection, _source_id(connection, source, at), known.intersection(attempts), at)


def _source_id(connection: Connection, source: Source, at: float) -> int:
    connection.execute(
        "INSERT INTO sources (kind, path, told, since, seen_at) VALUES (?, ?, ?, ?, ?)"
        " ON CONFLICT (kind, path, told) DO UPDATE SET seen_at = excluded.seen_at",
        (source.kind, source.path, source.told, at, at),
    )
    rows = connection.execute(
        "SELECT source_id FROM sources WHERE kind = ? AND path = ? AND told = ?",
        (source.kind, source.path, source.told),
    )
    ((source_id,),) = rows
    return int(str(source_id))


def _renew(connection: Connection, source_id: int, attempts: Set[object], at: float) -> None:
    rows = connection.execute(
        "SELECT attempt_id FROM mentions WHERE source_id = ? AND dropped_at = 0.0", (source_id,)
    )
    living: set[object] = {attempt_id for (attempt_id,) in rows}
    changes = [(number, 0.0) for number in attempts - living]
    changes += [(number, at) for number in living - attempts]
    for number, dropped_at in changes:
        connection.execute(
            "INSERT OR REPLACE INTO mentions (source_id, attempt_id, dropped_at) VALUES (?, ?, ?)",
            (source_id, int(str(number)), dropped_at),
        )


def mentioned_until(seen: Iterable[Seen], now: float) -> dict[int, float]:
    """Until when each attempt was referred to, by whatever source: ``now`` for those
    that are, as far as anybody knows."""
    latest: dict[int, float] = {}
    for one in seen:
        for attempt_id, dropped_at in one.attempts.items():
            latest[attempt_id] = max(dropped_at or now, latest.get(attempt_id, 0.0))
    return latest
