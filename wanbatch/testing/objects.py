"""An object store in memory.

What it may not do: fail, wait, or forget; whoever wants that wraps it.

How it works: a tag is the number of the write, so equal bytes have different tags.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import count

from wanbatch.model.objects import ObjectChanged, ObjectExists, StoredObject


class MemoryObjects:
    """An ``ObjectStore``."""

    def __init__(self) -> None:
        self.objects: dict[str, StoredObject] = {}
        self._numbers = count(1)

    async def read(self, name: str) -> StoredObject | None:
        return self.objects.get(name)

    async def create(self, name: str, data: bytes) -> str:
        if name in self.objects:
            raise ObjectExists(name)
        return self._write(name, data)

    async def replace(self, name: str, data: bytes, tag: str) -> str:
        there = self.objects.get(name)
        if there is None or there.tag != tag:
            raise ObjectChanged(name)
        return self._write(name, data)

    async def names(self, prefix: str, after: str = "") -> Sequence[str]:
        return sorted(name for name in self.objects if name.startswith(prefix) and name > after)

    async def delete(self, name: str) -> None:
        self.objects.pop(name, None)

    def _write(self, name: str, data: bytes) -> str:
        tag = f'"{next(self._numbers)}"'
        self.objects[name] = StoredObject(data, tag)
        return tag
