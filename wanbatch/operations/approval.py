"""Consent: nothing that costs money goes out without a person's or a script's.

What it may not do: ask. Who is asked, and how, is the port ``Approver``.
"""

from __future__ import annotations

from typing import Protocol

from wanbatch.model.plan import Action, Plan
from wanbatch.operations.choose import SpendingLimit, Unpriced
from wanbatch.operations.options import RunOptions
from wanbatch.words.errors import ExitCode, WanbatchError
from wanbatch.words.humanize import money, plural


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
