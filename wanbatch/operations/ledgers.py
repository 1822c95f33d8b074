"""Is a ledger sound, and a copy of it.

What it may not do: change the ledger or a video.

How it works: both read the ledger as of one instant, so a run may go on meanwhile.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from wanbatch.ledger.backup import back_up
from wanbatch.ledger.sqlite import Damaged, is_missing
from wanbatch.ledger.store import read_snapshot
from wanbatch.ledger.verify import verify_ledger
from wanbatch.model.lifecycle import State
from wanbatch.operations.evidence import look_around
from wanbatch.videos.outputs import find_faults
from wanbatch.videos.trash import lies_there, read_trash
from wanbatch.words.errors import ExitCode, WanbatchError


@dataclass(frozen=True, slots=True)
class Health:
    """How a ledger stands. ``damage`` says why it cannot be read at all, with hints;
    ``in_trash`` and ``emptied`` count the videos that ``clean`` took away, ``ways`` say
    what to do about problems."""

    path: Path
    problems: tuple[str, ...] = ()
    attempts: int = 0
    stored: int = 0
    in_trash: int = 0
    emptied: int = 0
    damage: tuple[str, ...] = ()
    ways: tuple[str, ...] = ()


def check_ledger(output: Path) -> Health:
    """The ledger against itself and against the videos, every one by its hash. Raises
    ``WanbatchError`` (2) where there is none."""
    path = _ledger_in(output)
    try:
        snapshot = read_snapshot(path)
        problems = verify_ledger(path)
        newer = look_around(output, snapshot, ()).newer
        if newer:  # or a run that is going on has just written its report
            snapshot = read_snapshot(path)
            newer = look_around(output, snapshot, ()).newer
        older = [
            f"{report} tells of what the ledger does not hold: it is older" for report in newer
        ]
        discarded, in_trash = _discarded(output, older)
        faults = find_faults(output, snapshot, discarded)
    except Damaged as damage:
        return Health(path, damage=(damage.message, *damage.hints))
    stored = sum(a.state is State.STORED for a in snapshot.attempts)
    return Health(
        path,
        (*problems, *older, *faults),
        len(snapshot.attempts),
        stored,
        in_trash,
        len(discarded) - in_trash,
        ways=(
            *((_RESTORE,) if problems or older else ()),
            *((_FETCH,) if faults else ()),
        ),
    )


_RESTORE = (
    "nothing was changed; put back a sound copy of the ledger (wanbatch ledger backup makes them),"
    " or keep this one: it still knows what was paid for"
)
_FETCH = (
    "wanbatch fetch downloads a missing or changed video again while the provider has it; else put"
    " the file back from a copy"
)


def _discarded(output: Path, problems: list[str]) -> tuple[frozenset[str], int]:
    """Where videos stood that ``clean`` took away, and how many of them are in the
    trash; a list that cannot be read is a problem."""
    try:
        entries = [entry for entry in read_trash(output) if entry.sha256]
    except WanbatchError as error:
        problems.append(error.message)
        return frozenset(), 0
    there = {entry.path for entry in entries if lies_there(output, entry)}
    return frozenset(there | {e.path for e in entries if e.emptied_at}), len(there)


def copy_ledger(output: Path, to: Path) -> tuple[str, ...]:
    """Copies the ledger as it is now to the new file ``to``; returns what is wrong with
    it."""
    return tuple(back_up(_ledger_in(output), to))


def _ledger_in(output: Path) -> Path:
    path = output / "ledger.db"
    if is_missing(path):
        raise WanbatchError(
            ExitCode.INVALID, f"there is no ledger in {output}", "name the folder with --output"
        )
    return path
