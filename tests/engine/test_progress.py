"""What progress claims, when it is believed, and when a task is then asked."""

from __future__ import annotations

import random
from itertools import pairwise

import pytest
from expecting import expect

from wanbatch.engine.polling.latency import LatencyModel
from wanbatch.engine.polling.progress import (
    BEFORE,
    ENOUGH,
    ProgressTests,
    Window,
    look_at,
    outlives,
    window_of,
)
from wanbatch.engine.polling.schedule import CHEAPEST, DEAREST, PollSchedule
from wanbatch.model.outcomes import Running, Succeeded

KIND = (5, "720P")


def learnt(median_s: float = 90.0) -> LatencyModel:
    rnd, model = random.Random(1), LatencyModel()
    for _ in range(200):
        duration = median_s * rnd.lognormvariate(0.0, 0.4)
        model.observe(KIND, duration, duration)
    return model


def believed() -> ProgressTests:
    tests = ProgressTests()
    for _ in range(ENOUGH):
        assert tests.ended(Window(95.0, 100.0, 50.0), 90.0, 98.0)
    assert tests.is_believed
    return tests


# -- what is claimed -------------------------------------------------------------------


def test_a_whole_percentage_claims_a_window() -> None:
    window = expect(Window, window_of(50.0, 50.2, 60.0))
    assert window.low == pytest.approx(5000 / 61)
    assert window.high == pytest.approx(5020 / 60)
    assert window.told_at == 50.0


@pytest.mark.parametrize(
    ("age", "percent"), [(50.0, None), (50.0, 9.0), (50.0, 100.0), (50.0, 140.0), (0.0, 50.0)]
)
def test_what_claims_nothing_of_use_is_no_window(age: float, percent: float | None) -> None:
    assert window_of(age, age, percent) is None


def test_a_window_never_begins_before_it_was_told() -> None:
    window = expect(Window, window_of(50.0, 50.0, 99.5))
    assert window.low == 50.0
    assert window.high > 50.0


# -- when it is believed ---------------------------------------------------------------


def test_a_server_is_believed_after_enough_tests_and_not_before() -> None:
    tests = ProgressTests()
    for number in range(ENOUGH):
        assert not tests.is_believed, number
        assert tests.ended(Window(95.0, 100.0, 50.0), 90.0, 98.0)
    assert tests.is_believed


def test_an_end_that_was_seen_too_roughly_proves_nothing() -> None:
    tests = ProgressTests()
    for _ in range(2 * ENOUGH):
        assert tests.ended(Window(95.0, 100.0, 50.0), 60.0, 98.0) is None
    assert not tests.is_believed


def test_a_claim_that_was_wrong_counts_however_roughly_it_was_seen() -> None:
    tests = believed()
    assert tests.ended(Window(195.0, 200.0, 50.0), 60.0, 98.0) is False
    assert tests.ended(Window(40.0, 50.0, 30.0), 60.0, 98.0) is False
    assert not tests.is_believed


def test_tasks_that_outlive_their_windows_cost_a_server_its_credit() -> None:
    tests = believed()
    claim = Window(95.0, 100.0, 50.0)
    assert not outlives(claim, 101.0, None)
    assert outlives(claim, 103.0, None)
    assert not outlives(claim, 96.0, Window(99.0, 101.0, 96.0))
    assert outlives(claim, 96.0, Window(103.0, 104.0, 96.0))
    tests.outlived()
    assert tests.is_believed
    tests.outlived()
    assert not tests.is_believed


# -- when a task is asked --------------------------------------------------------------


def test_a_narrow_window_gets_one_look_at_its_end() -> None:
    assert look_at(Window(99.0, 100.0, 60.0), 0.01, check=False) == 100.0


def test_a_wide_one_is_made_narrower_first() -> None:
    assert look_at(Window(90.0, 100.0, 10.0), 0.001, check=False) == BEFORE * 90.0


def test_a_wide_one_that_is_dear_to_look_at_is_not() -> None:
    assert look_at(Window(90.0, 100.0, 10.0), 0.2, check=False) == 100.0


def test_some_are_asked_before_their_window_to_check_that_they_still_run() -> None:
    assert look_at(Window(99.0, 100.0, 60.0), 0.01, check=True) == BEFORE * 99.0
    assert look_at(Window(99.0, 100.0, 94.0), 0.01, check=True) == 100.0


def test_a_window_that_is_over_says_nothing() -> None:
    assert look_at(Window(100.0, 100.0, 100.0), 0.01, check=False) is None


# -- in the schedule -------------------------------------------------------------------


def watch(polls: PollSchedule, task: int, duration_s: float, power: float = 1.0) -> list[float]:
    """The ages at which a task is asked until it has ended; its progress goes with that
    power of its age."""
    polls.add(task, 0.0, 0.0, KIND)
    asked: list[float] = []
    while True:
        at = expect(float, polls.next_at())
        asked.append(at)
        assert polls.due(at) == task
        if at >= duration_s:
            polls.polled(task, at, Succeeded())
            polls.remove(task)
            return asked
        percent = float(int(100 * (at / duration_s) ** power))
        polls.polled(task, at, Running("", percent))


def test_even_progress_is_found_out_and_then_saves_most_polls() -> None:
    polls, rnd = PollSchedule(15.0, model=learnt()), random.Random(2)
    durations = [90.0 * rnd.lognormvariate(0.0, 0.4) for _ in range(60)]
    asked = [watch(polls, number, duration) for number, duration in enumerate(durations)]
    lags = [ages[-1] - d for ages, d in zip(asked, durations, strict=True)]
    assert sum(map(len, asked[20:])) / 40 < 4.0
    assert sum(map(len, asked[:3])) / 3 > 8.0
    assert sum(lags[20:]) / 40 < 0.02 * 90.0


@pytest.mark.parametrize("power", [0.0, 0.3, 2.0])
def test_progress_that_tells_no_end_changes_nothing(power: float) -> None:
    polls, blind = PollSchedule(15.0, model=learnt()), PollSchedule(15.0, model=learnt())
    rnd = random.Random(3)
    for number in range(40):
        duration = 90.0 * rnd.lognormvariate(0.0, 0.4)
        watch(polls, number, duration, power)
        watch(blind, number, duration, 1e9)
        assert not polls._progress.is_believed
    assert polls.model.duration_of(KIND) == blind.model.duration_of(KIND)


def test_a_server_whose_progress_turns_bad_is_asked_as_before() -> None:
    polls = PollSchedule(15.0, model=learnt())
    for number in range(10):
        watch(polls, number, 90.0 + number)
    assert polls._progress.is_believed
    for number in range(10, 30):
        watch(polls, number, 90.0 + number / 10, 3.0)
    assert not polls._progress.is_believed


def test_a_task_that_outlives_its_window_is_believed_no_more() -> None:
    polls = PollSchedule(15.0, model=learnt())
    for number in range(ENOUGH):
        watch(polls, number, 90.0)
    polls.add(100, 0.0, 0.0, KIND)
    asked = []
    for _ in range(30):
        at = expect(float, polls.next_at())
        polls.due(at)
        polls.polled(100, at, Running("", 60.0))
        asked.append(at)
    assert polls._tasks[100].window is None
    assert max(later / at for at, later in pairwise(asked)) < 2.0
    assert asked[8] < 3 * 90.0
    assert list(polls._progress._passed).count(False) == 1


# -- who waits -------------------------------------------------------------------------


def looks(polls: PollSchedule, task: int, until: float) -> list[float]:
    """The instants at which one task is due until then, all running."""
    found = []
    while (at := expect(float, polls.next_at())) < until:
        number = expect(int, polls.due(at))
        found += [at] if number == task else []
        polls.polled(number, at, Running())
    return found


def test_where_nobody_waits_for_their_places_tasks_are_asked_less() -> None:
    waited, idle = PollSchedule(15.0, model=learnt()), PollSchedule(15.0, model=learnt())
    for polls in (waited, idle):
        polls.queued(waiting=polls is waited)
        for number in range(50):
            polls.add(number, 0.0, 0.0, KIND)
    assert idle._least_price() == DEAREST
    limited = PollSchedule(15.0, 20.0, learnt())
    limited.queued(waiting=False)
    limited.add(0, 0.0, 0.0, KIND)
    assert limited._least_price() == CHEAPEST
    assert waited._least_price() == CHEAPEST
    often, seldom = looks(waited, 7, 110.0), looks(idle, 7, 110.0)
    assert 1 <= len(seldom) < len(often) / 2
    assert min(b - a for a, b in pairwise(seldom)) > 5.0


def test_the_fewer_are_left_the_closer_they_are_watched() -> None:
    polls = PollSchedule(15.0, model=learnt())
    for number in range(8):
        polls.add(number, 0.0, 0.0, KIND)
    polls.queued(waiting=False)
    before = expect(float, polls.next_at())
    for number in range(7):
        assert polls.take(number, 1.0)
        polls.polled(number, 1.0, Succeeded())
    assert polls._least_price() == CHEAPEST
    after = expect(float, polls.next_at())
    assert after < before
    polls.queued(waiting=False)
    assert polls.next_at() == after
    polls.queued(waiting=True)
    assert expect(float, polls.next_at()) <= after
