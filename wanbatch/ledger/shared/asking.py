"""An object store that is asked again until it answers.

What it may not do: take "exists" for mine or for theirs, or ask again for a deed that
names no nonce.

How it works: what only reads is repeated after ``StoreSilent``. ``create`` is too,
for its bytes hold a nonce of their own: after "exists" the object is read back, and my
nonce means that an earlier try had done it. A read may be stale: what is known to exist
is read until it is there.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import TypeVar

import anyio

from wanbatch.model.objects import ObjectExists, ObjectStore, StoredObject, StoreSilent
from wanbatch.words.errors import ExitCode, WanbatchError

T = TypeVar("T")

FIRST_PAUSE_S, LONGEST_PAUSE_S = 0.2, 5.0
"""Between two tries: doubled each time, so that a store in trouble is not pressed."""
PATIENCE_S = 60.0
"""How long a command waits for a store before it has begun anything."""


class StoreUnreachable(WanbatchError):
    """The store did not answer for as long as was waited for."""


class Asking:
    """``patience_s`` is how long one question is repeated; ``None`` is without end."""

    def __init__(self, objects: ObjectStore, patience_s: float | None = PATIENCE_S) -> None:
        self.objects = objects
        self._patience_s = patience_s

    async def read(self, name: str) -> StoredObject | None:
        return await self._asked(lambda: self.objects.read(name))

    async def read_existing(self, name: str) -> StoredObject:
        """An object that is known to be there, however stale the first answers are."""

        async def look() -> StoredObject:
            found = await self.objects.read(name)
            if found is None:
                raise StoreSilent(f"{name} is not shown yet")
            return found

        return await self._asked(look)

    async def names(self, prefix: str, after: str = "") -> Sequence[str]:
        return await self._asked(lambda: self.objects.names(prefix, after))

    async def delete(self, name: str) -> None:
        await self._asked(lambda: self.objects.delete(name))

    async def create(self, name: str, data: bytes) -> StoredObject:
        """What stands under ``name`` afterwards: our own bytes, or another's."""

        async def make() -> StoredObject | None:
            try:
                return StoredObject(data, await self.objects.create(name, data))
            except ObjectExists:
                return None

        return await self._asked(make) or await self.read_existing(name)

    async def _asked(self, ask: Callable[[], Awaitable[T]]) -> T:
        pause_s, waited_s = FIRST_PAUSE_S, 0.0
        while True:
            try:
                return await ask()
            except StoreSilent as error:
                if self._patience_s is not None and waited_s >= self._patience_s:
                    raise _unreachable(error) from error
            await anyio.sleep(pause_s)
            waited_s += pause_s
            pause_s = min(2 * pause_s, LONGEST_PAUSE_S)


def _unreachable(error: StoreSilent) -> StoreUnreachable:
    return StoreUnreachable(
        ExitCode.ENVIRONMENT,
        f"the store of the shared ledger does not answer: {error}; nothing was sent",
        "run the command again once it does; wanbatch doctor says what is wrong with it",
    )
