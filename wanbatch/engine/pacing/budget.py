"""What a run may spend, has spent and holds back. Pure, and in decimal.

What it may not do: know a price list, round, or count another run's attempts.

How it works: ``reserve`` holds a price back before the intent is written; when the
attempt is settled, ``spend`` turns the reservation into a charge and ``release`` gives
it back. So spent + reserved never exceeds the limit, and at every commit both are the
fold of this run's rows by ``lifecycle.SPENT`` and ``RESERVED`` (``Budget.of_run``
computes that fold). A price that is unknown cannot be kept within a limit: it is
refused where there is one, and counted nowhere where there is none.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal

from wanbatch.model.lifecycle import RESERVED, SPENT, Attempt

ZERO = Decimal(0)


@dataclass(frozen=True, slots=True)
class Shortfall:
    """Why a price cannot be reserved. ``price`` is ``None`` where the backend states
    none."""

    price: Decimal | None
    spent: Decimal
    reserved: Decimal
    limit: Decimal

    def __str__(self) -> str:
        if self.price is None:
            return f"the price is not known, so a limit of {self.limit} cannot be kept"
        return (
            f"{self.price} more would make {self.spent + self.reserved + self.price}, and the"
            f" limit is {self.limit}"
        )


class Budget:
    """One run's money, in the currency of its prices. ``limit`` ``None`` is no limit;
    ``title`` says in a sentence whose it is."""

    def __init__(
        self,
        limit: Decimal | None,
        spent: Decimal = ZERO,
        reserved: Decimal = ZERO,
        *,
        title: str = "the budget",
    ) -> None:
        self.limit = limit
        self.title = title
        self._spent = spent
        self._reserved = reserved

    @classmethod
    def of_run(cls, limit: Decimal | None, run_id: str, attempts: Iterable[Attempt]) -> Budget:
        """What the rows of one run say: the price of each counts as spent or as
        reserved, by its state, or not at all."""
        spent = reserved = ZERO
        for attempt in attempts:
            if attempt.run_id != run_id or attempt.price is None:
                continue
            spent += attempt.price if attempt.state in SPENT else ZERO
            reserved += attempt.price if attempt.state in RESERVED else ZERO
        return cls(limit, spent, reserved)

    @property
    def spent(self) -> Decimal:
        """Charged, or possibly charged: an uncertain job counts as spent."""
        return self._spent

    @property
    def reserved(self) -> Decimal:
        """Held back for attempts that are under way."""
        return self._reserved

    def shortfall(self, price: Decimal | None) -> Shortfall | None:
        """Why ``price`` cannot be reserved; ``None`` where it can."""
        if self.limit is None:
            return None
        if price is None or self._spent + self._reserved + price > self.limit:
            return Shortfall(price, self._spent, self._reserved, self.limit)
        return None

    def can_reserve(self, price: Decimal | None) -> bool:
        """True where ``reserve`` would succeed."""
        return self.shortfall(price) is None

    def reserve(self, price: Decimal | None) -> bool:
        """Holds ``price`` back; false, and nothing is held, where the limit does not
        allow it."""
        if not self.can_reserve(price):
            return False
        self._reserved += price or ZERO
        return True

    def release(self, price: Decimal | None) -> None:
        """Gives a reservation back: the attempt cost nothing. Raises ``ValueError``
        where less is reserved."""
        self._take(price or ZERO)

    def spend(self, price: Decimal | None) -> None:
        """Turns a reservation into a charge. Raises ``ValueError`` where less is
        reserved."""
        self._take(price or ZERO)
        self._spent += price or ZERO

    def charge(self, price: Decimal | None) -> None:
        """Counts what was given back and is charged after all: a failure that turned.

        The provider does this, not we: it may pass the limit, and then nothing more is
        reserved.
        """
        self._spent += price or ZERO

    def _take(self, price: Decimal) -> None:
        if price > self._reserved:
            raise ValueError(f"{price} is to be settled, and only {self._reserved} is reserved")
        self._reserved -= price
