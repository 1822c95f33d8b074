"""The garbage collector at rest while very many values are made that all stay.

What it may not do: collect, or stay at rest longer than its caller works.

How it works: the collector would walk the new values again and again, for nothing: of a
hundred thousand jobs that is a third to a half of the time.
"""

from __future__ import annotations

import contextlib
import gc
from collections.abc import Iterator


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
