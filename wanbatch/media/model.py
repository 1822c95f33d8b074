"""What a media file turned out to be.

What it may not do: read files (``probe`` does).

How it works: values; bytes and dimensions as measured from the content, never from the name.
"""

from __future__ import annotations

from dataclasses import dataclass


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
