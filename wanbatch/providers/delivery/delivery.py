"""How media reach a backend: what a plan must know beforehand, and the ``data:`` URL.

What it may not do: use the network (``backend``, ``bucket`` and ``upload_space`` do),
or judge whether a file is good media.

How it works: ``check_delivery`` answers from the profile and the kind of source alone,
so that a job which could never be sent is an error of the plan. Only images may travel
inline: the API takes ``data:`` URLs for nothing else.
"""

from __future__ import annotations

import base64
import hashlib
from dataclasses import dataclass, field
from pathlib import Path

from wanbatch.model.job import MediaType
from wanbatch.model.outcomes import Undeliverable
from wanbatch.model.plan import MediaRef
from wanbatch.model.regions import dashscope_region
from wanbatch.model.wire import Profile

INLINE_LIMIT_BYTES = 64 * 1024 * 1024
"""Of all inline media of one request, encoded: well below the 128 MB that a gateway
reads."""

_IMAGES: frozenset[MediaType] = frozenset({"first_frame", "last_frame"})
_WAYS_OUT = (
    'give this backend\'s profile a bucket (media = { way = "s3", … }), '
    'with DashScope its upload space (media = "upload"), or put the file at a public https address'
)


def check_delivery(profile: Profile, ref: MediaRef) -> Undeliverable | None:
    """Why this backend can never be given ``ref``, with the ways out, or ``None`` where
    it can."""
    way = profile.delivery.way
    if ref.url or way in ("s3", "emulator"):
        return None
    if way == "upload":
        return _check_upload(profile)
    if ref.type in _IMAGES:
        return None
    if ref.upstream:
        why = "its own link needs the key, and only images travel inline"
        return Undeliverable(
            f"the video of {ref.source} cannot reach backend {profile.name!r}: {why}", (_WAYS_OUT,)
        )
    return Undeliverable(
        f"{ref.source} cannot reach backend {profile.name!r}: only images travel inline, a"
        f" {ref.type} does not",
        (_WAYS_OUT,),
    )


def _check_upload(profile: Profile) -> Undeliverable | None:
    if profile.kind != "dashscope":
        return Undeliverable(
            f"backend {profile.name!r} has no upload space", (f"only DashScope does: {_WAYS_OUT}",)
        )
    if dashscope_region(profile.base_url) == "intl":
        return Undeliverable(
            f"backend {profile.name!r} has no upload space: DashScope's is in Beijing only",
            (_WAYS_OUT,),
        )
    return None


def real_mime(head: bytes) -> str:
    """The MIME type that the first bytes of a file show; the API requires that of the
    real format, whatever the file is called."""
    for magic, mime in (
        (b"\x89PNG\r\n\x1a\n", "image/png"),
        (b"\xff\xd8\xff", "image/jpeg"),
        (b"BM", "image/bmp"),
        (b"ID3", "audio/mpeg"),
    ):
        if head.startswith(magic):
            return mime
    if head[:4] == b"RIFF":
        return {b"WEBP": "image/webp", b"WAVE": "audio/wav"}.get(
            head[8:12], "application/octet-stream"
        )
    if head[4:8] == b"ftyp":
        return "video/quicktime" if head[8:12] == b"qt  " else "video/mp4"
    if len(head) > 1 and head[0] == 0xFF and head[1] & 0xE0 == 0xE0:
        return "audio/mpeg"
    return "application/octet-stream"


@dataclass(frozen=True, slots=True)
class Uploaded:
    """Where a file stands now, and for how many seconds the provider can read it
    there."""

    url: str = field(repr=False)
    kept_s: float


@dataclass(frozen=True, slots=True)
class MediaFile:
    """A local file as it is now: its bytes, their SHA-256, the MIME type of their real
    format."""

    content: bytes
    sha256: str
    mime: str


def read_media(path: Path) -> MediaFile:
    """Blocks. Raises ``OSError``."""
    content = path.read_bytes()
    return MediaFile(content, hashlib.sha256(content).hexdigest(), real_mime(content[:16]))


def as_data_url(content: bytes, mime: str) -> str:
    return f"data:{mime};base64,{base64.b64encode(content).decode('ascii')}"
