"""The reader of pages notices what is wrong with one: a page that lies fails."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from docs.following import Follower, blurred, matches
from docs.lines import is_here, typed_in, unknown_in
from docs.pages import Block, read_blocks

MANIFEST = """\
wanbatch: 1
jobs:
  - {id: a, prompt: A harbour, media: {first_frame: a.png}}
"""


@pytest.fixture
def reader(tmp_path: Path) -> Iterator[Follower]:
    with Follower(tmp_path, "http://127.0.0.1:1") as one:
        yield one


def block(language: str, text: str, **more: str) -> Block:
    return Block("page.md", 7, language, text, **more)


# -- what is not true fails ------------------------------------------------------------


@pytest.mark.parametrize(
    ("language", "text", "problem"),
    [
        ("sh", "wanbatch plan --no-such-option a.yaml\n", "No such option"),
        ("sh", "wanbatch pluck a.yaml\n", "there is no command pluck"),
        ("sh", "wanbatch plan --format gitlab a.yaml\n", "gitlab"),
        ("sh", "# not run: a key\nwanbatch run --approve a.yaml\n", "--approve"),
        ("sh", "false\n", "ends with 1, not 0"),
        ("sh", "true   # exit 3\n", "ends with 0, not 3"),
        ("console", "$ echo one\ntwo\n", "what came"),
        ("yaml", MANIFEST.replace("prompt", "promt"), "WB201"),
        ("yaml", "size: 4K\n", "WB207"),
        ("yaml", "on: push\njobs: {a: {run: wanbatch run --fast a.yaml}}\n", "--fast"),
        ("haskell", "main = pure ()\n", "what is 'haskell'"),
    ],
)
def test_what_is_not_true_is_noticed(
    reader: Follower, language: str, text: str, problem: str
) -> None:
    with pytest.raises(AssertionError, match=r"page\.md:7") as caught:
        reader.follow(block(language, text))
    assert problem in str(caught.value)


def test_what_a_text_promises_is_what_came(reader: Follower) -> None:
    reader.follow(block("sh", "echo one; echo two\n"))
    reader.follow(block("text", "one\ntwo\n"))
    reader.follow(block("sh", "echo one; echo two\n"))
    with pytest.raises(AssertionError, match="what came"):
        reader.follow(block("text", "one\n"))


def test_a_file_is_where_its_first_line_says(reader: Follower) -> None:
    reader.follow(block("sh", "mkdir films\ncd films\n"))
    reader.follow(block("yaml", f"# a.wanbatch.yaml\n{MANIFEST}"))
    reader.follow(block("csv", "a,b\n1,2\n", file="shots.csv"))
    reader.follow(block("sh", "cat shots.csv a.wanbatch.yaml > both\n"))
    assert (reader.start / "films/both").read_text().startswith("a,b\n1,2\n# a.wanbatch.yaml")


def test_a_folder_and_a_variable_last_and_a_question_is_answered(reader: Follower) -> None:
    reader.follow(block("sh", "export WHO=Ada\ncd ..\n"))
    asked = 'read -r -p "Buy it, $WHO? [y/N]: " it; echo "$it"'
    reader.follow(block("console", f"$ {asked}\nBuy it, Ada? [y/N]: y\ny\n"))


# -- what is not there yet -------------------------------------------------------------


@pytest.mark.parametrize(
    ("need", "there"),
    [
        ("run", True),
        ("run --max-cost", True),
        ("plan --format=sarif", True),
        ("schema report", True),
        ("ledger backup", True),
        ("python __version__", True),
        ("fly", False),
        ("run --fly", False),
        ("plan --format=stone", False),
        ("schema stone", False),
        ("python fly", False),
    ],
)
def test_a_block_waits_only_for_what_is_not_there(need: str, there: bool) -> None:
    assert is_here(need) is there


def test_a_waiting_block_is_passed_over_with_its_output(reader: Follower) -> None:
    reader.follow(block("sh", "wanbatch fly\n", needs="fly"))
    reader.follow(block("text", "high\n"))
    assert [one.needs for one in reader.skipped] == ["fly"]
    with pytest.raises(AssertionError):
        reader.follow(block("sh", "false\n", needs="run --yes"))


# -- reading ---------------------------------------------------------------------------


def test_blocks_and_their_marks(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text(
        "# Page\n\n<!-- file: a.csv -->\n```csv\na\n```\n\n* in a list:\n\n"
        "  ```sh\n  true\n  ```\n\n<!-- needs: run --fly -->\n```sh\nwanbatch run\n```\n"
    )
    csv, listed, waiting = read_blocks(page)
    assert (csv.name, csv.text) == ("a.csv", "a\n")
    assert (listed.text, listed.name, listed.needs) == ("true\n", "", "")
    assert waiting.needs == "run --fly"


def test_a_mark_without_a_block_is_an_error(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("<!-- needs: import -->\nBut there comes a sentence.\n```sh\ntrue\n```\n")
    with pytest.raises(ValueError, match="right above"):
        list(read_blocks(page))


def test_commands_of_many_lines_are_one() -> None:
    text = "a \\\n  b\ncat > f <<END\nwanbatch x\nEND\nc   # exit 3\n"
    assert [(one.line, one.code) for one in typed_in("sh", text)] == [
        ("a \\\n  b", 0),
        ("cat > f <<END\nwanbatch x\nEND", 0),
        ("c   # exit 3", 3),
    ]


def test_a_command_is_found_behind_others() -> None:
    assert unknown_in("KEY=a wanbatch plan a.yaml && x=$(wanbatch run --fly a.yaml)")
    assert not unknown_in("cd a && KEY=a .venv/bin/wanbatch plan a.yaml | head -3 # wanbatch fly")


def test_dots_stand_for_lines_and_words() -> None:
    assert matches(["a", "…", "z"], ["a", "b", "c", "z"])
    assert matches(["a", "…", "z"], ["a", "z"])
    assert matches(["took … in all"], ["took a while in all"])
    assert not matches(["a", "…", "z"], ["a", "b"])
    assert not matches(["a"], ["a", "b"])


def test_what_differs_each_day_is_blurred() -> None:
    one = "done in 1 min 2 s: task_aB3 at 2026-01-02 03:04:05, 3.1 MB (95a0fc0c) $1.20"
    other = "done in 9.5 s: task_… at 2027-11-12 13:14:15, 44 kB (e4827318) $1.20"
    assert blurred(one) == blurred(other)
    assert blurred(one) != blurred(one.replace("$1.20", "$2.20"))
