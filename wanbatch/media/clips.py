"""Videos by their structure and header: length, pixels, frame rate, sound track.

What it may not do: decode.

How it works: ``boxes`` checks the structure before FFmpeg reads the header; the facts are those of the first video track.
"""

from __future__ import annotations

from io import BufferedReader

from av.container import InputContainer
from av.video.stream import VideoStream

from wanbatch.media.boxes import Broken, check_boxes
from wanbatch.media.container import Undecodable, has_codec, opened
from wanbatch.media.files import file_length
from wanbatch.media.formats import HEAD, MOV, MP4, sniff
from wanbatch.media.model import ClipFacts, Unreadable

_MICROSECONDS = 1_000_000


def read_clip(file: BufferedReader) -> ClipFacts | Unreadable:
    """The facts of an open MP4 or MOV file, and of no other kind. Raises ``OSError`` where reading fails."""
    file.seek(0)
    found = sniff(file.read(HEAD))
    if found not in (MP4, MOV):
        return Unreadable("format", found.name, found.help)
    return read_video(file)


def read_video(file: BufferedReader) -> ClipFacts | Unreadable:
    """The facts of an open file with the structure of an MP4, whatever its brand. Raises ``OSError`` where reading fails."""
    file.seek(0)
    found = sniff(file.read(HEAD))
    try:
        check_boxes(file, file_length(file))
        file.seek(0)
        with opened(file, "mp4") as container:
            return _clip_facts(container, found.mime or MP4.mime)
    except Broken as error:
        return Unreadable("damaged", str(error))
    except Undecodable as error:
        return Unreadable("damaged", f"FFmpeg cannot read it: {error}")


def _clip_facts(container: InputContainer, mime: str) -> ClipFacts | Unreadable:
    if not container.streams.video or not has_codec(container.streams.video[0]):
        return Unreadable("damaged", "it has no video track that FFmpeg can read")
    stream = container.streams.video[0]
    seconds = _seconds(container, stream)
    width, height = stream.codec_context.width, stream.codec_context.height
    if seconds <= 0:
        return Unreadable("damaged", "its video track has no length")
    if width <= 0 or height <= 0:
        return Unreadable("damaged", "its video track has no width and height")
    return ClipFacts(
        mime, seconds, width, height, float(stream.average_rate or 0), bool(container.streams.audio)
    )


def _seconds(container: InputContainer, stream: VideoStream) -> float:
    if stream.duration and stream.time_base:
        return float(stream.duration * stream.time_base)
    return (container.duration or 0) / _MICROSECONDS
