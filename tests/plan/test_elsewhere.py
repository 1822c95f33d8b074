"""Jobs that were bought where this ledger does not see it: asked about, under every
rule."""

from __future__ import annotations

from dataclasses import replace

import pytest
from builders import DIGESTS, attempt, fingerprint_of, follow, job, manifest
from plan.test_planner import NOW, TARGET

from wanbatch.engine.scheduling.works import build_works
from wanbatch.model.elsewhere import Elsewhere, Sighting, Source, video_digits
from wanbatch.model.lifecycle import Authorisation, Snapshot, State
from wanbatch.model.plan import Action, JobState
from wanbatch.plan.planner import PlanOptions, make_plan

ONE = fingerprint_of(job())
REPORT = Sighting(Source.REPORT, "reports/m/report.json", "done", "task-1", "gateway")
VIDEO = Sighting(Source.VIDEO, "reports/m/videos/one.mp4")
LEDGER = Sighting(Source.LEDGER, "other/ledger.db", "stored", "task-1", "gateway")
LOCK = Sighting(Source.LOCK, "m.lock.json", "done", "task-1")
BROKEN = Sighting(Source.LEDGER, "other/ledger.db", trouble="is damaged")
FOUND = {
    "report": Elsewhere(reports={ONE: REPORT}),
    "video": Elsewhere(videos={video_digits(ONE, "paid"): VIDEO}),
    "ledger": Elsewhere(ledgers={ONE: LEDGER}),
    "lock": Elsewhere(locks={ONE: LOCK}),
    "own lock": Elsewhere(own_locks={ONE: LOCK}),
    "broken": Elsewhere(unreadable=BROKEN),
}


def plan(*jobs, **given):
    return plan_of(*jobs, **given).jobs


def plan_of(*jobs, found, snapshot=None, target=TARGET, **options):
    return make_plan(
        [manifest(*jobs)],
        DIGESTS,
        snapshot or Snapshot(),
        frozenset(),
        target,
        PlanOptions(**options),
        NOW,
        found,
    )


@pytest.mark.parametrize("where", FOUND)
def test_a_trace_makes_a_new_job_a_question_that_names_its_place(where):
    entry = plan(job(), found=FOUND[where])[0]
    assert (entry.action, entry.state) == (Action.ASK, JobState.ELSEWHERE)
    assert entry.trace is not None
    assert entry.trace.place in str(entry.reason)


@pytest.mark.parametrize("where", ["report", "video", "ledger", "lock", "own lock"])
def test_another_job_is_bought_and_what_follows_the_held_one_waits(where):
    held, other, after = plan(
        job(), job("two", seed=8), job("three", media=follow("one")), found=FOUND[where]
    )
    assert held.action is Action.ASK
    assert other.action is Action.GENERATE
    assert (after.action, str(after.reason)) == (
        Action.BLOCKED,
        "it takes media from one, which is elsewhere",
    )


@pytest.mark.parametrize("where", FOUND)
def test_regenerate_an_open_authorisation_and_the_emulator_are_free_to_make_it(where):
    assert plan(job(), found=FOUND[where], regenerate=True)[0].action is Action.GENERATE
    allowed = Authorisation(1, ONE, "paid", "m", "one", "regenerate", "run-1", 1.0)
    snapshot = Snapshot(authorisations=(allowed,))
    assert plan(job(), found=FOUND[where], snapshot=snapshot)[0].action is Action.GENERATE
    drawn = replace(TARGET, realm="emulator")
    assert plan(job(), found=FOUND[where], target=drawn)[0].action is Action.GENERATE


def test_of_a_job_that_failed_here_only_another_ledger_and_its_lock_have_news():
    failed = Snapshot((attempt(state=State.REMOTE_FAILED, task_id="t"),))
    own = dict.fromkeys(("report", "video", "own lock"), "generate")
    for where, action in (own | dict.fromkeys(("ledger", "lock"), "ask")).items():
        entry = plan(job(), found=FOUND[where], snapshot=failed, retry_failed=True)[0]
        assert entry.action.value == action, where


def test_what_this_ledger_has_bought_is_its_own_to_tell():
    running = Snapshot((attempt(state=State.ACCEPTED, task_id="t"),))
    for found in FOUND.values():
        assert plan(job(), found=found, snapshot=running)[0].action is Action.RESUME


def test_what_runs_here_and_was_bought_by_a_copy_once_more_is_not_bought_when_it_fails():
    def too(task_id, where):
        running = attempt(state=State.ACCEPTED, task_id=task_id, origin=TARGET.origin)
        made = plan_of(job(), found=FOUND[where], snapshot=Snapshot((running,)))
        (entry,) = made.jobs
        assert entry.action is Action.RESUME
        (work,) = build_works(made, {entry.job.manifest: 3})
        return entry.bought_too, work.retries

    for where in ("ledger", "lock", "broken"):
        assert too("t", where) == (True, 0), where
    for where in ("report", "video", "own lock"):
        assert too("t", where) == (False, 3), where
    assert too("task-1", "ledger") == (False, 3), "the same task: a copy that waits for it too"
