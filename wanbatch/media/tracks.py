"""The tracks of a movie header: what they show, how they are turned, and whether their
samples are there.

What it may not do: read files (it gets the content of the ``moov`` box), decode.

How it works: the way down to a track's sample tables is fixed; the tables' offsets and
sizes are held against the file's length. A table that is cut short is an error, a
missing one is empty. Facts: ISO/IEC 14496-12 (``tkhd``, ``mdhd``, ``stbl``).
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass

from wanbatch.media.boxes import Box, Broken, by_type, children
from wanbatch.media.turning import IDENTITY, Matrix, orientation_of

_HIGHEST_ID = 2**31 - 1
"""FFmpeg reads a higher one as negative, and takes seconds to look for its
fragments."""

_TO_TABLES = ("mdia", "minf", "stbl")


@dataclass(frozen=True, slots=True)
class Track:
    """``handler`` is ``vide``, ``soun``…; ``ticks`` of 1/``timescale`` s are the length
    of the samples in the header."""

    id: int
    handler: str
    orientation: int
    timescale: int
    ticks: int


@dataclass(frozen=True, slots=True)
class Movie:
    """``promised_s`` is the length that the header states for all fragments together
    (``mehd``); 0.0 where it does not."""

    tracks: tuple[Track, ...]
    extends: bool
    promised_s: float
    defaults: dict[int, tuple[int, int]]
    """Of each track's samples in fragments: duration and size (``trex``)."""


def read_movie(data: bytes, length: int) -> Movie:
    """What a ``moov`` box with the content ``data`` says, held against the file's
    ``length``. Raises ``Broken``."""
    try:
        boxes = list(children(data, 0, len(data)))
        header = next((box for box in boxes if box.type == "mvhd"), None)
        if header is None:
            raise Broken("the moov box has no mvhd box")
        timescale, turned = _movie_header(data, header)
        tracks = tuple(_track(data, box, length, turned) for box in boxes if box.type == "trak")
        extends = next((box for box in boxes if box.type == "mvex"), None)
        promised, defaults = _extends(data, extends) if extends else (0, {})
    except struct.error:
        raise Broken("a track's tables are cut short") from None
    return Movie(tracks, extends is not None, promised / timescale if timescale else 0.0, defaults)


def _movie_header(data: bytes, box: Box) -> tuple[int, Matrix]:
    long = data[box.start : box.start + 1] == b"\x01"
    (timescale,) = struct.unpack_from(">I", data, box.start + (20 if long else 12))
    return timescale, _matrix(data, box.start + (48 if long else 36), box.end)


def _matrix(data: bytes, at: int, end: int) -> Matrix:
    if at + 36 > end:
        return IDENTITY
    a, b, c, d = struct.unpack_from(">ii4xii", data, at)
    return a, b, c, d


def _track(data: bytes, track: Box, length: int, movie: Matrix) -> Track:
    handler, timescale, number, orientation = "", 0, 0, 1
    start, end = track.start, track.end
    for name in _TO_TABLES:
        boxes = by_type(data, start, end)
        if name == "mdia" and "tkhd" in boxes:
            number, turned = _track_header(data, boxes["tkhd"])
            if number > _HIGHEST_ID:
                raise Broken(f"a track has the number {number}")
            orientation = orientation_of(turned, movie)
        if name == "minf":
            handler = _handler(data, boxes.get("hdlr"))
            timescale = _timescale(data, boxes.get("mdhd"))
        if name not in boxes:
            raise Broken(f"a track has no {name} box")
        start, end = boxes[name].start, boxes[name].end
    tables = {box.type: data[box.start : box.end] for box in children(data, start, end)}
    _check_samples(tables, length)
    ticks = sum(count * delta for count, delta in _entries(tables.get("stts", b""), ">II"))
    return Track(number, handler, orientation, timescale, ticks)


def _track_header(data: bytes, box: Box) -> tuple[int, Matrix]:
    long = data[box.start : box.start + 1] == b"\x01"
    (number,) = struct.unpack_from(">I", data, box.start + (20 if long else 12))
    return number, _matrix(data, box.start + (52 if long else 40), box.end)


def _handler(data: bytes, box: Box | None) -> str:
    return data[box.start + 8 : box.start + 12].decode("latin-1") if box else ""


def _timescale(data: bytes, box: Box | None) -> int:
    if box is None:
        return 0
    long = data[box.start : box.start + 1] == b"\x01"
    (timescale,) = struct.unpack_from(">I", data, box.start + (20 if long else 12))
    return int(timescale)


def _extends(data: bytes, box: Box) -> tuple[int, dict[int, tuple[int, int]]]:
    promised, defaults = 0, {}
    for inner in children(data, box.start, box.end):
        if inner.type == "mehd":
            long = data[inner.start : inner.start + 1] == b"\x01"
            (promised,) = struct.unpack_from(">Q" if long else ">I", data, inner.start + 4)
        elif inner.type == "trex":
            number, duration, size = struct.unpack_from(">I4xII", data, inner.start + 4)
            defaults[number] = duration, size
    return promised, defaults


def _check_samples(tables: dict[str, bytes], length: int) -> None:
    size, count, sizes = _sample_sizes(tables)
    if size * count > length or count > length:
        raise Broken(f"it is truncated: a track has {count} samples, more than the file holds")
    per_chunk = {entry[0]: entry[1] for entry in _entries(tables.get("stsc", b""), ">II4x")}
    sample = held = 0
    for number, offset in enumerate(_chunk_offsets(tables), start=1):
        held = min(per_chunk.get(number, held), count - sample)
        end = offset + (size * held if size else sum(sizes[sample : sample + held]))
        if end > length:
            raise Broken(f"it is truncated: a sample ends at byte {end}, the file at byte {length}")
        sample += held


def _sample_sizes(tables: dict[str, bytes]) -> tuple[int, int, tuple[int, ...]]:
    """The size that all samples share (or 0), their number, their sizes (where they
    share none)."""
    if "stsz" not in tables:
        if "stz2" in tables:
            (count,) = struct.unpack_from(">I", tables["stz2"], 8)
            return 1, count, ()
        return 0, 0, ()
    size, count = struct.unpack_from(">II", tables["stsz"], 4)
    return size, count, () if size else struct.unpack_from(f">{count}I", tables["stsz"], 12)


def _chunk_offsets(tables: dict[str, bytes]) -> list[int]:
    if "co64" in tables:
        return [offset for (offset,) in _entries(tables["co64"], ">Q")]
    return [offset for (offset,) in _entries(tables.get("stco", b""), ">I")]


def _entries(table: bytes, layout: str) -> Iterator[tuple[int, ...]]:
    """The entries of a table that begins with version, flags and their number."""
    if not table:
        return iter(())
    (count,) = struct.unpack_from(">I", table, 4)
    end = 8 + count * struct.calcsize(layout)
    if end > len(table):
        raise struct.error
    return struct.iter_unpack(layout, table[8:end])
