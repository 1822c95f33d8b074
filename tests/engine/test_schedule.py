"""Which task is asked when: the learned rule, the query limit, retries and throttling,
tasks that come and go."""

from __future__ import annotations

import math
import random
from itertools import pairwise

import pytest
from expecting import expect

from wanbatch.engine.polling.latency import LatencyModel
from wanbatch.engine.polling.schedule import PollSchedule
from wanbatch.model.outcomes import Failed, PollOutcome, Running, Succeeded, Unreadable

KIND = (5, "720P")


def learnt(median_s: float = 90.0, shape: float = 0.4) -> LatencyModel:
    rnd, model = random.Random(1), LatencyModel()
    for _ in range(200):
        duration = rnd.lognormvariate(math.log(median_s), shape)
        model.observe(KIND, duration, duration)
    return model


def ask(polls: PollSchedule, now: float, outcome: object = None, trip: float = 0.0) -> int:
    task = polls.due(now)
    assert task is not None, polls.next_at()
    polls.polled(task, now + trip, outcome or Running())  # type: ignore[arg-type]
    return task


def test_a_task_that_was_just_seen_running_is_not_asked_at_once() -> None:
    """However old it is: one whose early download gave nothing was asked, and
    downloaded, five times a second."""
    for polls in (PollSchedule(15.0), PollSchedule(15.0, model=learnt())):
        polls.add(1, 0.0, 90_000.0, KIND, running_at=90_000.0)
        assert polls.due(90_000.0) is None
        assert expect(float, polls.next_at()) >= 90_015.0


def test_the_recommended_interval_is_used_until_something_was_learnt() -> None:
    polls = PollSchedule(15.0)
    polls.add(1, 100.0, 100.0, KIND)
    assert polls.due(114.9) is None
    assert polls.next_at() == 115.0
    assert ask(polls, 115.0) == 1
    assert polls.next_at() == 130.0
    assert len(polls) == 1


def test_a_task_that_was_submitted_long_ago_is_due_at_once() -> None:
    polls = PollSchedule(15.0)
    polls.add(1, -5_000.0, 100.0, KIND)
    assert polls.next_at() == 100.0


def test_nothing_to_ask_is_nothing_to_wait_for() -> None:
    polls = PollSchedule(15.0)
    assert polls.next_at() is None
    assert polls.due(1e9) is None
    assert polls.free_at(5.0) == 5.0


def test_a_learnt_schedule_begins_late_and_is_dense_around_the_median() -> None:
    polls = PollSchedule(15.0, model=learnt())
    polls.add(1, 0.0, 0.0, KIND)
    asked = []
    for _ in range(20):
        at = polls.next_at()
        assert at is not None
        asked.append(at)
        ask(polls, at)
    assert 35.0 < asked[0] < 60.0
    gaps = [b - a for a, b in pairwise(asked)]
    early, middle = gaps[0], min(gaps)
    assert middle < 8.0
    assert middle < early


def test_a_task_that_outlives_all_that_was_seen_is_asked_at_the_usual_interval() -> None:
    polls = PollSchedule(15.0, model=learnt())
    polls.add(1, 0.0, 1_000.0, KIND)
    ask(polls, 1_000.0)
    assert polls.next_at() == pytest.approx(1_050.0)
    polls.add(2, 0.0, 100.0, (15, "1080P"))


def test_tasks_are_asked_in_the_order_in_which_they_are_due() -> None:
    polls = PollSchedule(15.0)
    for task, submitted in ((1, 3.0), (2, 1.0), (3, 2.0)):
        polls.add(task, submitted, 3.0, KIND)
    assert [ask(polls, 20.0) for _ in range(3)] == [2, 3, 1]


def test_what_has_ended_is_not_due_but_can_be_asked_again() -> None:
    polls = PollSchedule(15.0)
    for task in (1, 2):
        polls.add(task, 0.0, 0.0, KIND)
    ask(polls, 20.0, Succeeded())
    ask(polls, 20.0, Failed("c", "m"))
    assert polls.next_at() is None
    assert polls.take(1, 30.0)
    polls.polled(1, 30.5, Succeeded())
    assert polls.model.count == 1  # a second look at a task that has ended teaches nothing
    assert polls.next_at() is None


@pytest.mark.parametrize(
    "outcome", [Running(), Unreadable("502"), Unreadable("429", 3.0, throttled=True)]
)
def test_a_task_that_has_ended_is_due_again_if_a_later_answer_tells_less(
    outcome: PollOutcome,
) -> None:
    polls = PollSchedule(15.0, 1.0)
    polls.add(1, 0.0, 0.0, KIND)
    ask(polls, 20.0, Succeeded())
    assert polls.take(1, 40.0)
    polls.polled(1, 40.0, outcome)
    assert polls.next_at() is not None
    assert ask(polls, 60.0, Succeeded()) == 1
    assert polls.next_at() is None


def test_a_removed_task_is_forgotten_and_gives_its_query_back() -> None:
    polls = PollSchedule(15.0, 1.0)
    polls.add(1, 0.0, 0.0, KIND)
    polls.add(2, 0.0, 0.0, KIND)
    assert polls.due(20.0) == 1
    assert polls.next_at() is None  # the limit waits for the answer
    polls.remove(1)
    polls.remove(1)
    assert polls.next_at() == 21.0
    polls.remove(2)
    assert polls.next_at() is None


def test_a_task_may_be_taken_out_of_turn_within_the_limit() -> None:
    polls = PollSchedule(15.0, 1.0)
    polls.add(1, 0.0, 0.0, KIND)
    polls.add(2, 0.0, 0.0, KIND)
    assert polls.take(2, 1.0)
    assert not polls.take(1, 1.0)
    polls.polled(2, 1.2, Running())
    assert not polls.take(1, 1.9)
    assert polls.free_at(1.9) == 2.0
    assert polls.take(1, 2.0)
    polls.polled(
        1, 2.6, Running()
    )  # a trip longer than the shortest counts with what it took beyond it
    assert polls.free_at(2.6) == pytest.approx(3.4)
    assert polls.next_at() == 16.0  # both are due an interval after they were asked


def test_a_query_whose_answer_was_never_told_does_not_block_the_limit_for_good() -> None:
    polls = PollSchedule(15.0, 2.0)
    polls.add(1, 0.0, 0.0, KIND)
    assert polls.take(1, 1.0)
    assert polls.take(1, 3.0)
    polls.polled(1, 3.1, Running())
    assert polls.free_at(3.2) == 4.0
    polls.polled(1, 3.2, Running())  # told twice: counted once
    assert polls.free_at(10.0) == 10.0


# -- learning --------------------------------------------------------------------------


def test_it_learns_from_the_interval_in_which_a_task_ended() -> None:
    polls = PollSchedule(10.0)
    for task in range(30):
        polls.add(task, 0.0, 0.0, KIND)
    for at in (10.0, 20.0, 30.0):
        for _ in range(30):
            ask(polls, at)
    for _ in range(30):
        ask(polls, 40.0, Succeeded())
    duration = polls.model.duration_of(KIND)
    assert duration is not None
    assert 30.0 < duration.median_s < 40.0
    polls.add(99, 100.0, 100.0, KIND)
    first = polls.next_at()
    assert first is not None
    assert 115.0 < first < 135.0


def test_the_servers_own_instants_are_believed_to_the_second() -> None:
    polls = PollSchedule(60.0)
    for task in range(30):
        polls.add(task, 0.0, 0.0, KIND)
    for _ in range(30):
        ask(polls, 60.0, Succeeded(created_at=1_000.0, completed_at=1_020.0))
    duration = polls.model.duration_of(KIND)
    assert duration is not None
    assert duration.median_s == pytest.approx(20.0, rel=0.06)


@pytest.mark.parametrize(
    ("created", "completed"),
    [(1_000.0, 900.0), (1_000.0, 5_000.0), (None, 1_020.0), (1_000.0, None)],
)
def test_instants_that_make_no_sense_are_not_believed(
    created: float | None, completed: float | None
) -> None:
    polls = PollSchedule(15.0)
    for task in range(5):
        polls.add(task, 0.0, 0.0, KIND)
    for _ in range(5):
        ask(polls, 15.0, Succeeded(created_at=created, completed_at=completed))
    duration = polls.model.duration_of(KIND)
    assert duration is not None
    assert 1.0 < duration.median_s < 15.1


# -- the query limit -------------------------------------------------------------------


@pytest.mark.parametrize("knows", [True, False])
def test_the_query_limit_is_never_exceeded_and_nobody_starves(knows: bool) -> None:
    polls = PollSchedule(1.0, 5.0, learnt() if knows else None)
    for task in range(200):
        polls.add(task, 0.0, 0.0, KIND)
    now, sent, counts = 0.0, [], dict.fromkeys(range(200), 0)
    while now < 400.0:
        at = polls.next_at()
        assert at is not None
        now = max(now, at)
        task = ask(polls, now)
        sent.append(now)
        counts[task] += 1
    assert all(b - a >= 1.0 - 1e-9 for a, b in zip(sent, sent[5:], strict=False))
    assert len(sent) > 0.8 * 5.0 * (now - sent[0])
    assert min(counts.values()) >= 3
    assert max(counts.values()) <= 4 * min(counts.values())


def test_five_thousand_tasks_cost_little_per_poll() -> None:
    polls = PollSchedule(15.0, 20.0, learnt())
    for task in range(5_000):
        polls.add(task, 0.0, 0.0, KIND)
    now = 0.0
    for _ in range(2_000):
        at = polls.next_at()
        assert at is not None
        now = max(now, at)
        ask(polls, now)
    assert now >= 95.0


def test_a_binding_limit_raises_the_price_and_a_free_one_does_not() -> None:
    free, tight = PollSchedule(15.0, 20.0, learnt()), PollSchedule(15.0, 0.5, learnt())
    for polls in (free, tight):
        for task in range(40):
            polls.add(task, 0.0, 0.0, KIND)
        polls.add(1_000, 0.0, 0.0, KIND)
    last = {}
    for name, polls in (("free", free), ("tight", tight)):
        polls.remove(1_000)
        polls.add(1_000, 0.0, 0.0, KIND)
        last[name] = max(entry[0] for entry in polls._heap)
    assert last["tight"] > last["free"] + 20.0


def test_kinds_that_nobody_has_seen_share_the_limit_with_the_others() -> None:
    """While nothing at all was seen, the usual gap is the task's share of the limit;
    the price counts such tasks too."""
    polls = PollSchedule(15.0, 1.0, LatencyModel())
    for task in range(60):
        polls.add(task, 0.0, 0.0, (task % 2, "720P"))
    assert polls._demand(1.0) == pytest.approx(1.0)
    assert max(entry[0] for entry in polls._heap) == 60.0


# -- answers that tell nothing ---------------------------------------------------------


def test_an_unreadable_answer_is_asked_again_soon_and_then_less_and_less() -> None:
    polls = PollSchedule(100.0, chance=lambda: 0.0)
    polls.add(1, 0.0, 0.0, KIND)
    now, gaps = 100.0, []
    for _ in range(4):
        ask(polls, now, Unreadable("502"))
        at = polls.next_at()
        assert at is not None
        gaps.append(at - now)
        now = at
    assert gaps == [1, 2, 4, 8]
    ask(polls, now)
    ask(polls, now + 100.0, Unreadable("502", retry_after_s=7.0))
    assert polls.next_at() == now + 107.0


def test_retries_are_bounded_by_a_budget() -> None:
    polls = PollSchedule(50.0, chance=lambda: 0.0)
    for task in range(40):
        polls.add(task, 0.0, 0.0, KIND)
    for _ in range(40):
        ask(polls, 50.0, Unreadable("502"))
    soon = [entry[0] for entry in polls._heap if entry[0] < 60.0]
    assert len(soon) == 10
    assert len([entry for entry in polls._heap if entry[0] == 100.0]) == 30


def test_a_throttled_answer_holds_back_all_reads_and_halves_their_rate() -> None:
    polls = PollSchedule(15.0, 80.0, chance=lambda: 0.0)
    for task in range(10):
        polls.add(task, 0.0, 0.0, KIND)
    ask(polls, 20.0, Unreadable("429", 30.0, throttled=True))
    assert polls.due(49.0) is None
    assert polls.next_at() == 50.0
    ask(polls, 50.0)
    assert polls.next_at() == 50.025  # forty a second
    ask(polls, 52.0, Unreadable("429", throttled=True))
    assert polls.next_at() == 53.0
    ask(polls, 53.0, Unreadable("429", throttled=True))
    assert polls.next_at() == 55.0
    ask(polls, 55.0)
    ask(polls, 60.0, Unreadable("429", throttled=True))
    assert polls.next_at() == 61.0  # a good answer in between: the back-off starts anew


def test_the_rate_of_reads_comes_back() -> None:
    declared, free = PollSchedule(15.0, 4.0), PollSchedule(15.0)
    for polls in (declared, free):
        polls.add(1, 0.0, 0.0, KIND)
        ask(polls, 20.0, Unreadable("429", 0.0, throttled=True))
    assert declared._gate.rate == 2.0
    assert free._gate.rate == 0.5
    for polls in (declared, free):
        polls.due(80.0)
    assert declared._gate.rate == 3.0
    assert free._gate.rate == 1.5
    declared.due(200.0)
    assert declared._gate.rate == 4.0
    free.due(80.0 + 60.0 * 12)
    assert free._gate.rate is None
