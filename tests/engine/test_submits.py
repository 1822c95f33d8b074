"""When the next submit may go: every clause of the contract's paragraph on pace, by
value."""

from __future__ import annotations

import pytest

from wanbatch.engine.pacing.submits import UNLIMITED_AGAIN, Stop, SubmitPacer
from wanbatch.model.outcomes import (
    Accepted,
    Halted,
    NotAccepted,
    Rejected,
    SubmitOutcome,
    ThrottledBy,
    Uncertain,
)

OK = Accepted("t")


def submit(pacer: SubmitPacer, now: float, outcome: SubmitOutcome = OK, trip: float = 0.1) -> None:
    """One POST and its answer."""
    assert pacer.ready_at(now) == now, (pacer.ready_at(now), now)
    pacer.started(now)
    pacer.answered(now + trip, outcome)


def fill(pacer: SubmitPacer, tasks: int, now: float = 0.0) -> None:
    for _ in range(tasks):
        submit(pacer, now, trip=0.0)


def test_one_post_at_a_time_by_default() -> None:
    pacer = SubmitPacer(None, 50)
    pacer.started(0.0)
    assert pacer.ready_at(0.0) is None
    pacer.answered(0.4, OK)
    assert pacer.ready_at(0.4) == 0.4
    assert pacer.in_flight == 1


def test_as_many_posts_as_the_profile_allows() -> None:
    pacer = SubmitPacer(None, 50, 3)
    for _ in range(3):
        assert pacer.ready_at(0.0) == 0.0
        pacer.started(0.0)
    assert pacer.ready_at(0.0) is None


def test_the_rate_counts_a_submit_until_a_second_after_its_reply() -> None:
    pacer = SubmitPacer(2.0, 50, 2)
    submit(pacer, 0.0, trip=0.3)
    assert pacer.ready_at(0.3) == 0.5
    submit(pacer, 0.5, trip=0.3)
    assert pacer.ready_at(0.8) == 1.3


def test_the_ceiling_holds_until_a_task_ends() -> None:
    pacer = SubmitPacer(None, 2)
    fill(pacer, 1)
    pacer.resumed()
    assert pacer.in_flight == 2
    assert pacer.ready_at(5.0) is None
    pacer.finished(6.0)
    assert pacer.ready_at(6.0) == 6.0


@pytest.mark.parametrize("outcome", [Rejected("c", "m"), NotAccepted("r"), Uncertain("r")])
def test_what_was_not_accepted_keeps_no_slot(outcome: SubmitOutcome) -> None:
    pacer = SubmitPacer(None, 1)
    submit(pacer, 0.0, outcome)
    assert pacer.in_flight == 0
    assert pacer.ready_at(100.0) == 100.0


def test_more_ends_than_tasks_do_no_harm() -> None:
    pacer = SubmitPacer(None, 1)
    pacer.finished(0.0)
    assert pacer.in_flight == 0


def test_a_concurrency_429_sets_the_limit_to_what_is_in_flight_and_waits_for_a_slot() -> None:
    pacer = SubmitPacer(None, 50)
    fill(pacer, 5)
    submit(pacer, 1.0, NotAccepted("429", ThrottledBy.CONCURRENCY))
    assert pacer.limit == 5
    assert pacer.ready_at(2.0) == 61.1  # the probe, unless a task ends before
    pacer.finished(3.0)
    assert pacer.ready_at(3.0) == 3.0


def test_a_concurrency_429_with_nothing_in_flight_leaves_one_slot_and_backs_off() -> None:
    pacer = SubmitPacer(None, 50, chance=lambda: 0.0)
    submit(pacer, 0.0, NotAccepted("429", ThrottledBy.CONCURRENCY), trip=0.0)
    assert pacer.limit == 1
    assert pacer.ready_at(0.0) == 1.0
    submit(pacer, 1.0, NotAccepted("429", ThrottledBy.CONCURRENCY), trip=0.0)
    assert pacer.ready_at(1.0) == 3.0


def test_a_second_concurrency_429_in_a_row_backs_off_though_a_slot_is_free() -> None:
    pacer = SubmitPacer(None, 50, chance=lambda: 0.0)
    fill(pacer, 3)
    submit(pacer, 0.0, NotAccepted("429", ThrottledBy.CONCURRENCY), trip=0.0)
    pacer.finished(10.0)
    submit(pacer, 10.0, NotAccepted("429", ThrottledBy.CONCURRENCY), trip=0.0)
    assert pacer.limit == 2
    pacer.finished(10.5)
    assert pacer.ready_at(10.5) == 12.0


def test_the_limit_is_probed_upward_after_a_quiet_minute_doubling_while_it_stays_clean() -> None:
    pacer = SubmitPacer(None, 12)
    fill(pacer, 4)
    submit(pacer, 0.0, NotAccepted("429", ThrottledBy.CONCURRENCY), trip=0.0)
    seen = []
    for minute in (0.9, 1, 2, 3, 4):
        pacer.ready_at(60.0 * minute)
        seen.append(pacer.limit)
    assert seen == [4, 5, 7, 11, 12]
    fill(pacer, 8, now=300.0)
    assert pacer.ready_at(301.0) is None  # at the declared ceiling nothing is left to try


def test_a_rate_429_halves_the_rate_and_it_comes_back() -> None:
    pacer = SubmitPacer(2.0, 50, chance=lambda: 0.0)
    submit(pacer, 0.0, NotAccepted("429", ThrottledBy.RATE), trip=0.0)
    assert pacer.rate == 1.0
    assert pacer.limit == 50
    assert pacer.ready_at(0.0) == 1.0
    assert pacer.ready_at(59.0) is not None
    assert pacer.rate == 1.0
    pacer.finished(60.0)
    assert pacer.rate == 2.0


def test_the_rate_climbs_in_steps_towards_the_declared_one() -> None:
    pacer = SubmitPacer(20.0, 50)
    submit(pacer, 0.0, NotAccepted("429", ThrottledBy.RATE), trip=0.0)
    seen = []
    for minute in (1, 2, 3, 4, 5):
        pacer.ready_at(60.0 * minute)
        seen.append(pacer.rate)
    assert seen == [11.0, 13.0, 17.0, 20.0, 20.0]


def test_an_unlimited_rate_is_halved_from_what_was_sent_and_becomes_unlimited_again() -> None:
    pacer = SubmitPacer(None, 5_000, chance=lambda: 0.0)
    fill(pacer, 40)
    submit(pacer, 0.0, NotAccepted("429", ThrottledBy.RATE), trip=0.0)
    rates = [pacer.rate]
    for minute in (1, 12):
        pacer.ready_at(60.0 * minute)
        rates.append(pacer.rate)
    assert rates == [20.5, 21.5, None]
    assert UNLIMITED_AGAIN == 1_000.0


def test_an_unexplained_429_is_about_slots_where_no_other_submit_was_near() -> None:
    pacer = SubmitPacer(2.0, 50)
    submit(pacer, 0.0)
    submit(pacer, 10.0, NotAccepted("429", ThrottledBy.UNKNOWN))
    assert (pacer.limit, pacer.rate) == (1, 2.0)


def test_an_unexplained_429_is_about_the_rate_where_another_submit_was_near_or_nothing_runs() -> (
    None
):
    near = SubmitPacer(20.0, 50)
    submit(near, 0.0)
    submit(near, 0.5, NotAccepted("429", ThrottledBy.UNKNOWN))
    alone = SubmitPacer(20.0, 50)
    submit(alone, 0.0, NotAccepted("429", ThrottledBy.UNKNOWN))
    assert (near.limit, near.rate) == (alone.limit, alone.rate) == (50, 10.0)


@pytest.mark.parametrize(
    ("asked", "waited"), [(7.0, 7.0), (0.0, 0.0), (4_000.0, 300.0), (-3.0, 0.0)]
)
def test_retry_after_is_honoured_and_clamped(asked: float, waited: float) -> None:
    pacer = SubmitPacer(None, 50)
    submit(pacer, 0.0, NotAccepted("429", None, asked), trip=0.0)
    assert pacer.ready_at(0.0) == waited


def test_back_off_grows_with_every_refusal_in_a_row_is_jittered_and_ends_with_a_success() -> None:
    chances = iter([0.0, 0.5, 0.0, 0.0])
    pacer = SubmitPacer(None, 50, chance=lambda: next(chances))
    submit(pacer, 0.0, NotAccepted("connection refused"), trip=0.0)
    assert pacer.ready_at(0.0) == 1.0
    submit(pacer, 1.0, NotAccepted("connection refused"), trip=0.0)
    assert pacer.ready_at(1.0) == 2.5
    submit(pacer, 2.5, trip=0.0)
    submit(pacer, 3.0, NotAccepted("connection refused"), trip=0.0)
    assert pacer.ready_at(3.0) == 4.0
    submit(pacer, 4.0, Rejected("c", "m"), trip=0.0)
    submit(pacer, 5.0, NotAccepted("connection refused"), trip=0.0)
    assert pacer.ready_at(5.0) == 6.0


def test_three_uncertain_outcomes_within_five_minutes_stop_the_pacer_for_good() -> None:
    pacer = SubmitPacer(None, 50)
    for now in (0.0, 150.0, 299.0):
        assert pacer.stopped is None
        submit(pacer, now, Uncertain("502"), trip=0.0)
    assert pacer.stopped is Stop.UNCERTAIN
    assert pacer.ready_at(1e6) is None


def test_uncertain_outcomes_further_apart_do_not_stop_it_but_slow_it_down() -> None:
    pacer = SubmitPacer(None, 50, chance=lambda: 0.0)
    for now in (0.0, 150.0, 301.0):
        submit(pacer, now, Uncertain("502"), trip=0.0)
    assert pacer.stopped is None
    assert pacer.ready_at(301.0) == 305.0
    submit(pacer, 400.0, Uncertain("502"), trip=0.0)
    assert pacer.stopped is Stop.UNCERTAIN


def test_one_of_several_posts_may_still_be_out_when_a_limit_is_met() -> None:
    pacer = SubmitPacer(None, 2, 2)
    pacer.started(0.0)
    pacer.resumed()
    pacer.started(0.0)
    pacer.answered(0.1, OK)
    assert pacer.in_flight == 3
    assert pacer.ready_at(0.1) is None


def test_a_halt_stops_it_at_once() -> None:
    pacer = SubmitPacer(None, 50)
    submit(pacer, 0.0, Halted("401", "bad key"))
    assert pacer.stopped is Stop.HALTED
    assert pacer.ready_at(1.0) is None
