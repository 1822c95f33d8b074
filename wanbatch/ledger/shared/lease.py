"""The lease: who may buy, and how an owner and a watcher each know it by a clock of
their own.

What it may not do: I/O, read a clock, compare two machines' clocks.

How it works: ``Lease`` is the object ``lease.json``. A ``Watch`` sees the lease again
and again, and calls it dead once its nonce has not changed for a whole length of it. A
``Tenure`` is an owner's own side: it remembers when each of its nonces was *sent*, so
that an answer that was lost can be read back, and never believes to have renewed later
than it did. It refuses at half a length; so a watcher whose clock is a little fast, or
an answer that takes its time, changes nothing. Whoever may have been stopped for longer
than that has to ask again.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, fields

from wanbatch.ledger.shared.documents import read_document, write_document

LEASE = "lease.json"
KIND = "lease"
SAFE_SHARE = 0.5
"""Of a lease's length, how long its owner may buy after a renewal (contract)."""
RENEWALS = 6
"""How often an owner renews within a length: three times before it may buy no more, so
that one lost answer costs nothing (chosen)."""

NOT_RENEWED = "the lease of the shared ledger could not be renewed in time"
LOST = "another machine took the lease of the shared ledger"


@dataclass(frozen=True, slots=True)
class Lease:
    """What ``lease.json`` says. ``since`` is Unix seconds by the owner's clock, for
    people. ``snapshot`` names the last one, ``head_epoch`` and ``head_number`` a
    segment that stands: what is missing before it was lost."""

    ledger_id: str
    owner: str
    epoch: int
    nonce: str
    since: float
    lease_s: float
    released: bool = False
    snapshot: str = ""
    head_epoch: int = 0
    head_number: int = 0


def write_lease(lease: Lease) -> bytes:
    return write_document(KIND, asdict(lease))


def read_lease(data: bytes) -> Lease:
    """Raises ``WanbatchError`` for what is no lease, or a newer version's."""
    head, _ = read_document(KIND, LEASE, data)
    return Lease(**{field.name: head[field.name] for field in fields(Lease)})


class Watch:
    """What a watcher has seen. ``changes`` counts renewals that it saw."""

    def __init__(self) -> None:
        self.changes = 0
        self._nonce = ""
        self._since = 0.0

    def saw(self, lease: Lease, received_at: float) -> None:
        """``received_at`` is when the answer had come, so that the lease is surely not
        younger than believed."""
        if lease.nonce != self._nonce:
            self.changes += bool(self._nonce)
            self._nonce, self._since = lease.nonce, received_at

    def left_s(self, lease: Lease, now: float) -> float:
        """How long ``lease`` lives on, if it is not renewed; 0 or less: it is dead."""
        return self._since + lease.lease_s - now


class Tenure:
    """What an owner knows of its own lease. ``lost`` says why it will never buy
    again."""

    def __init__(self, lease_s: float) -> None:
        self.lease_s = lease_s
        self.lost = ""
        self.epoch = 0
        self._sent: dict[str, float] = {}
        self._renewed_at = 0.0

    def sending(self, nonce: str, at: float) -> None:
        """A lease with this nonce is about to be written."""
        self._sent[nonce] = at

    def is_mine(self, lease: Lease) -> bool:
        return lease.nonce in self._sent

    def stands(self, lease: Lease) -> None:
        """One of our own leases is known to have been written."""
        self.epoch = lease.epoch
        self._renewed_at = max(self._renewed_at, self._sent[lease.nonce])

    def found(self, lease: Lease) -> bool:
        """What was read back after a doubt. Returns whether it is ours; another's of a
        lower epoch is an old answer, and says nothing."""
        if self.is_mine(lease):
            self.stands(lease)
            return True
        if lease.epoch >= self.epoch:
            self.lost = self.lost or f"{LOST}: {lease.owner}"
        return False

    def refusal(self, now: float) -> str:
        """Why no POST may go out at ``now``; empty where it may."""
        if self.lost:
            return self.lost
        return NOT_RENEWED if now - self._renewed_at >= self.lease_s * SAFE_SHARE else ""
