"""How to state a backend's price: the file, and the TOML as it must stand there.

What it may not do: write that file, know what a provider charges, or read the
environment.

How it works: a table of the price alone can be pasted at the end of what the file holds
now, whatever it says of the backend already, and that is tried. Where it cannot (the
file states a price already, for another size), the line is shown that takes its place.
Sizes whose price is known keep it; the others get numbers that are examples.
"""

from __future__ import annotations

import tomllib
from collections.abc import Collection, Mapping
from decimal import Decimal
from pathlib import Path

from wanbatch.config.toml import SIZES
from wanbatch.model.job import Size
from wanbatch.model.price import PriceList

_EXAMPLE: Mapping[Size, Decimal] = {"720P": Decimal("0.10"), "1080P": Decimal("0.15")}
"""What Alibaba publishes for Singapore: of the right order wherever the model is
sold."""


def missing_price(name: str, prices: PriceList | None, sizes: Collection[Size]) -> str:
    """Of the backend ``name``, what it has no price for: of ``sizes``, or at all."""
    lacking = [size for size in SIZES if size in sizes]
    known = "" if prices is None else f" for {' and '.join(lacking)}"
    return f"backend {name} has no price{known}"


def state_price(name: str, prices: PriceList | None, path: Path | None) -> str:
    """How the user states the price of the backend ``name``, ready to be pasted.

    ``prices`` is what is known, ``path`` the user's configuration, whether it is there
    or not. The text has several lines; those of TOML begin at the margin.
    """
    path = (path or Path("config.toml")).absolute()
    present = _read(path)
    rates = {**_EXAMPLE, **(prices.per_second if prices else {})}
    currency = prices.currency if prices else "USD"
    fields = [*(f'"{size}" = {rates[size]:f}' for size in SIZES), f'currency = "{currency}"']
    block = "\n".join((f"[backends.{name}.price]", _COMMENT, *fields))
    if _is_stated(name, f"{present or ''}\n{block}\n"):
        where = f"at the end of {path}" if present is not None else f"in a new file, {path}"
        return f"{_ASK} {where}:\n\n{block}\n"
    line = f"price = {{ {', '.join(fields)} }}"
    return f"{_ASK} instead of the price of backends.{name} in {path}:\n\n{line}\n"


_COMMENT = "# What your provider charges per second of video; these numbers are examples."
_ASK = "write what your provider charges"


def _read(path: Path) -> str | None:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, ValueError):
        return None


def _is_stated(name: str, text: str) -> bool:
    try:
        return "price" in tomllib.loads(text)["backends"][name]
    except (ValueError, LookupError, TypeError):
        return False
