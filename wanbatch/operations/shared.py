"""The ledger that a command reads or writes: its output folder's own, or the one that
the profile shares with other machines.

What it may not do: decide what may be bought; make a nonce or read a clock (``wiring``
brings both); write to a store without its lease.

How it works: a profile with a ``ledger`` shares it for what costs money; the emulator's
stays in the folder. Who only looks reads the store, and where that is silent the copy
of the last time, and says of when it is. Who writes takes the lease; what the folder's
own ledger knows is taken up first.
"""

from __future__ import annotations

import threading
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import TypeVar

import anyio

from wanbatch.ledger.shared.asking import StoreUnreachable
from wanbatch.ledger.shared.door import Holder, Shared, SharedPorts, open_shared, read_shared
from wanbatch.ledger.sqlite import is_missing
from wanbatch.ledger.store import Ledger, read_snapshot
from wanbatch.model.lifecycle import Snapshot
from wanbatch.model.objects import ObjectStore
from wanbatch.model.storage import Storage
from wanbatch.model.wire import Profile
from wanbatch.operations.events import Observer, SharedLedgerRead
from wanbatch.operations.options import PlanningOptions
from wanbatch.stores.bucket import BucketObjects
from wanbatch.words.errors import ExitCode, WanbatchError

T = TypeVar("T")

LOOK_WITHIN_S = 10.0
"""How long a command that only looks waits for a silent store, before it shows what it
knew the last time."""


def shared_ledger(profile: Profile) -> Storage | None:
    """Where the profile's ledger is shared; ``None`` where it is the folder's own."""
    return profile.ledger if profile.realm == "paid" else None


def title_of(options: PlanningOptions, profile: Profile) -> str:
    """The ledger in a sentence for people."""
    shared = shared_ledger(profile)
    return shared.url if shared else str(options.ledger)


# -- looking ---------------------------------------------------------------------------


def read_ledger(options: PlanningOptions, profile: Profile, observe: Observer) -> Snapshot:
    """All that the ledger holds at this moment. Raises ``WanbatchError``
    (ENVIRONMENT)."""
    storage = shared_ledger(profile)
    if storage is None:
        return read_snapshot(options.ledger)
    try:
        snapshot, holder = in_own_loop(lambda: _read(storage))
    except StoreUnreachable as error:
        return _read_copy(options.output, storage, observe, error)
    observe(SharedLedgerRead(storage.url, holder=_describe(holder)))
    return snapshot


async def _read(storage: Storage) -> tuple[Snapshot, Holder | None]:
    with anyio.move_on_after(LOOK_WITHIN_S):
        return await read_shared(BucketObjects(storage))
    raise StoreUnreachable(
        ExitCode.ENVIRONMENT,
        f"the shared ledger {storage.url} does not answer",
        "run the command again once it does; wanbatch doctor says what is wrong with it",
    )


def _describe(holder: Holder | None) -> str:
    if holder is None:
        return "new: nobody has written to it"
    if holder.released:
        return "free"
    return f"held by {holder.owner} (epoch {holder.epoch})"


def _read_copy(output: Path, storage: Storage, observe: Observer, error: WanbatchError) -> Snapshot:
    copies = sorted(output.glob("shared-*.db"), key=_changed_at)
    if not copies:
        raise error
    observe(SharedLedgerRead(storage.url, as_of=_changed_at(copies[-1])))
    return read_snapshot(copies[-1])


def _changed_at(copy: Path) -> float:
    """When a copy last followed the store, in Unix seconds."""
    log = copy.with_name(f"{copy.name}-wal")
    return max(path.stat().st_mtime for path in (copy, log) if path.exists())


def in_own_loop(work: Callable[[], Awaitable[T]]) -> T:
    """What ``work`` gives, in an event loop of its own: of this thread, or beside one
    that a program has running here."""
    try:
        anyio.lowlevel.current_token()
    except RuntimeError:
        return anyio.run(work)
    found: list[T] = []
    failed: list[BaseException] = []

    def run() -> None:
        try:
            found.append(anyio.run(work))
        except BaseException as error:  # noqa: BLE001 - raised again by who waits
            failed.append(error)

    thread = threading.Thread(target=run, name="wanbatch looks", daemon=True)
    thread.start()
    thread.join()
    if failed:
        raise failed[0]
    return found[0]


# -- writing ---------------------------------------------------------------------------

Ports = Callable[[ObjectStore], SharedPorts]
"""Clocks, chance and names of this machine, for a store (``wiring`` makes them)."""


def ledger_opener(
    options: PlanningOptions, profile: Profile | None, ports: Ports
) -> Callable[[], AbstractAsyncContextManager[Ledger]]:
    """How the ledger is opened for writing, with the output folder's lock held."""
    storage = shared_ledger(profile) if profile is not None else None
    if storage is None:
        return lambda: Ledger.open(options.ledger)
    return lambda: _open(storage, options.ledger, ports)


@asynccontextmanager
async def _open(storage: Storage, local: Path, ports: Ports) -> AsyncIterator[Ledger]:
    async with open_shared(ports(BucketObjects(storage))) as shared:
        await _take_up(shared, local)
        yield shared.ledger


async def _take_up(shared: Shared, local: Path) -> None:
    if not is_missing(local):
        await shared.merge_up(local)
