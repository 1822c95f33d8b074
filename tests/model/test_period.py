"""Days and months by UTC, and which purchases count."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal

import pytest
from builders import attempt

from wanbatch.model.lifecycle import EventKind, State
from wanbatch.model.period import (
    Allowance,
    PeriodLimit,
    Unit,
    cost_of,
    counts,
    end_of,
    lowest,
    name_of,
    read_limits,
    start_of,
)
from wanbatch.model.price import PriceList


def at(text: str) -> float:
    return datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()


@pytest.mark.parametrize(
    ("unit", "now", "name", "start", "end"),
    [
        (Unit.DAY, "2026-11-27T00:00:00", "2026-11-27", "2026-11-27", "2026-11-28"),
        (Unit.DAY, "2026-11-27T23:59:59.999", "2026-11-27", "2026-11-27", "2026-11-28"),
        (Unit.DAY, "2028-02-29T12:00:00", "2028-02-29", "2028-02-29", "2028-03-01"),
        (Unit.MONTH, "2026-11-01T00:00:00", "2026-11", "2026-11-01", "2026-12-01"),
        (Unit.MONTH, "2026-11-30T23:59:59.999", "2026-11", "2026-11-01", "2026-12-01"),
        (Unit.MONTH, "2026-12-31T23:59:59.999", "2026-12", "2026-12-01", "2027-01-01"),
        (Unit.MONTH, "2028-02-29T23:59:59", "2028-02", "2028-02-01", "2028-03-01"),
        (Unit.MONTH, "2027-02-28T23:59:59", "2027-02", "2027-02-01", "2027-03-01"),
        (Unit.MONTH, "2026-01-01T05:00:00", "2026-01", "2026-01-01", "2026-02-01"),
    ],
)
def test_a_period_holds_its_first_instant_and_not_its_end(unit, now, name, start, end):
    assert name_of(unit, at(now)) == name
    assert (start_of(unit, at(now)), end_of(unit, at(now))) == (at(start), at(end))


@pytest.mark.parametrize("unit", Unit)
@pytest.mark.parametrize("now", [-1e12, 1e15])
def test_no_clock_is_too_wrong_for_a_calendar(unit, now):
    assert start_of(unit, now) < end_of(unit, now)
    assert name_of(unit, now)[:4] in ("1970", "9998")


def limit(unit: Unit, amount: str, source: str = "here") -> PeriodLimit:
    return PeriodLimit(unit, Decimal(amount), source)


def test_of_all_limits_the_lowest_of_each_unit_counts():
    found = lowest(
        [
            limit(Unit.MONTH, "300", "the user"),
            limit(Unit.DAY, "20", "the user"),
            limit(Unit.DAY, "50", "a repo"),
            limit(Unit.MONTH, "100", "a repo"),
            limit(Unit.DAY, "20", "another"),
        ]
    )
    assert found == (limit(Unit.DAY, "20", "the user"), limit(Unit.MONTH, "100", "a repo"))


def test_limits_are_named_after_their_keys():
    amounts = {Unit.DAY: None, Unit.MONTH: Decimal("0")}
    assert read_limits(amounts, "m: run.budget.") == (
        limit(Unit.MONTH, "0", "m: run.budget.month"),
    )


def test_less_than_nothing_is_never_left():
    used = Allowance(limit(Unit.DAY, "2"), "2026-11-27", 0.0, Decimal("2.50"))
    assert used.left == 0


FREE = (State.PLANNED, State.REJECTED, State.REMOTE_FAILED)


@pytest.mark.parametrize("state", State)
def test_what_may_have_cost_counts_and_a_free_failure_gives_back(state):
    assert counts(attempt(state=state)) is (state not in FREE)


def test_what_a_person_sent_again_without_a_proof_still_counts():
    assert counts(attempt(state=State.PLANNED, last_event=EventKind.RESUBMIT))
    assert not counts(attempt(state=State.PLANNED, last_event=EventKind.ABSENT))


def test_the_emulator_costs_nothing():
    assert not counts(attempt(state=State.STORED, realm="emulator"))


def test_an_unknown_cost_is_that_of_today():
    prices = PriceList({"720P": Decimal("0.20")}, "USD")
    assert cost_of(attempt(), prices) == Decimal("0.50")
    assert cost_of(attempt(price=None, length_s=5), prices) == Decimal("1.00")
    assert cost_of(attempt(price=None, size="1080P"), prices) is None
    assert cost_of(attempt(price=None, size=""), prices) is None
    assert cost_of(attempt(price=None, length_s=0), prices) is None
    assert cost_of(attempt(price=None), None) is None
