"""Findings for programs: JSON, GitHub annotations, SARIF 2.1.0, JUnit XML; and
Markdown for pull requests.

What it may not do: say less, or other things, than the frames for people; write
characters that the format forbids.

How it works: each function turns the same ``Diagnostic`` values into one text, and but
for GitHub's it has all of them, with all their cells. Without findings the text is a
valid, empty document of its format (nothing for GitHub, whose annotations are lines).
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import PurePosixPath
from urllib.parse import quote
from xml.etree import ElementTree as ET

import wanbatch
from wanbatch.cli.findings import (
    cut,
    describe_cells,
    describe_places,
    describe_rows,
    other_messages,
    other_places,
    rows_of,
)
from wanbatch.operations.codes import find_code
from wanbatch.words.diagnostics import Cell, Diagnostic, Position, Severity, format_route
from wanbatch.words.humanize import plural
from wanbatch.words.markdown import MOST_CHARACTERS, code_span, fit
from wanbatch.words.quoting import escape_unsafe


def render_json(diagnostics: Sequence[Diagnostic]) -> str:
    """One object with the counts and a list of all findings."""
    counts = Counter(d.severity for d in diagnostics)
    entries = [
        {
            "severity": d.severity.value,
            "code": d.code,
            "title": _title(d.code),
            "message": d.message,
            "path": d.place.path,
            "line": d.place.line,
            "column": d.place.column,
            "end_column": d.place.end_column,
            **({"place": d.place.cell} if d.place.cell else {}),
            "route": format_route(d.route),
            "label": d.label,
            "help": list(d.help),
            "source": d.source,
            "cell": d.cell,
            **({"cells": [_cell(c) for c in d.cells]} if d.cells else {}),
        }
        for d in diagnostics
    ]
    whole = {
        "schema": "wanbatch/findings@1",
        "errors": counts[Severity.ERROR],
        "warnings": counts[Severity.WARNING],
        "notes": counts[Severity.NOTE],
        "findings": entries,
    }
    return json.dumps(whole, ensure_ascii=True, indent=2)


def _cell(cell: Cell) -> dict[str, object]:
    return {
        "name": cell.name,
        "message": cell.message,
        "label": cell.label,
        "help": list(cell.help),
        "row": _place(cell.row),
        "place": _place(cell.place),
    }


def _place(place: Position | None) -> dict[str, object] | None:
    return (
        {
            "path": place.path,
            "line": place.line,
            "column": place.column,
            **({"place": place.cell} if place.cell else {}),
        }
        if place is not None
        else None
    )


MOST_ANNOTATIONS = 10
"""GitHub shows ten annotations of a kind and step, and drops the others without a
word."""


def render_github(diagnostics: Sequence[Diagnostic]) -> str:
    """One workflow command a finding: GitHub shows it beside the line in a pull
    request. What is beyond ten stands in the log as a number.
    """
    first, rest = cut(diagnostics, MOST_ANNOTATIONS)
    return "\n".join([*map(_annotation, first), *([rest] if rest else [])])


def _annotation(d: Diagnostic) -> str:
    values = {
        "file": d.place.path, "line": d.place.line, "endLine": d.place.line,
        "col": d.place.column, "endColumn": max(d.place.end_column - 1, d.place.column),
        "title": f"{d.code} {_title(d.code)}".strip(),
    }  # fmt: skip
    inside = ",".join(
        f"{name}={_property(escape_unsafe(str(value)))}" for name, value in values.items()
    )
    command = "notice" if d.severity is Severity.NOTE else d.severity
    return f"::{command} {inside}::{_data(_sentence(d))}"


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")


def _sentence(d: Diagnostic) -> str:
    """Message, label, cells, rows and help in a few lines."""
    cells = describe_cells(d)
    at = f"{d.place.cell}: " if d.place.cell else ""
    first = at + d.message + (f": {d.label}" if d.label else "") + (f" ({cells})" if cells else "")
    more = [f"also: {message}" for message in other_messages(d)]
    more += [line for line in (describe_places(d), describe_rows(d)) if line]
    more += [f"help: {hint}" for hint in d.help]
    return "\n".join(escape_unsafe(line) for line in (first, *more))


def _title(code: str) -> str:
    known = find_code(code)
    return known.title if known else ""


def render_sarif(diagnostics: Sequence[Diagnostic]) -> str:
    """A SARIF 2.1.0 log, as code scanning reads it."""
    codes = sorted({d.code for d in diagnostics})
    numbers = {code: number for number, code in enumerate(codes)}
    run = {
        "tool": {
            "driver": {
                "name": "wanbatch",
                "version": wanbatch.__version__,
                "rules": [_rule(code) for code in codes],
            }
        },
        "columnKind": "unicodeCodePoints",
        "results": [_result(d, numbers[d.code]) for d in diagnostics],
    }
    whole = {
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [run],
    }
    return json.dumps(whole, ensure_ascii=True, indent=2)


def _rule(code: str) -> dict[str, object]:
    known = find_code(code)
    title, explanation = (known.title, known.explanation) if known else (code, code)
    return {
        "id": code,
        "shortDescription": {"text": title},
        "fullDescription": {"text": explanation},
        "help": {"text": explanation},
    }


def _result(d: Diagnostic, number: int) -> dict[str, object]:
    location: dict[str, object] = {"physicalLocation": _physical(d.place)}
    if inside := d.place.cell or format_route(d.route):
        location["logicalLocations"] = [{"fullyQualifiedName": inside, "kind": "member"}]
    result: dict[str, object] = {
        "ruleId": d.code,
        "ruleIndex": number,
        "level": d.severity.value,
        "message": {"text": _sentence(d)},
        "locations": [location],
    }
    related = [("also here", place) for place in other_places(d)]
    related += [("the row of data", row) for row in rows_of(d)]
    if related:
        result["relatedLocations"] = [
            _related(number, text, place) for number, (text, place) in enumerate(related, 1)
        ]
    if d.cells:
        result["properties"] = {"cells": [_cell(c) for c in d.cells]}
    return result


def _related(number: int, text: str, place: Position) -> dict[str, object]:
    return {"id": number, "message": {"text": text}, "physicalLocation": _physical(place)}


def _physical(place: Position) -> dict[str, object]:
    region = {
        "startLine": place.line,
        "startColumn": place.column,
        "endLine": place.line,
        "endColumn": max(place.end_column, place.column + 1),
    }
    return {"artifactLocation": {"uri": _uri(place.path)}, "region": region}


def _uri(path: str) -> str:
    quoted = quote(path.encode("utf-8", "surrogateescape"), safe="/")
    return f"file://{quoted}" if PurePosixPath(path).is_absolute() else quoted


def render_junit(diagnostics: Sequence[Diagnostic]) -> str:
    """One suite a file, one case a finding: errors fail, warnings pass with their text
    as output."""
    by_path: dict[str, list[Diagnostic]] = {}
    for d in diagnostics:
        by_path.setdefault(d.place.path, []).append(d)
    root = ET.Element("testsuites", name="wanbatch validate")
    for path, group in by_path.items():
        failures = sum(d.severity is Severity.ERROR for d in group)
        suite = ET.SubElement(
            root,
            "testsuite",
            name=escape_unsafe(path),
            tests=str(len(group)),
            failures=str(failures),
            errors="0",
        )
        for d in group:
            _case(suite, d)
    if not diagnostics:
        suite = ET.SubElement(
            root, "testsuite", name="wanbatch validate", tests="1", failures="0", errors="0"
        )
        ET.SubElement(suite, "testcase", classname="wanbatch", name="all manifests are valid")
    ET.indent(root)
    return ET.tostring(root, encoding="unicode", xml_declaration=False)


def _case(suite: ET.Element, d: Diagnostic) -> None:
    path = escape_unsafe(d.place.path)
    where = f"{d.place.line}:{d.place.column} {escape_unsafe(format_route(d.route))}"
    name = f"{d.code} at {where}".strip()
    case = ET.SubElement(
        suite, "testcase", classname=path, name=name, file=path, line=str(d.place.line)
    )
    text = f"{path}:{d.place.line}:{d.place.column}: {_sentence(d)}"
    if d.severity is Severity.ERROR:
        failure = ET.SubElement(case, "failure", message=escape_unsafe(d.message), type=d.code)
        failure.text = text
    else:
        ET.SubElement(case, "system-out").text = text


def render_markdown(diagnostics: Sequence[Diagnostic]) -> str:
    """A list for a pull request, at most as long as a comment may be."""
    errors = sum(d.severity is Severity.ERROR for d in diagnostics)
    counts = f"{plural(errors, 'error')}, {plural(len(diagnostics) - errors, 'warning')}"
    head = [f"### {counts}" if diagnostics else "### Valid: no findings", ""]
    first = sorted(diagnostics, key=lambda d: d.severity is not Severity.ERROR)
    return fit(head, [_item(d) for d in first], MOST_CHARACTERS, "\nand {left} more").rstrip("\n")


def _item(d: Diagnostic) -> str:
    place = code_span(f"{d.place.path}:{d.place.line}:{d.place.column}")
    cells = f" ({code_span(describe_cells(d))})" if describe_cells(d) else ""
    help_ = "".join(f"\n  - help: {code_span(hint, 400)}" for hint in d.help)
    return f"- **{d.severity}[{d.code}]** {place} {code_span(d.message, 400)}{cells}{help_}"


FORMATS: dict[str, Callable[[Sequence[Diagnostic]], str]] = {
    "json": render_json, "github": render_github, "sarif": render_sarif, "junit": render_junit,
    "markdown": render_markdown,
}  # fmt: skip
