"""The help of every command, and how ``--retry-failed`` reads the word after it."""

from __future__ import annotations

import re
import shlex
import shutil
from pathlib import Path

import click
import command
import pytest
from click.testing import CliRunner

from wanbatch.cli.command import Command, SharedOption, join_codes
from wanbatch.cli.main import cli
from wanbatch.cli.manual import EXITS, MANUAL
from wanbatch.words.errors import ExitCode

ROOT = Path(__file__).parent.parent.parent
MANIFEST = "first.wanbatch.yaml"
NEEDS = {
    "--retry-failed": "a job that failed",
    "wanbatch resolve": "a job that is uncertain",
    "wanbatch (lock|verify)": "a paid backend",
    "wanbatch promote": "a review",
    "wanbatch emulator": "nobody ends it",
    "wanbatch cancel": "a task of DashScope's",
    "wanbatch import": "another folder",
    "wanbatch ledger begin": "a git remote",
    "doctor --backend gateway": "a paid backend",
}
"""What is read here and not run, and why."""


def leaves(group: click.Group, path: str = "") -> dict[str, click.Command]:
    """Every command by its words, also those of a group in the group."""
    found: dict[str, click.Command] = {}
    context = click.Context(group)
    for name in group.list_commands(context):
        one = group.get_command(context, name)
        assert one is not None
        words = f"{path} {name}".strip()
        found |= leaves(one, words) if isinstance(one, click.Group) else {words: one}
    return found


COMMANDS = leaves(cli)
EXAMPLES = [(name, line) for name, page in MANUAL.items() for line, _ in page.examples]


def shown(name: str) -> str:
    done = CliRunner().invoke(cli, [*name.split(), "--help"], prog_name="wanbatch")
    assert done.exit_code == 0
    return done.output


def test_each_command_has_a_page_and_each_page_a_command() -> None:
    assert set(MANUAL) == set(COMMANDS)
    assert {type(one) for one in COMMANDS.values()} == {Command}
    for page in MANUAL.values():
        assert len({line for line, _ in page.examples}) == 2
        assert all(what for _, what in page.examples)


@pytest.mark.parametrize("name", COMMANDS)
def test_help_begins_with_its_own(name: str) -> None:
    text = shown(name)
    titles = re.findall(r"^(\S.*):$", text, re.M)
    plans = any(isinstance(p, SharedOption) for p in COMMANDS[name].params)
    shared = ["Options of all commands that plan"] if plans else []
    assert titles == ["Options", *shared, "Examples", "Exit codes"]
    own, _, rest = text.partition("Options of all commands that plan:")
    for param in COMMANDS[name].params:
        if isinstance(param, click.Option):
            place = rest if isinstance(param, SharedOption) else own
            assert re.search(rf"^  (-\w, )?{param.opts[-1]}\b", place, re.M), param.opts
    for line, _ in MANUAL[name].examples:
        assert f"\n  {line}\n" in text


def test_what_all_planning_commands_share_is_the_same_in_each() -> None:
    sections = {
        name: shown(name).partition("commands that plan:")[2].partition("Examples:")[0]
        for name, one in COMMANDS.items()
        if any(isinstance(p, SharedOption) for p in one.params)
    }
    assert {"plan", "run", "status", "fetch", "report"} <= set(sections)
    assert len(set(sections.values())) == 1


@pytest.mark.parametrize("name", MANUAL)
def test_exit_codes_are_those_of_the_contract(name: str) -> None:
    codes = MANUAL[name].exits
    assert list(codes) == sorted(set(codes))
    assert {ExitCode.DONE, ExitCode.INVALID} <= set(codes) <= set(ExitCode)
    told = shown(name).partition("Exit codes:\n")[2]
    assert [int(n) for n in re.findall(r"^  (\d+)  ", told, re.M)] == list(codes)


def test_every_exit_code_has_its_words() -> None:
    assert set(EXITS) == set(ExitCode)
    assert ExitCode.WORK_TO_DO in MANUAL["plan"].exits
    assert [n for n, page in MANUAL.items() if ExitCode.WORK_TO_DO in page.exits] == ["plan"]


# -- the examples ----------------------------------------------------------------------


def words_of(line: str) -> list[str]:
    """Without what the shell does."""
    program, *words = shlex.split(line.partition(" > ")[0])
    assert program == "wanbatch"
    return words


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What ``init`` wrote, and its videos made."""
    folder = tmp_path_factory.mktemp("examples")
    for line in (["init"], ["run", MANIFEST]):
        done = command.run(folder, *line)
        assert done.returncode == 0, done.stderr
    shutil.copytree(folder / "reports/first", folder / "before")
    return folder


@pytest.mark.parametrize(("name", "line"), EXAMPLES)
def test_each_example_is_read(
    name: str, line: str, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(folder)
    words = words_of(line)
    assert words[: len(name.split())] == name.split()
    leaf = COMMANDS[name]
    context = leaf.make_context(name, words[len(name.split()) :])
    assert not context.args


@pytest.mark.parametrize(
    ("name", "line"),
    [one for one in EXAMPLES if not any(re.search(pattern, one[1]) for pattern in NEEDS)],
)
def test_each_example_runs(name: str, line: str, folder: Path, tmp_path: Path) -> None:
    place = tmp_path / "here"
    shutil.copytree(folder, place)
    if line == "wanbatch init":
        place = tmp_path
    done = command.run(place, *words_of(line))
    fine = {ExitCode.DONE, ExitCode.UNFINISHED} if name == "check" else {ExitCode.DONE}
    assert done.returncode in fine, f"{done.stdout}\n{done.stderr}"


# -- the word after --retry-failed -----------------------------------------------------


@pytest.mark.parametrize(
    ("words", "joined"),
    [
        ("--retry-failed", "--retry-failed=all"),
        ("a.yaml --retry-failed", "a.yaml --retry-failed=all"),
        ("--retry-failed a.yaml", "--retry-failed=all a.yaml"),
        ("--retry-failed gone.yaml", "--retry-failed=all gone.yaml"),
        ("--retry-failed dir/a", "--retry-failed=all dir/a"),
        ("--retry-failed here", "--retry-failed=all here"),
        ("--retry-failed -q a.yaml", "--retry-failed=all -q a.yaml"),
        ("--retry-failed Bad.Code a.yaml", "--retry-failed=Bad.Code a.yaml"),
        ("a.yaml --retry-failed A,B_c", "a.yaml --retry-failed=A,B_c"),
        ("--retry-failed=here a.yaml", "--retry-failed=here a.yaml"),
        ("--retry-failed A --retry-failed B", "--retry-failed=A --retry-failed=B"),
        ("--retry-failed --retry-failed B", "--retry-failed=all --retry-failed=B"),
        ("--var --retry-failed a.yaml", "--var --retry-failed a.yaml"),
        ("-- --retry-failed A", "-- --retry-failed A"),
        ("--retry-failed 500 a.yaml", "--retry-failed=500 a.yaml"),
    ],
)
def test_a_word_is_a_code_where_it_has_the_form_and_is_no_file(words: str, joined: str) -> None:
    found = join_codes(words.split(), {"a.yaml", "here"}.__contains__, {"--var"})
    assert found == joined.split()
