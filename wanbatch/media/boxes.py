"""The box structure of an MP4 or MOV file: is all of it there, and does it claim
nothing absurd?

What it may not do: decode, or load media data; it reads box headers and the ``moov``,
``moof`` and ``sidx`` boxes alone.

How it works: the boxes at the top must fill the file, which finds most truncated files;
then every sample that the tables and fragments name must lie inside it, which finds
those whose last box is said to go on to the end. What stands behind the last box and is
none itself (a line end, zeros, a page's trailer) is a remark where all that the header
names is there. The counts in the tables are held against the file's length before
FFmpeg sees them, because it makes room for as many samples as a table claims. Facts:
ISO/IEC 14496-12, QuickTime File Format (files without ``ftyp``).
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import BinaryIO

from wanbatch.media.leftovers import SHOWN, blanks_before, stand

_MOST_BOXES = 100_000
"""A box for every frame of an hour; a video of 15 s has a dozen."""
_LONGEST_HEADER = 64 * 2**20
"""Bytes of one ``moov``; that of a 15 s video is about 20 kB."""

_MEDIA_BOXES = frozenset(
    "ftyp moov mdat moof mfra sidx ssix styp prft emsg pdin pnot".split()  # noqa: SIM905
)
"""A box of these that ends after the file's end says that the file was cut."""


class Broken(Exception):
    """The structure does not hold; the text says what is wrong. Goes no further than
    this room."""


@dataclass(frozen=True, slots=True)
class Box:
    """``type`` as text; the box begins at byte ``at`` of what it was found in, its
    content is ``start`` to ``end``."""

    type: str
    at: int
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Layout:
    """The boxes at the top, which end at byte ``end``; ``remark`` says what stands
    behind them."""

    boxes: tuple[Box, ...]
    end: int
    remark: str


def read_layout(file: BinaryIO, length: int) -> Layout:
    """The boxes at the top of an open file of ``length`` bytes.

    Raises ``Broken`` where the file is cut or is no such file, ``OSError`` where
    reading fails.
    """
    boxes: list[Box] = []
    offset = 0
    while offset < length:
        file.seek(offset)
        head = file.read(16)
        box = _top_box(head, offset, length)
        if box is None:
            break
        boxes.append(box)
        offset = box.end
        if len(boxes) > _MOST_BOXES:
            raise Broken(f"it has more than {_MOST_BOXES} boxes")
    return Layout(tuple(boxes), offset, _tail(file, boxes, offset, length))


def _top_box(head: bytes, offset: int, length: int) -> Box | None:
    """The box at the top that begins with ``head``, or ``None`` for what is none.
    Raises ``Broken`` for one that is cut."""
    try:
        box = box_at(head, offset, length)
    except Broken:
        return None
    if box.type == "\0\0\0\0":
        return None
    if box.end <= length:
        return box
    if box.type in _MEDIA_BOXES:
        raise Broken(
            f"it is truncated: the {box.type} box at byte {offset} ends "
            f"{box.end - length} bytes after the end of the file"
        )
    return None


def _tail(file: BinaryIO, boxes: list[Box], offset: int, length: int) -> str:
    """What to remark about the bytes from ``offset`` on. Raises ``Broken`` where they
    show that the file is cut, or is none."""
    if offset == length:
        return ""
    file.seek(offset)
    tail = file.read(SHOWN)
    found = {box.type for box in boxes}
    if "moov" not in found:
        if not boxes and (before := blanks_before(tail, b"ftyp", 4)):
            raise Broken(f"{stand(before, tail[:before])} before its first box")
        if length - offset < 8:
            raise Broken(f"it is truncated: {len(tail)} bytes at byte {offset} are no whole box")
        raise Broken(f"what stands at byte {offset} is no box")
    if "moof" in found and "mfra" not in found and length - offset < 8 and tail[0] == 0:
        raise Broken(f"it is truncated: at byte {offset} a box begins and does not go on")
    return f"{stand(length - offset, tail)} behind its last box, from byte {offset} on"


def box_at(head: bytes, offset: int, outer_end: int) -> Box:
    """The box whose first bytes are ``head``, at ``offset`` inside something that ends
    at ``outer_end``.

    Raises ``Broken`` where it is none.
    """
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
    return Box(kind, offset, offset + start, offset + size)


def children(data: bytes, start: int, end: int) -> Iterator[Box]:
    """The boxes inside ``data[start:end]``. Up to seven bytes of padding at the end are
    let pass."""
    offset = start
    while end - offset >= 8:
        box = box_at(data[offset : min(offset + 16, end)], offset, end)
        if box.end > end:
            raise Broken(f"the {box.type} box is longer than the box that it is in")
        yield box
        offset = box.end


def content(file: BinaryIO, box: Box) -> bytes:
    """The content of a box at the top. Raises ``Broken`` where it is absurdly long."""
    if box.end - box.start > _LONGEST_HEADER:
        raise Broken(f"its {box.type} box has {box.end - box.start} bytes")
    file.seek(box.start)
    return file.read(box.end - box.start)


def by_type(data: bytes, start: int, end: int) -> Mapping[str, Box]:
    """The boxes inside ``data[start:end]`` by type; of several of one type, the
    last."""
    return {box.type: box for box in children(data, start, end)}
