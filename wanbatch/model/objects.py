"""An object store, as a shared ledger asks for it: whole objects under names, created
only if absent, replaced only if unchanged.

What it may not do: anything; these are types. Nothing here tries again by itself: an
answer that was lost and asked for once more would say "exists" of one's own deed.

How it works: a *tag* tells one content of an object from another (an ETag). Every
method is asynchronous, so that a simulation can keep its own time; a real store works
in threads.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class StoredObject:
    """The bytes of an object, and the tag that its next replacement must name."""

    data: bytes
    tag: str


class ObjectExists(Exception):
    """``create`` found an object of that name: another's, or our own whose answer was
    lost. Whoever cares reads it back."""


class ObjectChanged(Exception):
    """``replace`` found another tag, or no object: another's deed, or our own whose
    answer was lost. Whoever cares reads it back."""


class StoreSilent(Exception):
    """The store did not answer, or not as it should: whether the deed was done is not
    known. The text is safe to show."""


class ObjectStore(Protocol):
    """Every method raises ``StoreSilent``. Names are relative to the store's prefix,
    with ``/`` between their parts."""

    async def read(self, name: str) -> StoredObject | None:
        """The object, or ``None`` where there is none."""

    async def create(self, name: str, data: bytes) -> str:
        """Writes a new object; returns its tag. Raises ``ObjectExists``."""

    async def replace(self, name: str, data: bytes, tag: str) -> str:
        """Writes the object anew if it still has ``tag``; returns the new one. Raises
        ``ObjectChanged``."""

    async def names(self, prefix: str, after: str = "") -> Sequence[str]:
        """The names that begin with ``prefix`` and come after ``after``, sorted by
        their code points: all of them, however many pages that takes."""

    async def delete(self, name: str) -> None:
        """Removes the object; one that is not there is no error."""
