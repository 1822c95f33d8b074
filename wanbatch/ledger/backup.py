"""A consistent copy of a ledger, while a run goes on or not.

What it may not do: replace a file, or leave half of one under the name that was asked
for.

How it works: SQLite's backup interface copies the file and its log as of one instant,
into a new file beside the wanted name; it is verified there, synced, and only then
named.
"""

from __future__ import annotations

import contextlib
import os
import sqlite3
import tempfile
from pathlib import Path

from wanbatch.ledger.sqlite import read_with, translated
from wanbatch.ledger.verify import verify_ledger
from wanbatch.words.disk import rename_new, sync_folder
from wanbatch.words.errors import ExitCode, WanbatchError


def back_up(ledger: Path, target: Path) -> list[str]:
    """Copies ``ledger`` to the new file ``target``, readable by its owner alone;
    returns what is wrong with the copy, which is what is wrong with the ledger.

    Raises ``WanbatchError``: INVALID where ``target`` exists, ENVIRONMENT where either
    cannot be used.
    """
    if os.path.lexists(target):
        raise _taken(target)
    try:
        handle, name = tempfile.mkstemp(prefix=f".{target.name[:100]}.", dir=target.parent)
    except OSError as error:
        raise _unwritable(target, error) from error
    os.close(handle)
    making = Path(name)
    try:
        read_with(ledger, lambda source: _copy(source, making, target))
        problems = verify_ledger(making)
        _name(making, target)
    finally:
        for end in ("", "-wal", "-shm", "-journal"):
            making.with_name(making.name + end).unlink(missing_ok=True)
    return problems


def _copy(source: sqlite3.Connection, making: Path, target: Path) -> None:
    with translated(target), contextlib.closing(sqlite3.connect(making)) as copy:
        source.backup(copy)
        copy.execute("PRAGMA journal_mode = DELETE")  # one file, without a log beside it


def _name(making: Path, target: Path) -> None:
    try:
        with making.open("rb") as file:
            os.fsync(file.fileno())
        rename_new(making, target)
        sync_folder(target.parent)
    except FileExistsError:
        raise _taken(target) from None
    except OSError as error:
        raise _unwritable(target, error) from error


def _taken(target: Path) -> WanbatchError:
    return WanbatchError(
        ExitCode.INVALID,
        f"{target} exists, and a backup never replaces anything",
        "name a new file",
    )


def _unwritable(target: Path, error: OSError) -> WanbatchError:
    return WanbatchError(
        ExitCode.ENVIRONMENT,
        f"{target} cannot be written: {error.strerror}",
        "name a file in a folder that exists and may be written",
    )
