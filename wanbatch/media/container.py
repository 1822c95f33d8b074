"""Opening a media file with FFmpeg, the one careful way.

What it may not do: be given a path or a URL. FFmpeg fetches what looks like an address, and guesses formats that play lists and scripts hide in.

How it works: an open file object, a fixed format, no protocol allowed for anything that the file refers to, and metadata in whatever bytes.
"""

from __future__ import annotations

import errno
from collections.abc import Iterator
from contextlib import contextmanager
from io import BufferedReader
from typing import Literal

import av
import av.error
from av.container import InputContainer
from av.stream import Stream

Format = Literal["mp4", "mp3", "wav"]
"""FFmpeg's names of the formats that may be opened; its ``mp4`` reads MOV as well."""


class Undecodable(ValueError):
    """FFmpeg can do nothing with the file; the text says why."""


@contextmanager
def opened(file: BufferedReader, media_format: Format) -> Iterator[InputContainer]:
    """The container in ``file``, as long as the block runs. Raises ``Undecodable`` where FFmpeg fails, in the opening or in the block,
    ``OSError`` where the disk does."""
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
    """Whether FFmpeg knows what the track is coded in; PyAV leaves the context out where it does not."""
    return getattr(stream, "codec_context", None) is not None
