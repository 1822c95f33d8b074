"""The thread that owns the ledger's file, and how it tells the event loop that a write
is durable.

What it may not do: judge an event, change a row in memory.

Theory of operation
-------------------
The loop puts tickets on a queue; the thread takes all that wait, writes their entries
in one transaction (group commit: one sync for all of them, so a slow disk makes larger
groups and not a slower run), and only then sends word to the loop, once per group. A
ledger that is locked by somebody else is waited for, without end while the run goes on
and for ``CLOSING_STEPS`` once it is being closed. Any other failure is told to those
who wait and remembered: from then on no new attempt is opened, for no POST may follow a
failed commit. The thread goes on, since the id of a task that was already paid for may
still find its way to the disk.

When nothing has come for ``IDLE_S`` the store rests, and folds its log. So a copy of
the file alone, made while a run waits for its videos, knows what was bought.

An event whose predecessor in the same attempt is missing is not written either:
``_missing`` knows the first number that failed.
"""

from __future__ import annotations

import contextlib
import threading
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from queue import Empty, SimpleQueue
from typing import Protocol

import anyio
from anyio.lowlevel import current_token

from wanbatch.ledger.rows import Happened, Opened, Write
from wanbatch.ledger.sqlite import Busy
from wanbatch.words.errors import ExitCode, WanbatchError

LARGEST_GROUP = 500
"""Writes of one commit. In groups of 100 the disk takes 87,000 a second (measured), so
more would gain little, and let the first of them wait."""
IDLE_S = 2.0
"""After so long without a write the log is folded into the file: long enough not to
sync in the middle of a burst, short enough that a copy of the file alone is seldom
behind."""
CLOSING_STEPS = 20
"""Five seconds of ``BUSY_STEP_S``: who ends a run waits for a locked ledger no
longer."""


class Store(Protocol):
    """Where entries become durable: SQLite, or a model of it in a simulation."""

    def commit(self, batch: Sequence[Write]) -> None: ...
    def rest(self, *, idle: bool = True) -> None: ...
    def close(self) -> None: ...


class Ticket:
    """An entry on its way to the disk. ``failure`` is set, before ``done`` is, where it
    did not get there."""

    __slots__ = ("done", "entry", "failure")

    def __init__(self, entry: Write) -> None:
        self.entry = entry
        self.done = anyio.Event()
        self.failure: Exception | None = None


Release = Callable[[Sequence[Ticket]], None]


class Writer(ABC):
    """Groups tickets, writes each group, remembers the first failure. ``write`` runs in
    one thread only."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.failure: Exception | None = None
        self.closing = False
        self._missing: dict[int, int] = {}

    @abstractmethod
    def start(self, release: Release) -> None:
        """From now on ``release`` hears of every group that was written or failed."""

    @abstractmethod
    def put(self, ticket: Ticket) -> None:
        """Takes a ticket on its way."""

    @abstractmethod
    async def finish(self) -> None:
        """Returns when all that was put is written and the store is closed."""

    def write(self, group: Sequence[Ticket]) -> None:
        """Makes the entries of ``group`` durable, or sets their ``failure``."""
        fit = [ticket for ticket in group if self._fits(ticket)]
        failure = self._commit([ticket.entry for ticket in fit]) if fit else None
        if failure is None:
            return
        self.failure = self.failure or failure
        for ticket in fit:
            ticket.failure = failure
            self._note_missing(ticket.entry)

    def _fits(self, ticket: Ticket) -> bool:
        match ticket.entry:
            case Opened() if self.failure is not None:
                ticket.failure = self.failure
                self._note_missing(ticket.entry)  # nor anything that comes after it
            case Happened(event, _, seq) if event.attempt_id in self._missing:
                missing = self._missing[event.attempt_id]
                if seq == missing:
                    del self._missing[event.attempt_id]
                else:
                    ticket.failure = self.failure
        return ticket.failure is None

    def _note_missing(self, entry: Write) -> None:
        if isinstance(entry, Opened | Happened):
            self._missing.setdefault(entry.row.attempt_id, entry.seq)

    def _commit(self, batch: Sequence[Write]) -> Exception | None:
        steps = 0
        while steps < CLOSING_STEPS:
            try:
                self.store.commit(batch)
            except Busy:
                steps += self.closing
            except Exception as error:  # noqa: BLE001 whatever it was, those who wait must hear that nothing is durable
                return error
            else:
                return None
        return WanbatchError(
            ExitCode.ENVIRONMENT,
            "the ledger was still locked by another program when the run ended",
            "close whatever has it open",
        )


class ThreadWriter(Writer):
    """Writes in a thread of its own, all that waits in one group."""

    def __init__(self, store: Store) -> None:
        super().__init__(store)
        self._queue: SimpleQueue[Ticket | None] = SimpleQueue()
        self._thread = threading.Thread(target=self._work, name="wanbatch ledger", daemon=True)

    def start(self, release: Release) -> None:
        """Starts the thread; from now on ``release`` is called in the present event
        loop with every group that was written or failed."""
        loop = current_token().native_token
        self._call_soon: Callable[..., object] = getattr(
            loop, "call_soon_threadsafe", None
        ) or getattr(loop, "run_sync_soon")  # noqa: B009 asyncio or trio
        self._release = release
        self._closed = anyio.Event()
        self._thread.start()

    def put(self, ticket: Ticket) -> None:
        self._queue.put(ticket)

    async def finish(self) -> None:
        """Returns when all that was put is written and the file is closed."""
        self.closing = True
        self._queue.put(None)
        with anyio.CancelScope(shield=True):
            await self._closed.wait()
        self._thread.join()

    def _work(self) -> None:
        open_ = True
        while open_:
            group, open_ = self._next_group()
            self.write(group)
            idle = self._queue.empty()
            self._tell(self._release, group)
            self.store.rest(idle=idle)
        self.store.close()
        self._tell(self._closed.set)

    def _next_group(self) -> tuple[list[Ticket], bool]:
        group: list[Ticket] = []
        ticket = self._wait()
        while ticket is not None:
            group.append(ticket)
            if len(group) == LARGEST_GROUP:
                return group, True
            try:
                ticket = self._queue.get_nowait()
            except Empty:
                return group, True
        return group, False

    def _wait(self) -> Ticket | None:
        while True:
            try:
                return self._queue.get(timeout=IDLE_S)
            except Empty:
                self.store.rest()

    def _tell(self, callback: Callable[..., object], *args: object) -> None:
        with contextlib.suppress(
            RuntimeError
        ):  # the loop is gone: nobody waits any more, and what is durable stays so
            self._call_soon(callback, *args)
