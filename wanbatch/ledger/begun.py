"""Which saved plans a ledger has begun: a mark for each, made once and kept for good.

What it may not do: be written without the folder's ``RunLock``, or forget a mark.

How it works: a row of ``meta`` for each plan's digest. The mark is what other runners
are shown, and what this ledger knows itself by: a copy of the ledger from before the
beginning does not have it.
"""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

from wanbatch.ledger.sqlite import is_missing, open_store, read_with

PREFIX = "begun:"
"""How the names of these rows begin."""


def keep_mark(path: Path, digest: str, mark: str) -> str:
    """The mark of ``digest`` in the ledger at ``path``: what stands there, else
    ``mark``, which is durable when this returns.

    Raises ``WanbatchError`` (ENVIRONMENT) as ``open_store`` does; the ledger is
    created where there is none.
    """
    store, _ = open_store(path)
    with closing(store):
        return store.keep(PREFIX + digest, mark)


def read_marks(path: Path) -> dict[str, str]:
    """All marks by digest; none where there is no ledger. Raises ``WanbatchError``
    (ENVIRONMENT) where it cannot be read."""
    if is_missing(path):
        return {}
    found = read_with(
        path,
        lambda connection: list(
            connection.execute("SELECT name, value FROM meta WHERE name LIKE 'begun:%'")
        ),
    )
    return {str(name).removeprefix(PREFIX): str(value) for name, value in found}
