"""Who referred to which attempt, and when last: manifests, locks and reviews that this
ledger has seen.

What it may not do: read a manifest, or decide what is old (``operations.clean`` does).

How it works: a *source* is a file under a path relative to the output folder, so that a
project may move as a whole; ``told`` is what else a manifest is read with (variables).
A mention is renewed at most once a day, so that a run writes next to nothing. Instants
only ever grow: a clock that was set back makes no mention older.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from wanbatch.ledger.schema import Connection
from wanbatch.ledger.sqlite import is_missing, read_with, write_with

RENEWED_AFTER_S = 86_400.0
"""A day: what counts is thirty of them."""


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
    named when."""

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
        "SELECT source_id, attempt_id, seen_at FROM mentions"
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
    """Records that these sources refer to these attempts at Unix second ``at``. Hold
    the folder's ``RunLock``. Raises ``WanbatchError`` (ENVIRONMENT)."""
    write_with(path, lambda connection: _note(connection, found, at))


def _note(connection: Connection, found: Mapping[Source, Collection[int]], at: float) -> None:
    ((latest,),) = connection.execute("SELECT coalesce(max(seen_at), 0.0) FROM sources")
    at = max(at, float(str(latest)))
    known = {attempt_id for (attempt_id,) in connection.execute("SELECT attempt_id FROM attempts")}
    for source, attempts in found.items():
        source_id = _source_id(connection, source, at)
        _renew(connection, source_id, sorted(known.intersection(attempts), key=str), at)


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


def _renew(connection: Connection, source_id: int, attempts: Sequence[object], at: float) -> None:
    fresh = {
        attempt_id
        for (attempt_id,) in connection.execute(
            "SELECT attempt_id FROM mentions WHERE source_id = ? AND seen_at > ?",
            (source_id, at - RENEWED_AFTER_S),
        )
    }
    for attempt_id in attempts:
        if attempt_id not in fresh:
            connection.execute(
                "INSERT OR REPLACE INTO mentions (source_id, attempt_id, seen_at) VALUES (?, ?, ?)",
                (source_id, int(str(attempt_id)), at),
            )


def latest_mentions(seen: Iterable[Seen]) -> dict[int, float]:
    """When each attempt was last referred to, by whatever source."""
    latest: dict[int, float] = {}
    for one in seen:
        for attempt_id, at in one.attempts.items():
            latest[attempt_id] = max(at, latest.get(attempt_id, 0.0))
    return latest
