"""Broken variants of the shared ledger: each takes one promise away.

What it may not do: break more than one thing in a variant, or break the simulation.

How it works: as in ``simulation.mutants``, with a table of its own.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from unittest.mock import patch

from simulation.hunt import hunt as hunt_for
from simulation.shared import machine
from simulation.shared.world import run_seed
from simulation.variants import Patches, Variants

from wanbatch.engine import reconcile
from wanbatch.ledger.shared import chain, copy, door, holding, late, lease, writer
from wanbatch.ledger.shared.asking import Asking
from wanbatch.ledger.shared.entries import is_intent
from wanbatch.ledger.shared.segments import Position
from wanbatch.model.objects import ObjectExists, StoredObject

VARIANTS = Variants(run_seed, 10)
variant = VARIANTS.variant
CATCHES = Path(__file__).with_name("CATCHES.json")


# -- the lease -------------------------------------------------------------------------


@variant
def no_fencing() -> Patches:
    """Who finds that another has the lease goes on as before."""
    yield patch.object(lease.Tenure, "refusal", lambda self, now: "")
    yield patch.object(holding.Holding, "lose", lambda self, reason: None)

    def found(self: lease.Tenure, there: lease.Lease) -> bool:
        if self.is_mine(there):
            self.stands(there)
            return True
        return False

    yield patch.object(lease.Tenure, "found", found)


@variant
def epoch_is_not_checked_before_the_post() -> Patches:
    """An intent was recorded, and so the POST goes out, however long that took."""
    yield patch.object(holding.Holding, "refusal", lambda self: self.lost)


@variant
def lease_is_renewed_by_the_wall_clock() -> Patches:
    real = machine.Process.shared_ports
    yield patch.object(
        machine.Process, "shared_ports", lambda self: replace(real(self), clock=self.wall)
    )


@variant
def lease_is_renewed_by_a_clock_that_sleeps() -> Patches:
    real = machine.Process.shared_ports
    yield patch.object(
        machine.Process, "shared_ports", lambda self: replace(real(self), clock=self.awake)
    )


@variant
def lease_counts_from_the_answer() -> Patches:
    """A renewal counts from when it was answered, and not from when it was sent."""
    real = holding.Holding._hold

    def hold(self: holding.Holding, there: lease.Lease, tag: str) -> None:
        self._tenure._sent[there.nonce] = self._terms.clock()
        real(self, there, tag)

    yield patch.object(holding.Holding, "_hold", hold)


@variant
def a_living_owner_is_pushed_aside() -> Patches:
    """A lease is dead after a fifth of its length."""
    yield patch.object(
        lease.Watch, "left_s", lambda self, there, now: self._since + there.lease_s / 5 - now
    )


@variant
def lease_is_replaced_without_the_condition() -> Patches:
    real = holding.Holding._swap

    async def swap(self: holding.Holding, there: lease.Lease, tag: str) -> bool:
        try:
            found = await self._objects.read(lease.LEASE)
        except Exception:  # noqa: BLE001
            return False
        return await real(self, there, found.tag if found else tag)

    yield patch.object(holding.Holding, "_swap", swap)


@variant
def lease_is_released_with_an_intent_open() -> Patches:
    yield patch.object(door, "State", SimpleNamespace(INTENT=None))


# -- segments --------------------------------------------------------------------------


@variant
def tombstone_is_left_out() -> Patches:
    """A new owner reads to the end and goes on, without closing what it read."""
    real = chain._read

    async def read(asking: Asking, before: Position, head: Any, sealing: Any) -> Any:
        found = await real(asking, before, head, None)
        return found or await _pretend(before, sealing)

    async def _pretend(before: Position, sealing: Any) -> Any:
        if sealing is None:
            return None
        data = chain.write_segment(before, sealing.nonce(), sealing.owner, (), closes=True)
        return chain.read_segment(chain.name_of(*before.next), data)

    yield patch.object(chain, "_read", read)


@variant
def only_the_last_epoch_is_sealed() -> Patches:
    real = chain._read

    async def read(asking: Asking, before: Position, head: Any, sealing: Any) -> Any:
        if sealing is None or before.next[0] == sealing.epoch - 1:
            return await real(asking, before, head, sealing)
        found = await real(asking, before, head, None)
        if found is None:
            data = chain.write_segment(before, "none", "none", (), closes=True)
            found = chain.read_segment(chain.name_of(*before.next), data)
        return found

    yield patch.object(chain, "_read", read)


@variant
def segments_are_created_without_the_condition() -> Patches:
    async def create(self: Asking, name: str, data: bytes) -> StoredObject:
        async def put() -> StoredObject:
            shelf = self.objects._shelf  # type: ignore[attr-defined]
            line = self.objects

            async def write() -> str:
                return str(shelf._write(name, data))

            return StoredObject(data, await line._call(write, name))  # type: ignore[attr-defined]

        return await self._asked(put)

    yield patch.object(Asking, "create", create)


@variant
def nonce_is_not_read_back() -> Patches:
    """After "exists" a segment counts as ours."""

    async def create(self: Asking, name: str, data: bytes) -> StoredObject:
        async def make() -> StoredObject:
            try:
                return StoredObject(data, await self.objects.create(name, data))
            except ObjectExists:
                return StoredObject(data, "")

        return await self._asked(make)

    yield patch.object(Asking, "create", create)


@variant
def exists_means_anothers() -> Patches:
    """After "exists" the lease counts as lost, whoever wrote the segment."""
    real = writer.SharedWriter._stands

    async def stands(self: Any, data: bytes, *, closes: bool = False) -> bool:
        name = writer.name_of(*self.position.next)
        objects = self._outlet.asking.objects
        while True:
            try:
                await objects.create(name, data)
            except ObjectExists:
                self._outlet.holding.lose("another's")
                return False
            except Exception:  # noqa: BLE001
                continue
            return bool(await real(self, data, closes=closes))

    yield patch.object(writer.SharedWriter, "_stands", stands)


@variant
def intent_is_released_before_its_segment_stands() -> Patches:
    yield patch.object(writer, "is_intent", lambda entry: False)


@variant
def outcomes_come_after_the_next_intent() -> Patches:
    """Intents go first, what else happened waits for a segment of its own."""
    real = writer.SharedWriter._send

    async def send(self: Any) -> None:
        if self._flight is None:
            intents = [t for t in self._waiting if is_intent(t.entry)]
            others = [t for t in self._waiting if not is_intent(t.entry)]
            if not intents:
                await writer.anyio.sleep(20.0)
            if intents and others:
                self._waiting = intents
                await real(self)
                self._waiting = others + self._waiting
                return
        await real(self)

    yield patch.object(writer.SharedWriter, "_send", send)


@variant
def an_answer_that_is_late_is_given_up() -> Patches:
    """A segment whose answer does not come is written once more, under the next
    number."""

    async def stands(self: Any, data: bytes, *, closes: bool = False) -> bool:
        epoch, number = self.position.next
        objects, nonce = self._outlet.asking.objects, self._outlet.nonce
        lines = [writer.write_line(t.entry) for t in self._flight[0]] if self._flight else []
        while True:
            name = writer.name_of(epoch, number)
            try:
                await objects.create(name, data)
            except ObjectExists:
                self._outlet.holding.lose("another's")
                return False
            except Exception:  # noqa: BLE001
                before = replace(self.position, number=number, closed=False, epoch=epoch)
                number += 1
                data = writer.write_segment(before, nonce(), "x", lines, closes=closes)
                continue
            self.position = Position(epoch, number, writer.hash_of(data), closes)
            return True

    yield patch.object(writer.SharedWriter, "_stands", stands)


# -- taking over -----------------------------------------------------------------------


@variant
def absence_is_concluded_for_others() -> Patches:
    """A list that does not show another machine's intent proves it absent."""
    yield patch.object(reconcile, "_not_for_foreign", lambda verdict, *_: verdict)


@variant
def open_intents_of_others_go_back_to_planned() -> Patches:
    from wanbatch.engine import recovery
    from wanbatch.model.lifecycle import Event, EventKind, State
    from wanbatch.operations import run

    async def recover(context: Any, ledger: Any) -> None:
        for attempt in recovery._in_state(ledger, State.INTENT):
            facts: Any = {"reason": "it is gone"}
            await ledger.append(
                Event(attempt.attempt_id, EventKind.NOT_ACCEPTED, context.wall(), facts)
            )

    yield patch.object(run, "recover_interrupted", recover)


@variant
def what_is_late_is_not_told() -> Patches:
    """Neither by who lost the lease nor by who opens its copy anew."""

    async def push(self: Any, histories: Sequence[Any]) -> None:
        return

    yield patch.object(late.Box, "push", push)


@variant
def a_copy_is_used_with_what_no_segment_holds() -> Patches:
    """It is neither told of nor made anew."""

    def opened(self: copy.Copy, *args: Any) -> None:
        real(self, *args)
        self.is_ahead = False

    real = copy.Copy.__init__
    yield patch.object(copy.Copy, "__init__", opened)
    yield patch.object(copy.Copy, "unshared", lambda self: [])


@variant
def a_snapshot_holds_what_no_segment_holds() -> Patches:
    """It is taken without waiting for the segments."""

    async def catch_up(self: Any) -> None:
        return

    real = writer.SharedWriter._snapshot_if_due

    async def due(self: Any, group: Any) -> None:
        if self._since >= writer.SNAPSHOT_AFTER and not self._is_making_snapshot:
            view = writer.View(self._outlet.copy.path, self.position)
            self._since, self._is_making_snapshot = 0, True
            group.start_soon(self._make_snapshot, view)
            return
        await real(self, group)

    yield patch.object(writer.SharedWriter, "_catch_up", catch_up)
    yield patch.object(writer.SharedWriter, "_snapshot_if_due", due)


@variant
def who_lost_the_lease_records_new_intents() -> Patches:
    """They are durable on its own disk."""

    def refuse(self: Any, tickets: Any) -> None:
        if tickets:
            self._release(tickets)

    yield patch.object(writer.SharedWriter, "_refuse", refuse)
    yield patch.object(holding.Holding, "refusal", lambda self: "")


def catch(name: str) -> list[tuple[int, str]]:
    return VARIANTS.catch(name)


def hunt(workers: int, names: list[str]) -> int:
    return hunt_for(catch, VARIANTS, CATCHES, workers, names)
