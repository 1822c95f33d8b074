"""Fault scripts that are wrong: exit code 2, and the place."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from jsonschema import Draft7Validator

from wanbatch.emulator.script import Faults, Rule, Script
from wanbatch.emulator.script_file import read_script
from wanbatch.errors import ExitCode, Refusal


def read(tmp_path: Path, text: str) -> Script:
    path = tmp_path / "faults.yaml"
    path.write_text(text)
    return read_script(path)


@pytest.mark.parametrize(
    ("text", "place", "words"),
    [
        ("faults: [", ":1:", "YAML"),
        ("[]", ":1:1", "mapping"),
        ("seed: 1\n", ":1:1", "'faults' is a required property"),
        ("faults:\n  - {route: submit}\n", ":2:5", "'do' is a required property"),
        ("faults:\n  - route: sumbit\n    do: close\n", ":2:12", "'sumbit' is not one of"),
        ("faults:\n  - route: submit\n    do: explode\n", ":3:9", "'explode' is not one of"),
        (
            "faults:\n  - route: submit\n    do: close\n    probability: 2\n",
            ":4:18",
            "maximum of 1",
        ),
        ("faults:\n  - {route: submit, do: close, share: 0.5}\n", ":2:5", "unknown key 'share'"),
        ("faults:\n  - {route: submit, do: answer}\n", ":2:5", "'status' is a required property"),
        ("faults:\n  - route: status\n    do: forever\n", ":2:12", "belongs to route: submit"),
        (
            "faults:\n  - route: status\n    do: close\n    moment: after\n",
            ":4:13",
            "only a submit has a moment",
        ),
        ("faults:\n  - {route: submit, do: close, call: 0}\n", ":2:38", "minimum of 1"),
    ],
)
def test_a_wrong_script_names_the_place(tmp_path: Path, text: str, place: str, words: str) -> None:
    with pytest.raises(Refusal) as refusal:
        read(tmp_path, text)
    assert refusal.value.exit_code == ExitCode.INVALID
    assert f"faults.yaml{place}" in refusal.value.message
    assert words in refusal.value.message


def test_hostile_yaml_is_refused(tmp_path: Path) -> None:
    for text in (
        "[" * 5000,
        "a: &a [x]\nb: *c",
        "faults: " + "x" * 1_100_000,
        "? [a]\n: b\n",
        "2026-99-99",
    ):
        with pytest.raises(Refusal):
            read(tmp_path, text)


def test_a_missing_script_ends_the_command_with_2(tmp_path: Path) -> None:
    command = [
        sys.executable,
        "-m",
        "wanbatch",
        "emulator",
        "--store",
        str(tmp_path / "store"),
        "--script",
        str(tmp_path / "none.yaml"),
    ]
    done = subprocess.run(command, capture_output=True, text=True, timeout=20, check=False)
    assert done.returncode == 2
    assert "none.yaml: cannot be read" in done.stderr
    assert "Traceback" not in done.stderr


def test_the_schema_is_a_schema() -> None:
    path = Path(__file__).parents[2] / "schemas" / "faults.schema.json"
    Draft7Validator.check_schema(json.loads(path.read_text()))


def test_the_documented_script_is_valid(tmp_path: Path) -> None:
    text = (Path(__file__).parents[2] / "docs" / "emulator.md").read_text()
    examples = [
        block.split("```")[0]
        for block in text.split("```yaml\n")[1:]
        if "faults:" in block.split("```")[0]
    ]
    assert examples
    for example in examples:
        assert read(tmp_path, example).rules


def test_the_first_rule_that_fires_decides_and_all_count() -> None:
    rules = (
        Rule("submit", "close", calls=frozenset({2})),
        Rule("submit", "reset", times=1),
        Rule("status", "close"),
    )
    faults = Faults(Script(rules))
    chosen = [faults.choose("submit") for _ in range(3)]
    assert [r.act if r else None for r in chosen] == ["reset", "close", None]
    assert faults.choose("content") is None
    assert faults.fired == [1, 1, 0]
