"""Where the frames of an MP3 file lie: what stands before them, and behind.

What it may not do: decode, or take anything for sound that is none.

How it works: tags at the beginning are skipped by the length that they state. The
sound begins where several frames of one kind follow one another, each where the one
before ends: eleven bits of one header are soon found in any file, three headers in a
row are not. Where a tag states a wrong length, the search goes on from its own
beginning. Tags at the end are left out. Facts: ISO/IEC 11172-3 and 13818-3 (frame
headers), ID3v2.4, ID3v1, APEv2, Lyrics3.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import BinaryIO

_SEARCHED = 2**20
"""Bytes in which the first frame must begin, after the tags: a cover picture in a tag
of a wrong length is seldom bigger."""

_IN_A_ROW = 4
"""Frames that must follow one another, or fewer that reach the end of the file."""

_MOST_TAGS = 16
"""Tags one after another; broken taggers write a second one, seldom more."""
_KILOBITS = (
    (0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320),
    (0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160),
)
"""Of MPEG 1, and of MPEG 2 and 2.5."""

_RATES = {3: (44100, 48000, 32000), 2: (22050, 24000, 16000), 0: (11025, 12000, 8000)}
"""Samples a second by the version's two bits: MPEG 1, 2, 2.5."""

_LONGEST_FREE_FRAME = 5760
"""Bytes of a frame of free bit rate: 640 kbit/s at 16,000 samples a second."""


@dataclass(frozen=True, slots=True)
class Span:
    """The frames lie at bytes ``start`` to ``end``. ``free``: of a free bit rate, which
    few decoders read."""

    start: int
    end: int
    free: bool = False


def find_frames(file: BinaryIO, length: int) -> Span | None:
    """Where the frames of an open file of ``length`` bytes lie; ``None`` where there
    are none.

    Raises ``OSError`` where reading fails.
    """
    end = _end(file, length)
    after_tags = _after_tags(file, end)
    for start in dict.fromkeys((after_tags, 0)):
        file.seek(start)
        data = file.read(min(_SEARCHED + _LONGEST_FREE_FRAME * _IN_A_ROW, end - start))
        found = _first_frame(data, whole=start + len(data) == end)
        if found is not None:
            return Span(start + found, end)
    return _free_frames(file, after_tags, end)


def _after_tags(file: BinaryIO, end: int) -> int:
    offset = 0
    for _ in range(_MOST_TAGS):
        file.seek(offset)
        head = file.read(32)
        if head[:3] == b"ID3" and len(head) >= 10 and max(head[6:10]) < 0x80:
            size = sum(
                byte << shift for byte, shift in zip(head[6:10], (21, 14, 7, 0), strict=True)
            )
            size += 20 if head[5] & 0x10 else 10
        elif head[:8] == b"APETAGEX" and len(head) == 32:
            size = 32 + int.from_bytes(head[12:16], "little")
        else:
            break
        if offset + size > end:
            break
        offset += size
    return offset


def _first_frame(data: bytes, *, whole: bool) -> int | None:
    at = data.find(b"\xff")
    while 0 <= at < _SEARCHED:
        if _is_run(data, at, whole=whole):
            return at
        at = data.find(b"\xff", at + 1)
    return None


def _is_run(data: bytes, at: int, *, whole: bool) -> bool:
    """Whether frames of one kind follow one another from ``at`` on. ``whole``: the file
    ends with ``data``."""
    kind = None
    for number in range(_IN_A_ROW):
        if whole and number > 1 and at >= len(data):
            return True
        header = data[at : at + 4]
        found = _frame_length(header)
        if found is None or (kind is not None and kind != _kind(header)):
            return False
        kind = _kind(header)
        at += found
    return True


def _kind(header: bytes) -> tuple[int, int]:
    """What the frames of a file have in common: version, layer, sample rate."""
    return header[1] & 0xFE, header[2] & 0x0C


def _frame_length(header: bytes) -> int | None:
    """Bytes of the frame with this header; ``None`` where it is none of layer III with
    a stated bit rate."""
    parts = _parts(header)
    if parts is None:
        return None
    version, rate, bits = parts
    if bits in (0, 15):
        return None
    kilobits = _KILOBITS[0 if version == 3 else 1][bits]
    samples = 144_000 if version == 3 else 72_000
    return samples * kilobits // rate + (header[2] >> 1 & 1)


def _parts(header: bytes) -> tuple[int, int, int] | None:
    """Version, sample rate and the bits of the bit rate, of a header of layer III."""
    if len(header) < 4 or header[0] != 0xFF or header[1] & 0xE6 != 0xE2:
        return None
    version, rate = header[1] >> 3 & 3, header[2] >> 2 & 3
    if version == 1 or rate == 3:
        return None
    return version, _RATES[version][rate], header[2] >> 4


def _free_frames(file: BinaryIO, start: int, end: int) -> Span | None:
    """Frames of a free bit rate from ``start`` on: three headers at one distance (but
    for padding)."""
    file.seek(start)
    data = file.read(min(3 * _LONGEST_FREE_FRAME, end - start))
    parts = _parts(data[:4])
    if parts is None or parts[2] != 0:
        return None
    for distance in range(24, _LONGEST_FREE_FRAME):
        if all(
            any(_same_free(data, number * distance + slack) for slack in (-1, 0, 1, 2))
            for number in (1, 2)
        ):
            return Span(start, end, free=True)
    return None


def _same_free(data: bytes, at: int) -> bool:
    header = data[at : at + 4]
    parts = _parts(header)
    return parts is not None and parts[2] == 0 and _kind(header) == _kind(data[:4])


def _end(file: BinaryIO, length: int) -> int:
    """Where the tags begin that stand at the end of the file."""
    end = length
    for _ in range(_MOST_TAGS):
        begin = max(0, end - 128)
        file.seek(begin)
        tail = file.read(end - begin)
        size = _tag_at_end(tail)
        if not 0 < size < end:
            break
        end -= size
    return end


def _tag_at_end(tail: bytes) -> int:
    """Bytes of the tag that ends here; 0 for none."""
    if len(tail) == 128 and tail[:3] == b"TAG":
        return 128
    if tail[-32:-24] == b"APETAGEX":
        size, _, flags = struct.unpack_from("<III", tail, len(tail) - 20)
        return int(size) + (32 if flags & 0x80000000 else 0)
    if tail[-9:] in (b"LYRICS200", b"LYRICSEND") and tail[-15:-9].isdigit():
        return int(tail[-15:-9]) + 15
    if tail[-10:-7] == b"3DI" and max(tail[-4:]) < 0x80:
        return (
            sum(byte << shift for byte, shift in zip(tail[-4:], (21, 14, 7, 0), strict=True)) + 20
        )
    return 0
