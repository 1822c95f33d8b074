"""Media against the limits that Model Studio documents, as the upstream would judge
them after the submit.

What it may not do: fetch, read files, trust a name or a claimed type.

How it works: what a file is says the same reading that the checks use before sending
(``wanbatch.media``): one file has one length and one size in this project. The limits,
their order and the codes are the emulator's own reading of the protocol, on purpose not
the one that the checks apply. A verdict is ``None`` or a ``Fault`` with an upstream
code.
"""

from __future__ import annotations

import io
from dataclasses import dataclass

from wanbatch.emulator.tables import MediaType
from wanbatch.media.probe import read_audio, read_clip, read_image
from wanbatch.model.media import ClipFacts, UnreadableFile

MB = 1024 * 1024
"""The documentation says MB; binary is the wider reading, and ``media.limits`` has the
same."""


@dataclass(frozen=True, slots=True)
class Fault:
    """Why a task fails: an upstream code and a message."""

    code: str
    message: str


def examine(media_type: MediaType, data: bytes, claimed: str = "") -> Fault | None:
    """The first limit that these bytes break, or ``None``. ``claimed`` is the media
    type of a data URL."""
    if media_type in ("first_frame", "last_frame"):
        return _examine_image(media_type, data, claimed)
    if media_type == "driving_audio":
        return _examine_audio(data)
    return _examine_clip(data)


def _examine_image(media_type: MediaType, data: bytes, claimed: str) -> Fault | None:
    if len(data) > 20 * MB:
        return Fault("InvalidFile.Size", f"{media_type} must not be larger than 20MB")
    facts = read_image(io.BytesIO(data))
    if isinstance(facts, UnreadableFile):
        return Fault(
            "InvalidImage.FileFormat",
            f"{media_type} is not a readable JPEG, PNG, BMP or WEBP image: {facts.text}",
        )
    if claimed and claimed.replace("/jpg", "/jpeg") != facts.mime:
        return Fault(
            "InvalidParameter",
            f"{media_type}: the data URL says {claimed}, its content is {facts.mime}",
        )
    if facts.mime == "image/png" and facts.transparency:
        return Fault("InvalidImage.FileFormat", f"{media_type} has an alpha channel")
    return _examine_sides(media_type, facts.width, facts.height, 8000)


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
    facts = read_audio(io.BytesIO(data))
    if isinstance(facts, UnreadableFile):
        return Fault(
            "InvalidFile.Format", f"driving_audio must be a readable wav or mp3: {facts.text}"
        )
    if not 2 <= facts.seconds <= 30:
        return Fault(
            "InvalidFile.Duration",
            f"driving_audio must last 2 to 30 seconds, it lasts {facts.seconds:.2f}",
        )
    return None


def _examine_clip(data: bytes) -> Fault | None:
    if len(data) > 100 * MB:
        return Fault("InvalidFile.Size", "first_clip must not be larger than 100MB")
    facts = read_clip(io.BytesIO(data))
    if isinstance(facts, UnreadableFile):
        if facts.kind == "format" and "a text file" in facts.problem:
            return Fault("InvalidFile.Openerror", "first_clip cannot be opened")
        return Fault(
            "InvalidFile.Format", f"first_clip must be a readable mp4 or mov: {facts.text}"
        )
    if not 2 <= facts.seconds <= 10:
        return Fault(
            "InvalidFile.Duration",
            f"first_clip must last 2 to 10 seconds, it lasts {facts.seconds:.2f}",
        )
    return _examine_sides("first_clip", facts.width, facts.height, 4096)


def clip_length(data: bytes) -> float:
    """The length of a clip that has passed, in seconds to two decimals."""
    facts = read_clip(io.BytesIO(data))
    return round(facts.seconds, 2) if isinstance(facts, ClipFacts) else 0.0
