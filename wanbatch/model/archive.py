"""Videos in an object store, as a run and its report ask for them.

What it may not do: reach a store; these are types and names.

How it works: an object is named by its content, ``sha256/ab/cd….mp4``. In the ledger
such a name stands where a path below the output folder stands else, and a copy that is
being worked with lies under the same name there; so the name alone says where a video
lives. Its poster lies beside it under the video's hash, ``sha256/ab/cd….webp``: not its
own, for machines make posters of other bytes of one video, and the first one stays.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

FOLDER = "sha256"
WAY_HOME = "wanbatch fetch --store brings them home"
"""What to do where a command needs videos on this disk."""
_ARCHIVED = re.compile(r"sha256/[0-9a-f]{2}/[0-9a-f]{62}\.mp4")


@dataclass(frozen=True, slots=True)
class Listed:
    """One object of a store's list: ``size`` in bytes, ``tag`` as ``read`` gives it,
    empty where there is none."""

    name: str
    size: int
    tag: str


def archived_name(sha256: str) -> str:
    """The name of the object with these bytes; ``sha256`` is 64 lower-case hex
    digits."""
    return f"{FOLDER}/{sha256[:2]}/{sha256[2:]}.mp4"


def archived_poster(sha256: str) -> str:
    """The name of the poster of the video with these bytes."""
    return f"{FOLDER}/{sha256[:2]}/{sha256[2:]}.webp"


def archived_sha256(path: str) -> str:
    """Of which bytes ``path`` is the name; empty where it names no video in a store."""
    return path[len(FOLDER) :].replace("/", "")[:64] if is_archived(path) else ""


def is_archived(path: str) -> bool:
    """Whether a path of the ledger names a video in a store."""
    return _ARCHIVED.fullmatch(path) is not None


class NotArchived(Exception):
    """A store did not take a video, or does not have it as it should; the text is safe
    to show."""


class Archive(Protocol):
    """Where finished videos live."""

    async def keep(self, sha256: str, video: Path) -> None:
        """Returns once the store has these bytes, confirmed. Waits for a store that is
        silent, for a while. Raises ``NotArchived``; ``OSError`` where the file cannot
        be read."""

    async def fetch(self, sha256: str, target: Path) -> None:
        """Brings the bytes to ``target``, verified and whole; what stands there is
        replaced. Raises ``NotArchived``, and ``OSError`` as the disk does."""


class Posters(Protocol):
    """The posters of the videos that live in a store. Everything is tried once, in the
    caller's thread, and nothing at a store that is known to be silent: nobody waits for
    a poster."""

    def has(self, sha256: str) -> bool:
        """Whether the store is known to have a video's poster."""

    def learn(self, start: str) -> None:
        """Asks which posters it has of the videos whose hashes begin with ``start``,
        two hex digits. Raises ``NotArchived``."""

    def keep(self, sha256: str, poster: Path) -> None:
        """Puts a poster there, where there is none. Raises ``NotArchived``; ``OSError``
        where the file cannot be read."""

    def fetch(self, sha256: str, target: Path) -> None:
        """Brings a poster to ``target``, whole; what stands there is replaced. Raises
        ``NotArchived``, and ``OSError`` as the disk does."""
