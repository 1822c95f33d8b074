"""One query for many tasks: who is asked after a listing, how often it is made, and
when it is not trusted."""

from __future__ import annotations

import pytest

from wanbatch.engine.polling.batch import (
    BELIEVED_S,
    DISTRUST_S,
    MISSED_AFTER_S,
    SEVERAL,
    SHORTEST_S,
    ListPolls,
)
from wanbatch.model.outcomes import ListedTask, TaskListing

RUNNING = {"a": 0.0, "b": 0.0, "c": 0.0}


def listing(*, complete=True, **words):
    return TaskListing(
        tuple(ListedTask(task_id, word) for task_id, word in words.items()), 0.0, complete
    )


def asked(polls, found, now=1.0, running=RUNNING):
    return list(polls.answered(found, running, now))


def test_only_those_that_ended_are_asked_themselves():
    found = listing(a="SUCCEEDED", b="RUNNING", c="PENDING", other="FAILED")
    assert asked(ListPolls(15.0), found) == ["a"]


@pytest.mark.parametrize(
    "word", ["SUCCEEDED", "FAILED", "CANCELED", "UNKNOWN", "a word nobody knows"]
)
def test_any_word_but_running_is_looked_into(word):
    assert asked(ListPolls(15.0), listing(a=word, b="running", c="queued")) == ["a"]


def test_who_is_not_shown_is_asked_now_and_then():
    polls = ListPolls(15.0)
    found = listing(a="RUNNING", b="RUNNING")
    assert asked(polls, found, now=MISSED_AFTER_S - 1) == []
    assert asked(polls, found, now=MISSED_AFTER_S) == ["c"]
    assert asked(polls, found, now=MISSED_AFTER_S + 10) == []
    assert asked(polls, found, now=2 * MISSED_AFTER_S) == ["c"]


def test_a_list_that_calls_a_task_running_for_ever_is_not_believed_for_ever():
    """It may come from a cache: the tasks would have been asked about after the run."""
    polls = ListPolls(15.0)
    found = listing(a="RUNNING", b="RUNNING", c="RUNNING")
    later = {"a": 0.0, "b": 0.0, "c": 500.0}
    assert asked(polls, found, now=BELIEVED_S - 1, running=later) == []
    assert asked(polls, found, now=BELIEVED_S, running=later) == ["a", "b"]
    assert asked(polls, found, now=BELIEVED_S + 20, running=later) == []
    assert asked(polls, found, now=2 * BELIEVED_S, running=later) == ["a", "b", "c"]


@pytest.mark.parametrize(
    "found", [None, listing(complete=False, a="SUCCEEDED")], ids=["no answer", "not whole"]
)
def test_a_list_that_fails_is_left_alone_for_a_while(found):
    polls = ListPolls(15.0)
    assert polls.is_used(SEVERAL, 1.0)
    assert asked(polls, found) == []
    assert not polls.is_used(SEVERAL, 1.0 + DISTRUST_S - 0.1)
    assert polls.is_used(SEVERAL, 1.0 + DISTRUST_S)


def test_few_tasks_are_polled_one_by_one():
    assert not ListPolls(15.0).is_used(SEVERAL - 1, 0.0)


@pytest.mark.parametrize(
    ("usual_s", "gap"), [(None, 15.0), (90.0, 2.7), (3600.0, 15.0), (1.0, SHORTEST_S)]
)
def test_the_gap_follows_how_long_tasks_take(usual_s, gap):
    polls = ListPolls(15.0)
    polls.started(100.0, usual_s)
    assert polls.due_at == pytest.approx(100.0 + gap)
