"""Fault scripts that are wrong: exit code 2, and the place."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from jsonschema import Draft7Validator

from wanbatch.emulator.faults.script import Call, Faults, Rule, Script
from wanbatch.emulator.faults.script_file import read_script
from wanbatch.words.errors import ExitCode, WanbatchError


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
            "only a submit and a cancel have a moment",
        ),
        ("faults:\n  - {route: submit, do: close, call: 0}\n", ":2:38", "minimum of 1"),
        ("faults:\n  - {route: status, do: saay}\n", ":2:25", "did you mean say?"),
        ("faults:\n  - {route: stauts, do: close}\n", ":2:13", "did you mean status?"),
        ("faults:\n  - {route: status, do: say, wrod: x}\n", ":2:5", "did you mean word?"),
        ("faults:\n  - {route: submit, do: say, word: x}\n", ":2:13", "belongs to route: status"),
        ("faults:\n  - {route: status, do: say, word: no}\n", ":2:36", "not of type 'string'"),
        ("faults:\n  - {route: status, do: coded}\n", ":2:13", "belongs to route: content"),
        ("faults:\n  - {route: list, do: address}\n", ":2:13", "belongs to route: status or"),
        ("faults:\n  - {route: status, do: strange_id}\n", ":2:13", "belongs to route: submit"),
        (
            "faults:\n  - {route: submit, do: strange_id, form: numbr}\n",
            ":2:43",
            "did you mean number?",
        ),
        (
            "faults:\n  - {route: status, do: close, while: finishd}\n",
            ":2:39",
            "did you mean finished?",
        ),
        ("faults:\n  - {route: content, do: close, while: failed}\n", ":2:13", "has a while"),
        ("faults:\n  - {route: status, do: close, by: link}\n", ":2:13", "by api or by link"),
        ("faults:\n  - {route: list, do: close, task: 1}\n", ":2:13", "about one task"),
        ("faults:\n  - {route: status, do: close, task: 0}\n", ":2:38", "minimum of 1"),
        ("faults:\n  - {route: list, do: close, per_task: true}\n", ":2:13", "about one task"),
        ("faults:\n  - {route: probe, do: wrong_date}\n", ":2:5", "'seconds' is a required"),
        ("faults:\n  - {route: status, do: address, at: a..b}\n", ":2:38", "such as video.url"),
    ],
)
def test_a_wrong_script_names_the_place(tmp_path: Path, text: str, place: str, words: str) -> None:
    with pytest.raises(WanbatchError) as refusal:
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
        with pytest.raises(WanbatchError):
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


def test_rules_are_narrowed_to_tasks_phases_and_ways() -> None:
    rules = (
        Rule("status", "close", during="finished", tasks=frozenset({2})),
        Rule("status", "reset", per_task=True, times=1),
        Rule("content", "close", by="link"),
        Rule("probe", "close", calls=frozenset({2})),
    )
    faults = Faults(Script(rules))
    one, two = Call("a", 1, "finished"), Call("b", 2, "finished")
    told = [faults.choose("status", call) for call in (one, two, one, two, Call("b", 2, "running"))]
    assert [r.act if r else None for r in told] == ["reset", "close", None, "close", "reset"]
    assert faults.choose("content", Call("a", 1, "finished", "api")) is None
    assert faults.choose("content", Call("a", 1, "finished", "link")) is rules[2]
    nobody = Call(is_probe=True)
    assert [faults.choose("status", nobody) for _ in range(2)] == [None, rules[3]]
    assert faults.fired == [2, 2, 1, 1]


def test_a_rule_for_status_meets_probes_as_it_always_did() -> None:
    rule = Rule("status", "close", times=1)
    assert Faults(Script((rule,))).choose("status", Call(is_probe=True)) is rule
