"""Where the sound of a WAV file lies, by its chunks.

What it may not do: decode, or believe a length that no file of this size can have.

How it works: programs that write into a pipe, and speech services, cannot know the
length when they write the header, and put a number in its place: 0, the largest, or a
round one. So a length beyond the file's end is no more than that, and the bytes that
are there count, unless it is one that a sound for the API could have: then the file was
cut. FFmpeg gets the chunk that says how the sound is coded and the bytes of sound,
under a header of our own. Facts: Microsoft's RIFF and ``WAVE`` chunks, EBU Tech 3306
(RF64).
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import BinaryIO

_MOST_CHUNKS = 4096
"""Far above real files (a dozen), far below what takes a second."""
_LONGEST_FORMAT = 4096
"""Bytes of a format chunk; the known ones have 16 to 50."""
_IN_DS64 = 0xFFFFFFFF
"""The length in a chunk of an RF64 file that says: it stands in the chunk ``ds64``."""

_SLOPPY = 64
"""Bytes: some programs count the header as sound, or a byte of padding."""

PLAUSIBLE_S = 60.0
"""A sound for the API lasts up to 30 s; twice that much may be meant for cutting."""

REMARKED_S = 3600.0
"""A length that is stated and not there is worth a word up to here; beyond, it was
never meant."""


@dataclass(frozen=True, slots=True)
class WavLayout:
    """The sound lies at bytes ``start`` to ``end``; ``missing`` of ``stated`` bytes are
    not there."""

    coding: bytes
    start: int
    end: int
    stated: int

    @property
    def missing(self) -> int:
        missing = self.stated - (self.end - self.start)
        return missing if missing > _SLOPPY else 0

    @property
    def stated_s(self) -> float:
        """Seconds that the stated length would play."""
        (rate,) = struct.unpack_from("<I", self.coding, 8)
        return float(self.stated / max(1, rate))

    @property
    def head(self) -> bytes:
        """A header for the bytes of sound that are there."""
        length = self.end - self.start
        coding = b"fmt " + struct.pack("<I", len(self.coding)) + self.coding
        coding += bytes(len(self.coding) % 2)
        body = b"WAVE" + coding + b"data" + struct.pack("<I", length)
        return b"RIFF" + struct.pack("<I", len(body) + length) + body


def read_layout(file: BinaryIO, length: int) -> WavLayout | None:
    """The layout of an open WAV or RF64 file of ``length`` bytes; ``None`` without a
    coding or sound.

    Raises ``OSError`` where reading fails.
    """
    coding, found, long = b"", (0, 0, 0), 0
    offset = 12
    for _ in range(_MOST_CHUNKS):
        file.seek(offset)
        head = file.read(8)
        if len(head) < 8 or (coding and found[0]):
            break
        kind, size = struct.unpack("<4sI", head)
        start = offset + 8
        if kind == b"fmt " and not coding:
            coding = file.read(min(size, _LONGEST_FORMAT))
        elif kind == b"ds64":
            long = int.from_bytes(file.read(16)[8:], "little")
        elif kind == b"data" and not found[0]:
            stated = long if size == _IN_DS64 and 0 < long < 2**63 else size
            end = start + stated if stated else length
            found = start, min(end, length), stated
            if end > length:
                break
        offset = start + size + size % 2
    if len(coding) < 14 or not found[0] or found[1] - found[0] > 0xFFFF0000:
        return None
    return WavLayout(coding, *found)
