"""The door into an event loop, for other threads.

What it may not do: wait for the loop, or know what is called.
"""

from __future__ import annotations

from collections.abc import Callable
from contextvars import copy_context
from functools import partial

from anyio.lowlevel import current_token


def door_into_loop() -> Callable[..., object]:
    """``door(function, *values)`` lets the loop that runs here, asyncio's or trio's,
    call ``function`` soon, in order, from whichever thread. It raises ``RuntimeError``
    once the loop is closed."""
    loop = current_token().native_token
    call: Callable[..., object] | None = getattr(loop, "call_soon_threadsafe", None)
    if call is None:
        return loop.run_sync_soon  # type: ignore[attr-defined, no-any-return]
    # Not in the context of who calls: in one of trio's, anyio would take this for trio.
    return partial(call, context=copy_context())
