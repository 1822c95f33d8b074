"""What the headers of the API's four image formats say, and what is odd about the file.

What it may not do: decode, or open files. A header of a few bytes can promise an image
that fills all memory; here it stays a promise.

How it works: the formats say their size at known places. A file that ends in the middle
of something is cut, and that is an error; whatever else breaks a rule of the format (a
checksum, bytes between markers, no end marker) is an oddity, which decoders may let
pass or not. Facts: RFC 2083 (PNG), ITU T.81 annex B (JPEG), RFC 9649 (WebP), the
Windows headers (BMP).
"""

from __future__ import annotations

import re
import struct
import zlib
from dataclasses import dataclass

from wanbatch.media.formats import BMP, JPEG, PNG, WEBP, Format
from wanbatch.media.turning import read_orientation

CUT = "it is truncated: it ends in the middle of the image"

_MARKER = re.compile(rb"\xff([^\x00\xff])")
"""The last of any fill bytes and the marker's own byte: found in one pass over whatever
stands between."""

_JPEG_WITHOUT_LENGTH = frozenset({0x01, *range(0xD0, 0xD9)})
_JPEG_SIZES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
_JPEG_COMMON = frozenset({0xC0, 0xC1, 0xC2})
"""Baseline, extended and progressive: what every decoder takes."""

_MOST_MARKERS = 10_000
"""Far above real files (some dozens), far below what takes a second."""
_MOST_CHUNKS = 100_000
"""A PNG of the largest size that the API takes, in chunks of 200 bytes."""
_PNG_LENGTHS = {b"pHYs": 9, b"gAMA": 4, b"cHRM": 32, b"sRGB": 1, b"tIME": 7}
_LONGEST_PROFILE = 4 * 2**20
"""Bytes of a colour profile, unpacked; the large ones, of printers, have two
million."""
_BMP_BITS = frozenset({1, 4, 8, 16, 24, 32})


class Damaged(Exception):
    """The file is no such image; the text says why. Goes no further than ``images``."""


@dataclass(slots=True)
class Header:
    """Sides as stored. ``oddity`` is a clause about "it", the first that was found;
    ``unended``: a JPEG without its end marker."""

    format: Format
    width: int = 0
    height: int = 0
    transparency: str = ""
    orientation: int = 1
    oddity: str = ""
    unended: bool = False

    def note(self, oddity: str) -> None:
        self.oddity = self.oddity or oddity


def read_header(image_format: Format, data: bytes, *, whole: bool) -> Header | None:
    """The header of an image that is, or (not ``whole``) begins with, ``data``;
    ``None`` for other formats.

    Raises ``Damaged``.
    """
    readers = {PNG: _png, JPEG: _jpeg, WEBP: _webp, BMP: _bmp}
    if image_format not in readers:
        return None
    try:
        return readers[image_format](data, whole=whole)
    except (struct.error, IndexError):
        raise Damaged(CUT) from None


def _png(data: bytes, *, whole: bool) -> Header:
    length, kind, width, height, colour = struct.unpack_from(">I4sIIxB", data, 8)
    if (length, kind) != (13, b"IHDR"):
        raise Damaged("it does not begin with its header")
    header = Header(PNG, width, height, "an alpha channel" if colour in (4, 6) else "")
    offset = 8
    for _ in range(_MOST_CHUNKS):
        if kind == b"IEND" or (not whole and offset + 8 > len(data)):
            return header
        if offset == len(data):
            header.note("its end (the IEND chunk) is missing")
            return header
        length, kind = struct.unpack_from(">I4s", data, offset)
        end = offset + 12 + length
        if end > len(data):
            if not whole:
                return header
            raise Damaged(CUT)
        _png_chunk(header, data, kind, offset, end)
        offset = end
    raise Damaged(f"it has more than {_MOST_CHUNKS} chunks")


def _png_chunk(header: Header, data: bytes, kind: bytes, offset: int, end: int) -> None:
    checked = zlib.crc32(memoryview(data)[offset + 4 : end - 4])
    if checked != int.from_bytes(data[end - 4 : end], "big"):
        header.note(f"the checksum of its {_shown(kind)} chunk at byte {offset} is wrong")
    if kind == b"tRNS" and not header.transparency:
        header.transparency = "transparent colours (a tRNS chunk)"
    if kind == b"eXIf":
        header.orientation = read_orientation(data[offset + 8 : end - 4])
    if _is_odd_chunk(kind, data[offset + 8 : end - 4] if kind[:1].islower() else b""):
        header.note(f"its {_shown(kind)} chunk at byte {offset} is not as it should be")


def _is_odd_chunk(kind: bytes, content: bytes) -> bool:
    """Whether a chunk that says something about the picture does not hold what it must;
    decoders differ about it."""
    if kind in _PNG_LENGTHS:
        return len(content) != _PNG_LENGTHS[kind]
    if kind == b"eXIf":
        return content[:4] not in (b"II*\0", b"MM\0*") or len(content) < 14
    if kind == b"iCCP":
        try:
            profile = zlib.decompressobj()
            profile.decompress(content[content.index(b"\0") + 2 :], _LONGEST_PROFILE)
        except (zlib.error, ValueError):
            return True
        return not profile.eof
    return False


def _shown(kind: bytes) -> str:
    return kind.decode("ascii", "replace") if kind.isalnum() else "unknown"


def _jpeg(data: bytes, *, whole: bool) -> Header:
    """Follows the markers to the first frame header, which has the size, and on to the
    first scan."""
    header = Header(JPEG)
    offset, seen_exif = 2, False
    for _ in range(_MOST_MARKERS):
        found = _MARKER.search(data, offset)
        if found is None:
            raise Damaged(CUT)
        marker = found[1][0]
        if data[offset] != 0xFF:
            header.note(f"there is no marker at byte {offset}")
        offset = found.end()
        if marker == 0xD9:
            raise Damaged("it ends before the image begins")
        if marker in _JPEG_WITHOUT_LENGTH:
            if marker == 0xD8:
                header.note("it begins twice")
            continue
        (length,) = struct.unpack_from(">H", data, offset)
        if marker in _JPEG_SIZES and not header.width:
            _jpeg_frame(header, data, marker, offset)
        if marker == 0xE1 and not seen_exif and data[offset + 2 : offset + 8] == b"Exif\0\0":
            header.orientation = read_orientation(data[offset + 2 : offset + length])
            seen_exif = True
        offset += max(2, length)
        if marker == 0xDA:
            break
    if not header.width:
        raise Damaged("it has no frame header")
    if whole and data.rfind(b"\xff\xd9", offset) < 0:
        header.unended = True
        header.note("its end marker is missing")
    return header


def _jpeg_frame(header: Header, data: bytes, marker: int, offset: int) -> None:
    bits, header.height, header.width = struct.unpack_from(">BHH", data, offset + 2)
    if marker not in _JPEG_COMMON or bits != 8:
        header.note("it is a JPEG of a rare kind")


def _webp(data: bytes, *, whole: bool) -> Header:
    (stated,) = struct.unpack_from("<I", data, 4)
    if whole and stated + 8 > len(data):
        raise Damaged(CUT)
    header = _webp_first(data)
    offset = 12
    for _ in range(_MOST_CHUNKS):
        if offset + 8 > len(data):
            break
        kind, size = struct.unpack_from("<4sI", data, offset)
        end = offset + 8 + size
        if kind in (b"VP8 ", b"VP8L") and end + size % 2 > stated + 8:
            header.note("the length in its header is too small")
        if kind == b"EXIF" and end <= len(data):
            header.orientation = read_orientation(data[offset + 8 : end])
        offset = end + size % 2
    return header


def _webp_first(data: bytes) -> Header:
    kind = data[12:16]
    if kind == b"VP8X":
        flags = data[20]
        width, height = (1 + int.from_bytes(data[at : at + 3], "little") for at in (24, 27))
        header = Header(WEBP, width, height, "an alpha channel" if flags & 0x10 else "")
        if flags & 0x02:
            header.note("it is an animation")
        return header
    if kind == b"VP8L":
        (bits,) = struct.unpack_from("<I", data, 21)
        alpha = "an alpha channel" if bits >> 28 & 1 else ""
        return Header(WEBP, 1 + (bits & 0x3FFF), 1 + (bits >> 14 & 0x3FFF), alpha)
    if kind == b"VP8 " and data[23:26] == b"\x9d\x01\x2a":
        width, height = struct.unpack_from("<HH", data, 26)
        return Header(WEBP, width & 0x3FFF, height & 0x3FFF)
    raise Damaged("its first chunk holds no image")


def _bmp(data: bytes, *, whole: bool) -> Header:
    length, start, kind = struct.unpack_from("<I4xII", data, 2)
    compression = 0
    if kind == 12:
        width, height, bits = struct.unpack_from("<HH2xH", data, 18)
    elif kind == 16:
        width, height, bits = struct.unpack_from("<ii2xH", data, 18)
    elif kind >= 40:
        width, height, bits, compression = struct.unpack_from("<ii2xHI", data, 18)
    else:
        raise Damaged("its header is of an unknown kind")
    header = Header(BMP, width, abs(height))
    rows = (width * bits + 31) // 32 * 4 * abs(height)
    if whole and compression in (0, 3) and start + rows > len(data):
        raise Damaged(CUT)
    if length < start or start < 14 + kind:
        header.note("the lengths in its header are wrong")
    if kind in (12, 16, 64) or compression not in (0, 3) or bits not in _BMP_BITS:
        header.note("it is a BMP of a rare kind")
    return header
