"""A shared ledger for who brings videos home and buys nothing: it needs no lease, and
may work beside the owner.

What it may not do: record an intent, or tell anybody that a purchase was not taken.

How it works: the local copy is brought up to date and written on by this process alone;
no segment is written and no epoch sealed. At the end what was learnt of accepted tasks
goes to ``late/``, where the next owner of the lease reads it; an owner that works at
the same moment learns the same from the API. Every open question is another's, so a
list proves nothing (``FOREIGN``), and only attempts with a task are told of.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from wanbatch.ledger.merge import History
from wanbatch.ledger.shared.asking import Asking
from wanbatch.ledger.shared.chain import read_on
from wanbatch.ledger.shared.copy import mark_note
from wanbatch.ledger.shared.door import SharedPorts, follow_snapshot
from wanbatch.ledger.shared.late import Box
from wanbatch.ledger.shared.lease import LEASE, read_lease
from wanbatch.ledger.store import Ledger
from wanbatch.model.lifecycle import FOREIGN, State
from wanbatch.words.errors import ExitCode, WanbatchError

_OPEN = (State.INTENT, State.UNCERTAIN)


class NoLeave:
    """The permit of who may buy nothing."""

    lost = "this command only brings home what is paid for"

    def refusal(self) -> str:
        return self.lost

    async def wait(self) -> None:
        return


@asynccontextmanager
async def open_beside(ports: SharedPorts) -> AsyncIterator[Ledger]:
    """The ledger as the store has it, and whatever is recorded in it until the end.

    Raises ``WanbatchError``: INVALID where nobody has shared anything there yet,
    ENVIRONMENT where the store does not answer or holds what cannot be read.
    """
    asking = Asking(ports.objects)
    found = await asking.read(LEASE)
    if found is None:
        raise WanbatchError(
            ExitCode.INVALID,
            "nothing was shared yet: the store holds no ledger",
            "the first 'wanbatch run' makes it, and takes up this folder's own ledger",
        )
    lease = read_lease(found.data)
    # Of a name of its own: the owner may be the same person on the same machine.
    box = Box(asking, f"{ports.owner}-{ports.nonce()[:8]}", lease.epoch, ports.nonce)
    path = ports.folder / f"shared-{lease.ledger_id}.db"
    copy = await follow_snapshot(asking, lease, path, box)
    try:
        head = lease.head_epoch, lease.head_number
        copy.follow((await read_on(asking, copy.position, head)).segments)
    except BaseException:
        copy.close()
        raise
    async with Ledger(copy.store, copy.contents, writer=ports.writer, permit=NoLeave()) as ledger:
        # What is written from here on no segment will hold: the next makes it anew.
        mark = mark_note(copy.position, copy.events, is_ahead=True)
        await ledger.keep_note(mark.name, mark.value)
        open_ = [a for a in ledger.snapshot.attempts if a.state in _OPEN]
        for attempt in open_:
            await ledger.keep_note(f"{FOREIGN}{attempt.attempt_id}", repr(attempt.intent_at))
        yield ledger
    told = [one for one in copy.unshared() if _is_told(one)]
    if told:
        await box.push(told)


def _is_told(history: History) -> bool:
    return bool(history.row.task_id) and history.row.state not in _OPEN
