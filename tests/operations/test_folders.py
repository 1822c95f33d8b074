"""Every command that makes an output folder says why it cannot."""

from __future__ import annotations

from pathlib import Path

import command
import pytest

from wanbatch.operations.folders import make_output
from wanbatch.words.errors import ExitCode, WanbatchError

NOWHERE = "/proc/nowhere"
"""A place where nobody may make a folder."""
TOLD = (
    "error: the output folder {folder} cannot be made: No such file or directory\n"
    "  help: choose another with --output\n"
)


def test_a_folder_is_made_with_those_above_it(tmp_path: Path) -> None:
    make_output(tmp_path / "a/b")
    make_output(tmp_path / "a/b")
    assert (tmp_path / "a/b").is_dir()


def test_a_file_in_its_place_is_told(tmp_path: Path) -> None:
    (tmp_path / "a").touch()
    with pytest.raises(WanbatchError) as caught:
        make_output(tmp_path / "a")
    assert caught.value.exit_code == ExitCode.ENVIRONMENT
    assert caught.value.message == f"the output folder {tmp_path / 'a'} cannot be made: File exists"


@pytest.mark.parametrize(
    ("words", "folder"),
    [
        (["report", "first.wanbatch.yaml", "--output", NOWHERE], f"{NOWHERE}/first"),
        (["run", "first.wanbatch.yaml", "--output", NOWHERE], NOWHERE),
        (["ledger", "begin", "0" * 64, "--output", NOWHERE], NOWHERE),
    ],
)
def test_no_command_takes_it_for_a_bug(tmp_path: Path, words: list[str], folder: str) -> None:
    assert command.run(tmp_path, "init").returncode == 0
    done = command.run(tmp_path, *words)
    assert (done.returncode, done.stderr) == (4, TOLD.format(folder=folder))


def test_a_project_that_cannot_be_begun_is_told(tmp_path: Path) -> None:
    done = command.run(tmp_path, "init", NOWHERE)
    assert (done.returncode, done.stderr) == (
        4,
        (
            f"error: {NOWHERE} cannot be written: No such file or directory\n"
            "  help: name another folder: wanbatch init DIR\n"
        ),
    )
