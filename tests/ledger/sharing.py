"""What the tests of a shared ledger share: a store that can be told to fail, and
machines in virtual time.

What it may not do: decide anything about a ledger.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from itertools import count
from pathlib import Path
from typing import Any, cast

import anyio
import anyio.lowlevel
from builders import opening

from wanbatch.ledger.shared.door import Shared, SharedPorts, open_shared
from wanbatch.model.lifecycle import Attempt, Event, EventKind, Facts
from wanbatch.model.objects import StoredObject, StoreSilent
from wanbatch.testing.ledger import InlineWriter
from wanbatch.testing.objects import MemoryObjects

START = 1_800_000_000.0
_nonces = count(1)


class Store(MemoryObjects):
    """``lost`` are deeds that are done and not answered, ``dropped`` that are not done,
    as (method, beginning of the name); each strikes once, or while ``silent``. ``on``
    is called before each deed; ``stale`` are names that reads do not show, so many
    times."""

    def __init__(self) -> None:
        super().__init__()
        self.lost: list[tuple[str, str]] = []
        self.dropped: list[tuple[str, str]] = []
        self.silent = False
        self.stale: dict[str, int] = {}
        self.on: Callable[[str, str], None] = lambda _method, _name: None
        self.deeds: list[tuple[str, str]] = []

    def _strikes(self, faults: list[tuple[str, str]], method: str, name: str) -> bool:
        found = next((f for f in faults if f[0] == method and name.startswith(f[1])), None)
        if found:
            faults.remove(found)
        return found is not None

    async def _before(self, method: str, name: str) -> None:
        await anyio.sleep(0.02)
        self.deeds.append((method, name))
        self.on(method, name)
        if self.silent or self._strikes(self.dropped, method, name):
            raise StoreSilent("no answer")

    def _after(self, method: str, name: str) -> None:
        if self._strikes(self.lost, method, name):
            raise StoreSilent("the answer was lost")

    async def read(self, name: str) -> StoredObject | None:
        await self._before("read", name)
        if self.stale.get(name, 0) > 0:
            self.stale[name] -= 1
            return None
        return await super().read(name)

    async def create(self, name: str, data: bytes) -> str:
        await self._before("create", name)
        tag = await super().create(name, data)
        self._after("create", name)
        return tag

    async def replace(self, name: str, data: bytes, tag: str) -> str:
        await self._before("replace", name)
        tag = await super().replace(name, data, tag)
        self._after("replace", name)
        return tag

    async def names(self, prefix: str, after: str = "") -> Sequence[str]:
        await self._before("names", prefix)
        return await super().names(prefix, after)

    async def delete(self, name: str) -> None:
        await self._before("delete", name)
        await super().delete(name)


def nonce() -> str:
    return f"nonce-{next(_nonces)}"


def ports(store: MemoryObjects, folder: Path, owner: str = "a", **changes: Any) -> SharedPorts:
    folder.mkdir(exist_ok=True)
    given: dict[str, Any] = {
        "objects": store,
        "folder": folder,
        "owner": owner,
        "clock": anyio.current_time,
        "wall": lambda: START + anyio.current_time(),
        "nonce": nonce,
        "writer": InlineWriter,
    }
    return SharedPorts(**(given | changes))


@asynccontextmanager
async def dying(given: SharedPorts) -> AsyncIterator[Shared]:
    """A process that is killed at the end of the block: it releases nothing, and what
    it is about to write stays unwritten."""
    store = given.objects
    assert isinstance(store, Store)
    with anyio.CancelScope() as scope:
        async with open_shared(given) as shared:
            yield shared
            store.silent = True
            scope.cancel()
            await anyio.lowlevel.checkpoint()
    store.silent = False


async def buy(shared: Shared, name: str = "one", **changes: Any) -> Attempt:
    at = START + anyio.current_time()
    given = {"fingerprint": f"wb2:{name}", "job": name, "run_id": f"run-{nonce()}", "at": at}
    return await shared.ledger.open_attempt(opening(**(given | changes)))


async def tell(shared: Shared, attempt: Attempt, kind: EventKind, **facts: Any) -> Attempt:
    told = cast("Facts", facts)
    at = START + anyio.current_time()
    return await shared.ledger.append(Event(attempt.attempt_id, kind, at, told))
