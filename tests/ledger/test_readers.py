"""Readers beside a writer: they see one instant, disturb nobody, and leave a folder as
they found it."""
# ruff: noqa: ASYNC240  files of a few kB are looked at between awaits

from __future__ import annotations

import gc
import sqlite3
import threading
from pathlib import Path

import anyio
import pytest
from builders import opening
from ledger.samples import bring_to_end

from wanbatch.ledger import sqlite
from wanbatch.ledger.sqlite import read_with
from wanbatch.ledger.store import Ledger, read_ledger_id, read_snapshot
from wanbatch.model.lifecycle import Snapshot, State

pytestmark = pytest.mark.anyio


async def test_a_reader_in_a_transaction_does_not_hold_the_writer_up(tmp_path: Path) -> None:
    path = tmp_path / "ledger.db"
    async with Ledger.open(path) as ledger:
        await bring_to_end(ledger)
        reader = sqlite3.connect(f"file:{path}?mode=ro", uri=True, isolation_level=None)
        reader.execute("BEGIN")
        seen = reader.execute("SELECT count(*) FROM attempts").fetchall()
        with anyio.fail_after(2):
            await bring_to_end(ledger)
        assert reader.execute("SELECT count(*) FROM attempts").fetchall() == seen == [(1,)]
        reader.close()
        assert len(read_snapshot(path).attempts) == 2


async def test_readers_see_whole_commits_while_a_writer_works(tmp_path: Path) -> None:
    path = tmp_path / "ledger.db"
    seen: list[Snapshot] = []
    stop = threading.Event()

    def read() -> None:
        while not stop.is_set():
            seen.append(read_snapshot(path))

    async with Ledger.open(path) as ledger:
        thread = threading.Thread(target=read)
        thread.start()
        for number in range(100):
            await bring_to_end(ledger, job=str(number))
        stop.set()
        thread.join()
    counts = [len(s.attempts) for s in seen]
    assert counts == sorted(counts)
    assert all(a.state is State.STORED for s in seen for a in s.attempts[:-1])


async def test_a_snapshot_is_the_same_object_until_something_changes(tmp_path: Path) -> None:
    async with Ledger.open(tmp_path / "ledger.db") as ledger:
        before = ledger.snapshot
        assert ledger.snapshot is before
        await ledger.open_attempt(opening())
        assert ledger.snapshot is not before


async def test_reading_leaves_no_file_behind_and_changes_none(tmp_path: Path) -> None:
    path = tmp_path / "ledger.db"
    async with Ledger.open(path) as ledger:
        await bring_to_end(ledger)
    before = path.read_bytes(), path.stat().st_mtime_ns
    assert len(read_snapshot(path).attempts) == 1
    assert read_ledger_id(path) == ledger.ledger_id
    assert (path.read_bytes(), path.stat().st_mtime_ns) == before
    assert [p.name for p in tmp_path.iterdir()] == ["ledger.db"]


async def test_a_reading_that_a_writer_came_into_is_made_again(tmp_path: Path) -> None:
    """Where no log was there at the beginning the file is read as unchangeable; a
    writer that comes in between makes that reading void."""
    path = tmp_path / "ledger.db"
    Ledger.open(path).close()
    counts: list[int] = []

    def work(connection: sqlite3.Connection) -> int:
        ((count,),) = connection.execute("SELECT count(*) FROM meta")
        if not counts:
            with sqlite3.connect(path) as other:
                other.execute("INSERT INTO meta VALUES ('more', '1')")
            other.close()
        counts.append(count)
        return int(count)

    assert read_with(path, work) == 2
    assert counts == [1, 2]


async def test_a_crashed_writers_log_is_read_too(tmp_path: Path) -> None:
    path, copy = tmp_path / "ledger.db", tmp_path / "copy" / "ledger.db"
    copy.parent.mkdir()
    async with Ledger.open(path) as ledger:
        await bring_to_end(ledger)
        for name in ("ledger.db", "ledger.db-wal"):
            copy.with_name(name).write_bytes(path.with_name(name).read_bytes())
    assert [a.state for a in read_snapshot(copy).attempts] == [State.STORED]


@pytest.mark.parametrize("collects", [True, False])
async def test_the_collector_is_as_it_was_after_a_reading(tmp_path: Path, collects: bool) -> None:
    was_on = gc.isenabled()
    path = tmp_path / "ledger.db"
    Ledger.open(path).close()
    try:
        (gc.enable if collects else gc.disable)()
        read_snapshot(path)
        assert gc.isenabled() is collects
    finally:
        gc.enable() if was_on else gc.disable()


async def test_an_older_ledger_is_read_without_being_changed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from wanbatch.ledger import schema

    path = tmp_path / "ledger.db"
    async with Ledger.open(path) as ledger:
        await bring_to_end(ledger)
    before = path.read_bytes()
    steps = (
        *schema.MIGRATIONS,
        lambda connection: connection.execute("INSERT INTO meta VALUES ('step', 'two')"),
    )
    monkeypatch.setattr(schema, "MIGRATIONS", steps)
    monkeypatch.setattr(schema, "VERSION", len(steps))
    assert len(read_snapshot(path).attempts) == 1
    assert read_with(path, lambda c: schema.read_meta(c, "step")) == "two"
    assert path.read_bytes() == before
    Ledger.open(path).close()
    assert sqlite.read_with(path, lambda c: schema.read_integer(c, "user_version")) == len(steps)
    assert read_with(path, lambda c: schema.read_meta(c, "step")) == "two"
    assert len(read_snapshot(path).attempts) == 1
