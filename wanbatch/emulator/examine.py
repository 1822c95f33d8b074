"""Media against the limits that Model Studio documents, as the upstream would judge them after the submit.

What it may not do: fetch, read files, trust a name or a claimed type.

How it works: pictures by Pillow's header reading, sound and clips by PyAV. A verdict is ``None`` or a ``Fault`` with an upstream code. This
is the emulator's own reading of the limits, on purpose not the one that ``wanbatch.media`` applies before sending.
"""

from __future__ import annotations

import io
import warnings
from dataclasses import dataclass

import av
from PIL import Image

from wanbatch.emulator.animatic import IMAGE_FORMATS
from wanbatch.manifest.model import MediaType

MB = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Fault:
    """Why a task fails: an upstream code and a message."""

    code: str
    message: str


def examine(media_type: MediaType, data: bytes, claimed: str = "") -> Fault | None:
    """The first limit that these bytes break, or ``None``. ``claimed`` is the media type of a data URL."""
    if media_type in ("first_frame", "last_frame"):
        return _examine_image(media_type, data, claimed)
    if media_type == "driving_audio":
        return _examine_audio(data)
    return _examine_clip(data)


def _examine_image(media_type: MediaType, data: bytes, claimed: str) -> Fault | None:
    if len(data) > 20 * MB:
        return Fault("InvalidFile.Size", f"{media_type} must not be larger than 20MB")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            image = Image.open(io.BytesIO(data), formats=IMAGE_FORMATS)
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError):
        return Fault(
            "InvalidImage.FileFormat",
            f"{media_type} is not a readable JPEG, PNG, BMP or WEBP image",
        )
    real = Image.MIME.get(image.format or "", "")
    if claimed and claimed.replace("/jpg", "/jpeg") != real:
        return Fault(
            "InvalidParameter", f"{media_type}: the data URL says {claimed}, its content is {real}"
        )
    if image.format == "PNG" and ("A" in image.getbands() or "transparency" in image.info):
        return Fault("InvalidImage.FileFormat", f"{media_type} has an alpha channel")
    return _examine_sides(media_type, image.width, image.height, 8000)


def _examine_sides(media_type: MediaType, width: int, height: int, longest: int) -> Fault | None:
    if not (240 <= width <= longest and 240 <= height <= longest):
        return Fault(
            "InvalidFile.Resolution",
            f"{media_type}: each side must be 240 to {longest} pixels, it is {width}x{height}",
        )
    if width > 8 * height or height > 8 * width:
        return Fault(
            "InvalidFile.AspectRatio",
            f"{media_type}: the aspect ratio must be between 1:8 and 8:1, it is {width}x{height}",
        )
    return None


def _examine_audio(data: bytes) -> Fault | None:
    if len(data) > 15 * MB:
        return Fault("InvalidFile.Size", "driving_audio must not be larger than 15MB")
    try:
        with av.open(io.BytesIO(data), "r") as container:
            known = container.format.name in ("wav", "mp3") and bool(container.streams.audio)
            seconds = (container.duration or 0) / 1_000_000
    except (av.error.FFmpegError, ValueError):
        return Fault("InvalidFile.Format", "driving_audio cannot be opened")
    if not known:
        return Fault("InvalidFile.Format", "driving_audio must be wav or mp3")
    if not 2 <= seconds <= 30:
        return Fault(
            "InvalidFile.Duration",
            f"driving_audio must last 2 to 30 seconds, it lasts {seconds:.2f}",
        )
    return None


def _examine_clip(data: bytes) -> Fault | None:
    if len(data) > 100 * MB:
        return Fault("InvalidFile.Size", "first_clip must not be larger than 100MB")
    try:
        with av.open(io.BytesIO(data), "r") as container:
            known = "mp4" in container.format.name and bool(container.streams.video)
            seconds = (container.duration or 0) / 1_000_000
            width, height = (
                (container.streams.video[0].width, container.streams.video[0].height)
                if known
                else (0, 0)
            )
    except (av.error.FFmpegError, ValueError):
        return Fault("InvalidFile.Openerror", "first_clip cannot be opened")
    if not known:
        return Fault("InvalidFile.Format", "first_clip must be mp4 or mov")
    if not 2 <= seconds <= 10:
        return Fault(
            "InvalidFile.Duration", f"first_clip must last 2 to 10 seconds, it lasts {seconds:.2f}"
        )
    return _examine_sides("first_clip", width, height, 4096)


def clip_length(data: bytes) -> float:
    """The length of a clip that has passed, in seconds to two decimals."""
    with av.open(io.BytesIO(data), "r") as container:
        return round((container.duration or 0) / 1_000_000, 2)
