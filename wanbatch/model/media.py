"""What a media file turned out to be.

What it may not do: read files (``probe`` does).

How it works: values; bytes and dimensions as measured from the content, never from the
name.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class VideoFacts:
    """What the file on disk is. ``bytes`` long, ``seconds`` by the packets of its video
    track, pixels as shown.

    ``remark`` is what players let pass (``2 bytes (line ends) stand behind its last
    box``), empty for most. ``fragmented``: made of pieces (``moof``), so that a file
    cut between two of them looks whole unless it says how much was to come.
    """

    sha256: str
    bytes: int
    seconds: float
    width: int
    height: int
    fps: float
    has_audio: bool
    remark: str = ""
    fragmented: bool = False


@dataclass(frozen=True, slots=True)
class FileDigest:
    """A local input by content: ``mime`` is that of the real format (``image/png``),
    whatever the file is called."""

    sha256: str
    bytes: int
    mime: str


@dataclass(frozen=True, slots=True)
class ImageFacts:
    """An image by its header: pixels as shown, that is after ``orientation`` (as in
    EXIF, 1 to 8).

    ``transparency`` is what gives it (``an alpha channel``), empty without any;
    ``remark`` is a clause about "it" that says why not every decoder takes the file,
    empty for most.
    """

    mime: str
    width: int
    height: int
    transparency: str = ""
    orientation: int = 1
    remark: str = ""


@dataclass(frozen=True, slots=True)
class AudioFacts:
    """A sound by its packets: ``seconds`` that will play. ``remark`` as in
    ``ImageFacts``."""

    mime: str
    seconds: float
    remark: str = ""


@dataclass(frozen=True, slots=True)
class ClipFacts:
    """A clip by its video track: ``seconds`` by packets, pixels as shown after
    ``orientation``.

    ``fps`` is 0.0 where the file does not say; ``remark`` and ``fragmented`` as in
    ``VideoFacts``.
    """

    mime: str
    seconds: float
    width: int
    height: int
    fps: float
    has_audio: bool
    orientation: int = 1
    remark: str = ""
    fragmented: bool = False


@dataclass(frozen=True, slots=True)
class UnreadableFile:
    """Why a file cannot be taken for what it should be, and where that is easy to say,
    what to do.

    ``kind``: ``missing``, ``closed`` (the system refuses to read it), ``special`` (no
    regular file), ``empty``, ``format`` (something else than it should be; ``problem``
    then is a noun, ``a GIF image``), ``damaged``. Else ``problem`` is a clause about
    "it".
    """

    kind: Literal["missing", "closed", "special", "empty", "format", "damaged"]
    problem: str
    help: tuple[str, ...] = ()

    @property
    def text(self) -> str:
        """The clause about "it"."""
        return f"it is {self.problem}" if self.kind == "format" else self.problem
