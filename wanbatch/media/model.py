"""What a media file turned out to be.

What it may not do: read files (``probe`` does).

How it works: values; bytes and dimensions as measured from the content, never from the name.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class VideoFacts:
    """What the file on disk is. ``bytes`` long, ``seconds`` by its video track."""

    sha256: str
    bytes: int
    seconds: float
    width: int
    height: int
    fps: float
    has_audio: bool


@dataclass(frozen=True, slots=True)
class FileDigest:
    """A local input by content: ``mime`` is that of the real format (``image/png``), whatever the file is called."""

    sha256: str
    bytes: int
    mime: str


@dataclass(frozen=True, slots=True)
class ImageFacts:
    """An image by its header: pixels, and ``transparency`` as what gives it (``an alpha channel``), empty without any."""

    mime: str
    width: int
    height: int
    transparency: str = ""


@dataclass(frozen=True, slots=True)
class AudioFacts:
    """A sound by its packets: ``seconds`` that will play."""

    mime: str
    seconds: float


@dataclass(frozen=True, slots=True)
class ClipFacts:
    """A clip by its video track. ``fps`` is 0.0 where the file does not say."""

    mime: str
    seconds: float
    width: int
    height: int
    fps: float
    has_audio: bool


@dataclass(frozen=True, slots=True)
class Unreadable:
    """Why a file cannot be taken for what it should be, and where that is easy to say, what to do.

    ``kind``: ``missing``, ``closed`` (the system refuses to read it), ``special`` (no regular file), ``empty``, ``format`` (something else than
    it should be; ``problem`` then is a noun, ``a GIF image``), ``damaged``. Else ``problem`` is a clause about "it".
    """

    kind: Literal["missing", "closed", "special", "empty", "format", "damaged"]
    problem: str
    help: tuple[str, ...] = ()
