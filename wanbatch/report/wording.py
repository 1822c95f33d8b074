"""Numbers as people read them (money, durations, instants), and paths as links.

What it may not do: know where a number comes from, or a reader's language or time zone
(the page sets instants in the reader's own).

How it works: one function per kind of number; ``None`` is an en dash. ``web/words.js``
words the same numbers in the same way (a test compares them).
"""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from urllib.parse import quote

UNKNOWN = "–"
SYMBOLS = {"USD": "$", "EUR": "€", "GBP": "£", "CNY": "¥", "JPY": "¥"}
"""What stands before an amount instead of its currency behind it."""


def money(value: Decimal | None, currency: str) -> str:
    """``$1.50``, ``¥3.00``, ``1.50 CHF``: two decimals, or as many as the amount
    has."""
    if value is None:
        return UNKNOWN
    exponent = value.as_tuple().exponent
    text = f"{value:.2f}" if not isinstance(exponent, int) or exponent > -2 else format(value, "f")
    if currency in SYMBOLS:
        return SYMBOLS[currency] + text
    return f"{text} {currency}".rstrip()


def duration(seconds: float | None) -> str:
    """``0.4 s``, ``43 s``, ``2 min 14 s``, ``1 h 3 min``."""
    if seconds is None:
        return UNKNOWN
    if seconds < 9.95:
        return f"{seconds:.1f} s"
    whole = int(seconds + 0.5)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min" + (f" {whole % 60} s" if whole % 60 else "")
    return f"{whole // 3600} h" + (f" {whole % 3600 // 60} min" if whole % 3600 >= 60 else "")


def moment(at: float) -> str:
    """``2026-02-28 23:59 UTC``."""
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%d %H:%M UTC")


def count(number: int, one: str, many: str = "") -> str:
    """``1 job``, ``12 jobs``."""
    return f"{number} {one if number == 1 else many or one + 's'}"


def reach(base: str, path: str) -> str:
    """``path`` from where ``base`` leads to; an address as it is."""
    return path if "://" in path else base + path


def link(path: str) -> str:
    """A relative path as a URL that cannot be taken for anything else; an address as it
    is."""
    if "://" in path:
        return path
    return "/".join(quote(part, safe="") for part in path.split("/"))
