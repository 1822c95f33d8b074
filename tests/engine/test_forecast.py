"""How long the rest of a run takes: ranges that hold what really happens, chains,
slots, rates, and what is known of a kind."""

from __future__ import annotations

import math
import random

import pytest

from wanbatch.engine.polling.forecast import (
    GUESSES,
    Forecast,
    Pace,
    Task,
    Usual,
    forecast,
    relative_work,
    usual_durations,
)
from wanbatch.engine.polling.latency import LatencyModel
from wanbatch.engine.polling.timing import Lognormal

KIND, LARGE, LONG = (5, "720P"), (5, "1080P"), (10, "720P")
WIDE = Pace(None, 1000)
EXACT = {kind: Usual(Lognormal(math.log(60.0), 1e-6), 10**9) for kind in (KIND, LARGE, LONG)}


def foretell(tasks, usual, pace) -> Forecast:
    found = forecast(tasks, usual, pace)
    assert found is not None
    return found


def model(*seen: tuple[tuple[int, str], float]) -> LatencyModel:
    made = LatencyModel()
    for kind, took_s in seen:
        made.observe(kind, took_s, took_s)
    return made


def test_nothing_to_make_takes_no_time():
    assert forecast([], EXACT, WIDE) is None


@pytest.mark.parametrize(
    ("tasks", "pace", "takes_s"),
    [
        ([Task(KIND)], WIDE, 60),
        ([Task(KIND)] * 10, WIDE, 60),
        ([Task(KIND)] * 10, Pace(None, 5), 120),
        ([Task(KIND)] * 11, Pace(None, 5), 180),
        ([Task(KIND)] * 10, Pace(0.1, 1000), 150),
        ([Task(KIND)] * 2, Pace(1.0, 5, hold_s=100.0), 161),
        ([Task(KIND, age_s=45.0)], WIDE, 15),
        ([Task(KIND, age_s=0.0)], WIDE, 60),
        ([Task(KIND, age_s=math.inf)], WIDE, 0),
        ([Task(KIND, age_s=45.0), Task(KIND)], Pace(None, 1), 75),
        ([Task(KIND), Task(KIND, (0,)), Task(KIND, (1,))], WIDE, 180),
        ([Task(KIND, (2,)), Task(KIND, (0,)), Task(KIND)], WIDE, 180),
        ([Task(KIND, age_s=45.0), Task(KIND, (0,))], WIDE, 75),
        ([Task(KIND), Task(KIND), Task(KIND, (0, 1, 0))], Pace(None, 1), 180),
        # Three that are free fill the two slots beside the chain's first.
        ([Task(KIND), Task(KIND, (0,)), *[Task(KIND)] * 3], Pace(None, 2), 180),
        # More run than there are slots: a limit was lowered.
        ([*[Task(KIND, age_s=30.0)] * 3, Task(KIND)], Pace(None, 1), 90),
    ],
)
def test_slots_rate_and_chains_count(tasks, pace, takes_s):
    found = foretell(tasks, EXACT, pace)
    assert (found.low_s, found.high_s) == pytest.approx((takes_s, takes_s), abs=0.01)


def played(rnd: random.Random, count: int, slots: int, median_s: float, shape: float) -> float:
    """How long a run takes whose durations are drawn by another hand."""
    ends = [0.0] * slots
    for _ in range(count):
        ends.sort()
        ends[0] += rnd.lognormvariate(math.log(median_s), shape)
    return max(ends)


@pytest.mark.parametrize(("count", "slots"), [(1, 1), (12, 5), (60, 5), (400, 50)])
def test_the_range_holds_most_of_what_really_happens(count, slots):
    rnd = random.Random(count)
    usual = {KIND: Usual(Lognormal(math.log(60.0), 0.4), 200)}
    found = foretell([Task(KIND)] * count, usual, Pace(None, slots))
    took = [played(rnd, count, slots, 60.0, 0.4) for _ in range(200)]
    held = sum(found.low_s <= one <= found.high_s for one in took)
    assert held > 120  # eight in ten are meant; the plays are few
    assert found.high_s < 2.5 * max(found.low_s, 40.0)


def test_what_is_known_makes_the_range_narrower():
    widths = []
    for known in (0, 3, 30, 300):
        found = foretell(
            [Task(KIND)] * 20, {KIND: Usual(Lognormal(4.0, 0.4), known)}, Pace(None, 5)
        )
        widths.append(found.high_s / found.low_s)
    assert widths == sorted(widths, reverse=True)
    assert widths[0] > 1.3 * widths[-1]


def test_ages_make_the_rest_shorter_until_a_task_is_a_straggler():
    usual = {KIND: Usual(Lognormal(math.log(60.0), 0.3), 200)}
    rests = [foretell([Task(KIND, age_s=age)], usual, WIDE).high_s for age in (0.0, 30.0, 60.0)]
    assert rests == sorted(rests, reverse=True)
    assert foretell([Task(KIND, age_s=300.0)], usual, WIDE).high_s > 5.0


def test_the_same_question_has_the_same_answer():
    usual = usual_durations([KIND], LatencyModel(), "paid")
    one, other = (foretell([Task(KIND)] * 7, usual, Pace(2.0, 3)) for _ in range(2))
    assert one == other
    assert one.is_guess


def test_nothing_seen_is_a_guess_by_length_and_size():
    usual = usual_durations([KIND, LARGE, LONG, KIND], LatencyModel(), "paid")
    medians = {kind: one.duration.median_s for kind, one in usual.items()}
    assert medians[KIND] == pytest.approx(GUESSES["paid"])
    assert medians[KIND] < medians[LONG] < 2 * medians[KIND] < 2 * medians[LARGE]


def test_a_kind_that_was_seen_counts_by_itself():
    seen = [
        (KIND, 50.0),
        (KIND, 60.0),
        (KIND, 72.0),
        (LARGE, 300.0),
        (LARGE, 310.0),
        (LARGE, 290.0),
    ]
    usual = usual_durations([KIND, LARGE], model(*seen), "paid")
    assert usual[KIND].duration.median_s == pytest.approx(60.0, rel=0.01)
    assert usual[LARGE].duration.median_s == pytest.approx(300.0, rel=0.01)
    assert not foretell([Task(KIND)], usual, WIDE).is_guess


def test_a_kind_that_was_never_seen_takes_the_others_by_length_and_size():
    usual = usual_durations([LARGE], model(*[(KIND, 60.0)] * 4, (LONG, 104.5)), "paid")
    assert usual[LARGE].duration.median_s == pytest.approx(60.0 * relative_work(LARGE), rel=0.02)
    assert usual[LARGE].known == 5


def test_asking_changes_nothing_for_whoever_polls_by_the_model():
    one, other = (model((KIND, 50.0), (KIND, 60.0), (KIND, 72.0)) for _ in range(2))
    one.like(KIND, relative_work)
    assert one.duration_of(KIND) == other.duration_of(KIND)


def test_a_large_run_is_played_seldom():
    found = foretell([Task(KIND)] * 5000, EXACT, Pace(None, 5000))
    assert found.high_s == pytest.approx(60.0, abs=0.01)
