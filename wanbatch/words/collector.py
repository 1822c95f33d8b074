"""The garbage collector: at rest while very many values are made that all stay, and
seldom at work in a process that is ours.

What it may not do: collect, or stay at rest longer than its caller works.

How it works: the collector would walk the new values again and again, for nothing: of a
hundred thousand jobs that is a third to a half of the time, of a start a tenth.
"""

from __future__ import annotations

import contextlib
import gc
from collections.abc import Iterator

SELDOM = 50_000
"""New values between two looks at the youngest; Python looks after 700. So many take
some megabytes (chosen)."""


def collect_seldom() -> None:
    """For a whole process, which must be ours: what is imported at its start stays."""
    gc.set_threshold(SELDOM, 10, 10)


def keep_what_is_there() -> None:
    """Looks no more at what a start has made, for a process that goes on for long."""
    gc.freeze()


@contextlib.contextmanager
def collector_resting() -> Iterator[None]:
    """Around what makes many values and no circles of them."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()
