"""The machine's clock that runs during sleep, for whoever counts the age of a paid
task.

What it may not do: tell the time of day.

How it works: ``CLOCK_BOOTTIME`` where the system has it; elsewhere the larger advance
of the wall clock and of the monotonic one (``Sleepless``).
"""

from __future__ import annotations

import time
from collections.abc import Callable

from wanbatch.words.clock import Sleepless


def choose_ticks() -> Callable[[], float]:
    """Seconds of a clock that runs during sleep, and that nobody sets."""
    number = getattr(time, "CLOCK_BOOTTIME", None)
    if number is None:
        return Sleepless(time.time, time.monotonic)
    return lambda: time.clock_gettime(number)
