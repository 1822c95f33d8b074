"""What was said of videos, for programs: as JSON, and as JUnit XML, which every CI
shows as tests.

What it may not do: I/O, or write a character that JSON or XML forbids.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from xml.etree.ElementTree import Element, SubElement, indent, tostring

from wanbatch.model.report import Check
from wanbatch.report.formats.junit import legal

Checked = Sequence[tuple[str, Sequence[Check]]]
"""Paths, each with what is said of it."""


def render_checks(found: Checked, form: str) -> bytes:
    """``[{path, checks: [{name, passed, value, message}]}]`` as ``json``; a suite for
    each path and a case for each check as ``junit``. What is no text in a path is
    written as an escape."""
    text = _as_junit(found) if form == "junit" else _as_json(found)
    return text.encode("utf-8", "backslashreplace")


def _as_json(found: Checked) -> str:
    return json.dumps(
        [
            {
                "path": path,
                "checks": [
                    {"name": c.name, "passed": c.passed, "value": c.value, "message": c.message}
                    for c in checks
                ],
            }
            for path, checks in found
        ],
        indent=2,
        ensure_ascii=False,
        allow_nan=False,
    )


def _as_junit(found: Checked) -> str:
    everything = [check for _, checks in found for check in checks]
    suites = Element("testsuites", {"name": "wanbatch check", **_counts(everything)})
    for path, checks in found:
        suite = SubElement(suites, "testsuite", {"name": legal(path), **_counts(checks)})
        for check in checks:
            names = {"classname": legal(path), "name": legal(check.name), "file": legal(path)}
            case = SubElement(suite, "testcase", names)
            if not check.passed:
                said = {"message": legal(check.message), "type": legal(check.name)}
                SubElement(case, "failure", said)
    indent(suites)
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + tostring(suites, encoding="unicode")


def _counts(checks: Sequence[Check]) -> dict[str, str]:
    failed = sum(not check.passed for check in checks)
    return {"tests": str(len(checks)), "failures": str(failed), "errors": "0"}
