"""Consent: nothing that costs money goes out without a person's or a script's.

What it may not do: ask. Who is asked, and how, is the port ``Approver``.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Protocol

from wanbatch.model.lifecycle import Snapshot
from wanbatch.model.plan import Action, Plan
from wanbatch.operations.choose import SpendingLimit, Unpriced
from wanbatch.operations.options import RunOptions
from wanbatch.words.errors import ExitCode, WanbatchError
from wanbatch.words.humanize import money, plural

TOLD = 5
"""So many differences of a stale plan are named; the rest is counted."""


class Approver(Protocol):
    """Asks whoever may spend the money."""

    def approve(self, plan: Plan) -> bool | None:
        """Whether the plan may be bought; ``None`` where nobody is there to be
        asked."""


class Nobody:
    """There is nobody to ask: what was not approved by the options is not bought."""

    def approve(self, _plan: Plan) -> None:
        return None


def keep_limit(plan: Plan, limit: SpendingLimit, unpriced: Unpriced | None) -> None:
    """Raises ``WanbatchError`` (3) where the plan would spend more, or what nobody
    knows."""
    if limit.amount is None or not plan.count()[Action.GENERATE]:
        return
    if unpriced is not None:
        raise WanbatchError(
            ExitCode.REFUSED,
            f"{limit.source} cannot be kept: {unpriced.missing}; nothing was sent",
            unpriced.advice,
        )
    if plan.total is not None and plan.total > limit.amount:
        total, most = money(plan.total, plan.currency), money(limit.amount, plan.currency)
        raise WanbatchError(
            ExitCode.REFUSED,
            f"the plan would spend {total}, and the limit is {most} ({limit.source});"
            " nothing was sent",
            "select fewer jobs with --select, or raise the limit",
        )


def keep_to_plan(plan: Plan, approved: Plan) -> None:
    """Raises ``WanbatchError`` (3) where ``plan`` would buy what ``approved`` would
    not, or for more. What has been bought since may be missing: a plan that was
    interrupted half-way can be run again."""
    allowed = {
        entry.fingerprint: entry.price
        for entry in approved.selected()
        if entry.action is Action.GENERATE
    }
    wanted = [entry for entry in plan.selected() if entry.action is Action.GENERATE]
    found = [
        *(
            f"{entry.name} was not to be bought: {entry.reason}"
            for entry in wanted
            if entry.fingerprint not in allowed
        ),
        *(
            f"{entry.name} costs {money(entry.price, plan.currency)} instead of {before}"
            for entry in wanted
            if (before := _dearer(entry.price, allowed, entry.fingerprint, approved.currency))
        ),
    ]
    home = (approved.backend, approved.realm, approved.origin, approved.currency)
    if (plan.backend, plan.realm, plan.origin, plan.currency) != home:
        found.insert(0, f"it was made for backend {approved.backend} as it was then")
    if found:
        more = f"; and {plural(len(found) - TOLD, 'more difference')}" if len(found) > TOLD else ""
        raise WanbatchError(
            ExitCode.REFUSED,
            f"the plan is stale: {'; '.join(found[:TOLD])}{more}; nothing was sent",
            "make a new plan, look at it, and run that",
        )


def still_wanted(approved: Plan, snapshot: Snapshot) -> frozenset[str]:
    """The fingerprints that ``approved`` buys once more by a person's word, and that
    nobody has bought since it was made: the word was meant once, however often the plan
    is run."""
    wanted = {
        entry.fingerprint: {attempt.attempt_id for attempt in entry.attempts}
        for entry in approved.selected()
        if entry.authorised_by
    }
    bought = {
        a.fingerprint
        for a in snapshot.attempts
        if a.fingerprint in wanted
        and a.realm == approved.realm
        and a.attempt_id not in wanted[a.fingerprint]
    }
    return frozenset(wanted.keys() - bought)


def _dearer(
    price: Decimal | None,
    allowed: Mapping[str, Decimal | None],
    fingerprint: str,
    currency: str,
) -> str:
    """The price that was approved, where this one is not within it; else nothing."""
    before = allowed.get(fingerprint, price)
    if price == before or (price is not None and before is not None and price < before):
        return ""
    return money(before, currency)


def require_approval(
    plan: Plan, options: RunOptions, unpriced: Unpriced | None, approver: Approver
) -> None:
    """Raises ``WanbatchError`` (3) where neither the options nor the approver allow the
    spending."""
    wanted = plan.count()[Action.GENERATE]
    if plan.realm == "emulator" or not wanted or options.yes or options.max_cost is not None:
        return
    match approver.approve(plan):
        case True:
            return
        case False:
            raise WanbatchError(
                ExitCode.REFUSED,
                "not approved; nothing was sent",
                "run it again when you want to buy; --select and --first N buy fewer",
            )
    price = money(plan.total, plan.currency)
    raise WanbatchError(
        ExitCode.REFUSED,
        f"{plural(wanted, 'video')} would be bought ({price}) and nobody approved it;"
        " nothing was sent",
        *_ways_to_approve(unpriced),
    )


def _ways_to_approve(unpriced: Unpriced | None) -> tuple[str, ...]:
    if unpriced is None:
        return ("add --yes, or --max-cost AMOUNT",)
    return (
        f"add --yes; --max-cost AMOUNT cannot be kept, for {unpriced.missing}",
        unpriced.advice,
    )
