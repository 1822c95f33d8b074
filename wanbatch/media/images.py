"""Images by their headers: pixels, transparency, and whether the file is whole.

What it may not do: decode. A header of a few bytes can promise an image that fills all memory; here it stays a promise, held against
the limits.

How it works: the four formats of the API's table say their size at known places. Decoders are not asked, because opening alone makes some
of them set up a canvas. Truncated files are found by the structure: a PNG must reach its IEND with every checksum right, a JPEG its end
marker, a WebP and a BMP the length that they state. Facts: RFC 2083 (PNG), ITU T.81 annex B (JPEG), RFC 9649 (WebP), the Windows
headers (BMP).
"""

from __future__ import annotations

import struct
import zlib
from io import BufferedReader

from wanbatch.media.files import file_length
from wanbatch.media.formats import BMP, HEAD, JPEG, PNG, WEBP, Format, sniff
from wanbatch.media.model import ImageFacts, Unreadable

LONGEST = 64 * 2**20
"""Longer files are judged by their first part alone: they are over every limit, and need not be read through."""

_JPEG_WITHOUT_LENGTH = frozenset({0x01, *range(0xD0, 0xD9)})
_JPEG_SIZES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
_CUT = "it is truncated: it ends in the middle of the image"


class _Damaged(Exception):
    pass


def read_image(file: BufferedReader) -> ImageFacts | Unreadable:
    """The facts of an open file. Raises ``OSError`` where reading fails."""
    length = file_length(file)
    file.seek(0)
    data = file.read(LONGEST)
    found = sniff(data[:HEAD])
    try:
        facts = _facts(found, data, whole=length == len(data))
    except _Damaged as error:
        return Unreadable("damaged", str(error))
    except (struct.error, IndexError):
        return Unreadable("damaged", _CUT)
    if facts is None:
        return Unreadable("format", found.name, found.help)
    if facts.width <= 0 or facts.height <= 0:
        return Unreadable("damaged", f"its header says {facts.width} x {facts.height} px")
    return facts


def _facts(found: Format, data: bytes, *, whole: bool) -> ImageFacts | None:
    if found is PNG:
        return _png(data, whole=whole)
    if found is JPEG:
        return _jpeg(data, whole=whole)
    if found is WEBP:
        return _webp(data, whole=whole)
    if found is BMP:
        return _bmp(data, whole=whole)
    return None


def _png(data: bytes, *, whole: bool) -> ImageFacts:
    length, kind, width, height, colour = struct.unpack_from(">I4sIIxB", data, 8)
    if (length, kind) != (13, b"IHDR"):
        raise _Damaged("it does not begin with its header")
    transparency = "an alpha channel" if colour in (4, 6) else ""
    offset = 8
    while kind != b"IEND":
        length, kind = struct.unpack_from(">I4s", data, offset)
        end = offset + 12 + length
        if end > len(data):
            if not whole:
                break
            raise _Damaged(_CUT)
        if zlib.crc32(memoryview(data)[offset + 4 : end - 4]) != int.from_bytes(
            data[end - 4 : end], "big"
        ):
            raise _Damaged(f"the checksum of its {_shown(kind)} chunk at byte {offset} is wrong")
        if kind == b"tRNS" and not transparency:
            transparency = "transparent colours (a tRNS chunk)"
        offset = end
    return ImageFacts(PNG.mime, width, height, transparency)


def _shown(kind: bytes) -> str:
    return kind.decode("ascii", "replace") if kind.isalnum() else "unknown"


def _jpeg(data: bytes, *, whole: bool) -> ImageFacts:
    """Follows the markers to the first frame header, which has the size, and on to the first scan."""
    size: tuple[int, int] | None = None
    offset = 2
    while True:
        if data[offset] != 0xFF:
            raise _Damaged(f"there is no marker at byte {offset}")
        marker = data[offset + 1]
        if marker == 0xFF:
            offset += 1
            continue
        if marker in _JPEG_WITHOUT_LENGTH:
            offset += 2
            continue
        if marker == 0xD9:
            raise _Damaged("it ends before the image begins")
        (length,) = struct.unpack_from(">H", data, offset + 2)
        if marker in _JPEG_SIZES and size is None:
            height, width = struct.unpack_from(">HH", data, offset + 5)
            size = width, height
        offset += 2 + max(2, length)
        if marker == 0xDA:
            break
    if size is None:
        raise _Damaged("it has no frame header")
    if whole and data.rfind(b"\xff\xd9", offset) < 0:
        raise _Damaged(_CUT)
    return ImageFacts(JPEG.mime, *size)


def _webp(data: bytes, *, whole: bool) -> ImageFacts:
    (stated,) = struct.unpack_from("<I", data, 4)
    if whole and stated + 8 > len(data):
        raise _Damaged(_CUT)
    kind = data[12:16]
    if kind == b"VP8X":
        flags = data[20]
        width, height = (1 + int.from_bytes(data[at : at + 3], "little") for at in (24, 27))
        return ImageFacts(WEBP.mime, width, height, "an alpha channel" if flags & 0x10 else "")
    if kind == b"VP8L":
        (bits,) = struct.unpack_from("<I", data, 21)
        return ImageFacts(
            WEBP.mime,
            1 + (bits & 0x3FFF),
            1 + (bits >> 14 & 0x3FFF),
            "an alpha channel" if bits >> 28 & 1 else "",
        )
    if kind == b"VP8 " and data[23:26] == b"\x9d\x01\x2a":
        width, height = struct.unpack_from("<HH", data, 26)
        return ImageFacts(WEBP.mime, width & 0x3FFF, height & 0x3FFF)
    raise _Damaged("its first chunk holds no image")


def _bmp(data: bytes, *, whole: bool) -> ImageFacts:
    start, header = struct.unpack_from("<II", data, 10)
    if header == 12:
        width, height, bits = struct.unpack_from("<HH2xH", data, 18)
        compression = 0
    elif header >= 40:
        width, height, bits, compression = struct.unpack_from("<ii2xHI", data, 18)
    else:
        raise _Damaged("its header is of an unknown kind")
    height = abs(height)
    rows = (width * bits + 31) // 32 * 4 * height
    if whole and compression in (0, 3) and start + rows > len(data):
        raise _Damaged(_CUT)
    return ImageFacts(BMP.mime, width, height)
