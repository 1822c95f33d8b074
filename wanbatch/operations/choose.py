"""Chooses the backend of a command, and the limit on what it may spend.

What it may not do: open a connection, or look at a ledger.

How it works: ``--backend``, else the manifests, else the projects they lie in, else the
user's default. Projects and manifests may lower a profile's limits and never raise
them.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

from wanbatch.config.price_advice import missing_price, state_price
from wanbatch.config.profiles import (
    ProjectSettings,
    find_configuration,
    load_profiles,
    load_projects,
    lower_limits,
    resolve_profile,
)
from wanbatch.model.job import Manifest
from wanbatch.model.period import PeriodLimit, Unit, lowest, read_limits
from wanbatch.model.plan import Action, Plan
from wanbatch.model.wire import Profile
from wanbatch.operations.options import PlanningOptions
from wanbatch.words.errors import ExitCode, WanbatchError


@dataclass(frozen=True, slots=True)
class Chosen:
    """The backend of a command, what the projects of its manifests say of it, and what
    all runs of a ledger may spend there in a day and month."""

    profile: Profile
    projects: tuple[ProjectSettings, ...]
    periods: tuple[PeriodLimit, ...] = ()


def choose_backend(
    options: PlanningOptions, manifests: Sequence[Manifest], *, offline: bool
) -> Chosen:
    """Raises ``WanbatchError`` (2) where no backend is named, or several are.

    ``offline`` asks for prices and limits alone and needs no key.
    """
    profiles = load_profiles(os.environ)
    # Beside the manifests: from wherever a run is started, the same limits hold.
    projects = load_projects([*(Path(m.path).parent for m in manifests), Path.cwd()])
    named = (
        options.backend
        or _one_backend({m.path: m.run.backend for m in manifests}, "manifests")
        or _one_backend({str(p.path): p.backend for p in projects}, "projects")
        or profiles.default
    )
    if not named:
        there_are = ", ".join(profiles.names())
        raise WanbatchError(
            ExitCode.INVALID,
            "no backend is named",
            f"add --backend NAME, or 'run: {{backend: NAME}}' to the manifest; there are:"
            f" {there_are}",
        )
    profile = resolve_profile(profiles, named, os.environ, offline=offline)
    for project in projects:
        profile = lower_limits(
            profile, max_in_flight=project.max_in_flight, rate=project.rate, prices=project.prices
        )
    for manifest in manifests:
        profile = lower_limits(
            profile, max_in_flight=manifest.run.max_in_flight, rate=manifest.run.rate
        )
    return Chosen(profile, projects, period_limits(profiles.budget, profile, projects, manifests))


def _one_backend(said: Mapping[str, str | None], whose: str) -> str | None:
    """The backend that these files name. Raises ``WanbatchError`` where they name
    several."""
    named = {backend: path for path, backend in said.items() if backend}
    if len(named) > 1:
        each = ", ".join(f"{path} says {backend}" for backend, path in named.items())
        raise WanbatchError(
            ExitCode.INVALID,
            f"the {whose} name different backends: {each}",
            "choose one with --backend",
        )
    return next(iter(named), None)


def period_limits(
    given: Sequence[PeriodLimit],
    profile: Profile,
    projects: Sequence[ProjectSettings],
    manifests: Sequence[Manifest] = (),
) -> tuple[PeriodLimit, ...]:
    """The lowest limit given for each unit; ``given`` are those of the user's
    configuration. The emulator has none."""
    if profile.realm == "emulator":
        return ()
    limits = [*given, *profile.budget]
    limits += [limit for project in projects for limit in project.budget]
    for manifest in manifests:
        run = manifest.run
        amounts = {Unit.DAY: run.budget_day, Unit.MONTH: run.budget_month}
        limits += read_limits(amounts, f"{manifest.path}: run.budget.")
    return lowest(limits)


@dataclass(frozen=True, slots=True)
class SpendingLimit:
    """The most that may be spent, and who said so; ``amount`` ``None`` is no limit."""

    amount: Decimal | None = None
    source: str = ""


def spending_limit(
    max_cost: Decimal | None,
    manifests: Sequence[Manifest],
    projects: Sequence[ProjectSettings],
) -> SpendingLimit:
    """The lowest limit given."""
    limits = [(m.run.max_cost, f"{m.path}: run.max_cost") for m in manifests]
    limits += [(p.max_cost, f"{p.path}: max_cost") for p in projects]
    limits.append((max_cost, "--max-cost"))
    known = [SpendingLimit(amount, source) for amount, source in limits if amount is not None]
    return min(known, key=lambda limit: limit.amount or Decimal(0), default=SpendingLimit())


@dataclass(frozen=True, slots=True)
class Unpriced:
    """Why a plan's total is not known, and how the user states the missing price."""

    missing: str
    advice: str


def find_unpriced(plan: Plan, profile: Profile) -> Unpriced | None:
    """``None`` where every job that would be bought has a price."""
    sizes = {
        entry.request.size
        for entry in plan.selected()
        if entry.action is Action.GENERATE and entry.price is None
    }
    if not sizes:
        return None
    name, prices = profile.name, profile.prices
    advice = state_price(name, prices, find_configuration(os.environ))
    if name == "dashscope" and prices is None:
        advice = f"export DASHSCOPE_REGION=intl, or cn, for its published price; or {advice}"
    return Unpriced(missing_price(name, prices, sizes), advice)
