"""Bytes that do not belong to a media file and stand before or behind it, in words.

What it may not do: read files, or decide whether they matter.

How it works: servers, editors and scripts leave line ends, zeros and byte order marks,
which are easy to name and tell where they came from.
"""

from __future__ import annotations

SHOWN = 64
"""As many bytes are looked at; what is left over is seldom more."""

_BLANKS = b"\0\t\n\r \xef\xbb\xbf"


def stand(count: int, sample: bytes) -> str:
    """``2 bytes (a line end) stand``: ``count`` of them, which begin with
    ``sample``."""
    what = _described(sample)
    return (
        f"{count} byte{'' if count == 1 else 's'}{f' ({what})' if what else ''}"
        f" stand{'s' if count == 1 else ''}"
    )


def blanks_before(head: bytes, mark: bytes, lead: int = 0) -> int:
    """How many bytes stand before what belongs, in a file that begins with ``head``: it
    begins ``lead`` bytes before ``mark``.

    0 where they are anything but blanks, zeros or a byte order mark.
    """
    at = head.find(mark) - lead
    return at if 0 < at <= SHOWN and not head[:at].strip(_BLANKS) else 0


def _described(data: bytes) -> str:
    if not data.strip(b"\r\n"):
        return "line ends" if data.count(b"\n") > 1 else "a line end"
    if not data.strip(b"\0"):
        return "zeros" if len(data) > 1 else "a zero"
    if data == b"\xef\xbb\xbf":
        return "a byte order mark"
    text = data.decode("utf-8", "ignore")
    return (
        "text"
        if len(text) * 2 > len(data) and all(c.isprintable() or c in "\r\n\t" for c in text)
        else ""
    )
