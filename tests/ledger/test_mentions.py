"""Who refers to which attempt: kept for good, dropped by a look, never older than
before."""

from __future__ import annotations

from pathlib import Path

import anyio
import pytest
from ledger.samples import bring_to_end

from wanbatch.ledger.mentions import (
    Referrer,
    Seen,
    mentioned_until,
    note_mentions,
    read_mentions,
)
from wanbatch.ledger.schema import Connection
from wanbatch.ledger.sqlite import write_with
from wanbatch.ledger.store import Ledger, read_snapshot
from wanbatch.ledger.verify import verify_ledger
from wanbatch.words.errors import ExitCode, WanbatchError

HARBOR = Referrer("manifest", "../harbor.wanbatch.yaml")
NOIR = Referrer("manifest", "../harbor.wanbatch.yaml", '{"variables":{"style":"noir"}}')
LOCK = Referrer("lock", "../harbor.lock.json")
AT = 1_790_000_000.0
DAY_S = 86_400.0


@pytest.fixture
def path(tmp_path: Path) -> Path:
    async def fill() -> None:
        async with Ledger.open(tmp_path / "ledger.db") as ledger:
            await bring_to_end(ledger)
            await bring_to_end(ledger)

    anyio.run(fill)
    return tmp_path / "ledger.db"


def test_sources_are_told_apart_by_kind_path_and_what_they_are_read_with(path: Path) -> None:
    note_mentions(path, {HARBOR: [1], NOIR: [2], LOCK: [1, 2]}, AT)
    assert read_mentions(path) == [
        Seen(HARBOR, AT, AT, {1: 0.0}),
        Seen(NOIR, AT, AT, {2: 0.0}),
        Seen(LOCK, AT, AT, {1: 0.0, 2: 0.0}),
    ]
    assert verify_ledger(path) == []


def test_what_is_named_no_more_is_dropped_at_the_look_that_saw_it_and_not_again(
    path: Path,
) -> None:
    note_mentions(path, {HARBOR: [1, 2]}, AT)
    note_mentions(path, {HARBOR: [2]}, AT + DAY_S)
    note_mentions(path, {HARBOR: [2]}, AT + 2 * DAY_S)
    assert read_mentions(path) == [Seen(HARBOR, AT, AT + 2 * DAY_S, {1: AT + DAY_S, 2: 0.0})]


def test_what_is_named_again_lives_again(path: Path) -> None:
    note_mentions(path, {HARBOR: [1]}, AT)
    note_mentions(path, {HARBOR: []}, AT + DAY_S)
    note_mentions(path, {HARBOR: [1]}, AT + 2 * DAY_S)
    assert read_mentions(path)[0].attempts == {1: 0.0}


def test_a_look_at_one_source_says_nothing_of_another(path: Path) -> None:
    note_mentions(path, {HARBOR: [1]}, AT)
    note_mentions(path, {LOCK: [2]}, AT + DAY_S)
    assert read_mentions(path)[0] == Seen(HARBOR, AT, AT, {1: 0.0})


def test_a_clock_that_was_set_back_makes_nothing_older(path: Path) -> None:
    note_mentions(path, {HARBOR: [1]}, AT)
    note_mentions(path, {HARBOR: []}, AT - 400 * DAY_S)
    assert read_mentions(path) == [Seen(HARBOR, AT, AT, {1: AT})]


def test_the_latest_of_all_sources_counts_and_what_lives_is_named_now() -> None:
    seen = [
        Seen(HARBOR, 1.0, 9.0, {1: 9.0, 2: 3.0, 3: 0.0}),
        Seen(LOCK, 1.0, 9.0, {1: 4.0, 2: 8.0, 3: 5.0}),
    ]
    assert mentioned_until(seen, 50.0) == {1: 9.0, 2: 8.0, 3: 50.0}


def test_attempts_that_the_ledger_does_not_have_are_no_mention(path: Path) -> None:
    note_mentions(path, {HARBOR: [1, 77]}, AT)
    assert read_mentions(path)[0].attempts == {1: 0.0}


def test_where_there_is_no_ledger_nothing_is_read_and_none_is_made(tmp_path: Path) -> None:
    path = tmp_path / "ledger.db"
    assert read_mentions(path) == []
    with pytest.raises(WanbatchError, match="is missing") as caught:
        note_mentions(path, {HARBOR: [1]}, AT)
    assert caught.value.exit_code is ExitCode.ENVIRONMENT
    assert caught.value.hints == ("name the folder with --output",)
    assert not path.exists()


def test_a_write_that_fails_changes_nothing_and_leaves_no_log(path: Path) -> None:
    before = read_snapshot(path)

    def fails(connection: Connection) -> None:
        connection.execute("DELETE FROM attempts")
        raise RuntimeError("no")

    with pytest.raises(RuntimeError, match="no"):
        write_with(path, fails)
    assert read_snapshot(path) == before
    assert not path.with_name("ledger.db-wal").exists()
