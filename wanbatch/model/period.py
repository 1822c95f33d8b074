"""Days and months by UTC, the most that may be spent in one, and what is left of it.

What it may not do: read a clock, or know what was bought (``engine.pacing.periods``
does).

How it works: an instant is Unix seconds. A period begins at 00:00 UTC and holds its
first instant, not its end.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from enum import StrEnum
from typing import cast

from wanbatch.model.job import Size
from wanbatch.model.lifecycle import RESERVED, SPENT, Attempt, EventKind, State
from wanbatch.model.price import PriceList, price_of

_DAY_S = 86400.0
"""UTC days, as Unix counts them, are all as long."""
_LAST = 253370764799.0
"""The end of the year 9998: no calendar goes beyond the next year."""


class Unit(StrEnum):
    """How long a period is."""

    DAY = "day"
    MONTH = "month"


@dataclass(frozen=True, slots=True)
class PeriodLimit:
    """The most that all runs of a ledger may spend in one day or month; ``source`` is
    who said so."""

    unit: Unit
    amount: Decimal
    source: str


def start_of(unit: Unit, at: float) -> float:
    """When the period of ``at`` began."""
    return _start(unit, min(max(at, 0.0), _LAST))


def end_of(unit: Unit, at: float) -> float:
    """When the period after that of ``at`` begins."""
    longest_s = _DAY_S if unit is Unit.DAY else 31 * _DAY_S
    return _start(unit, start_of(unit, at) + longest_s)


def _start(unit: Unit, at: float) -> float:
    if unit is Unit.DAY:
        return at // _DAY_S * _DAY_S
    day = datetime.fromtimestamp(at, UTC)
    return datetime(day.year, day.month, 1, tzinfo=UTC).timestamp()


def name_of(unit: Unit, at: float) -> str:
    """``2026-11-27`` or ``2026-11``."""
    day = datetime.fromtimestamp(start_of(unit, at), UTC).date().isoformat()
    return day if unit is Unit.DAY else day.removesuffix("-01")


def lowest(limits: Iterable[PeriodLimit]) -> tuple[PeriodLimit, ...]:
    """Of all limits the lowest of each unit; the first where two are equal."""
    found: dict[Unit, PeriodLimit] = {}
    for limit in limits:
        before = found.get(limit.unit)
        if before is None or limit.amount < before.amount:
            found[limit.unit] = limit
    return tuple(found[unit] for unit in Unit if unit in found)


def read_limits(amounts: Mapping[Unit, Decimal | None], source: str) -> tuple[PeriodLimit, ...]:
    """The limits that a place states, each named after its key there."""
    return tuple(
        PeriodLimit(unit, amount, f"{source}{unit}")
        for unit, amount in amounts.items()
        if amount is not None
    )


@dataclass(frozen=True, slots=True)
class Allowance:
    """What is left of a limit. ``name`` is the period's, ``ends_at`` when the next one
    begins; ``ahead`` counts purchases that are dated later than now."""

    limit: PeriodLimit
    name: str
    ends_at: float
    used: Decimal
    ahead: int = 0

    @property
    def left(self) -> Decimal:
        return max(Decimal(0), self.limit.amount - self.used)


def counts(attempt: Attempt) -> bool:
    """Whether a purchase counts against a period: it is paid for, may be, or is held
    back. What a person has sent again without a proof may be paid for twice."""
    if attempt.realm != "paid":
        return False
    return attempt.state in SPENT | RESERVED or (
        attempt.state is State.PLANNED and attempt.last_event is EventKind.RESUBMIT
    )


def cost_of(attempt: Attempt, prices: PriceList | None) -> Decimal | None:
    """What a purchase cost; by the price of today where none was known then, ``None``
    where none is known now."""
    if attempt.price is not None:
        return attempt.price
    if not attempt.length_s:
        return None
    return price_of(attempt.length_s, cast("Size", attempt.size), prices)
