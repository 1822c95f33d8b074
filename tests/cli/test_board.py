"""What is known of a run while it goes on: never more running than there are, never
less than nothing; and the lines that tell it."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest
from builders import attempt, job

from wanbatch.cli.progress.board import Board, Stage
from wanbatch.cli.progress.words import describe, left_words, money_words, sum_line
from wanbatch.model.lifecycle import State
from wanbatch.operations.events import (
    Altered,
    Downloading,
    DownloadRetried,
    Estimated,
    Expired,
    Forecast,
    LeftUncertain,
    Looking,
    MoneyMoved,
    NotPrepared,
    PaceChanged,
    Polled,
    PutBack,
    RequestRejected,
    Stopping,
    Stored,
    Submitted,
    Submitting,
    WorkEnds,
)

NOW = 5000.0
ONE = attempt(job("one", seed=1), 1, fingerprint="f1")
OTHER = attempt(job("two", seed=2), 2, fingerprint="f2")


def take(board, *events):
    for event in events:
        board.take(event, NOW)
    return board


def event(kind, row, state):
    return kind(replace(row, state=state))


def numbers(board):
    done, failed = board.count(Stage.DONE), board.count(Stage.FAILED)
    return done, failed + board.count(Stage.UNCERTAIN), board.count(Stage.RUNNING), board.total


# -- counting --------------------------------------------------------------------------


def test_a_job_goes_through_its_stages_and_is_always_in_one():
    board = Board({"f1", "f2"})
    steps = [
        (Submitting("one", "f1", "m"), Stage.SUBMITTING),
        (event(PutBack, ONE, State.PLANNED), Stage.WAITING),
        (Submitting("one", "f1", "m"), Stage.SUBMITTING),
        (event(Submitted, ONE, State.ACCEPTED), Stage.RUNNING),
        (event(Polled, ONE, State.ACCEPTED), Stage.RUNNING),
        (event(Polled, ONE, State.REMOTE_OK), Stage.DOWNLOADING),
        (event(Downloading, ONE, State.REMOTE_OK), Stage.DOWNLOADING),
        (event(DownloadRetried, ONE, State.REMOTE_OK), Stage.DOWNLOADING),
        (event(Stored, ONE, State.STORED), Stage.DONE),
    ]
    for told, stage in steps:
        take(board, told)
        expected = {Stage.WAITING: 1} | {stage: 2 if stage is Stage.WAITING else 1}
        assert {s: board.count(s) for s in Stage if board.count(s)} == expected, told


def test_a_failed_task_that_turns_was_not_expected_and_is_done():
    assert numbers(take(Board(set()), event(Stored, ONE, State.STORED))) == (1, 0, 0, 1)


@pytest.mark.parametrize("kind", [Polled, Expired])
def test_a_failed_task_that_fails_again_changes_nothing(kind):
    board = Board({"f2"}, [replace(OTHER, state=State.ACCEPTED)])
    take(board, event(kind, ONE, State.REMOTE_FAILED))
    assert numbers(board) == (0, 0, 1, 1)
    assert not board.failures


def test_a_retry_that_comes_home_is_one_job_done():
    board = Board({"f1"})
    take(board, event(Submitted, ONE, State.ACCEPTED), event(Polled, ONE, State.REMOTE_FAILED))
    assert numbers(board) == (0, 1, 0, 1)
    again = replace(ONE, attempt_id=9)
    take(board, Submitting("one", "f1", "m"), event(Submitted, again, State.ACCEPTED))
    assert numbers(board) == (0, 0, 1, 1)
    assert numbers(take(board, event(Stored, again, State.STORED))) == (1, 0, 0, 1)


def test_a_lost_video_that_came_back_otherwise_is_not_done():
    board = Board({"f1"}, [replace(ONE, state=State.STORED)])
    assert board.count(Stage.DOWNLOADING) == 1
    assert numbers(take(board, event(Altered, ONE, State.STORED))) == (0, 1, 0, 1)


def test_what_is_refused_uncertain_or_not_sent_is_not_done():
    board = take(
        Board({"f1", "f2", "f3"}),
        event(RequestRejected, replace(ONE, error_code="BadSize"), State.REJECTED),
        event(LeftUncertain, OTHER, State.UNCERTAIN),
        NotPrepared("three", "no room"),
    )
    assert numbers(board) == (0, 3, 0, 3)
    assert board.count(Stage.WAITING) == 0
    assert dict(board.failure_codes) == {"BadSize": 1, "uncertain": 1, "not sent": 1}
    assert [failure.job for failure in board.failures] == ["one", "two", "three"]


def test_what_expired_while_it_ran_says_so():
    board = take(Board({"f1"}), event(Submitted, ONE, State.ACCEPTED))
    take(board, event(Expired, ONE, State.EXPIRED), WorkEnds())
    assert numbers(board) == (0, 1, 0, 1)
    assert dict(board.failure_codes) == {"expired": 1}


def test_the_oldest_tasks_come_first_and_leave_when_they_end():
    rows = [attempt(job(str(n)), n + 1, fingerprint=f"f{n}", accepted_at=NOW - n) for n in range(9)]
    board = Board(
        {row.fingerprint for row in rows}, [replace(r, state=State.ACCEPTED) for r in rows]
    )
    assert [row.job for row in board.oldest(3)] == ["8", "7", "6"]
    take(board, event(Polled, rows[8], State.REMOTE_OK))
    assert [row.job for row in board.oldest(3)] == ["7", "6", "5"]


# -- time and money --------------------------------------------------------------------


def test_the_time_left_runs_down_and_never_below_nothing():
    board = take(
        Board({"f1"}), Estimated(Forecast(100.0, 200.0, is_guess=True), {(5, "720P"): 60.0})
    )
    left = board.time_left(NOW + 50)
    assert (left.low_s, left.high_s, left.is_guess) == (50.0, 150.0, True)
    assert left_words(left) == "about 1 to 3 min left (a guess)"
    assert left_words(board.time_left(NOW + 250)) == "longer than usual"
    assert board.usual_s(ONE) == 60.0
    take(board, Estimated(None, {}))
    assert board.time_left(NOW) is None
    assert board.usual_s(ONE) == 60.0


@pytest.mark.parametrize(
    ("moved", "money", "summed"),
    [
        (MoneyMoved(Decimal(0), Decimal(0), None), "", ""),
        (MoneyMoved(Decimal(6), Decimal(10), Decimal(25)),
         "$6.00 spent, $10.00 held back, of $25.00", "$6.00 of $25.00"),
        (MoneyMoved(Decimal("1.5"), Decimal(0), None), "$1.50 spent", "$1.50 spent"),
        (MoneyMoved(Decimal(0), Decimal("0.5"), None), "$0.00 spent, $0.50 held back", ""),
    ],
)  # fmt: skip
def test_money_is_told_where_there_is_some(moved, money, summed):
    board = take(Board({"f1"}, (), "USD"), moved)
    assert money_words(board) == money
    assert sum_line(board, NOW) == ", ".join(filter(None, ["0 of 1 done", summed]))


def test_the_sum_is_one_line_of_all_that_counts():
    tasks = [replace(ONE, state=State.ACCEPTED, accepted_at=NOW)]
    board = Board({"f1", "f2", "f3"}, tasks, "USD")
    take(
        board,
        event(Stored, OTHER, State.STORED),
        MoneyMoved(Decimal(6), Decimal(0), Decimal(25)),
        Estimated(Forecast(200.0, 239.0, is_guess=False), {}),
        Looking(3),
        Stopping(),
    )
    assert sum_line(board, NOW) == (
        "1 of 3 done, 1 at the provider, $6.00 of $25.00, about 3 to 4 min left"
    )
    assert board.checking == 3
    assert board.is_stopping


def test_a_slower_pace_is_a_line_and_a_faster_one_is_none():
    assert (
        describe(PaceChanged(1.0, 5, 12.0, "HTTP 429"))
        == "slowed     to 1/s, 5 at once, next in 12 s"
    )
    assert describe(PaceChanged(None, 1, 0.0, "HTTP 429")) == "slowed     to 1 at once"
    assert describe(PaceChanged(2.0, 5)) == ""
    board = take(Board({"f1"}), PaceChanged(2.0, 5), PaceChanged(1.0, 5, 12.0, "HTTP 429"))
    assert (board.best_pace.per_s, board.pace.per_s) == (2.0, 1.0)
