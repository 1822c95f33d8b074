"""Where the time went: the parts of a run's wall clock add up, whatever the clocks
said."""

from __future__ import annotations

from dataclasses import replace

from expecting import expect
from hypothesis import given
from hypothesis import strategies as st
from report import samples

from wanbatch.model.lifecycle import State
from wanbatch.model.report import TimeSpent
from wanbatch.report.timing import time_attempt, time_spent


def stage(number, intent, accepted, finished, stored, state=State.STORED):
    start = samples.START
    return replace(
        samples.make_attempt(number, f"job{number}", state),
        intent_at=start + intent,
        accepted_at=start + accepted,
        finished_at=start + finished,
        stored_at=start + stored,
        updated_at=start + stored,
    )


def test_overlapping_work_is_counted_once_and_the_rest_was_waiting():
    run = samples.make_run(finished_at=samples.START + 100)
    attempts = [stage(1, 10, 12, 40, 45), stage(2, 20, 22, 60, 62)]
    time = expect(TimeSpent, time_spent(attempts, run))
    assert (
        time.wall_s,
        time.submitting_s,
        time.generating_s,
        time.downloading_s,
        time.waiting_s,
    ) == (100, 2, 48, 2, 48)
    assert time.in_flight == (28 + 38) / 48
    assert (time.median_generation_s, time.longest_generation_s) == (33, 38)


def test_work_of_an_earlier_run_counts_only_inside_this_one():
    run = samples.make_run(finished_at=samples.START + 20)
    time = expect(TimeSpent, time_spent([stage(1, -100, -99, 5, 8)], run))
    assert (time.generating_s, time.downloading_s, time.waiting_s) == (5, 3, 12)


def test_a_killed_run_counts_to_the_last_thing_known():
    run = samples.make_run(finished_at=0.0, exit_code=-1)
    running = replace(
        samples.make_attempt(1, "a", State.ACCEPTED),
        intent_at=samples.START,
        accepted_at=samples.START + 1,
        updated_at=samples.START + 30,
    )
    time = expect(TimeSpent, time_spent([running], run))
    assert (time.wall_s, time.submitting_s, time.generating_s) == (30, 1, 29)
    assert time.median_generation_s is None


def test_nothing_under_way_is_no_time():
    assert time_spent([], samples.make_run()) is None


def test_a_provider_whose_clock_is_behind_makes_no_negative_stage():
    timings = time_attempt(stage(1, 0, 10, 4, 12), None, None)
    assert (timings.queue_s, timings.generation_s, timings.download_s) == (None, 0.0, 8.0)


instants = st.floats(-50, 200, allow_nan=False)


@given(
    rows=st.lists(st.tuples(instants, instants, instants, instants), min_size=1, max_size=12),
    length=st.floats(0, 150),
)
def test_the_parts_always_add_up_to_the_wall_clock(rows, length):
    run = samples.make_run(finished_at=samples.START + length)
    time = expect(
        TimeSpent, time_spent([stage(i, *row) for i, row in enumerate(rows, start=1)], run)
    )
    parts = (time.generating_s, time.downloading_s, time.submitting_s, time.waiting_s)
    assert all(part >= -1e-6 for part in parts)
    assert abs(sum(parts) - time.wall_s) < 1e-5
