"""What cannot be counted, and what is left, in words."""

from __future__ import annotations

from decimal import Decimal

import pytest
from builders import attempt

from wanbatch.model.lifecycle import Snapshot, State
from wanbatch.model.period import PeriodLimit, Unit
from wanbatch.model.price import PriceList
from wanbatch.model.wire import Profile
from wanbatch.operations.allowance import describe_left, periods_of, refuse_uncountable
from wanbatch.words.errors import ExitCode, WanbatchError

DAY = PeriodLimit(Unit.DAY, Decimal("2.00"), "config.toml: budget.day")
MONTH = PeriodLimit(Unit.MONTH, Decimal("30.00"), "config.toml: budget.month")
GATEWAY = Profile("gateway", "gateway", "", "", prices=PriceList({"720P": Decimal("0.10")}, "USD"))
NOW = 1_795_780_800.0  # 2026-11-27, noon


def refusal(*rows, limits=(DAY,)):
    with pytest.raises(WanbatchError) as caught:
        refuse_uncountable(limits, GATEWAY, Snapshot(rows))
    assert caught.value.exit_code is ExitCode.REFUSED
    return caught.value.message, *caught.value.hints


def test_a_ledger_has_one_currency():
    yuan = attempt(state=State.STORED, currency="CNY", intent_at=1.0)
    assert refusal(yuan, attempt(number=2)) == (
        (
            "config.toml: budget.day cannot be kept: this ledger has purchases in CNY, and backend"
            " gateway charges USD; nothing was sent"
        ),
        "keep a ledger for each currency: choose another folder with --output",
    )


@pytest.mark.parametrize(
    "row",
    [
        attempt(state=State.REMOTE_FAILED, currency="CNY"),
        attempt(state=State.STORED, currency="CNY", realm="emulator"),
        attempt(state=State.STORED, currency="", price=None),
    ],
    ids=["free", "drawn", "unpriced"],
)
def test_what_cost_nothing_has_none(row):
    refuse_uncountable((DAY,), GATEWAY, Snapshot((row,)))


def test_without_a_limit_nothing_is_counted():
    rows = attempt(state=State.STORED, currency="CNY"), attempt(price=None, size="1080P")
    refuse_uncountable((), GATEWAY, Snapshot(rows))


def test_what_nobody_knows_the_price_of_is_named():
    rows = [attempt(number=n, price=None, size="1080P") for n in (1, 2)]
    assert refusal(*rows) == (
        (
            "config.toml: budget.day cannot be kept: nobody knows what one cost and 1 more; nothing"
            " was sent"
        ),
        "state the price of 1080P for backend gateway",
    )


def test_what_is_left_is_one_sentence():
    rows = (attempt(intent_at=NOW), attempt(number=2, intent_at=NOW - 86_400))
    left = periods_of((DAY, MONTH), GATEWAY, Snapshot(rows), NOW).allowances()
    assert describe_left(left, "USD") == (
        "Budget: $1.50 of $2.00 left for the day 2026-11-27, $29.00 of $30.00 left for the month"
        " 2026-11 (UTC)."
    )
    assert describe_left((), "USD") == ""
