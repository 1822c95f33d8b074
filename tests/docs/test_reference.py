"""The reference says what the program says."""

from __future__ import annotations

from pathlib import Path

import pytest
from make_reference import __main__ as maker
from make_reference.pages import make_pages

from wanbatch.cli.main import COMMANDS
from wanbatch.cli.manual import MANUAL
from wanbatch.operations.codes import list_codes
from wanbatch.report.failures import TABLE
from wanbatch.words.errors import ExitCode


def test_the_reference_is_up_to_date() -> None:
    assert maker.differing(make_pages()) == [], "make reference"


def test_a_page_that_differs_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(maker, "FOLDER", tmp_path)
    assert maker.main([]) == 0
    (tmp_path / "codes.md").write_text("old")
    (tmp_path / "gone.md").write_text("of a schema that is no more")
    assert maker.differing(make_pages()) == ["codes.md", "gone.md"]
    assert maker.main(["--check"]) == 1
    assert maker.main([]) == 0
    assert maker.main(["--check"]) == 0
    assert not (tmp_path / "gone.md").exists()


def test_nothing_is_left_out() -> None:
    pages = make_pages()
    for name in COMMANDS:
        assert f"## wanbatch {name}" in pages["commands.md"]
    for option in ("--max-cost AMOUNT", "--select TERM", "--adopt TASK_ID"):
        assert f"| `{option}` |" in pages["commands.md"]
    for entry in list_codes():
        assert f"### {entry.code}\n" in pages["codes.md"]
    for page in MANUAL.values():
        assert page.examples[0][0] in pages["commands.md"]
    for row in TABLE:
        assert f"`{row.codes[-1]}` |" in pages["failures.md"]
    for code in ExitCode:
        assert f"| {int(code)} |" in pages["exit-codes.md"]
    for path in ("jobs[].media.first_clip.job", "jobs[].rows.key", "run.max_cost"):
        assert f"| `{path}` |" in pages["manifest.md"]
    assert "| `jobs[].output.sha256` |" in pages["report.md"]
