"""What people read: lines on stderr, money, durations, commands quoted for the shell; and whether colour and animation are welcome.

What it may not do: write to stdout (machine formats do), or know what a command is about.
"""

from __future__ import annotations

import contextlib
import os
import shlex
import sys
from collections.abc import Sequence
from decimal import Decimal

import click

from wanbatch.words.hiding import hide_queries

SYMBOLS = {"USD": "$", "CNY": "¥", "EUR": "€", "GBP": "£", "JPY": "¥"}


def say(text: str = "") -> None:
    """A line for people, on stderr. Where nobody listens any more (a closed pipe, a terminal that hung up) it is lost, and nothing else is.

    Colours stay where they are put in: ``wants_color`` has decided that, and stderr need not be a terminal for it.
    """
    with contextlib.suppress(OSError, ValueError):
        click.echo(text, err=True, color=True)


def tell(text: str) -> None:
    """A line for programs, on stdout, that must not decide how a run ends: one who has stopped listening misses it."""
    with contextlib.suppress(OSError, ValueError):
        click.echo(text)


def wants_color(choice: str) -> bool:
    """Whether stderr gets colours: the option, then NO_COLOR and FORCE_COLOR, then whether it is a terminal."""
    if choice != "auto":
        return choice == "always"
    if os.environ.get("NO_COLOR"):
        return False
    return bool(os.environ.get("FORCE_COLOR")) or sys.stderr.isatty()


def wants_animation() -> bool:
    """Nothing is animated where stderr is no terminal, or in CI."""
    return sys.stderr.isatty() and not os.environ.get("CI") and os.environ.get("TERM") != "dumb"


def money(amount: Decimal | None, currency: str) -> str:
    """``$6.00``; ``unknown price`` where a backend has none. Never rounded below what is spent."""
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


def quoted(words: Sequence[str]) -> str:
    """A command as the user can paste it; the query of a URL in it (``--var``) is for the user to put back."""
    return shlex.join(map(hide_queries, words))


def plural(count: int, noun: str) -> str:
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"
