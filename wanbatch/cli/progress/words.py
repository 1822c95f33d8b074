"""What happens in a run, in lines for people. Pure.

What it may not do: print, or know how wide a terminal is.

How it works: ``describe`` is one line for an event, ``sum_line`` one for how all jobs
stand.
"""

from __future__ import annotations

from wanbatch.cli.progress.board import Board, Stage, TimeLeft
from wanbatch.model.lifecycle import Attempt, State
from wanbatch.operations.events import (
    Altered,
    DownloadRetried,
    Event,
    Expired,
    LeftUncertain,
    NotPrepared,
    PaceChanged,
    Polled,
    PutBack,
    RequestRejected,
    Stored,
    Submitted,
    Unrecorded,
)
from wanbatch.words.humanize import duration, duration_range, money


def describe(event: Event) -> str:
    """The event as one line; empty where it is not worth one."""
    match event:
        case NotPrepared(job, text):
            return f"not sent   {job}: {text}"
        case Submitted(a):
            return f"submitted  {a.job}  task {a.task_id}"
        case RequestRejected(a):
            return f"rejected   {a.job}  {a.error_code}: {a.error_message}"
        case LeftUncertain(a):
            return f"uncertain  {a.job}  {a.reason}; see 'wanbatch resolve'"
        case PutBack(a, text):
            return f"put back   {a.job}  {text}"
        case Polled(a) | Expired(a):
            return _describe_task(a)
        case Stored(a):
            took = duration(a.stored_at - a.intent_at)
            return f"done       {a.job}  {a.seconds:g} s video after {took}"
        case DownloadRetried(a, text):
            return f"retrying   {a.job}  download: {text}"
        case Unrecorded(a, task_id):
            return (
                f"WRITE THIS DOWN: {a.job} was accepted as task {task_id},"
                " and the ledger could not be written"
            )
        case Altered(a, text):
            return f"altered    {a.job}  {text}"
        case PaceChanged(text=text) if text:
            return f"slowed     to {pace_words(event)}{_hold(event)}"
        case _:
            return ""


def _describe_task(attempt: Attempt) -> str:
    match attempt.state:
        case State.REMOTE_FAILED:
            return f"failed     {attempt.job}  {attempt.error_code}: {attempt.error_message}"
        case State.ACCEPTED if attempt.status_word:
            return (
                f"running    {attempt.job}  the provider says {attempt.status_word!r},"
                " a word that is not known; it is watched on"
            )
        case State.EXPIRED:
            return f"expired    {attempt.job}  {attempt.reason}"
        case _:
            return ""


def sum_line(board: Board, now: float) -> str:
    """``12 of 50 done, 20 at the provider, $6.00 of $25.00, about 4 to 6 min left``"""
    parts = [f"{board.count(Stage.DONE)} of {board.total} done"]
    shown = (Stage.RUNNING, Stage.DOWNLOADING, Stage.FAILED, Stage.UNCERTAIN)
    parts += [f"{board.count(stage)} {stage.value}" for stage in shown if board.count(stage)]
    parts += [spent] if (spent := spent_words(board)) else []
    parts += [left] if (left := left_words(board.time_left(now))) else []
    return ", ".join(parts)


def spent_words(board: Board) -> str:
    """``$6.00 of $25.00``; nothing where nothing costs anything."""
    moved = board.money
    if moved is None or (moved.limit is None and not moved.spent):
        return ""
    spent = money(moved.spent, board.currency)
    return f"{spent} spent" if moved.limit is None else f"{spent} of {_limit(board)}"


def money_words(board: Board) -> str:
    """``$6.00 spent, $10.00 held back, of $25.00``; nothing where nothing costs
    anything."""
    moved = board.money
    if moved is None or not (moved.limit or moved.spent or moved.held):
        return ""
    words = f"{money(moved.spent, board.currency)} spent"
    if moved.held:
        words += f", {money(moved.held, board.currency)} held back"
    return words if moved.limit is None else f"{words}, of {_limit(board)}"


def _limit(board: Board) -> str:
    return money(board.money.limit if board.money else None, board.currency)


def pace_words(pace: PaceChanged) -> str:
    """``1/s, 5 at once``"""
    rate = f"{pace.per_s:.2g}/s, " if pace.per_s is not None else ""
    return f"{rate}{pace.slots} at once"


def _hold(pace: PaceChanged) -> str:
    return f", next in {duration(pace.hold_s)}" if pace.hold_s >= 1.0 else ""


def left_words(left: TimeLeft | None) -> str:
    """``about 4 to 6 min left``"""
    if left is None:
        return ""
    if left.high_s <= 0.0:
        return "longer than usual"
    guess = " (a guess)" if left.is_guess else ""
    return f"about {duration_range(left.low_s, left.high_s)} left{guess}"
