"""Videos in an object store, as a run and its report ask for them.

What it may not do: anything; these are types.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Listed:
    """One object of a store's list: ``size`` in bytes, ``tag`` as ``read`` gives it,
    empty where there is none."""

    name: str
    size: int
    tag: str
