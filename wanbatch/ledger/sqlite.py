"""The ledger's file: opened, checked, brought up to date; written in groups, read
without standing in the way.

What it may not do: delete or rename the user's file, judge an event, retry a failed
write.

Theory of operation
-------------------
Write-ahead log, ``synchronous=FULL``: a ``COMMIT`` returns after one sync of the log,
and no reader ever waits for a writer or the other way round. Only a group of nothing
but looks is not synced: they can be made again, and the next sync of the log holds them
too. There is exactly one
connection that writes, in one thread, and it alone checkpoints, between commits (SQLite
3.7.0 to 3.51.2 may corrupt a log that two connections write or reset at once); readers
open the file read-only and so can do neither. Whoever else holds a lock (a ``sqlite3``
shell) is waited for in steps of ``BUSY_STEP_S``, so that an interrupt is heard between
them.

Errors of the disk and of the file become ``WanbatchError``s of exit code 4 that say
what is wrong and that nothing was lost.
"""

from __future__ import annotations

import contextlib
import os
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from decimal import InvalidOperation
from pathlib import Path
from typing import TypeVar
from urllib.parse import quote

from wanbatch.ledger import rows, schema
from wanbatch.model.lifecycle import Attempt, Authorisation, Placement, RunRecord
from wanbatch.model.looked import Looked
from wanbatch.words.collector import collector_resting
from wanbatch.words.disk import sync_folder
from wanbatch.words.errors import ExitCode, WanbatchError
from wanbatch.words.files import kind_of

T = TypeVar("T")

BUSY_STEP_S = 0.25
"""How long SQLite waits for a lock before we count a step: a copy or a reader is mostly
through by then."""
PATIENCE_STEPS = 240
"""How often opening or reading waits for a locked ledger: a minute in all. A write that
is under way waits without end."""

_COMPANIONS = ("-wal", "-shm", "-journal")
"""What SQLite keeps beside a database, by the ends of their names."""

CHECKPOINT_AFTER, CHECKPOINT_AT_LAST = 10_000, 40_000
"""Statements between two checkpoints, when nothing waits to be written and in any case:
about 10 and 40 MB of log."""


@dataclass(slots=True)
class Contents:
    """All rows of a ledger, by their keys; ``last`` numbers the last event of each
    attempt."""

    ledger_id: str = ""
    attempts: dict[int, Attempt] = field(default_factory=dict)
    last: dict[int, int] = field(default_factory=dict)
    placements: dict[tuple[str, str, int], Placement] = field(default_factory=dict)
    runs: dict[tuple[str, str], RunRecord] = field(default_factory=dict)
    authorisations: dict[int, Authorisation] = field(default_factory=dict)
    notes: dict[str, str] = field(default_factory=dict)

    def take(self, entry: rows.Write) -> None:
        """Follows one write."""
        match entry:
            case rows.Opened(row, seq) | rows.Happened(_, row, seq):
                self.attempts[row.attempt_id] = row
                self.last[row.attempt_id] = seq
            case Placement():
                self.placements[rows.key_of(entry)] = entry
            case Authorisation():
                self.authorisations[entry.authorisation_id] = entry
            case Looked():
                pass  # read from the file by those who need it (``looks``)
            case rows.Note(name, value):
                self.notes[name] = value
            case _:
                self.runs[entry.run_id, entry.manifest] = entry


class Busy(Exception):
    """Somebody else holds a lock on the file; nothing was written."""


class Damaged(WanbatchError):
    """The file is a ledger that cannot be read any more, or cannot be told from one."""


class Foreign(WanbatchError):
    """The file is some other program's database."""


class SqliteStore:
    """The one connection that writes. May be made in one thread and used in another,
    but never by two at once."""

    def __init__(self, path: Path, connection: schema.Connection) -> None:
        self.path = path
        self._connection = connection
        self._unchecked = 1  # an earlier process may have left a log
        self._rested = False
        self._syncs = True

    def commit(self, batch: Sequence[rows.Write]) -> None:
        """Writes all of ``batch`` in one transaction, durable when it returns (but for
        looks alone). Raises
        ``Busy`` or ``WanbatchError``, and then nothing of it was acknowledged.
        """
        self._rested = False
        with translated(self.path):
            self._choose_sync(syncs=any(not isinstance(entry, Looked) for entry in batch))
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                for entry in batch:
                    for sql, values in rows.statements_of(entry):
                        self._connection.execute(sql, values)
                        self._unchecked += 1
                self._connection.execute("COMMIT")
            except BaseException:
                self._roll_back()
                raise

    def keep(self, name: str, value: str) -> str:
        """The value of ``name`` in the table ``meta``: the one that stands there, else
        ``value``, durable when this returns. Raises ``Busy`` or ``WanbatchError``."""
        self._rested = False
        with translated(self.path):
            self._choose_sync(syncs=True)
            self._connection.execute(
                "INSERT INTO meta (name, value) VALUES (?, ?) ON CONFLICT DO NOTHING", (name, value)
            )
            return schema.read_meta(self._connection, name)

    def _choose_sync(self, *, syncs: bool) -> None:
        if syncs != self._syncs:
            self._connection.execute(f"PRAGMA synchronous = {'FULL' if syncs else 'NORMAL'}")
            self._syncs = syncs

    def _roll_back(self) -> None:
        with contextlib.suppress(
            sqlite3.Error
        ):  # SQLite has already rolled back by itself after some errors
            self._connection.execute("ROLLBACK")

    def rest(self, *, idle: bool = True) -> None:
        """Copies the log into the file once it is long, later where others wait, and
        however short it is where ``rest`` is called again without a commit in between.

        A failure costs nothing: the log still holds all.
        """
        long_ago, self._rested = self._rested and idle, True
        if (long_ago and self._unchecked) or self._unchecked >= (
            CHECKPOINT_AFTER if idle else CHECKPOINT_AT_LAST
        ):
            self._checkpoint()

    def _checkpoint(self) -> None:
        """Not all may be copied while somebody reads an older state: then it is tried
        again."""
        self._unchecked = 0
        with contextlib.suppress(sqlite3.Error):
            row = next(iter(self._connection.execute("PRAGMA wal_checkpoint(PASSIVE)")), (0, 0, 0))
            self._unchecked = int(row[1] != row[2])

    def close(self) -> None:
        """Closes the file; the log is folded into it, so that one file can be
        copied."""
        with contextlib.suppress(sqlite3.Error):
            self._connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        with contextlib.suppress(sqlite3.Error):
            self._connection.close()


def open_store(path: Path) -> tuple[SqliteStore, Contents]:
    """Opens the ledger at ``path`` for writing and reads it whole; a missing one is
    created, for its owner's eyes only.

    Raises ``WanbatchError`` (ENVIRONMENT) for a folder or disk that does not allow it,
    and for a file that is damaged, of a newer version, or no ledger.
    """
    with contextlib.suppress(OSError):  # what cannot be seen cannot be made either
        _refuse_odd(path)
    created = _make_file(path)
    _refuse_second_name(path)
    with translated(path):
        connection = _connect(path, "rw")
    try:
        _patiently(path, lambda: _prepare(path, connection))
        if created:
            _sync_folders(path)
        contents = _patiently(path, lambda: _load(path, connection))
    except BaseException:
        connection.close()
        raise
    return SqliteStore(path, connection), contents


def commit_patiently(store: SqliteStore, batch: Sequence[rows.Write]) -> None:
    """Writes ``batch`` in one transaction, once no lock stands in its way; for what no
    run waits for. Raises ``WanbatchError``."""
    _patiently(store.path, lambda: store.commit(batch))


def write_with(path: Path, work: Callable[[schema.Connection], T]) -> T:
    """What ``work`` makes of a writing connection, in one transaction that is durable
    when it returns; for what no run waits for. Hold the folder's ``RunLock``, and have
    no ``Ledger`` open.

    Raises ``WanbatchError`` (ENVIRONMENT) as ``open_store``, and for a missing file.
    """
    if is_missing(path):
        raise _refusal(path, "is missing", "name the folder with --output")
    _refuse_second_name(path)
    with translated(path):
        connection = _connect(path, "rw")
    store = SqliteStore(path, connection)
    try:
        return _patiently(path, lambda: _in_one(path, connection, work))
    finally:
        store.close()


def _in_one(
    path: Path, connection: sqlite3.Connection, work: Callable[[schema.Connection], T]
) -> T:
    _prepare(path, connection)
    connection.execute("BEGIN IMMEDIATE")
    try:
        made = work(connection)
        connection.execute("COMMIT")
    except BaseException:
        with contextlib.suppress(sqlite3.Error):
            connection.execute("ROLLBACK")
        raise
    return made


def is_missing(path: Path) -> bool:
    """True where there is no ledger yet. Raises ``WanbatchError`` (ENVIRONMENT) where
    that cannot be seen."""
    try:
        _refuse_odd(path)
        return path.stat().st_size == 0
    except FileNotFoundError:
        return True
    except OSError as error:
        raise _refusal(path, f"cannot be read: {error.strerror}", _ELSEWHERE) from error


def _refuse_odd(path: Path) -> None:
    """SQLite follows links, and waits for pipes: the ledger and the files beside it
    must be plain.

    Raises ``WanbatchError`` (ENVIRONMENT), ``OSError`` where that cannot be seen.
    """
    for place in (path, *(path.with_name(path.name + end) for end in _COMPANIONS)):
        kind = kind_of(place)
        if kind:
            raise _refusal(
                place,
                f"is not a file, but {kind}",
                "point --output at the folder where the ledger really is, or remove this one",
            )


def _refuse_second_name(path: Path) -> None:
    """Two names of one file have two logs, and the second writer breaks what the first
    wrote."""
    if path.stat().st_nlink > 1:
        raise _refusal(
            path,
            "has a second name (a hard link): two folders would write into one file",
            f"give this folder a copy of its own: cp {path} {path}.copy && mv {path}.copy {path}",
        )


def read_contents(path: Path) -> Contents:
    """All rows of the ledger at ``path`` as of one instant, without writing a byte to
    it; empty where there is none.

    Raises ``WanbatchError`` (ENVIRONMENT) for a file that is damaged, of a newer
    version, no ledger, or not readable.
    """
    return (
        Contents()
        if is_missing(path)
        else read_with(path, lambda connection: _load(path, connection))
    )


def read_with(path: Path, work: Callable[[sqlite3.Connection], T]) -> T:
    """What ``work`` makes of a read-only connection to the ledger, shown in the form of
    the present version. Raises ``WanbatchError`` as ``read_contents``.
    """
    return _patiently(path, lambda: _read_undisturbed(path, work))


def _read_undisturbed(path: Path, work: Callable[[sqlite3.Connection], T]) -> T:
    """Where nobody writes there is no log, and SQLite would make one merely to read:
    the file is then read as one that cannot change, and the reading counts only if it
    did not. So a folder is left as it was found, and one that cannot be written can be
    read."""
    before = _stamp(path)
    quiet = not before[0]
    try:
        with contextlib.closing(_connect(path, "ro", immutable=quiet)) as connection:
            return _in_present_form(path, connection, work)
    finally:
        if quiet and _stamp(path) != before:
            raise Busy


def _stamp(path: Path) -> tuple[bool, int, int]:
    facts = path.stat()
    return path.with_name(path.name + "-wal").exists(), facts.st_mtime_ns, facts.st_size


def _in_present_form(
    path: Path, connection: sqlite3.Connection, work: Callable[[sqlite3.Connection], T]
) -> T:
    _check_kind(path, connection)
    if schema.read_integer(connection, "user_version") == schema.VERSION:
        return work(connection)
    with contextlib.closing(sqlite3.connect(":memory:", isolation_level=None)) as copy:
        connection.backup(copy)
        schema.migrate(copy)
        return work(copy)


def _make_file(path: Path) -> bool:
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
    except FileExistsError:
        if path.is_file():
            return False
        raise _refusal(path, "is not a file, or its folder is none", _ELSEWHERE) from None
    except OSError as error:
        raise _refusal(path, f"cannot be created: {error.strerror}", _ELSEWHERE) from error
    return True


def _sync_folders(path: Path) -> None:
    for folder in (path.parent, path.parent.parent):
        sync_folder(folder)


def _connect(path: Path, mode: str, *, immutable: bool = False) -> sqlite3.Connection:
    where = quote(os.fsencode(path.absolute()))  # a folder's name may hold bytes that are no UTF-8
    address = f"file:{where}?mode={mode}&immutable={immutable:d}"
    return sqlite3.connect(
        address,
        uri=True,
        timeout=BUSY_STEP_S,
        isolation_level=None,
        check_same_thread=False,
        cached_statements=512,
    )


def _prepare(path: Path, connection: sqlite3.Connection) -> None:
    _check_kind(path, connection)
    ((mode,),) = connection.execute("PRAGMA journal_mode = WAL")
    if mode != "wal":
        raise _refusal(
            path, "lies on a file system that SQLite's write-ahead log does not work on", _ELSEWHERE
        )
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute(
        "PRAGMA fullfsync = ON"
    )  # macOS: sync to the platters, not to the drive's cache
    connection.execute("PRAGMA wal_autocheckpoint = 0")
    if schema.read_integer(connection, "user_version") < schema.VERSION:
        schema.migrate(connection)


def _check_kind(path: Path, connection: schema.Connection) -> None:
    version = schema.read_integer(connection, "user_version")
    if version == 0:
        foreign = any(True for _ in connection.execute("SELECT 1 FROM sqlite_master LIMIT 1"))
    else:
        foreign = schema.read_integer(connection, "application_id") != schema.APPLICATION_ID
    if foreign:
        raise _refusal(
            path, "is an SQLite database, but no ledger of wanbatch", _ELSEWHERE, kind=Foreign
        )
    if version > schema.VERSION:
        raise _refusal(
            path,
            f"was written by a newer wanbatch (file version {version}; this one reads up to"
            f" {schema.VERSION})",
            "install the newer wanbatch from its checkout: pip install .",
        )


def _load(path: Path, connection: schema.Connection) -> Contents:
    """Reads the tables in one read transaction. The collector rests meanwhile: it would
    walk the new rows again and again, for nothing."""
    connection.execute("BEGIN")
    try:
        return load(path, connection)
    finally:
        with contextlib.suppress(sqlite3.Error):  # after some errors nothing is left to end
            connection.execute("COMMIT")


def load(path: Path, connection: schema.Connection) -> Contents:
    """All rows but events and looks, inside the caller's transaction. Raises
    ``Damaged`` for a row that makes no sense."""
    try:
        with collector_resting():
            attempts, last = rows.read_attempts(connection.execute(rows.SELECT_ATTEMPTS))
            placements = rows.read_placements(connection.execute(rows.SELECT_PLACEMENTS))
            runs = rows.read_runs(connection.execute(rows.SELECT_RUNS))
            allowed = rows.read_authorisations(connection.execute(rows.SELECT_AUTHORISATIONS))
            notes = rows.read_notes(connection.execute(rows.SELECT_NOTES))
    except (KeyError, InvalidOperation, TypeError, ValueError) as error:
        raise _refusal(
            path, f"holds a row that makes no sense ({error})", *_DAMAGED, kind=Damaged
        ) from error
    ledger_id = notes.get("ledger_id", "")
    return Contents(ledger_id, attempts, last, placements, runs, allowed, notes)


def _patiently(path: Path, work: Callable[[], T]) -> T:
    """What ``work`` returns, once no lock stands in its way. Raises ``WanbatchError``
    after ``PATIENCE_STEPS`` times ``BUSY_STEP_S``."""
    for _ in range(PATIENCE_STEPS):
        try:
            with translated(path):
                return work()
        except Busy:
            continue  # SQLite itself has waited for BUSY_STEP_S
    raise _refusal(
        path,
        "is locked by another program",
        "close the sqlite3 shell or database browser that has it open, then run the command again",
    )


_ELSEWHERE = "choose another output folder with --output, or mend its permissions"
_DAMAGED = (
    (
        "keep the file: it knows what was paid for; put back a copy of it, or save what can be"
        " read with: sqlite3 ledger.db .recover"
    ),
    "wanbatch changed nothing in it",
)
_CAUSES = {
    sqlite3.SQLITE_FULL: (
        "cannot grow: the disk is full",
        ("free some space, then run the same command again",),
    ),
    sqlite3.SQLITE_READONLY: ("cannot be written: it is read-only", (_ELSEWHERE,)),
    sqlite3.SQLITE_PERM: ("cannot be written: permission denied", (_ELSEWHERE,)),
    sqlite3.SQLITE_CANTOPEN: (
        "cannot be opened: no permission, or no room for its log beside it",
        (_ELSEWHERE,),
    ),
    sqlite3.SQLITE_IOERR: (
        "cannot be read or written: the disk reports an error",
        ("see the system's log; mend or change the disk, then run the same command again",),
    ),
    sqlite3.SQLITE_IOERR_SHMSIZE: (
        "cannot grow its log's index: the disk is full or broken",
        ("free some space, then run the same command again",),
    ),
    sqlite3.SQLITE_CORRUPT: ("is damaged", _DAMAGED),
    sqlite3.SQLITE_NOTADB: ("is damaged, or no ledger at all", _DAMAGED),
    sqlite3.SQLITE_CONSTRAINT: (
        "was changed by another process while this one held it",
        ("let one wanbatch at a time work in an output folder",),
    ),
}


@contextlib.contextmanager
def translated(path: Path) -> Iterator[None]:
    """Turns what SQLite raises into ``Busy`` or ``WanbatchError``."""
    try:
        yield
    except sqlite3.Error as error:
        extended = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_ERROR)
        code = extended if extended in _CAUSES else extended & 0xFF
        if code in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
            raise Busy from error
        what, hints = _CAUSES.get(code, (f"cannot be used: {error}", ()))
        broken = code in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)
        raise _refusal(path, what, *hints, kind=Damaged if broken else WanbatchError) from error


def _refusal(
    path: Path, what: str, *hints: str, kind: type[WanbatchError] = WanbatchError
) -> WanbatchError:
    return kind(ExitCode.ENVIRONMENT, f"the ledger {path} {what}", *hints)
