"""The writer of a shared ledger: on this disk first, and an intent only when its
segment stands.

What it may not do: let an intent go before that, keep an outcome behind the next
intent, fail because the store is silent.

Theory of operation
-------------------
A ticket goes to the local writer. Once it is synced there, it is released at once,
unless a POST may follow it (``is_intent``). All that is synced waits, in the order of
its commits, for the next segment; one segment is on its way at a time, and holds all
that waited. So whatever was recorded before an intent stands in the same segment or in
an earlier one, and a slow store makes larger segments and not a slower run.

Whether a segment stands is known when the store has said so, or when reading back shows
our nonce. Another's segment under that name is a tombstone: the lease is lost for good.
Then intents fail with ``PermitLost``, also those to come; what else happens is recorded
here, and told under ``late/``.

A snapshot needs an instant when segments hold all that is on this disk. When one is due
the gate is closed: tickets wait before the local writer until the segments have caught
up, for ``GATE_S`` at most.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import anyio
import anyio.to_thread
from anyio.abc import TaskGroup

from wanbatch.ledger.merge import read_histories
from wanbatch.ledger.rows import Happened, Note, Opened
from wanbatch.ledger.shared import snapshots
from wanbatch.ledger.shared.asking import Asking
from wanbatch.ledger.shared.copy import Copy, View, count_events, mark_note
from wanbatch.ledger.shared.documents import hash_of
from wanbatch.ledger.shared.entries import is_intent, is_shared, write_line
from wanbatch.ledger.shared.holding import Holding
from wanbatch.ledger.shared.late import Box
from wanbatch.ledger.shared.lease import LOST
from wanbatch.ledger.shared.segments import Position, name_of, read_segment, write_segment
from wanbatch.ledger.writer import Release, Ticket, Writer
from wanbatch.model.permit import PermitLost
from wanbatch.words.errors import ExitCode, WanbatchError

GATE_S = 1.0
"""How long recording may wait for a snapshot: some fifty answers of a usual store."""
SNAPSHOT_AFTER, SNAPSHOT_AT_END = 20_000, 2_000
"""Writes since the last snapshot that make the next one due, in a run and at its end:
so many take half a second to read and fold (measured)."""
LATE_PAUSE_S = 5.0
"""Between two objects under ``late/``: what comes meanwhile goes into one."""
CLOSING_S = 30.0
"""How long the end of a run waits for a silent store."""


@dataclass(frozen=True, slots=True)
class Outlet:
    """What a shared writer has to do with outside: the store, the lease, the copy."""

    asking: Asking
    holding: Holding
    copy: Copy
    box: Box
    nonce: Callable[[], str]
    wall: Callable[[], float]
    since_snapshot: int = 0


class SharedWriter(Writer):
    """``pump`` runs beside it, from before ``start`` until ``finish`` has returned."""

    def __init__(self, local: Writer, outlet: Outlet) -> None:
        self._local, self._outlet = local, outlet
        self.store, self.closing = local.store, False
        self.position, self._covered = outlet.copy.position, outlet.copy.events
        self._waiting: list[Ticket] = []
        self._flight: tuple[list[Ticket], bytes] | None = None
        self._late: set[int] = set()
        self._held: dict[int, int] = {}
        self._unwritten: set[int] = set()
        self._gate: list[Ticket] | None = None
        self._under_way = 0
        self._marked = False
        self._since = outlet.since_snapshot
        self._wake, self._drained = anyio.Event(), anyio.Event()
        self._is_making_snapshot = False

    @property
    def failure(self) -> Exception | None:  # type: ignore[override]
        """The local writer's: the store's silence is none."""
        return self._local.failure

    # -- tickets -----------------------------------------------------------------------

    def start(self, release: Release) -> None:
        self._release = release
        self._local.start(self._synced)

    def put(self, ticket: Ticket) -> None:
        if self._outlet.holding.lost and self._needs_lease(ticket):
            self._refuse([ticket])
        elif self._gate is not None:
            self._gate.append(ticket)
        else:
            self._put(ticket)

    def _needs_lease(self, ticket: Ticket) -> bool:
        """An intent, and what follows one that was refused: nothing of it was
        written."""
        entry = ticket.entry
        if not isinstance(entry, Opened | Happened):
            return False
        if is_intent(entry):
            self._unwritten.add(entry.row.attempt_id)
        return entry.row.attempt_id in self._unwritten

    def _put(self, ticket: Ticket) -> None:
        if not self._marked:
            self._marked = True
            self._local.put(Ticket(mark_note(self.position, self._covered, is_ahead=True)))
        self._under_way += 1
        self._local.put(ticket)

    def _synced(self, group: Sequence[Ticket]) -> None:
        """Called in the loop with what is on this disk, or failed to get there."""
        told = [ticket for ticket in group if is_shared(ticket.entry)]
        self._under_way -= len(told)
        self._waiting += [ticket for ticket in told if ticket.failure is None]
        now = [ticket for ticket in told if not self._holds(ticket)]
        if now:
            self._release(now)
        self._wake.set()

    def _holds(self, ticket: Ticket) -> bool:
        """Whether a ticket waits for its segment: an intent, and what comes behind one
        of the same attempt, so that memory follows in their order."""
        entry = ticket.entry
        if ticket.failure is not None or not isinstance(entry, Opened | Happened):
            return False
        number = entry.row.attempt_id
        if is_intent(entry) or number in self._held:
            self._held[number] = self._held.get(number, 0) + 1
            return True
        return False

    def _let_go(self, tickets: Sequence[Ticket]) -> list[Ticket]:
        """Those of ``tickets`` that were held, in their order."""
        found = []
        for ticket in tickets:
            if not ticket.done.is_set() and isinstance(ticket.entry, Opened | Happened):
                number = ticket.entry.row.attempt_id
                self._held[number] -= 1
                if not self._held[number]:
                    del self._held[number]
                found.append(ticket)
        return found

    def _refuse(self, tickets: Sequence[Ticket]) -> None:
        for ticket in tickets:
            ticket.failure = PermitLost(
                ExitCode.ENVIRONMENT,
                f"{self._outlet.holding.lost}; nothing more is submitted",
                "run the same command again: it waits for the lease, and goes on from what the"
                " other machine has recorded",
            )
        if tickets:
            self._release(tickets)

    # -- the pump ----------------------------------------------------------------------

    async def pump(self, group: TaskGroup) -> None:
        """Sends what waits, for as long as this is not cancelled."""
        try:
            while True:
                if self._outlet.holding.lost and self._flight is None:
                    await self._tell_late()
                elif self._flight or self._waiting:
                    await self._send()
                    await self._snapshot_if_due(group)
                else:
                    await self._rest()
        finally:
            self._drained.set()  # nobody sends any more: there is nothing to wait for

    async def _rest(self) -> None:
        if self.closing and not self._under_way:
            self._drained.set()
        await self._wake.wait()
        self._wake = anyio.Event()

    async def _send(self) -> None:
        """One segment; where this is cancelled, the next call sends the same one."""
        if self._flight is None:
            lines = [write_line(ticket.entry) for ticket in self._waiting]
            nonce, owner = self._outlet.nonce(), self._outlet.box.owner
            self._flight = self._waiting, write_segment(self.position, nonce, owner, lines)
            self._waiting = []
        tickets, data = self._flight
        if await self._stands(data):
            self._covered += count_events(ticket.entry for ticket in tickets)
            self._since += len(tickets)
            self._flight, self._marked = None, False
            held = self._let_go(tickets)
            if held:
                self._release(held)
        else:
            self._waiting = tickets + self._waiting
            self._flight = None

    async def _stands(self, data: bytes, *, closes: bool = False) -> bool:
        """Whether ``data`` is the segment that stands after ``position``; else the
        lease is lost."""
        epoch, number = self.position.next
        name = name_of(epoch, number)
        found = await self._outlet.asking.create(name, data)
        if hash_of(found.data) != hash_of(data):
            self._outlet.holding.lose(LOST + _owner_of(name, found.data))
            return False
        self.position = Position(epoch, number, hash_of(data), closes)
        self._outlet.holding.note_head(epoch, number)
        return True

    async def _tell_late(self) -> None:
        """What no segment will hold: intents fail, all else is told under ``late/``."""
        self._gather_late()
        if not self._late:
            await self._rest()
            return
        if not self.closing:
            with anyio.move_on_after(LATE_PAUSE_S):
                await self._closes()
            self._gather_late()
        told = set(self._late)
        with contextlib.suppress(WanbatchError):  # the next run tells it
            await self._outlet.box.push(read_histories(self._outlet.copy.path, told))
        self._late -= told

    def _gather_late(self) -> None:
        waiting, self._waiting = self._waiting, []
        self._refuse(self._let_go(waiting))
        self._late |= {
            entry.row.attempt_id
            for entry in (ticket.entry for ticket in waiting)
            if isinstance(entry, Opened | Happened)
        }

    async def _closes(self) -> None:
        while not self.closing:
            await self._wake.wait()
            self._wake = anyio.Event()

    # -- snapshots ---------------------------------------------------------------------

    async def _snapshot_if_due(self, group: TaskGroup) -> None:
        if self._since < SNAPSHOT_AFTER or self._is_making_snapshot or self.closing:
            return
        self._gate = []
        try:
            with anyio.move_on_after(GATE_S):
                await self._catch_up()
            if not (self._waiting or self._flight or self._under_way or self._outlet.holding.lost):
                view = View(self._outlet.copy.path, self.position)
                self._since, self._is_making_snapshot = 0, True
                group.start_soon(self._make_snapshot, view)
            else:
                self._since //= 2
        finally:
            gate, self._gate = self._gate, None
            for ticket in gate:
                self._put(ticket)

    async def _catch_up(self) -> None:
        while (self._waiting or self._flight or self._under_way) and not self._outlet.holding.lost:
            if self._waiting or self._flight:
                await self._send()
            else:
                await self._wake.wait()
                self._wake = anyio.Event()

    async def _make_snapshot(self, view: View) -> None:
        note = await self._write_snapshot(view)
        if not self.closing:
            self.put(Ticket(note))
        self._is_making_snapshot = False

    async def _write_snapshot(self, view: View) -> Note:
        """Writes it and names it in the lease; returns what the ledger notes of it."""
        outlet = self._outlet
        name, made_at = snapshots.name_of(view.position), outlet.wall()
        nonce = outlet.nonce()

        def make() -> bytes:
            return snapshots.write_snapshot(view.position, view.image(), nonce, made_at)

        await outlet.asking.create(name, await anyio.to_thread.run_sync(make))
        outlet.holding.note_snapshot(name)
        return Note(f"{snapshots.NOTE}{name}", repr(made_at))

    # -- the end -----------------------------------------------------------------------

    async def finish(self) -> None:
        """Waits for the local disk, and for ``CLOSING_S`` for the store."""
        self.closing = True
        self._wake.set()
        with anyio.CancelScope(shield=True):
            with anyio.move_on_after(CLOSING_S):
                await self._drained.wait()
                if self._since >= SNAPSHOT_AT_END and not self._outlet.holding.lost:
                    note = await self._write_snapshot(View(self._outlet.copy.path, self.position))
                    self._drained = anyio.Event()
                    self._put(Ticket(note))
                    await self._drained.wait()
            self._local.put(Ticket(self._last_mark()))
            await self._local.finish()

    def _last_mark(self) -> Note:
        is_ahead = not self.is_told or bool(self._outlet.holding.lost)
        return mark_note(self.position, self._covered, is_ahead=is_ahead)

    @property
    def is_told(self) -> bool:
        """Whether segments hold all that is on this disk."""
        return not (self._waiting or self._flight or self._late or self._under_way)

    async def seal(self) -> bool:
        """Our own tombstone, after ``finish`` and with no intent open: no POST is in
        flight. Returns whether it stands."""
        if self._outlet.holding.lost or not self.is_told:
            return False
        with anyio.move_on_after(CLOSING_S):
            nonce, owner = self._outlet.nonce(), self._outlet.box.owner
            data = write_segment(self.position, nonce, owner, (), closes=True)
            return await self._stands(data, closes=True)
        return False


def _owner_of(name: str, data: bytes) -> str:
    try:
        return f": {read_segment(name, data).owner}"
    except WanbatchError:
        return ""
