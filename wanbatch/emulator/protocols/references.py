"""What a media URL is: inline bytes, our own media, an upload, an address of someone
else, or nothing that the API takes.

What it may not do: fetch anything, ever; judge content (``examine`` does, later, as the
upstream would).

How it works: pure reading of the text. ``data:`` is for images alone (docs). Our own
addresses are known by a loopback host and their path, whatever the port, because a
store outlives its port.
"""

from __future__ import annotations

import base64
import binascii
import re
from dataclasses import dataclass
from urllib.parse import urlsplit

from wanbatch.emulator.request import Delivery, Malformed
from wanbatch.emulator.settings import is_loopback
from wanbatch.emulator.tables import MediaType

IMAGE_TYPES = frozenset({"image/png", "image/jpeg", "image/jpg", "image/bmp", "image/webp"})
_DATA = re.compile(r"data:([a-z0-9.+/-]+);base64,", re.IGNORECASE)
_MEDIA_PATH = re.compile(r"/media/([0-9a-f]{64})")


@dataclass(frozen=True, slots=True)
class Found:
    """A URL that may be sent. ``data`` and ``claimed`` for inline media, ``sha256`` for
    those stored here, ``key`` for uploads."""

    delivery: Delivery
    url: str
    data: bytes = b""
    claimed: str = ""
    sha256: str = ""


def read_url(media_type: MediaType, url: str) -> Found | Malformed:
    """What ``url`` is, or why it is refused."""
    if url[:5].lower() == "data:":
        return _read_inline(media_type, url)
    try:
        parts = urlsplit(url)
        host = parts.hostname or ""
    except ValueError:
        return Malformed(f"{media_type}: the url cannot be read")
    if not url.isprintable() or (" " in url and parts.scheme != "oss"):
        return Malformed(f"{media_type}: the url holds white space or control characters")
    if parts.scheme == "oss" and host:
        return Found("uploaded", url)
    if parts.scheme not in ("http", "https") or not host:
        return Malformed(
            f"{media_type}: the url must begin with http://, https://, oss:// or, for an image,"
            " data:"
        )
    ours = _MEDIA_PATH.fullmatch(parts.path) if is_loopback(host) else None
    return Found("stored", url, sha256=ours[1]) if ours else Found("foreign", url)


def _read_inline(media_type: MediaType, url: str) -> Found | Malformed:
    if media_type not in ("first_frame", "last_frame"):
        return Malformed(f"{media_type}: a data: URL is accepted for images only")
    head = _DATA.match(url)
    if head is None or head[1].lower() not in IMAGE_TYPES:
        return Malformed(
            f"{media_type}: a data: URL must begin with data:image/png;base64, (or jpeg, bmp, webp)"
        )
    try:
        data = base64.b64decode(url[head.end() :], validate=True)
    except (binascii.Error, ValueError):
        return Malformed(f"{media_type}: the data: URL is not valid base64")
    if not data:
        return Malformed(f"{media_type}: the data: URL is empty")
    return Found("inline", head[0], data=data, claimed=head[1].lower())
