"""What commands share in telling: findings, doubts of a selection, files named with
``-o``.

What it may not do: decide what is told (operations do), or speak of a run (``run_view``
does).
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path

import click

from wanbatch.cli import findings as form
from wanbatch.cli.console import say, wants_color
from wanbatch.cli.options import CommonOptions
from wanbatch.model.lock import LOCK_SUFFIX
from wanbatch.model.plan import Doubt
from wanbatch.operations.events import (
    Event,
    FindingsMade,
    HeldElsewhere,
    Observer,
    SelectionDoubted,
    SharedLedgerRead,
)
from wanbatch.words.diagnostics import Diagnostic, Severity, has_errors
from wanbatch.words.errors import ExitCode, WanbatchError
from wanbatch.words.files import open_regular

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
            case SharedLedgerRead(url, as_of=float(as_of)):
                at = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(as_of))
                say(f"warning: the shared ledger {url} does not answer: as of {at}")
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


_HEADS = (
    (0, b"SQLite format 3\0", "a database"),
    (4, b"ftyp", "a video"),
    (0, b"\x89PNG", "a picture"),
    (0, b"\xff\xd8\xff", "a picture"),
    (8, b"WEBP", "a picture"),
)
"""How files begin that cannot be made again for nothing, by the place of the bytes."""


def save(path: Path, content: bytes) -> None:
    """Writes a file that the user named with ``-o``. Raises ``WanbatchError``: (2)
    where what stands there is worth more than what would replace it, (4) where it
    cannot be written."""
    try:
        what = _what_stands_there(path)
        if what:
            raise WanbatchError(
                ExitCode.INVALID,
                f"-o {path} is {what}, and was not touched",
                "name another file: this one would be lost",
            )
        path.write_bytes(content)
    except OSError as error:
        raise WanbatchError(
            ExitCode.ENVIRONMENT,
            f"-o {path} cannot be written: {error.strerror}",
            "name a file in a folder that exists",
        ) from error


def _what_stands_there(path: Path) -> str:
    """What would be lost with the file at ``path``; empty for what may be replaced."""
    if path.name.startswith("ledger."):
        return "a ledger's file"
    if not path.is_file():
        return ""
    if path.name.endswith(LOCK_SUFFIX):
        return "a lock"
    if path.suffix in (".yaml", ".yml"):
        return "a manifest"
    with open_regular(path) as file:
        head = file.read(32)
    return next((what for at, mark, what in _HEADS if head.startswith(mark, at)), "")
