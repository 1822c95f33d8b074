"""The door to a ledger that several machines share: one owner at a time, by a lease.

What it may not do: buy, decide what may be bought, make an object store, read a clock
of its own.

How it works: ``open_shared`` takes the lease, seals what earlier owners left, brings
the local copy up to date, takes up what others learnt after they had lost the lease,
and gives a ``Ledger`` whose intents are durable once they stand in the store. Beside it
two tasks run: one renews the lease, one writes segments. ``Shared.permit`` is what the
engine asks before a POST. At the end the lease is released, if no intent is open.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from wanbatch.ledger.store import Ledger
from wanbatch.ledger.writer import Store, ThreadWriter, Writer
from wanbatch.model.lifecycle import Snapshot
from wanbatch.model.objects import ObjectStore
from wanbatch.model.permit import Permit

LEASE_S = 30.0


@dataclass(frozen=True, slots=True)
class SharedPorts:
    """What a shared ledger has to do with outside of itself.

    ``folder`` is the output folder: the copy ``shared-LEDGERID.db`` lies there; hold
    its ``RunLock``. ``owner`` is shown to people (host and user). ``clock`` reads
    seconds that run during sleep, ``wall`` Unix seconds, which are only shown and
    written into events. ``nonce`` gives text that nobody else will ever give.
    ``patience_s`` is how long a living owner is waited for.
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
    """Who has the lease. ``renewals`` are not told: whether a holder lives is seen by
    watching. ``since`` is Unix seconds by the holder's own clock, for people."""

    owner: str
    epoch: int
    released: bool
    since: float


@dataclass(frozen=True, slots=True)
class Shared:
    """An open shared ledger. ``learnt`` counts attempts that were taken up from
    others' ``late/``."""

    ledger: Ledger
    permit: Permit
    ledger_id: str
    epoch: int
    learnt: int = 0

    async def merge_up(self, local: Path) -> int:
        """Takes up what the local ``ledger.db`` knows and the shared ledger does not,
        before anything is bought; returns how many attempts that were."""
        raise NotImplementedError


@asynccontextmanager
async def open_shared(ports: SharedPorts) -> AsyncIterator[Shared]:
    """Takes the lease and opens the ledger; releases it at the end.

    Raises ``LeaseHeld`` (ENVIRONMENT) where another owner lives, ``WanbatchError``
    (ENVIRONMENT) where the store does not answer or holds what cannot be read.
    """
    raise NotImplementedError
    yield


async def read_shared(objects: ObjectStore) -> tuple[Snapshot, Holder | None]:
    """What the store holds, and who has the lease; without a lease, for ``status``.
    Raises as ``open_shared``."""
    raise NotImplementedError
