"""What a media file really is, by its content: facts, or why it is unreadable.

What it may not do: judge facts against limits (``check`` does), trust a name, decode
more than it must, raise for any content.

How it works: a file is opened once; what was opened is what is judged, measured and
hashed. Each kind of media has its own reader, imported when it is needed, because
FFmpeg's bindings cost a tenth of a second.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from io import BufferedReader
from pathlib import Path
from typing import BinaryIO, TypeVar

from wanbatch.media.formats import HEAD, MOV, MP4, UNKNOWN, sniff
from wanbatch.media.loading import load_decoders
from wanbatch.model.media import AudioFacts, ClipFacts, ImageFacts, UnreadableFile, VideoFacts
from wanbatch.words.files import NotRegular, file_length, hash_open_file, open_regular

Facts = TypeVar("Facts")


def probe_image(path: Path) -> ImageFacts | UnreadableFile:
    """The facts of a JPEG, PNG, BMP or WebP file."""
    return probe(path, read_image)


def probe_audio(path: Path) -> AudioFacts | UnreadableFile:
    """The facts of a WAV or MP3 file."""
    return probe(path, read_audio)


def probe_clip(path: Path) -> ClipFacts | UnreadableFile:
    """The facts of an MP4 or MOV file, by its first video track."""
    return probe(path, read_clip)


def probe_video(path: Path, sha256: str | None = None) -> VideoFacts | UnreadableFile:
    """The facts of a downloaded video, or why it is none.

    All boxes must be whole, all samples lie inside the file, and FFmpeg must find a
    video track with a length and dimensions. Bytes behind the last box are a remark,
    bytes before the first are not: a video begins at byte 0. A fragmented video that
    was cut between two fragments is found only where it says how much was to come
    (``fragmented`` tells). ``sha256`` is that of the file's bytes where it is known
    from writing them; else it is computed.
    """

    def read(file: BufferedReader) -> VideoFacts | UnreadableFile:
        load_decoders()
        from wanbatch.media.clips import read_video

        facts = read_video(file)
        if isinstance(facts, UnreadableFile):
            return _named(file, facts)
        return VideoFacts(
            sha256 or hash_open_file(file),
            file_length(file),
            facts.seconds,
            facts.width,
            facts.height,
            facts.fps,
            facts.has_audio,
            facts.remark,
            facts.fragmented,
        )

    return probe(path, read)


def probe(
    path: Path, read: Callable[[BufferedReader], Facts | UnreadableFile]
) -> Facts | UnreadableFile:
    """What ``read`` makes of the file at ``path``, which it gets open and not empty."""
    try:
        with open_regular(path) as file:
            if file_length(file) == 0:
                return UnreadableFile("empty", "it is empty")
            return read(file)
    except FileNotFoundError:
        return UnreadableFile("missing", "it does not exist")
    except NotRegular as error:
        return UnreadableFile("special", f"it is {error.kind}, not a file")
    except OSError as error:
        return UnreadableFile("closed", f"it cannot be read: {error.strerror or error}")


def _named(file: BufferedReader, trouble: UnreadableFile) -> UnreadableFile:
    """The same, but a file that plainly is something else (an error page) is called
    so."""
    file.seek(0)
    found = sniff(file.read(HEAD))
    return (
        trouble
        if found in (MP4, MOV, UNKNOWN)
        else UnreadableFile("format", found.name, found.help)
    )


def read_image(file: BinaryIO) -> ImageFacts | UnreadableFile:
    from wanbatch.media import images

    return images.read_image(file)


def read_audio(file: BinaryIO) -> AudioFacts | UnreadableFile:
    load_decoders()
    from wanbatch.media import sounds

    return sounds.read_audio(file)


def read_clip(file: BinaryIO) -> ClipFacts | UnreadableFile:
    load_decoders()
    from wanbatch.media import clips

    return clips.read_clip(file)


READERS: Mapping[
    str, Callable[[BinaryIO], ImageFacts | AudioFacts | ClipFacts | UnreadableFile]
] = {
    "image": read_image,
    "audio": read_audio,
    "clip": read_clip,
}
