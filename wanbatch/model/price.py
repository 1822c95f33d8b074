"""What a job costs: price lists per second and size, in decimal.

What it may not do: know any provider's price (profiles bring them) or use binary
floats.

How it works: a successful job is billed for its requested seconds at its size's rate
(reference: prices are per output second; inputs and failures are free). A continuation
is billed for the whole output, the given clip included.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal

from wanbatch.model.job import Size


@dataclass(frozen=True, slots=True)
class PriceList:
    """Price per output second by size, in ``currency`` (ISO 4217), as published on
    ``as_of`` (``YYYY-MM-DD`` or empty)."""

    per_second: Mapping[Size, Decimal]
    currency: str
    as_of: str = ""


_AMOUNT = re.compile(r"[0-9]{1,12}(?:\.[0-9]{0,6})?|\.[0-9]{1,6}")
"""Below a billion of billions, to a millionth: what no price and no budget ever
leaves."""
AMOUNT_FORM = "digits with at most one point, such as 5.00 (12 digits before it, 6 behind it)"


def read_amount(text: str) -> Decimal | None:
    """The amount of money that ``text`` states, or ``None`` where it is none.

    Signs, exponents, separators of thousands and the digits of other scripts are none:
    each is read differently somewhere, and the amount is what a run may spend.
    """
    return Decimal(text) if _AMOUNT.fullmatch(text) else None


def price_of(seconds: int, size: Size, prices: PriceList | None) -> Decimal | None:
    """The price of one video, or ``None`` where there is no list or the list lacks the
    size."""
    if prices is None:
        return None
    rate = prices.per_second.get(size)
    return None if rate is None else rate * seconds


def higher(one: PriceList | None, other: PriceList | None) -> PriceList | None:
    """Of two statements of the price the higher counts, size by size. Raises
    ``ValueError`` where their currencies differ."""
    if one is None or other is None:
        return one or other
    if one.currency != other.currency:
        raise ValueError(f"prices in {one.currency} and {other.currency} cannot be compared")
    rates = {
        size: max(p.per_second[size] for p in (one, other) if size in p.per_second)
        for size in {**one.per_second, **other.per_second}
    }
    return PriceList(rates, one.currency, one.as_of or other.as_of)
