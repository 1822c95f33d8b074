"""What one ledger learns from another: whatever both went through, no word that says
*paid* is taken back, no task id is lost, and a second time nothing happens."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from dataclasses import replace
from itertools import count
from pathlib import Path
from typing import Any, cast

import pytest
from builders import opening
from hypothesis import assume, given
from hypothesis import strategies as st
from ledger.samples import bring_to_end

from wanbatch.ledger.merge import (
    TOLD,
    Decision,
    History,
    Verdict,
    decide,
    fold,
    is_same,
    is_sound,
    knowledge,
    read_book,
    read_histories,
)
from wanbatch.ledger.sqlite import Damaged
from wanbatch.ledger.store import MERGED, Ledger, read_snapshot
from wanbatch.model.lifecycle import (
    TRANSITIONS,
    UNSETTLED,
    Event,
    EventKind,
    Facts,
    State,
    apply,
    by_instant,
    deciding_attempt,
    open_attempt,
)

BOUGHT = UNSETTLED | {State.STORED, State.ABANDONED}


def begun(at: float = 1000.0, **changes: object) -> History:
    row = replace(open_attempt(1, replace(opening(), at=at)), **changes)  # type: ignore[arg-type]
    return History(row, (Event(1, EventKind.INTENT, at),))


def then(history: History, *steps: tuple[EventKind, Facts], at: float = 2000.0) -> History:
    row, events = history.row, list(history.events)
    for number, (kind, facts) in enumerate(steps):
        event = Event(row.attempt_id, kind, at + number, facts)
        row = apply(row, event)
        events.append(event)
    return History(row, tuple(events))


def after(decision: Decision, ours: list[History]) -> list[History]:
    """The ledger's histories of the identity, once it has learnt."""
    if decision.ours is None:
        number = max((one.row.attempt_id for one in ours), default=0) + 1
        row = replace(decision.theirs.row, attempt_id=number)
        events = tuple(replace(event, attempt_id=number) for event in decision.events)
        return [*ours, History(row, events)]
    number = decision.ours.row.attempt_id
    events = tuple(replace(event, attempt_id=number) for event in decision.events)
    row = fold(decision.ours.row, events)
    return [History(row, (*one.events, *events)) if one is decision.ours else one for one in ours]


def learn(ours: list[History], theirs: list[History]) -> list[History]:
    for one in theirs:
        ours = after(decide(one, ours), ours)
    return ours


@st.composite
def walks(draw: st.DrawFn, start: History, ticks: count[int]) -> History:
    """A history that goes on by the law, with tasks and videos of its own."""
    history = start
    for _ in range(draw(st.integers(0, 5))):
        kinds = [kind for state, kind in TRANSITIONS if state is history.row.state]
        if not kinds:
            break
        kind = draw(st.sampled_from(kinds))
        facts: Facts = {"reason": "a walk"}
        if kind in (EventKind.ACCEPTED, EventKind.ADOPTED):
            facts["task_id"] = draw(st.sampled_from(["task-1", "task-2"]))
        if kind is EventKind.STAGED:
            facts["sha256"] = draw(st.sampled_from(["aa" * 32, "bb" * 32]))
        if kind is EventKind.REOPENED:
            facts["intent_at"] = 5000.0 + next(ticks)
        history = then(history, (kind, facts), at=3000.0 + next(ticks))
    return history


@st.composite
def pairs(draw: st.DrawFn) -> tuple[History, History]:
    """One attempt in two copies of a ledger, which both went on."""
    ticks = count()
    common = draw(walks(begun(), ticks))
    return draw(walks(common, ticks)), draw(walks(common, ticks))


def known(rows: list[History]) -> tuple[set[str], bool, set[str]]:
    """Task ids, whether the job stands as bought, stored videos."""
    deciding = deciding_attempt(sorted((one.row for one in rows), key=by_instant))
    return (
        {one.row.task_id for one in rows if one.row.task_id},
        deciding is not None and deciding.state in BOUGHT,
        {one.row.sha256 for one in rows if one.row.state is State.STORED},
    )


def tasks_of(rows: list[History]) -> set[str]:
    """Also those that a person took back for another."""
    told = {str(event.facts.get("task_id", "")) for one in rows for event in one.events}
    return told - {""}


@given(pairs())
def test_what_is_known_is_the_same_whoever_learns(pair: tuple[History, History]) -> None:
    one, other = pair
    here, there = learn([one], [other]), learn([other], [one])
    assert known(here)[::2] == known(there)[::2]
    if one.row.intent_at == other.row.intent_at:  # else the later intent decides for itself
        assert known(here) == known(there)
    for ledger in (here, there):
        assert all(is_sound(history) for history in ledger)


@given(pairs())
def test_no_task_id_and_no_video_is_lost(pair: tuple[History, History]) -> None:
    for ours, theirs in (pair, pair[::-1]):
        rows = learn([ours], [theirs])
        videos = known(rows)[2]
        for one in pair:
            assert not one.row.task_id or one.row.task_id in tasks_of(rows)
            assert one.row.state is not State.STORED or one.row.sha256 in videos


@given(pairs())
def test_what_either_calls_paid_is_not_to_be_bought(pair: tuple[History, History]) -> None:
    """But where one's history is the other's, later: then it has the word."""
    one, other = pair
    rows = learn([one], [other])
    shorter, longer = sorted(pair, key=lambda history: len(history.events))
    if longer.events[: len(shorter.events)] == shorter.events:
        assert [history.events for history in rows] == [longer.events]
        return
    assume(one.row.intent_at == other.row.intent_at)  # else one was proven not taken, and sent anew
    failed = any(history.row.state is State.REMOTE_FAILED for history in pair)
    settled_by_failure = {State.INTENT, State.UNCERTAIN, State.ACCEPTED} if failed else set()
    if any(history.row.state in BOUGHT - settled_by_failure for history in pair):
        assert known(rows)[1]


@given(pairs())
def test_a_second_time_nothing_happens(pair: tuple[History, History]) -> None:
    one, other = pair
    here = learn([one], [other])
    assert learn(here, [other]) == here
    assert learn(here, [one]) == here
    there = learn([other], here)
    assert learn(here, there) == learn(learn(here, there), there)
    assert known(learn(here, there)) == known(here)


ACCEPTED: tuple[EventKind, Facts] = (EventKind.ACCEPTED, {"task_id": "task-1"})
FINISHED: tuple[EventKind, Facts] = (EventKind.REMOTE_OK, {"finished_at": 2001.0})
STAGED: tuple[EventKind, Facts] = (EventKind.STAGED, {"sha256": "aa" * 32, "path": "a"})
STORED: tuple[EventKind, Facts] = (EventKind.STORED, {"stored_at": 2003.0, "path": "a"})
SEEN: tuple[EventKind, Facts] = (EventKind.OBSERVED, {"polls": 3})
DOUBT: tuple[EventKind, Facts] = (EventKind.UNCERTAIN, {"reason": "died"})


@pytest.mark.parametrize(
    ("ours", "theirs", "verdict", "state"),
    [
        ([ACCEPTED], [ACCEPTED, FINISHED], Verdict.CONTINUED, State.REMOTE_OK),
        ([ACCEPTED, FINISHED], [ACCEPTED], Verdict.KNOWN, State.REMOTE_OK),
        ([DOUBT], [ACCEPTED], Verdict.LEARNT, State.ACCEPTED),
        ([ACCEPTED], [DOUBT], Verdict.KEPT, State.ACCEPTED),
        ([DOUBT], [(EventKind.NOT_ACCEPTED, {})], Verdict.KEPT, State.UNCERTAIN),
        ([(EventKind.NOT_ACCEPTED, {})], [DOUBT], Verdict.LEARNT, State.UNCERTAIN),
        ([ACCEPTED, SEEN], [ACCEPTED, FINISHED, STAGED, STORED], Verdict.LEARNT, State.STORED),
        (
            [ACCEPTED, SEEN],
            [ACCEPTED, (EventKind.REMOTE_FAILED, {})],
            Verdict.LEARNT,
            State.REMOTE_FAILED,
        ),
        (
            [ACCEPTED, (EventKind.EXPIRED, {})],
            [ACCEPTED, (EventKind.REMOTE_FAILED, {})],
            Verdict.KEPT,
            State.EXPIRED,
        ),
    ],
)
def test_the_history_that_knows_more_is_kept(
    ours: list[tuple[EventKind, Facts]],
    theirs: list[tuple[EventKind, Facts]],
    verdict: Verdict,
    state: State,
) -> None:
    one = then(begun(), *ours, at=2000.0)
    other = then(begun(), *theirs, at=2000.0)
    decision = decide(other, [one])
    assert decision.verdict is verdict
    (row,) = after(decision, [one])
    assert row.row.state is state
    if verdict is Verdict.LEARNT:
        wanted = other.row
        assert (row.row.task_id, row.row.sha256) == (wanted.task_id, wanted.sha256)


def test_what_was_given_up_here_and_runs_there_is_kept_twice() -> None:
    ours = then(begun(), DOUBT, (EventKind.ABANDONED, {}))
    decision = decide(then(begun(), ACCEPTED), [ours])
    assert decision.verdict is Verdict.BESIDE
    rows = after(decision, [ours])
    assert [one.row.state for one in rows] == [State.ABANDONED, State.ACCEPTED]
    assert decide(decision.theirs, rows).verdict is Verdict.KNOWN


def test_where_a_file_lies_makes_no_difference() -> None:
    one = then(begun(), ACCEPTED, FINISHED, STAGED, STORED)
    staged = cast("Facts", {**STAGED[1], "path": "b"})
    stored = cast("Facts", {**STORED[1], "path": "b"})
    other = then(
        begun(), ACCEPTED, FINISHED, (EventKind.STAGED, staged), (EventKind.STORED, stored)
    )
    assert decide(other, [one]).verdict is Verdict.KNOWN


@pytest.mark.parametrize(
    ("changes", "same"),
    [
        ({}, True),
        ({"run_id": "another"}, False),
        ({"fingerprint": "wb2:" + "0" * 64}, False),
        ({"realm": "emulator"}, False),
    ],
)
def test_run_identity_and_instant_tell_an_attempt(changes: dict[str, Any], *, same: bool) -> None:
    assert is_same(begun(), begun(**changes)) is same
    assert not is_same(begun(), begun(1000.5))
    assert is_same(begun(), begun(1000.0004)), "a report rounds to milliseconds"


def test_a_task_tells_an_attempt_of_another_run_where_it_is_of_one_origin() -> None:
    one = then(begun(origin="https://a.test"), ACCEPTED)
    for origin, same in (("https://a.test/v1", True), ("https://b.test", False), ("", True)):
        other = then(begun(1500.0, run_id="another", origin=origin), ACCEPTED)
        assert is_same(one, other) is same


def test_hearsay_without_a_task_is_what_is_known_already() -> None:
    told = then(begun(9000.0, run_id=f"{TOLD}lock"), DOUBT)
    ours = then(begun(), ACCEPTED, FINISHED, STAGED, STORED)
    assert decide(told, [ours]).verdict is Verdict.KEPT
    assert decide(ours, [told]).verdict is Verdict.LEARNT
    free = then(begun(), (EventKind.REJECTED, {}))
    assert decide(told, [free]).verdict is Verdict.NEW


def test_knowledge_names_every_state() -> None:
    ranks = [knowledge(replace(begun().row, state=state)) for state in State]
    assert len(set(ranks)) == len(State)


@pytest.mark.anyio
async def test_a_book_is_read_whole_and_a_merged_ledger_goes_by_instants(tmp_path: Path) -> None:
    path = tmp_path / "ledger.db"
    async with Ledger.open(path) as ledger:
        await bring_to_end(ledger, at=2000.0)
        await bring_to_end(ledger, at=1000.0)
        book = read_book(path)
        assert [len(one.events) for one in book.histories.values()] == [5, 5]
        assert all(is_sound(one) for one in book.histories.values())
        assert [a.attempt_id for a in ledger.snapshot.attempts] == [1, 2]
        await ledger.keep_note(MERGED, "1")
        assert [a.attempt_id for a in ledger.snapshot.attempts] == [2, 1]
    found = read_snapshot(path)
    assert [a.attempt_id for a in found.attempts] == [2, 1]
    assert found.notes[MERGED] == "1"


# -- a whole ledger --------------------------------------------------------------------


async def _stored(path: Path) -> None:
    async with Ledger.open(path) as ledger:
        await bring_to_end(ledger)


@pytest.mark.anyio
async def test_a_book_finds_the_histories_of_an_identity(tmp_path: Path) -> None:
    path = tmp_path / "ledger.db"
    await _stored(path)
    book = read_book(path)
    (one,) = book.histories.values()
    assert list(book.of(one.row.realm, one.row.fingerprint)) == [one]
    assert list(book.of("emulator", one.row.fingerprint)) == []
    assert list(book.of(one.row.realm, "wb1:unknown")) == []


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("change", "what"),
    [
        ("UPDATE events SET facts = 'no JSON' WHERE seq = 2", "contradicts itself"),
        ("UPDATE events SET kind = 'unheard of' WHERE seq = 2", "contradicts itself"),
        ("DELETE FROM events WHERE seq = 2", "attempt 1 is not what its events say"),
        ("DELETE FROM events", "attempt 1 is not what its events say"),
    ],
)
async def test_a_ledger_that_contradicts_itself_is_not_read(
    tmp_path: Path, change: str, what: str
) -> None:
    path = tmp_path / "ledger.db"
    await _stored(path)
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute(change)
    with pytest.raises(Damaged, match=what) as caught:
        read_book(path)
    assert caught.value.hints
    with pytest.raises(Damaged, match=what):
        read_histories(path, [1])
