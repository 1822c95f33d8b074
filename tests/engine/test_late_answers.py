"""Answers that come late or tell nothing, after a task has ended: what the simulation
found to go wrong, each case by itself."""

from __future__ import annotations

import os
from dataclasses import replace

import pytest
from builders import attempt

from wanbatch.engine.interpret import failure_event, is_late, poll_event
from wanbatch.engine.notices import FetchFailed, PollAnswered, TasksResumed
from wanbatch.engine.pacing.budget import Budget
from wanbatch.engine.pacing.submits import SubmitPacer
from wanbatch.engine.polling.schedule import PollSchedule
from wanbatch.engine.scheduler import Scheduler
from wanbatch.engine.work_items import Fetch, Poll, RunPolicy, Wait
from wanbatch.model.lifecycle import EventKind, State
from wanbatch.model.outcomes import DownloadFailed, Failed, Succeeded, Unreadable
from wanbatch.videos import outputs

HOUR = 3600.0
ENDED = attempt(
    state=State.REMOTE_OK,
    task_id="t1",
    accepted_at=1001.0,
    finished_at=1100.0,
    available_until=1100.0 + 24 * HOUR,
)
NO_SUCH_TASK = Unreadable("HTTP 400 (task_not_exist)", denied=True)
NO_ANSWER = Unreadable("HTTP 502")


def watching(*rows, queries_per_second=None):
    scheduler = Scheduler(
        [], SubmitPacer(None, 5), PollSchedule(15.0, queries_per_second), Budget(None), RunPolicy()
    )
    scheduler.handle(TasksResumed(rows, 2000.0), 0.0)
    return scheduler


def poll(scheduler, now):
    action = scheduler.next_action(now)
    assert isinstance(action, Poll), action
    return action.task


def test_an_answer_that_tells_nothing_of_an_ended_task_gives_its_place_in_the_query_limit_back():
    other = replace(
        ENDED,
        attempt_id=2,
        state=State.ACCEPTED,
        task_id="t2",
        available_until=ENDED.available_until + 1,
    )
    scheduler = watching(ENDED, other, queries_per_second=0.5)
    task = poll(scheduler, 0.0)
    scheduler.handle(PollAnswered(task, task.attempt, NO_ANSWER, 2000.0), 0.3)
    action = scheduler.next_action(0.3)
    assert isinstance(action, Wait)
    assert action.until is not None
    assert action.until < 10.0
    assert poll(scheduler, action.until).attempt.attempt_id == 2


def test_a_result_past_its_expiry_that_nobody_knows_is_fetched_once_more_so_that_it_can_expire():
    scheduler = watching(ENDED)
    task = poll(scheduler, 0.0)
    scheduler.handle(PollAnswered(task, task.attempt, NO_SUCH_TASK, ENDED.available_until + 1), 0.3)
    action = scheduler.next_action(0.3)
    assert isinstance(action, Fetch)
    assert action.result == Succeeded()


def test_a_result_that_cannot_be_had_for_a_whole_day_is_still_asked_for():
    scheduler = watching(ENDED)
    task = poll(scheduler, 0.0)
    task.fetches = 5000
    scheduler.handle(PollAnswered(task, task.attempt, Succeeded(), 2000.0), 0.3)
    assert isinstance(scheduler.next_action(0.3), Fetch)
    scheduler.handle(FetchFailed(task, task.attempt, DownloadFailed("HTTP 503")), 1.0)
    action = scheduler.next_action(1.0)
    assert isinstance(action, Wait)
    assert action.until == pytest.approx(61.0)


def test_a_failure_of_an_adopted_task_long_after_its_submit_proves_nothing():
    adopted = attempt(state=State.ACCEPTED, task_id="t1", accepted_at=1000.0 + 40 * HOUR)
    failed, at = Failed("", "task expired"), 1010.0 + 40 * HOUR
    assert poll_event(adopted, failed, at, 1, 0.0) is None
    assert is_late(adopted, at, 10.0)
    assert failure_event(adopted, failed, at, 1, 0.0, late=True).kind is EventKind.EXPIRED


def test_a_name_counts_once_its_folder_and_those_above_it_are_synced(tmp_path, monkeypatch):
    part = tmp_path / "m/videos/.part/1.part"
    part.parent.mkdir(parents=True)
    part.write_bytes(b"a video")
    synced = []
    real = os.fsync

    def fsync(handle):
        synced.append(os.fstat(handle).st_ino)
        real(handle)

    monkeypatch.setattr(os, "fsync", fsync)
    outputs.publish(tmp_path, part, "m/videos/one.mp4", "00" * 32)
    assert synced == [
        folder.stat().st_ino for folder in (tmp_path / "m/videos", tmp_path / "m", tmp_path)
    ]
