"""Who brings videos home beside the owner of a shared ledger: no lease, no purchase,
and what was learnt reaches the next owner."""

from __future__ import annotations

import anyio
import pytest
from engine.scripted_api import virtual_time
from ledger.samples import TO_THE_END
from ledger.sharing import START, Store, buy, dying, ports, tell

from wanbatch.ledger.shared.beside import open_beside
from wanbatch.ledger.shared.door import open_shared
from wanbatch.model.lifecycle import Event, EventKind, State
from wanbatch.words.errors import ExitCode, WanbatchError

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend():
    return virtual_time()


@pytest.fixture
def store():
    return Store()


async def bring_home(ledger, attempt_id):
    for kind, facts in TO_THE_END[1:]:
        at = START + anyio.current_time()
        await ledger.append(Event(attempt_id, kind, at, facts))


async def accepted(shared, name, task):
    attempt = await buy(shared, name)
    facts = {**TO_THE_END[0][1], "task_id": task}
    return await tell(shared, attempt, EventKind.ACCEPTED, **facts)


async def test_what_was_brought_home_beside_the_owner_is_known_to_the_next(store, tmp_path):
    async with dying(ports(store, tmp_path / "a")) as owner:
        attempt = await accepted(owner, "one", "task-1")
        await buy(owner, "two")  # so that a segment holds the task of the first
        async with open_beside(ports(store, tmp_path / "b", "b")) as ledger:
            assert ledger.attempt(attempt.attempt_id).state is State.ACCEPTED
            await bring_home(ledger, attempt.attempt_id)
    assert [name for name in store.objects if name.startswith("late/")]
    async with open_shared(ports(store, tmp_path / "c", "c")) as shared:
        assert shared.ledger.attempt(attempt.attempt_id).state is State.STORED
        assert shared.learnt == 1


async def test_a_copy_that_was_written_on_beside_the_owner_is_made_anew(store, tmp_path):
    """The owner learnt the same of the task, in events of its own; and this machine is
    the next owner."""
    async with open_shared(ports(store, tmp_path / "a")) as owner:
        attempt = await accepted(owner, "one", "task-1")
        await buy(owner, "two")
        async with open_beside(ports(store, tmp_path / "b", "b")) as ledger:
            await bring_home(ledger, attempt.attempt_id)
        await bring_home(owner.ledger, attempt.attempt_id)
        await tell(owner, owner.ledger.attempt(2), EventKind.REJECTED, error_code="no")
    async with open_shared(ports(store, tmp_path / "b", "b")) as shared:
        states = [a.state for a in shared.ledger.snapshot.attempts]
        assert states == [State.STORED, State.REJECTED]
        await buy(shared, "three")
    async with open_beside(ports(store, tmp_path / "b", "b")) as ledger:
        assert len(ledger.snapshot.attempts) == 3


async def test_an_open_question_of_another_is_no_answer_here(store, tmp_path):
    """Whoever found nothing in a list may not say that nothing was bought."""
    async with dying(ports(store, tmp_path / "a")) as owner:
        attempt = await buy(owner, "one")
        async with open_beside(ports(store, tmp_path / "b", "b")) as ledger:
            snapshot = ledger.snapshot
            assert snapshot.is_foreign(snapshot.attempts[0])
            at = START + anyio.current_time()
            for kind in (EventKind.UNCERTAIN, EventKind.ABSENT):
                await ledger.append(Event(attempt.attempt_id, kind, at, {"reason": "a guess"}))
    assert not [name for name in store.objects if name.startswith("late/")]
    async with open_shared(ports(store, tmp_path / "c", "c")) as shared:
        assert shared.ledger.attempt(attempt.attempt_id).state is State.INTENT
        assert shared.foreign == 1


async def test_nothing_is_bought_without_the_lease(store, tmp_path):
    async with open_shared(ports(store, tmp_path / "a")):
        pass
    async with open_beside(ports(store, tmp_path / "b", "b")) as ledger:
        assert ledger.permit.lost
        assert ledger.permit.refusal() == ledger.permit.lost
        await ledger.permit.wait()
    assert not [name for name in store.objects if name.startswith("late/")]


async def test_where_nobody_has_shared_there_is_nothing_to_bring_home(store, tmp_path):
    with pytest.raises(WanbatchError, match="nothing was shared yet") as refused:
        async with open_beside(ports(store, tmp_path / "b", "b")):
            pass
    assert refused.value.exit_code is ExitCode.INVALID
    assert not store.objects


async def test_a_broken_segment_is_told_and_the_copy_closed(store, tmp_path):
    async with dying(ports(store, tmp_path / "a")) as owner:
        await buy(owner, "one")
    name = max(name for name in store.objects if name.startswith("segments/"))
    await store.delete(name)
    await store.create(name, b"no segment")
    given = ports(store, tmp_path / "b", "b")
    with pytest.raises(WanbatchError):
        async with open_beside(given):
            pass
    assert not list(given.folder.glob("*-wal")), "the file is closed"
