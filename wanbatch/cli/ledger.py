"""``wanbatch ledger check``, ``wanbatch ledger backup TO``, ``wanbatch ledger begin
DIGEST``: is it sound, a copy of it, and the mark of a plan that it begins.

What it may not do: change an attempt or a video.

How it works: ``operations.ledgers`` and ``operations.beginning`` do it; here it is
worded.
"""

from __future__ import annotations

from pathlib import Path

import click

from wanbatch.cli.command import Command
from wanbatch.cli.console import say
from wanbatch.words.errors import ExitCode
from wanbatch.words.humanize import plural

_OUTPUT = click.option(
    "--output",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path("reports"),
    show_default=True,
    help="Where ledger, videos and reports are.",
)


@click.group("ledger")
def command() -> None:
    """Check the ledger and its videos, copy it while a run goes on, or mark a plan as
    begun."""


@command.command("check", cls=Command, short_help="Is it sound, and are its videos?")
@_OUTPUT
def check(output: Path) -> int:
    """Check the ledger against itself and against the videos, every one by its hash.

    Exits 0 where all is sound, 1 where something is wrong.
    """
    from wanbatch.operations.ledgers import check_ledger

    found = check_ledger(output)
    if found.damage:
        message, *hints = found.damage
        say(f"error: {message}")
        for hint in hints:
            say(f"  help: {hint}")
        return ExitCode.UNFINISHED
    for problem in found.problems:
        say(f"  x {problem}")
    what = f"{plural(found.attempts, 'attempt')}, {plural(found.stored, 'stored video')}"
    if found.in_trash:
        what += f", {found.in_trash} of them in the trash"
    if found.emptied:
        what += f", {found.emptied} of them deleted by clean"
    if found.problems:
        say(f"{found.path}: {what}; {plural(len(found.problems), 'problem')}.")
        for way in found.ways:
            say(f"  help: {way}")
        return ExitCode.UNFINISHED
    say(f"{found.path}: {what}; all is sound.")
    return ExitCode.DONE


@command.command("backup", cls=Command, short_help="Copy the ledger, also while a run goes on.")
@click.argument("to", type=click.Path(path_type=Path))
@_OUTPUT
def backup(to: Path, output: Path) -> int:
    """Copy the ledger as it is now to the new file TO, also while a run goes on.

    To put it back, copy it to ledger.db in the output folder while no run goes on.
    """
    from wanbatch.operations.ledgers import copy_ledger

    problems = copy_ledger(output, to)
    click.echo(to)
    for problem in problems:
        say(f"  x {problem}")
    if problems:
        say("The copy is whole; what is wrong with it is wrong with the ledger.")
        say("  help: keep an earlier copy too; see all with: wanbatch ledger check")
    return ExitCode.UNFINISHED if problems else ExitCode.DONE


@command.command("begin", cls=Command, short_help="Mark a saved plan as begun by this ledger.")
@click.argument("digest")
@click.option("--remote", default="origin", show_default=True, help="The git remote of the mark.")
@click.option(
    "--backend", metavar="NAME", help="Where its profile shares a ledger, the mark is there."
)
@_OUTPUT
def begin(digest: str, remote: str, backend: str | None, output: Path) -> int:
    """Mark the saved plan of DIGEST as begun by this ledger, in a git ref that every
    other runner sees; a shared ledger keeps the mark itself.

    For CI, before 'run --plan': where another ledger has begun a plan it exits 3, and
    nothing may be bought.
    """
    from wanbatch.operations.wiring import begin_plan

    begun = begin_plan(output, digest, remote, backend)
    first = "begun" if begun.is_new else "begun before, by this ledger"
    say(f"Plan {digest[:12]}: {first}.")
    return ExitCode.DONE
