"""Reading TOML settings: each value looked at once, and every mistake named with its
file and key.

What it may not do: know what a profile or a project is, or read the environment.

How it works: a ``Table`` hands out typed values by name and remembers which names were
asked for; ``finish`` refuses the rest. Decimals stay decimal. All trouble is a
``WanbatchError`` with exit code 2: the file is wrong, and nothing was sent.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from datetime import date, datetime
from decimal import Decimal
from difflib import get_close_matches
from pathlib import Path
from typing import NoReturn

from wanbatch.model.job import Size
from wanbatch.model.price import AMOUNT_FORM, PriceList, read_amount
from wanbatch.words.errors import ExitCode, WanbatchError

SIZES: tuple[Size, ...] = ("720P", "1080P")
FILE_LIMIT_BYTES = 1024 * 1024
"""A configuration has a few kilobytes; what is larger is another file."""
_MILLIONTH = Decimal("0.000001")


class Table:
    """One TOML table. ``where`` is how its place is shown: ``config.toml:
    backends.work``."""

    def __init__(self, values: Mapping[str, object], where: str) -> None:
        self.values = values
        self.where = where
        self._known: list[str] = []

    def __contains__(self, name: str) -> bool:
        return name in self.values

    def refuse(self, name: str, problem: str, *hints: str) -> NoReturn:
        """Raises the ``WanbatchError`` about one key."""
        raise WanbatchError(ExitCode.INVALID, f"{self.where}{name}: {problem}", *hints)

    def text(self, name: str, default: str = "") -> str:
        value = self._take(name)
        if value is None:
            return default
        if not isinstance(value, str) or not value or not value.isprintable():
            self.refuse(name, "must be a text, not empty, in one line")
        return value

    def flag(self, name: str, *, default: bool) -> bool:
        value = self._take(name)
        if value is None:
            return default
        if not isinstance(value, bool):
            self.refuse(name, "must be true or false")
        return value

    def texts(self, name: str) -> tuple[str, ...]:
        value = self._take(name)
        if value is None:
            return ()
        if not isinstance(value, list) or not all(
            isinstance(one, str) and one and one.isprintable() for one in value
        ):
            self.refuse(name, "must be a list of texts")
        return tuple(value)

    def decimal(self, name: str) -> Decimal | None:
        """An amount, from a TOML number or a text; never by way of a binary float."""
        value = self._take(name)
        if value is None:
            return None
        if isinstance(value, bool) or not isinstance(value, int | Decimal | str):
            self.refuse(name, 'must be an amount, such as 0.10 or "0.10"')
        amount = read_amount(value) if isinstance(value, str) else Decimal(value)
        if amount is None:
            self.refuse(name, f"{value!r} is no amount", f"write {AMOUNT_FORM}")
        if not amount.is_finite() or not 0 <= amount < 10**9:
            self.refuse(name, "must be an amount of zero or more, below a thousand millions")
        if amount != amount.quantize(_MILLIONTH):
            self.refuse(name, "must be an amount, to a millionth at most")
        return amount

    def number(self, name: str, *, least: float = 0.0, most: float = 1e6) -> float | None:
        """A number greater than ``least`` and at most ``most``."""
        value = self._take(name)
        if value is None:
            return None
        if (
            isinstance(value, bool)
            or not isinstance(value, int | Decimal)
            or not Decimal(value).is_finite()
            or not max(least, 1e-6) <= value <= most
            or value == least
        ):
            self.refuse(name, f"must be a number greater than {least:g} and at most {most:g}")
        return float(value)

    def whole(self, name: str, *, least: int = 1, most: int = 100_000) -> int | None:
        value = self._take(name)
        if value is None:
            return None
        if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
            self.refuse(name, f"must be a whole number from {least} to {most}")
        return value

    def table(self, name: str) -> Table | None:
        value = self._take(name)
        if value is None:
            return None
        if not isinstance(value, dict):
            self.refuse(name, "must be a table")
        return Table(value, f"{self.where}{name}.")

    def prices(self, name: str) -> PriceList | None:
        """``price = { "720P" = 0.10, "1080P" = 0.15, currency = "USD", as_of =
        2026-05-01 }``."""
        table = self.table(name)
        if table is None:
            return None
        rates = {size: amount for size in SIZES if (amount := table.decimal(size)) is not None}
        currency = table.text("currency")
        if not rates:
            self.refuse(name, 'states no price: give one per second for "720P", "1080P" or both')
        if (
            len(currency) != 3
            or not currency.isascii()
            or not currency.isalpha()
            or not currency.isupper()
        ):
            self.refuse(name, 'needs currency = "USD" or another three-letter code')
        as_of = table.day("as_of")
        table.finish()
        return PriceList(rates, currency, as_of)

    def day(self, name: str) -> str:
        value = self._take(name)
        if value is None:
            return ""
        if isinstance(value, date) and not isinstance(value, datetime):
            return value.isoformat()
        if not isinstance(value, str):
            self.refuse(name, "must be a date such as 2026-05-01")
        try:
            return date.fromisoformat(value).isoformat()
        except ValueError:
            self.refuse(name, "must be a date such as 2026-05-01")

    def finish(self, reasons: Mapping[str, str] | None = None) -> None:
        """Refuses every key that nobody asked for; ``reasons`` says of some why they
        may not stand here."""
        for name in self.values:
            if name in self._known:
                continue
            if reasons and name in reasons:
                self.refuse(name, "may not stand here", reasons[name])
            near = get_close_matches(name, self._known, 1)
            self.refuse(
                name,
                "no such setting",
                f"did you mean {near[0]}?"
                if near
                else f"the settings here are: {', '.join(sorted(set(self._known)))}",
            )

    def _take(self, name: str) -> object:
        self._known.append(name)
        return self.values.get(name)


def read_table(path: Path) -> Table | None:
    """The file's root table, or ``None`` where there is no file. Raises
    ``WanbatchError`` where it cannot be read or is no TOML."""
    try:
        with path.open("rb") as file:
            content = file.read(FILE_LIMIT_BYTES + 1)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise WanbatchError(
            ExitCode.ENVIRONMENT,
            f"{path} cannot be read: {error.strerror}",
            "mend its permissions, or move it away",
        ) from None
    if len(content) > FILE_LIMIT_BYTES:
        raise WanbatchError(
            ExitCode.INVALID,
            f"{path} is larger than a megabyte: it is no settings file",
            "move it away; a settings file has a few lines",
        )
    try:
        return Table(tomllib.loads(content.decode("utf-8"), parse_float=Decimal), f"{path}: ")
    except (ValueError, RecursionError) as error:
        problem = (
            str(error)
            if isinstance(error, tomllib.TOMLDecodeError)
            else "it is no UTF-8 text, or nested too deeply"
        )
        raise WanbatchError(
            ExitCode.INVALID,
            f"{path} is no valid TOML: {problem}",
            "mend the line that is named; texts stand in quotes, tables in [brackets]",
        ) from None
