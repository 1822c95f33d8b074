"""A report in the format that someone asked for: the one door for ``wanbatch report -o
FILE``.

What it may not do: write anything.

How it works: a file's name decides its format; ``junit.xml`` and any other ``.xml`` is
JUnit.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Literal

from wanbatch.model.report import Report
from wanbatch.report.formats.json import document_text, report_document, to_bytes
from wanbatch.report.formats.junit import render_junit
from wanbatch.report.formats.parquet import render_parquet, require_parquet
from wanbatch.report.formats.tables import render_csv, render_markdown
from wanbatch.report.wording import link
from wanbatch.words.errors import ExitCode, WanbatchError

TextFormat = Literal["html", "json", "junit", "csv", "md"]
Format = TextFormat | Literal["parquet"]

_BY_SUFFIX: dict[str, Format] = {
    ".html": "html",
    ".htm": "html",
    ".json": "json",
    ".xml": "junit",
    ".csv": "csv",
    ".md": "md",
    ".parquet": "parquet",
}


def format_of(path: Path) -> Format:
    """The format that a file's name asks for. Raises ``WanbatchError`` (2) where there
    is none, or where its library is not installed."""
    found = _BY_SUFFIX.get(path.suffix.lower())
    if found is None:
        raise WanbatchError(
            ExitCode.INVALID,
            f"-o {path}: no report format has this ending",
            "one of: " + ", ".join(_BY_SUFFIX),
        )
    if found == "parquet":
        require_parquet()
    return found


def base_for(target: Path, folder: Path) -> str:
    """The way from the file ``target`` to the manifest's folder, as ``render`` takes
    it: empty where it lies there, else ``../reports/harbor/``."""
    way = Path(os.path.relpath(folder.resolve(), target.resolve().parent)).as_posix()
    return "" if way == "." else f"{way}/"


def render_signed(report: Report, base: str, links_until: str) -> bytes:
    """A copy of the page whose links are signed, and which says how long they work."""
    document = report_document(report)
    from wanbatch.report.formats.page import render_page

    return to_bytes(render_page(report, document, link(base), links_until=links_until))


def render_file(report: Report, form: Format, base: str = "") -> bytes:
    """The report as a file's bytes: a text in UTF-8, or Parquet. ``base`` is that of
    ``render``."""
    if form == "parquet":
        return render_parquet(report, base)
    return to_bytes(render(report, form, base))


def render(report: Report, form: TextFormat, base: str = "") -> str:
    """The report as text.

    ``base`` leads from the folder that the text is for to the manifest's folder, where
    the videos are: empty where they are the same, else a relative path that ends with a
    slash. ``report.json`` keeps its paths, which are relative to the manifest's folder
    by definition.
    """
    if form == "json":
        return document_text(report_document(report))
    if form == "junit":
        return render_junit(report)
    if form == "csv":
        return render_csv(report, base)
    if form == "md":
        return render_markdown(report, link(base))
    from wanbatch.report.formats.page import render_page

    return render_page(report, report_document(report), link(base))
