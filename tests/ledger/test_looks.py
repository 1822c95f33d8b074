"""Looks at videos: kept by bytes and what they were compared with, read when asked
for, and not synced one by one."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest
from builders import opening

from wanbatch.ledger import looks
from wanbatch.ledger.looks import read_looks
from wanbatch.ledger.sqlite import SqliteStore, open_store
from wanbatch.ledger.store import Ledger, read_snapshot
from wanbatch.model.lifecycle import Attempt, Event, EventKind, RunRecord
from wanbatch.model.looked import Looked
from wanbatch.testing.ledger import InlineWriter

pytestmark = pytest.mark.anyio
A, B, C = "a" * 64, "b" * 64, "c" * 64


def look(sha256: str = A, compared: str = "", **changes: object) -> Looked:
    given: dict[str, object] = {"version": 1, "level": "all", "facts": "{}"}
    return Looked(sha256, compared, **{**given, **changes})  # type: ignore[arg-type]


async def test_looks_are_found_by_the_bytes_that_are_asked_about(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(looks, "AT_ONCE", 1)
    path = tmp_path / "ledger.db"
    kept = [look(A), look(A, "first_frame=12"), look(A, version=2), look(B)]
    async with Ledger.open(path) as ledger:
        for one in (*kept, look(C)):
            await ledger.keep_look(one)
    assert sorted(read_looks(path, [B, A, A]), key=str) == sorted(kept, key=str)
    assert read_looks(path, []) == []
    assert read_looks(tmp_path / "none.db", [A]) == []


async def test_a_later_look_takes_the_place_of_the_one_beside_the_same(tmp_path: Path) -> None:
    path = tmp_path / "ledger.db"
    async with Ledger.open(path) as ledger:
        await ledger.keep_look(look(level="basic"))
        await ledger.keep_look(look(level="all"))
        assert [one.level for one in read_looks(path, [A])] == ["all"], "while the run goes on"
    assert [one.level for one in read_looks(path, [A])] == ["all"]
    assert read_snapshot(path).attempts == ()


async def test_a_ledger_in_the_callers_thread_keeps_them_too(tmp_path: Path) -> None:
    path = tmp_path / "ledger.db"
    async with Ledger(*open_store(path), writer=InlineWriter) as ledger:
        await ledger.keep_look(look())
    assert read_looks(path, [A]) == [look()]


class Spy:
    """A connection that notes what decides when the disk is synced."""

    def __init__(self, path: Path) -> None:
        self.told: list[str] = []
        self._connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False)

    def execute(self, sql: str, parameters: tuple[object, ...] = (), /) -> sqlite3.Cursor:
        if sql.startswith(("PRAGMA synchronous", "COMMIT")):
            self.told.append(sql)
        return self._connection.execute(sql, parameters)

    def close(self) -> None:
        self._connection.close()


async def test_a_look_alone_is_not_synced_and_whatever_else_is(tmp_path: Path) -> None:
    path = tmp_path / "ledger.db"
    Ledger.open(path).close()
    _, contents = open_store(path)
    spy = Spy(path)
    store = SqliteStore(path, spy)  # type: ignore[arg-type]  # as much of one as it uses
    async with Ledger(store, contents, writer=InlineWriter) as ledger:
        await ledger.keep_look(look(A))
        await ledger.keep_look(look(B))
        bought: Attempt = await ledger.open_attempt(opening())
        await ledger.append(Event(bought.attempt_id, EventKind.ACCEPTED, 2.0, {"task_id": "task"}))
        store.commit([look(C), ledger_run()])
    assert spy.told == [
        "PRAGMA synchronous = NORMAL",
        "COMMIT",
        "COMMIT",
        "PRAGMA synchronous = FULL",
        "COMMIT",
        "COMMIT",
        "COMMIT",
    ]


def ledger_run() -> RunRecord:
    return RunRecord("run-1", "harbor", "gateway", "paid", 1.0)
