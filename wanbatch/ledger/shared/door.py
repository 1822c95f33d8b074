"""The door to a ledger that several machines share: one owner at a time, by a lease.

What it may not do: buy, decide what may be bought, make an object store, read a clock
of its own.

How it works: ``open_shared`` takes the lease, seals what earlier owners left, brings
the local copy up to date, takes up what others learnt after they had lost the lease,
and gives a ``Ledger`` whose intents are durable once they stand in the store. Beside it
two tasks run: one renews the lease, one writes segments. ``Shared.permit`` is what the
engine asks before a POST. At the end the lease is released, if no intent is open.

Every intent that an earlier epoch left open gets a note (``lifecycle.FOREIGN``): its
owner may be stopped in the middle, and send it when it wakes. So a list that does not
show it proves nothing.
"""

from __future__ import annotations

import tempfile
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import anyio
import anyio.to_thread

from wanbatch.ledger.merge import Book, read_book
from wanbatch.ledger.rows import Note
from wanbatch.ledger.shared import late, snapshots
from wanbatch.ledger.shared.asking import Asking
from wanbatch.ledger.shared.chain import Chain, Sealing, read_on
from wanbatch.ledger.shared.copy import Copy, install
from wanbatch.ledger.shared.holding import Holding, Terms
from wanbatch.ledger.shared.late import Box, Learning
from wanbatch.ledger.shared.lease import LEASE, Lease, read_lease
from wanbatch.ledger.shared.own import is_seen, learn_own, seen_note, tell_own
from wanbatch.ledger.shared.pruning import prune
from wanbatch.ledger.shared.segments import Position, Segment, place_of
from wanbatch.ledger.shared.writer import Outlet, SharedWriter
from wanbatch.ledger.store import Ledger, read_snapshot, snapshot_of
from wanbatch.ledger.writer import Store, ThreadWriter, Writer
from wanbatch.model.lifecycle import FOREIGN, Snapshot, State
from wanbatch.model.objects import ObjectStore
from wanbatch.model.permit import Permit

LEASE_S = 30.0
"""How long nobody may hear of an owner before it counts as gone (contract)."""


@dataclass(frozen=True, slots=True)
class SharedPorts:
    """What a shared ledger has to do with outside of itself.

    ``folder`` is the output folder: the copy ``shared-LEDGERID.db`` lies there; hold
    its ``RunLock``. ``owner`` is shown to people (host and user). ``clock`` reads
    seconds that run during sleep, ``wall`` Unix seconds, which are only shown and
    written into events. ``nonce`` gives text that nobody else will ever give.
    ``patience_s`` is how long a living owner is waited for. ``writer`` is the local
    one.
    """

    objects: ObjectStore
    folder: Path
    owner: str
    clock: Callable[[], float]
    wall: Callable[[], float]
    nonce: Callable[[], str]
    lease_s: float = LEASE_S
    patience_s: float = 0.0
    writer: Callable[[Store], Writer] = ThreadWriter


@dataclass(frozen=True, slots=True)
class Holder:
    """Who has the lease. Whether a holder lives is seen by watching alone. ``since`` is
    when it was last renewed, in Unix seconds by the holder's own clock, for people."""

    ledger_id: str
    owner: str
    epoch: int
    released: bool
    since: float


@dataclass(frozen=True, slots=True)
class Shared:
    """An open shared ledger. ``path`` is the local copy. ``foreign`` counts the open
    intents of others that were found, ``learnt`` the attempts of which others told
    something under ``late/``."""

    ledger: Ledger
    permit: Permit
    path: Path
    epoch: int
    foreign: int
    learnt: int
    _ports: SharedPorts

    async def merge_up(self, local: Path) -> int:
        """Takes up what the ledger of this machine alone knows and the shared one does
        not, before anything is bought; returns how many attempts that were.

        The emulator's attempts stay where they are. Videos are the caller's to bring
        into the store. Raises as ``read_book``, ``LedgerFailed``, ``PermitLost``.
        """
        theirs = await anyio.to_thread.run_sync(read_book, local)
        if is_seen(theirs, self.ledger.snapshot.notes):
            return 0
        learning = await self._learning()
        await self.ledger.take_up(tell_own(theirs, learning))
        # Only now: half of it would never be completed.
        await self.ledger.take_up([seen_note(theirs)])
        return learning.count

    async def learn(self, behind: Sequence[Segment] = ()) -> int:
        """Takes up what others told after they had lost the lease, and segments that
        are no history; returns how many attempts told something new. Nothing else may
        be written meanwhile. Raises as ``merge_up``."""
        asking, notes = Asking(self._ports.objects), self.ledger.snapshot.notes
        names = [n for n in await asking.names(late.FOLDER) if f"{late.READ}{n}" not in notes]
        if not names and not behind:
            return 0
        learning = await self._learning()
        for name in names:
            found = await asking.read_existing(name)
            learning.take_late(late.read_late(name, found.data))
        learning.take_evidence(behind)
        await self.ledger.take_up(learning.writes)
        await self.ledger.take_up([Note(f"{late.READ}{name}", "") for name in names])
        return learning.count

    async def _learning(self) -> Learning:
        snapshot = self.ledger.snapshot
        ours: Book = await anyio.to_thread.run_sync(read_book, self.path)
        words = {one.authorisation_id: one for one in snapshot.authorisations}
        next_id = max(ours.histories, default=0) + 1
        return Learning(ours.of, next_id, words, self._ports.wall())


@asynccontextmanager
async def open_shared(ports: SharedPorts) -> AsyncIterator[Shared]:
    """Takes the lease and opens the ledger; releases it at the end.

    Raises ``LeaseHeld`` (ENVIRONMENT) where another owner lives, ``PermitLost`` where
    the lease is lost again at once, ``WanbatchError`` (ENVIRONMENT) where the store
    does not answer or holds what cannot be read.
    """
    terms = Terms(
        ports.owner, ports.clock, ports.wall, ports.nonce, ports.lease_s, ports.patience_s
    )
    holding = Holding(ports.objects, terms)
    await holding.take()
    async with anyio.create_task_group() as group:
        group.start_soon(holding.keep)
        try:
            opening = _Opening(ports, holding)
            copy = await opening.copy()
            writer = opening.writer(copy)
            group.start_soon(writer.pump, group)
            async with Ledger(copy.store, copy.contents, lambda _: writer, holding) as ledger:
                yield await opening.begin(ledger, copy)
            has_intents = any(a.state is State.INTENT for a in ledger.snapshot.attempts)
            if not has_intents and await writer.seal():
                await holding.release()
        finally:
            group.cancel_scope.cancel()


class _Opening:
    """What is done between taking the lease and the first purchase."""

    def __init__(self, ports: SharedPorts, holding: Holding) -> None:
        self._ports, self._holding = ports, holding
        self._asking = Asking(ports.objects)
        lease = holding.lease
        self._box = Box(self._asking, ports.owner, lease.epoch, ports.nonce)
        self._chain = Chain(Position())
        self._path = ports.folder / f"shared-{lease.ledger_id}.db"

    async def copy(self) -> Copy:
        """The copy, brought up to what all earlier epochs left, which are sealed."""
        lease, ports = self._holding.lease, self._ports
        copy = await follow_snapshot(self._asking, lease, self._path, self._box)
        try:
            head = lease.head_epoch, lease.head_number
            sealing = Sealing(lease.epoch, ports.owner, ports.nonce)
            self._chain = await read_on(self._asking, copy.position, head, sealing)
            copy.follow(self._chain.segments)
        except BaseException:
            copy.close()
            raise
        return copy

    def writer(self, copy: Copy) -> SharedWriter:
        ports = self._ports
        since = sum(len(segment.lines) for segment in self._chain.segments)
        outlet = Outlet(
            Asking(ports.objects, None),
            self._holding,
            copy,
            replace(self._box, asking=Asking(ports.objects, None)),
            ports.nonce,
            ports.wall,
            since,
        )
        return SharedWriter(ports.writer(copy.store), outlet)

    async def begin(self, ledger: Ledger, copy: Copy) -> Shared:
        """Notes whose intents are open, and takes up what others told too late."""
        open_ = [a for a in ledger.snapshot.attempts if a.state is State.INTENT]
        await ledger.take_up([Note(f"{FOREIGN}{a.attempt_id}", repr(a.intent_at)) for a in open_])
        shared = Shared(
            ledger, self._holding, copy.path, self._holding.lease.epoch, len(open_), 0, self._ports
        )
        learnt = await shared.learn(self._chain.behind)
        await prune(self._asking, ledger, self._holding.lease.snapshot, self._ports.wall())
        return replace(shared, learnt=learnt)


async def follow_snapshot(asking: Asking, lease: Lease, path: Path, box: Box | None) -> Copy:
    """The copy at ``path``, made anew where it may hold what no segment does (attempts
    go into ``box`` first), or where the last snapshot is ahead of it."""
    copy = Copy.open(path, lease.ledger_id)
    try:
        place, alone = (copy.position.epoch, copy.position.number), copy.unshared()
        if alone and box is not None:
            await box.push(alone)
        is_behind = place < place_of(lease.snapshot)
        if not (copy.is_ahead or is_behind):
            return copy
    except BaseException:
        copy.close()
        raise
    copy.close()
    image = None
    if lease.snapshot:
        found = await asking.read_existing(lease.snapshot)
        _, image = snapshots.read_snapshot(lease.snapshot, found.data)
    install(path, image)
    return Copy.open(path, lease.ledger_id)


async def read_shared(
    objects: ObjectStore, own: Path | None = None
) -> tuple[Snapshot, Holder | None]:
    """What the store holds, and who has the lease; without a lease, for ``status``: it
    may be a moment behind. What the ledger of this machine alone, ``own``, has for it
    is shown as if it had been taken up. Raises ``WanbatchError`` (ENVIRONMENT) where
    the store does not answer or holds what cannot be read."""
    asking = Asking(objects)
    found = await asking.read(LEASE)
    if found is None:
        return Snapshot() if own is None else read_snapshot(own), None
    lease = read_lease(found.data)
    with tempfile.TemporaryDirectory(prefix="wanbatch-") as folder:
        copy = await follow_snapshot(asking, lease, Path(folder) / "shared.db", None)
        try:
            head = lease.head_epoch, lease.head_number
            copy.follow((await read_on(asking, copy.position, head)).segments)
            told = [] if own is None else learn_own(copy.path, copy.contents, own)
        finally:
            copy.close()
    for entry in told:
        copy.contents.take(entry)
    holder = Holder(lease.ledger_id, lease.owner, lease.epoch, lease.released, lease.since)
    return snapshot_of(copy.contents), holder
