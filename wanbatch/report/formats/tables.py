"""A report as a table: CSV for spreadsheets, Markdown for pull requests and job
summaries.

What it may not do: I/O, or let a text of a manifest or of a provider act in the program
that opens the table.

How it works: a spreadsheet takes a cell that begins with ``=``, ``+``, ``-``, ``@``, a
tab or a carriage return for a formula, also after white space and in full-width forms;
such texts get an apostrophe in front, numbers of our own do not. In Markdown, texts are
escaped as HTML first and then freed of the marks that Markdown gives a meaning to.
"""

from __future__ import annotations

import csv
import io
import re
import unicodedata
from decimal import Decimal
from html import escape

from wanbatch.model.plan import JobState
from wanbatch.model.report import Report, ReportJob
from wanbatch.report import wording
from wanbatch.report.advice import advise
from wanbatch.report.formats.codec import amount, instant
from wanbatch.report.formats.records import Kind, Value, make_columns

Cell = str | int | float | None


def render_csv(report: Report, base: str = "") -> str:
    """One row per job, in manifest order, with the columns of ``records``. ``base``
    leads to the manifest's folder."""
    columns = make_columns(report, base)
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerow([inert_cell(column.name) for column in columns])
    cells = ([inert_cell(_cell(c.kind, value)) for value in c.values] for c in columns)
    writer.writerows(zip(*cells, strict=True))
    return text.getvalue()


def _cell(kind: Kind, value: Value) -> Cell:
    """A value as a spreadsheet reads it."""
    match kind, value:
        case Kind.INSTANT, float() | int():
            return instant(float(value))
        case Kind.FLAG, bool():
            return "true" if value else "false"
        case _, Decimal():
            return amount(value)
        case _, tuple():
            return " ".join(value)
        case _:
            return value


def inert_cell(value: Cell) -> Cell:
    """A text that no spreadsheet takes for a formula; numbers as they are."""
    if not isinstance(value, str):
        return value
    first = unicodedata.normalize("NFKC", value.lstrip()[:1])
    return (
        f"'{value}" if first in ("=", "+", "-", "@") or value[:1] in ("\t", "\r", "\n") else value
    )


def render_markdown(report: Report, base: str | None = "") -> str:
    """Totals, what is left to do, and a table of all jobs with links to their videos;
    without links where ``base`` is ``None``."""
    totals, manifest = report.totals, report.manifest
    lines = [f"# {inert_text(manifest.name)}", "", _summary(report), ""]
    for item in advise(report):
        lines += [
            f"**{item.title}**"
            + (f" ({inert_text(item.code)})" if item.code else "")
            + (f": {inert_text(item.message)}" if item.message else ""),
            "",
            *([inert_text(item.meaning), ""] if item.meaning else []),
        ]
        lines += [
            "```sh",
            *(f"{step.command}  # {step.when.lower()}" for step in item.steps),
            "```",
            "",
        ]
    lines += ["| job | state | video | took | cost |", "| --- | --- | --- | ---: | ---: |"]
    lines += [_markdown_row(job, base) for job in report.jobs]
    cost = wording.money(totals.cost.spent, totals.cost.currency)
    lines += [
        "",
        (
            f"{wording.count(totals.jobs, 'job')}, {totals.done} done, {cost} spent. Manifest"
            f" SHA-256 `{manifest.sha256[:16]}`."
        ),
    ]
    return "\n".join(lines) + "\n"


def _summary(report: Report) -> str:
    totals = report.totals
    parts = [f"{totals.done} of {wording.count(totals.jobs, 'job')} done"]
    parts += [
        f"{totals.of(state)} {state.value}"
        for state in JobState
        if state is not JobState.DONE and totals.of(state)
    ]
    if report.realm == "paid":
        parts.append(f"{wording.money(totals.cost.spent, totals.cost.currency)} spent")
    else:
        parts.append("drawn by the emulator, nothing paid")
    if report.time:
        parts.append(f"{wording.duration(report.time.wall_s)} in this run")
    return ", ".join(parts) + "."


def render_summary(report: Report, most_bytes: int) -> str:
    """The Markdown for a page that has no videos beside it, at most ``most_bytes`` in
    UTF-8: of a longer one the last rows are left out, and counted. Empty where not even
    its head fits."""
    lines = render_markdown(report, None).splitlines(keepends=True)
    if sum(len(line.encode()) for line in lines) <= most_bytes:
        return "".join(lines)
    rows = [number for number, line in enumerate(lines) if line.startswith("| ")][2:]
    left = most_bytes - 80  # for the line that counts the rest
    kept: list[str] = []
    for line in lines:
        left -= len(line.encode())
        if left < 0:
            break
        kept.append(line)
    if not rows or len(kept) <= rows[0]:
        return ""
    kept_rows = sum(number < len(kept) for number in rows)
    return "".join(kept) + f"\nand {wording.count(len(rows) - kept_rows, 'more job')}\n"


def _markdown_row(job: ReportJob, base: str | None) -> str:
    output = job.output
    video = (
        f"{wording.duration(output.seconds)}, {output.width} × {output.height}" if output else ""
    )
    if output and base is not None:
        video = f"[{video}]({wording.reach(base, wording.link(output.path))})"
    remarks = ", ".join(check.name for check in job.checks if not check.passed)
    if remarks:
        video += f" ({inert_text(remarks)})"
    if job.error:
        video = inert_text(f"{job.error.code}: {job.error.message}")
    return (
        f"| {inert_text(job.name)} | {job.state.value} | {video} |"
        f" {wording.duration(job.timings.generation_s)} | {_price(job)} |"
    )


def _price(job: ReportJob) -> str:
    return wording.money(job.cost.spent, job.cost.currency)


def inert_text(text: str) -> str:
    """A text as Markdown that shows it and nothing else, on one line."""
    flat = " ".join(
        "".join(
            c if unicodedata.category(c) not in ("Cc", "Cf", "Cs") else " " for c in text
        ).split()
    )
    return re.sub(r"([\\`*_{}\[\]()#+!|~@:])", r"\\\1", escape(flat, quote=False))
