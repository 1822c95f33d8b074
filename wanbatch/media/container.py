"""Opening a media file with FFmpeg, the one careful way, and counting what plays.

What it may not do: be given a path or a URL. FFmpeg fetches what looks like an address,
and guesses formats that play lists and scripts hide in.

How it works: an open file object, a fixed format, no protocol allowed for anything that
the file refers to, and metadata in whatever bytes. A video's length is the sum of its
packets, because what headers state is stated by track, by movie and by fragment, and
often wrong.
"""

from __future__ import annotations

import errno
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from typing import Literal

import av
import av.error
from av.container import InputContainer
from av.stream import Discard, Disposition, Stream
from av.video.stream import VideoStream

from wanbatch.media.window import Readable

Format = Literal["mp4", "mp3", "wav"]
"""FFmpeg's names of the formats that may be opened; its ``mp4`` reads MOV as well."""

MOST_PACKETS = 100_000
"""Counting stops here, far beyond every limit: 55 minutes of video, 40 of MP3, 400 MB
of WAV."""


class Undecodable(ValueError):
    """FFmpeg can do nothing with the file; the text says why."""


@contextmanager
def opened(file: Readable, media_format: Format) -> Iterator[InputContainer]:
    """The container in ``file``, as long as the block runs. Raises ``Undecodable``
    where FFmpeg fails, in the opening or in the block, ``OSError`` where the disk
    does."""
    try:
        with av.open(
            file,
            "r",
            format=media_format,
            options={"protocol_whitelist": "none"},
            metadata_errors="replace",
        ) as container:
            yield container
    except av.error.FFmpegError as error:
        raise Undecodable((error.strerror or type(error).__name__).lower()) from None
    except (MemoryError, OverflowError) as error:
        raise Undecodable(f"it claims more than can be ({type(error).__name__})") from None
    except OSError as error:
        if error.errno != errno.EINVAL:
            raise
        raise Undecodable(
            "it points outside itself"
        ) from None  # FFmpeg followed it before the file's beginning


def has_codec(stream: Stream) -> bool:
    """Whether FFmpeg knows what the track is coded in; PyAV leaves the context out
    where it does not."""
    return getattr(stream, "codec_context", None) is not None


def video_track(container: InputContainer) -> VideoStream | None:
    """The track that is the video: the first that FFmpeg can read and that is no cover
    picture."""
    for stream in container.streams.video:
        if has_codec(stream) and not stream.disposition & Disposition.attached_pic:
            return stream
    return None


@dataclass(frozen=True, slots=True)
class Played:
    """What the packets of a track add up to."""

    packets: int
    seconds: float


def played_seconds(
    container: InputContainer, stream: VideoStream, most_bytes: int, *, edited: bool
) -> float:
    """How long the packets of ``stream`` play, as ``count_packets`` has it."""
    return count_packets(container, stream, most_bytes, edited=edited).seconds


def count_packets(
    container: InputContainer, stream: Stream, most_bytes: int, *, edited: bool
) -> Played:
    """How many packets of ``stream`` play, and for how long. What an edit list leaves
    out does not count where the file is ``edited``; FFmpeg marks packets of fragments
    as left out that are not.

    Raises ``Undecodable`` where they have more than ``most_bytes``: some lie upon each
    other, and reading them all might take for ever.
    """
    for other in container.streams:
        if other is not stream:
            other.discard = Discard.all
    # Packets that are read from a file count in the time base of their stream; a
    # ``Fraction`` for each would be half of the work, and hold up a run's other tasks.
    packets = ticks = held = 0
    for packet in islice(container.demux(stream), MOST_PACKETS):
        held += packet.size
        if held > most_bytes:
            raise Undecodable("its packets have more bytes than the file")
        if edited and packet.is_discard:
            continue
        packets += packet.size > 0
        ticks += packet.duration or 0
    return Played(packets, float(ticks * (stream.time_base or 0)))
