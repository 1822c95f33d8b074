"""What one ledger learns from another: the same attempt found again, and which of two
histories of it knows more.

What it may not do: I/O, but for reading a ledger's whole content (``read_book``); take
a word back that says *paid*; lose a task id.

Theory of operation
-------------------
An attempt is the same in two ledgers where its run, its identity and the instant of its
intent agree, for run ids are unique; else where its task is. Events are only ever
added. So a history that begins with the other's is the same one, later: the rest is
appended.
Where both went on differently, the one that knows more counts (``_KNOWS``, a task
before none): what leads there by the law of states is appended, with the other's facts.
What the law does not allow, and a second task or a second video of the same intent,
becomes an attempt of its own beside the first: rather counted twice than bought twice.

Where a file lies is each ledger's own: ``path`` makes no difference between histories.
"""

from __future__ import annotations

import sqlite3
from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import MISSING, dataclass, field, fields, replace
from enum import StrEnum
from functools import partial
from itertools import groupby
from pathlib import Path
from typing import Any, cast

from wanbatch.ledger import rows
from wanbatch.ledger.schema import SqlRow
from wanbatch.ledger.sqlite import Contents, Damaged, load, read_with
from wanbatch.model.lifecycle import (
    TRANSITIONS,
    UNSETTLED,
    Attempt,
    Event,
    EventKind,
    Facts,
    IllegalTransition,
    Opening,
    State,
    apply,
)
from wanbatch.model.looked import Looked
from wanbatch.model.origin import same_origin
from wanbatch.words.errors import ExitCode

TOLD = "told:"
"""How the run id of an attempt begins that a lock or a report tells of without its run:
of such a one nothing but its identity and its task is known."""

_KNOWS = {
    State.PLANNED: 0,
    State.REJECTED: 1,
    State.INTENT: 2,
    State.UNCERTAIN: 3,
    State.ACCEPTED: 4,
    State.REMOTE_FAILED: 5,
    State.EXPIRED: 6,
    State.ABANDONED: 7,
    State.REMOTE_OK: 8,
    State.STAGED: 9,
    State.STORED: 10,
}
"""Which of two states of one attempt is kept: what could be bought again goes last, a
doubt stays one, a provider's word goes before silence, a person's before a doubt, and a
video that can be had before all."""

_STEPS = frozenset(EventKind) - {
    EventKind.NOT_ACCEPTED,
    EventKind.REJECTED,
    EventKind.ABSENT,
    EventKind.RESUBMIT,
    EventKind.OBSERVED,
    EventKind.RESTORED,
}
"""Events that may lead to what the other ledger knows: none of them allows a
purchase."""

_CLOSE_S = 0.002
"""Reports round instants to milliseconds."""

_BOUGHT = UNSETTLED | {State.STORED, State.ABANDONED}


@dataclass(frozen=True, slots=True)
class History:
    """An attempt and all its events; the first is its intent."""

    row: Attempt
    events: tuple[Event, ...]

    @property
    def born_at(self) -> float:
        return self.events[0].at

    @property
    def opening(self) -> Attempt:
        """The row as its intent began it."""
        return replace(self.row, **_BLANK | {"intent_at": self.born_at, "updated_at": self.born_at})


_BORN_WITH = frozenset(f.name for f in fields(Opening))
_BLANK: dict[str, Any] = {
    f.name: f.default
    for f in fields(Attempt)
    if f.default is not MISSING and f.name not in _BORN_WITH
}
_LOCAL = frozenset({"path"})
_FACTS = tuple(name for name in Facts.__annotations__ if name not in _LOCAL)


@dataclass(frozen=True, slots=True)
class Book:
    """All that a ledger holds, with the events."""

    contents: Contents
    histories: Mapping[int, History]
    looks: tuple[Looked, ...] = ()
    _by_key: dict[tuple[str, str], list[History]] = field(default_factory=dict)

    def of(self, realm: str, fingerprint: str) -> Sequence[History]:
        """The histories of one identity, by number."""
        if not self._by_key:
            for one in self.histories.values():
                self._by_key.setdefault((one.row.realm, one.row.fingerprint), []).append(one)
        return self._by_key.get((realm, fingerprint), ())


def read_book(path: Path) -> Book:
    """Everything in the ledger at ``path`` as of one instant. Raises as
    ``read_contents`` does, ``Damaged`` also where a row is not what its events say."""
    return read_with(path, partial(_read_book, path))


def _read_book(path: Path, connection: sqlite3.Connection) -> Book:
    connection.execute("BEGIN")
    contents = load(path, connection)
    found = connection.execute(rows.SELECT_EVENTS)
    try:
        events = {
            number: tuple(_event_of(row) for row in group)
            for number, group in groupby(found, key=lambda row: int(str(row[0])))
        }
    except (ValueError, TypeError) as error:
        raise _unsound(path, str(error)) from error
    looks = tuple(rows.read_looks(connection.execute(rows.SELECT_LOOKS)))
    histories = {}
    for number, attempt in contents.attempts.items():
        histories[number] = one = History(attempt, events.get(number, ()))
        if not one.events or not is_sound(one):
            raise _unsound(path, f"attempt {number} is not what its events say")
    return Book(contents, histories, looks)


def read_histories(path: Path, numbers: Iterable[int]) -> list[History]:
    """These attempts with their events, by number. Raises as ``read_book``."""
    return read_with(path, partial(_read_histories, path, sorted(numbers)))


def _read_histories(
    path: Path, numbers: Sequence[int], connection: sqlite3.Connection
) -> list[History]:
    connection.execute("BEGIN")
    found = []
    for number in numbers:
        attempts, _ = rows.read_attempts(connection.execute(rows.SELECT_ATTEMPT, (number,)))
        told = connection.execute(rows.SELECT_EVENTS_OF, (number,))
        try:
            one = History(attempts[number], tuple(map(_event_of, told)))
        except (ValueError, TypeError) as error:
            raise _unsound(path, str(error)) from error
        if not one.events or not is_sound(one):
            raise _unsound(path, f"attempt {number} is not what its events say")
        found.append(one)
    return found


def _event_of(row: SqlRow) -> Event:
    number, _, kind, at, facts = (str(value) for value in row)
    return Event(int(number), EventKind(kind), float(at), rows.read_facts(facts))


def _unsound(path: Path, what: str) -> Damaged:
    return Damaged(
        ExitCode.ENVIRONMENT,
        f"the ledger {path} contradicts itself: {what}",
        "keep the file: it knows what was paid for; take a copy of it from an earlier day",
    )


def is_sound(history: History) -> bool:
    """Whether the row is the fold of its events."""
    try:
        return fold(history.opening, history.events[1:]) == history.row
    except (IllegalTransition, KeyError):
        return False


def fold(row: Attempt, events: Iterable[Event]) -> Attempt:
    """The row after ``events``. Raises ``IllegalTransition``."""
    for event in events:
        row = apply(row, event)
    return row


# -- what is learnt --------------------------------------------------------------------


class Verdict(StrEnum):
    """What became of another ledger's attempt."""

    NEW = "new"
    KNOWN = "known"
    CONTINUED = "continued"  # theirs is ours, later
    LEARNT = "learnt"  # both went on, and theirs knows more
    KEPT = "kept"  # both went on, and ours knows more
    BESIDE = "beside"  # both went on, to two tasks or videos: both are kept


@dataclass(frozen=True, slots=True)
class Decision:
    """``ours`` is the attempt that takes ``events``; ``None`` for one that is opened.
    Then ``events`` are all of theirs."""

    verdict: Verdict
    theirs: History
    ours: History | None
    events: tuple[Event, ...] = ()


def decide(theirs: History, known: Iterable[History]) -> Decision:
    """What is learnt from ``theirs`` beside the attempts that are ``known`` of its
    identity and realm."""
    same = [one for one in known if is_same(one, theirs)]
    for ours in same:
        if _begins_with(ours.events, theirs.events):
            return Decision(Verdict.KNOWN, theirs, ours)
    for ours in same:
        if _begins_with(theirs.events, ours.events):
            return Decision(Verdict.CONTINUED, theirs, ours, theirs.events[len(ours.events) :])
    for ours in same:
        found = _settle(theirs, ours)
        if found is not None:
            return found
    return Decision(Verdict.BESIDE if same else Verdict.NEW, theirs, None, theirs.events)


def is_same(one: History, other: History) -> bool:
    """Whether two histories are of one intent."""
    a, b = one.row, other.row
    if (a.realm, a.fingerprint) != (b.realm, b.fingerprint):
        return False
    if a.run_id == b.run_id and not a.run_id.startswith(TOLD):
        close = (abs(x - y) for x in _instants(one) for y in _instants(other))
        if min(close) < _CLOSE_S:
            return True
    if a.task_id and b.task_id:
        return a.task_id == b.task_id and (
            same_origin(a.origin, b.origin) or not (a.origin and b.origin)
        )
    return _is_hearsay(a, b) or _is_hearsay(b, a)


def _instants(history: History) -> tuple[float, float]:
    return history.born_at, history.row.intent_at


def _is_hearsay(one: Attempt, other: Attempt) -> bool:
    """Whether ``one`` is told of without its task, and ``other`` may be what is
    meant."""
    return one.run_id.startswith(TOLD) and not one.task_id and other.state in _BOUGHT


def _begins_with(events: Sequence[Event], beginning: Sequence[Event]) -> bool:
    return len(events) >= len(beginning) and all(
        _as_told(one) == _as_told(other) for one, other in zip(events, beginning, strict=False)
    )


def _as_told(event: Event) -> tuple[EventKind, float, dict[str, object]]:
    facts = {k: v for k, v in event.facts.items() if k not in _LOCAL}
    return event.kind, event.at, facts


def _settle(theirs: History, ours: History) -> Decision | None:
    """Two histories that went apart; ``None`` where both must be kept."""
    a, b = ours.row, theirs.row
    two_tasks = a.task_id and b.task_id and a.task_id != b.task_id
    two_videos = a.sha256 != b.sha256 and a.state is b.state is State.STORED
    given_up = b.state is State.ABANDONED and a.state is State.REMOTE_FAILED and not b.task_id
    if two_tasks or two_videos or given_up:
        return None
    if knowledge(b) <= knowledge(a):
        knows_task = a.task_id or not b.task_id
        return Decision(Verdict.KEPT, theirs, ours) if knows_task else None
    events = _lead(a, b)
    return Decision(Verdict.LEARNT, theirs, ours, events) if events else None


def knowledge(row: Attempt) -> tuple[bool, int]:
    """How much a row says of its attempt: the greater one is kept."""
    is_told = bool(row.task_id) and row.state not in (State.PLANNED, State.REJECTED)
    return is_told, _KNOWS[row.state]


def _lead(start: Attempt, end: Attempt) -> tuple[Event, ...]:
    """The events that bring ``start`` to what ``end`` knows; none where the law has no
    way there."""
    facts: dict[str, object] = {
        name: getattr(end, name) for name in _FACTS if getattr(end, name) != getattr(start, name)
    }
    if not end.task_id:
        facts.pop("task_id", None)
    kinds = _way(start.state, end.state)
    last = len(kinds) - 1
    return tuple(
        Event(start.attempt_id, kind, end.updated_at, cast("Facts", facts if n == last else {}))
        for n, kind in enumerate(kinds)
    )


def _way(start: State, end: State) -> tuple[EventKind, ...]:
    """The fewest steps from one state to another; of the same state the step that stays
    there, where there is one."""
    ways: deque[tuple[State, tuple[EventKind, ...]]] = deque([(start, ())])
    seen: set[State] = set()
    while ways:
        state, kinds = ways.popleft()
        for (before, kind), after in TRANSITIONS.items():
            if before is not state or kind not in _STEPS:
                continue
            if after is end:
                return (*kinds, kind)
            if after not in seen:
                seen.add(after)
                ways.append((after, (*kinds, kind)))
    return ()
