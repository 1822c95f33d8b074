"""Snapshots: the fold of all segments up to one, so that nobody need read each.

What it may not do: I/O.

How it works: ``snapshots/EPOCH-N`` holds a ledger's file, compressed, as segment N of
that epoch left it and with nothing of what one machine alone knew, and the hash that
the next segment names. The lease names the last snapshot; so what a list shows, or does
not, decides nothing.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator

from wanbatch.ledger.schema import VERSION as SCHEMA
from wanbatch.ledger.shared.documents import damaged, read_document, write_document
from wanbatch.ledger.shared.segments import Position, refuse_newer_schema

FOLDER = "snapshots/"
KIND = "snapshot"
NOTE = "snapshot:"
"""How the notes begin that say which snapshots there are, and since when: until their
segments are removed."""
KEPT_S = 30 * 86_400.0
"""How long segments are kept that a snapshot holds (contract)."""
LEVEL = 1
"""Rows compress four to one at the fastest level, and little more at others."""
PIECE = 64 * 1024
"""Bytes that are unpacked at a time: half a megabyte of rows, which a cache holds."""


def name_of(position: Position) -> str:
    return f"{FOLDER}{position.epoch:010d}-{position.number:010d}"


def write_snapshot(position: Position, image: bytes, nonce: str, made_at: float) -> bytes:
    """``image`` is an SQLite file, ``made_at`` Unix seconds."""
    head = {
        "schema": SCHEMA,
        "epoch": position.epoch,
        "number": position.number,
        "hash": position.hash,
        "closed": position.closed,
        "nonce": nonce,
        "made_at": made_at,
        "bytes": len(image),
    }
    return write_document(KIND, head, zlib.compress(image, LEVEL))


def read_snapshot(name: str, data: bytes) -> tuple[Position, Iterator[bytes]]:
    """Where history goes on, and the ledger's file piece by piece: a new owner need
    not hold all of it. Raises ``SharedDamaged``, after the last piece too, and
    ``WanbatchError`` for a newer version's."""
    head, body = read_document(KIND, name, data)
    refuse_newer_schema(name, head["schema"])
    position = Position(head["epoch"], head["number"], head["hash"], head["closed"])
    if name_of(position) != name:
        raise damaged(name, "it is another one")
    return position, _unpack(name, body)


def _unpack(name: str, body: bytes) -> Iterator[bytes]:
    unpacking = zlib.decompressobj()
    for start in range(0, len(body), PIECE):
        yield unpacking.decompress(body[start : start + PIECE])
    if not unpacking.eof:
        raise damaged(name, "it is not whole")
