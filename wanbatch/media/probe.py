"""What a media file really is, by its content: facts, or why it is unreadable.

What it may not do: judge facts against limits (``check`` does), trust a name, decode pictures or sound, raise for any content.

How it works: a clip's box structure is checked by ``boxes`` before FFmpeg reads its header.
"""

from __future__ import annotations

from io import BufferedReader
from pathlib import Path

from av.container import InputContainer
from av.video.stream import VideoStream

from wanbatch.media.boxes import Broken, Layout, read_layout
from wanbatch.media.container import Undecodable, opened
from wanbatch.media.files import file_length, hash_open_file, open_regular
from wanbatch.media.model import ClipFacts, Unreadable, VideoFacts

_MICROSECONDS = 1_000_000


def probe_video(path: Path, sha256: str | None = None) -> VideoFacts | str:
    """The facts of a downloaded video, or what is wrong with it.

    All boxes must be whole and fill the file, all samples lie inside it, and FFmpeg must find a video track with a length and dimensions.
    ``sha256`` is that of the file's bytes where it is known from writing them; else it is computed.
    """
    try:
        with open_regular(path) as file:
            facts = read_clip(file)
            if isinstance(facts, Unreadable):
                return facts.problem
            digest = sha256 or hash_open_file(file)
            length = file_length(file)
    except OSError as error:
        return f"it cannot be read: {error.strerror or error}"
    return VideoFacts(digest, length, facts.seconds, facts.width, facts.height, facts.fps, facts.has_audio)


def probe_clip(path: Path) -> ClipFacts | Unreadable:
    """The facts of an MP4 or MOV file, by its video track."""
    try:
        with open_regular(path) as file:
            return read_clip(file)
    except OSError as error:
        return Unreadable(f"it cannot be read: {error.strerror or error}")


def read_clip(file: BufferedReader) -> ClipFacts | Unreadable:
    """As ``probe_clip``, of an open file. Raises ``OSError`` where reading fails."""
    length = file_length(file)
    if length == 0:
        return Unreadable("it is empty")
    try:
        layout = read_layout(file, length)
        if not layout.has_video:
            return Unreadable("it has no video track")
        file.seek(0)
        with opened(file, "mp4") as container:
            return _clip_facts(container, layout)
    except Broken as error:
        return Unreadable(str(error))
    except Undecodable as error:
        return Unreadable(f"FFmpeg cannot read it: {error}")


def _clip_facts(container: InputContainer, layout: Layout) -> ClipFacts | Unreadable:
    if not container.streams.video:
        return Unreadable("it has no video track that FFmpeg can read")
    stream = container.streams.video[0]
    seconds = _seconds(container, stream)
    width, height = stream.codec_context.width, stream.codec_context.height
    if seconds <= 0:
        return Unreadable("its video track has no length")
    if width <= 0 or height <= 0:
        return Unreadable("its video track has no width and height")
    mime = "video/quicktime" if layout.brand in ("", "qt  ") else "video/mp4"
    return ClipFacts(mime, seconds, width, height, float(stream.average_rate or 0), bool(container.streams.audio))


def _seconds(container: InputContainer, stream: VideoStream) -> float:
    if stream.duration and stream.time_base:
        return float(stream.duration * stream.time_base)
    return (container.duration or 0) / _MICROSECONDS
