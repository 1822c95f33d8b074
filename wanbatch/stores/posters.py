"""Posters in an object store, beside the videos that they are of.

What it may not do: wait for a store, replace an object, or be any trouble of a run: a
poster can be made again.

How it works: one request each, in the caller's thread and with a short bound. The first
that a store leaves unanswered ends all further ones until a video has got through; one
that it refuses ends them for good. What comes from a store is a picture of a bounded
size by its first bytes, or nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

from wanbatch.model.archive import FOLDER, NotArchived, archived_poster
from wanbatch.model.objects import ObjectExists, StoreSilent
from wanbatch.stores.opening import Objects
from wanbatch.stores.trouble import StoreRefused
from wanbatch.words.files import open_regular, written_atomically

T = TypeVar("T")

REQUEST_S = 10.0
"""For one request: some ten kilobytes, which nobody waits for (chosen)."""
MOST_BYTES = 2_000_000
"""A poster of ours has a twentieth of that."""
MIME = "image/webp"


@dataclass(slots=True)
class Known:
    """What is known of a store: the objects that are there, with their bytes, and why
    it counts as silent."""

    sizes: dict[str, int] = field(default_factory=dict)
    silence: str = ""


class ObjectPosters:
    """The ``Posters`` of a store. Of any thread."""

    def __init__(self, objects: Objects, known: Known) -> None:
        self._objects, self._known = objects, known
        self._there: set[str] = set()
        self._silence = self._refusal = ""

    def has(self, sha256: str) -> bool:
        """As ``Posters`` says."""
        name = archived_poster(sha256)
        return name in self._there or name in self._known.sizes

    def hear(self) -> None:
        """The store has answered somebody since."""
        self._silence = ""

    def learn(self, start: str) -> None:
        """As ``Posters`` says. A store that is silent here is so for the videos
        too."""
        try:
            found = self._once(lambda: self._objects.listed_now(f"{FOLDER}/{start}/"))
        except NotArchived:
            self._known.silence = self._known.silence or self._silence
            raise
        self._known.sizes.update((one.name, one.size) for one in found)

    def keep(self, sha256: str, poster: Path) -> None:
        """As ``Posters`` says."""
        name = archived_poster(sha256)
        with open_regular(poster) as file:
            data = file.read(MOST_BYTES + 1)
        _require_webp(data, poster.name)
        with suppress(ObjectExists):
            self._once(lambda: self._objects.create_now(name, data, MIME))
        self._there.add(name)

    def fetch(self, sha256: str, target: Path) -> None:
        """As ``Posters`` says."""
        name, data = archived_poster(sha256), bytearray()

        def take(piece: bytes) -> None:
            data.extend(piece)
            if len(data) > MOST_BYTES:
                _require_webp(data, name)

        if not self._once(lambda: self._objects.stream_now(name, take)):
            raise NotArchived(f"the store {self._objects.url} does not have {name}")
        _require_webp(data, name)
        with written_atomically(target) as file:
            file.write(data)
        self._there.add(name)

    def _once(self, wish: Callable[[], T]) -> T:
        """Asks, where the store is not known to be silent. Raises ``NotArchived``."""
        why = self._known.silence or self._refusal or self._silence
        if why:
            raise NotArchived(why)
        try:
            return wish()
        except StoreSilent as silent:
            said, is_final = str(silent), isinstance(silent, StoreRefused)
        if is_final:
            self._refusal = said
        else:
            self._silence = said
        raise NotArchived(said)


def _require_webp(data: bytes | bytearray, name: str) -> None:
    """Raises ``NotArchived`` for what is none, or too large for one of ours."""
    if len(data) > MOST_BYTES or data[:4] != b"RIFF" or data[8:12] != b"WEBP":
        raise NotArchived(f"{name} is no poster")
