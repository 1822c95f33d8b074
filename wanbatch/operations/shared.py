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
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import TypeVar

import anyio
import anyio.lowlevel
import anyio.to_thread

from wanbatch.engine.recovery import recover_interrupted
from wanbatch.engine.runner import RunContext
from wanbatch.ledger.shared.asking import StoreUnreachable
from wanbatch.ledger.shared.beside import open_beside
from wanbatch.ledger.shared.door import Holder, Shared, SharedPorts, open_shared, read_shared
from wanbatch.ledger.shared.holding import LeaseHeld
from wanbatch.ledger.sqlite import is_missing
from wanbatch.ledger.store import Ledger, read_snapshot
from wanbatch.model.archive import Archive, NotArchived, archived_name, is_archived
from wanbatch.model.lifecycle import (
    Attempt,
    Event,
    EventKind,
    Facts,
    Placement,
    Snapshot,
    State,
)
from wanbatch.model.objects import ObjectStore
from wanbatch.model.storage import Storage
from wanbatch.model.wire import Profile
from wanbatch.operations.events import Observer, SharedLedgerRead
from wanbatch.operations.options import PlanningOptions
from wanbatch.stores.bucket import BucketObjects
from wanbatch.videos.outputs import is_intact
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


def ledger_file(options: PlanningOptions, snapshot: Snapshot) -> Path:
    """The file on this machine that ``snapshot`` was read from, or that follows the
    shared ledger it was read from: for what may be lost, such as looks at videos."""
    copy = options.output / f"shared-{snapshot.ledger_id}.db"
    return copy if copy.exists() else options.ledger


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


async def read_now(ledger: Path, profile: Profile) -> Snapshot:
    """All that the ledger holds, without the copy of another time. Raises
    ``WanbatchError`` (ENVIRONMENT)."""
    storage = shared_ledger(profile)
    return read_snapshot(ledger) if storage is None else (await _read(storage))[0]


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
    options: PlanningOptions,
    profile: Profile | None,
    ports: Ports,
    archive: Archive | None = None,
    *,
    buys: bool = True,
) -> Callable[[], AbstractAsyncContextManager[Ledger]]:
    """How the ledger is opened for writing, with the output folder's lock held.
    ``archive`` is where the videos of a shared one live. Who ``buys`` nothing, and
    decides nothing, needs no lease of it."""
    storage = shared_ledger(profile) if profile is not None else None
    if storage is None:
        return lambda: Ledger.open(options.ledger)
    if not buys:
        return lambda: _open_beside(storage, options, ports, archive)
    return lambda: _open(storage, options, ports, archive)


@asynccontextmanager
async def _open(
    storage: Storage, options: PlanningOptions, ports: Ports, archive: Archive | None
) -> AsyncIterator[Ledger]:
    made = ports(BucketObjects(storage))
    async with open_shared(made) as shared:
        await _take_up(shared, options, made.wall)
        if archive is not None:
            await _bring_videos(shared.ledger, options.output, archive, made.wall)
        yield shared.ledger


@asynccontextmanager
async def _open_beside(
    storage: Storage, options: PlanningOptions, ports: Ports, archive: Archive | None
) -> AsyncIterator[Ledger]:
    """Without the lease; but what the folder's own ledger knows is taken up first,
    where nobody else holds it."""
    async with AsyncExitStack() as stack:
        opened = open_beside(ports(BucketObjects(storage)))
        if not is_missing(options.ledger):
            try:
                ledger = await stack.enter_async_context(_open(storage, options, ports, archive))
            except LeaseHeld:
                ledger = await stack.enter_async_context(opened)
        else:
            ledger = await stack.enter_async_context(opened)
        yield ledger


async def _take_up(shared: Shared, options: PlanningOptions, wall: Callable[[], float]) -> None:
    """What the folder's own ledger knows. Bytes that wait for their name get it first:
    by another ledger's numbers nobody would know whose they are."""
    if is_missing(options.ledger):
        return
    async with Ledger.open(options.ledger) as own:
        context = RunContext("share", "", "", "", "", options.output, wall)
        await recover_interrupted(context, own)
    await shared.merge_up(options.ledger)


async def _bring_videos(
    ledger: Ledger, output: Path, archive: Archive, wall: Callable[[], float]
) -> None:
    """Puts the videos that lie in this folder alone where all machines have them."""
    for attempt in ledger.snapshot.attempts:
        is_local = attempt.state is State.STORED and not is_archived(attempt.path)
        if not is_local or not await anyio.to_thread.run_sync(_is_here, output, attempt):
            continue
        try:
            await archive.keep(attempt.sha256, output / attempt.path)
        except (NotArchived, OSError):
            return  # it is here, and the next run tries again
        facts: Facts = {"path": archived_name(attempt.sha256)}
        await ledger.append(Event(attempt.attempt_id, EventKind.RESTORED, wall(), facts))


def _is_here(output: Path, attempt: Attempt) -> bool:
    return is_intact(output, Placement("", "", 0, attempt.path, 0), attempt)
