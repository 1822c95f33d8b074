"""A folder as an object store for videos, on a mounted disk for example.

What it may not do: hold a ledger: no file system replaces a file only if it is
unchanged, least of all over a network. Nothing is overwritten, and no video is
deleted.

How it works: bytes gather in a file of their own beside the name, are synced, and get
the name by a hard link, which fails where something has it (``words.disk`` knows what
else will do). Folders are synced after that.
"""

from __future__ import annotations

import io
import os
import stat
import threading
from collections.abc import Callable, Iterator
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import BinaryIO, TypeVar

import anyio.to_thread

from wanbatch.model.archive import Listed
from wanbatch.model.objects import ObjectExists, StoredObject, StoreSilent
from wanbatch.model.storage import Storage
from wanbatch.words.disk import give_name, sync_folder
from wanbatch.words.errors import ExitCode, WanbatchError
from wanbatch.words.files import create_anew, open_regular

T = TypeVar("T")

PIECE = 1 << 20
"""A megabyte is read at once: larger pieces are no faster."""


class FolderObjects:
    """What ``stores.archive`` asks of a store. The folder itself must be there: one
    that is not may be a disk that is not mounted."""

    def __init__(self, storage: Storage) -> None:
        self.url = storage.url
        self._root = Path(storage.prefix)

    async def look(self, name: str) -> Listed | None:
        """Size of an object; its tag proves nothing and is empty."""
        return await self._do(partial(self._look, name))

    async def listed(self, prefix: str, after: str = "") -> list[Listed]:
        """All objects whose names begin with ``prefix`` and come after ``after``."""
        return await self._do(partial(self._list, prefix, after))

    async def create_from(self, name: str, path: Path, mime: str) -> str:
        """Creates an object of a file's bytes. Raises ``ObjectExists``,
        ``StoreSilent``."""
        return await self._do(partial(self._create, name, lambda: open_regular(path)))

    async def stream(self, name: str, take: Callable[[bytes], object]) -> bool:
        """Hands an object's bytes piece by piece to ``take``, in a thread; false where
        there is no object."""
        return await self._do(partial(self._stream, name, take))

    def stream_now(self, name: str, take: Callable[[bytes], object]) -> bool:
        """As ``stream``, in the caller's thread."""
        return self._carefully(partial(self._stream, name, take))

    def listed_now(self, prefix: str) -> list[Listed]:
        """As ``listed``, in the caller's thread."""
        return self._carefully(partial(self._list, prefix, ""))

    def create_now(self, name: str, data: bytes, mime: str) -> str:
        """As ``create``, in the caller's thread."""
        return self._carefully(partial(self._create, name, lambda: io.BytesIO(data)))

    async def read(self, name: str) -> StoredObject | None:
        """A small object, whole."""
        pieces: list[bytes] = []
        is_there = await self.stream(name, pieces.append)
        return StoredObject(b"".join(pieces), "") if is_there else None

    async def create(self, name: str, data: bytes, mime: str = "") -> str:
        """Creates an object of these bytes. Raises as ``create_from``."""
        return await self._do(partial(self._create, name, lambda: io.BytesIO(data)))

    async def names(self, prefix: str, after: str = "") -> list[str]:
        """As ``listed``, the names alone."""
        return [one.name for one in await self.listed(prefix, after)]

    async def delete(self, name: str) -> None:
        """Removes what the doctor has made; videos are never deleted."""
        await self._do(lambda: (self._root / name).unlink(missing_ok=True))

    def sign(self, name: str, lifetime: timedelta) -> str:
        """A folder signs nothing. Raises ``WanbatchError``."""
        raise WanbatchError(
            ExitCode.INVALID,
            f"{self.url} is a folder, which signs no addresses",
            "leave --presign out: the report links to the files themselves",
        )

    async def _do(self, work: Callable[[], T]) -> T:
        return await anyio.to_thread.run_sync(partial(self._carefully, work))

    def _carefully(self, work: Callable[[], T]) -> T:
        if not self._root.is_dir():
            raise StoreSilent(f"the store {self.url} is not there: is its disk mounted?")
        try:
            return work()
        except FileExistsError:
            raise ObjectExists(self.url) from None
        except OSError as error:
            why = error.strerror or "input/output error"
        raise StoreSilent(f"the store {self.url} cannot be used: {why}")

    def _look(self, name: str) -> Listed | None:
        try:
            found = (self._root / name).lstat()
        except (FileNotFoundError, NotADirectoryError):
            return None
        return Listed(name, found.st_size, "") if stat.S_ISREG(found.st_mode) else None

    def _list(self, prefix: str, after: str) -> list[Listed]:
        folder = self._root / prefix.rpartition("/")[0]
        found = [
            Listed(path.relative_to(self._root).as_posix(), size, "")
            for path, size in _files(folder)
        ]
        kept = (one for one in found if one.name.startswith(prefix) and one.name > after)
        return sorted(kept, key=lambda one: one.name)

    def _create(self, name: str, source: Callable[[], BinaryIO]) -> str:
        target = self._root / name
        target.parent.mkdir(parents=True, exist_ok=True)
        own = f"{os.getpid()}-{threading.get_ident()}"
        making = target.with_name(f".{target.name}.{own}.part")
        try:
            with source() as given, create_anew(making, 0o644) as file:
                while piece := given.read(PIECE):
                    file.write(piece)
                file.flush()
                os.fsync(file.fileno())
            give_name(making, target)
        finally:
            making.unlink(missing_ok=True)
        for folder in (target.parent, *target.parent.parents):
            sync_folder(folder)
            if folder == self._root:
                break
        return ""

    def _stream(self, name: str, take: Callable[[bytes], object]) -> bool:
        try:
            file = open_regular(self._root / name)
        except (FileNotFoundError, NotADirectoryError):
            return False
        with file:
            while piece := file.read(PIECE):
                take(piece)
        return True


def _files(folder: Path) -> Iterator[tuple[Path, int]]:
    for base, _, names in os.walk(folder):
        for name in names:
            path = Path(base, name)
            if not (name.startswith(".") and name.endswith(".part")):
                yield path, path.lstat().st_size
