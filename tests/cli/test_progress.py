"""What a run counts while it goes on: never more running than there are, never less
than nothing."""

from __future__ import annotations

from dataclasses import replace

import pytest
from builders import attempt, job

from wanbatch.cli.progress import Counts
from wanbatch.model.lifecycle import State
from wanbatch.operations.events import (
    Altered,
    Expired,
    LeftUncertain,
    NotPrepared,
    Polled,
    RequestRejected,
    Stored,
    Submitted,
)

ONE = attempt(job("one", seed=1), 1, fingerprint="f1")
OTHER = attempt(job("two", seed=2), 2, fingerprint="f2")


def event(kind, row, state):
    return kind(replace(row, state=state))


def numbers(counts):
    return counts.done, counts.failed, counts.running, counts.total


def test_a_failed_task_that_turns_was_not_expected_and_is_done():
    counts = Counts(set(), set())
    counts.take(event(Stored, ONE, State.STORED))
    assert numbers(counts) == (1, 0, 0, 1)


@pytest.mark.parametrize("kind", [Polled, Expired])
def test_a_failed_task_that_fails_again_changes_nothing(kind):
    counts = Counts({"f2"}, {"f2"})
    counts.take(event(kind, ONE, State.REMOTE_FAILED))
    assert numbers(counts) == (0, 0, 1, 1)


def test_a_retry_that_comes_home_is_one_job_done():
    counts = Counts({"f1"}, set())
    counts.take(event(Submitted, ONE, State.ACCEPTED))
    counts.take(event(Polled, ONE, State.REMOTE_FAILED))
    assert numbers(counts) == (0, 1, 0, 1)
    again = replace(ONE, attempt_id=9)
    counts.take(event(Submitted, again, State.ACCEPTED))
    assert numbers(counts) == (0, 0, 1, 1)
    counts.take(event(Stored, again, State.STORED))
    assert numbers(counts) == (1, 0, 0, 1)


def test_a_lost_video_that_came_back_otherwise_is_not_done():
    counts = Counts({"f1"}, {"f1"})
    counts.take(event(Altered, ONE, State.STORED))
    assert numbers(counts) == (0, 1, 0, 1)


def test_what_is_refused_uncertain_or_not_sent_is_not_done():
    counts = Counts({"f1", "f2", "f3"}, set())
    counts.take(event(RequestRejected, ONE, State.REJECTED))
    counts.take(event(LeftUncertain, OTHER, State.UNCERTAIN))
    counts.take(NotPrepared("three", "no room"))
    assert numbers(counts) == (0, 3, 0, 3)
