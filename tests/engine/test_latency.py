"""Learning durations from what was seen: intervals, running tasks, few examples, broken
ones."""

from __future__ import annotations

import math
import random

import pytest
from builders import attempt, job

from wanbatch.engine.polling.latency import BROADEST, FIRST_SHAPE, KEPT, LatencyModel, Point, fit
from wanbatch.engine.polling.timing import Lognormal
from wanbatch.model.lifecycle import State

KIND = (5, "720P")


def test_nothing_seen_is_nothing_known() -> None:
    assert LatencyModel().duration_of(KIND) is None
    assert LatencyModel().duration_of(KIND, [3.0], 1) is None


def test_exact_durations_give_back_what_they_were_drawn_from() -> None:
    rnd, model = random.Random(1), LatencyModel()
    for _ in range(200):
        duration = rnd.lognormvariate(math.log(90.0), 0.4)
        model.observe(KIND, duration, duration)
    found = model.duration_of(KIND)
    assert found is not None
    assert found.median_s == pytest.approx(90.0, rel=0.08)
    assert found.shape == pytest.approx(0.4, abs=0.05)


def test_intervals_do_not_bias_the_fit_where_detection_times_would() -> None:
    rnd, model, naive = random.Random(2), LatencyModel(), []
    for _ in range(200):
        duration = rnd.lognormvariate(math.log(90.0), 0.4)
        seen = math.ceil(duration / 40.0) * 40.0
        model.observe(KIND, seen - 40.0, seen)
        naive.append(math.log(seen))
    found = model.duration_of(KIND)
    assert found is not None
    assert found.median_s == pytest.approx(90.0, rel=0.1)
    assert math.exp(sum(naive) / len(naive)) > 105.0


def test_tasks_that_still_run_are_taken_into_account() -> None:
    """At 70 s into a batch only the quick ones have ended: without the others the
    median would be taken for less than 70 s."""
    rnd = random.Random(4)
    durations = [rnd.lognormvariate(math.log(90.0), 0.4) for _ in range(120)]
    model = LatencyModel()
    for duration in durations:
        if duration <= 70.0:
            model.observe(KIND, duration, duration)
    running = [70.0 for duration in durations if duration > 70.0]
    without, with_all = model.duration_of(KIND), model.duration_of(KIND, running, len(running))
    sampled = model.duration_of(KIND, running[::3], len(running))
    assert without is not None
    assert with_all is not None
    assert sampled is not None
    assert without.median_s < 60.0
    assert with_all.median_s == pytest.approx(90.0, rel=0.12)
    assert sampled.median_s == pytest.approx(with_all.median_s, rel=0.05)


def test_a_kind_with_few_examples_borrows_from_all_with_a_broad_shape() -> None:
    model = LatencyModel()
    for duration in (80.0, 90.0, 100.0, 95.0, 85.0):
        model.observe((10, "1080P"), duration, duration)
    model.observe(KIND, 60.0, 60.0)
    borrowed = model.duration_of(KIND)
    assert borrowed is not None
    assert 70.0 < borrowed.median_s < 95.0
    assert borrowed.shape >= FIRST_SHAPE


def test_few_examples_leave_the_shape_broad() -> None:
    model = LatencyModel()
    for _ in range(3):
        model.observe(KIND, 90.0, 90.0)
    found = model.duration_of(KIND)
    assert found is not None
    assert found.median_s == pytest.approx(90.0)
    assert 0.4 < found.shape < 0.7


def test_a_task_that_hangs_says_nothing_about_the_others() -> None:
    model = LatencyModel()
    for _ in range(20):
        model.observe(KIND, 90.0, 90.0)
    assert model.duration_of(KIND, [86_000.0] * 5, 5) == model.duration_of(KIND, [], 0)


def test_old_durations_are_forgotten() -> None:
    model = LatencyModel()
    for duration in [900.0] * KEPT + [90.0] * KEPT:
        model.observe(KIND, duration, duration)
    found = model.duration_of(KIND, [80.0] * 10, 1_000)
    assert found is not None
    assert found.median_s < 300.0


def test_a_ledger_teaches_by_its_stored_attempts_alone() -> None:
    seen = {
        "state": State.STORED,
        "accepted_at": 1_000.0,
        "finished_at": 1_090.0,
        "stored_at": 1_100.0,
    }
    model = LatencyModel()
    model.learn(
        [
            attempt(job(), 1, **seen, polled_at=1_080.0),
            attempt(job(), 2, **seen),
            attempt(job(), 3, **{**seen, "stored_at": 0.0}),
            attempt(job(), 4, **{**seen, "accepted_at": 0.0}),
            attempt(job(), 5, **{**seen, "finished_at": 1_000.0}),
            attempt(job(), 6, **seen, polled_at=5_000.0),
        ]
    )
    assert model.count == 3
    found = model.duration_of(KIND)
    assert found is not None
    assert 60.0 < found.median_s < 95.0


def test_strange_observations_do_no_harm() -> None:
    model = LatencyModel()
    for running, done in ((5.0, 1.0), (0.0, 0.0), (0.0, 1e6), (1e-9, 2e-9)):
        model.observe(KIND, running, done)
    found = model.duration_of(KIND, [0.0, 0.0], 2)
    assert found is not None
    assert math.isfinite(found.median_s)
    assert found.shape == BROADEST


def test_intervals_far_from_the_guess_are_taken_at_their_nearer_end() -> None:
    """Where the present guess gives an interval no probability at all, the fit still
    moves towards it."""
    for low, high in ((1e6, 2e6), (1e-3, 2e-3)):
        found = fit([Point(low, high)] * 30, Lognormal(math.log(90.0), 0.1))
        assert low * 0.9 < found.median_s < high * 1.1


def test_a_copy_hears_nothing_of_what_is_learnt_later() -> None:
    model = LatencyModel()
    model.observe(KIND, 60.0, 60.0)
    copied = model.copy()
    model.observe(KIND, 600.0, 600.0)
    assert (copied.count, model.count) == (1, 2)
    one, other = (m.like(KIND, lambda _: 1.0) for m in (copied, model))
    assert one is not None
    assert other is not None
    assert one.median_s == pytest.approx(60.0)
    assert other.median_s > 100.0


def test_what_a_task_usually_takes_is_the_median_of_all_kinds() -> None:
    model = LatencyModel()
    assert model.usual_s() is None
    for done_s in (10.0, 20.0, 90.0):
        model.observe(KIND, 0.0, done_s)
    assert model.usual_s() == 20.0
    model.observe((15, "1080P"), 0.0, 95.0)
    model.observe((15, "1080P"), 0.0, 95.0)
    assert model.usual_s() == 90.0
