"""A display in a thread of its own: what all displays share.

What it may not do: hold the run up. Whoever tells it an event only puts it into a
queue: a terminal that is stopped (Ctrl-S), slow, or gone costs lines and nothing else.

How it works: the thread takes events from the queue, in order, to the board and to
``happened``, and calls ``pass_time`` in between. ``__exit__`` waits until all is shown,
but not for longer than ``PATIENCE_S``.
"""

from __future__ import annotations

import contextlib
import threading
import time
from abc import ABC, abstractmethod
from queue import Empty, SimpleQueue
from types import TracebackType

from wanbatch.cli.progress.board import Board
from wanbatch.operations.events import Event

HUNG_UP = (OSError, ValueError, SystemExit)
"""What a write to a terminal that is gone may raise; rich makes ``SystemExit`` of a
broken pipe. No run ends for that."""
PATIENCE_S = 3.0
"""So long a display may take to show the last of a run: a terminal that takes nothing
for seconds is stopped or gone (chosen)."""


class Display(ABC):
    """``every_s`` is how often time is told to pass."""

    def __init__(self, board: Board, every_s: float) -> None:
        self.board = board
        self._every_s = every_s
        self._told: SimpleQueue[tuple[Event | str, float] | None] = SimpleQueue()
        self._thread = threading.Thread(target=self._watch, name="wanbatch shows", daemon=True)

    def __enter__(self) -> Display:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._told.put(None)
        self._thread.join(PATIENCE_S)

    def show(self, event: Event) -> None:
        """Takes an event to be shown. Never waits."""
        self._told.put((event, time.time()))

    def note(self, text: str) -> None:
        """Takes a sentence to be said in between. Never waits."""
        self._told.put((text, time.time()))

    # -- in the thread -----------------------------------------------------------------

    def _watch(self) -> None:
        with contextlib.suppress(*HUNG_UP):
            self.begin()
            try:
                self._take_all()
            finally:
                self.end()

    def _take_all(self) -> None:
        due = time.monotonic() + self._every_s
        while True:
            try:
                told = self._told.get(timeout=max(0.0, due - time.monotonic()))
            except Empty:
                self.pass_time(time.time())
                due = time.monotonic() + self._every_s
                continue
            if told is None:
                return
            self._take(*told)
            if time.monotonic() >= due:  # events that never end are no reason to stand still
                self.pass_time(time.time())
                due = time.monotonic() + self._every_s

    def _take(self, told: Event | str, at: float) -> None:
        if isinstance(told, str):
            self.say(told)
        else:
            self.board.take(told, at)
            self.happened(told, at)

    @abstractmethod
    def begin(self) -> None:
        """Before the first event."""

    @abstractmethod
    def end(self) -> None:
        """After the last one."""

    @abstractmethod
    def say(self, text: str) -> None:
        """Says a sentence in between."""

    @abstractmethod
    def happened(self, event: Event, at: float) -> None:
        """Shows an event that the board has taken."""

    @abstractmethod
    def pass_time(self, now: float) -> None:
        """Shows that time has passed."""
