"""Files and folders that cannot hold a ledger: each is told by name, with exit code 4,
and left as it was."""
# ruff: noqa: ASYNC240  files of a few kB are looked at between awaits

from __future__ import annotations

import errno
import os
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from ledger.samples import bring_to_end

from wanbatch.ledger import schema, sqlite
from wanbatch.ledger.store import Ledger, read_ledger_id, read_snapshot
from wanbatch.model.lifecycle import Snapshot
from wanbatch.words.errors import ExitCode, WanbatchError

HOLD_EXCLUSIVELY = """
import sqlite3, sys, time
connection = sqlite3.connect(sys.argv[1], isolation_level=None)
connection.execute("PRAGMA locking_mode = EXCLUSIVE")
connection.execute("BEGIN EXCLUSIVE")
print("held", flush=True)
time.sleep(0.7)
"""
Opener = Callable[[Path], object]
OPENERS: list[Opener] = [Ledger.open, read_snapshot]


@pytest.fixture
def nobody(tmp_path: Path) -> Iterator[Path]:
    """A folder that this process may read and not write, whoever runs the tests."""
    folder = tmp_path / "shut"
    folder.mkdir()
    if os.geteuid() != 0:
        yield folder
        folder.chmod(0o700)
        return
    for parent in (folder, *folder.parents):
        if parent.stat().st_mode & 0o055 != 0o055:
            parent.chmod(0o755)
    os.seteuid(65534)
    yield folder
    os.seteuid(0)


def lock_up(folder: Path) -> None:
    """Takes the right to write from ``folder`` and what is in it."""
    uid = os.geteuid()
    if uid == 65534:
        os.seteuid(0)
    for path in folder.rglob("*"):
        path.chmod(0o555 if path.is_dir() else 0o444)
    folder.chmod(0o555)
    os.seteuid(uid)


def refusal_of(opener: Opener, path: Path) -> WanbatchError:
    with pytest.raises(WanbatchError) as caught:
        opener(path)
    assert caught.value.exit_code is ExitCode.ENVIRONMENT
    assert str(path) in caught.value.message
    assert caught.value.hints
    return caught.value


@pytest.fixture
async def ledger_file(tmp_path: Path) -> Path:
    path = tmp_path / "ledger.db"
    async with Ledger.open(path) as ledger:
        await bring_to_end(ledger)
    return path


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.mark.parametrize("opener", OPENERS)
@pytest.mark.anyio
async def test_a_ledger_of_a_newer_version_is_refused_and_left_alone(
    ledger_file: Path, opener: Opener
) -> None:
    with sqlite3.connect(ledger_file) as connection:
        connection.execute(f"PRAGMA user_version = {schema.VERSION + 1}")
    connection.close()
    before = ledger_file.read_bytes()
    refusal = refusal_of(opener, ledger_file)
    assert (
        f"newer wanbatch (file version {schema.VERSION + 1}; this one reads up to {schema.VERSION})"
        in refusal.message
    )
    assert "install the newer wanbatch" in refusal.hints[0]
    assert ledger_file.read_bytes() == before


@pytest.mark.parametrize("opener", OPENERS)
@pytest.mark.parametrize("kind", ["text", "half", "zeros", "other database", "other application"])
@pytest.mark.anyio
async def test_what_is_no_sound_ledger_is_refused_and_left_alone(
    ledger_file: Path, opener: Opener, kind: str
) -> None:
    whole = ledger_file.read_bytes()
    if kind == "text":
        ledger_file.write_bytes(b"this is no database, whatever its name says\n" * 50)
    elif kind == "half":
        ledger_file.write_bytes(whole[: len(whole) // 2])
    elif kind == "zeros":
        ledger_file.write_bytes(whole[:100] + bytes(len(whole) - 100))
    else:
        ledger_file.unlink()
        with sqlite3.connect(ledger_file) as connection:
            connection.execute("CREATE TABLE songs (name TEXT)")
            connection.execute(f"PRAGMA user_version = {1 if kind == 'other application' else 0}")
        connection.close()
    before = ledger_file.read_bytes()
    refusal = refusal_of(opener, ledger_file)
    expected = {"text": "damaged, or no ledger", "half": "is damaged", "zeros": "is damaged"}.get(
        kind, "no ledger of wanbatch"
    )
    assert expected in refusal.message
    assert ledger_file.read_bytes() == before


@pytest.mark.parametrize("opener", OPENERS)
@pytest.mark.parametrize(
    ("column", "value"), [("state", "'dreaming'"), ("price", "'free'"), ("authority", "'nobody'")]
)
@pytest.mark.anyio
async def test_a_row_that_makes_no_sense_is_damage(
    ledger_file: Path, opener: Opener, column: str, value: str
) -> None:
    with sqlite3.connect(ledger_file) as connection:
        connection.execute(f"UPDATE attempts SET {column} = {value}")
    connection.close()
    refusal = refusal_of(opener, ledger_file)
    assert "makes no sense" in refusal.message
    assert "wanbatch changed nothing in it" in refusal.hints


@pytest.mark.anyio
async def test_a_missing_table_is_refused(ledger_file: Path) -> None:
    with sqlite3.connect(ledger_file) as connection:
        connection.execute("DROP TABLE runs")
    connection.close()
    with pytest.raises(WanbatchError, match="cannot be used: no such table: runs"):
        Ledger.open(ledger_file)


def test_a_folder_in_the_ledgers_place_is_refused(tmp_path: Path) -> None:
    (tmp_path / "ledger.db").mkdir()
    assert "is not a file" in refusal_of(Ledger.open, tmp_path / "ledger.db").message


def test_a_file_in_the_folders_place_is_refused(tmp_path: Path) -> None:
    (tmp_path / "reports").write_text("mine")
    for opener in OPENERS:
        refusal_of(opener, tmp_path / "reports" / "ledger.db")
    assert (tmp_path / "reports").read_text() == "mine"


def test_a_folder_that_cannot_be_written_is_refused(nobody: Path) -> None:
    lock_up(nobody)
    refusal = refusal_of(Ledger.open, nobody / "ledger.db")
    assert "cannot be created: Permission denied" in refusal.message
    assert "--output" in refusal.hints[0]
    assert list(nobody.iterdir()) == []


def test_a_ledger_in_a_folder_that_cannot_be_written_is_readable_and_not_writable(
    nobody: Path,
) -> None:
    uid = os.geteuid()
    if uid == 65534:
        os.seteuid(0)
    Ledger.open(nobody / "ledger.db").close()
    os.seteuid(uid)
    lock_up(nobody)
    refusal = refusal_of(Ledger.open, nobody / "ledger.db")
    assert "cannot be" in refusal.message
    assert read_snapshot(nobody / "ledger.db") == Snapshot()
    assert [p.name for p in nobody.iterdir()] == ["ledger.db"]


def test_a_ledger_that_may_not_be_read_is_refused(nobody: Path) -> None:
    uid = os.geteuid()
    if uid == 65534:
        os.seteuid(0)
    Ledger.open(nobody / "ledger.db").close()
    (nobody / "ledger.db").chmod(0)
    os.seteuid(uid)
    refusal_of(read_snapshot, nobody / "ledger.db")


def test_no_file_is_an_empty_ledger_and_reading_makes_none(tmp_path: Path) -> None:
    path = tmp_path / "reports" / "ledger.db"
    assert read_snapshot(path) == Snapshot()
    assert read_ledger_id(path) == ""
    assert not path.parent.exists()


def test_an_empty_file_left_by_a_process_that_died_becomes_a_ledger(tmp_path: Path) -> None:
    path = tmp_path / "ledger.db"
    path.touch()
    assert read_snapshot(path) == Snapshot()
    ledger = Ledger.open(path)
    assert len(ledger.ledger_id) == 32
    ledger.close()


def test_a_folder_with_signs_that_mean_something_in_an_address(tmp_path: Path) -> None:
    path = tmp_path / "50% off? #1 & more" / "ledger.db"
    Ledger.open(path).close()
    assert path.is_file()
    assert read_snapshot(path) == Snapshot()


def test_a_file_system_without_shared_memory_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """SQLite answers ``PRAGMA journal_mode`` with the mode it kept; an in-memory
    database keeps ``memory``, as some network disks keep ``delete``."""
    monkeypatch.setattr(
        sqlite, "_connect", lambda path, mode: sqlite3.connect(":memory:", isolation_level=None)
    )
    assert "write-ahead log" in refusal_of(Ledger.open, tmp_path / "ledger.db").message


def test_a_lock_that_never_goes_away_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "ledger.db"
    Ledger.open(path).close()
    monkeypatch.setattr(sqlite, "PATIENCE_STEPS", 2)
    monkeypatch.setattr(sqlite, "BUSY_STEP_S", 0.02)
    shell = sqlite3.connect(path, isolation_level=None)
    shell.execute("PRAGMA locking_mode = EXCLUSIVE")
    shell.execute("BEGIN EXCLUSIVE")
    for opener in OPENERS:
        refusal = refusal_of(opener, path)
        assert "is locked by another program" in refusal.message
        assert "sqlite3 shell" in refusal.hints[0]
    shell.close()
    assert read_snapshot(path) == Snapshot()


def test_a_lock_that_goes_away_is_waited_for(tmp_path: Path) -> None:
    path = tmp_path / "ledger.db"
    Ledger.open(path).close()
    holder = subprocess.Popen(
        [
            sys.executable,
            "-c",
            HOLD_EXCLUSIVELY,
            str(path),
        ],
        stdout=subprocess.PIPE,
        text=True,
    )
    assert holder.stdout is not None
    assert holder.stdout.readline() == "held\n"
    Ledger.open(path).close()
    assert holder.wait() == 0
    holder.stdout.close()


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EROFS])
def test_what_the_system_says_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    def refuse(*_: object, **__: object) -> int:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(os, "open", refuse)
    assert os.strerror(number) in refusal_of(Ledger.open, tmp_path / "ledger.db").message
