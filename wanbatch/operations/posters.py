"""The posters of videos that live in a store: which of them are there too, and those
put there that lie here alone.

What it may not do: hold anything up for a store that is silent, or fail for a poster.

How it works: whoever looks at a video puts its poster there (``at_hand``); this is for
those that were made before, or when the store was away. What is there is asked by short
lists, one for each of the folders that the videos at hand lie in; the first list that
is not answered ends the asking.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Sequence
from contextlib import closing
from pathlib import Path
from typing import TypeVar

import anyio

from wanbatch.compute.threads import Threads
from wanbatch.model.archive import NotArchived, archived_sha256
from wanbatch.model.pool import Pool, near
from wanbatch.operations.at_hand import RunArchive, keep_poster
from wanbatch.operations.viewings import Subject
from wanbatch.report.write import poster_name

T = TypeVar("T")

AT_ONCE = 4
"""Requests at once: videos that are being published need threads of the disk, too."""
MOST_S = 30.0
"""So long a run's end or a report is busy with old posters; the next one goes on
(chosen)."""


async def learn_posters(pool: Pool, archive: RunArchive, hashes: Iterable[str]) -> bool:
    """Asks the store for the posters of the videos with these SHA-256; whether it
    answered. Asks nothing where there are none."""
    silent: list[str] = []

    async def ask(start: str) -> None:
        if not silent and not await pool.submit(near(_learn), start, archive):
            silent.append(start)

    await _each(sorted({sha256[:2] for sha256 in hashes}), ask)
    return not silent


async def put_posters(
    pool: Pool,
    archive: RunArchive,
    output: Path,
    subjects: Iterable[Subject],
    within_s: float = MOST_S,
) -> None:
    """Puts what the store is not known to have, as many as ``within_s`` allows."""
    lacking = [
        (sha256, output / one.manifest / poster_name(sha256))
        for one in subjects
        if (sha256 := archived_sha256(one.path)) and not archive.posters.has(sha256)
    ]
    with anyio.move_on_after(within_s):
        await _each(lacking, lambda one: pool.submit(near(keep_poster), *one, archive))


def ask_for_posters(archive: RunArchive, subjects: Iterable[Subject]) -> bool:
    """As ``learn_posters``, for whoever has no loop; false also where no video lives in
    the store, and nothing was asked."""
    hashes = [found for one in subjects if (found := archived_sha256(one.path))]
    if not hashes:
        return False
    with closing(Threads()) as pool:
        return anyio.run(learn_posters, pool, archive, hashes)


def hand_in_posters(
    archive: RunArchive, output: Path, subjects: Sequence[Subject], within_s: float = MOST_S
) -> None:
    """As ``put_posters``, for whoever has no loop."""
    with closing(Threads()) as pool:
        anyio.run(put_posters, pool, archive, output, subjects, within_s)


async def _each(values: Sequence[T], work: Callable[[T], Awaitable[object]]) -> None:
    """Works on all, a few at a time."""
    waiting = iter(values)

    async def go_on() -> None:
        for value in waiting:  # one iterator for all: each value is taken once
            await work(value)

    async with anyio.create_task_group() as group:
        for _ in range(min(AT_ONCE, len(values))):
            group.start_soon(go_on)


def _learn(start: str, archive: RunArchive) -> bool:
    """Whether it answered."""
    try:
        archive.posters.learn(start)
    except NotArchived:
        return False
    return True
