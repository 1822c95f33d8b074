"""Tries whether a store keeps its word: created only if absent, replaced only if
unchanged, read as it was written.

What it may not do: touch an object that it has not made, or leave one where it can be
deleted.

How it works: all under one name that a nonce makes its own. Eight contenders create it
at once; the winner's create is sent again, as something on the way may do; then it is
replaced by its tag, and by the tag that it had before. A store without conditional
writes lets two win, or takes the second create.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from typing import Protocol

import anyio

from wanbatch.model.objects import (
    ObjectChanged,
    ObjectExists,
    ObjectStore,
    StoredObject,
    StoreSilent,
)

CONTENDERS = 8
"""So many meet for one name (contract)."""
FOLDER = "doctor/"


class Writable(Protocol):
    """What holds videos: an object store without ``replace``."""

    async def read(self, name: str) -> StoredObject | None: ...
    async def create(self, name: str, data: bytes) -> str: ...
    async def names(self, prefix: str, after: str = "") -> Sequence[str]: ...
    async def delete(self, name: str) -> None: ...


class Untrue(Exception):
    """The store did not keep its word; the text says how."""


async def try_videos(store: Writable, nonce: str) -> str:
    """Whether ``store`` can hold videos; returns what was seen. ``nonce`` is used for
    nothing else. Raises ``Untrue`` and ``StoreSilent``."""
    name = f"{FOLDER}{nonce}"
    try:
        await _try_creating(store, name)
    finally:
        with suppress(StoreSilent):
            await store.delete(name)
    return f"of {CONTENDERS} contenders one won, a repeated create was refused"


async def try_ledger(store: ObjectStore, nonce: str) -> str:
    """Whether ``store`` can hold a ledger too. Raises as ``try_videos``."""
    name = f"{FOLDER}{nonce}"
    try:
        tag = await _try_creating(store, name)
        await _try_replacing(store, name, tag)
    finally:
        with suppress(StoreSilent):
            await store.delete(name)
    return f"of {CONTENDERS} contenders one won, a repeated create and an old tag were refused"


async def _try_creating(store: Writable, name: str) -> str:
    """Returns the object's tag."""
    won: list[tuple[bytes, str]] = []
    failed: list[StoreSilent] = []

    async def contend(data: bytes) -> None:
        try:
            won.append((data, await store.create(name, data)))
        except ObjectExists:
            return
        except StoreSilent as silent:
            failed.append(silent)

    async with anyio.create_task_group() as tasks:
        for number in range(CONTENDERS):
            tasks.start_soon(contend, f"{name} {number}".encode())
    if not won and failed:
        raise failed[0]
    if len(won) != 1:
        raise Untrue(
            f"of {CONTENDERS} contenders for one new name {len(won)} won: it has no conditional"
            " writes"
        )
    data, tag = won[0]
    await _expect(store, name, data)
    with suppress(ObjectExists):
        await store.create(name, data)
        raise Untrue("it created an object that was there already: it has no conditional writes")
    if list(await store.names(FOLDER)).count(name) != 1:
        raise Untrue("it does not list an object that was written before")
    return tag


async def _try_replacing(store: ObjectStore, name: str, tag: str) -> None:
    if not tag:
        raise Untrue("it gives no tags, so that nothing can be replaced only if unchanged")
    try:
        new = await store.replace(name, b"replaced", tag)
    except ObjectChanged:
        raise Untrue("it does not replace an object by the tag that it gave for it") from None
    await _expect(store, name, b"replaced")
    if new == tag:
        raise Untrue("it gives the same tag for other bytes")
    with suppress(ObjectChanged):
        await store.replace(name, b"replaced by an old tag", tag)
        raise Untrue("it replaced an object by an old tag: it has no conditional writes")


async def _expect(store: Writable, name: str, data: bytes) -> None:
    found = await store.read(name)
    if found is None or found.data != data:
        raise Untrue("it does not give back what was just written")
