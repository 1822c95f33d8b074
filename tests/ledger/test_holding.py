"""Taking, keeping and giving back the lease, on a store that loses answers."""

from __future__ import annotations

from dataclasses import replace

import anyio
import pytest
from engine.scripted_api import virtual_time
from ledger.sharing import START, Store, nonce

from wanbatch.ledger.shared.asking import Asking, StoreUnreachable
from wanbatch.ledger.shared.holding import Holding, LeaseHeld, Terms
from wanbatch.ledger.shared.lease import LEASE, NOT_RENEWED, read_lease, write_lease
from wanbatch.model.objects import StoredObject
from wanbatch.words.errors import WanbatchError

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend():
    return virtual_time()


@pytest.fixture
def store():
    return Store()


def holding(store, owner="a", patience_s=0.0, **changes):
    given = {
        "owner": owner,
        "clock": anyio.current_time,
        "wall": lambda: START + anyio.current_time(),
        "nonce": nonce,
        "lease_s": 30.0,
        "patience_s": patience_s,
    }
    return Holding(store, Terms(**(given | changes)))


def lease_of(store):
    return read_lease(store.objects[LEASE].data)


async def test_the_first_makes_the_ledger(store):
    one = holding(store)
    assert await one.take() is None
    assert (one.lease.epoch, one.lease.owner, one.refusal()) == (1, "a", "")
    assert lease_of(store) == one.lease
    assert one.lease.ledger_id


@pytest.mark.parametrize("method", ["create", "replace"])
@pytest.mark.parametrize("fault", ["lost", "dropped"])
async def test_a_lease_whose_taking_was_not_answered_is_read_back(store, method, fault):
    if method == "replace":
        first = holding(store)
        await first.take()
        assert await first.release()
    getattr(store, fault).append((method, LEASE))
    one = holding(store, "b")
    await one.take()
    assert lease_of(store).owner == "b"
    assert lease_of(store).nonce == one.lease.nonce
    assert one.lease.epoch == 1 + (method == "replace"), "and is not taken twice"


async def test_a_released_lease_is_taken_at_once_and_keeps_what_it_names(store):
    one = holding(store)
    await one.take()
    one.note_head(1, 7)
    one.note_snapshot("snapshots/1")
    assert await one.release()
    began = anyio.current_time()
    two = holding(store, "b")
    before = await two.take()
    assert anyio.current_time() - began < 1.0
    assert before is not None
    assert before.released
    assert (two.lease.epoch, two.lease.released) == (2, False)
    assert (two.lease.snapshot, two.lease.head_epoch, two.lease.head_number) == (
        "snapshots/1",
        1,
        7,
    )
    assert two.lease.ledger_id == one.lease.ledger_id


async def test_a_dead_owner_is_followed_one_length_after_its_last_renewal(store):
    one = holding(store)
    await one.take()
    await one.renew()
    renewed_at = anyio.current_time()
    two = holding(store, "b")
    await two.take()
    assert 30.0 <= anyio.current_time() - renewed_at < 31.5
    assert not await one.renew()
    assert "another machine took the lease of the shared ledger: b" in one.refusal()
    assert one.lost
    assert not await one.release()


@pytest.mark.parametrize(("patience_s", "waited_s"), [(0.0, 0.0), (60.0, 60.0)])
async def test_a_living_owner_is_not_disturbed(store, patience_s, waited_s):
    one = holding(store)
    await one.take()
    async with anyio.create_task_group() as group:
        group.start_soon(one.keep)
        began = anyio.current_time()
        with pytest.raises(LeaseHeld, match=r"another run holds the shared ledger: a") as error:
            await holding(store, "b", patience_s).take()
        assert waited_s <= anyio.current_time() - began < waited_s + 7.0
        assert "--lock-timeout" in error.value.hints[0]
        assert one.refusal() == ""
        group.cancel_scope.cancel()


async def test_who_was_refused_by_a_living_owner_gets_the_lease_when_that_one_ends(store):
    one, two = holding(store), holding(store, "b", 1000.0)
    await one.take()
    with anyio.CancelScope() as scope:
        async with anyio.create_task_group() as group:
            group.start_soon(one.keep)
            group.start_soon(two.take)
            await anyio.sleep(100.0)
            scope.cancel()
    assert lease_of(store).owner == "a"
    await one.release()
    await two.take()
    assert lease_of(store).owner == "b"


@pytest.mark.parametrize("fault", ["lost", "dropped"])
async def test_a_renewal_that_was_not_answered_costs_nothing(store, fault):
    one = holding(store)
    await one.take()
    await anyio.sleep(10.0)
    getattr(store, fault).append(("replace", LEASE))
    assert await one.renew(), "read back: ours, the new one or the one before"
    assert await one.renew()
    assert one.refusal() == ""


async def test_a_silent_store_ends_buying_after_half_a_length_and_answers_give_it_back(store):
    one = holding(store)
    await one.take()
    async with anyio.create_task_group() as group:
        group.start_soon(one.keep)
        store.silent = True
        await anyio.sleep(16.0)
        assert one.refusal() == NOT_RENEWED
        assert not one.lost
        began = anyio.current_time()

        async def mend():
            await anyio.sleep(100.0)
            store.silent = False

        group.start_soon(mend)
        await one.wait()
        assert 100.0 <= anyio.current_time() - began < 102.0
        assert one.refusal() == ""
        group.cancel_scope.cancel()


async def test_who_waits_for_leave_hears_that_the_lease_is_lost(store):
    one, now = holding(store), anyio.current_time
    await one.take()
    await anyio.sleep(20.0)
    async with anyio.create_task_group() as group:
        group.start_soon(one.wait)
        await anyio.sleep(1.0)
        began = now()
        one.lose("gone")
        one.lose("gone again")
    assert (one.lost, now()) == ("gone", began)


async def test_an_old_answer_of_anothers_lower_epoch_says_nothing(store):
    one = holding(store)
    await one.take()
    mine = store.objects[LEASE]
    old = replace(one.lease, nonce="theirs", epoch=0)
    store.objects[LEASE] = StoredObject(write_lease(old), '"stale"')
    assert not await one.renew()
    assert not one.lost
    store.objects[LEASE] = mine
    assert await one.renew()


async def test_a_lease_that_cannot_be_read_any_more_is_lost(store):
    one = holding(store)
    await one.take()
    store.objects[LEASE] = StoredObject(b"?", '"x"')
    await one.keep()
    assert "lease.json of the shared ledger cannot be read" in one.lost


async def test_a_lease_that_is_not_shown_is_asked_for_again(store):
    one = holding(store)
    await one.take()
    gone = store.objects.pop(LEASE)
    assert not await one.renew()
    assert not one.lost
    store.objects[LEASE] = gone
    assert await one.renew()


async def test_a_removed_lease_is_not_begun_anew_over_segments(store):
    await store.create("segments/0000000001-0000000001", b"")
    with pytest.raises(WanbatchError, match=r"has segments and no lease.json: it was removed") as e:
        await holding(store).take()
    assert "put lease.json back" in e.value.hints[0]


async def test_a_stale_read_does_not_make_a_lease_look_removed(store):
    one = holding(store)
    await one.take()
    await one.release()
    await store.create("segments/0000000001-0000000001", b"")
    store.stale[LEASE] = 1
    await holding(store, "b").take()
    assert lease_of(store).owner == "b"


async def test_a_release_that_was_not_answered_is_read_back(store):
    one = holding(store)
    await one.take()
    store.lost.append(("replace", LEASE))
    assert await one.release()
    assert lease_of(store).released


async def test_a_silent_store_is_not_waited_for_at_the_end(store):
    one = holding(store)
    await one.take()
    store.silent = True
    assert not await one.release()


async def test_a_store_that_does_not_answer_is_given_up_where_nothing_was_begun(store):
    store.silent = True
    with pytest.raises(StoreUnreachable, match=r"the store of the shared ledger does not") as error:
        await holding(store).take()
    assert "wanbatch doctor" in error.value.hints[0]


async def test_what_is_known_to_exist_is_read_until_it_is_shown(store):
    await store.create("a", b"x")
    store.stale["a"] = 3
    assert (await Asking(store).read_existing("a")).data == b"x"


@pytest.mark.parametrize(("fault", "found"), [("lost", b"mine"), ("dropped", b"mine")])
async def test_a_create_is_repeated_and_read_back(store, fault, found):
    getattr(store, fault).append(("create", "a"))
    assert (await Asking(store).create("a", b"mine")).data == found
    assert (await Asking(store).create("a", b"theirs")).data == b"mine"


async def test_what_is_deleted_is_gone(store):
    await store.create("a", b"x")
    await Asking(store).delete("a")
    assert not store.objects
