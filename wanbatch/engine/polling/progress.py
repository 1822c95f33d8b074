"""What the progress that a server tells is worth, and what follows from it. Pure.

What it may not do: I/O, read a clock, believe a server that was not seen to be right.

Theory of operation
-------------------
A task of age a that is said to have done p percent ends at 100 a / (p + 1) to 100 a / p
where progress is even and cut off to a whole number. Many servers tell a constant, or
the share of their own stages. So a window is only a claim, and each task that ends is a
test of its first one (near the end every number that grows is nearly right): had the
task ended, by what was seen, when the window said? After
``ENOUGH`` tests of which nearly all were passed, windows are believed; a task that
outlives its window counts against them at once, and so does one in ``CHECKED`` that is
asked shortly before its window and had ended already.

A believed window is narrow: a look at its end is 1 % late at most ages. A look before
it makes it narrower still, and is made where that saves more lag than a look costs.
"""

from __future__ import annotations

import math
from collections import deque
from dataclasses import dataclass

ENOUGH = 5
"""Tests before a server is believed: with constant progress one test in ten passes by
accident, five of six in a row never do (chosen)."""
KEPT = 12
"""The last tests that count: what a server was like before is forgotten (chosen)."""
PASSED = 0.8
"""The share of them to be passed: one task in ten may have an end of its own."""
TELLING = 0.25
"""An end that was seen within this share of the duration is a test; a wider one would
be passed by nearly every claim."""
LEAST_PERCENT = 10.0
"""Below this a window is wider than a tenth of the duration: no better than what other
tasks took."""
ALLOWANCE = 0.02
"""A window is passed this share of the age beside it: servers round as they like, and
the age counts from our receipt."""
CHECKED = 4
"""One task in so many is asked shortly before its window: a quarter of a look a task,
and a server whose tasks end too early is found out after twenty of them (chosen)."""
BEFORE = 0.95
"""There a look before a window is made, as a share of its begin: what was told at 95 %
leaves a window of 1 %."""
LOOK_PRICE = 0.005
"""The least price of a look at a believed window, as a share of the duration: a window
of 1.6 % (60 % told) then gets one look, at its end; at a fifth of the price it got 2.3
for half a percent of lag."""


@dataclass(frozen=True, slots=True)
class Window:
    """The ages between which a task ends, by what its server told at ``told_at``."""

    low: float
    high: float
    told_at: float


def window_of(asked_age: float, answered_age: float, percent: float | None) -> Window | None:
    """What ``percent`` claims, told between these two ages; ``None`` where it claims
    nothing of use."""
    if percent is None or not LEAST_PERCENT <= percent < 100.0 or asked_age <= 0.0:
        return None
    low, high = 100.0 * asked_age / (percent + 1.0), 100.0 * answered_age / percent
    return Window(max(low, asked_age), max(high, asked_age), asked_age)


class ProgressTests:
    """How often a server's progress was right."""

    def __init__(self) -> None:
        self._passed: deque[bool] = deque(maxlen=KEPT)

    @property
    def is_believed(self) -> bool:
        kept = self._passed
        return len(kept) >= ENOUGH and sum(kept) >= PASSED * len(kept)

    def ended(self, window: Window, running_age: float, done_age: float) -> bool | None:
        """A task with this claim ended between two ages. Whether the claim was right;
        ``None`` where that was no test."""
        spare = ALLOWANCE * done_age
        right = running_age <= window.high + spare and window.low - spare <= done_age
        if right and done_age - running_age > TELLING * done_age:
            return None
        self._passed.append(right)
        return right

    def outlived(self) -> None:
        """A task runs on after its window."""
        self._passed.append(False)


def outlives(claim: Window, age: float, window: Window | None) -> bool:
    """Whether a task that runs at ``age`` has outlived what was claimed first, or will
    by what is claimed now: progress that stands still claims ever later ends."""
    latest = claim.high * (1.0 + ALLOWANCE)
    return age > latest or (window is not None and window.low > latest)


def look_at(window: Window, price: float, *, check: bool) -> float | None:
    """The age of the next look at a task with a believed window; ``None`` where the
    window is over. ``price`` is in medians, ``check`` asks for a look before it."""
    seen, high = window.told_at, window.high
    if seen >= high:
        return None
    low, price_s = max(seen, window.low), max(LOOK_PRICE, price) * high
    before = BEFORE * low
    # There the window will be as wide as the last percent of the duration.
    saves_s = (high - low) / 2.0 - high / (200.0 * BEFORE)
    if before > seen * (1.0 + ALLOWANCE) and (check or saves_s > price_s):
        return before
    # An end is as likely anywhere in the window: the lag that is gathered by low + t is
    # t² / 2 of its width.
    return min(high, low + math.sqrt(2.0 * (high - low) * price_s))
