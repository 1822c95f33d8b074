"""What another ledger knows as bought: a look into a file that is not this folder's.

What it may not do: write, or read more than that.

How it works: one query over a read-only connection. A file that is no ledger is told
apart from a ledger that is broken: the first says nothing, the second may know
anything.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from wanbatch.ledger import schema
from wanbatch.ledger.sqlite import is_missing, read_with
from wanbatch.model.lifecycle import RESERVED, SPENT

MAY_HAVE_COST = SPENT | RESERVED
"""States in which money was spent, is held back, or nobody knows."""

_QUERY = "SELECT fingerprint, state, task_id, backend FROM attempts WHERE realm = 'paid'"
_STATES = frozenset(state.value for state in MAY_HAVE_COST)


@dataclass(frozen=True, slots=True)
class Purchase:
    """One job that may have cost money, as the ledger has it."""

    fingerprint: str
    state: str
    task_id: str
    backend: str


def read_purchases(path: Path) -> list[Purchase]:
    """The paid attempts that may have cost money, oldest first; none where there is no
    file.

    Raises ``Foreign`` for another program's database, ``Damaged`` for what cannot be
    read as a ledger, ``WanbatchError`` (ENVIRONMENT) for one that is locked or too new.
    """
    return [] if is_missing(path) else read_with(path, _select)


def _select(connection: schema.Connection) -> list[Purchase]:
    rows = connection.execute(f"{_QUERY} ORDER BY attempt_id")
    found = (Purchase(str(f), str(s), str(t), str(b)) for f, s, t, b in rows)
    return [purchase for purchase in found if purchase.state in _STATES]


def claims_to_be_ledger(path: Path) -> bool:
    """Whether a file that cannot be read was a ledger of ours: by its mark, or by the
    lock that only an output folder has."""
    try:
        with path.open("rb") as file:
            head = file.read(72)
    except OSError:
        head = b""
    mark = schema.APPLICATION_ID.to_bytes(4, "big")
    return head[68:72] == mark or path.with_name("ledger.lock").exists()
