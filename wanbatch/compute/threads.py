"""The pool that needs nothing: threads of this process.

What it may not do: hold up the event loop or the end of the process.

How it works: each lane has a crew of its own, so that a decode never stands in the way
of a paid video. Those of ``SOON`` and ``SPARE`` are as many as there are cores; what
waits for the disk has a few more, because a sync holds no core. A thread starts when
there is work and nobody free. ``SPARE`` has the lowest priority that the system gives.
The threads are daemons: files are written whole or not at all, so that whoever leaves
need not wait.
"""

from __future__ import annotations

import contextlib
import os
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from queue import SimpleQueue
from typing import Any, TypeVar

import anyio
from anyio.lowlevel import checkpoint_if_cancelled

from wanbatch.model.pool import Errand, Lane, PoolNews
from wanbatch.words.loops import door_into_loop

T = TypeVar("T")

LOWEST = 19
"""The nice value at which a thread gets what nobody else wants."""
DISK_THREADS = 8
"""As many syncs wait at once as one disk takes at full speed (chosen)."""


def cores() -> int:
    """Those that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0)) or 1
    return os.cpu_count() or 1


class Threads:
    """A ``Pool``. ``most`` is how many threads decode and hash at once."""

    def __init__(self, most: int | None = None) -> None:
        self.width = most or cores()
        self._crews = {
            Lane.NEAR: _Crew(max(self.width, DISK_THREADS), "wanbatch disk"),
            Lane.SOON: _Crew(self.width, "wanbatch works"),
            Lane.SPARE: _Crew(self.width, "wanbatch looks", give_way),
        }

    async def submit(self, errand: Errand[T], *values: Any) -> T:  # noqa: ANN401 - plain
        await checkpoint_if_cancelled()
        done, knock = anyio.Event(), door_into_loop()

        def tell() -> None:
            with contextlib.suppress(RuntimeError):  # the loop is gone: nobody waits
                knock(done.set)

        piece = _Piece(errand, values, tell)
        self._crews[errand.lane].put(piece)
        try:
            with anyio.CancelScope(shield=errand.lane is not Lane.SPARE):
                await done.wait()
        finally:
            piece.is_wanted = False
        return piece.answer()  # type: ignore[no-any-return]

    def work_through(self, errand: Errand[T], values: Sequence[Sequence[Any]]) -> list[T]:
        """What the errand gives for each of ``values``, in their order, for callers
        that may stand in an event loop and wait all the same."""
        ended = threading.Semaphore(0)
        pieces = [_Piece(errand, one, ended.release) for one in values]
        for piece in pieces:
            self._crews[errand.lane].put(piece)
        for _ in pieces:
            ended.acquire()
        return [piece.answer() for piece in pieces]

    def listen(self, tell: Callable[[PoolNews], None]) -> None:
        """Nothing happens to threads."""

    def close(self) -> None:
        for crew in self._crews.values():
            crew.stop()


@dataclass(slots=True)
class _Piece:
    """An errand under way, and what came of it."""

    errand: Errand[Any]
    values: Sequence[Any]
    tell: Callable[[], None]
    is_wanted: bool = True
    _found: Any = None
    _failure: BaseException | None = field(default=None)

    def work(self) -> None:
        try:
            if self.is_wanted:
                self._found = self.errand.read(self.errand.function(*self.values))
        except BaseException as error:  # noqa: BLE001 - raised where it is waited for
            self._failure = error
        self.tell()

    def answer(self) -> Any:  # noqa: ANN401 - the errand's
        if self._failure is not None:
            raise self._failure
        return self._found


class _Crew:
    """Threads that take pieces from one list."""

    def __init__(self, most: int, name: str, begin: Callable[[], None] = lambda: None) -> None:
        self._most, self._name, self._begin = most, name, begin
        self._waiting: SimpleQueue[_Piece | None] = SimpleQueue()
        self._lock = threading.Lock()
        self._threads = self._under_way = 0

    def put(self, piece: _Piece) -> None:
        with self._lock:
            self._waiting.put(piece)
            self._under_way += 1
            if self._under_way <= self._threads or self._threads >= self._most:
                return
            self._threads += 1
        threading.Thread(target=self._work, name=self._name, daemon=True).start()

    def stop(self) -> None:
        with self._lock:
            for _ in range(self._threads):
                self._waiting.put(None)

    def _work(self) -> None:
        self._begin()
        while (piece := self._waiting.get()) is not None:
            piece.work()
            with self._lock:
                self._under_way -= 1


def give_way() -> None:
    """Where a thread has a priority of its own (Linux), this one's is the lowest."""
    if hasattr(os, "setpriority") and os.uname().sysname == "Linux":
        with contextlib.suppress(OSError):
            os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), LOWEST)
