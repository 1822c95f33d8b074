"""Compares two reports, records of runs, or locks, and makes a page of both.

What it may not do: plan, look at a ledger, or change either side.

How it works: a folder stands for its ``report.json``; a document's ``schema`` says what
it is. A report's videos lie in its manifest's folder, to which the page's links lead.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from wanbatch.model.lock import LOCK_SCHEMA, LOCK_SUFFIX
from wanbatch.model.report import Report
from wanbatch.operations.locks import read_lock
from wanbatch.operations.opening import find_report, folder_of
from wanbatch.report.compare import compare, merge, report_of_lock
from wanbatch.report.formats.comparison import (
    count_up,
    render_json,
    render_markdown,
    render_text,
)
from wanbatch.report.formats.json import report_document, to_bytes
from wanbatch.report.formats.page import render_page
from wanbatch.report.formats.render import base_for
from wanbatch.report.head import read_document
from wanbatch.report.write import read_report
from wanbatch.words.errors import ExitCode, WanbatchError

CompareFormat = Literal["text", "json", "markdown"]

OPENING = "show=grid&cols=run&rows=name"
"""The view that the page of a comparison begins with: A beside B, row by row."""


@dataclass(frozen=True, slots=True)
class Compared:
    """The comparison as text, in one line, and as a page where one was asked for."""

    text: str
    summary: str
    page: bytes | None


@dataclass(frozen=True, slots=True)
class Side:
    """One of the two: what it says, and the folder that its paths are relative to."""

    report: Report
    folder: Path
    title: str


def compare_reports(
    a: Path, b: Path, form: CompareFormat, page: Path | None, *, all_jobs: bool = False
) -> Compared:
    """Raises ``WanbatchError`` (2) for what is no report."""
    if page is not None and page.suffix.lower() not in (".html", ".htm"):
        raise WanbatchError(
            ExitCode.INVALID, f"-o {page}: the page is HTML", "for example: -o compare.html"
        )
    one, other = read_side(a), read_side(b)
    found = compare(one.report, other.report)
    titles = (one.title, other.title)
    if form == "json":
        text = render_json(titles, found)
    elif form == "markdown":
        text = render_markdown(titles, found)
    else:
        text = render_text(titles, found, all_jobs=all_jobs)
    content = None if page is None else _page(one, other, page)
    return Compared(text, count_up(found), content)


def _page(one: Side, other: Side, target: Path) -> bytes:
    ways = (base_for(target, one.folder), base_for(target, other.folder))
    both = replace(
        merge(one.report, other.report, ways),
        description=f"A is {one.title}, B is {other.title}",
    )
    return to_bytes(render_page(both, report_document(both), opening=OPENING))


def read_side(path: Path) -> Side:
    """What ``path`` leads to. Raises ``WanbatchError`` (2) with the place where it is
    no report and no lock."""
    file = find_report(path)
    document = read_document(file)
    if document is not None and document.get("schema") == LOCK_SCHEMA:
        return Side(report_of_lock(read_lock(file), _manifest_of(file)), file.parent, str(path))
    report = read_report(file)
    return Side(report, folder_of(file), str(path))


def _manifest_of(lock: Path) -> str:
    return lock.name.removesuffix(LOCK_SUFFIX)
