"""The budgets of day and month: what counts where, at midnight, at a month's end, and
under clocks that lie."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal

import pytest
from builders import attempt
from hypothesis import given
from hypothesis import strategies as st

from wanbatch.engine.pacing.periods import AHEAD_S, MOVED_S, Periods
from wanbatch.model.lifecycle import State
from wanbatch.model.period import PeriodLimit, Unit
from wanbatch.model.price import PriceList

HALF = Decimal("0.50")
DAY_S = 86_400.0
NOON = datetime(2026, 11, 27, 12, tzinfo=UTC).timestamp()
MIDNIGHT = NOON + DAY_S / 2
DAY = PeriodLimit(Unit.DAY, Decimal("1.00"), "config.toml: budget.day")
MONTH = PeriodLimit(Unit.MONTH, Decimal("2.00"), "config.toml: budget.month")


def bought(number, at=NOON, state=State.STORED, **more):
    return attempt(number=number, intent_at=at, state=state, **more)


def left(periods):
    return [one.left for one in periods.allowances()]


def test_all_runs_of_a_ledger_share_it():
    rows = [bought(1, run_id="one"), bought(2, run_id="another", backend="other")]
    periods = Periods([DAY, MONTH], rows, now=NOON + 60)
    assert left(periods) == [Decimal(0), Decimal("1.00")]
    assert periods.refusal(HALF) == "the budget of the day 2026-11-27 (UTC) does not allow it"
    assert periods.refusal(Decimal(0)) == ""


def test_the_lower_of_the_two_decides():
    full = [bought(number, NOON - number * DAY_S) for number in range(1, 5)]
    periods = Periods([DAY, MONTH], full, now=NOON)
    assert periods.refusal(HALF) == "the budget of the month 2026-11 (UTC) does not allow it"


def test_what_is_exactly_left_may_be_spent():
    periods = Periods([DAY], [bought(1)], now=NOON)
    assert periods.refusal(HALF) == ""
    assert periods.refusal(Decimal("0.51")) != ""


def test_a_purchase_counts_in_the_day_of_its_intent():
    rows = [bought(1, MIDNIGHT - 0.5), bought(2, MIDNIGHT)]
    before, after = (Periods([DAY], rows, now=MIDNIGHT + by) for by in (-0.25, 0.25))
    assert left(before) == [Decimal(0)], "what is dated later than now counts too"
    assert left(after) == [HALF]


def test_a_month_ends_at_its_last_midnight():
    end = datetime(2026, 12, 1, tzinfo=UTC).timestamp()
    rows = [bought(1, end - 1)]
    assert left(Periods([MONTH], rows, now=end - 0.5)) == [Decimal("1.50")]
    assert left(Periods([MONTH], rows, now=end)) == [Decimal("2.00")]


def test_a_free_failure_gives_back_and_doubt_stays():
    periods = Periods([DAY], now=NOON)
    for number, state in enumerate((State.INTENT, State.UNCERTAIN)):
        periods.take(bought(number, state=state))
    assert left(periods) == [Decimal(0)]
    periods.take(bought(0, state=State.REMOTE_FAILED))
    assert left(periods) == [HALF]
    periods.take(bought(0, state=State.REMOTE_OK))
    assert left(periods) == [Decimal(0)], "the provider has taken its failure back"
    periods.take(bought(1, state=State.EXPIRED))
    assert left(periods) == [Decimal(0)]
    periods.take(bought(1, state=State.PLANNED))
    assert left(periods) == [HALF], "proven absent"


def test_a_failure_of_yesterday_gives_back_yesterday():
    periods = Periods([DAY], [bought(1, state=State.ACCEPTED), bought(2, MIDNIGHT)], now=MIDNIGHT)
    periods.take(bought(1, state=State.REMOTE_FAILED))
    assert left(periods) == [HALF]


def test_what_is_held_counts_until_its_row_does():
    periods = Periods([DAY], now=NOON)
    periods.hold(HALF)
    periods.hold(HALF)
    assert periods.refusal(HALF) != ""
    periods.take(bought(1, state=State.INTENT))
    periods.let_go(HALF)
    periods.let_go(HALF)
    assert left(periods) == [HALF]


def test_what_is_held_at_midnight_counts_in_the_new_day():
    periods = Periods([DAY], [bought(1)], now=MIDNIGHT - 1)
    periods.hold(HALF)
    periods.tell(MIDNIGHT, None)
    assert left(periods) == [HALF]
    assert [one.name for one in periods.allowances()] == ["2026-11-28"]


def test_an_unknown_price_fits_no_limit_and_any_where_there_is_none():
    assert Periods([DAY], now=NOON).refusal(None) != ""
    free = Periods([], [bought(1)], now=NOON)
    assert (free.refusal(None), free.allowances()) == ("", ())
    free.hold(None)
    free.let_go(None)


def test_what_was_bought_without_a_price_costs_what_it_does_today():
    prices = PriceList({"720P": Decimal("0.10")}, "USD")
    unpriced = bought(1, price=None)
    assert left(Periods([DAY], [unpriced], prices, NOON)) == [HALF]
    assert left(Periods([DAY], [unpriced], None, NOON)) == [Decimal("1.00")]


# -- clocks that lie -------------------------------------------------------------------


def test_a_clock_a_day_ahead_gives_no_fresh_money():
    """It was right when the day's money was spent; then somebody set it."""
    rows = [bought(1, intent_offset_s=0.0), bought(2, intent_offset_s=0.0)]
    by_ours = Periods([DAY], rows, now=NOON + DAY_S)
    assert left(by_ours) == [Decimal("1.00")]
    by_ours.tell(NOON + DAY_S, -DAY_S)
    assert left(by_ours) == [Decimal(0)]
    assert by_ours.allowances()[0].name == "2026-11-27"


def test_what_was_bought_under_a_clock_behind_counts_when_it_is_right_again():
    rows = [bought(1, NOON - DAY_S, intent_offset_s=DAY_S)]
    assert left(Periods([DAY], rows, now=NOON - DAY_S)) == [HALF]
    assert left(Periods([DAY], rows, now=NOON, offset_s=0.0)) == [HALF]


def test_what_was_bought_today_counts_under_a_clock_that_is_set_back():
    periods = Periods([DAY], [bought(1)], now=NOON - DAY_S)
    (one,) = periods.allowances()
    assert (one.left, one.name, one.ahead) == (HALF, "2026-11-26", 1)


def test_only_what_is_much_later_than_now_is_called_so():
    rows = [bought(1, NOON + AHEAD_S), bought(2, NOON + AHEAD_S + 1)]
    assert Periods([DAY], rows, now=NOON).allowances()[0].ahead == 1


def test_a_purchase_of_which_no_server_told_the_time_counts_by_either_clock():
    rows = [bought(1)]
    assert left(Periods([DAY], rows, now=NOON + DAY_S, offset_s=-DAY_S)) == [HALF]
    assert left(Periods([DAY], rows, now=NOON + DAY_S, offset_s=0.0)) == [Decimal("1.00")]


@pytest.mark.parametrize("offset_s", [-50 * 365 * DAY_S, 50 * 365 * DAY_S])
def test_a_server_whose_clock_is_wrong_all_along_moves_no_purchase(offset_s):
    """Only its midnight counts where it is behind: yesterday's money is yesterday's."""
    rows = [
        bought(1, NOON - 2 * DAY_S, intent_offset_s=offset_s),
        bought(2, intent_offset_s=offset_s),
    ]
    assert left(Periods([DAY], rows, now=NOON + 60, offset_s=offset_s)) == [HALF]


def test_news_is_another_period_or_another_time_of_the_server():
    periods = Periods([DAY], now=NOON)
    assert not periods.is_news(MIDNIGHT - 0.1, None)
    assert periods.is_news(MIDNIGHT, None)
    assert periods.is_news(NOON, 0.0)
    periods.tell(NOON, 0.0)
    assert periods.is_news(NOON, None)
    assert not periods.is_news(NOON, MOVED_S)
    assert periods.is_news(NOON, -MOVED_S - 1)
    assert not periods.is_news(MIDNIGHT + 1, -2.0), "by the server it is still today"
    assert not Periods().is_news(MIDNIGHT, 0.0)
    month = Periods([MONTH], now=NOON)
    assert not month.is_news(MIDNIGHT, None)


@given(st.data())
def test_no_order_of_events_and_no_midnight_passes_a_limit(data: st.DataObject) -> None:
    """Each reservation in the period of its moment; the rows told in any order."""
    periods = Periods([DAY, MONTH], now=NOON)
    now, rows, held = NOON, [], 0
    for number in range(data.draw(st.integers(1, 40))):
        match data.draw(st.sampled_from(("time", "hold", "write", "end"))):
            case "time":
                now += data.draw(st.sampled_from((10.0, DAY_S / 3, 40 * DAY_S)))
                if periods.is_news(now, None):
                    periods.tell(now, None)
            case "hold" if not periods.refusal(HALF):
                periods.hold(HALF)
                held += 1
            case "write" if held:
                held -= 1
                rows.append(bought(number, now, State.INTENT))
                periods.take(rows[-1])
                periods.let_go(HALF)
            case "end" if rows:
                which = data.draw(st.integers(0, len(rows) - 1))
                state = data.draw(st.sampled_from((State.STORED, State.REMOTE_FAILED)))
                if rows[which].state is State.INTENT:
                    rows[which] = replace(rows[which], state=state)
                    periods.take(rows[which])
        found = [one.used for one in periods.allowances()]
        fold = [one.used for one in Periods([DAY, MONTH], rows, now=now).allowances()]
        assert found == [used + held * HALF for used in fold]
        assert all(one.used <= one.limit.amount for one in periods.allowances())
