"""Money: spent + reserved never exceeds the limit, and is the fold of the run's rows at
every step."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest
from builders import attempt
from hypothesis import given
from hypothesis import strategies as st

from wanbatch.engine.pacing.budget import Budget, Shortfall
from wanbatch.model.lifecycle import SPENT, TRANSITIONS, Attempt, Event, EventKind, State, apply

HALF = Decimal("0.50")


def test_a_reservation_becomes_a_charge_or_is_given_back() -> None:
    budget = Budget(Decimal("1.00"))
    assert budget.reserve(HALF)
    assert budget.reserve(HALF)
    assert not budget.reserve(HALF)
    assert (budget.spent, budget.reserved) == (Decimal(0), Decimal("1.00"))
    budget.spend(HALF)
    budget.release(HALF)
    assert (budget.spent, budget.reserved) == (HALF, Decimal(0))
    assert budget.can_reserve(HALF)
    assert not budget.can_reserve(Decimal("0.51"))


def test_a_refusal_says_what_would_have_been_spent() -> None:
    budget = Budget(Decimal("1.20"), spent=HALF, reserved=Decimal("0.25"))
    shortfall = budget.shortfall(HALF)
    assert shortfall == Shortfall(HALF, HALF, Decimal("0.25"), Decimal("1.20"))
    assert str(shortfall) == "0.50 more would make 1.25, and the limit is 1.20"


def test_an_unknown_price_cannot_be_kept_within_a_limit_and_costs_nothing_without_one() -> None:
    assert (
        str(Budget(HALF).shortfall(None))
        == "the price is not known, so a limit of 0.50 cannot be kept"
    )
    assert not Budget(HALF).reserve(None)
    free = Budget(None)
    assert free.reserve(None)
    free.spend(None)
    assert free.reserve(HALF)
    free.release(HALF)
    assert free.shortfall(Decimal("1e9")) is None
    assert (free.spent, free.reserved) == (Decimal(0), Decimal(0))


def test_more_than_was_reserved_cannot_be_settled() -> None:
    budget = Budget(None)
    budget.reserve(HALF)
    with pytest.raises(ValueError, match=r"0\.51 is to be settled, and only 0\.50 is reserved"):
        budget.release(Decimal("0.51"))
    with pytest.raises(ValueError, match="only 0"):
        Budget(None).spend(HALF)


def test_only_the_rows_of_one_run_count() -> None:
    rows = [
        attempt(number=1, state=State.STORED),
        attempt(number=2, state=State.ACCEPTED),
        attempt(number=3, state=State.UNCERTAIN),
        attempt(number=4, state=State.REMOTE_FAILED),
        attempt(number=5, state=State.STORED, run_id="another"),
        attempt(number=6, state=State.STORED, price=None),
    ]
    budget = Budget.of_run(None, "run-1", rows)
    assert (budget.spent, budget.reserved) == (Decimal("1.00"), HALF)


@given(st.data())
def test_along_any_run_the_budget_is_the_fold_of_its_rows_and_keeps_its_limit(
    data: st.DataObject,
) -> None:
    limit = data.draw(st.decimals("0", "3", places=2))
    budget = Budget(limit)
    rows: dict[int, Attempt] = {}
    turned = False  # the provider charged what it had called failed: no limit of ours holds that
    for number in range(data.draw(st.integers(1, 25))):
        open_rows = [
            r for r in rows.values() if any(before is r.state for before, _ in TRANSITIONS)
        ]
        if not open_rows or data.draw(st.booleans()):
            price = data.draw(st.decimals("0", "1", places=2))
            if budget.reserve(price):
                rows[number] = replace(attempt(number=number), price=price)
        else:
            before = data.draw(st.sampled_from(open_rows))
            kind = data.draw(
                st.sampled_from([kind for state, kind in TRANSITIONS if state is before.state])
            )
            after = apply(before, Event(before.attempt_id, kind, 2000.0))
            if kind is EventKind.REOPENED and not budget.reserve(before.price):
                continue
            turned |= before.state is State.REMOTE_FAILED
            rows[before.attempt_id] = after
            tell(budget, before, after)
        fold = Budget.of_run(limit, "run-1", rows.values())
        assert (budget.spent, budget.reserved) == (fold.spent, fold.reserved)
        assert turned or budget.spent + budget.reserved <= limit


def tell(budget: Budget, before: Attempt, after: Attempt) -> None:
    """What a run tells its budget when a row moves on; a charge that was doubted and is
    proven absent comes back with the next run's fold."""
    if after.last_event is EventKind.REOPENED:
        return
    if before.state is State.REMOTE_FAILED:
        budget.charge(before.price)
        return
    held, charged = before.state not in SPENT, after.state in SPENT
    back = after.state in (State.PLANNED, State.REJECTED, State.REMOTE_FAILED)
    if held and charged:
        budget.spend(before.price)
    elif held and back:
        budget.release(before.price)
    elif not held and not charged:
        Budget.__init__(
            budget,
            budget.limit,
            budget.spent - (before.price or 0),
            budget.reserved + (0 if back else before.price or 0),
        )
