"""A ledger that machines share, as commands use it: looked at, or opened.

What it may not do: decide what may be bought; make a nonce or read a clock (``wiring``
brings both); write to a store without its lease.

How it works: who only looks reads the store, and where that is silent the copy of the
last time, and says of when it is. Who writes takes the lease; what the folder's own
ledger knows is taken up first.
"""

from __future__ import annotations

import threading
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import TypeVar

import anyio
import anyio.lowlevel
import anyio.to_thread

from wanbatch.engine.recovery import recover_interrupted
from wanbatch.engine.runner import RunContext
from wanbatch.ledger.begun import PREFIX
from wanbatch.ledger.shared.asking import StoreUnreachable
from wanbatch.ledger.shared.beside import open_beside
from wanbatch.ledger.shared.door import Holder, Shared, open_shared, read_shared
from wanbatch.ledger.shared.holding import LeaseHeld
from wanbatch.ledger.sqlite import is_missing
from wanbatch.ledger.store import Ledger, read_snapshot
from wanbatch.model.archive import Archive, NotArchived, archived_name, is_archived
from wanbatch.model.lifecycle import (
    Event,
    EventKind,
    Facts,
    Placement,
    Snapshot,
    State,
)
from wanbatch.model.pool import Pool, near
from wanbatch.model.storage import Storage
from wanbatch.operations.events import Observer, SharedLedgerRead
from wanbatch.operations.options import PlanningOptions
from wanbatch.operations.shared import Ports
from wanbatch.stores.bucket import BucketObjects
from wanbatch.videos.outputs import is_intact
from wanbatch.words.errors import ExitCode, WanbatchError

T = TypeVar("T")

LOOK_WITHIN_S = 10.0
"""How long a command that only looks waits for a silent store, before it shows what it
knew the last time."""


def look_at_shared(storage: Storage, output: Path, observe: Observer) -> Snapshot:
    """What the store holds, told with its holder; where it is silent, what this machine
    knew the last time. Raises ``WanbatchError`` (ENVIRONMENT)."""
    try:
        snapshot, holder = in_own_loop(lambda: read_within(storage, output / "ledger.db"))
    except StoreUnreachable as error:
        return _read_copy(output, storage, observe, error)
    observe(SharedLedgerRead(storage.url, holder=_describe(holder)))
    return snapshot


async def read_within(storage: Storage, own: Path) -> tuple[Snapshot, Holder | None]:
    """What the store holds, with what the folder's own ledger has for it, and who has
    the lease. Raises ``StoreUnreachable``."""
    with anyio.move_on_after(LOOK_WITHIN_S):
        return await read_shared(BucketObjects(storage), None if is_missing(own) else own)
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


@asynccontextmanager
async def open_under_lease(
    storage: Storage,
    options: PlanningOptions,
    ports: Ports,
    pool: Pool,
    archive: Archive | None,
) -> AsyncIterator[Ledger]:
    """For who may buy or decide: what the folder's own ledger knows is taken up first,
    and its videos go where all machines have them. Raises as ``open_shared``."""
    made = ports(BucketObjects(storage))
    async with open_shared(made) as shared:
        context = RunContext("share", "", "", "", "", options.output, made.wall, pool)
        if not is_missing(options.ledger):
            await _take_up(shared, options.ledger, context)
        if archive is not None:
            await _bring_videos(shared.ledger, context, archive)
        yield shared.ledger


@asynccontextmanager
async def open_for_fetching(
    storage: Storage,
    options: PlanningOptions,
    ports: Ports,
    pool: Pool,
    archive: Archive | None,
) -> AsyncIterator[Ledger]:
    """Without the lease; but what the folder's own ledger knows is taken up first,
    where nobody else holds it."""
    async with AsyncExitStack() as stack:
        beside = open_beside(ports(BucketObjects(storage)))
        if is_missing(options.ledger):
            yield await stack.enter_async_context(beside)
            return
        owned = open_under_lease(storage, options, ports, pool, archive)
        try:
            ledger = await stack.enter_async_context(owned)
        except LeaseHeld:
            ledger = await stack.enter_async_context(beside)
        yield ledger


async def _take_up(shared: Shared, local: Path, context: RunContext) -> None:
    """What the folder's own ledger knows. Bytes that wait for their name get it first:
    by another ledger's numbers nobody would know whose they are."""
    async with Ledger.open(local) as own:
        await recover_interrupted(context, own)
    await shared.merge_up(local)


async def _bring_videos(ledger: Ledger, context: RunContext, archive: Archive) -> None:
    """Puts the videos that lie in this folder alone where all machines have them."""
    for attempt in ledger.snapshot.attempts:
        if attempt.state is not State.STORED or is_archived(attempt.path):
            continue
        home = Placement(attempt.manifest, attempt.job, attempt.attempt_id, attempt.path, 0)
        if not await context.pool.submit(near(is_intact), context.output, home, attempt):
            continue
        try:
            await archive.keep(attempt.sha256, context.output / attempt.path)
        except (NotArchived, OSError):
            return  # it is here, and the next run tries again
        facts: Facts = {"path": archived_name(attempt.sha256)}
        event = Event(attempt.attempt_id, EventKind.RESTORED, context.wall(), facts)
        await ledger.append(event)


async def keep_shared_mark(
    storage: Storage, output: Path, ports: Ports, digest: str, mark: str
) -> bool:
    """Marks a saved plan as begun by the shared ledger, which is made where there is
    none; whether the mark is new. Raises as ``open_shared``, and ``WanbatchError``
    (ENVIRONMENT) where the store does not show the mark afterwards."""
    name = f"{PREFIX}{digest}"
    async with open_shared(ports(BucketObjects(storage))) as shared:
        is_new = name not in shared.ledger.snapshot.notes
        if is_new:
            await shared.ledger.keep_note(name, mark)
    seen, _ = await read_within(storage, output / "ledger.db")
    if name not in seen.notes:
        raise WanbatchError(
            ExitCode.ENVIRONMENT,
            f"the plan could not be marked as begun in {storage.url}; nothing was sent",
            "run it again once the store answers; wanbatch doctor says what is wrong with it",
        )
    return is_new
