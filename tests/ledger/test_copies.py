"""Copies of ledgers, looks into other ones, and files that are not what their names
say."""
# ruff: noqa: ASYNC240  files of a few kB are looked at between awaits

from __future__ import annotations

import errno
import fcntl
import os
import shutil
import stat
from collections.abc import Callable
from pathlib import Path

import anyio
import pytest
from builders import opening
from ledger.samples import bring_to_end

from wanbatch.ledger import backup, writer
from wanbatch.ledger.backup import back_up
from wanbatch.ledger.lock import RunLock
from wanbatch.ledger.purchases import claims_to_be_ledger, read_purchases
from wanbatch.ledger.sqlite import Damaged
from wanbatch.ledger.store import Ledger, read_snapshot
from wanbatch.ledger.verify import verify_ledger
from wanbatch.model.lifecycle import Event, EventKind
from wanbatch.words.errors import ExitCode, WanbatchError

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


def refusal_of(work: Callable[..., object], *given: object) -> WanbatchError:
    with pytest.raises(WanbatchError) as caught:
        work(*given)
    return caught.value


async def test_a_backup_holds_what_was_durable_and_is_its_owners_alone(tmp_path: Path) -> None:
    path, copy = tmp_path / "ledger.db", tmp_path / "copies/ledger.db"
    copy.parent.mkdir()
    async with Ledger.open(path) as ledger:
        await bring_to_end(ledger)
        assert back_up(path, copy) == []
        assert read_snapshot(copy) == ledger.snapshot
    assert stat.S_IMODE(copy.stat().st_mode) == 0o600
    assert [p.name for p in copy.parent.iterdir()] == ["ledger.db"]


async def test_a_backup_replaces_nothing_not_even_what_comes_meanwhile(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, copy = tmp_path / "ledger.db", tmp_path / "copy.db"
    async with Ledger.open(path) as ledger:
        await bring_to_end(ledger)
    copy.write_text("mine")
    assert refusal_of(back_up, path, copy).exit_code is ExitCode.INVALID
    copy.unlink()
    real = verify_ledger

    def verify(made: Path) -> list[str]:
        copy.write_text("mine")
        return real(made)

    monkeypatch.setattr(backup, "verify_ledger", verify)
    assert refusal_of(back_up, path, copy).exit_code is ExitCode.INVALID
    assert copy.read_text() == "mine"
    assert sorted(p.name for p in tmp_path.iterdir()) == ["copy.db", "ledger.db"]


async def test_where_a_backup_cannot_be_written_it_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "ledger.db"
    async with Ledger.open(path) as ledger:
        await bring_to_end(ledger)
    assert refusal_of(back_up, path, tmp_path / "no/copy.db").exit_code is ExitCode.ENVIRONMENT

    def fail(_: int) -> None:
        raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr(os, "fsync", fail)
    refusal = refusal_of(back_up, path, tmp_path / "copy.db")
    assert "copy.db cannot be written: Input/output error" in refusal.message
    assert [p.name for p in tmp_path.iterdir()] == ["ledger.db"]


async def test_a_look_into_another_ledger_finds_what_may_have_cost_money(tmp_path: Path) -> None:
    path = tmp_path / "ledger.db"
    assert read_purchases(path) == []
    async with Ledger.open(path) as ledger:
        await bring_to_end(ledger, fingerprint="wb1:" + "aa" * 32)
        await ledger.open_attempt(opening(fingerprint="wb1:" + "bb" * 32))
        await ledger.open_attempt(opening(fingerprint="wb1:" + "cc" * 32, realm="emulator"))
        free = await ledger.open_attempt(opening(fingerprint="wb1:" + "dd" * 32))
        await ledger.append(
            Event(free.attempt_id, EventKind.REJECTED, 1.0, {"error_code": "no", "reason": "no"})
        )
        found = {p.fingerprint[4:6]: (p.state, p.task_id) for p in read_purchases(path)}
    assert found == {"aa": ("stored", "task-1"), "bb": ("intent", "")}


async def test_what_cannot_be_read_is_told_from_what_never_was_a_ledger(tmp_path: Path) -> None:
    path = tmp_path / "ledger.db"
    async with Ledger.open(path) as ledger:
        await bring_to_end(ledger)
    whole = path.read_bytes()
    path.write_bytes(whole[:4096] + b"\xff" * 9000)
    assert isinstance(refusal_of(read_purchases, path), Damaged)
    assert claims_to_be_ledger(path)
    path.write_text("2026-01-01 * Opening balance\n" * 100)
    assert isinstance(refusal_of(read_purchases, path), Damaged)
    assert not claims_to_be_ledger(path)
    (tmp_path / "ledger.lock").touch()
    assert claims_to_be_ledger(path)
    assert not claims_to_be_ledger(tmp_path / "no/ledger.db")


async def test_a_second_name_of_the_ledger_and_its_companions_links_are_refused(
    tmp_path: Path,
) -> None:
    path = tmp_path / "ledger.db"
    Ledger.open(path).close()
    os.link(path, tmp_path / "twin.db")
    assert "a hard link" in refusal_of(Ledger.open, path).message
    (tmp_path / "twin.db").unlink()
    (tmp_path / "ledger.db-wal").symlink_to("precious")
    assert "ledger.db-wal is not a file, but a symbolic link" in (
        refusal_of(Ledger.open, path).message
    )
    assert refusal_of(read_snapshot, path).exit_code is ExitCode.ENVIRONMENT


async def test_when_nothing_is_written_the_log_is_folded_into_the_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(writer, "IDLE_S", 0.01)
    path, copy = tmp_path / "ledger.db", tmp_path / "copies/ledger.db"
    copy.parent.mkdir()
    async with Ledger.open(path) as ledger:
        await bring_to_end(ledger)
        with anyio.fail_after(30):
            while True:
                shutil.copy(path, copy)
                if read_snapshot(copy).attempts == ledger.snapshot.attempts:
                    break
                await anyio.sleep(0.02)


def test_a_lock_that_holds_other_words_is_left_as_it_is(tmp_path: Path) -> None:
    lock = tmp_path / "ledger.lock"
    lock.write_text("a list of locksmiths")
    with pytest.raises(WanbatchError, match="wanbatch did not write"), RunLock(tmp_path):
        pass
    assert lock.read_text() == "a list of locksmiths"
    for left in (b"\0" * 9, b'{"pid": 4711, "ho', b""):
        lock.write_bytes(left)
        with RunLock(tmp_path):
            pass


def test_a_disk_without_locks_says_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise OSError(errno.ENOLCK, os.strerror(errno.ENOLCK))

    monkeypatch.setattr(fcntl, "flock", refuse)
    with pytest.raises(WanbatchError) as caught, RunLock(tmp_path):
        pass
    assert "flock" in caught.value.hints[0]
    assert "--output" in caught.value.hints[1]
