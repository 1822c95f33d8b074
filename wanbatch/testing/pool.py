"""A work pool without threads, for simulations and tests: each errand is done between
two steps of the loop.

What it may not do: wait.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from anyio.lowlevel import cancel_shielded_checkpoint, checkpoint

from wanbatch.model.pool import Errand, PoolNews

T = TypeVar("T")


class AtOnce:
    """A ``Pool`` in which nothing but the clock decides an order."""

    width = 1

    async def submit(self, errand: Errand[T], *values: Any) -> T:  # noqa: ANN401 - plain
        await checkpoint()
        found = errand.read(errand.function(*values))
        await cancel_shielded_checkpoint()
        return found

    def listen(self, tell: Callable[[PoolNews], None]) -> None:
        pass

    def close(self) -> None:
        pass
