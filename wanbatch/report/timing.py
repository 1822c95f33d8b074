"""Where the time went: one attempt's stages, and a run's wall clock divided among them.

What it may not do: read a clock; every instant comes from the ledger.

How it works: an attempt is an interval of submitting, then of generating, then of
downloading. A run's wall clock is divided by unions of intervals: generating is the
time covered by any generation, downloading what downloads cover beyond that, and so on;
what nothing covers was waiting. The four parts therefore add up to the wall clock
exactly. The provider's clock may be off from ours, so no stage is ever taken as
negative.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from statistics import median

from wanbatch.model.lifecycle import Attempt, RunRecord, State
from wanbatch.model.report import TimeSpent, Timings

Span = tuple[float, float]


def time_attempt(attempt: Attempt, before: Attempt | None, run_started_at: float | None) -> Timings:
    """The stages of one attempt. ``before`` is the attempt that the same job made
    before it, if any."""
    queued_at = run_started_at
    if before is not None and before.run_id == attempt.run_id:
        queued_at = before.updated_at
    return Timings(
        submitted_at=attempt.intent_at or None,
        accepted_at=attempt.accepted_at or None,
        finished_at=attempt.finished_at or None,
        stored_at=attempt.stored_at or None,
        queue_s=_between(queued_at, attempt.intent_at),
        submit_s=_between(attempt.intent_at, attempt.accepted_at),
        generation_s=_between(attempt.accepted_at, attempt.finished_at),
        download_s=_between(attempt.finished_at, attempt.stored_at),
    )


def had_a_hand(run: RunRecord, attempt: Attempt) -> bool:
    """Whether ``run`` opened the attempt, or found it under way and changed it."""
    if attempt.run_id == run.run_id:
        return True
    return attempt.intent_at < run.started_at <= attempt.updated_at


def last_at_work(runs: Sequence[RunRecord], attempts: Iterable[Attempt]) -> RunRecord | None:
    """The last of ``runs`` that had something to do; the last, where none had."""
    mine = list(attempts)
    for run in reversed(runs):
        if any(had_a_hand(run, attempt) for attempt in mine):
            return run
    return runs[-1] if runs else None


def time_spent(attempts: Sequence[Attempt], run: RunRecord) -> TimeSpent | None:
    """The wall clock of ``run`` divided among ``attempts``, or ``None`` where nothing
    was under way in it.

    A run that was killed counts to the last thing that its attempts tell of.
    """
    if not attempts:
        return None
    start = run.started_at
    end = max(start, run.finished_at or max(a.updated_at for a in attempts))
    submits = [_submitting(a) for a in attempts]
    generations = [_generating(a, end) for a in attempts if a.accepted_at]
    downloads = [
        _downloading(a, end)
        for a in attempts
        if a.finished_at and a.state is not State.REMOTE_FAILED
    ]
    generating = _covered(generations, start, end)
    with_downloads = _covered([*generations, *downloads], start, end)
    with_submits = _covered([*generations, *downloads, *submits], start, end)
    lengths = [
        _between(a.accepted_at, a.finished_at) or 0.0
        for a in attempts
        if a.accepted_at and a.finished_at
    ]
    at_provider = sum(max(0.0, min(high, end) - max(low, start)) for low, high in generations)
    return TimeSpent(
        wall_s=end - start,
        generating_s=generating,
        downloading_s=with_downloads - generating,
        submitting_s=with_submits - with_downloads,
        waiting_s=end - start - with_submits,
        in_flight=at_provider / generating if generating else 0.0,
        median_generation_s=median(lengths) if lengths else None,
        longest_generation_s=max(lengths) if lengths else None,
    )


def _submitting(attempt: Attempt) -> Span:
    ended_by_it = attempt.state in (State.PLANNED, State.REJECTED, State.UNCERTAIN)
    return attempt.intent_at, attempt.accepted_at or (
        attempt.updated_at if ended_by_it else attempt.intent_at
    )


def _generating(attempt: Attempt, end: float) -> Span:
    if attempt.finished_at:
        return attempt.accepted_at, attempt.finished_at
    return attempt.accepted_at, end if attempt.state is State.ACCEPTED else attempt.updated_at


def _downloading(attempt: Attempt, end: float) -> Span:
    under_way = attempt.state in (State.REMOTE_OK, State.STAGED)
    return attempt.finished_at, attempt.stored_at or (end if under_way else attempt.finished_at)


def _covered(spans: Iterable[Span], start: float, end: float) -> float:
    """How many seconds between ``start`` and ``end`` lie in at least one of
    ``spans``."""
    total, reached = 0.0, start
    for low, high in sorted(spans):
        until = min(high, end)
        if until > max(low, reached):
            total += until - max(low, reached)
            reached = until
    return total


def _between(one: float | None, other: float) -> float | None:
    return max(0.0, other - one) if one and other else None
