"""A project's ``wanbatch.toml``: what a file inside a repo may say about backends.

What it may not do: decide where a key is sent, or raise a limit. Whoever can change a
repo, by a pull request for one, can change this file; so it names a backend and the id
of the one ledger that may buy, lowers limits and states a price (of two prices the
higher counts), and every other setting is refused with the reason.

How it works: the file is looked for in the given folder and those above it, up to the
repo's root. Where manifests of several projects are run together, each file counts.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from decimal import Decimal
from pathlib import Path

from wanbatch.config.budgets import read_budget
from wanbatch.config.toml import Table, read_table
from wanbatch.model.period import PeriodLimit
from wanbatch.model.price import PriceList, higher
from wanbatch.model.wire import Profile
from wanbatch.words.errors import ExitCode, WanbatchError

FILE_NAME = "wanbatch.toml"
_LEDGER_ID = re.compile("[0-9a-f]{32}")
_WHY_NOT = (
    "no file inside a repo decides where a key is sent: put this into your own configuration (see"
    " docs/backends.md)"
)
_FORBIDDEN = dict.fromkeys(
    (
        "base_url",
        "api_key",
        "api_key_env",
        "backends",
        "kind",
        "account",
        "proxy",
        "media",
        "download_hosts",
        "ca_file",
        "region",
        "workspace",
        "store",
    ),
    _WHY_NOT,
)


@dataclass(frozen=True, slots=True)
class ProjectSettings:
    """What the project's file says; everything is optional. ``path`` is where it
    stands, ``None`` where there is none."""

    path: Path | None = None
    backend: str | None = None
    max_cost: Decimal | None = None
    max_in_flight: int | None = None
    rate: float | None = None
    prices: PriceList | None = None
    budget: tuple[PeriodLimit, ...] = ()
    ledger: str = ""


def load_project(folder: Path) -> ProjectSettings:
    """The settings of the project that ``folder`` belongs to. Raises ``WanbatchError``
    for what may not stand there."""
    for place in _folders_up_to_root(folder.absolute()):
        table = read_table(place / FILE_NAME)
        if table is None:
            continue
        settings = ProjectSettings(
            path=place / FILE_NAME,
            backend=table.text("backend") or None,
            max_cost=table.decimal("max_cost"),
            max_in_flight=table.whole("max_in_flight"),
            rate=table.number("rate"),
            prices=table.prices("price"),
            budget=read_budget(table),
            ledger=_ledger_id(table),
        )
        table.finish(_FORBIDDEN)
        return settings
    return ProjectSettings()


def _ledger_id(table: Table) -> str:
    name = table.text("ledger")
    if name and not _LEDGER_ID.fullmatch(name):
        table.refuse(
            "ledger",
            "must be the id of a ledger, 32 characters of 0-9a-f, as NAME.lock.json and"
            " report.json show it",
            "where a ledger is shared stands in your own configuration, as the address of its"
            f" backend's ledger: {_WHY_NOT}",
        )
    return name


def load_projects(folders: Iterable[Path]) -> tuple[ProjectSettings, ...]:
    """The settings of every project that one of ``folders`` belongs to, each once.
    Raises ``WanbatchError`` as ``load_project`` does."""
    found: dict[Path, ProjectSettings] = {}
    for folder in folders:
        project = load_project(folder)
        if project.path is not None:
            found.setdefault(project.path.resolve(), project)
    return tuple(found.values())


def lower_limits(
    profile: Profile,
    *,
    max_in_flight: int | None = None,
    rate: float | None = None,
    prices: PriceList | None = None,
) -> Profile:
    """``profile`` with whatever is lower of its limits and the given ones, and the
    higher of the prices. Raises ``WanbatchError`` for two currencies."""
    try:
        price = higher(profile.prices, prices) if profile.realm == "paid" else profile.prices
    except ValueError as error:
        raise WanbatchError(
            ExitCode.INVALID,
            str(error),
            f"state the price in the currency of backend {profile.name!r}",
        ) from None
    rates = [one for one in (profile.rate, rate) if one is not None]
    ceiling = (
        profile.max_in_flight
        if max_in_flight is None
        else min(profile.max_in_flight, max_in_flight)
    )
    return replace(profile, max_in_flight=ceiling, rate=min(rates) if rates else None, prices=price)


def _folders_up_to_root(folder: Path) -> list[Path]:
    """``folder`` and those above it up to the one that holds ``.git``; outside of any
    repo, ``folder`` alone."""
    line = [folder, *folder.parents]
    root = next((number for number, place in enumerate(line) if (place / ".git").exists()), 0)
    return line[: root + 1]
