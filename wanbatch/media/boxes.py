"""The box structure of an MP4 or MOV file: is all of it there, and does it claim nothing absurd?

What it may not do: decode, or load media data; it reads box headers and the ``moov`` (and ``moof``) boxes alone.

How it works: the boxes at the top must fill the file exactly, which finds most truncated files; then every sample that the tables
name must lie inside the file, which finds those whose last box is said to go on to the end. The counts in the tables are held against
the file's length before FFmpeg sees them, because it makes room for as many samples as a table claims. Facts: ISO/IEC 14496-12 (boxes,
``stbl``, ``trun``), QuickTime File Format (files without ``ftyp``, ``cmov``).
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from io import BufferedReader

_MOST_BOXES = 100_000
_LONGEST_HEADER = 64 * 2**20
"""Bytes of one ``moov``; that of a 15 s video is about 20 kB."""

_TO_TABLES = ("mdia", "minf", "stbl")


class Broken(Exception):
    """The structure does not hold; the text says what is wrong. Goes no further than ``clips``."""


@dataclass(frozen=True, slots=True)
class Box:
    """``type`` as text; its content lies at bytes ``start`` to ``end`` of what it was found in."""

    type: str
    start: int
    end: int


def check_boxes(file: BufferedReader, length: int) -> None:
    """Checks the structure of an open file of ``length`` bytes: whole, with a video track.

    Raises ``Broken`` where it does not hold, ``OSError`` where reading fails.
    """
    top = list(_top_boxes(file, length))
    header = next((box for box in top if box.type == "moov"), None)
    if header is None:
        raise Broken("there is no moov box (the table of contents of an MP4)")
    content = _read(file, header)
    handlers = [
        _check_track(content, box, length)
        for box in _children(content, 0, len(content))
        if box.type == "trak"
    ]
    if not any(box.type == "mvhd" for box in _children(content, 0, len(content))):
        raise Broken("the moov box has no mvhd box")
    for box in top:
        if box.type == "moof":
            _check_fragment(_read(file, box), length)
    if "vide" not in handlers:
        raise Broken("it has no video track")


def _top_boxes(file: BufferedReader, length: int) -> Iterator[Box]:
    offset = 0
    for _ in range(_MOST_BOXES):
        if offset == length:
            return
        file.seek(offset)
        box = _box_at(file.read(16), offset, length)
        if box.end > length:
            missing = box.end - length
            raise Broken(
                f"it is truncated: the {box.type} box at byte {offset} ends {missing} bytes after the end of the file"
            )
        yield box
        offset = box.end
    raise Broken(f"it has more than {_MOST_BOXES} boxes")


def _box_at(head: bytes, offset: int, outer_end: int) -> Box:
    """The box whose first bytes are ``head``, at ``offset`` inside something that ends at ``outer_end``."""
    if len(head) < 8:
        raise Broken(f"it is truncated: {len(head)} bytes at byte {offset} are no whole box")
    size, name = struct.unpack_from(">I4s", head)
    start = 8
    if size == 1:
        if len(head) < 16:
            raise Broken(f"it is truncated inside the box at byte {offset}")
        (size,) = struct.unpack_from(">Q", head, 8)
        start = 16
    elif size == 0:
        size = outer_end - offset
    kind = name.decode("latin-1")
    if size < start or not (kind.isprintable() or name == b"\0\0\0\0"):
        raise Broken(f"what stands at byte {offset} is no box")
    return Box(kind, offset + start, offset + size)


def _children(data: bytes, start: int, end: int) -> Iterator[Box]:
    """The boxes inside ``data[start:end]``. Up to seven bytes of padding at the end are let pass."""
    offset = start
    while end - offset >= 8:
        box = _box_at(data[offset : min(offset + 16, end)], offset, end)
        if box.end > end:
            raise Broken(f"the {box.type} box is longer than the box that it is in")
        yield box
        offset = box.end


def _read(file: BufferedReader, box: Box) -> bytes:
    if box.end - box.start > _LONGEST_HEADER:
        raise Broken(f"its {box.type} box has {box.end - box.start} bytes")
    file.seek(box.start)
    return file.read(box.end - box.start)


def _check_track(data: bytes, track: Box, length: int) -> str:
    """Holds a track's tables against the file's length; returns the track's handler: ``vide``, ``soun``."""
    handler = ""
    start, end = track.start, track.end
    for name in _TO_TABLES:
        boxes = {box.type: box for box in _children(data, start, end)}
        if "hdlr" in boxes and name == "minf":
            handler = data[boxes["hdlr"].start + 8 : boxes["hdlr"].start + 12].decode("latin-1")
        if name not in boxes:
            raise Broken(f"a track has no {name} box")
        start, end = boxes[name].start, boxes[name].end
    tables = {box.type: data[box.start : box.end] for box in _children(data, start, end)}
    try:
        _check_samples(tables, length)
    except struct.error:
        raise Broken("a track's tables are cut short") from None
    return handler


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
    """The size that all samples share (or 0), their number, their sizes (where they share none)."""
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


def _check_fragment(data: bytes, length: int) -> None:
    for track in _children(data, 0, len(data)):
        if track.type != "traf":
            continue
        for run in _children(data, track.start, track.end):
            if run.type == "trun" and _count_of(data[run.start : run.end]) > length:
                raise Broken("a fragment claims more samples than the file has bytes")


def _count_of(table: bytes) -> int:
    if len(table) < 8:
        raise Broken("a fragment's table is cut short")
    return int.from_bytes(table[4:8], "big")
