"""``wanbatch ledger check`` and ``wanbatch ledger backup TO``: is it sound, and a copy of it.

What it may not do: change the ledger or a video.

How it works: both read the ledger as of one instant, so a run may go on meanwhile.
"""

from __future__ import annotations

from pathlib import Path

import click

from wanbatch.cli.console import plural, say
from wanbatch.model.lifecycle import Snapshot, State
from wanbatch.words.errors import ExitCode, Refusal

_OUTPUT = click.option(
    "--output",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path("reports"),
    show_default=True,
    help="Where ledger, videos and reports are.",
)


@click.group("ledger")
def command() -> None:
    """Check the ledger and its videos, or copy it while a run goes on."""


@command.command("check")
@_OUTPUT
def check(output: Path) -> int:
    """Check the ledger against itself and against the videos, every one by its hash.

    Exits 0 where all is sound, 1 where something is wrong.
    """
    from wanbatch.ledger.sqlite import Damaged

    path = _ledger_in(output)
    try:
        problems, snapshot = _problems(output, path)
    except Damaged as damage:
        say(f"error: {damage.message}")
        for hint in damage.hints:
            say(f"  help: {hint}")
        return ExitCode.UNFINISHED
    for problem in problems:
        say(f"  x {problem}")
    stored = sum(a.state is State.STORED for a in snapshot.attempts)
    what = f"{plural(len(snapshot.attempts), 'attempt')}, {plural(stored, 'stored video')}"
    if problems:
        say(f"{path}: {what}; {plural(len(problems), 'problem')}.")
        return ExitCode.UNFINISHED
    say(f"{path}: {what}; all is sound.")
    return ExitCode.DONE


def _problems(output: Path, path: Path) -> tuple[list[str], Snapshot]:
    from wanbatch.ledger.store import read_snapshot
    from wanbatch.ledger.verify import verify_ledger
    from wanbatch.operations.evidence import look_around
    from wanbatch.videos.outputs import find_faults

    snapshot = read_snapshot(path)
    problems = verify_ledger(path)
    newer = look_around(output, snapshot, ()).newer
    if newer:  # or a run that is going on has just written its report
        snapshot = read_snapshot(path)
        newer = look_around(output, snapshot, ()).newer
    older = [f"{report} tells of what the ledger does not hold: it is older" for report in newer]
    return problems + older + find_faults(output, snapshot), snapshot


@command.command("backup")
@click.argument("to", type=click.Path(path_type=Path))
@_OUTPUT
def backup(to: Path, output: Path) -> int:
    """Copy the ledger as it is now to the new file TO, also while a run goes on.

    To put it back, copy it to ledger.db in the output folder while no run goes on.
    """
    from wanbatch.ledger.backup import back_up

    problems = back_up(_ledger_in(output), to)
    click.echo(to)
    for problem in problems:
        say(f"  x {problem}")
    if problems:
        say("The copy is whole; what is wrong with it is wrong with the ledger.")
    return ExitCode.UNFINISHED if problems else ExitCode.DONE


def _ledger_in(output: Path) -> Path:
    from wanbatch.ledger.sqlite import is_missing

    path = output / "ledger.db"
    if is_missing(path):
        raise Refusal(
            ExitCode.INVALID, f"there is no ledger in {output}", "name the folder with --output"
        )
    return path
