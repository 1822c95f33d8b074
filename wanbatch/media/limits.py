"""What the API takes: the table of media limits, as data.

What it may not do: check anything.

How it works: one row per kind of media. Source: Alibaba Cloud Model Studio, API
reference of wan2.7-i2v, ``input.media`` (November 2026). It does not say whether its MB
are decimal; the larger reading is taken, because what the API then refuses costs
nothing, and what we refused wrongly could not be made at all.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from wanbatch.media.formats import BMP, JPEG, MOV, MP3, MP4, PNG, WAV, WEBP, Format
from wanbatch.model.job import MediaType

Kind = Literal["image", "audio", "clip"]

KINDS: Mapping[MediaType, Kind] = {
    "first_frame": "image",
    "last_frame": "image",
    "driving_audio": "audio",
    "first_clip": "clip",
}

MEGABYTE = 2**20
"""The documentation says MB; binary is the wider reading, so that nothing is refused
here that the API takes."""
LONGEST_SIDE_RATIO = 8
"""The aspect ratio lies between 1:8 and 8:1."""

EXPIRES_SOON_S = 3600.0
"""A signed URL must outlive the wait in our queue and in the API's, which fetches media
when it begins to work."""


@dataclass(frozen=True, slots=True)
class Limits:
    """``sides`` in pixels and ``seconds`` are from and to, both allowed; (0, 0) where
    there is no such limit. ``megabytes`` is the most."""

    formats: tuple[Format, ...]
    formats_shown: str
    megabytes: int
    sides: tuple[int, int] = (0, 0)
    seconds: tuple[int, int] = (0, 0)


LIMITS: Mapping[Kind, Limits] = {
    "image": Limits(
        (JPEG, PNG, BMP, WEBP), "JPEG, PNG, BMP or WebP", megabytes=20, sides=(240, 8000)
    ),
    "audio": Limits((WAV, MP3), "WAV or MP3", megabytes=15, seconds=(2, 30)),
    "clip": Limits((MP4, MOV), "MP4 or MOV", megabytes=100, sides=(240, 4096), seconds=(2, 10)),
}
