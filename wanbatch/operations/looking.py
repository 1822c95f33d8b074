"""Looking at videos: beside a run, and before a report.

What it may not do: hold a run up, keep a process alive, or let a video break either.

Theory of operation
-------------------
A decode holds a core for a second, so it is an errand for the work pool, in the lane
that takes what nobody else wants. No exit waits for it: files are written whole or not
at all, and what was not looked at is looked at by the next report.

In a run every stored video is offered as it comes; only its place in a list is kept
until the pool has room, and only then the disk is asked what is missing. Results go
through the ledger's one writer. At the end the run waits for the rest, unless somebody
wants to leave. Before a report, what no run has seen is looked at in the same way. It
is kept where the run lock can be had at once: a run that goes on has its own writer.
"""

from __future__ import annotations

import contextlib
import math
from collections.abc import Awaitable, Callable, Iterable, Sequence
from pathlib import Path

import anyio

from wanbatch.ledger.lock import RunLock
from wanbatch.ledger.store import Ledger, LedgerFailed
from wanbatch.model.lifecycle import Attempt
from wanbatch.model.looked import Found, Looked, record_look
from wanbatch.model.measures import Level
from wanbatch.model.pool import Pool, near, where
from wanbatch.operations.viewings import Key, Subject, Viewing, Viewings
from wanbatch.videos.errands import LOOK, Closed, look_values
from wanbatch.words.errors import WanbatchError

Look = Callable[[Pool, Viewing], Awaitable[Found | None]]
"""The port: looks at one video. ``None`` where that gave nothing new: the disk did not
allow it, and it is tried again another time, or a file was brought and nothing
measured."""


async def look(pool: Pool, viewing: Viewing) -> Found | None:
    """Decodes the video and writes its small files. Raises nothing: what a broken video
    does to a decoder is told as ``Undecodable``."""
    video = where(viewing.video, viewing.key[0])
    values = look_values(video, viewing.references, viewing.targets, viewing.level)
    found = await pool.submit(LOOK, *values)
    return None if isinstance(found, Closed) else found


class Lookers:
    """Takes subjects one by one. Takes of a seed may be the same bytes, and are then
    looked at once."""

    def __init__(self, pool: Pool, viewings: Viewings, look: Look) -> None:
        self._pool, self._viewings, self._look = pool, viewings, look
        self._claimed: set[tuple[str, Key]] = set()

    async def take(self, subject: Subject) -> Looked | None:
        """What is new to the ledger, or ``None``. Raises nothing."""
        try:
            return await self._take(subject)
        except Exception:  # noqa: BLE001 - somebody waits for a word of it
            return None

    async def _take(self, subject: Subject) -> Looked | None:
        viewing = await self._pool.submit(near(self._viewings.needed), subject)
        if viewing is None or not self._claims(subject.manifest, viewing.key):
            return None
        found = await self._look(self._pool, viewing)
        if found is None or viewing.level is Level.NONE:
            return None
        looked = record_look(*viewing.key, viewing.level, found)
        self._viewings.note(looked)
        return looked

    def _claims(self, manifest: str, key: Key) -> bool:
        is_first = (manifest, key) not in self._claimed
        self._claimed.add((manifest, key))
        return is_first


# -- beside a run ----------------------------------------------------------------------


class Beside:
    """What a run hands its stored videos to. ``keep`` runs in a task of its own until
    it is cancelled; ``close`` begins nothing more."""

    def __init__(
        self,
        viewings: Viewings,
        pool: Pool,
        look: Look,
        ledger: Ledger,
        count: Callable[[int], None] = lambda _: None,
    ) -> None:
        """``count`` hears how many are under way, whenever that changes."""
        self.viewings = viewings
        self._ledger, self._count, self._width = ledger, count, pool.width
        self._under_way = 0
        self._idle = anyio.Event()
        self._idle.set()
        self._send, self._receive = anyio.create_memory_object_stream[Subject](math.inf)
        self._scope = anyio.CancelScope()
        self._lookers = Lookers(pool, viewings, look)

    def offer(self, subjects: Iterable[Subject]) -> None:
        """These are to be looked at, when the pool has room."""
        for subject in subjects:
            if not self._under_way:
                self._idle = anyio.Event()
            self._under_way += 1
            self._send.send_nowait(subject)
            self._count(self._under_way)

    def take(self, attempt: Attempt) -> None:
        """A video was stored."""
        self.offer(self.viewings.take(attempt))

    @property
    def under_way(self) -> int:
        """How many have been offered and not come back."""
        return self._under_way

    async def wait(self) -> None:
        """Returns when all that was offered has come back, and is in the ledger."""
        await self._idle.wait()

    async def keep(self) -> None:
        """Has everything looked at, and puts into the ledger what comes back."""
        with self._receive, self._scope:
            async with anyio.create_task_group() as group:
                for _ in range(self._width):
                    group.start_soon(self._work)

    async def _work(self) -> None:
        async for subject in self._receive:
            looked = await self._lookers.take(subject)
            if looked is not None:
                with contextlib.suppress(LedgerFailed):  # the run has heard of it, too
                    await self._ledger.keep_look(looked)
            self._under_way -= 1
            self._count(self._under_way)
            if not self._under_way:
                self._idle.set()

    def close(self) -> None:
        """Leaves what has not come back."""
        self._scope.cancel()
        self._send.close()


# -- before a report -------------------------------------------------------------------


async def look_at_rest(
    pool: Pool, viewings: Viewings, subjects: Sequence[Subject], look: Look
) -> list[Looked]:
    """Looks at subjects that are not known; what is new to the ledger."""
    lookers = Lookers(pool, viewings, look)
    waiting = iter(subjects)
    new: list[Looked] = []

    async def work() -> None:
        for subject in waiting:  # one iterator for all: each subject is taken once
            looked = await lookers.take(subject)
            if looked is not None:
                new.append(looked)

    async with anyio.create_task_group() as group:
        for _ in range(pool.width):
            group.start_soon(work)
    return new


def keep_looks(path: Path, looks: Sequence[Looked]) -> None:
    """Puts looks into the ledger, where no run holds the lock; else the next report
    looks again."""

    async def write() -> None:
        async with Ledger.open(path) as ledger:
            for looked in looks:
                await ledger.keep_look(looked)

    with contextlib.suppress(WanbatchError, OSError), RunLock(path.parent, command="report"):
        anyio.run(write)
