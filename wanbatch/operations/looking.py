"""Looking at videos: beside a run, and before a report.

What it may not do: hold a run up, keep a process alive, or let a video break either.

Theory of operation
-------------------
A decode holds a core for a second. ``Lookers`` are as many threads as there are cores,
of the lowest priority the system gives, and no exit waits for them: files are written
whole or not at all, and what was not looked at is looked at by the next report.

In a run every stored video is offered as it comes; only its place in a list is kept
until a thread is free, which then asks the disk what is missing. Results go through the
ledger's one writer. At the end the run waits for the rest, unless somebody wants to
leave. Before a report, what no run has seen is looked at in the same threads; it is
kept where the run lock can be had at once, for a run that goes on has its own writer.
"""

from __future__ import annotations

import contextlib
import math
import os
import threading
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from queue import SimpleQueue

import anyio

from wanbatch.ledger.lock import RunLock
from wanbatch.ledger.store import Ledger, LedgerFailed
from wanbatch.model.lifecycle import Attempt
from wanbatch.model.looked import Found, Looked, Undecodable, record_look
from wanbatch.model.measures import Level
from wanbatch.operations.loops import door_into_loop
from wanbatch.operations.viewings import Key, Subject, Viewing, Viewings
from wanbatch.videos import looking
from wanbatch.words.errors import WanbatchError

Look = Callable[[Viewing], Found | None]
"""The port: looks at one video. ``None`` where the disk did not allow it: nothing is
known, and it is tried again another time."""

LOWEST = 19
"""The nice value at which a thread gets what nobody else wants."""


def look(viewing: Viewing) -> Found | None:
    """Decodes the video and writes its small files. Raises nothing: what a broken video
    does to a decoder is told as ``Undecodable``."""
    targets = viewing.targets
    try:
        for target in (targets.poster, targets.preview, targets.frames):
            if target is not None:
                target.parent.mkdir(parents=True, exist_ok=True)
        return looking.look_at(viewing.video, viewing.references, targets, viewing.level)
    except looking.Undecodable as error:
        return Undecodable(str(error) or "no picture can be read from it")
    except OSError:
        return None
    except Exception as error:  # noqa: BLE001 - the decoder is not ours, and the run goes on
        return Undecodable(f"{type(error).__name__}: {error}")


class Lookers:
    """Threads that look at subjects. ``tell`` hears of each, in the thread that did it:
    what is new to the ledger, or ``None``."""

    def __init__(
        self,
        viewings: Viewings,
        look: Look,
        tell: Callable[[Looked | None], None],
        most: int | None = None,
    ) -> None:
        self._viewings, self._look, self._tell = viewings, look, tell
        self._most = most or os.cpu_count() or 1
        self._waiting: SimpleQueue[Subject | None] = SimpleQueue()
        self._threads: list[threading.Thread] = []
        self._stopped = False
        self._claimed: set[tuple[str, Key]] = set()
        self._claiming = threading.Lock()

    def put(self, subject: Subject) -> None:
        """Takes a subject into the list. Never waits."""
        self._waiting.put(subject)
        if len(self._threads) < self._most:
            thread = threading.Thread(target=self._work, name="wanbatch looks", daemon=True)
            self._threads.append(thread)
            thread.start()

    def stop(self) -> None:
        """Nothing more is begun; what is being looked at may be left half done."""
        self._stopped = True
        for _ in self._threads:
            self._waiting.put(None)

    def _work(self) -> None:
        _give_way()
        while (subject := self._waiting.get()) is not None and not self._stopped:
            try:
                looked = self._do(subject)
            except Exception:  # noqa: BLE001 - somebody waits for this thread's word
                looked = None
            self._tell(looked)

    def _do(self, subject: Subject) -> Looked | None:
        viewing = self._viewings.needed(subject)
        if viewing is None or not self._claims(subject.manifest, viewing.key):
            return None
        found = self._look(viewing)
        if found is None or viewing.level is Level.NONE:
            return None
        looked = record_look(*viewing.key, viewing.level, found)
        self._viewings.note(looked)
        return looked

    def _claims(self, manifest: str, key: Key) -> bool:
        """Takes of a seed may be the same bytes: one thread looks at them, once."""
        with self._claiming:
            is_first = (manifest, key) not in self._claimed
            self._claimed.add((manifest, key))
        return is_first


def _give_way() -> None:
    """Where a thread has a priority of its own (Linux), this one's is the lowest."""
    if hasattr(os, "setpriority") and os.uname().sysname == "Linux":
        with contextlib.suppress(OSError):
            os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), LOWEST)


# -- beside a run ----------------------------------------------------------------------


class Beside:
    """What a run hands its stored videos to. ``keep`` runs in a task of its own until
    it is cancelled; ``close`` begins nothing more."""

    def __init__(
        self,
        viewings: Viewings,
        look: Look,
        ledger: Ledger,
        count: Callable[[int], None] = lambda _: None,
    ) -> None:
        """``count`` hears how many are under way, whenever that changes."""
        self.viewings = viewings
        self._ledger = ledger
        self._count = count
        self._under_way = 0
        self._idle = anyio.Event()
        self._idle.set()
        self._send, self._receive = anyio.create_memory_object_stream[Looked | None](math.inf)
        self._call_soon = door_into_loop()
        self._lookers = Lookers(viewings, look, self._tell)

    def offer(self, subjects: Iterable[Subject]) -> None:
        """These are to be looked at, when a thread is free."""
        for subject in subjects:
            if not self._under_way:
                self._idle = anyio.Event()
            self._under_way += 1
            self._lookers.put(subject)
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

    def _tell(self, looked: Looked | None) -> None:
        with contextlib.suppress(RuntimeError):  # the loop is gone: nobody waits any more
            self._call_soon(self._hand_over, looked)

    def _hand_over(self, looked: Looked | None) -> None:
        with contextlib.suppress(anyio.ClosedResourceError, anyio.BrokenResourceError):
            self._send.send_nowait(looked)

    async def keep(self) -> None:
        """Puts into the ledger what comes back."""
        with self._receive:
            async for looked in self._receive:
                if looked is not None:
                    with contextlib.suppress(LedgerFailed):  # the run has heard of it, too
                        await self._ledger.keep_look(looked)
                self._under_way -= 1
                self._count(self._under_way)
                if not self._under_way:
                    self._idle.set()

    def close(self) -> None:
        """Leaves what has not come back."""
        self._lookers.stop()
        self._send.close()


# -- before a report -------------------------------------------------------------------


def look_at_rest(viewings: Viewings, subjects: Sequence[Subject], look: Look, ledger: Path) -> None:
    """Looks at all subjects that are not known, and keeps what is new where no run
    holds the lock."""
    results: SimpleQueue[Looked | None] = SimpleQueue()
    lookers = Lookers(viewings, look, results.put)
    missing = [subject for subject in subjects if viewings.needed(subject) is not None]
    try:
        for subject in missing:
            lookers.put(subject)
        new = [results.get() for _ in missing]
    finally:
        lookers.stop()
    kept = [looked for looked in new if looked is not None]
    if kept and ledger.exists():  # what reads a shared one has no file of its own
        with contextlib.suppress(WanbatchError, OSError):  # then the next report looks again
            _keep(ledger, kept)


def _keep(path: Path, looks: Sequence[Looked]) -> None:
    async def write() -> None:
        async with Ledger.open(path) as ledger:
            for looked in looks:
                await ledger.keep_look(looked)

    with RunLock(path.parent, command="report"):
        anyio.run(write)
