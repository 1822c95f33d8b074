"""Marks of plans that were begun: the first one stays, and a copy from before has
none."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from wanbatch.ledger.begun import keep_mark, read_marks
from wanbatch.ledger.store import read_ledger_id
from wanbatch.words.errors import ExitCode, WanbatchError

ONE, TWO = "a" * 64, "b" * 64


def test_the_first_mark_stays(tmp_path: Path) -> None:
    path, copy = tmp_path / "ledger.db", tmp_path / "copy.db"
    assert read_marks(path) == {}
    assert keep_mark(path, ONE, "first") == "first"
    ledger_id = read_ledger_id(path)
    shutil.copy(path, copy)
    assert keep_mark(path, ONE, "second") == "first"
    assert keep_mark(path, TWO, "third") == "third"
    assert read_marks(path) == {ONE: "first", TWO: "third"}
    assert read_marks(copy) == {ONE: "first"}
    assert read_ledger_id(path) == ledger_id


def test_a_file_that_is_no_ledger_takes_no_mark(tmp_path: Path) -> None:
    path = tmp_path / "ledger.db"
    path.write_bytes(b"no ledger at all, and longer than a header")
    with pytest.raises(WanbatchError) as caught:
        keep_mark(path, ONE, "first")
    assert caught.value.exit_code == ExitCode.ENVIRONMENT
    assert path.read_bytes().startswith(b"no ledger")
