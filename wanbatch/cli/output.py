"""What commands share in telling: findings, doubts of a selection, files named with
``-o``.

What it may not do: decide what is told (operations do), or speak of a run (``run_view``
does).
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import click

from wanbatch.cli import findings as form
from wanbatch.cli.console import say, wants_color
from wanbatch.cli.options import CommonOptions
from wanbatch.model.plan import Doubt
from wanbatch.operations.events import (
    Event,
    FindingsMade,
    HeldElsewhere,
    Observer,
    SelectionDoubted,
)
from wanbatch.words.diagnostics import Diagnostic, Severity, has_errors
from wanbatch.words.errors import ExitCode, WanbatchError

LISTED = 20
"""So many jobs are named in a refusal; ``plan`` and ``status`` name all."""


def observer(
    options: CommonOptions, *, quiet_warnings: bool = False, always: bool = False
) -> Observer:
    """Prints what operations tell before a run.

    A machine format is printed where there is an error, so that stdout holds one
    document; ``always`` prints it without one too. Notes are for those who validate, or
    want all (``-v``).
    """

    def observe(event: Event) -> None:
        match event:
            case FindingsMade(found):
                left_out = set() if always or options.verbose else {Severity.NOTE}
                left_out |= {Severity.WARNING, Severity.NOTE} if quiet_warnings else set()
                shown = [d for d in found if d.severity not in left_out]
                if always or options.format == "text" or has_errors(found):
                    show_findings(options, shown)
            case SelectionDoubted(doubt):
                show_doubt(doubt)
            case HeldElsewhere(jobs):
                for entry in jobs[:LISTED]:
                    say(f"  ? {entry.name}  ({entry.reason})")
                if len(jobs) > LISTED:
                    say(f"  and {len(jobs) - LISTED} more")
            case _:
                pass

    return observe


def show_findings(options: CommonOptions, found: Sequence[Diagnostic]) -> None:
    """Text goes to stderr, machine formats to stdout."""
    if options.format != "text":
        click.echo(form.render(found, options.format))
    elif found:
        say(form.render_text(found, color=wants_color(options.color)))


def show_doubt(doubt: Doubt) -> None:
    say(f"warning: {doubt.describe()}")
    for hint in doubt.hints:
        say(f"  help: {hint}")


def save(path: Path, content: bytes) -> None:
    """Writes a file that the user named with ``-o``. Raises ``WanbatchError`` (4) where
    that cannot be done."""
    try:
        path.write_bytes(content)
    except OSError as error:
        raise WanbatchError(
            ExitCode.ENVIRONMENT,
            f"-o {path} cannot be written: {error.strerror}",
            "name a file in a folder that exists",
        ) from error
