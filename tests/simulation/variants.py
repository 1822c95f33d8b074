"""Broken variants by name, and the search for the first seed that notices one.

What it may not do: know one simulation from another: each has its table, and its way to
live a seed through.

How it works: a variant makes patches, each a context manager. That a variant falls over
would be no merit, so it does not count as noticed; nor does a seed that is broken
without it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from typing import Any, Protocol

Patches = Iterator[AbstractContextManager[Any]]
SEEDS = 500
"""So many seeds are searched for each variant."""


class Lived(Protocol):
    """What came of a seed."""

    @property
    def violations(self) -> list[str]: ...


class Variants(dict[str, Callable[[], Patches]]):
    """A table of variants. ``run_seed`` lives a seed through. ``further`` is how far
    behind the first seed that notices one a second is looked for: the engine changes,
    and seeds with it."""

    def __init__(self, run_seed: Callable[[int], Lived], further: int) -> None:
        super().__init__()
        self._run_seed, self._further = run_seed, further

    def variant(self, make: Callable[[], Patches]) -> Callable[[], Patches]:
        """Enters a variant under its function's name."""
        self[make.__name__] = make
        return make

    @contextmanager
    def broken(self, name: str) -> Iterator[None]:
        with ExitStack() as stack:
            for change in self[name]():
                stack.enter_context(change)
            yield

    def notices(self, name: str, seed: int) -> str | None:
        """What the seed says of the variant."""
        with self.broken(name):
            violations = self._run_seed(seed).violations
        return violations[0] if violations and "fell over" not in violations[0] else None

    def catch(self, name: str, within: int = SEEDS) -> list[tuple[int, str]]:
        """The first seed that notices the variant and what it says, and one more from
        not far behind."""
        found: list[tuple[int, str]] = []
        seed, last = 0, within
        while seed < last and len(found) < 2:
            said = self.notices(name, seed)
            if said is not None and not self._run_seed(seed).violations:
                found.append((seed, said))
                last = min(within, 2 * found[0][0] + self._further)
            seed += 1
        return found
