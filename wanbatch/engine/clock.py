"""What time it is for expiry: the server's clock as far as we have heard it, so that neither a wrong clock here nor a jump of it expires anything.

What it may not do: read a clock by itself (both are given), pace anything (that is monotonic everywhere).

How it works: until a server has told its time, our own wall clock counts. From then on time goes by monotonic seconds from what the server said,
and each further word of it sets the clock right where the two have drifted apart, as they do while a laptop sleeps: then too little time has gone by
here until the server is heard again, which expires late and never early. A ``Date`` has whole seconds and some delay: small differences say nothing.
"""

from __future__ import annotations

from collections.abc import Callable

TOLERANCE_S = 3.0
"""A smaller difference may be the rounding of ``Date`` and the way of the answer."""
HALF_A_SECOND = 0.5
"""A ``Date`` is cut off to whole seconds: on average it is so much later."""


class ServerClock:
    """``wall`` gives Unix seconds by this machine, ``ticks`` monotonic seconds."""

    def __init__(self, wall: Callable[[], float], ticks: Callable[[], float]) -> None:
        self._wall, self._ticks = wall, ticks
        self._offset: float | None = None

    def now(self) -> float:
        """Unix seconds."""
        return self._wall() if self._offset is None else self._ticks() + self._offset

    def hear(self, date: float) -> None:
        """A server has just said that it is ``date``, in Unix seconds."""
        told = date + HALF_A_SECOND
        now = self.now()
        if abs(told - now) <= TOLERANCE_S:
            told = now
        self._offset = told - self._ticks()

    @property
    def ahead_s(self) -> float:
        """By how much this machine's clock is ahead of the server's; 0.0 while no server was heard."""
        return self._wall() - self.now()
