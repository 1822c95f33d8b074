"""The pieces of a fragmented MP4: where their samples end, how long they play, and
whether more should come.

What it may not do: read media data, or judge a file that states nothing: one that was
cut between two pieces, and never said how much was to come, looks whole; the caller
learns that it is fragmented.

How it works: each run of samples (``trun``) is added up, with the defaults of its
fragment (``tfhd``) and its track (``trex``) for what it leaves out. An index (``sidx``)
names the bytes of the pieces that follow it. Facts: ISO/IEC 14496-12 (``moof``,
``mehd``, ``sidx``).
"""

from __future__ import annotations

import struct
from collections import Counter
from dataclasses import dataclass, field

from wanbatch.media.boxes import Box, Broken, children

_MOST_SAMPLES = 1_000_000
"""Of all fragments together: four hours of picture and sound. FFmpeg makes room for
each."""

_HAS_OFFSET, _HAS_FLAGS, _HAS_DURATION, _HAS_SIZE = 0x1, 0x4, 0x100, 0x200
"""Flags of a ``trun`` box (ISO 14496-12)."""
_PER_SAMPLE = (_HAS_DURATION, _HAS_SIZE, 0x400, 0x800)
_BASE, _DESCRIPTION, _DURATION, _SIZE, _FROM_MOOF = 0x1, 0x2, 0x8, 0x10, 0x020000
"""Flags of a ``tfhd`` box (ISO 14496-12)."""


@dataclass(slots=True)
class Pieces:
    """The sum of all fragments: ``ticks`` by track, in the track's own timescale."""

    length: int
    defaults: dict[int, tuple[int, int]]
    ticks: Counter[int] = field(default_factory=Counter)
    samples: int = 0

    def add(self, data: bytes, moof: Box) -> None:
        """Adds a ``moof`` box with the content ``data``. Raises ``Broken`` where its
        samples are not in the file."""
        end = moof.at
        try:
            for box in children(data, 0, len(data)):
                if box.type == "traf":
                    end = self._add_track(data, box, moof.at, end)
        except struct.error:
            raise Broken("a fragment's table is cut short") from None

    def _add_track(self, data: bytes, track: Box, moof_at: int, previous_end: int) -> int:
        """Returns where the samples of this track end in the file."""
        run = _Run(base=previous_end)
        for box in children(data, track.start, track.end):
            if box.type == "tfhd":
                run = _header(data, box, moof_at, previous_end, self.defaults)
            elif box.type == "trun":
                count, ticks = run.add(data, box)
                self.samples += count
                if self.samples > min(self.length, _MOST_SAMPLES):
                    raise Broken("its fragments claim more samples than the file holds")
                if run.end > self.length:
                    raise Broken(
                        f"it is truncated: a sample ends at byte {run.end}, "
                        f"the file at byte {self.length}"
                    )
                self.ticks[run.track] += ticks
        return run.end


@dataclass(slots=True)
class _Run:
    """What the samples of one fragment of one track have in common; ``end`` is where
    the last run ended."""

    base: int
    track: int = 0
    duration: int = 0
    size: int = 0
    end: int = 0

    def __post_init__(self) -> None:
        self.end = self.base

    def add(self, data: bytes, box: Box) -> tuple[int, int]:
        """Adds a ``trun`` box; returns its samples and their ticks."""
        flags, count = struct.unpack_from(">II", data, box.start)
        at = box.start + 8
        if flags & _HAS_OFFSET:
            (offset,) = struct.unpack_from(">i", data, at)
            self.end = self.base + offset
            at += 4
        at += 4 if flags & _HAS_FLAGS else 0
        columns = [flag for flag in _PER_SAMPLE if flags & flag]
        if at + 4 * len(columns) * count > box.end:
            raise struct.error
        if count > _MOST_SAMPLES:
            return count, 0
        values = struct.unpack_from(f">{len(columns) * count}I", data, at)
        self.end += _sum(values, columns, _HAS_SIZE, count * self.size)
        return count, _sum(values, columns, _HAS_DURATION, count * self.duration)


def _sum(values: tuple[int, ...], columns: list[int], column: int, otherwise: int) -> int:
    if column not in columns:
        return otherwise
    return sum(values[columns.index(column) :: len(columns)])


def _header(
    data: bytes, box: Box, moof_at: int, previous_end: int, defaults: dict[int, tuple[int, int]]
) -> _Run:
    flags, track = struct.unpack_from(">II", data, box.start)
    at = box.start + 8
    base = moof_at if flags & _FROM_MOOF else previous_end
    if flags & _BASE:
        (base,) = struct.unpack_from(">Q", data, at)
        at += 8
    at += 4 if flags & _DESCRIPTION else 0
    duration, size = defaults.get(track, (0, 0))
    if flags & _DURATION:
        (duration,) = struct.unpack_from(">I", data, at)
        at += 4
    if flags & _SIZE:
        (size,) = struct.unpack_from(">I", data, at)
    return _Run(base, track, duration, size)


def check_index(data: bytes, index: Box, length: int) -> None:
    """Holds a ``sidx`` box with the content ``data`` against the file. Raises
    ``Broken`` where what it names is not all there."""
    try:
        long = data[:1] == b"\x01"
        (first,) = struct.unpack_from(">Q" if long else ">I", data, 20 if long else 16)
        (count,) = struct.unpack_from(">H", data, 30 if long else 22)
        entries = struct.iter_unpack(">I8x", data[32 if long else 24 :][: 12 * count])
        named = sum(size & 0x7FFFFFFF for (size,) in entries)
    except struct.error:
        raise Broken("its index (sidx) is cut short") from None
    missing = index.end + first + named - length
    if missing > 0:
        raise Broken(f"it is truncated: {missing} bytes that its index (sidx) names are missing")
