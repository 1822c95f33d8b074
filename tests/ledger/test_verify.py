"""The check of a ledger against itself finds each kind of damage by name."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest
from builders import opening
from ledger.samples import bring_to_end

from wanbatch.ledger.store import Ledger
from wanbatch.ledger.verify import verify_ledger
from wanbatch.model.lifecycle import Event, EventKind, Facts

pytestmark = pytest.mark.anyio


@pytest.fixture
async def ledger_file(tmp_path: Path) -> Path:
    path = tmp_path / "ledger.db"
    async with Ledger.open(path) as ledger:
        await bring_to_end(ledger)
        await ledger.open_attempt(opening())
        await bring_to_end(ledger, price=None)
    return path


def change(path: Path, sql: str) -> None:
    with sqlite3.connect(path) as connection:
        connection.execute(sql)
    connection.close()


def test_no_ledger_has_nothing_wrong(tmp_path: Path) -> None:
    assert verify_ledger(tmp_path / "ledger.db") == []


async def test_a_sound_ledger_has_nothing_wrong(ledger_file: Path) -> None:
    assert verify_ledger(ledger_file) == []


@pytest.mark.parametrize("offset_s", [0.5, None])
async def test_an_attempt_that_went_out_again_has_its_last_intent(
    tmp_path: Path, offset_s: float | None
) -> None:
    path = tmp_path / "ledger.db"
    async with Ledger.open(path) as ledger:
        number = (await ledger.open_attempt(opening())).attempt_id
        await ledger.append(Event(number, EventKind.NOT_ACCEPTED, 1_800_000_001.0))
        again: Facts = {"intent_at": 1_800_090_000.0, "intent_offset_s": offset_s}
        await ledger.append(Event(number, EventKind.REOPENED, 1_800_090_000.0, again))
    async with Ledger.open(path) as ledger:
        row = ledger.attempt(number)
    assert (row.intent_at, row.intent_offset_s) == (1_800_090_000.0, offset_s)
    assert verify_ledger(path) == []


@pytest.mark.parametrize(
    ("sql", "finding"),
    [
        (
            "INSERT INTO looks VALUES ('ab', '', 1, 'all', '{}')",
            "the look at video ab: this is no SHA-256",
        ),
        (
            f"INSERT INTO looks VALUES ('{'ab' * 32}', '', 1, 'all', '[]')",
            "the look at video abababababab: what it found is no JSON object",
        ),
        (
            "UPDATE attempts SET task_id = 'another', polls = 9 WHERE attempt_id = 1",
            "attempt 1: the row is not the fold of its events; they differ in task_id, polls",
        ),
        (
            "UPDATE attempts SET state = 'stored' WHERE attempt_id = 2",
            "attempt 2: the row is not the fold of its events; they differ in state",
        ),
        (
            "DELETE FROM events WHERE attempt_id = 1 AND seq = 2",
            "attempt 1: its events are not numbered from 1 to 5",
        ),
        (
            "DELETE FROM events WHERE attempt_id = 2",
            "attempt 2: its events are not numbered from 1 to 1",
        ),
        ("DELETE FROM attempts WHERE attempt_id = 3", "attempt 3: has events and no row"),
        (
            "UPDATE events SET kind = 'accepted' WHERE attempt_id = 2",
            "attempt 2: its first event is 'accepted', not 'intent'",
        ),
        (
            "UPDATE events SET kind = 'stored' WHERE attempt_id = 1 AND seq = 2",
            (
                "attempt 1: its events do not fold: attempt 1: event 'stored' is not allowed in"
                " state 'intent'"
            ),
        ),
        (
            "UPDATE events SET kind = 'danced' WHERE attempt_id = 1 AND seq = 2",
            "attempt 1: its events do not fold: 'danced' is not a valid EventKind",
        ),
        (
            "UPDATE events SET facts = '[]' WHERE attempt_id = 1 AND seq = 2",
            "attempt 1: its events do not fold: an event's facts are not a JSON object",
        ),
        (
            "UPDATE events SET facts = '{\"hue\":1}' WHERE attempt_id = 1 AND seq = 2",
            "attempt 1: its events do not fold: 'hue'",
        ),
    ],
)
async def test_each_kind_of_damage_is_named(ledger_file: Path, sql: str, finding: str) -> None:
    change(ledger_file, sql)
    assert verify_ledger(ledger_file) == [finding]


async def test_damaged_pages_are_told_in_sqlites_own_words(ledger_file: Path) -> None:
    with sqlite3.connect(ledger_file) as connection:
        ((page, size),) = connection.execute(
            "SELECT rootpage, (SELECT page_size FROM pragma_page_size) FROM sqlite_master"
            " WHERE name = 'events'"
        )
    connection.close()
    with ledger_file.open("r+b") as file:
        file.seek((page - 1) * size + 200)
        file.write(bytes(size - 200))
    findings = verify_ledger(ledger_file)
    assert findings
    assert not findings[0].startswith("attempt")
