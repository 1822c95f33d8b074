"""What time it is for deadlines: our own clock since the process began, and what
servers said.

What it may not do: read a clock by itself (both are given), pace anything (that is
monotonic everywhere), or take one server's word for the time.

How it works
------------
``now`` is the wall clock as it stood when this object was made, moved on by ``ticks``:
a clock that runs during sleep and that nobody sets. So no jump of the wall clock
changes how long anything took, and all instants that one process records fit together.

A server tells its time in ``Date``. One answer proves nothing: a node may be wrong, a
cache may be old. A ``Date`` is *believed* only when two answers some seconds apart
agree, and it has moved between them: a clock that stands still tells no time.

How old a task is (``age_s``): one that was accepted by this very process is as old as
``ticks`` says. For one of an earlier process the smaller counts of what our clock says
and what the server's did, then and now. So a wrong clock lets a task expire late, and
never early. A failure proves something only of a young task: there the larger counts
(``most_age_s``), so that no wrong clock makes a forgotten task a free failure.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable

TOLERANCE_S = 3.0
"""Two ``Date``s closer than this agree: whole seconds, and the way of the answer."""
APART_S = 2.0
"""Answers of one moment come from one node's one mistake; these two must lie further
apart."""
HALF_A_SECOND = 0.5
"""A ``Date`` is cut off to whole seconds: on average it is so much later."""
JUMP_S = 60.0
"""A wall clock that moves further than this against ``ticks`` was set (contract)."""
SILENT_S = 900.0
"""A server that was not heard for so long may be at another time than our clock thinks:
one that was set ahead looks like a sleep (``Sleepless``). Polls come more often."""
KEPT_DATES = 8
"""So many of the last ``Date``s count while none is believed."""


class Sleepless:
    """Seconds of a clock that runs during sleep, made of one that may not and of the
    wall's.

    Each step is the larger advance of the two, so that neither a sleep nor a wall clock
    that is set back loses time. A wall clock that is set ahead looks like a sleep.
    """

    def __init__(self, wall: Callable[[], float], monotonic: Callable[[], float]) -> None:
        self._wall, self._monotonic = wall, monotonic
        self._seen = wall(), monotonic()
        self._seconds = 0.0

    def __call__(self) -> float:
        seen = self._wall(), self._monotonic()
        steps = (now - before for now, before in zip(seen, self._seen, strict=True))
        self._seconds += max(0.0, *steps)
        self._seen = seen
        return self._seconds


class ServerClock:
    """``wall`` gives Unix seconds by this machine, ``ticks`` seconds that nobody
    sets."""

    def __init__(self, wall: Callable[[], float], ticks: Callable[[], float]) -> None:
        self._wall, self._ticks = wall, ticks
        self._start = wall() - ticks()
        self._began_at = self.now()
        self._jumped_to = self._start
        self._heard: deque[float] = deque(maxlen=KEPT_DATES)
        self._candidate: tuple[float, float, float] | None = None
        self._believed: float | None = None
        self._heard_at = 0.0

    def now(self) -> float:
        """Unix seconds by our own clock, as it stood when the process began."""
        return self._ticks() + self._start

    def hear(self, date: float) -> None:
        """One of the API's own answers has just said that it is ``date``, in Unix
        seconds."""
        offset, ticks = date + HALF_A_SECOND - self.now(), self._ticks()
        self._heard.append(offset)
        self._heard_at = ticks
        if self._candidate is None or abs(offset - self._candidate[0]) > TOLERANCE_S:
            self._candidate = offset, ticks, date
        elif ticks - self._candidate[1] >= APART_S and date != self._candidate[2]:
            self._believed = self._candidate[0]

    @property
    def offset_s(self) -> float | None:
        """The server's clock minus ours by its last word; ``None`` while it said
        nothing."""
        return self._heard[-1] if self._heard else None

    @property
    def believed_offset_s(self) -> float | None:
        """The server's clock minus ours, once two answers agreed."""
        return self._believed

    @property
    def cautious_offset_s(self) -> float | None:
        """The server's clock minus ours, at the least: by what is believed, by its last
        word, and as if it had stood still since, where that was long ago. ``None``
        while it said nothing.

        For what may not begin before its time: the next day of a budget.
        """
        if not self._heard:
            return None
        earlier = min(self._heard) if self._believed is None else self._believed
        silent_s = self._ticks() - self._heard_at
        return min(earlier, self._heard[-1]) - max(0.0, silent_s - SILENT_S)

    @property
    def ahead_s(self) -> float:
        """By how much our clock is ahead of the server's; 0.0 while that is not
        believed."""
        return 0.0 if self._believed is None else -self._believed

    def from_server(self, at: float) -> float:
        """An instant of the server's clock as ours would have shown it."""
        return at - (self._believed or 0.0)

    def age_s(self, at: float, offset_then_s: float | None = None) -> float:
        """How long ago ``at`` is at least. ``offset_then_s`` is the server's offset
        then, by one answer.

        While no ``Date`` is believed, the earliest of those heard counts. Ours counts
        too: the answer of then may have come from a node whose clock was wrong.
        """
        age = self.now() - at
        if at >= self._began_at or offset_then_s is None or not self._heard:
            return age
        offset = min(self._heard) if self._believed is None else self._believed
        return min(age, age + offset - offset_then_s)

    def most_age_s(
        self, at: float, offset_before_s: float | None = None, offset_then_s: float | None = None
    ) -> float:
        """How long ago ``at`` is at most, by our clock and by what is believed of the
        server's: for what is only believed of a young task.

        The offsets are the server's by its answer just before ``at`` and by the one
        then; they too are believed only where they agree.
        """
        age = self.now() - at
        if at >= self._began_at or self._believed is None:
            return age
        if offset_before_s is None or offset_then_s is None:
            return age
        if abs(offset_then_s - offset_before_s) > TOLERANCE_S:
            return age
        return max(age, age + self._believed - offset_then_s)

    def was_set(self) -> bool:
        """Whether the wall clock was set since the last call, by more than a minute."""
        found = self._wall() - self._ticks()
        if abs(found - self._jumped_to) <= JUMP_S:
            return False
        self._jumped_to = found
        return True
