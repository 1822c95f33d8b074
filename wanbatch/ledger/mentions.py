"""Which manifests, locks and reviews refer to which attempt, and until when they did.

What it may not do: read a manifest, or decide what is old (``operations.clean`` does).

How it works: a *referrer* is a file under a path relative to the output folder, so that
a project may move as a whole; ``told`` is what else a manifest is read with
(variables). A mention lives until somebody has looked and found that its referrer names
the attempt no more: then it is *dropped*, and its age counts from that look. So what
nobody has looked at is never old, and a run whose manifest has not changed writes next
to nothing. Instants only ever grow: a clock that was set back makes nothing older.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Set
from dataclasses import dataclass, field
from pathlib import Path

from wanbatch.ledger.schema import Connection
from wanbatch.ledger.sqlite import is_missing, read_with, write_with


@dataclass(frozen=True, slots=True)
class Referrer:
    """A file that refers to videos: ``kind`` is ``manifest``, ``lock`` or
    ``review``."""

    kind: str
    path: str
    told: str = ""


@dataclass(frozen=True, slots=True)
class Seen:
    """A referrer, since when it is known, when it was read last, and which attempts it
    named until when; 0.0 for those that it names as far as anybody knows."""

    referrer: Referrer
    since: float
    seen_at: float
    attempts: Mapping[int, float] = field(default_factory=dict)


def read_mentions(path: Path) -> list[Seen]:
    """All referrers of the ledger at ``path``, in the order in which it met them; none
    where there is no file. Raises ``WanbatchError`` (ENVIRONMENT)."""
    return [] if is_missing(path) else read_with(path, _read)


def _read(connection: Connection) -> list[Seen]:
    named: dict[object, dict[int, float]] = {}
    for referrer_id, attempt_id, at in connection.execute(
        "SELECT referrer_id, attempt_id, dropped_at FROM mentions"
    ):
        named.setdefault(referrer_id, {})[int(str(attempt_id))] = float(str(at))
    return [
        Seen(
            Referrer(str(kind), str(path), str(told)),
            float(str(since)),
            float(str(seen_at)),
            named.get(referrer_id, {}),
        )
        for referrer_id, kind, path, told, since, seen_at in connection.execute(
            "SELECT referrer_id, kind, path, told, since, seen_at FROM referrers"
            " ORDER BY referrer_id"
        )
    ]


def note_mentions(path: Path, found: Mapping[Referrer, Collection[int]], at: float) -> None:
    """Records that these referrers were read at Unix second ``at``, and name these
    attempts and no others. Hold the folder's ``RunLock``. Raises ``WanbatchError``
    (ENVIRONMENT)."""
    write_with(path, lambda connection: _note(connection, found, at))


def _note(connection: Connection, found: Mapping[Referrer, Collection[int]], at: float) -> None:
    ((latest,),) = connection.execute("SELECT coalesce(max(seen_at), 0.0) FROM referrers")
    at = max(at, float(str(latest)))
    known = {attempt_id for (attempt_id,) in connection.execute("SELECT attempt_id FROM attempts")}
    for referrer, attempts in found.items():
        _renew(connection, _referrer_id(connection, referrer, at), known.intersection(attempts), at)


def _referrer_id(connection: Connection, referrer: Referrer, at: float) -> int:
    connection.execute(
        "INSERT INTO referrers (kind, path, told, since, seen_at) VALUES (?, ?, ?, ?, ?)"
        " ON CONFLICT (kind, path, told) DO UPDATE SET seen_at = excluded.seen_at",
        (referrer.kind, referrer.path, referrer.told, at, at),
    )
    rows = connection.execute(
        "SELECT referrer_id FROM referrers WHERE kind = ? AND path = ? AND told = ?",
        (referrer.kind, referrer.path, referrer.told),
    )
    ((referrer_id,),) = rows
    return int(str(referrer_id))


def _renew(connection: Connection, referrer_id: int, attempts: Set[object], at: float) -> None:
    rows = connection.execute(
        "SELECT attempt_id FROM mentions WHERE referrer_id = ? AND dropped_at = 0.0", (referrer_id,)
    )
    living: set[object] = {attempt_id for (attempt_id,) in rows}
    changes = [(number, 0.0) for number in attempts - living]
    changes += [(number, at) for number in living - attempts]
    for number, dropped_at in changes:
        connection.execute(
            "INSERT OR REPLACE INTO mentions (referrer_id, attempt_id, dropped_at)"
            " VALUES (?, ?, ?)",
            (referrer_id, int(str(number)), dropped_at),
        )


def mentioned_until(seen: Iterable[Seen], now: float) -> dict[int, float]:
    """Until when each attempt was referred to, by whatever referrer: ``now`` for those
    that are, as far as anybody knows."""
    latest: dict[int, float] = {}
    for one in seen:
        for attempt_id, dropped_at in one.attempts.items():
            latest[attempt_id] = max(dropped_at or now, latest.get(attempt_id, 0.0))
    return latest
