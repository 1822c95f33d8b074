"""Videos by their structure and packets: length, pixels, frame rate, sound track.

What it may not do: decode.

How it works: ``structure`` is checked before FFmpeg reads the header, and FFmpeg sees
the file as far as its boxes go. The facts are those of the first video track: its
length is what its packets play, whatever a sound beside it or the header says, and its
pixels are those that a player shows, after the turn that the track's matrix asks for. A
brand alone decides nothing: phones and cameras write their own on plain MP4 files.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import BinaryIO

from av.container import InputContainer
from av.video.stream import VideoStream

from wanbatch.media.boxes import Broken
from wanbatch.media.container import Undecodable, opened, played_seconds, video_track
from wanbatch.media.formats import HEAD, M4A, MOV, MP4, THREE_GP, sniff
from wanbatch.media.leftovers import blanks_before, stand
from wanbatch.media.structure import Structure, check_structure
from wanbatch.media.turning import UPRIGHT, turned_size
from wanbatch.media.window import Window
from wanbatch.model.media import ClipFacts, UnreadableFile
from wanbatch.words.files import file_length

_PLAIN_CODECS = frozenset({"h264", "hevc", "mpeg4", "av1"})
"""What makes a file of a phone's brand, without a common one beside it, a plain MP4."""


def read_clip(file: BinaryIO) -> ClipFacts | UnreadableFile:
    """The facts of an open MP4 or MOV file, and of no other kind. Raises ``OSError``
    where reading fails."""
    file.seek(0)
    head = file.read(HEAD)
    found = sniff(head)
    if found in (MP4, MOV):
        return read_video(file)
    if found in (THREE_GP, M4A):
        facts = _read(file, MP4.mime, plain=True)
        if isinstance(facts, ClipFacts):
            return facts
    if before := blanks_before(head, b"ftyp", 4):
        trouble = f"{stand(before, head[:before])} before its first box"
        return UnreadableFile("damaged", trouble, _AS_BINARY)
    return UnreadableFile("format", found.name, found.help)


_AS_BINARY = ("copy or download it again, as binary data",)


def read_video(file: BinaryIO) -> ClipFacts | UnreadableFile:
    """The facts of an open file with the structure of an MP4, whatever its brand.
    Raises ``OSError`` where reading fails."""
    file.seek(0)
    return _read(file, sniff(file.read(HEAD)).mime or MP4.mime)


@dataclass(frozen=True, slots=True)
class Video:
    """An open file, to decode its video ``stream``; its frames are shown turned by
    ``orientation``. ``end`` is where its boxes end, ``edited`` whether edit lists
    count."""

    container: InputContainer
    stream: VideoStream
    orientation: int
    end: int
    edited: bool


@contextmanager
def opened_video(file: BinaryIO) -> Iterator[Video]:
    """What ``read_video`` takes for the video in an open file, as long as the block
    runs.

    Raises ``Undecodable`` where there is none, or where FFmpeg fails in the block,
    ``OSError`` where reading fails.
    """
    try:
        structure = check_structure(file, file_length(file))
    except Broken as error:
        raise Undecodable(str(error)) from None
    with opened(Window(file, 0, structure.end), "mp4") as container:
        stream = video_track(container)
        if stream is None:
            raise Undecodable("it has no video track")
        orientation = structure.orientations.get(stream.id, UPRIGHT)
        yield Video(container, stream, orientation, structure.end, not structure.fragmented)


def _read(file: BinaryIO, mime: str, *, plain: bool = False) -> ClipFacts | UnreadableFile:
    try:
        structure = check_structure(file, file_length(file))
        with opened(Window(file, 0, structure.end), "mp4") as container:
            return _clip_facts(container, structure, mime, plain=plain)
    except Broken as error:
        return UnreadableFile("damaged", str(error))
    except Undecodable as error:
        return UnreadableFile("damaged", f"FFmpeg cannot read it: {error}")


def _clip_facts(
    container: InputContainer, structure: Structure, mime: str, *, plain: bool
) -> ClipFacts | UnreadableFile:
    stream = video_track(container)
    if stream is None:
        return UnreadableFile("damaged", "it has no video track that FFmpeg can read")
    if plain and stream.codec_context.name not in _PLAIN_CODECS:
        return UnreadableFile("format", f"coded in {stream.codec_context.name}")
    width, height = stream.codec_context.width, stream.codec_context.height
    fps = float(stream.average_rate or 0)
    has_audio = bool(container.streams.audio)
    seconds = played_seconds(container, stream, structure.end, edited=not structure.fragmented)
    if seconds <= 0:
        return UnreadableFile("damaged", "its video track has no length")
    if width <= 0 or height <= 0:
        return UnreadableFile("damaged", "its video track has no width and height")
    orientation = structure.orientations.get(stream.id, UPRIGHT)
    return ClipFacts(
        mime,
        seconds,
        *turned_size(width, height, orientation),
        fps,
        has_audio,
        orientation,
        structure.remark,
        structure.fragmented,
    )
