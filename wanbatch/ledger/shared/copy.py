"""This machine's copy of a shared ledger: an SQLite file that follows the segments.

What it may not do: be used without the store, or lose what only it knows.

How it works: a note in the file, the *mark*, says up to which segment it follows, and
up to which of its own events those segments hold. Events behind the mark are what no
segment is known to hold: they go to ``late/`` before the file is made anew. The mark
may lag (it is written with the next commit); then something is told twice, which does
no harm. Other writes, such as a person's word, are not told late: a copy that may hold
such is only made anew.
"""

from __future__ import annotations

import contextlib
import json
import os
import sqlite3
from collections.abc import Iterable, Sequence
from pathlib import Path

from wanbatch.ledger import rows
from wanbatch.ledger.merge import History, read_histories
from wanbatch.ledger.rows import Happened, Note, Opened, Write
from wanbatch.ledger.shared.documents import damaged, encode
from wanbatch.ledger.shared.entries import LOCAL, Fold, Unfit
from wanbatch.ledger.shared.segments import Position, Segment
from wanbatch.ledger.sqlite import Contents, SqliteStore, commit_patiently, open_store, read_with
from wanbatch.words.disk import sync_folder

MARK = f"{LOCAL}mark"
IN_ONE_COMMIT = 20_000
"""Writes of one transaction while a copy catches up: about 20 MB of log."""


def mark_note(position: Position, events: int, *, is_ahead: bool) -> Note:
    """What a copy remembers of how far it follows."""
    place = [position.epoch, position.number, position.hash, position.closed]
    return Note(MARK, encode([*place, events, is_ahead]))


def count_events(writes: Iterable[Write]) -> int:
    return sum(isinstance(entry, Opened | Happened) for entry in writes)


class Copy:
    """An open copy. ``events`` counts those of its events that segments hold, in the
    order of their commits; ``is_ahead`` tells whether anything at all was written that
    they may not hold."""

    def __init__(self, path: Path, store: SqliteStore, contents: Contents) -> None:
        self.path, self.store, self.contents = path, store, contents
        mark = contents.notes.get(MARK, '[0,0,"",true,0,false]')
        *place, self.events, self.is_ahead = json.loads(mark)
        self.position = Position(*place)

    @classmethod
    def open(cls, path: Path, ledger_id: str) -> Copy:
        """Creates it where it is missing. Raises as ``open_store``."""
        store, contents = open_store(path)
        copy = cls(path, store, contents)
        if contents.ledger_id != ledger_id:  # new, and named by chance
            copy._commit([Note("ledger_id", ledger_id)])
            contents.ledger_id = ledger_id
        return copy

    def close(self) -> None:
        self.store.close()

    def unshared(self) -> list[History]:
        """The attempts of which no segment is known to hold all events."""
        found = read_with(
            self.path,
            lambda connection: _numbers(connection, rows.SELECT_EVENTS_AFTER, self.events),
        )
        return read_histories(self.path, found) if found else []

    def follow(self, segments: Sequence[Segment]) -> None:
        """Takes up what the segments say, which follow ``position``. Raises
        ``SharedDamaged``, and ``WanbatchError`` for a disk that does not take it."""
        fold, batch = Fold(self.contents), list[Write]()
        for segment in segments:
            try:
                batch += fold.read(segment.lines)
            except Unfit as error:
                raise damaged(segment.position.name, str(error)) from error
            self.position = segment.position
            if len(batch) >= IN_ONE_COMMIT:
                self._take(batch)
                batch = []
        self._take(batch)

    def _take(self, batch: Sequence[Write]) -> None:
        self.events += count_events(batch)
        self._commit([*batch, mark_note(self.position, self.events, is_ahead=False)])

    def _commit(self, batch: Sequence[Write]) -> None:
        commit_patiently(self.store, batch)
        for entry in batch:
            if isinstance(entry, Note):
                self.contents.take(entry)


class View:
    """A copy as it was at one instant, while it is written on: of a moment when
    segments held all of it."""

    def __init__(self, path: Path, position: Position) -> None:
        self.position = position
        self._connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
        self._connection.execute("BEGIN")
        self.events = _numbers(self._connection, rows.SELECT_LAST_EVENT)[0]

    def image(self) -> bytes:
        """The file of that instant, without what is this machine's own. Takes its time:
        for a thread."""
        with contextlib.closing(self._connection), contextlib.closing(_memory()) as copy:
            self._connection.backup(copy)
            mark = mark_note(self.position, self.events, is_ahead=False)
            copy.execute("DELETE FROM meta WHERE substr(name, 1, ?) = ?", (len(LOCAL), LOCAL))
            for sql, values in rows.statements_of(mark):
                copy.execute(sql, values)
            return copy.serialize()


def _memory() -> sqlite3.Connection:
    return sqlite3.connect(":memory:", isolation_level=None)


def install(path: Path, image: Iterable[bytes] | None) -> None:
    """Puts the pieces of ``image``, or nothing at all, in the place of the copy at
    ``path``, which is closed and whose own events are in the store. Raises what the
    pieces raise, with the copy as it was."""
    making = path.with_name(f"{path.name}.new")
    if image is not None:
        making.unlink(missing_ok=True)
        making.touch(0o600, exist_ok=False)
        with making.open("wb") as file:
            file.writelines(image)
            file.flush()
            os.fsync(file.fileno())
    for end in ("-wal", "-shm", "-journal"):
        path.with_name(path.name + end).unlink(missing_ok=True)
    if image is None:
        path.unlink(missing_ok=True)
    else:
        making.replace(path)
    sync_folder(path.parent)


def _numbers(connection: sqlite3.Connection, sql: str, *values: int) -> list[int]:
    return [int(number) for (number,) in connection.execute(sql, values)]
