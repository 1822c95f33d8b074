"""A video request as the emulator understands it, whichever dialect it came in.

What it may not do: I/O, know a wire format (``gateway`` and ``dashscope`` read those
into this value).

How it works: frozen values. A data URL's bytes are kept apart by their hash, so that a
request stays small; ``inline`` media name their hash and the type that they claimed.
``render_key`` is the hash of all that decides the pixels and the sound: equal keys,
equal bytes.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Literal

from wanbatch.emulator.tables import MediaType, Size
from wanbatch.words.canonical import content_hash

RENDER_VERSION = 2
"""To be raised with every change of the pictures, so that a store never serves a video
of the old kind for a new request."""

Delivery = Literal["inline", "stored", "uploaded", "foreign"]
"""How media came: a data URL, our own media route, our upload space, or an address that
the emulator never fetches."""


@dataclass(frozen=True, slots=True)
class Malformed:
    """A part of a request that the API refuses to read, and why."""

    message: str


@dataclass(frozen=True, slots=True)
class MediaReference:
    """One input. ``sha256`` is empty where the emulator has no bytes; ``claimed`` is
    the type that a data URL names; ``url`` is without inline bytes.
    """

    type: MediaType
    delivery: Delivery
    url: str
    sha256: str = ""
    claimed: str = ""


@dataclass(frozen=True, slots=True)
class VideoRequest:
    """What to make. ``seed`` is never absent here: where the client sent none, the
    emulator has drawn one."""

    model: str
    prompt: str
    negative_prompt: str
    media: tuple[MediaReference, ...]
    seconds: int
    size: Size
    seed: int
    prompt_extend: bool
    watermark: bool

    def of_type(self, media_type: MediaType) -> MediaReference | None:
        """The input of that type; there is at most one."""
        return next((m for m in self.media if m.type == media_type), None)


@dataclass(frozen=True, slots=True)
class Draft:
    """A request as read from the wire, before its media are taken in. ``media`` are
    (type, url); ``seed`` is ``None`` where none was sent."""

    model: str
    prompt: str
    negative_prompt: str
    media: tuple[tuple[MediaType, str], ...]
    seconds: int
    size: Size
    seed: int | None
    prompt_extend: bool
    watermark: bool


def render_key(request: VideoRequest) -> str:
    """64 hex digits over all that decides the video's bytes; the way media travelled is
    not among it."""
    return content_hash(
        {
            "version": RENDER_VERSION,
            "prompt": request.prompt,
            "negative_prompt": request.negative_prompt,
            "media": [[m.type, m.sha256] for m in request.media],
            "seconds": request.seconds,
            "size": request.size,
            "seed": request.seed,
            "prompt_extend": request.prompt_extend,
            "watermark": request.watermark,
        }
    )


def request_record(request: VideoRequest) -> dict[str, object]:
    """The request as plain JSON values, for the store."""
    return asdict(request)


def request_from_record(record: dict[str, object]) -> VideoRequest:
    """The inverse of ``request_record``; the store is our own, so a wrong shape is a
    bug and raises."""
    fields = dict(record)
    media = fields.pop("media")
    assert isinstance(media, (list, tuple))  # noqa: S101 - written by us
    return VideoRequest(media=tuple(MediaReference(**m) for m in media), **fields)  # type: ignore[arg-type]
