"""What is left of the budgets of day and month, and what is refused for them.

What it may not do: send anything, keep the budget while a run goes on (the scheduler
does), or refuse a fetch.

How it works: the ledger's purchases are counted by ``engine.pacing.periods``, as the
run itself counts them. Refused (3) is a plan that would spend more than is left, one
without a total, and a ledger whose purchases cannot be added up.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime

from wanbatch.engine.pacing.periods import Periods
from wanbatch.model.lifecycle import Attempt, Snapshot
from wanbatch.model.period import Allowance, PeriodLimit, cost_of, counts
from wanbatch.model.plan import Action, Plan
from wanbatch.model.wire import Profile
from wanbatch.operations.choose import Unpriced
from wanbatch.words.errors import ExitCode, WanbatchError
from wanbatch.words.humanize import money, plural


def periods_of(
    limits: Sequence[PeriodLimit],
    profile: Profile,
    snapshot: Snapshot,
    now: float,
    offset_s: float | None = None,
) -> Periods:
    """The ledger's purchases under ``limits``, at ``now`` by our clock and ``offset_s``
    later by the server's."""
    return Periods(limits, snapshot.attempts, profile.prices, now, offset_s)


def keep_periods(
    plan: Plan, periods: Periods, profile: Profile, snapshot: Snapshot, unpriced: Unpriced | None
) -> None:
    """Raises ``WanbatchError`` (3) where the plan would spend more than is left of a
    day or month, or what nobody knows."""
    if not periods.limits or not plan.count()[Action.GENERATE]:
        return
    if unpriced is not None:
        raise WanbatchError(
            ExitCode.REFUSED,
            f"{periods.limits[0].source} cannot be kept: {unpriced.missing}; nothing was sent",
            unpriced.advice,
        )
    refuse_uncountable(periods.limits, profile, snapshot)
    for one in periods.allowances():
        if plan.total is not None and plan.total > one.left:
            raise WanbatchError(ExitCode.REFUSED, _describe(plan, one), *_ways_out(plan, one))


def _describe(plan: Plan, one: Allowance) -> str:
    total, left = money(plan.total, plan.currency), money(one.left, plan.currency)
    most = money(one.limit.amount, plan.currency)
    return (
        f"the plan would spend {total}, and of the {most} for the {one.limit.unit} {one.name}"
        f" (UTC) {left} is left ({one.limit.source}); nothing was sent"
    )


def _ways_out(plan: Plan, one: Allowance) -> tuple[str, ...]:
    begins = datetime.fromtimestamp(one.ends_at, UTC).strftime("%Y-%m-%d %H:%M UTC")
    fewer = "select fewer jobs with --select or --first N, or raise the limit"
    if plan.total is not None and plan.total <= one.limit.amount:
        fewer += f"; or wait: the next {one.limit.unit} begins {begins}"
    if not one.ahead:
        return (fewer,)
    late = (
        f"{plural(one.ahead, 'purchase')} of this ledger with a date later than now"
        f" {'counts' if one.ahead == 1 else 'count'} until then: a clock is wrong, or was"
    )
    return (fewer, late)


def refuse_uncountable(limits: Sequence[PeriodLimit], profile: Profile, snapshot: Snapshot) -> None:
    """Raises ``WanbatchError`` (3) where a purchase of this ledger is in another
    currency, or nobody knows what it cost."""
    currency = profile.prices.currency if profile.prices else ""
    bought = [a for a in snapshot.attempts if counts(a)]
    foreign = sorted({a.currency for a in bought if a.price and a.currency != currency})
    if limits and foreign:
        raise WanbatchError(
            ExitCode.REFUSED,
            f"{limits[0].source} cannot be kept: this ledger has purchases in"
            f" {' and '.join(foreign)}, and backend {profile.name} charges {currency};"
            " nothing was sent",
            "keep a ledger for each currency: choose another folder with --output",
        )
    unknown = _unknown(bought, profile)
    if limits and unknown:
        raise WanbatchError(
            ExitCode.REFUSED,
            f"{limits[0].source} cannot be kept: nobody knows what {unknown[0].job} cost"
            f"{f' and {len(unknown) - 1} more' if len(unknown) > 1 else ''}; nothing was sent",
            f"state the price of {unknown[0].size or 'every size'} for backend {profile.name}",
        )


def _unknown(bought: Iterable[Attempt], profile: Profile) -> list[Attempt]:
    return [a for a in bought if cost_of(a, profile.prices) is None]


def describe_left(allowances: Sequence[Allowance], currency: str) -> str:
    """``Budget: $3.00 of $10.00 left for the day 2026-11-27 (UTC).``; empty where there
    is none."""
    parts = [describe_allowance(one, currency) for one in allowances]
    return f"Budget: {', '.join(parts)} (UTC)." if parts else ""


def describe_allowance(one: Allowance, currency: str) -> str:
    """``$3.00 of $10.00 left for the day 2026-11-27``"""
    left, most = money(one.left, currency), money(one.limit.amount, currency)
    return f"{left} of {most} left for the {one.limit.unit} {one.name}"
