"""What the ledger of one machine alone tells the shared one.

What it may not do: write; tell of the emulator's attempts, which stay where they are.

How it works: an import, by ``Learning``. A note in the shared ledger says how many
events of which ledger were taken up; where it is up to date there is nothing to tell.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from wanbatch.ledger.merge import Book, read_book
from wanbatch.ledger.rows import Note, Write
from wanbatch.ledger.shared.late import Learning
from wanbatch.ledger.sqlite import Contents

PAID = "paid"
SEEN = "seen:"
"""How the notes begin that say how much of a machine's own ledger was taken up."""


def seen_note(theirs: Book) -> Note:
    """The note that all of ``theirs`` was taken up."""
    told = sum(len(one.events) for one in theirs.histories.values())
    return Note(f"{SEEN}{theirs.contents.ledger_id}", str(told))


def is_seen(theirs: Book, notes: Mapping[str, str]) -> bool:
    note = seen_note(theirs)
    return notes.get(note.name) == note.value


def tell_own(theirs: Book, learning: Learning) -> list[Write]:
    """What ``theirs`` tells, in writes that go on from where ``learning`` stands."""
    paid = [one for one in theirs.histories.values() if one.row.realm == PAID]
    learning.take_all(paid, theirs.contents.authorisations)
    runs = [run for run in theirs.contents.runs.values() if run.realm == PAID]
    return [*learning.writes, *runs]


def learn_own(copy: Path, contents: Contents, own: Path) -> list[Write]:
    """What the ledger at ``own`` tells the one that ``copy`` and ``contents`` are, for
    who only looks. Raises as ``read_book``."""
    theirs = read_book(own)
    if is_seen(theirs, contents.notes):
        return []
    ours = read_book(copy)
    next_id = max(ours.histories, default=0) + 1
    return tell_own(theirs, Learning(ours.of, next_id, contents.authorisations, 0.0))
