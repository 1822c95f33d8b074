"""The object store of the simulation, and each machine's line to it.

What it may not do: break what S3 promises of a conditional write.

How it works: ``Shelf`` is the truth. A ``Line`` loses a request, or the answer after
the deed; carries a request out long after it was given up, or twice; is slow; and
shows what was there some seconds ago, which no conditional write ever does. A line ends
where its machine is stopped or dead.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import TYPE_CHECKING, TypeVar

import anyio

from wanbatch.model.objects import StoredObject, StoreSilent
from wanbatch.testing.objects import MemoryObjects

if TYPE_CHECKING:
    from simulation.shared.machine import Process

T = TypeVar("T")
GIVEN_UP_S = 10.0
LATEST_S = 90.0
STALEST_S = 25.0


class Shelf(MemoryObjects):
    """All objects, and what each was at every instant."""

    def __init__(self, now: Callable[[], float]) -> None:
        super().__init__()
        self._now = now
        self._past: dict[str, list[tuple[float, StoredObject | None]]] = {}

    def _write(self, name: str, data: bytes) -> str:
        tag = super()._write(name, data)
        self._past.setdefault(name, []).append((self._now(), self.objects[name]))
        return tag

    def as_of(self, name: str, at: float) -> StoredObject | None:
        found = None
        for when, thing in self._past.get(name, ()):
            if when <= at:
                found = thing
        return found

    def names_as_of(self, prefix: str, after: str, at: float) -> list[str]:
        names = [name for name in sorted(self._past) if name.startswith(prefix) and name > after]
        return [name for name in names if self.as_of(name, at) is not None]


class Line:
    """An ``ObjectStore``, as one process sees it."""

    def __init__(self, process: Process) -> None:
        self._process = process
        self._shelf, self._world = process.world.shelf, process.world

    async def read(self, name: str) -> StoredObject | None:
        stale_s = self._stale_s()
        return await self._call(lambda: self._read(name, stale_s))

    async def _read(self, name: str, stale_s: float) -> StoredObject | None:
        return self._shelf.as_of(name, self._world.now() - stale_s)

    async def names(self, prefix: str, after: str = "") -> Sequence[str]:
        stale_s = self._stale_s()
        return await self._call(lambda: self._names(prefix, after, stale_s))

    async def _names(self, prefix: str, after: str, stale_s: float) -> Sequence[str]:
        return self._shelf.names_as_of(prefix, after, self._world.now() - stale_s)

    async def create(self, name: str, data: bytes) -> str:
        return await self._call(lambda: self._shelf.create(name, data), name)

    async def replace(self, name: str, data: bytes, tag: str) -> str:
        return await self._call(lambda: self._shelf.replace(name, data, tag), name)

    async def delete(self, name: str) -> None:
        return await self._call(lambda: self._shelf.delete(name), name)

    def _stale_s(self) -> float:
        """Only what reads is stale."""
        return self._process.chance.uniform(0.1, STALEST_S) if self._strikes("stale") else 0.0

    def _strikes(self, fault: str) -> bool:
        return self._world.strikes(self._process, "store", fault)

    async def _call(self, deed: Callable[[], Awaitable[T]], what: str = "") -> T:
        process, chance = self._process, self._process.chance
        await process.passes("store")
        latency_s = self._world.scenario.latency_s * chance.uniform(0.3, 1.5)
        if self._strikes("slow"):
            latency_s += chance.uniform(1.0, 20.0)
        await anyio.sleep(latency_s / 2)
        if self._strikes("dropped"):
            await anyio.sleep(GIVEN_UP_S)
            await process.thaw()
            raise StoreSilent("dropped")
        if what and self._strikes("late"):
            self._world.later(chance.uniform(1.0, LATEST_S), deed, f"{process.name} late {what}")
            await anyio.sleep(GIVEN_UP_S)
            await process.thaw()
            raise StoreSilent("late")
        if what and self._strikes("repeated"):
            await self._world.quietly(deed)
        try:
            found = await deed()
        finally:
            if what:
                self._world.wrote(process, what)
        process.dies("store_done")
        await anyio.sleep(latency_s / 2)
        if self._strikes("lost"):
            await anyio.sleep(GIVEN_UP_S)
            await process.thaw()
            raise StoreSilent("lost")
        await process.thaw()
        return found
