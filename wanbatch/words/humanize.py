"""Money, durations, counts and commands in words, as people read them.

What it may not do: print, or know what is counted."""

from __future__ import annotations

import math
import shlex
from collections.abc import Sequence
from decimal import Decimal

from wanbatch.words.hiding import hide_queries

SECONDS_UP_TO_S, MINUTES_UP_TO_S = 100.0, 100 * 60.0
"""Up to here a range is told in seconds, and in minutes: then numbers stay small."""
SYMBOLS = {"USD": "$", "CNY": "¥", "EUR": "€", "GBP": "£", "JPY": "¥"}


def money(amount: Decimal | None, currency: str) -> str:
    """``$6.00``; ``unknown price`` where a backend has none. Never rounded below what
    is spent."""
    if amount is None:
        return "unknown price"
    exact = (
        amount.quantize(Decimal("0.01"))
        if amount == amount.quantize(Decimal("0.01"))
        else amount.normalize()
    )
    symbol = SYMBOLS.get(currency)
    return f"{symbol}{exact:f}" if symbol else f"{exact:f} {currency}".rstrip()


def duration(seconds: float) -> str:
    """``0.4 s``, ``12 s``, ``3 min 05 s``, ``2 h 10 min``."""
    if seconds < 10:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02d} s"
    return f"{whole // 3600} h {whole % 3600 // 60:02d} min"


def size(count: int) -> str:
    """``0 bytes``, ``1 byte``, ``999 bytes``, ``1.2 kB``, ``34 MB``, ``5.6 GB``; a
    thousand each."""
    if count < 1000:
        return plural(count, "byte")
    amount, unit = count / 1e12, "TB"
    for above, below, name in ((1e6, 1e3, "kB"), (1e9, 1e6, "MB"), (1e12, 1e9, "GB")):
        if count < above:
            amount, unit = count / below, name
            break
    return f"{amount:.1f} {unit}" if amount < 9.95 else f"{amount:.0f} {unit}"


def duration_range(low_s: float, high_s: float) -> str:
    """``6 to 9 min``, ``40 to 80 s``, ``1.5 to 2 h``; one number where both say the
    same. Never finer than a range can mean."""
    if high_s < 1.0:
        return "1 s"
    if high_s < SECONDS_UP_TO_S:
        step = 1 if high_s < 20 else 5
        low, high = math.floor(low_s / step) * step, math.ceil(high_s / step) * step
        return _as_range(max(1, low), high, "s")
    if high_s < MINUTES_UP_TO_S:
        return _as_range(max(1, math.floor(low_s / 60)), math.ceil(high_s / 60), "min")
    return _as_range(max(0.5, math.floor(low_s / 1800) / 2), math.ceil(high_s / 1800) / 2, "h")


def _as_range(low: float, high: float, unit: str) -> str:
    return f"{high:g} {unit}" if low >= high else f"{low:g} to {high:g} {unit}"


def quoted(words: Sequence[str]) -> str:
    """A command as the user can paste it; the query of a URL in it (``--var``) is for
    the user to put back."""
    return shlex.join(map(hide_queries, words))


def plural(count: int, noun: str) -> str:
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"
