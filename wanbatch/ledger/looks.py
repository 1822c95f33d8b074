"""What the ledger knows of videos that were looked at, for those that are asked about.

What it may not do: write, or read all: a hundred thousand looks are hundreds of
megabytes, and no plan needs one.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from pathlib import Path

from wanbatch.ledger import rows, schema
from wanbatch.ledger.sqlite import is_missing, read_with
from wanbatch.model.looked import Looked

AT_ONCE = 500
"""Parameters of one query: SQLite before 3.32 takes 999."""


def read_looks(path: Path, sha256s: Collection[str]) -> list[Looked]:
    """All looks at the videos of these bytes; none where there is no ledger. Raises
    ``WanbatchError`` (ENVIRONMENT) where it cannot be read."""
    wanted = sorted(set(sha256s))
    if not wanted or is_missing(path):
        return []
    return read_with(path, lambda connection: list(_select(connection, wanted)))


def _select(connection: schema.Connection, wanted: list[str]) -> Iterator[Looked]:
    for start in range(0, len(wanted), AT_ONCE):
        part = wanted[start : start + AT_ONCE]
        query = f"{rows.SELECT_LOOKS} WHERE sha256 IN ({', '.join('?' * len(part))})"
        yield from rows.read_looks(connection.execute(query, part))
