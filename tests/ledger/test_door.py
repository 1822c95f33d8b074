"""A shared ledger, opened by one machine after the other: what is durable, what a new
owner finds, what a late one may still tell."""

from __future__ import annotations

import asyncio
import random
import sqlite3
import zlib
from dataclasses import replace
from functools import partial

import anyio
import anyio.lowlevel
import pytest
from builders import opening
from engine.scripted_api import at_once, virtual_time
from ledger.sharing import START, Store, buy, dying, nonce, ports, tell

from wanbatch.ledger.merge import History, read_book
from wanbatch.ledger.rows import Note
from wanbatch.ledger.shared import late, snapshots, writer
from wanbatch.ledger.shared.asking import Asking
from wanbatch.ledger.shared.copy import install
from wanbatch.ledger.shared.documents import SharedDamaged
from wanbatch.ledger.shared.door import open_shared, read_shared
from wanbatch.ledger.shared.holding import LeaseHeld
from wanbatch.ledger.shared.lease import LEASE, read_lease
from wanbatch.ledger.shared.pruning import prune
from wanbatch.ledger.shared.segments import Position, name_of, read_segment, write_segment
from wanbatch.ledger.sqlite import commit_patiently, open_store
from wanbatch.ledger.store import Ledger
from wanbatch.ledger.writer import ThreadWriter
from wanbatch.model import lifecycle
from wanbatch.model.lifecycle import (
    Authorisation,
    Authority,
    Event,
    EventKind,
    RunRecord,
    State,
)
from wanbatch.model.permit import PermitLost
from wanbatch.testing.ledger import InlineWriter
from wanbatch.words.errors import ExitCode, WanbatchError, innermost

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend():
    return virtual_time()


@pytest.fixture
def store(monkeypatch):
    at_once(monkeypatch)
    return Store()


def segments(store):
    found = [
        read_segment(name, there.data)
        for name, there in sorted(store.objects.items())
        if name.startswith("segments/")
    ]
    return [s for s in found if not s.closes]


def states(shared):
    return [a.state for a in shared.ledger.snapshot.attempts]


async def test_an_intent_is_durable_when_its_segment_stands(store, tmp_path):
    async with open_shared(ports(store, tmp_path)) as shared:
        row = await buy(shared)
        (only,) = segments(store)
        assert only.lines[0][:2] == ["opened", row.attempt_id]
        assert shared.permit.refusal() == ""
        store.silent = True
        await tell(shared, row, EventKind.ACCEPTED, task_id="t-1")
        assert states(shared) == [State.ACCEPTED], "for polling this disk is enough"
        store.silent = False
        await anyio.sleep(6.0)
        assert segments(store)[-1].lines[0][3] == "accepted"


async def test_what_was_recorded_before_an_intent_is_never_behind_it(store, tmp_path):
    async with open_shared(ports(store, tmp_path)) as shared:
        rows = [await buy(shared, f"job{n}") for n in range(3)]
        async with anyio.create_task_group() as group:
            for row in rows:
                told = partial(tell, shared, row, EventKind.ACCEPTED, task_id="t")
                group.start_soon(told)
            await anyio.lowlevel.checkpoint()
            group.start_soon(buy, shared, "next")
    kinds = [
        line[0] if line[0] == "opened" else line[3] for s in segments(store) for line in s.lines
    ]
    assert kinds == ["opened"] * 3 + ["accepted"] * 3 + ["opened"]


async def test_many_writes_go_together(store, tmp_path):
    async with open_shared(ports(store, tmp_path)) as shared, anyio.create_task_group() as group:
        for n in range(50):
            group.start_soon(buy, shared, f"job{n}")
    assert len(segments(store)) <= 3


async def test_the_next_machine_finds_what_the_last_released(store, tmp_path):
    async with open_shared(ports(store, tmp_path / "a")) as shared:
        row = await buy(shared)
        await tell(shared, row, EventKind.ACCEPTED, task_id="t-1")
        ledger_id = shared.ledger.ledger_id
    began = anyio.current_time()
    async with open_shared(ports(store, tmp_path / "b", "b")) as shared:
        assert anyio.current_time() - began < 2.0
        assert shared.ledger.ledger_id == ledger_id
        assert states(shared) == [State.ACCEPTED]
        assert (shared.epoch, shared.foreign) == (2, 0)
        assert shared.path == tmp_path / "b" / f"shared-{ledger_id}.db"
        assert read_book(shared.path).histories[1].events[-1].kind is EventKind.ACCEPTED


async def test_who_only_looks_sees_it_all_and_takes_nothing(store, tmp_path):
    assert (await read_shared(store)) == (read_nothing := await read_shared(Store()))
    assert read_nothing[1] is None
    async with open_shared(ports(store, tmp_path)) as shared:
        await buy(shared)
        snapshot, holder = await read_shared(store)
        assert snapshot.attempts == shared.ledger.snapshot.attempts
        assert holder is not None
        assert (holder.owner, holder.epoch, holder.released) == ("a", 1, False)


async def test_two_machines_never_own_it_together(store, tmp_path):
    async with open_shared(ports(store, tmp_path / "a")) as shared:
        with pytest.raises(LeaseHeld):
            async with open_shared(ports(store, tmp_path / "b", "b")):
                raise AssertionError
        await buy(shared)


async def test_an_intent_of_a_dead_owner_is_noted_as_anothers(store, tmp_path):
    async with dying(ports(store, tmp_path / "a")) as shared:
        row = await buy(shared)
    async with open_shared(ports(store, tmp_path / "b", "b")) as shared:
        assert shared.foreign == 1
        (found,) = shared.ledger.snapshot.attempts
        assert (found.state, found.intent_at) == (State.INTENT, row.intent_at)
        assert shared.ledger.snapshot.is_foreign(found)
        assert not shared.ledger.snapshot.is_foreign(replace(found, intent_at=1.0))
        await tell(shared, found, EventKind.UNCERTAIN, reason="?")
    async with open_shared(ports(store, tmp_path / "a")) as shared:
        assert shared.foreign == 0
        assert shared.ledger.snapshot.is_foreign(shared.ledger.snapshot.attempts[0])


async def test_a_lease_is_not_released_over_an_open_intent(store, tmp_path):
    async with open_shared(ports(store, tmp_path)) as shared:
        await buy(shared)
    assert not read_lease(store.objects[LEASE].data).released
    assert name_of(1, 2) not in store.objects, "and the epoch is not closed by its owner"


# -- losing the lease ------------------------------------------------------------------


async def test_a_tombstone_in_the_place_of_a_segment_is_the_end_of_buying(store, tmp_path):
    async with open_shared(ports(store, tmp_path)) as shared:
        bought = await buy(shared, "one")
        end = segments(store)[-1].position
        await store.create(name_of(1, 2), write_segment(end, "theirs", "ci", (), closes=True))
        with pytest.raises(PermitLost, match=r"another machine took the lease.*: ci; nothing") as e:
            await buy(shared, "two")
        assert "waits for the lease" in e.value.hints[0]
        with pytest.raises(PermitLost):
            await buy(shared, "three")
        assert "ci" in shared.permit.refusal()
        await tell(shared, bought, EventKind.ACCEPTED, task_id="t-1")
        assert shared.ledger.attempt(bought.attempt_id).task_id == "t-1"
        assert not shared.ledger.failed
    (name,) = [n for n in store.objects if n.startswith("late/")]
    told = late.read_late(name, store.objects[name].data)
    assert {h.row.job: h.row.state for h in told} == {
        "one": State.ACCEPTED,
        "two": State.INTENT,
    }


async def test_what_is_told_late_is_adopted_by_id(store, tmp_path):
    """The owner is stopped, another takes over, and then the first learns the id."""
    async with open_shared(ports(store, tmp_path / "a")) as old:
        row = await buy(old)
        there = read_lease(store.objects[LEASE].data)
        stolen = replace(there, nonce="x", epoch=2, owner="b", released=True)
        from wanbatch.ledger.shared.lease import write_lease

        store._write(LEASE, write_lease(stolen))
        async with open_shared(ports(store, tmp_path / "b", "b")) as new:
            assert new.foreign == 1
            await tell(new, new.ledger.snapshot.attempts[0], EventKind.UNCERTAIN, reason="?")
        await anyio.sleep(10.0)
        assert old.permit.lost
        await tell(old, row, EventKind.ACCEPTED, task_id="t-1", accepted_at=START)
    async with open_shared(ports(store, tmp_path / "c", "c")) as shared:
        (found,) = shared.ledger.snapshot.attempts
        assert (found.state, found.task_id, shared.learnt) == (State.ACCEPTED, "t-1", 1)
        assert found.last_event is EventKind.ADOPTED
    async with open_shared(ports(store, tmp_path / "c", "c")) as shared:
        assert shared.learnt == 0, "it is read once"


@pytest.mark.parametrize("kind", [EventKind.NOT_ACCEPTED, EventKind.REJECTED])
async def test_the_owner_itself_may_say_that_its_intent_was_not_taken(store, tmp_path, kind):
    async with dying(ports(store, tmp_path / "a")) as shared:
        row = await buy(shared)
        store.silent = True
        await tell(shared, row, kind, reason="HTTP 429", error_message="no")
    async with open_shared(ports(store, tmp_path / "b", "b")) as shared:
        await tell(shared, shared.ledger.snapshot.attempts[0], EventKind.UNCERTAIN, reason="?")
    async with open_shared(ports(store, tmp_path / "a")) as shared:
        (found,) = shared.ledger.snapshot.attempts
        assert (found.state, found.last_event) == (State.PLANNED, EventKind.ABSENT)
        assert "says that the API did not take it: HTTP 429" in found.reason


async def test_an_intent_that_no_segment_holds_was_never_sent(store, tmp_path):
    async with dying(ports(store, tmp_path / "a")) as shared:
        store.silent = True
        with anyio.move_on_after(1.0):
            await buy(shared)
    async with open_shared(ports(store, tmp_path / "a")) as shared:
        assert (states(shared), shared.learnt, shared.foreign) == ([], 0, 0)
    assert [n for n in store.objects if n.startswith("late/")], "it was told all the same"


async def test_a_copy_with_more_than_the_store_is_made_anew(store, tmp_path):
    async with dying(ports(store, tmp_path / "a")) as shared:
        row = await buy(shared)
        store.silent = True
        await tell(shared, row, EventKind.ACCEPTED, task_id="t-1", accepted_at=START)
        await shared.ledger.keep_note("mine", "alone")
    async with open_shared(ports(store, tmp_path / "a")) as shared:
        assert "mine" not in shared.ledger.snapshot.notes
        assert [a.task_id for a in shared.ledger.snapshot.attempts] == ["t-1"]
        assert shared.learnt == 1


async def test_evidence_behind_a_tombstone_is_a_doubt_and_no_history(store, tmp_path):
    async with open_shared(ports(store, tmp_path / "a")) as shared:
        row = await buy(shared)
        await tell(shared, row, EventKind.ACCEPTED, task_id="t-1")
    line = ["opened", 7, *segments(store)[0].lines[0][2:]]
    line[2], line[8] = "another", "run-behind"
    odd = ["event", 99, 2, "accepted", 1.0, {}]
    place = Position(1, 8, "x", closed=False)
    await store.create(name_of(1, 9), write_segment(place, "n", "zombie", [line]))
    lost = write_segment(Position(1, 9, "x", closed=False), "n", "zombie", [odd])
    await store.create(name_of(1, 10), lost)
    async with open_shared(ports(store, tmp_path / "b", "b")) as shared:
        found = shared.ledger.snapshot.attempts[-1]
        assert (found.fingerprint, found.state, shared.learnt) == ("another", State.INTENT, 1)
        assert shared.ledger.snapshot.is_foreign(found)
    store.objects["late/x"] = store.objects[name_of(1, 9)]
    with pytest.raises(BaseExceptionGroup) as error:
        async with open_shared(ports(store, tmp_path / "b", "b")):
            raise AssertionError
    assert isinstance(innermost(error.value), SharedDamaged)


def test_what_was_told_late_and_makes_no_sense_is_refused():
    whole = late.write_late("a", 1, "n", ())
    assert late.read_late("late/1", whole) == []
    from wanbatch.ledger.shared.documents import write_document

    with pytest.raises(SharedDamaged, match="late/1"):
        late.read_late("late/1", write_document("late", {}, b'["event",1,2,"accepted",1.0,{}]\n'))


# -- a machine's own ledger ------------------------------------------------------------


async def test_what_a_machine_bought_alone_is_merged_up_once(store, tmp_path):
    own = tmp_path / "ledger.db"
    async with Ledger(*open_store(own), writer=InlineWriter) as ledger:
        word = await ledger.authorise(
            fingerprint="f",
            realm="paid",
            manifest="m",
            job="j",
            kind="regenerate",
            run_id="r",
            at=1.0,
        )
        for number, realm in enumerate(("paid", "emulator", "paid")):
            await ledger.open_attempt(
                opening(
                    fingerprint=f"own{number}", realm=realm, authorisation_id=word.authorisation_id
                )
            )
        await ledger.begin_run(RunRecord("run-1", "m", "api", "paid", 1.0))
    async with open_shared(ports(store, tmp_path / "a")) as shared:
        assert await shared.merge_up(own) == 2
        snapshot = shared.ledger.snapshot
        assert [a.fingerprint for a in snapshot.attempts] == ["own0", "own2"]
        assert len(snapshot.authorisations) == len(snapshot.runs) == 1
        assert {a.authorisation_id for a in snapshot.attempts} == {1}
        assert not any(snapshot.is_foreign(a) for a in snapshot.attempts)
        assert await shared.merge_up(own) == 0
        for row in snapshot.attempts:
            await tell(shared, row, EventKind.UNCERTAIN, reason="?")
    async with Ledger(*open_store(own), writer=InlineWriter) as ledger:
        await ledger.open_attempt(opening(fingerprint="own3", authority=Authority.FIRST))
    async with open_shared(ports(store, tmp_path / "b", "b")) as shared:
        assert await shared.merge_up(own) == 1
        assert len(shared.ledger.snapshot.authorisations) == 1


async def test_who_only_looks_sees_what_is_not_taken_up_yet(store, tmp_path):
    own = tmp_path / "ledger.db"
    async with Ledger(*open_store(own), writer=InlineWriter) as ledger:
        await ledger.open_attempt(opening(fingerprint="own", realm="paid"))
        await ledger.open_attempt(opening(fingerprint="free", realm="emulator"))
    new, holder = await read_shared(store, own)
    assert ([a.fingerprint for a in new.attempts], holder) == (["own", "free"], None)
    async with open_shared(ports(store, tmp_path / "a")) as shared:
        await tell(shared, await buy(shared, "theirs"), EventKind.REJECTED, error_code="no")
    for _ in range(2):  # and nothing was written for it
        seen, _ = await read_shared(store, own)
        assert [a.fingerprint for a in seen.attempts] == ["own", "wb2:theirs"]
    async with open_shared(ports(store, tmp_path / "b", "b")) as shared:
        assert await shared.merge_up(own) == 1
        after = shared.ledger.snapshot.attempts
    assert (await read_shared(store, own))[0].attempts == seen.attempts == after


async def test_a_lease_that_is_lost_while_merging_leaves_nothing_half(store, tmp_path):
    own = tmp_path / "ledger.db"
    async with Ledger(*open_store(own), writer=InlineWriter) as ledger:
        row = await ledger.open_attempt(opening())
        await tell_ledger(ledger, row)
    async with open_shared(ports(store, tmp_path / "a")) as shared:
        shared.permit.lose("gone")  # type: ignore[attr-defined]
        with pytest.raises(PermitLost):
            await shared.merge_up(own)
    async with open_shared(ports(store, tmp_path / "a")) as shared:
        assert await shared.merge_up(own) == 1
        assert [a.task_id for a in shared.ledger.snapshot.attempts] == ["t-9"]


async def tell_ledger(ledger, row):
    await ledger.append(Event(row.attempt_id, EventKind.ACCEPTED, 5.0, {"task_id": "t-9"}))


# -- snapshots -------------------------------------------------------------------------


async def test_a_snapshot_holds_what_segments_hold_and_the_next_begins_there(
    store, tmp_path, monkeypatch
):
    monkeypatch.setattr(writer, "SNAPSHOT_AFTER", 5)
    async with open_shared(ports(store, tmp_path / "a")) as shared:
        for n in range(12):
            row = await buy(shared, f"job{n}")
            await tell(shared, row, EventKind.ACCEPTED, task_id=f"t{n}")
        await anyio.sleep(20.0)
        names = [n for n in store.objects if n.startswith("snapshots/")]
        assert len(names) >= 2
        assert read_lease(store.objects[LEASE].data).snapshot == names[-1]
        last = [*shared.ledger.snapshot.attempts]
    position, image = snapshots.read_snapshot(names[-1], store.objects[names[-1]].data)
    assert read_segment(position.name, store.objects[position.name].data).hash == position.hash
    store.deeds.clear()
    async with open_shared(ports(store, tmp_path / "b", "b")) as shared:
        assert [*shared.ledger.snapshot.attempts] == last
        read = [name for method, name in store.deeds if method == "read"]
        assert names[-1] in read
        assert name_of(1, 1) not in read
        assert len(read_book(shared.path).histories[1].events) == 2
    with pytest.raises(SharedDamaged, match="it is another one"):
        snapshots.read_snapshot("snapshots/x", store.objects[names[-1]].data)
    assert b"".join(image)[:16] == b"SQLite format 3\0"


def test_a_snapshot_is_unpacked_piece_by_piece():
    image = random.Random(7).randbytes(3 * snapshots.PIECE)
    data = snapshots.write_snapshot(Position(3, 4, "h", closed=False), image, "nonce", 0.0)
    position, pieces = snapshots.read_snapshot("snapshots/0000000003-0000000004", data)
    assert position == Position(3, 4, "h", closed=False)
    found = [*pieces]
    assert len(found) > 3
    assert b"".join(found) == image


def test_a_snapshot_that_was_cut_before_it_was_hashed_leaves_the_copy_as_it_was(
    tmp_path, monkeypatch
):
    compress = zlib.compress
    monkeypatch.setattr(zlib, "compress", lambda image, level: compress(image, level)[:-20])
    name = "snapshots/0000000003-0000000004"
    data = snapshots.write_snapshot(Position(3, 4), b"image" * 99_999, "nonce", 0.0)
    copy = tmp_path / "shared.db"
    copy.write_bytes(b"before")
    _, pieces = snapshots.read_snapshot(name, data)
    with pytest.raises(SharedDamaged, match="it is not whole"):
        install(copy, pieces)
    assert copy.read_bytes() == b"before"


async def test_a_snapshot_is_made_at_the_end_of_a_long_run(store, tmp_path, monkeypatch):
    monkeypatch.setattr("wanbatch.ledger.shared.copy.IN_ONE_COMMIT", 1)
    monkeypatch.setattr(writer, "SNAPSHOT_AT_END", 3)
    async with open_shared(ports(store, tmp_path / "a")) as shared:
        row = await buy(shared)
        await tell(shared, row, EventKind.REJECTED, error_code="no")
        await shared.ledger.keep_note("a", "b")
    there = read_lease(store.objects[LEASE].data)
    assert there.released
    assert there.snapshot in store.objects
    async with open_shared(ports(store, tmp_path / "b", "b")) as shared:
        assert states(shared) == [State.REJECTED]


class SlowWriter(InlineWriter):
    """A disk that takes a third of a second for each write."""

    def put(self, ticket):
        asyncio.get_running_loop().call_later(0.3, super().put, ticket)


async def test_a_snapshot_waits_for_what_is_on_its_way_to_the_disk(store, tmp_path, monkeypatch):
    monkeypatch.setattr(writer, "SNAPSHOT_AFTER", 2)
    async with (
        open_shared(ports(store, tmp_path / "a", writer=SlowWriter)) as shared,
        anyio.create_task_group() as group,
    ):
        for n in range(12):
            group.start_soon(shared.ledger.keep_note, f"note{n}", "")
            await anyio.sleep(0.1)
    names = sorted(n for n in store.objects if n.startswith("snapshots/"))
    assert names
    position, _ = snapshots.read_snapshot(names[0], store.objects[names[0]].data)
    assert position.name in store.objects, "it is the sum of whole segments"


async def test_a_store_that_falls_silent_holds_up_no_record_for_a_snapshot(
    store, tmp_path, monkeypatch
):
    monkeypatch.setattr(writer, "SNAPSHOT_AFTER", 4)
    async with open_shared(ports(store, tmp_path / "a")) as shared:
        row = await buy(shared, "one")
        store.on = lambda method, name: setattr(store, "silent", name == name_of(1, 3))
        for n in range(8):
            await shared.ledger.keep_note(f"note{n}", "")
            await anyio.sleep(0.01)
        began = anyio.current_time()
        await tell(shared, row, EventKind.ACCEPTED, task_id="t-1")
        assert anyio.current_time() - began <= writer.GATE_S + 0.1
        store.on = lambda method, name: setattr(store, "silent", False)
        await anyio.sleep(30.0)
        assert "accepted" in [line[3] for s in segments(store) for line in s.lines if len(line) > 3]


async def test_a_lease_that_is_lost_ends_the_waiting_for_a_snapshot(store, tmp_path, monkeypatch):
    monkeypatch.setattr(writer, "SNAPSHOT_AFTER", 2)
    async with open_shared(ports(store, tmp_path / "a")) as shared:
        await buy(shared, "one")
        end = segments(store)[-1].position
        theirs = write_segment(end, "theirs", "ci", (), closes=True)

        def on(method, name):
            if (method, name) == ("create", name_of(1, 2)) and name not in store.objects:
                store._write(name, theirs)

        store.on = on
        for n in range(5):
            await shared.ledger.keep_note(f"note{n}", "")
        await anyio.sleep(1.0)
        assert shared.permit.lost


async def test_segments_are_removed_thirty_days_after_a_later_snapshot(
    store, tmp_path, monkeypatch
):
    monkeypatch.setattr(writer, "SNAPSHOT_AT_END", 3)
    for owner in "ab":
        async with open_shared(ports(store, tmp_path / owner, owner)) as shared:
            for n in range(3):
                await shared.ledger.keep_note(f"{owner}{n}", "")
                await anyio.sleep(0.1)
    before = set(store.objects)
    async with open_shared(ports(store, tmp_path / "b", "b")) as shared:
        assert set(store.objects) - before <= {name_of(2, 9), name_of(3, 1)}
        monkeypatch.setattr("wanbatch.ledger.shared.pruning.MOST_AT_ONCE", 2)
        asking, lease = Asking(store), read_lease(store.objects[LEASE].data)
        later = START + snapshots.KEPT_S + 3600.0
        assert await prune(asking, shared.ledger, lease.snapshot, later) == 2
        while await prune(asking, shared.ledger, lease.snapshot, later):
            pass
        assert await prune(asking, shared.ledger, lease.snapshot, later) == 0
        gone = before - set(store.objects)
        assert name_of(1, 1) in gone
        assert all(name.startswith("segments/") for name in gone)
        tombstones = [n for n in before if n.startswith("segments/0000000001")]
        assert max(tombstones) in store.objects
    async with open_shared(ports(store, tmp_path / "c", "c")) as shared:
        assert {"a0", "b2"} <= set(shared.ledger.snapshot.notes)


# -- what goes wrong -------------------------------------------------------------------


async def test_a_silent_store_at_the_end_leaves_the_lease_to_die(store, tmp_path):
    async with open_shared(ports(store, tmp_path / "a")) as shared:
        row = await buy(shared)
        await tell(shared, row, EventKind.ACCEPTED, task_id="t-1")
        store.silent = True
        began = anyio.current_time()
    assert anyio.current_time() - began < 2 * writer.CLOSING_S + 5.0
    store.silent = False
    assert not read_lease(store.objects[LEASE].data).released
    async with open_shared(ports(store, tmp_path / "a")) as shared:
        assert states(shared) == [State.ACCEPTED]


async def test_a_release_that_nobody_answers_ends_all_the_same(store, tmp_path):
    async with open_shared(ports(store, tmp_path / "a")) as shared:
        await shared.ledger.keep_note("a", "b")
        await anyio.sleep(1.0)
        store.on = lambda method, name: setattr(store, "silent", name == name_of(1, 2))
    store.silent = False
    assert not read_lease(store.objects[LEASE].data).released


async def test_a_failed_commit_ends_buying_and_is_no_matter_of_the_store(store, tmp_path):
    class Full(InlineWriter):
        def write(self, group):
            if full:
                self.failure = WanbatchError(ExitCode.ENVIRONMENT, "the disk is full", "free some")
                for ticket in group:
                    ticket.failure = self.failure
            else:
                super().write(group)

    full = False
    async with open_shared(ports(store, tmp_path, writer=Full)) as shared:
        row = await buy(shared)
        full = True
        with pytest.raises(WanbatchError, match="the disk is full; nothing more is submitted"):
            await tell(shared, row, EventKind.ACCEPTED, task_id="t-1")
        assert shared.ledger.failed
        full = False
        await tell(shared, row, EventKind.NOT_ACCEPTED, reason="no")
        again = {"intent_at": 5.0}
        for _ in range(2):
            with pytest.raises(WanbatchError, match="the disk is full"):
                await tell(shared, row, EventKind.REOPENED, **again)
    assert [line[0] for s in segments(store) for line in s.lines] == ["opened", "event"]


async def test_damage_of_the_store_is_refused_and_the_copy_closed(store, tmp_path):
    async with open_shared(ports(store, tmp_path / "a")) as shared:
        await shared.ledger.keep_note("a", "b")
    end = max(name for name in store.objects if name.startswith("segments/"))
    place = read_segment(end, store.objects[end].data).position
    await store.create(name_of(2, 1), write_segment(place, "n", "x", [["what", 1]]))
    store._write(LEASE, store.objects[LEASE].data.replace(b'"epoch":1', b'"epoch":2'))
    with pytest.raises(BaseExceptionGroup) as error:
        async with open_shared(ports(store, tmp_path / "a")):
            raise AssertionError
    assert "segments/0000000002-0000000001" in str(innermost(error.value))


async def test_a_copy_is_closed_where_the_store_falls_silent(store, tmp_path):
    async with dying(ports(store, tmp_path / "a")) as shared:
        await buy(shared)
        store.silent = True
        await shared.ledger.keep_note("a", "b")
        row = shared.ledger.snapshot.attempts[0]
        await tell(shared, row, EventKind.UNCERTAIN, reason="?")
    store.on = lambda method, name: setattr(store, "silent", name.startswith("late/"))
    with pytest.raises(BaseExceptionGroup) as error:
        async with open_shared(ports(store, tmp_path / "a")):
            raise AssertionError
    assert "the store of the shared ledger does not answer" in str(innermost(error.value))


async def test_a_segment_of_anothers_that_cannot_be_read_is_the_end_all_the_same(store, tmp_path):
    async with open_shared(ports(store, tmp_path)) as shared:
        await store.create(name_of(1, 1), b"?")
        with pytest.raises(PermitLost, match="another machine took the lease"):
            await buy(shared)


async def test_a_copy_that_cannot_be_read_late_is_told_by_the_next_run(
    store, tmp_path, monkeypatch
):
    async with open_shared(ports(store, tmp_path)) as shared:
        row = await buy(shared)
        shared.permit.lose("gone")  # type: ignore[attr-defined]

        def damaged(path, numbers):
            raise WanbatchError(ExitCode.ENVIRONMENT, "damaged", "mend it")

        monkeypatch.setattr(writer, "read_histories", damaged)
        await tell(shared, row, EventKind.ACCEPTED, task_id="t-1", accepted_at=START)
        await anyio.sleep(20.0)
        assert not [n for n in store.objects if n.startswith("late/")]
        monkeypatch.undo()
    async with open_shared(ports(store, tmp_path)) as shared:
        assert [a.task_id for a in shared.ledger.snapshot.attempts] == ["t-1"]


@pytest.mark.parametrize("anyio_backend", ["asyncio"])
async def test_it_works_with_the_thread_that_writes(tmp_path, anyio_backend):
    store = Store()
    given = ports(store, tmp_path, writer=ThreadWriter)
    async with open_shared(given) as shared:
        row = await buy(shared)
        await tell(shared, row, EventKind.ACCEPTED, task_id="t-1")
    async with open_shared(given) as shared:
        assert states(shared) == [State.ACCEPTED]
    with sqlite3.connect(shared.path) as connection:
        assert next(connection.execute("PRAGMA integrity_check")) == ("ok",)


def test_a_locked_copy_is_waited_for(tmp_path):
    store, _ = open_store(tmp_path / "l.db")
    commit_patiently(store, [])
    store.close()
    assert nonce() != nonce()


# -- under load ------------------------------------------------------------------------


@pytest.mark.parametrize("silent_s", [0.0, 5.0])
async def test_many_write_while_snapshots_are_made(store, tmp_path, monkeypatch, silent_s):
    monkeypatch.setattr(writer, "SNAPSHOT_AFTER", 6)
    async with open_shared(ports(store, tmp_path / "a")) as shared:

        async def write(name):
            for n in range(30):
                await shared.ledger.keep_note(f"{name}{n}", "")
                await anyio.sleep(0.007)

        async with anyio.create_task_group() as group:
            for name in "xyz":
                group.start_soon(write, name)
            await anyio.sleep(0.1)
            store.silent = bool(silent_s)
            await anyio.sleep(silent_s)
            store.silent = False
    assert [n for n in store.objects if n.startswith("snapshots/")]
    async with open_shared(ports(store, tmp_path / "b", "b")) as shared:
        found = shared.ledger.snapshot.notes
        assert {f"{name}{n}" for name in "xyz" for n in range(30)} <= set(found)


@pytest.mark.parametrize("anyio_backend", ["asyncio"])
async def test_a_snapshot_waits_for_the_thread_that_writes(tmp_path, monkeypatch, anyio_backend):
    monkeypatch.setattr(writer, "SNAPSHOT_AFTER", 3)
    store = Store()
    async with (
        open_shared(ports(store, tmp_path, writer=ThreadWriter)) as shared,
        anyio.create_task_group() as group,
    ):
        for n in range(300):
            group.start_soon(shared.ledger.keep_note, f"note{n}", "")
            if n % 10 == 0:
                await anyio.sleep(0.005)
    assert [n for n in store.objects if n.startswith("snapshots/")]


async def test_a_run_may_end_while_its_snapshot_is_made_or_its_lease_is_lost(
    store, tmp_path, monkeypatch
):
    monkeypatch.setattr(writer, "SNAPSHOT_AFTER", 2)
    async with open_shared(ports(store, tmp_path / "a")) as shared:
        begun = anyio.Event()
        store.on = lambda _method, name: begun.set() if name.startswith("snapshots/") else None
        for n in range(4):
            await shared.ledger.keep_note(f"note{n}", "")
        await begun.wait()
    async with open_shared(ports(store, tmp_path / "b", "b")) as shared:
        row = await buy(shared)
        shared.permit.lose("gone")  # type: ignore[attr-defined]
        await tell(shared, row, EventKind.ACCEPTED, task_id="t-1")
        await anyio.sleep(writer.LATE_PAUSE_S + 0.01)  # the first is on its way
        await tell(shared, row, EventKind.OBSERVED, polls=1)
    assert len([n for n in store.objects if n.startswith("late/")]) == 2


# -- what is learnt --------------------------------------------------------------------


def history(*events, **changes):
    row = lifecycle.open_attempt(1, opening(**changes))
    told = [Event(1, EventKind.INTENT, row.intent_at)]
    for kind, facts in events:
        told.append(Event(1, kind, row.intent_at + 1.0, facts))
        row = lifecycle.apply(row, told[-1])
    return History(row, tuple(told))


STORED: tuple[tuple[EventKind, dict[str, str]], ...] = (
    (EventKind.ACCEPTED, {"task_id": "t-1"}),
    (EventKind.REMOTE_OK, {}),
    (EventKind.STAGED, {"sha256": "ab"}),
    (EventKind.STORED, {"path": "m/videos/a.mp4"}),
)
DOUBT = (EventKind.UNCERTAIN, {"reason": "?"})
REFUSED = (EventKind.NOT_ACCEPTED, {"reason": "429"})


def learnt(told, *ours, words=None):
    learning = late.Learning(lambda realm, fingerprint: ours, 2, words or {}, 5.0)
    learning.take_late([told])
    return learning


def test_a_video_that_is_learnt_of_keeps_its_place():
    (*_, last) = learnt(history(*STORED), history(DOUBT)).writes
    assert (last.row.state, last.row.path) == (State.STORED, "m/videos/a.mp4")


def test_what_bought_nothing_is_not_taken_up_and_settles_no_other_doubt():
    assert learnt(history(REFUSED)).writes == []
    assert learnt(history(REFUSED), history(DOUBT, run_id="another", at=9.0)).writes == []
    assert learnt(history(REFUSED), history(*STORED[:1])).writes == []


def test_a_persons_word_gets_a_number_of_its_own():
    word = Authorisation(1, "f", "paid", "m", "j", "regenerate", "r", 1.0)
    other = replace(word, job="other")
    learning = late.Learning(lambda realm, fingerprint: (), 2, {1: other}, 5.0)
    learning.take_all([history(authorisation_id=1)], {1: word})
    assert [w for w in learning.writes if isinstance(w, Authorisation)] == [
        replace(word, authorisation_id=2)
    ]


def test_what_is_no_event_tells_of_no_attempt():
    assert late.histories_of([Note("a", "b")]) == []
