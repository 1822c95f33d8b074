"""What an owner learnt after it had lost the lease: written for whoever has it now, and
read as evidence.

What it may not do: make history. What is learnt becomes events of the owner that reads
it.

How it works: ``late/OWNER-EPOCH-N`` holds whole attempts, each with all its events.
``learn`` compares them with the ledger as an import does (``merge.decide``). Two things
are known of an owner that no import knows. An intent that no segment holds was never
sent: it is left out. And the owner itself is the one witness, beside a person, that its
own intent was *not* taken: its word settles a doubt.
"""

from __future__ import annotations

import contextlib
import json
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from wanbatch.ledger.merge import Decision, History, Verdict, decide, fold, is_same
from wanbatch.ledger.rows import Happened, Note, Opened, Write
from wanbatch.ledger.shared.asking import Asking
from wanbatch.ledger.shared.documents import damaged, encode, read_document, write_document
from wanbatch.ledger.shared.entries import Fold, Unfit, write_line
from wanbatch.ledger.shared.segments import Segment
from wanbatch.ledger.sqlite import Contents
from wanbatch.ledger.store import MERGED
from wanbatch.model.lifecycle import (
    FOREIGN,
    Attempt,
    Authorisation,
    Event,
    EventKind,
    State,
)

FOLDER = "late/"
KIND = "late"
READ = "late:"
"""How the notes begin that name the objects that were read."""

_WAITS = frozenset({EventKind.INTENT, EventKind.REOPENED})
_TOLD_NOT_TAKEN = "the machine that recorded the intent says that the API did not take it"


@dataclass(slots=True)
class Box:
    """Where one owner of one epoch puts what it learns too late."""

    asking: Asking
    owner: str
    epoch: int
    nonce: Callable[[], str]
    _number: int = 0

    async def push(self, histories: Sequence[History]) -> None:
        """Returns once they stand in the store."""
        self._number += 1
        data = write_late(self.owner, self.epoch, self.nonce(), histories)
        await self.asking.create(f"{self._folder}{self._number:06d}", data)

    @property
    def _folder(self) -> str:
        return f"{FOLDER}{re.sub(r'[^A-Za-z0-9.]', '_', self.owner)[:60]}-{self.epoch:010d}-"


def write_late(owner: str, epoch: int, nonce: str, histories: Iterable[History]) -> bytes:
    lines = [line for one in histories for line in _lines_of(one)]
    head = {"owner": owner, "epoch": epoch, "nonce": nonce}
    return write_document(KIND, head, "".join(f"{encode(line)}\n" for line in lines).encode())


def _lines_of(history: History) -> Iterable[list[object]]:
    yield write_line(Opened(history.opening))
    for seq, event in enumerate(history.events[1:], 2):
        yield write_line(Happened(event, history.row, seq))


def read_late(name: str, data: bytes) -> list[History]:
    """Raises ``SharedDamaged``, and ``WanbatchError`` for a newer version's."""
    _, body = read_document(KIND, name, data)
    try:
        return histories_of(Fold(Contents()).read(map(json.loads, body.splitlines())))
    except Unfit as error:
        raise damaged(name, str(error)) from error


def histories_of(writes: Iterable[Write]) -> list[History]:
    """The attempts that ``writes`` open, with all that happens to them."""
    events: dict[int, list[Event]] = {}
    last: dict[int, Attempt] = {}
    for entry in writes:
        match entry:
            case Opened(row):
                events[row.attempt_id] = [Event(row.attempt_id, EventKind.INTENT, row.intent_at)]
                last[row.attempt_id] = row
            case Happened(event, row):
                events[row.attempt_id].append(event)
                last[row.attempt_id] = row
            case _:
                pass
    return [History(row, tuple(events[number])) for number, row in last.items()]


# -- learning --------------------------------------------------------------------------


class Learning:
    """What a ledger learns from others' attempts: ``writes`` for ``Ledger.take_up``.
    ``count`` is how many attempts told something new."""

    def __init__(
        self,
        known: Callable[[str, str], Sequence[History]],
        next_id: int,
        authorisations: Mapping[int, Authorisation],
        now: float,
    ) -> None:
        """``known`` gives the ledger's own histories by realm and fingerprint."""
        self.writes: list[Write] = []
        self.count = 0
        self._known, self._next_id, self._now = known, next_id, now
        self._authorisations = dict(authorisations)
        self._present: dict[tuple[str, str], list[History]] = {}

    def take_late(self, theirs: Iterable[History]) -> None:
        """What owners told after they had lost the lease."""
        for told in theirs:
            sent = _without_unsent(told)
            if sent is not None and not self._settle_by_owner(sent):
                self._take(sent, {}, is_new_kept=sent.row.state is not State.PLANNED)

    def take_evidence(self, behind: Iterable[Segment]) -> None:
        """Segments that are no history. What they open may have been sent, though no
        owner in good order would have."""
        for segment in behind:
            with contextlib.suppress(Unfit):  # what goes on from what is lost tells no more
                writes = Fold(Contents()).read(segment.lines)
                for told in histories_of(writes):
                    before = len(self.writes)
                    self._take(told, {}, is_new_kept=True)
                    self._doubt(self.writes[before:])

    def _doubt(self, writes: Sequence[Write]) -> None:
        opened = [entry.row for entry in writes if isinstance(entry, Opened)]
        self.writes += [Note(f"{FOREIGN}{a.attempt_id}", repr(a.intent_at)) for a in opened]

    def take_all(
        self, theirs: Iterable[History], authorisations: Mapping[int, Authorisation]
    ) -> None:
        """What another ledger holds, such as the one of a single machine."""
        for told in theirs:
            self._take(told, authorisations, is_new_kept=True)

    def _mine(self, told: History) -> list[History]:
        key = told.row.realm, told.row.fingerprint
        if key not in self._present:
            self._present[key] = list(self._known(*key))
        return self._present[key]

    def _settle_by_owner(self, told: History) -> bool:
        """A doubt that its own owner ends."""
        row = told.row
        if row.state not in (State.PLANNED, State.REJECTED):
            return False
        for ours in self._mine(told):
            is_doubt = ours.row.state is State.UNCERTAIN and not ours.row.task_id
            if is_doubt and ours.row.intent_at == row.intent_at and is_same(ours, told):
                reason = f"{_TOLD_NOT_TAKEN}: {row.reason or row.error_message}"
                event = Event(ours.row.attempt_id, EventKind.ABSENT, self._now, {"reason": reason})
                self._append(ours, [event], self._mine(told), row)
                return True
        return False

    def _take(
        self, told: History, authorisations: Mapping[int, Authorisation], *, is_new_kept: bool
    ) -> None:
        mine = self._mine(told)
        decision = decide(told, mine)
        if decision.verdict in (Verdict.KNOWN, Verdict.KEPT):
            return
        if decision.ours is not None:
            self._append(decision.ours, decision.events, mine, told.row)
        elif is_new_kept:
            self._open(decision, authorisations, mine)

    def _open(
        self, decision: Decision, words: Mapping[int, Authorisation], mine: list[History]
    ) -> None:
        number, self._next_id = self._next_id, self._next_id + 1
        opening = decision.theirs.opening
        word = self._word(words.get(opening.authorisation_id))
        row = replace(opening, attempt_id=number, authorisation_id=word)
        self.writes += [Note(MERGED, "1"), Opened(row)]
        begun = History(row, (Event(number, EventKind.INTENT, row.intent_at),))
        mine.append(begun)
        self._append(begun, decision.events[1:], mine, decision.theirs.row)

    def _word(self, theirs: Authorisation | None) -> int:
        """A person's word under its number here."""
        if theirs is None:
            return 0
        for number, ours in self._authorisations.items():
            if replace(theirs, authorisation_id=number) == ours:
                return number
        number = max(self._authorisations, default=0) + 1
        self._authorisations[number] = replace(theirs, authorisation_id=number)
        self.writes.append(self._authorisations[number])
        return number

    def _append(
        self, ours: History, events: Sequence[Event], mine: list[History], told: Attempt
    ) -> None:
        row, number = ours.row, ours.row.attempt_id
        own = [replace(event, attempt_id=number) for event in events]
        if own and told.path and fold(row, own).path != told.path:  # histories agree without it
            own[-1] = replace(own[-1], facts={**own[-1].facts, "path": told.path})
        for seq, event in enumerate(own, len(ours.events) + 1):
            row = fold(row, [event])
            self.writes.append(Happened(event, row, seq))
        mine[mine.index(ours)] = History(row, (*ours.events, *own))
        self.count += 1


def _without_unsent(told: History) -> History | None:
    """``told`` without an intent at its end that was never sent; ``None`` where nothing
    is left."""
    events = told.events
    while events and events[-1].kind in _WAITS:
        events = events[:-1]
    if len(events) < 2:
        return None
    return History(fold(told.opening, events[1:]), events)
