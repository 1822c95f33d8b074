"""Puts a report's Markdown on the page of a GitHub Actions step.

What it may not do: fail a command, whose videos are paid for: a page that cannot be
written is left as it is.

How it works: ``GITHUB_STEP_SUMMARY`` names a file that the runner shows after the step.
It takes 1 MiB a step and nothing of a longer one, so what is there already counts; what
stands there already is not put there again.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from wanbatch.model.report import Report
from wanbatch.report.formats.json import to_bytes
from wanbatch.report.formats.tables import render_summary
from wanbatch.words.files import open_own

VARIABLE = "GITHUB_STEP_SUMMARY"
MOST_BYTES = 1024 * 1024
"""A step's summary is dropped whole beyond 1 MiB (GitHub's documentation)."""


def append_summary(reports: Sequence[Report]) -> None:
    """Appends each report to the step's page, where there is one."""
    name = os.environ.get(VARIABLE)
    if not name:
        return
    try:
        for report in reports:
            _append(Path(name), report)
    except (OSError, ValueError):
        return


def _append(page: Path, report: Report) -> None:
    descriptor = open_own(page, os.O_RDWR | os.O_APPEND | os.O_CREAT, 0o644)
    with os.fdopen(descriptor, "r+b") as file:
        present = file.read(MOST_BYTES)
        content = to_bytes(render_summary(report, MOST_BYTES - len(present) - 1))
        if content and content not in present:
            file.seek(0, os.SEEK_END)
            file.write((b"\n" if present else b"") + content)
