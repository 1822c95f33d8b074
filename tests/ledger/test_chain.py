"""Segments, the chain that they make, and sealing: what is history and what is not."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest
from builders import opening
from engine.scripted_api import virtual_time
from hypothesis import given
from hypothesis import strategies as st
from ledger.sharing import Store, nonce

from wanbatch.ledger.rows import Happened, Note, Opened, Write
from wanbatch.ledger.schema import VERSION
from wanbatch.ledger.shared.asking import Asking
from wanbatch.ledger.shared.chain import Sealing, read_on
from wanbatch.ledger.shared.documents import SharedDamaged, write_document
from wanbatch.ledger.shared.entries import Fold, Unfit, is_intent, is_shared, write_line
from wanbatch.ledger.shared.segments import (
    Position,
    name_of,
    place_of,
    read_segment,
    write_segment,
)
from wanbatch.ledger.sqlite import Contents
from wanbatch.model import lifecycle
from wanbatch.model.lifecycle import Authorisation, Event, EventKind, Placement, RunRecord
from wanbatch.model.looked import Looked
from wanbatch.words.errors import WanbatchError

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend():
    return virtual_time()


@pytest.fixture
def store():
    return Store()


ROW = lifecycle.open_attempt(1, opening(price=Decimal("0.5")))
TAKEN = Event(1, EventKind.ACCEPTED, 5.25, {"task_id": "t-1", "accepted_at": 5.0})
ENTRIES: list[Write] = [
    Opened(ROW),
    Happened(TAKEN, lifecycle.apply(ROW, TAKEN), 2),
    Opened(lifecycle.open_attempt(2, opening(price=None, intent_offset_s=0.5))),
    Placement("m", "one", 1, "m/videos/one.mp4", 12345678901234567),
    RunRecord("run-1", "m", "api", "paid", 1.5, plan="digest"),
    Authorisation(1, "f", "paid", "m", "one", "regenerate", "run-1", 2.0),
    Looked("ab", "", 1, "full", "{}"),
    Note("merged", "1"),
]


def test_every_write_comes_back_as_it_was_and_rows_are_folded_anew():
    contents = Contents()
    lines = [write_line(entry) for entry in ENTRIES]
    assert Fold(contents).read(lines) == ENTRIES
    assert contents.attempts[1].task_id == "t-1"
    assert contents.last == {1: 2, 2: 1}
    assert contents.notes == {"merged": "1"}


@pytest.mark.parametrize(
    "line",
    [
        [],
        ["unknown", 1],
        ["note", "one"],
        ["opened", 1],
        ["opened", 1, *write_line(ENTRIES[0])[2:]],
        ["event", 9, 2, "accepted", 1.0, {}],
        ["event", 1, 3, "accepted", 1.0, {}],
        ["event", 1, 2, "stored", 1.0, {}],
        ["event", 1, 2, "no such", 1.0, {}],
        ["event", 1, 2, "accepted", 1.0, {"unknown": 1}],
        ["opened", 2, *write_line(ENTRIES[0])[2:14], "no price", "USD", 1.0, None, 0],
    ],
)
def test_a_line_that_does_not_follow_is_refused(line):
    fold = Fold(Contents())
    fold.read([write_line(ENTRIES[0])])
    with pytest.raises(Unfit):
        fold.read([line])


def test_what_a_post_may_follow_and_what_is_this_machines_own():
    again = Event(1, EventKind.REOPENED, 7.0, {"intent_at": 7.0})
    planned = lifecycle.apply(ROW, Event(1, EventKind.NOT_ACCEPTED, 6.0))
    reopened = Happened(again, lifecycle.apply(planned, again), 3)
    assert [is_intent(entry) for entry in (*ENTRIES, reopened)] == [
        *[True, False, True, *[False] * 5],
        True,
    ]
    assert not is_shared(Note("copy:mark", ""))
    assert all(is_shared(entry) for entry in ENTRIES)


def test_names_sort_as_segments_do():
    places = [(1, 2), (1, 10), (2, 1), (10, 1), (123456, 7)]
    assert sorted(name_of(*place) for place in reversed(places)) == [name_of(*p) for p in places]
    assert [place_of(name_of(*place)) for place in places] == places
    assert place_of("segments/other") == place_of("lease.json") == (0, 0)


@given(st.text(), st.booleans())
def test_a_segment_is_read_as_it_was_written(owner, closes):
    before = Position(3, 4, "ab", closed=False)
    owner = owner.encode("utf-8", "replace").decode()
    data = write_segment(before, "n", owner, [["note", "a", "b\u2028\n"]], closes=closes)
    found = read_segment(name_of(3, 5), data)
    assert (found.lines, found.owner, found.before) == ((["note", "a", "b\u2028\n"],), owner, "ab")
    assert found.position == Position(3, 5, found.hash, closes)


def test_a_segment_under_anothers_name_or_of_a_newer_ledger_is_refused():
    data = write_segment(Position(), "n", "a", ())
    with pytest.raises(SharedDamaged, match="it is another one"):
        read_segment(name_of(1, 2), data)
    newer = write_document("segment", {"schema": VERSION + 1})
    with pytest.raises(
        WanbatchError, match=r"written by a newer wanbatch .ledger version"
    ) as error:
        read_segment(name_of(1, 1), newer)
    assert "pip install ." in error.value.hints[0]


async def put(store, before, *lines, closes=False, at=None, owner="a"):
    """The next segment, as its owner writes it."""
    data = write_segment(before, nonce(), owner, lines, closes=closes)
    epoch, number = at or before.next
    await store.create(name_of(epoch, number), data)
    return Position(epoch, number, read_segment(name_of(*before.next), data).hash, closes)


async def chained(store, *ends):
    """Epochs with so many segments each; those with a negative number are closed by
    their owners."""
    place = Position()
    for epoch, count in enumerate(ends, 1):
        for number in range(1, abs(count) + 1):
            place = await put(store, place, ["note", f"{epoch}-{number}", ""])
        if count < 0:
            place = await put(store, place, closes=True)
    return place


def sealing(epoch):
    return Sealing(epoch, "new", nonce)


async def test_a_reader_ends_where_nothing_is_shown(store):
    end = await chained(store, -2, 3)
    chain = await read_on(Asking(store), Position(), (0, 0))
    assert chain.end == end
    assert [s.lines[0][1] for s in chain.segments if s.lines] == ["1-1", "1-2", "2-1", "2-2", "2-3"]
    half = await read_on(Asking(store), chain.segments[1].position, (0, 0))
    assert half.segments == chain.segments[2:]


@pytest.mark.parametrize("ends", [(2,), (0,), (2, 0, 0), (-1, 2), (0, 0, 0)])
async def test_an_owner_closes_every_earlier_epoch_before_it_reads_the_state(store, ends):
    """Also those in which nothing was written. The chain is built by owners that each
    sealed those before."""
    place = Position()
    for epoch, count in enumerate(ends, 1):
        if place.next[0] < epoch:
            place = (await read_on(Asking(store), place, (0, 0), sealing(epoch))).end
        for number in range(1, abs(count) + 1):
            place = await put(store, place, ["note", f"{epoch}-{number}", ""])
        if count < 0:
            place = await put(store, place, closes=True)
    epoch = len(ends) + 1
    chain = await read_on(Asking(store), Position(), (0, 0), sealing(epoch))
    assert chain.end.next == (epoch, 1)
    again = await read_on(Asking(store), Position(), (0, 0), sealing(epoch))
    assert again.segments == chain.segments, "what is closed stays as it is"
    assert {s.epoch for s in chain.segments if s.closes} == set(range(1, epoch))


async def test_who_writes_while_it_is_sealed_is_read_or_fenced(store):
    """The old owner's segment comes between the look and the tombstone."""
    place = await chained(store, 2)
    late = write_segment(place, "theirs", "old", [["note", "1-3", ""]])

    def on(method, name):
        if (method, name) == ("create", name_of(1, 3)) and name not in store.objects:
            store._write(name, late)

    store.on = on
    chain = await read_on(Asking(store), Position(), (0, 0), sealing(2))
    assert [s.lines for s in chain.segments][2:] == [(["note", "1-3", ""],), ()]
    assert chain.end.next == (2, 1)


@pytest.mark.parametrize("fault", ["lost", "dropped"])
async def test_a_tombstone_that_was_not_answered_is_read_back(store, fault):
    await chained(store, 1)
    getattr(store, fault).append(("create", name_of(1, 2)))
    chain = await read_on(Asking(store), Position(), (0, 0), sealing(2))
    assert [s.closes for s in chain.segments] == [False, True]


async def test_a_stale_read_makes_it_slower_and_nothing_else(store):
    end = await chained(store, 3)
    store.stale = {name_of(1, number): 2 for number in (1, 2, 3)}
    chain = await read_on(Asking(store), Position(), (0, 0), sealing(2))
    assert [s.closes for s in chain.segments] == [False, False, False, True]
    assert chain.segments[2].position == end


async def test_what_the_lease_says_stands_is_never_sealed_away(store):
    await chained(store, 3)
    store.stale = {name_of(1, 2): 4}
    chain = await read_on(Asking(store), Position(), (1, 3), sealing(2))
    assert len(chain.segments) == 4
    del store.objects[name_of(1, 2)]
    with pytest.raises(SharedDamaged, match="it stood, and is not there any more"):
        await read_on(Asking(store), Position(), (1, 3), sealing(2))


async def test_a_segment_that_does_not_follow_the_one_before_is_refused(store):
    await chained(store, 1)
    await put(store, Position(1, 1, "another", closed=False))
    with pytest.raises(SharedDamaged, match="it does not follow the segment before it"):
        await read_on(Asking(store), Position(), (0, 0), sealing(2))


async def test_what_stands_behind_a_tombstone_or_a_gap_is_evidence(store):
    place = await chained(store, 1)
    await put(store, replace(place, number=2), ["note", "behind", ""])
    await put(store, Position(1, 9, "x", closed=True), ["note", "own epoch", ""])
    chain = await read_on(Asking(store), Position(), (0, 0), sealing(2))
    assert [s.lines for s in chain.segments] == [(["note", "1-1", ""],), ()]
    assert [s.lines for s in chain.behind] == [(["note", "behind", ""],)]


async def test_a_store_that_falls_silent_while_much_is_fetched_is_asked_again(store):
    await chained(store, 3)
    count = 0

    def on(method, name):
        nonlocal count
        count += method == "read"
        store.silent = 1 <= count <= 18

    store.on = on
    chain = await read_on(Asking(store, 5.0), Position(), (0, 0), sealing(2))
    assert len(chain.segments) == 4
