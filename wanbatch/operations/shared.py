"""The ledger that a command reads or writes: its output folder's own, or the one that
the profile shares with other machines.

What it may not do: reach a store (``sharing`` does, and is imported only where a ledger
is shared: nobody else waits for it).

How it works: a profile with a ``ledger`` shares it for what costs money; the emulator's
stays in the folder.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import TYPE_CHECKING

from wanbatch.ledger.store import Ledger, read_snapshot
from wanbatch.model.archive import Archive
from wanbatch.model.lifecycle import Snapshot
from wanbatch.model.objects import ObjectStore
from wanbatch.model.pool import Pool
from wanbatch.model.storage import Storage
from wanbatch.model.wire import Profile
from wanbatch.operations.events import Observer
from wanbatch.operations.options import PlanningOptions

if TYPE_CHECKING:
    from wanbatch.ledger.shared.door import SharedPorts

Ports = Callable[[ObjectStore], "SharedPorts"]
"""Clocks, chance and names of this machine, for a store (``wiring`` makes them)."""


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


def read_ledger(options: PlanningOptions, profile: Profile, observe: Observer) -> Snapshot:
    """All that the ledger holds at this moment. Raises ``WanbatchError``
    (ENVIRONMENT)."""
    storage = shared_ledger(profile)
    if storage is None:
        return read_snapshot(options.ledger)
    from wanbatch.operations.sharing import look_at_shared

    return look_at_shared(storage, options.output, observe)


async def read_now(ledger: Path, profile: Profile) -> Snapshot:
    """All that the ledger holds, without the copy of another time. Raises
    ``WanbatchError`` (ENVIRONMENT)."""
    storage = shared_ledger(profile)
    if storage is None:
        return read_snapshot(ledger)
    from wanbatch.operations.sharing import read_within

    return (await read_within(storage, ledger))[0]


def ledger_opener(
    options: PlanningOptions,
    profile: Profile | None,
    ports: Ports,
    pool: Pool,
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
    from wanbatch.operations.sharing import open_for_fetching, open_under_lease

    opened = open_under_lease if buys else open_for_fetching
    return lambda: opened(storage, options, ports, pool, archive)
