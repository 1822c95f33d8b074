"""Turns that a run seldom takes: two failures that turn, clocks that run out in the
middle of a poll, lists that fail. Each by whole runs in virtual time."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import anyio
import pytest
from builders import follow, job, media
from engine.scripted_api import START, Page, running, video_of, virtual_time
from engine.test_scheduler import AT, Play

from wanbatch.engine.notices import ClockSet, FetchFailed, VideoStored
from wanbatch.engine.work_items import Fetch, Finish, Poll, Prepare, Wait
from wanbatch.model.job import JobMedia
from wanbatch.model.lifecycle import Event, EventKind, State, apply
from wanbatch.model.outcomes import (
    Accepted,
    DownloadFailed,
    Failed,
    ListedTask,
    NotAccepted,
    Running,
    Succeeded,
    TaskListing,
    Unreadable,
)
from wanbatch.words.errors import ExitCode

pytestmark = pytest.mark.anyio
HOUR = 3600.0
RETRYABLE = Failed("Internal", "try again", retryable=True)


@pytest.fixture
def anyio_backend():
    return virtual_time()


async def after(seconds, outcome):
    await anyio.sleep(seconds)
    return outcome


async def leave_running(stage, *jobs):
    for number in range(1, len(jobs) + 1):
        stage.api.polls[f"t{number}"] = [Running()]
    await stage.run(*jobs, wait_s=60.0)
    stage.api.calls.clear()


def two(stage):
    return stage.job("a", seed=1), stage.job("b", seed=2)


# -- failures that turn ----------------------------------------------------------------


async def test_a_retry_that_waited_for_its_turn_asks_its_failed_task_once_more(stage):
    """It failed, and said so again; a minute later, as its retry may go, it has
    turned."""
    stage.api.submits = [
        Accepted("t1"),
        lambda: after(16.0, NotAccepted("HTTP 429", None, 60.0)),
        Accepted("t2"),
    ]
    stage.api.polls["t1"] = [RETRYABLE, RETRYABLE, Succeeded()]
    snapshot = await stage.run(*two(stage), settings={"retries": 1})
    assert [(a.task_id, a.state) for a in snapshot.attempts] == [
        ("t1", State.STORED),
        ("t2", State.STORED),
    ]
    assert [r.seed for r in stage.api.sent] == [1, 2, 2]


async def test_a_retry_whose_task_stays_failed_goes_out_with_the_media_it_had(stage):
    stage.api.submits = [
        Accepted("t1"),
        lambda: after(16.0, NotAccepted("HTTP 429", None, 60.0)),
        Accepted("t2"),
        Accepted("t3"),
    ]
    stage.api.polls["t1"] = [RETRYABLE]
    snapshot = await stage.run(*two(stage), settings={"retries": 1})
    assert [a.state for a in snapshot.attempts] == [
        State.REMOTE_FAILED,
        State.STORED,
        State.STORED,
    ]
    assert sorted(r.seed for r in stage.api.sent) == [1, 1, 2, 2]
    assert len(stage.api.delivered) == 3, "of both jobs, and of the retry once"


def test_a_failure_that_turned_keeps_its_job_open_while_another_expires():
    """Both tasks of a job turned out to be paid for: the one that can no longer be had
    is no failure of the job, and stops nothing."""
    play = Play(job("a"), job("next", media=follow("a")), retries=2, on_failure="stop")
    play.prepare()
    for number in (1, 2):
        play.submit(Accepted(f"t{number}"))
        for _ in range(3 - number):  # the first is asked again before its retry
            play.poll(RETRYABLE)
    tasks = []
    for _ in (1, 2):
        play.poll(Succeeded())
        tasks.append(play.next(Fetch).task)
    gone, home = tasks
    expired = apply(gone.attempt, Event(gone.attempt.attempt_id, EventKind.EXPIRED, AT + play.now))
    play.scheduler.handle(VideoStored(gone, expired), play.now)
    staged = apply(home.attempt, Event(home.attempt.attempt_id, EventKind.STAGED, AT + play.now))
    stored = apply(staged, Event(home.attempt.attempt_id, EventKind.STORED, AT + play.now))
    play.scheduler.handle(VideoStored(home, stored), play.now)
    assert len(play.rows) == 2
    assert play.next(Prepare).work.entry.name == "next"


def test_two_tasks_of_a_job_that_come_home_are_not_asked_again_at_the_end():
    """The one that came second kept its old state where the end of the run looks, was
    asked once more, and its finished answer met a stored video: the run crashed."""
    play = Play(job("a"), retries=2)
    play.prepare()
    for number in (1, 2):
        play.submit(Accepted(f"t{number}"))
        for _ in range(3 - number):
            play.poll(RETRYABLE)
    fetches = []
    for _ in (1, 2):
        play.poll(Succeeded())
        fetches.append(play.next(Fetch).task)
    for task in reversed(fetches):
        number = task.attempt.attempt_id
        staged = apply(task.attempt, Event(number, EventKind.STAGED, AT + play.now))
        stored = apply(staged, Event(number, EventKind.STORED, AT + play.now))
        play.scheduler.handle(VideoStored(task, stored), play.now)
    play.next(Finish)


def test_a_clock_that_is_set_does_not_ask_for_what_is_being_downloaded():
    """Its answer began a second download of the same bytes: the first took the file
    away from the second, and the run crashed."""
    play = Play(job("a"))
    play.prepare()
    play.submit(Accepted("t1"))
    play.poll(Succeeded())
    task = play.next(Fetch).task
    play.scheduler.handle(ClockSet(), play.now)
    play.next(Wait)
    failed = DownloadFailed("broken off")
    play.scheduler.handle(FetchFailed(task, task.attempt, failed), play.now)
    play.scheduler.handle(ClockSet(), play.now)
    assert play.wait_for(Poll).task is task, "what failed is asked for again"


async def test_what_goes_out_again_a_day_later_is_no_day_old(stage):
    """It was refused, the machine slept for a day, and its first failure counted as one
    that proves nothing: a paid task expired within minutes of its submit."""
    stage.api.submits = [
        lambda: after(26 * HOUR, NotAccepted("HTTP 429", None, 60.0)),
        Accepted("t1"),
    ]
    stage.api.polls["t1"] = [Failed("DataInspectionFailed", "no")]
    snapshot = await stage.run(stage.job("a", seed=1), wait_s=50 * HOUR)
    (row,) = snapshot.attempts
    assert row.state is State.REMOTE_FAILED
    assert row.intent_at >= START + 26 * HOUR, "the intent of the POST that counts"


async def test_a_failure_that_turns_in_a_word_nobody_knows_comes_home(stage):
    """``delivered`` is no end that we know, and no failure: the content route tells."""
    stage.api.polls["t1"] = [RETRYABLE, Running("delivered", known=False)]
    snapshot = await stage.run(stage.job("a", seed=1))
    assert [a.state for a in snapshot.attempts] == [State.STORED]
    assert stage.api.calls == ["submit", "poll t1", "poll t1", "download t1"]


async def test_a_failure_whose_new_word_hides_nothing_stays_one(stage):
    stage.api.polls["t1"] = [RETRYABLE, Running("delivered", known=False)]
    stage.api.downloads = [DownloadFailed("HTTP 404", denied=True)]
    snapshot = await stage.run(stage.job("a", seed=1))
    assert [a.state for a in snapshot.attempts] == [State.REMOTE_FAILED]
    assert len(stage.api.sent) == 1


async def test_many_failed_tasks_under_a_low_query_limit_are_asked_in_one_round(stage):
    """By the last answer the first was too old, and the round began anew: the retry
    never went out, and the run never ended."""
    stage.profile = replace(stage.profile, queries_per_second=0.05)
    failed = [RETRYABLE]
    stage.api.polls = {f"t{n}": failed for n in range(1, 4)}
    snapshot = await stage.run(stage.job("a", seed=1), settings={"retries": 3}, wait_s=3600.0)
    assert [a.state for a in snapshot.attempts] == [State.REMOTE_FAILED] * 3 + [State.STORED]


async def test_nothing_is_bought_where_what_was_bought_before_could_not_be_asked_about(stage):
    """The run waited for it as long as it may: that is no permission to buy."""
    await leave_running(stage, *two(stage))
    stage.profile = replace(stage.profile, queries_per_second=0.01)
    await stage.run(*two(stage), stage.job("c", seed=3), wait_s=60.0)
    assert stage.api.calls == ["poll t1"]
    assert any("could not be asked about" in str(event) for event in stage.seen)


# -- what is at risk -------------------------------------------------------------------


@pytest.mark.parametrize("said", [Running(), Unreadable("HTTP 502")], ids=str)
async def test_a_lost_video_that_cannot_be_had_yet_holds_no_purchase_up(stage, said):
    (row,) = (await stage.run(stage.job())).attempts
    (stage.output / row.path).unlink()
    stage.api.polls["t1"] = [said, said, Succeeded()]
    stage.api.calls.clear()
    snapshot = await stage.run(stage.job(), stage.job("new", seed=9))
    assert stage.api.calls[:2] == ["poll t1", "submit"]
    assert [stage.bytes_of(a) for a in snapshot.attempts] == [video_of("t1"), video_of("t2")]


async def test_a_task_that_the_api_no_longer_knows_is_looked_for_once_its_day_is_over(stage):
    stage.profile = replace(stage.profile, poll_interval_s=HOUR)
    stage.api.polls["t1"] = running(2, Unreadable("HTTP 404", denied=True))
    stage.api.downloads = [DownloadFailed("HTTP 404", gone=True)]
    (row,) = (await stage.run(stage.job(), wait_s=30 * HOUR)).attempts
    assert row.state is State.EXPIRED
    assert row.updated_at - row.accepted_at > 25 * HOUR
    assert stage.api.calls.count("download t1") == 1


async def test_bytes_refused_twice_of_a_job_that_is_gone_are_left_to_a_person(stage):
    await leave_running(stage, stage.job("gone"))
    stage.api.polls, stage.api.downloads = {}, [Page(b"<html>")]
    snapshot = await stage.run(stage.job("new", seed=9), buys=False)
    assert [(a.state, a.refused_times) for a in snapshot.attempts] == [(State.REMOTE_OK, 2)]
    assert stage.api.calls.count("download t1") == 2


async def test_what_takes_two_videos_waits_for_both(stage):
    a, b = two(stage)
    both = job(
        "both",
        media=(
            media("first_clip", JobMedia("a")),
            media("last_frame", JobMedia("b")),
        ),
        seconds=4,
    )
    stage.api.polls["t2"] = running(5, Succeeded())
    snapshot = await stage.run(a, b, both)
    assert [a.state for a in snapshot.attempts] == [State.STORED] * 3
    submits = [n for n, call in enumerate(stage.api.calls) if call == "submit"]
    assert stage.api.calls.index("download t2") < submits[2]
    assert [content for _, content in stage.api.delivered[-1]] == [video_of("t1"), video_of("t2")]


# -- limits ----------------------------------------------------------------------------


async def test_a_second_download_keeps_to_the_limit_of_queries_too(stage):
    stage.profile = replace(stage.profile, queries_per_second=0.05)
    stage.api.submits = [Accepted("t1"), lambda: after(30.0, Accepted("t2"))]
    stage.api.downloads = [DownloadFailed("reset"), DownloadFailed("reset"), Page(b"<html>")]
    await stage.run(*two(stage))
    polls = [at for at, call in stage.api.called_at if call.startswith("poll")]
    assert len(polls) > 4
    assert min(b - a for a, b in pairwise(polls)) == pytest.approx(20.0)


async def test_an_answer_that_comes_after_the_wait_is_over_still_counts(stage):
    stage.api.polls["t1"] = [lambda: after(50.0, Succeeded())]
    (row,) = (await stage.run(stage.job(), wait_s=60.0)).attempts
    assert stage.bytes_of(row) == video_of("t1")


async def test_only_what_has_not_ended_is_given_up_after_the_wait(stage):
    await leave_running(stage, *two(stage))
    stage.api.polls["t2"] = [Succeeded()]
    snapshot = await stage.run(*two(stage), wait_s=60.0)
    assert [a.state for a in snapshot.attempts] == [State.ACCEPTED, State.STORED]
    assert stage.result.code is ExitCode.UNFINISHED


# -- the account's list ----------------------------------------------------------------


@pytest.mark.parametrize("whole", [True, False])
async def test_only_a_whole_list_says_that_a_task_was_not_done_yet(stage, whole):
    """When it may have ended counts for how long its result can be had."""
    stage.profile = replace(stage.profile, kind="dashscope", poll_interval_s=30.0)
    shown = tuple(ListedTask(f"t{n}", "RUNNING") for n in (1, 2, 3))
    ended = tuple(replace(task, status="SUCCEEDED") for task in shown)
    stage.api.lists = [
        *[TaskListing(shown, START, complete=whole)] * 2,
        TaskListing(ended, START, complete=True),
    ]
    jobs = [stage.job(f"j{n}", seed=n) for n in (1, 2, 3)]
    for row in (await stage.run(*jobs)).attempts:
        assert row.state is State.STORED
        since = max(row.polled_at, row.accepted_at)
        assert (row.polled_at > row.accepted_at) is whole
        assert row.available_until == since + 24 * HOUR


async def test_a_task_that_waits_for_its_turn_is_not_asked_twice_for_a_list(stage):
    """It is to be asked again after a doubtful word, when a list shows it as ended."""
    stage.profile = replace(stage.profile, kind="dashscope")
    doubtful = Failed("CANCELED", "who knows", certain=False)
    stage.api.polls["t1"] = [lambda: after(1.0, doubtful), Succeeded()]
    stage.api.polls |= {"t2": [Succeeded()], "t3": [Succeeded()]}
    words = {"t1": "CANCELED", "t2": "RUNNING", "t3": "RUNNING"}
    shown = tuple(ListedTask(task_id, word) for task_id, word in words.items())
    ended = tuple(replace(task, status="SUCCEEDED") for task in shown)
    stage.api.lists = [
        *[TaskListing(shown, START, complete=True)] * 2,
        TaskListing(ended, START, complete=True),
    ]
    jobs = [stage.job(f"j{n}", seed=n) for n in (1, 2, 3)]
    snapshot = await stage.run(*jobs)
    assert [a.state for a in snapshot.attempts] == [State.STORED] * 3
    assert stage.api.calls.count("poll t1") == 2
