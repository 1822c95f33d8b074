"""What a program asks for is held to the same bounds as the command line's options, and
named by its keyword."""

from __future__ import annotations

import inspect
import re
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

import wanbatch
from wanbatch.operations.asking import KEYWORDS, amount, keyword_for, planning_options
from wanbatch.operations.options import PlanningOptions
from wanbatch.words.errors import ExitCode, WanbatchError

ROOT = Path(__file__).parents[2] / "wanbatch"


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"files": ()}, "no manifest is named"),
        ({"files": "a\ud800.yaml"}, "files='a\\ud800.yaml' is not UTF-8 text"),
        ({"backend": 5}, "backend=5 is not text"),
        ({"backend": ""}, "backend='' is not the name of anything"),
        ({"shard": ""}, "shard='' is not the name of anything"),
        ({"output": ""}, "output='' is not the name of anything"),
        ({"select": ["a", 1]}, "select=1 is not text"),
        ({"first": 0}, "first=0 is not a whole number of at least 1"),
        ({"first": True}, "first=True is not a whole number"),
        ({"first": 1.5}, "first=1.5 is not a whole number"),
        ({"max_jobs": 0}, "max_jobs=0 is not a whole number"),
        ({"max_jobs": 10**12}, "max_jobs=1000000000000 is not a whole number"),
        ({"variables": {"a b": 1}}, "variables: 'a b' is not the name of a variable"),
        ({"variables": {"a": [1]}}, "variables['a']=[1] is not text or a number"),
        ({"media_root": "no/such"}, "media_root: no/such is no folder"),
        ({"checks": "some"}, "checks='some' is not one of 'all', 'basic', 'none'"),
        ({"max_cost": 0.1}, "max_cost=0.1 is not an exact amount"),
        ({"max_cost": True}, "max_cost=True is not an amount of money"),
        ({"max_cost": "1e3"}, "max_cost='1e3' is not an amount of money"),
        ({"max_cost": Decimal("NaN")}, "is not an amount of money"),
        ({"max_cost": -1}, "max_cost=-1 is not an amount of money"),
        ({"max_in_flight": 0}, "max_in_flight=0 is not a whole number of at least 1"),
        ({"rate": 0}, "rate=0 is not a number above 0"),
        ({"rate": float("nan")}, "rate=nan is not a number above 0"),
        ({"poll_interval_s": 0.01}, "poll_interval_s=0.01 is not a number of at least 0.05"),
        ({"submit_timeout_s": "60"}, "submit_timeout_s='60' is not a number of at least 1"),
        ({"wait_s": -1}, "wait_s=-1 is not a number of at least 0"),
        ({"lock_timeout_s": float("inf")}, "lock_timeout_s=inf is not a number"),
        ({"wait_s": False}, "wait_s=False is not a number"),
    ],
)
def test_what_makes_no_sense_is_named_by_its_keyword(given: dict[str, Any], words: str) -> None:
    files = given.pop("files", "a.yaml")
    with pytest.raises(WanbatchError, match=re.escape(words)) as caught:
        wanbatch.run_sync(files, **given)
    assert caught.value.exit_code == ExitCode.INVALID
    assert len(caught.value.hints) == 1


@pytest.mark.parametrize(
    ("given", "hint"),
    [
        ({"max_cost": 0.1}, 'write max_cost="0.1"'),
        (
            {"max_cost": "1e3"},
            "write digits with at most one point, such as 5.00 (12 digits before it, 6 behind it)",
        ),
        ({"max_jobs": 0}, "for example: max_jobs=1"),
        ({"shard": ""}, "leave it out, or give it a value"),
        ({"rate": 0}, "for example: rate=1"),
        ({"poll_interval_s": 0}, "for example: poll_interval_s=1.05"),
        ({"backend": 5}, "write it as text, in quotes"),
        ({"files": "a\ud800.yaml"}, "write it in UTF-8, or rename the file"),
        ({"variables": {"a": [1]}}, 'for example: variables={"style": "noir"}'),
        ({"media_root": "no/such"}, "name a folder that exists"),
        ({"checks": "some"}, 'leave it out for checks="all"'),
    ],
)
def test_each_says_what_to_write(given: dict[str, Any], hint: str) -> None:
    files = given.pop("files", "a.yaml")
    with pytest.raises(WanbatchError) as caught:
        wanbatch.run_sync(files, **given)
    assert caught.value.hints == (hint,)


def test_values_come_as_a_program_has_them() -> None:
    options = planning_options(
        Path("a.yaml"), select="tag:hero", variables={"a": 1, "b": True, "c": "x"}, output="out"
    )
    assert options == PlanningOptions(
        files=(Path("a.yaml"),),
        select=("tag:hero",),
        variables={"a": "1", "b": "true", "c": "x"},
        output=Path("out"),
        max_jobs=10_000,
    )
    assert planning_options(path for path in ("a.yaml", Path("b.yaml"))).files == (
        Path("a.yaml"),
        Path("b.yaml"),
    )


@pytest.mark.parametrize("value", ["20", 20, Decimal("20.00")])
def test_money_is_exact(value: Decimal | int | str) -> None:
    assert amount("max_cost", value) == 20


def test_options_are_said_as_keywords_and_commands_stay() -> None:
    assert keyword_for("add --yes, or --max-cost AMOUNT") == "add yes=True, or max_cost=AMOUNT"
    assert keyword_for("choose one with --backend") == "choose one with backend"
    assert keyword_for("--shard I/N: no") == "shard=I/N: no"
    assert keyword_for("run wanbatch report --output x") == "run wanbatch report --output x"
    assert keyword_for("with --unheard-of X") == "with --unheard-of X"


def test_every_option_that_an_operation_names_has_its_keyword() -> None:
    """A text with ``wanbatch `` in it is a command, and says what to type. An option
    that is new stands in one of the two tables, or fails here."""
    named = set()
    for room in ("operations", "config", "plan", "ledger", "videos", "manifest", "media"):
        for path in (ROOT / room).rglob("*.py"):
            for line in path.read_text().splitlines():
                if '"' in line and "wanbatch " not in line:
                    named |= set(re.findall(r"(?<![\w`])--[a-z]+(?:-[a-z]+)*", line))
    new = named - set(KEYWORDS) - OF_COMMANDS_ALONE - OF_PROGRAMS
    assert not new, "has it a keyword in the library?"
    parameters = {*inspect.signature(wanbatch.run).parameters}
    assert {keyword.partition("=")[0] for keyword in KEYWORDS.values()} <= parameters


OF_COMMANDS_ALONE = {
    *("--abandon", "--adopt", "--columns", "--force", "--max-bytes", "--overwrite", "--picks"),
    *("--presign", "--resubmit", "--rows", "--sequence", "--set", "--sound", "--store"),
    *("--take", "--top"),
}
"""Options of commands that no function of the library stands for."""
OF_PROGRAMS = {
    *("--stdin", "--quiet", "--no-verify", "--force-with-lease"),
    *("--what", "--who", "--why", "--mode"),
}
"""What git and systemd-inhibit are told."""
