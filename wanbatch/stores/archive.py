"""Videos in an object store: written once under their hash, confirmed, fetched again.

What it may not do: replace or delete an object, or believe that a video is there
because a request for it was sent.

How it works: one conditional PUT a video, whole, never in parts; where it breaks, it is
sent whole again. What was written, or was there already, counts when its size is right
and its ETag is the MD5 of our bytes; an ETag that is none says nothing, and the object
is read back once and hashed. A silent store is waited for (one that refuses is not:
that is for a person to mend); once that was in vain the
others try once each, so that nothing that must be downloaded is held up for long.
Posters are another matter (``posters``).
"""

from __future__ import annotations

import hashlib
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from itertools import chain, repeat
from pathlib import Path
from typing import TypeVar

import anyio
import anyio.to_thread

from wanbatch.model.archive import FOLDER, NotArchived, archived_name
from wanbatch.model.objects import ObjectExists, StoreSilent
from wanbatch.stores.opening import Objects
from wanbatch.stores.posters import Known, ObjectPosters
from wanbatch.stores.trouble import StoreRefused
from wanbatch.words.files import open_regular, written_atomically

T = TypeVar("T")

REQUEST_S = 900.0
"""For one request about a video: 5 GB at 45 Mbit/s, 100 MB at 1 Mbit/s."""
MOST_BYTES = 5_000_000_000
"""One PUT takes no more."""
UPLOADS = 4
"""So many at once: each holds its video in memory."""
PATIENCE_S = 120.0
"""So long a silent store is waited for: longer than a store takes to change hands, and
short enough that a person hears of it."""
PAUSES_S = (0.5, 1.0, 2.0, 4.0, 8.0, 15.0)
"""Before each new try; the last one counts for all that follow."""


class ObjectArchive:
    """An ``Archive``. Of one event loop."""

    def __init__(
        self, objects: Objects, patience_s: float = PATIENCE_S, quick: Objects | None = None
    ) -> None:
        """``quick`` is the same store with a short bound for each request, for what can
        be done without."""
        self.url = objects.url
        self._spoiled, self._known = "", Known()
        self.posters = ObjectPosters(quick or objects, self._known)
        self._objects = objects
        self._patience_s = patience_s
        self._kept: set[str] = set()
        self._uploads: anyio.CapacityLimiter | None = None

    @property
    def trouble(self) -> str:
        """What a person must mend: a store that was waited for in vain and has not
        answered since, or other bytes under a video's name; empty while all is
        well."""
        return self._spoiled or self._known.silence

    @property
    def sizes(self) -> Mapping[str, int]:
        """What is known to be there, by name: what ``learn`` saw and ``keep``
        confirmed."""
        return self._known.sizes

    async def learn(self) -> None:
        """Asks what is there. Raises ``NotArchived``."""
        found = await self._patiently(lambda: self._objects.listed(f"{FOLDER}/"))
        self._known.sizes.update((one.name, one.size) for one in found)

    async def keep(self, sha256: str, video: Path) -> None:
        """As ``Archive`` says. Tasks may give the same bytes: what was kept once is
        kept, also where the file is gone by now, as nobody needs it here."""
        name = archived_name(sha256)
        self._uploads = self._uploads or anyio.CapacityLimiter(UPLOADS)
        async with self._uploads:
            try:
                await self._keep_file(name, video, sha256)
            except FileNotFoundError:
                if name not in self._kept:
                    raise
            self._kept.add(name)

    async def _keep_file(self, name: str, video: Path, sha256: str) -> None:
        size, md5 = await anyio.to_thread.run_sync(_measure, video)
        if size > MOST_BYTES:
            raise NotArchived(f"{video.name} has {size} bytes, and one PUT takes {MOST_BYTES}")
        await self._patiently(lambda: self._keep(name, video, size, md5, sha256))
        self._known.sizes[name] = size

    async def fetch(self, sha256: str, target: Path) -> None:
        """As ``Archive`` says."""
        await self._patiently(lambda: self._fetch(sha256, target))

    def fetch_now(self, sha256: str, target: Path) -> None:
        """As ``fetch``, once, in the caller's thread: for what can do without the
        video. A store that was silent is not asked again. Raises ``NotArchived``,
        ``OSError``."""
        if self._known.silence:
            raise NotArchived(self._known.silence)
        try:
            with self._arriving(sha256, target) as take:
                is_there = self._objects.stream_now(archived_name(sha256), take)
                self._require(sha256, is_there=is_there)
        except StoreSilent as silent:
            self._known.silence = str(silent)
            raise NotArchived(self._known.silence) from None

    async def _keep(self, name: str, video: Path, size: int, md5: str, sha256: str) -> None:
        with suppress(ObjectExists):
            tag = await self._objects.create_from(name, video, "video/mp4")
            if tag.strip('"') == md5:
                return
        found = await self._objects.look(name)
        if found is None:
            raise StoreSilent(f"the store {self.url} took {name} and does not have it")
        if found.size == size and found.tag.strip('"') == md5:
            return
        if found.size != size or await self._hash(name) != sha256:
            self._spoiled = (
                f"the store {self.url} holds other bytes under {name}; remove that object, after a"
                " look at who wrote it"
            )
            raise NotArchived(self._spoiled)

    async def _hash(self, name: str) -> str:
        digest = hashlib.sha256()
        if not await self._objects.stream(name, digest.update):
            raise StoreSilent(f"the store {self.url} has {name} no more")
        return digest.hexdigest()

    async def _fetch(self, sha256: str, target: Path) -> None:
        with self._arriving(sha256, target) as take:
            is_there = await self._objects.stream(archived_name(sha256), take)
            self._require(sha256, is_there=is_there)

    def _require(self, sha256: str, *, is_there: bool) -> None:
        if not is_there:
            raise NotArchived(f"the store {self.url} does not have {archived_name(sha256)}")

    @contextmanager
    def _arriving(self, sha256: str, target: Path) -> Iterator[Callable[[bytes], object]]:
        """What takes the bytes; ``target`` has its name when they are all there and the
        right ones. Raises ``NotArchived`` where they are others."""
        digest = hashlib.sha256()
        with written_atomically(target) as file:

            def take(piece: bytes) -> None:
                digest.update(piece)
                file.write(piece)

            yield take
            if digest.hexdigest() != sha256:
                raise NotArchived(
                    f"the store {self.url} holds other bytes under {archived_name(sha256)};"
                    " nothing was taken"
                )

    async def _patiently(self, wish: Callable[[], Awaitable[T]]) -> T:
        """Asks until the store answers, or patience ends. Raises ``NotArchived``."""
        give_up_at = anyio.current_time() + (0.0 if self._known.silence else self._patience_s)
        for pause_s in chain(PAUSES_S, repeat(PAUSES_S[-1])):
            try:
                found = await wish()
            except StoreSilent as silent:
                said, is_final = str(silent), isinstance(silent, StoreRefused)
            else:
                self._known.silence = ""
                self.posters.hear()
                return found
            if is_final or anyio.current_time() + pause_s > give_up_at:
                break
            await anyio.sleep(pause_s)
        self._known.silence = said
        raise NotArchived(said)


def _measure(video: Path) -> tuple[int, str]:
    """Bytes, and the MD5 that a store shows as the ETag of an object put in one
    piece."""
    digest = hashlib.md5(usedforsecurity=False)
    size = 0
    with open_regular(video) as file:
        while piece := file.read(1 << 20):
            digest.update(piece)
            size += len(piece)
    return size, digest.hexdigest()
