"""What decoders make of an image: Pillow (libjpeg, libpng's kin, libwebp) and FFmpeg,
each by itself.

What it may not do: judge, or be asked about images that have nothing odd about them:
decoding costs the memory that their header claims.

How it works: servers decode with the one or the other; what both read is a picture,
whatever the format's rules say of the file. FFmpeg fills in what is missing of a JPEG,
and Pillow refuses one that lacks no more than its end marker; so whether the pixels of
a JPEG without one are all there is found out by going on in two ways: a whole picture
stays the same.
"""

from __future__ import annotations

import io
import struct
import warnings
from collections.abc import Callable

import av
import av.error
from av.video.codeccontext import VideoCodecContext
from PIL import Image

from wanbatch.media.formats import BMP, JPEG, PNG, WEBP, Format

MOST_PIXELS = 8000 * 8000
"""Of an image that is decoded: the largest that the API takes."""

_PILLOW = {JPEG: "JPEG", PNG: "PNG", WEBP: "WEBP", BMP: "BMP"}
_FFMPEG = {JPEG: "mjpeg", PNG: "png", WEBP: "webp", BMP: "bmp"}
_FAILURES = (
    av.error.FFmpegError,
    OSError,
    ValueError,
    SyntaxError,
    TypeError,
    LookupError,
    OverflowError,
    MemoryError,
    EOFError,
    AttributeError,
    AssertionError,
    struct.error,
    Image.DecompressionBombError,
)
"""What broken images bring decoders to raise; Pillow checks little of what it reads
from a header."""

_RESERVED = 16
"""Zeros at a file's end from so many on are room that was set aside and never
written."""

_END_OF_JPEG = b"\xff\xd9"


def pillow_reads(data: bytes, image_format: Format) -> bool:
    """Whether Pillow decodes the whole image."""
    return _attempt(_by_pillow, data, image_format) is not None


def ffmpeg_reads(data: bytes, image_format: Format) -> bool:
    """Whether FFmpeg decodes the image, filling in nothing."""
    return _attempt(_by_ffmpeg, data, image_format) is not None


def decode_image(data: bytes, image_format: Format) -> Image.Image:
    """The picture by the first decoder that reads it, as it is stored. Raises
    ``ValueError`` where none does."""
    for decode in (_by_pillow, _by_ffmpeg):
        picture = _attempt(decode, data, image_format)
        if picture is not None:
            return picture
    raise ValueError("no decoder reads it")


def has_all_pixels(data: bytes) -> bool:
    """Whether a JPEG without its end marker lacks nothing else."""
    cut = data.rstrip(b"\0")
    if len(data) - len(cut) < _RESERVED:
        cut = data
    elif cut.endswith(b"\xff"):
        cut += b"\0"
    cut = cut.rstrip(b"\xff")
    first, second = (
        _attempt(_by_pillow, cut + filling * 256 + _END_OF_JPEG, JPEG)
        for filling in (b"\0", b"\xaa")
    )
    return first is not None and second is not None and first.tobytes() == second.tobytes()


def _attempt(
    decode: Callable[[bytes, Format], Image.Image], data: bytes, image_format: Format
) -> Image.Image | None:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return decode(data, image_format)
    except _FAILURES:
        return None


def _by_pillow(data: bytes, image_format: Format) -> Image.Image:
    image = Image.open(io.BytesIO(data), formats=(_PILLOW[image_format],))
    if image.width * image.height > MOST_PIXELS:
        raise ValueError("too many pixels")
    image.load()
    return image


def _by_ffmpeg(data: bytes, image_format: Format) -> Image.Image:
    codec: VideoCodecContext = av.CodecContext.create(_FFMPEG[image_format], "r")  # type: ignore[assignment]
    codec.options = {"err_detect": "explode", "max_pixels": str(MOST_PIXELS)}
    frames = [*codec.decode(av.Packet(data)), *codec.decode(None)]
    if not frames:
        raise ValueError("no picture came out")
    picture: Image.Image = frames[0].to_image()  # type: ignore[no-untyped-call]
    return picture
