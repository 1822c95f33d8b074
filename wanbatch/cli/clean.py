"""``wanbatch clean``: videos that nobody needs, the trash, and the way back.

What it may not do: decide what is unneeded (``operations.clean`` does), or delete
anything but with both ``--yes`` and ``--now``.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from pathlib import Path

import click

from wanbatch.cli.command import Command
from wanbatch.cli.console import say, tell
from wanbatch.cli.options import Amount
from wanbatch.model.lifecycle import Attempt
from wanbatch.operations.clean import (
    FOLDER,
    UNNEEDED_AFTER_S,
    Cleaning,
    Discarded,
    empty_trash,
    look,
    move,
)
from wanbatch.operations.options import DEFAULT_OUTPUT
from wanbatch.words.humanize import plural, quoted, size

DAYS = round(UNNEEDED_AFTER_S / 86_400)


@click.command("clean", cls=Command)
@click.option("--yes", is_flag=True, help="Move them to the trash.")
@click.option("--now", is_flag=True, help="Look at the trash; with --yes, empty it for good.")
@click.option(
    "--output",
    type=click.Path(path_type=Path, file_okay=False),
    default=DEFAULT_OUTPUT,
    show_default=True,
    help="Where ledger, videos and reports are.",
)
@click.option(
    "--lock-timeout",
    type=Amount(0),
    default=0.0,
    metavar="SECONDS",
    help="How long to wait for another run on this output folder.",
)
def command(yes: bool, now: bool, output: Path, lock_timeout: float) -> None:
    """List videos that no manifest, lock or review which this ledger has ever seen has
    referred to for 30 days.

    --yes moves them to trash/ in the output folder, where a run that needs one takes it
    back. --now shows what lies in the trash; --yes --now deletes that for good, and
    nothing else does.
    """
    at = time.time()
    if now:
        _show_trash(empty_trash(output, at, lock_timeout) if yes else look(output, at), yes, output)
    else:
        _show_unneeded(move(output, at, lock_timeout) if yes else look(output, at), yes, output)


# -- what nobody needs -----------------------------------------------------------------


def _show_unneeded(found: Cleaning, yes: bool, output: Path) -> None:
    _say_unclear(found)
    if found.is_early:
        _say_early(found)
        return
    gone = {entry.attempt_id for entry in found.moved}
    shown = [one for one in found.unneeded if not yes or one.attempt.attempt_id in gone]
    for one in shown:
        tell(str(output / one.paths[0]))
        say(f"  {_name(one.attempt)}  needed last {_day(one.needed_at)}, {size(one.bytes)}")
    for path in found.altered:
        say(f"  left  {output / path}: it is not what the ledger knows, and stays with its video")
    what = f"{plural(len(shown), 'video')} that nobody has referred to for {DAYS} days"
    freed = sum(one.bytes for one in shown)
    if not shown:
        say(f"No video is unneeded: each was referred to in the last {DAYS} days.")
        _say_waiting(found)
    elif yes:
        say(f"Moved {what} to {output / FOLDER} ({size(freed)}).")
        _say_way_back(found.moved, output)
    else:
        say(f"{what}: {size(freed)}. By this machine's clock it is {_day(found.now)}.")
        say(f"Move them to {output / FOLDER} with: {_command('--yes', output=output)}")


def _say_early(found: Cleaning) -> None:
    if found.since is None:
        say("This ledger keeps no book yet of what is referred to: the next run begins it.")
    else:
        say(f"This ledger keeps book of what is referred to since {_day(found.since)}.")
    say(f"No video is unneeded before it has done so for {DAYS} days.")


def _say_waiting(found: Cleaning) -> None:
    if found.waiting:
        what = f"{plural(found.waiting, 'video')} that nothing refers to now"
        say(f"{what} will be, the first on {_day(found.next_at)}.")


def _say_way_back(moved: Sequence[Discarded], output: Path) -> None:
    say("A run whose manifest refers to one again takes it back. By hand:")
    first = moved[0]
    say(f"  {quoted(['mv', str(output / FOLDER / first.trash), str(output / first.path)])}")
    if len(moved) > 1:
        say(f"  and so on: {output / FOLDER / 'index.json'} says where each was")
    pages = sorted({str(output / Path(e.path).parts[0] / "report.html") for e in moved})
    there = [page for page in pages if Path(page).exists()]
    if there:
        say(f"Pages that may show them until wanbatch report writes them anew: {', '.join(there)}")
    say(f"Delete them for good with: {_command('--yes', '--now', output=output)}")


def _say_unclear(found: Cleaning) -> None:
    for path, why in found.unclear.items():
        say(f"warning: {path}: {why}; all that it may refer to is kept")


# -- the trash -------------------------------------------------------------------------


def _show_trash(found: Cleaning, yes: bool, output: Path) -> None:
    _say_unclear(found)
    shown = found.emptied if yes else [e for e in found.trash if e not in found.needed]
    for entry in shown:
        tell(str(output / FOLDER / entry.trash))
        say(f"  {entry.job}  in the trash since {_day(entry.moved_at)}, {size(entry.bytes)}")
    for entry in found.needed:
        say(f"  kept  {output / FOLDER / entry.trash}: somebody refers to it, or may")
    if yes:
        say(f"Deleted {plural(len(shown), 'file')} for good ({_size_of(shown)}).")
    elif shown:
        say(f"{plural(len(shown), 'file')} in {output / FOLDER}: {_size_of(shown)}.")
        say(f"Delete them for good with: {_command('--yes', '--now', output=output)}")
    else:
        say(f"Nothing in {output / FOLDER} is to be deleted.")


def _size_of(entries: Iterable[Discarded]) -> str:
    return size(sum(entry.bytes for entry in entries))


def _command(*words: str, output: Path) -> str:
    where = [] if output == DEFAULT_OUTPUT else ["--output", str(output)]
    return quoted(["wanbatch", "clean", *words, *where])


def _name(attempt: Attempt) -> str:
    return f"{attempt.manifest}: {attempt.job}"


def _day(at: float) -> str:
    return time.strftime("%Y-%m-%d", time.localtime(at))
