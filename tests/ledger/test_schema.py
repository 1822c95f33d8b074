"""Migrations: a golden file of every version opens, shows what it held, and ends at the
present version; a step that fails changes nothing."""

from __future__ import annotations

import shutil
import sqlite3
from dataclasses import replace
from pathlib import Path

import pytest

from wanbatch.ledger import schema
from wanbatch.ledger.looks import read_looks
from wanbatch.ledger.rows import LOOK_FIELDS, PLACEMENT_FIELDS, RUN_FIELDS
from wanbatch.ledger.schema import VERSION, read_integer, read_meta
from wanbatch.ledger.sqlite import read_with
from wanbatch.ledger.store import Ledger, read_ledger_id, read_snapshot
from wanbatch.ledger.verify import verify_ledger
from wanbatch.model.lifecycle import ATTEMPT_FIELDS, State
from wanbatch.model.looked import Looked

GOLDEN = Path(__file__).parent / "golden"


@pytest.mark.parametrize("version", range(1, VERSION + 1))
def test_a_golden_ledger_of_every_version_is_read_and_brought_up_to_date(
    tmp_path: Path, version: int
) -> None:
    path = tmp_path / "ledger.db"
    shutil.copy(GOLDEN / f"v{version}.db", path)
    assert read_with(GOLDEN / f"v{version}.db", lambda c: 1) == 1
    before = read_snapshot(path)
    ledger = Ledger.open(path)
    assert ledger.snapshot == before
    assert ledger.ledger_id == read_ledger_id(path) == "5f0c9d1e2b3a48576a7b8c9d0e1f2a3b"
    ledger.close()
    assert read_with(path, lambda c: read_integer(c, "user_version")) == VERSION
    assert verify_ledger(path) == []
    assert [(a.job, a.state) for a in before.attempts] == [
        ("opening[hour=dawn]", State.STORED),
        ("opening[hour=dusk]", State.UNCERTAIN),
        ("pier", State.PLANNED),
        ("pier", State.ACCEPTED),
    ]
    assert str(before.attempts[0].price) == "0.50"
    assert before.attempts[2].error_message == "später, 後で"
    assert before.attempts[3].price is None
    assert before.placements[0].mtime_ns == 1_700_000_092_000_000_000
    assert before.runs[0].exit_code == 1


def test_the_columns_are_the_fields(tmp_path: Path) -> None:
    Ledger.open(tmp_path / "ledger.db").close()

    def columns(connection: sqlite3.Connection, table: str) -> list[str]:
        return [row[1] for row in connection.execute(f"PRAGMA table_info({table})")]

    assert sorted(read_with(tmp_path / "ledger.db", lambda c: columns(c, "attempts"))) == sorted(
        (*ATTEMPT_FIELDS, "last_seq")
    )
    assert read_with(tmp_path / "ledger.db", lambda c: columns(c, "placements")) == list(
        PLACEMENT_FIELDS
    )
    assert read_with(tmp_path / "ledger.db", lambda c: columns(c, "runs")) == list(RUN_FIELDS)
    assert read_with(tmp_path / "ledger.db", lambda c: columns(c, "looks")) == list(LOOK_FIELDS)


def test_a_step_that_fails_changes_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "ledger.db"
    Ledger.open(path).close()

    def fails(connection: schema.Connection) -> None:
        connection.execute("CREATE TABLE half (done TEXT)")
        raise sqlite3.OperationalError("no")

    monkeypatch.setattr(schema, "MIGRATIONS", (*schema.MIGRATIONS, fails))
    with sqlite3.connect(path, isolation_level=None) as connection:
        with pytest.raises(sqlite3.OperationalError, match="no"):
            schema.migrate(connection)
        assert read_integer(connection, "user_version") == schema.VERSION
        assert connection.execute(
            "SELECT count(*) FROM sqlite_master WHERE name = 'half'"
        ).fetchall() == [(0,)]
    connection.close()


def test_two_ledgers_have_different_ids(tmp_path: Path) -> None:
    for name in "ab":
        Ledger.open(tmp_path / name / "ledger.db").close()
    assert read_ledger_id(tmp_path / "a" / "ledger.db") != read_ledger_id(
        tmp_path / "b" / "ledger.db"
    )


def test_what_is_not_there_reads_as_nothing(tmp_path: Path) -> None:
    Ledger.open(tmp_path / "ledger.db").close()
    assert read_with(tmp_path / "ledger.db", lambda c: read_meta(c, "nothing")) == ""
    assert read_with(tmp_path / "ledger.db", lambda c: read_integer(c, "no_such_pragma")) == 0


def test_version_2_splits_one_deadline_into_ours_and_the_providers(tmp_path: Path) -> None:
    path = tmp_path / "ledger.db"
    path.write_bytes((GOLDEN / "v1.db").read_bytes())
    Ledger.open(path).close()
    stored, *_, accepted = read_snapshot(path).attempts
    assert stored.give_up_at == 1_700_090_000.0
    assert stored.available_until > stored.finished_at
    assert accepted.give_up_at == accepted.accepted_at + 25 * 3600.0
    assert accepted.available_until == accepted.accepted_at + 24 * 3600.0
    assert verify_ledger(path) == []


@pytest.mark.anyio
@pytest.mark.parametrize("version", range(1, VERSION + 1))
async def test_version_3_keeps_looks_beside_what_was_there(tmp_path: Path, version: int) -> None:
    path = tmp_path / "ledger.db"
    path.write_bytes((GOLDEN / f"v{version}.db").read_bytes())
    stored = read_snapshot(path).attempts[0]
    known = read_looks(path, [stored.sha256])
    assert [look.facts for look in known] == ['{"undecodable":"no video"}'] * (version >= 3)
    async with Ledger.open(path) as ledger:
        await ledger.keep_look(Looked(stored.sha256, "first_frame=ab", 1, "all", "{}"))
    assert len(read_looks(path, [stored.sha256])) == len(known) + 1
    assert verify_ledger(path) == []


@pytest.mark.anyio
@pytest.mark.parametrize("version", range(1, VERSION + 1))
async def test_version_4_names_the_plan_that_a_run_carries_out(
    tmp_path: Path, version: int
) -> None:
    path = tmp_path / "ledger.db"
    path.write_bytes((GOLDEN / f"v{version}.db").read_bytes())
    (before,) = read_snapshot(path).runs
    assert before.plan == ("de" * 32 if version >= 4 else "")
    async with Ledger.open(path) as ledger:
        await ledger.begin_run(replace(before, run_id="run-2", plan="ab" * 32))
    assert [run.plan for run in read_snapshot(path).runs] == [before.plan, "ab" * 32]
    assert verify_ledger(path) == []
