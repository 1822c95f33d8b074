"""Segments: what happened since the last one, under a name that is given once.

What it may not do: I/O.

How it works: ``segments/EPOCH-N`` holds lines of ``entries`` and the hash of the
segment before, across epochs. A *tombstone* ends an epoch: its own owner's, written
when no intent is open, or a later owner's, written over a silence. What stands behind a
tombstone or a gap is no history.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass

from wanbatch.ledger.schema import VERSION as SCHEMA
from wanbatch.ledger.shared.documents import (
    damaged,
    encode,
    hash_of,
    read_document,
    write_document,
)
from wanbatch.ledger.shared.entries import Line
from wanbatch.words.errors import ExitCode, WanbatchError

FOLDER = "segments/"
KIND = "segment"


@dataclass(frozen=True, slots=True)
class Position:
    """How far history is known: the last segment and its hash; ``closed`` where that is
    a tombstone. The beginning is ``Position()``."""

    epoch: int = 0
    number: int = 0
    hash: str = ""
    closed: bool = True

    @property
    def next(self) -> tuple[int, int]:
        """Where the next segment of history stands."""
        return (self.epoch + 1, 1) if self.closed else (self.epoch, self.number + 1)

    @property
    def name(self) -> str:
        return name_of(self.epoch, self.number)


@dataclass(frozen=True, slots=True)
class Segment:
    """``before`` is the hash of the segment before, ``owner`` who wrote it, for people.
    ``hash`` is that of its own bytes."""

    epoch: int
    number: int
    nonce: str
    before: str
    owner: str
    closes: bool
    lines: tuple[Line, ...]
    hash: str

    @property
    def position(self) -> Position:
        return Position(self.epoch, self.number, self.hash, self.closes)


def name_of(epoch: int, number: int) -> str:
    """Zero-padded, so that names sort as segments do."""
    return f"{FOLDER}{epoch:010d}-{number:010d}"


def place_of(name: str) -> tuple[int, int]:
    """The inverse of ``name_of`` and of a snapshot's name; (0, 0) for any other."""
    epoch, _, number = name.rpartition("/")[2].partition("-")
    is_ours = epoch.isdecimal() and number.isdecimal()
    return (int(epoch), int(number)) if is_ours else (0, 0)


def write_segment(
    before: Position, nonce: str, owner: str, lines: Sequence[Line], *, closes: bool = False
) -> bytes:
    """The segment that follows ``before``."""
    epoch, number = before.next
    head = {
        "schema": SCHEMA,
        "epoch": epoch,
        "number": number,
        "nonce": nonce,
        "before": before.hash,
        "owner": owner,
        "closes": closes,
    }
    return write_document(KIND, head, "".join(f"{encode(line)}\n" for line in lines).encode())


def read_segment(name: str, data: bytes) -> Segment:
    """Raises ``SharedDamaged``, and ``WanbatchError`` for a newer version's."""
    head, body = read_document(KIND, name, data)
    refuse_newer_schema(name, head["schema"])
    found = Segment(
        head["epoch"],
        head["number"],
        head["nonce"],
        head["before"],
        head["owner"],
        head["closes"],
        tuple(json.loads(line) for line in body.splitlines()),
        hash_of(data),
    )
    if name_of(found.epoch, found.number) != name:
        raise damaged(name, "it is another one")
    return found


def refuse_newer_schema(name: str, schema: int) -> None:
    if schema > SCHEMA:
        raise WanbatchError(
            ExitCode.ENVIRONMENT,
            f"{name} of the shared ledger was written by a newer wanbatch (ledger version {schema};"
            f" this one reads up to {SCHEMA})",
            "install the newer wanbatch from its checkout: pip install .",
        )
