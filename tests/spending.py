"""What a piece of work costs this thread, for tests that a hostile text ends soon.

What it may not do: count what the test process does besides.

How it works: CPU seconds of this thread alone. The garbage collector goes through all
that lives, which is a million objects in a process that has collected the whole suite:
0.6 s each time (measured), ten times as long as a template takes to be refused. So what
lived before is put out of its sight meanwhile.
"""

from __future__ import annotations

import gc
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass


@dataclass(slots=True)
class Spent:
    """``cpu_s`` is known once the work has ended."""

    cpu_s: float = float("nan")


@contextmanager
def spending() -> Iterator[Spent]:
    """Measures what its block costs, in CPU seconds."""
    spent = Spent()
    gc.freeze()
    began = time.thread_time()
    try:
        yield spent
    finally:
        spent.cpu_s = time.thread_time() - began
        gc.unfreeze()
