"""A report as the ``metadata.jsonl`` of a VideoFolder, as data sets on Hugging Face
have it.

What it may not do: I/O (``report.export`` does), or name a job without a video.

How it works: a line for each done job, ``file_name`` first, then the columns of
``records`` that tell of request, video and checks. All lines have the same keys, and a
key has one type: a reader infers it from the first lines.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal
from pathlib import PurePosixPath

from wanbatch.model.plan import JobState
from wanbatch.model.report import Report, ReportJob, is_inside
from wanbatch.report.formats.records import Value, make_columns

LEFT_OUT = frozenset(
    {
        *("state", "backend", "task_id", "path", "poster", "preview", "frames"),
        *("attempts", "submitted_at", "stored_at", "queue_s", "submit_s", "generation_s"),
        *("download_s", "spent", "reserved", "currency", "error_code", "error_message"),
    }
)
"""What tells how a video was bought; a data set is about what it shows."""


def exportable(report: Report) -> tuple[ReportJob, ...]:
    """The jobs whose videos can be exported."""
    return tuple(
        job
        for job in report.jobs
        if job.state is JobState.DONE and job.output is not None and is_inside(job.output.path)
    )


def file_name(job: ReportJob, prefix: str = "") -> str:
    """A video's name in the folder; ``prefix`` is a subfolder, with its slash."""
    return prefix + PurePosixPath(job.output.path if job.output else "").name


def render_metadata(report: Report, jobs: Sequence[ReportJob], prefix: str = "") -> str:
    """The lines of ``jobs``, which are ``report``'s."""
    columns = [c for c in make_columns(replace(report, jobs=tuple(jobs))) if c.name not in LEFT_OUT]
    lines = []
    for number, job in enumerate(jobs):
        values = {column.name: _json(column.values[number]) for column in columns}
        lines.append(json.dumps({"file_name": file_name(job, prefix), **values}))
    return "".join(f"{line}\n" for line in lines)


def _json(value: Value) -> object:
    if isinstance(value, Decimal):
        return str(value)
    return list(value) if isinstance(value, tuple) else value
