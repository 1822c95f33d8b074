"""What all runs of a ledger have spent in the day and the month that it is now. Pure.

What it may not do: read a clock or the ledger (both are told), or decide which of
several limits counts (``model.period`` does).

How it works
------------
Every purchase of the ledger stands here with its instant and its cost, as long as its
row counts (``model.period.counts``): ``take`` is told each row after each event. A
price that is held back for an intent that is not written yet is ``pending``. What is
used of a limit is the sum of all purchases since its period began, and of what is
pending; so a reservation is checked in the period in which it is made, and stays, with
what becomes of it, in the one of its intent.

Clocks lie. It is as early as the earlier of our clock and the server's says
(``tell``), and a purchase is as young as the younger of them says. A purchase that is
dated later than now counts too. So no wrong clock begins a period before its time, and
none takes a purchase out of the one that goes on.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal

from wanbatch.model.lifecycle import Attempt
from wanbatch.model.period import (
    Allowance,
    PeriodLimit,
    cost_of,
    counts,
    end_of,
    name_of,
    start_of,
)
from wanbatch.model.price import PriceList

ZERO = Decimal(0)
MOVED_S = 60.0
"""A server whose clock moves by less against ours is not worth a new count."""
AHEAD_S = 60.0
"""A purchase that is dated so much later than now was made by another clock."""


@dataclass(frozen=True, slots=True)
class _Purchase:
    """``offset_s`` is the server's clock minus ours at the intent, where it was
    heard."""

    at: float
    offset_s: float | None
    cost: Decimal


class Periods:
    """The limits that hold, and what was bought. Without limits nothing is kept."""

    def __init__(
        self,
        limits: Iterable[PeriodLimit] = (),
        attempts: Iterable[Attempt] = (),
        prices: PriceList | None = None,
        now: float = 0.0,
        offset_s: float | None = None,
    ) -> None:
        """``attempts`` are the ledger's rows, ``prices`` those of today; ``now`` and
        ``offset_s`` as in ``tell``."""
        self.limits = tuple(limits)
        self._prices = prices
        self._purchases: dict[int, _Purchase] = {}
        self._pending = ZERO
        self._now, self._offset_s = now, offset_s
        # By limit, when its period began by our own clock, and what is used of it.
        self._starts: list[float] = []
        self._used: list[Decimal] = []
        self.tell(now, offset_s)
        for attempt in attempts:
            self.take(attempt)

    # -- the time ----------------------------------------------------------------------

    def tell(self, now: float, offset_s: float | None) -> None:
        """It is ``now`` by our clock, and by the server's ``offset_s`` later; ``None``
        while it has said nothing."""
        self._now, self._offset_s = now, offset_s
        self._starts = self._starts_at(now, offset_s)
        self._used = [ZERO for _ in self.limits]
        for purchase in self._purchases.values():
            self._count(purchase, purchase.cost)

    def is_news(self, now: float, offset_s: float | None) -> bool:
        """Whether ``tell`` would change what counts: another period, or a server that
        says another time."""
        if not self.limits:
            return False
        if (offset_s is None) != (self._offset_s is None):
            return True
        if offset_s is not None and abs(offset_s - (self._offset_s or 0.0)) > MOVED_S:
            return True
        before, after = self._today(self._now, self._offset_s), self._today(now, offset_s)
        return any(start_of(one.unit, before) != start_of(one.unit, after) for one in self.limits)

    @staticmethod
    def _today(now: float, offset_s: float | None) -> float:
        """What time it is at least."""
        return now + min(0.0, offset_s or 0.0)

    def _starts_at(self, now: float, offset_s: float | None) -> list[float]:
        today = self._today(now, offset_s)
        return [start_of(limit.unit, today) + now - today for limit in self.limits]

    def _instant(self, purchase: _Purchase) -> float:
        """When it was made, at the latest, by our clock. Where no server was heard
        then, our clock may have been right."""
        if self._offset_s is None:
            return purchase.at
        return max(purchase.at, purchase.at + (purchase.offset_s or 0.0) - self._offset_s)

    # -- what was bought ---------------------------------------------------------------

    def take(self, attempt: Attempt) -> None:
        """A row of the ledger, as it stands now."""
        if not self.limits:
            return
        before = self._purchases.pop(attempt.attempt_id, None)
        if before is not None:
            self._count(before, -before.cost)
        if counts(attempt):
            cost = cost_of(attempt, self._prices) or ZERO
            found = _Purchase(attempt.intent_at, attempt.intent_offset_s, cost)
            self._purchases[attempt.attempt_id] = found
            self._count(found, cost)

    def _count(self, purchase: _Purchase, cost: Decimal) -> None:
        at = self._instant(purchase)
        for number, start in enumerate(self._starts):
            if at >= start:
                self._used[number] += cost

    # -- what is about to be -----------------------------------------------------------

    def hold(self, price: Decimal | None) -> None:
        """Holds a price back for an intent that is about to be written."""
        self._pending += price or ZERO

    def let_go(self, price: Decimal | None) -> None:
        """The intent is written, and its row counts; or it will not be."""
        self._pending -= price or ZERO

    def refusal(self, price: Decimal | None) -> str:
        """Why ``price`` cannot be held back; empty where it can."""
        today = self._today(self._now, self._offset_s)
        for limit, used in zip(self.limits, self._used, strict=True):
            left = max(ZERO, limit.amount - used - self._pending)
            if price is None or price > left:
                name = name_of(limit.unit, today)
                return f"the budget of the {limit.unit} {name} (UTC) does not allow it"
        return ""

    def allowances(self) -> tuple[Allowance, ...]:
        """What is left of each limit."""
        today = self._today(self._now, self._offset_s)
        late = sum(self._instant(p) > self._now + AHEAD_S for p in self._purchases.values())
        return tuple(
            Allowance(
                limit,
                name_of(limit.unit, today),
                end_of(limit.unit, today),
                used + self._pending,
                late,
            )
            for limit, used in zip(self.limits, self._used, strict=True)
        )
