"""Findings as frames and as machine formats."""

from __future__ import annotations

import json
from xml.etree import ElementTree as ET

import pytest

from wanbatch.cli.findings import render, render_text
from wanbatch.words.diagnostics import Diagnostic, Position, Severity

FRAME = """\
error[WB204]: first_clip cannot be combined with driving_audio
  --> specs/harbor.wanbatch.yaml:21:7   jobs[1].media.driving_audio
   |
21 |       driving_audio: media/waves.mp3
   |       ^^^^^^^^^^^^^ the API takes driving_audio only with first_frame
   = help: remove driving_audio, or replace first_clip by first_frame"""

ERROR = Diagnostic(
    "WB204",
    "first_clip cannot be combined with driving_audio",
    Position("specs/harbor.wanbatch.yaml", 21, 7, 20),
    ("jobs", 1, "media", "driving_audio"),
    "the API takes driving_audio only with first_frame",
    ("remove driving_audio, or replace first_clip by first_frame",),
    "      driving_audio: media/waves.mp3",
)
WARNING = Diagnostic(
    "WB417",
    "rewritten",
    Position("/abs/a, b:c.yaml", 3, 1, 2),
    label="100% sure\nnext",
    cell="a[x=1]",
    severity=Severity.WARNING,
)


def test_the_frame_is_that_of_the_contract() -> None:
    assert render_text([ERROR]) == f"{FRAME}\n\n1 error in 1 file"


def test_nothing_found_prints_nothing() -> None:
    assert render_text([]) == ""
    assert render([], "github") == ""


def test_colour_changes_nothing_but_colour() -> None:
    colored = render_text([ERROR], color=True)
    assert "\x1b[1;31merror[WB204]" in colored
    plain = colored
    for code in ("\x1b[1;31m", "\x1b[1;33m", "\x1b[1;34m", "\x1b[1m", "\x1b[0m"):
        plain = plain.replace(code, "")
    assert plain == render_text([ERROR])


def test_a_terminal_is_never_given_control_characters() -> None:
    evil = Diagnostic(
        "WB201",
        "x\x1b[2J",
        Position("a\x1b.yaml", 1, 3, 5),
        ("\x07",),
        "l\u202e",
        ("h\x9b",),
        "\x1b[31m\x00\u202eab",
        "c\x08",
    )
    for form in ("text", "json", "github", "sarif", "junit"):
        text = render([evil], form)
        assert not set(text) & set("\x1b\x00\x07\x08\x9b\u202e"), form


def test_the_caret_moves_with_wide_and_escaped_characters() -> None:
    finding = Diagnostic("WB201", "m", Position("a.yaml", 1, 4, 6), (), "", (), "港\x1b\tab c")
    lines = render_text([finding]).splitlines()
    assert lines[3] == "1 | 港\\x1b ab c"
    assert lines[4] == "  | " + " " * 7 + "^^"


def test_long_lines_are_cut_around_the_caret() -> None:
    finding = Diagnostic(
        "WB201",
        "m",
        Position("a.yaml", 1, 10_001, 10_003),
        (),
        "",
        (),
        "x" * 10_000 + "ab" + "y" * 10_000,
    )
    lines = render_text([finding]).splitlines()
    assert max(map(len, lines)) < 400
    column = lines[4].index("^")
    assert lines[3][column : column + 2] == "ab"


def test_json_has_every_fact() -> None:
    whole = json.loads(render([ERROR, WARNING], "json"))
    assert (whole["schema"], whole["errors"], whole["warnings"]) == ("wanbatch/findings@1", 1, 1)
    assert whole["findings"][0] == {
        "severity": "error",
        "code": "WB204",
        "title": "first_clip cannot be combined with driving_audio",
        "message": "first_clip cannot be combined with driving_audio",
        "path": "specs/harbor.wanbatch.yaml",
        "line": 21,
        "column": 7,
        "end_column": 20,
        "route": "jobs[1].media.driving_audio",
        "label": "the API takes driving_audio only with first_frame",
        "help": ["remove driving_audio, or replace first_clip by first_frame"],
        "source": "      driving_audio: media/waves.mp3",
        "cell": "",
    }
    assert whole["findings"][1]["cell"] == "a[x=1]"


def test_github_commands_are_escaped() -> None:
    first, second = render([ERROR, WARNING], "github").splitlines()
    assert first.startswith(
        "::error file=specs/harbor.wanbatch.yaml,line=21,endLine=21,col=7,endColumn=19,title=WB204 "
    )
    assert "%0Ahelp: remove driving_audio" in first
    assert second.startswith("::warning file=/abs/a%2C b%3Ac.yaml,line=3,")
    assert second.endswith("::rewritten: 100%25 sure\\nnext (in a[x=1])")


def test_sarif_names_rules_and_regions() -> None:
    whole = json.loads(render([ERROR, WARNING, ERROR], "sarif"))
    run = whole["runs"][0]
    assert whole["version"] == "2.1.0"
    assert [rule["id"] for rule in run["tool"]["driver"]["rules"]] == ["WB204", "WB417"]
    assert [(r["ruleId"], r["ruleIndex"], r["level"]) for r in run["results"]] == [
        ("WB204", 0, "error"),
        ("WB417", 1, "warning"),
        ("WB204", 0, "error"),
    ]
    place = run["results"][0]["locations"][0]
    assert place["physicalLocation"]["region"] == {
        "startLine": 21,
        "startColumn": 7,
        "endLine": 21,
        "endColumn": 20,
    }
    assert place["logicalLocations"][0]["fullyQualifiedName"] == "jobs[1].media.driving_audio"
    assert (
        run["results"][1]["locations"][0]["physicalLocation"]["artifactLocation"]["uri"]
        == "file:///abs/a%2C%20b%3Ac.yaml"
    )
    assert run["columnKind"] == "unicodeCodePoints"


def test_junit_fails_errors_and_passes_warnings() -> None:
    root = ET.fromstring(render([ERROR, WARNING], "junit"))
    suites = list(root)
    assert [(s.get("tests"), s.get("failures")) for s in suites] == [("1", "1"), ("1", "0")]
    failure = suites[0].find("testcase/failure")
    assert failure is not None
    assert failure.get("type") == "WB204"
    assert "specs/harbor.wanbatch.yaml:21:7" in (failure.text or "")
    assert suites[1].find("testcase/failure") is None
    assert "rewritten" in (suites[1].findtext("testcase/system-out") or "")


def test_junit_without_findings_is_one_passing_case() -> None:
    root = ET.fromstring(render([], "junit"))
    assert root.findall("testsuite/testcase")
    assert not root.findall(".//failure")


def test_an_unknown_format_is_a_bug_of_the_caller() -> None:
    with pytest.raises(KeyError):
        render([ERROR], "yaml")
