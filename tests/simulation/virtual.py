"""Virtual time: an event loop that jumps to its next timer instead of sleeping, and the
clocks that hang on it.

What it may not do: read a real clock, start a thread.

How it works: asyncio asks its selector to wait; this selector waits for nothing, and
moves ``Clock.now`` on by as much as it was told to wait. A loop that would wait without
any timer has come to a stand: ``Deadlock``. ``each_step`` is called before every step
of the loop, so that a process can die between any two steps.

Four times: ``now`` is monotonic and stands while the machine sleeps; ``ticks`` does
not; ``true`` is what the world's clocks show; ``wall`` is what this machine's clock
shows, which may be wrong. A machine that drifts is wrong in all of its own.
"""

from __future__ import annotations

import asyncio
import selectors
from collections.abc import Callable, Coroutine
from typing import Any

import anyio

EPOCH = 1_800_000_000.0


class Deadlock(Exception):
    """Every task waits for something, and nothing will ever come."""


class Clock:
    """One machine's time. ``asleep`` is how long it was suspended in all, ``wrong`` how
    far its wall clock was set off, in seconds; ``drift`` by what share all of its
    clocks are slow."""

    def __init__(self, drift: float = 0.0) -> None:
        self.now = 0.0
        self.asleep = 0.0
        self.wrong = 0.0
        # How wrong it ever was.
        self.errors = {0.0}
        self._drift = drift

    def true(self) -> float:
        """The world's time: Unix seconds."""
        return EPOCH + (self.now + self.asleep) * (1.0 + self._drift)

    def ticks(self) -> float:
        """This machine's seconds, those that it slept included."""
        return self.now + self.asleep

    def wall(self) -> float:
        """What this machine believes to be Unix seconds."""
        return EPOCH + self.ticks() + self.wrong

    def set_right(self) -> None:
        """Somebody sets the wall clock by the world's."""
        self.wrong = self.true() - EPOCH - self.ticks()

    def jump(self, by_s: float) -> None:
        """Somebody sets the wall clock to another time."""
        self.wrong += by_s
        self.errors.add(self.wrong)

    @property
    def most_wrong_s(self) -> float:
        """By how much this machine may think that more time has passed than did."""
        return max(self.errors) - min(self.errors)


class _Selector(selectors.SelectSelector):
    def __init__(self, clock: Clock) -> None:
        super().__init__()
        self._clock = clock

    def select(self, timeout: float | None = None) -> list[Any]:
        if timeout is None:
            raise Deadlock
        self._clock.now += max(0.0, timeout)
        return []


class VirtualLoop(asyncio.SelectorEventLoop):
    def __init__(self, clock: Clock, each_step: Callable[[], None]) -> None:
        self._virtual = clock
        self._each_step = each_step
        super().__init__(_Selector(clock))
        self._clock_resolution = 1e-6
        self.set_exception_handler(lambda _loop, _context: None)

    def time(self) -> float:
        return self._virtual.now

    def _run_once(self) -> None:
        self._each_step()
        super()._run_once()  # type: ignore[misc]


def run_virtually(
    main: Callable[[], Coroutine[Any, Any, None]], clock: Clock, each_step: Callable[[], None]
) -> None:
    """Runs ``main`` to its end in virtual time. Raises what it raises, and
    ``Deadlock``."""
    anyio.run(
        main,
        backend="asyncio",
        backend_options={"loop_factory": lambda: VirtualLoop(clock, each_step)},
    )
