"""What a run has left, as a forecast sees it while the run goes on."""

from __future__ import annotations

import math

import pytest
from builders import DIGESTS, attempt, follow, job, manifest

from wanbatch.engine.notices import StopBuying, TasksResumed
from wanbatch.engine.pacing.budget import Budget
from wanbatch.engine.pacing.submits import SubmitPacer
from wanbatch.engine.polling.latency import LatencyModel
from wanbatch.engine.polling.schedule import PollSchedule
from wanbatch.engine.scheduler import Scheduler
from wanbatch.engine.scheduling.works import build_works
from wanbatch.engine.work_items import Phase, RunPolicy
from wanbatch.model.lifecycle import Snapshot, State
from wanbatch.operations.outlook import Outlook, tasks_left
from wanbatch.plan.planner import PlanOptions, Target, make_plan

ORIGIN = "https://api.test"
AT = 1_000_000.0
KIND = (5, "720P")


def running(one, number, state=State.ACCEPTED, age_s=45.0):
    return attempt(
        one,
        number,
        origin=ORIGIN,
        task_id=f"t{number}",
        state=state,
        accepted_at=AT - age_s,
        give_up_at=AT + 80_000,
        available_until=AT + 80_000,
    )


def scheduler_of(jobs, rows=(), resumed=()):
    snapshot = Snapshot(tuple(rows))
    target = Target("gateway", "paid", ORIGIN, None)
    plan = make_plan([manifest(*jobs)], DIGESTS, snapshot, frozenset(), target, PlanOptions(), AT)
    made = Scheduler(
        build_works(plan, {}), SubmitPacer(2.0, 3), PollSchedule(15.0), Budget(None),
        RunPolicy(),
    )  # fmt: skip
    made.handle(TasksResumed(tuple(resumed or rows), AT, ()), 0.0)
    return made


def test_what_is_left_is_what_runs_and_what_will_be_bought():
    one, two, three = job("one", seed=1), job("two", seed=2), job("three", media=follow("two"))
    row = running(one, 1)
    made = scheduler_of([one, two, three], [row])
    first, second, third = tasks_left(made, AT)
    assert (first.age_s, second.age_s, third.age_s) == (45.0, None, None)
    assert third.upstream == (1,)
    made.handle(StopBuying("enough"), 0.0)
    assert [task.age_s for task in tasks_left(made, AT)] == [45.0]


def test_what_is_done_or_stuck_is_not_left():
    made = scheduler_of([job(str(n), seed=n) for n in range(3)])
    made.works[0].phase, made.works[1].phase = Phase.DONE, Phase.STUCK
    assert len(tasks_left(made, AT)) == 1


def test_a_finished_task_takes_nothing_and_one_of_no_job_counts():
    one = job("one", seed=1)
    row = running(one, 1, State.REMOTE_OK)
    stranger = running(job("gone", seed=99), 2, age_s=10.0)
    made = scheduler_of([one], [row], [row, stranger])
    assert [task.age_s for task in tasks_left(made, AT)] == [math.inf, 10.0]


def test_it_converges_to_nothing():
    one = job("one", seed=1)
    made = scheduler_of([one], [running(one, 1)])
    outlook = Outlook(made, LatencyModel(), "paid")
    told = outlook.question(0.0, AT)()
    assert told.forecast is not None
    assert told.forecast.is_guess
    assert told.usual == {}, "a guess is nothing usual"
    made.tasks[1].watched = False
    made.works[0].phase = Phase.DONE
    assert outlook.question(0.0, AT)().forecast is None


def test_durations_are_fitted_anew_when_a_tenth_more_is_known():
    made = scheduler_of([job(str(n), seed=n) for n in range(3)])
    model = LatencyModel()
    outlook = Outlook(made, model, "paid")

    def usual():
        return outlook.question(0.0, AT)().usual.get(KIND)

    for _ in range(20):
        model.observe(KIND, 60.0, 60.0)
    assert usual() == pytest.approx(60.0, rel=0.01)
    model.observe(KIND, 600.0, 600.0)
    assert usual() == pytest.approx(60.0, rel=0.01), "one more of twenty is none"
    for _ in range(20):
        model.observe(KIND, 600.0, 600.0)
    assert usual() > 100.0


def test_a_hold_of_all_submits_is_part_of_it():
    made = scheduler_of([job("one", seed=1)])
    outlook = Outlook(made, LatencyModel(), "paid")
    free = outlook.question(0.0, AT)().forecast
    made.pacer._backed_off_until = 1000.0
    held = outlook.question(0.0, AT)().forecast
    assert free is not None
    assert held is not None
    assert held.low_s == pytest.approx(free.low_s + 1000.0)
