"""Removes segments that a snapshot has held for thirty days.

What it may not do: remove a tombstone, a snapshot, or what no old snapshot holds.

How it works: the ledger notes each snapshot with its instant. Once that is thirty days
ago by this machine's clock, all segments up to it go, but for the last of each epoch: a
tombstone keeps a name taken for good. A clock that is ahead removes evidence early and
no state.
"""

from __future__ import annotations

from wanbatch.ledger.rows import Note
from wanbatch.ledger.shared.asking import Asking
from wanbatch.ledger.shared.segments import FOLDER, place_of
from wanbatch.ledger.shared.snapshots import KEPT_S, NOTE
from wanbatch.ledger.store import Ledger

MOST_AT_ONCE = 500
"""So many are removed by one run: ten seconds at 20 ms each."""


async def prune(asking: Asking, ledger: Ledger, snapshot: str, now: float) -> int:
    """Removes what may be removed, up to ``snapshot``, which the lease names for all
    who read; returns how many segments that were. Raises
    ``StoreUnreachable``, ``LedgerFailed``."""
    notes = ledger.snapshot.notes
    old = sorted(
        name
        for name, made_at in notes.items()
        if name.startswith(NOTE)
        and made_at
        and float(made_at) <= now - KEPT_S
        and place_of(name) <= place_of(snapshot)
    )
    if not old:
        return 0
    until = place_of(old[-1])
    listed = [name for name in await asking.names(FOLDER) if place_of(name) <= until]
    last = {place_of(name)[0]: name for name in listed}
    removable = [name for name in listed if name not in last.values()]
    for name in removable[:MOST_AT_ONCE]:
        await asking.delete(name)
    if len(removable) <= MOST_AT_ONCE:
        await ledger.take_up([Note(name, "") for name in old])
    return len(removable[:MOST_AT_ONCE])
