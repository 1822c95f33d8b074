"""``wanbatch why FILE JOB``: which part of a job's identity changed since its last
result.

What it may not do: decide anything; ``operations.why`` compares, here it is worded.
"""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import TYPE_CHECKING

import click

from wanbatch.cli.command import Command
from wanbatch.cli.completing import complete_backend, complete_job
from wanbatch.cli.options import CommonOptions
from wanbatch.cli.output import observer
from wanbatch.operations.options import DEFAULT_OUTPUT

if TYPE_CHECKING:
    from wanbatch.operations.why import Answer


@click.command("why", cls=Command)
@click.argument("file", type=click.Path(path_type=Path))
@click.argument("job", shell_complete=complete_job)
@click.option(
    "--backend",
    metavar="NAME",
    shell_complete=complete_backend,
    help="Whose results: as a plan for it finds them.",
)
@click.option(
    "--output",
    type=click.Path(path_type=Path, file_okay=False),
    default=DEFAULT_OUTPUT,
    show_default=True,
    help="Where ledger, videos and reports are.",
)
@click.option("--json", "as_json", is_flag=True, help="Print the answer as JSON.")
def command(file: Path, job: str, backend: str | None, output: Path, as_json: bool) -> None:
    """Say what a run would do with JOB of FILE, and which part of it changed since it
    was last bought."""
    from wanbatch.operations.why import explain_job

    options = CommonOptions(files=(file,), backend=backend, output=output, quiet=True)
    answer = explain_job(options, job, observer(options, quiet_warnings=True))
    if as_json:
        click.echo(json.dumps(_document(answer), ensure_ascii=False, indent=2))
        return
    entry = answer.entry
    click.echo(f"{entry.name}: {entry.action.value} ({entry.reason})")
    click.echo(f"  {_held_against(answer)}")
    for change in answer.changes:
        click.echo(f"    {change}")


def _held_against(answer: Answer) -> str:
    if answer.last is not None:
        at = time.strftime("%Y-%m-%d %H:%M", time.localtime(answer.last.intent_at))
        task = f", task {answer.last.task_id}" if answer.last.task_id else ""
        since = f"it was bought at {at}{task}"
    elif answer.locked:
        since = f"{answer.locked} has it as bought"
    else:
        return "it was never bought: every part of it is new"
    if answer.is_same:
        return f"nothing of its identity changed since {since}"
    if not answer.changes:
        return f"its upstream, its take or the query of a URL changed since {since}"
    return f"changed since {since}:"


def _document(answer: Answer) -> dict[str, object]:
    entry, last = answer.entry, answer.last
    return {
        "job": entry.name,
        "fingerprint": entry.fingerprint,
        "action": entry.action.value,
        "reason": str(entry.reason),
        "same": answer.is_same,
        "last_fingerprint": last.fingerprint if last else None,
        "lock": answer.locked or None,
        "changes": [{"part": c.part, "words": c.words} for c in answer.changes],
    }
