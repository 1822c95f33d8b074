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
from html import escape

from wanbatch.model.plan import JobState
from wanbatch.model.report import Report, ReportJob
from wanbatch.report import wording
from wanbatch.report.advice import advise
from wanbatch.report.formats.codec import amount, instant
from wanbatch.words.canonical import Json

_FIXED = (
    "name",
    "id",
    "state",
    "tags",
    "seed",
    "prompt",
    "negative_prompt",
    "model",
    "seconds",
    "size",
    "prompt_extend",
    "watermark",
    "media",
    "backend",
    "task_id",
    "fingerprint",
    "attempts",
    "submitted_at",
    "stored_at",
    "queue_s",
    "submit_s",
    "generation_s",
    "download_s",
    "spent",
    "reserved",
    "currency",
    "path",
    "sha256",
    "bytes",
    "output_seconds",
    "width",
    "height",
    "fps",
    "has_audio",
    "error_code",
    "error_message",
)
Cell = str | int | float | None


def render_csv(report: Report, base: str = "") -> str:
    """One row per job, in manifest order; an axis ``hour`` is the column ``axis.hour``.
    ``base`` leads to the manifest's folder."""
    axes = list(dict.fromkeys(name for job in report.jobs for name, _ in job.axes))
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerow(
        [inert_cell(column) for column in (*_FIXED, *(f"axis.{name}" for name in axes))]
    )
    for job in report.jobs:
        values = _row(job, base)
        found = dict(job.axes)
        writer.writerow(
            [inert_cell(values[column]) for column in _FIXED]
            + [inert_cell(_text(found.get(name))) for name in axes]
        )
    return text.getvalue()


def inert_cell(value: Cell) -> Cell:
    """A text that no spreadsheet takes for a formula; numbers as they are."""
    if not isinstance(value, str):
        return value
    first = unicodedata.normalize("NFKC", value.lstrip()[:1])
    return (
        f"'{value}" if first in ("=", "+", "-", "@") or value[:1] in ("\t", "\r", "\n") else value
    )


def _row(job: ReportJob, base: str) -> dict[str, Cell]:
    asked, output, timings = job.request, job.output, job.timings
    media = asked.get("media")
    return {
        "name": job.name,
        "id": job.id,
        "state": job.state.value,
        "tags": " ".join(job.tags),
        **{
            field: _text(asked.get(field))
            for field in (
                "seed",
                "prompt",
                "negative_prompt",
                "model",
                "seconds",
                "size",
                "prompt_extend",
                "watermark",
            )
        },
        "media": " ".join(f"{m['type']}={m['source']}" for m in media if isinstance(m, dict))
        if isinstance(media, list)
        else "",
        "backend": job.backend,
        "task_id": job.task_id,
        "fingerprint": job.fingerprint,
        "attempts": len(job.attempts),
        "submitted_at": instant(timings.submitted_at) if timings.submitted_at else None,
        "stored_at": instant(timings.stored_at) if timings.stored_at else None,
        **{
            field: _rounded(getattr(timings, field))
            for field in ("queue_s", "submit_s", "generation_s", "download_s")
        },
        "spent": None if job.cost.spent is None else amount(job.cost.spent),
        "reserved": None if job.cost.reserved is None else amount(job.cost.reserved),
        "currency": job.cost.currency,
        "path": f"{base}{output.path}" if output else None,
        "sha256": output.sha256 if output else None,
        "bytes": output.bytes if output else None,
        "output_seconds": _rounded(output.seconds) if output else None,
        "width": output.width if output else None,
        "height": output.height if output else None,
        "fps": _rounded(output.fps) if output else None,
        "has_audio": _text(output.has_audio) if output else None,
        "error_code": job.error.code if job.error else None,
        "error_message": job.error.message if job.error else None,
    }


def _text(value: Json | float) -> Cell:
    if isinstance(value, bool):
        return "true" if value else "false"
    return value if isinstance(value, (str, int, float)) or value is None else str(value)


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 3)


def render_markdown(report: Report, base: str = "") -> str:
    """Totals, what is left to do, and a table of all jobs with links to their
    videos."""
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


def _markdown_row(job: ReportJob, base: str) -> str:
    output = job.output
    video = (
        (
            f"[{wording.duration(output.seconds)}, {output.width} ×"
            f" {output.height}]({base}{wording.link(output.path)})"
        )
        if output
        else ""
    )
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
