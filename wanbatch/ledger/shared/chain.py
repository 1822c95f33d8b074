"""History: the segments one after the other, from a known position to where they end.

What it may not do: write anything but tombstones; believe a read that shows nothing.

How it works: the store is read segment by segment, each held against the hash of the
one before. A *reader* ends where nothing is shown. An *owner* has taken the lease of a
later epoch, and seals: where nothing is shown it creates a tombstone, and if something
stands there after all it reads on and tries again. So it ends only behind a tombstone
of every earlier epoch, and no earlier owner can add to what it read. A stale read makes
it slower and nothing else.

What the lease says stands and is not shown is waited for, and never sealed away: a
tombstone there would hide what was bought.

Many segments are fetched at once where a list names them; the list decides nothing.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from dataclasses import dataclass, field

import anyio

from wanbatch.ledger.shared.asking import Asking, StoreUnreachable
from wanbatch.ledger.shared.documents import damaged
from wanbatch.ledger.shared.segments import (
    FOLDER,
    Position,
    Segment,
    name_of,
    place_of,
    read_segment,
    write_segment,
)

AT_ONCE = 32
"""Segments under way at a time: at 20 ms each that is 1,600 a second (chosen)."""


@dataclass(slots=True)
class Chain:
    """What was read: ``segments`` follow each other and end at ``end``. ``behind`` are
    segments of sealed epochs that are no history: evidence."""

    end: Position
    segments: list[Segment] = field(default_factory=list)
    behind: list[Segment] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Sealing:
    """With what an owner seals all epochs before its own."""

    epoch: int
    owner: str
    nonce: Callable[[], str]


async def read_on(
    asking: Asking, start: Position, head: tuple[int, int], sealing: Sealing | None = None
) -> Chain:
    """History after ``start``; ``head`` is a segment that is known to stand.

    Raises ``StoreUnreachable``, ``SharedDamaged`` where the segments do not follow each
    other or one is missing before ``head``, ``WanbatchError`` for a newer version's.
    """
    listed = await asking.names(FOLDER, after=start.name if start.number else "")
    fetched = await _fetch(asking, [name for name in listed if place_of(name) >= start.next])
    chain = Chain(start)
    while sealing is None or chain.end.next[0] < sealing.epoch:
        segment = fetched.pop(chain.end.next, None) or await _read(asking, chain.end, head, sealing)
        if segment is None:
            break
        if segment.before != chain.end.hash:
            raise damaged(segment.position.name, "it does not follow the segment before it")
        chain.segments.append(segment)
        chain.end = segment.position
    if sealing is not None:
        chain.behind = [s for place, s in sorted(fetched.items()) if place < (sealing.epoch, 0)]
    return chain


async def _fetch(asking: Asking, names: list[str]) -> dict[tuple[int, int], Segment]:
    found: dict[str, bytes] = {}
    limiter = anyio.CapacityLimiter(AT_ONCE)

    async def fetch(name: str) -> None:
        async with limiter:
            with contextlib.suppress(StoreUnreachable):  # who needs it asks once more
                there = await asking.read(name)
                if there is not None:
                    found[name] = there.data

    async with anyio.create_task_group() as group:
        for name in names:
            group.start_soon(fetch, name)
    return {place_of(name): read_segment(name, data) for name, data in found.items()}


async def _read(
    asking: Asking, before: Position, head: tuple[int, int], sealing: Sealing | None
) -> Segment | None:
    """The segment after ``before``: the one that stands, else a tombstone of ours;
    ``None`` where a reader finds nothing."""
    name = name_of(*before.next)
    if before.next <= head:
        return read_segment(name, await _read_missing(asking, name))
    found = await asking.read(name)
    if found is None and sealing is not None:
        data = write_segment(before, sealing.nonce(), sealing.owner, (), closes=True)
        found = await asking.create(name, data)
    return None if found is None else read_segment(name, found.data)


async def _read_missing(asking: Asking, name: str) -> bytes:
    try:
        return (await asking.read_existing(name)).data
    except StoreUnreachable as error:
        raise damaged(name, "it stood, and is not there any more") from error
