"""Takes the lease, keeps it, gives it back: by compare-and-swap on its tag.

What it may not do: decide when a lease is dead (``lease`` does), or believe "changed"
without reading back.

How it works: every write carries a fresh nonce that is remembered before it is sent. An
answer that is lost leaves the tag unknown; then the lease is read back. One of our own
nonces, even an older one, gives a tag to go on with; anything else of our epoch or a
higher one means that the lease is lost for good.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import anyio

from wanbatch.ledger.shared.asking import Asking
from wanbatch.ledger.shared.lease import LEASE, RENEWALS, Lease, Tenure, Watch, read_lease
from wanbatch.ledger.shared.lease import write_lease as write
from wanbatch.model.objects import (
    ObjectChanged,
    ObjectExists,
    ObjectStore,
    StoredObject,
    StoreSilent,
)
from wanbatch.words.errors import ExitCode, WanbatchError

LOOKS = 30
"""How often a watcher looks within a lease's length: so it takes over at most a
thirtieth late (chosen)."""
RELEASE_TRIES = 5
"""Within a sixth of a lease's length; then who waits for it to die is hardly later
(chosen)."""


class LeaseHeld(WanbatchError):
    """Another owner has the lease, and lives."""


@dataclass(frozen=True, slots=True)
class Terms:
    """With what a lease is taken."""

    owner: str
    clock: Callable[[], float]
    wall: Callable[[], float]
    nonce: Callable[[], str]
    lease_s: float
    patience_s: float


class Holding:
    """A lease that was taken: a ``Permit``. ``lease`` is what was written
    last."""

    def __init__(self, objects: ObjectStore, terms: Terms) -> None:
        self._objects, self._terms = objects, terms
        self._asking = Asking(objects)
        self._tenure = Tenure(terms.lease_s)
        self._tag = ""
        self._news = anyio.Event()
        self._told: dict[str, Any] = {}
        self.lease = Lease("", terms.owner, 0, "", 0.0, terms.lease_s)

    # -- the permit --------------------------------------------------------------------

    @property
    def lost(self) -> str:
        return self._tenure.lost

    def lose(self, reason: str) -> None:
        """Somebody else has found that the lease is gone."""
        self._tenure.lost = self._tenure.lost or reason
        self._tell()

    def refusal(self) -> str:
        return self._tenure.refusal(self._terms.clock())

    async def wait(self) -> None:
        while self.refusal() and not self.lost:
            await self._news.wait()

    def _tell(self) -> None:
        self._news.set()
        self._news = anyio.Event()

    # -- taking ------------------------------------------------------------------------

    async def take(self) -> Lease | None:
        """Waits until the lease is free or dead, and takes it; returns the one before.

        Raises ``LeaseHeld`` where its owner is seen to live, ``StoreUnreachable``,
        ``WanbatchError`` where the lease is gone and segments are there.
        """
        watch, began, before = Watch(), self._terms.clock(), None
        while True:
            found = await self._asking.read(LEASE)
            if found is None:
                await self._refuse_orphans()
                mine = await self._first()
            else:
                there = read_lease(found.data)
                if self._tenure.is_mine(there):
                    self._hold(there, found.tag)
                    return before
                watch.saw(there, self._terms.clock())
                before = there
                left_s = watch.left_s(there, self._terms.clock())
                if not there.released and left_s > 0.0:
                    self._refuse_living(watch, there, began)
                    await anyio.sleep(min(left_s, there.lease_s / LOOKS))
                    continue
                mine = await self._swap(self._next(there), found.tag)
            if mine:
                return before
            await anyio.sleep(self._terms.lease_s / LOOKS)

    def _refuse_living(self, watch: Watch, there: Lease, began: float) -> None:
        if watch.changes and self._terms.clock() - began >= self._terms.patience_s:
            raise LeaseHeld(
                ExitCode.ENVIRONMENT,
                f"another run holds the shared ledger: {there.owner}",
                "wait for it to end, or let this one wait with --lock-timeout SECONDS",
            )

    async def _refuse_orphans(self) -> None:
        """A lease is never removed by us; epochs that began anew would hide what was
        bought. Raises ``WanbatchError`` (ENVIRONMENT)."""
        if await self._asking.names("segments/") and await self._asking.read(LEASE) is None:
            raise WanbatchError(
                ExitCode.ENVIRONMENT,
                f"the shared ledger has segments and no {LEASE}: it was removed",
                f"put {LEASE} back from the store's older versions; nothing is bought before that",
            )

    async def _first(self) -> bool:
        lease = self._signed(replace(self.lease, ledger_id=self._terms.nonce(), epoch=1))
        try:
            tag = await self._objects.create(LEASE, write(lease))
        except (ObjectExists, StoreSilent):
            return False  # read back at the next look
        self._hold(lease, tag)
        return True

    def _next(self, there: Lease) -> Lease:
        self._told = {
            "snapshot": there.snapshot,
            "head_epoch": there.head_epoch,
            "head_number": there.head_number,
        }
        return self._signed(
            replace(there, owner=self._terms.owner, epoch=there.epoch + 1, released=False)
        )

    def _signed(self, lease: Lease) -> Lease:
        """With a fresh nonce, remembered before anything is sent."""
        terms = self._terms
        fresh: dict[str, Any] = {
            "nonce": terms.nonce(),
            "since": terms.wall(),
            "lease_s": terms.lease_s,
        }
        signed = replace(lease, **fresh, **self._told)
        self._tenure.sending(signed.nonce, terms.clock())
        return signed

    async def _swap(self, lease: Lease, tag: str) -> bool:
        try:
            tag = await self._objects.replace(LEASE, write(lease), tag)
        except (ObjectChanged, StoreSilent):
            return False
        self._hold(lease, tag)
        return True

    def _hold(self, lease: Lease, tag: str) -> None:
        self.lease, self._tag = lease, tag
        self._tenure.stands(lease)
        self._tell()

    # -- keeping -----------------------------------------------------------------------

    async def keep(self) -> None:
        """Renews until the lease is lost or this is cancelled."""
        while not self.lost:
            is_renewed = await self.renew()
            await anyio.sleep(self._terms.lease_s / (RENEWALS if is_renewed else LOOKS))

    async def renew(self) -> bool:
        """One renewal, or the look back that must come before the next."""
        lease = self._signed(self.lease)
        return await self._swap(lease, self._tag) or await self._look_back()

    async def _look_back(self) -> bool:
        try:
            found = await self._objects.read(LEASE)
        except StoreSilent:
            return False
        return found is not None and self._found(found)

    def _found(self, found: StoredObject) -> bool:
        try:
            there = read_lease(found.data)
        except WanbatchError as error:  # what is paid for comes home all the same
            self.lose(error.message)
            return False
        is_ours = self._tenure.found(there)
        if is_ours:
            self._hold(there, found.tag)
        elif self.lost:
            self._tell()
        return is_ours

    def note_head(self, epoch: int, number: int) -> None:
        """A segment stands; the next renewal says so."""
        self._told |= {"head_epoch": epoch, "head_number": number}

    def note_snapshot(self, name: str) -> None:
        self._told["snapshot"] = name

    # -- giving back -------------------------------------------------------------------

    async def release(self) -> bool:
        """Says that the next may take it at once. Only with no POST in flight, and with
        our own tombstone standing. A store that does not answer is left alone: then the
        next waits for the lease to die."""
        for _ in range(RELEASE_TRIES):
            if self.lost:
                return False
            lease = self._signed(replace(self.lease, released=True))
            if await self._swap(lease, self._tag):
                return True
            if await self._look_back() and self.lease.released:
                return True
            await anyio.sleep(self._terms.lease_s / LOOKS)
        return False
