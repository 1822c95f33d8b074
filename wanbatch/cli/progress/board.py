"""What is known of a run while it goes on. Pure.

What it may not do: word anything, print, or read a clock: ``at`` and ``now`` are the
caller's, in Unix seconds.

How it works: ``Board.take`` hears each event. Jobs are told apart by their
fingerprints, and each stands in one ``Stage``; how many are in each is counted as they
move, so that 5,000 in flight cost no more than fifty.
"""

from __future__ import annotations

import heapq
from collections import Counter, deque
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from wanbatch.model.lifecycle import Attempt, State
from wanbatch.operations.events import (
    Altered,
    Downloading,
    DownloadRetried,
    Estimated,
    Event,
    Expired,
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
)

FAILURES_KEPT = 20
"""So many failures are remembered with their jobs: more than a terminal shows."""


class Stage(StrEnum):
    """Where a job is, in the words that people read."""

    WAITING = "waiting"
    SUBMITTING = "submitting"
    RUNNING = "at the provider"
    DOWNLOADING = "downloading"
    DONE = "done"
    FAILED = "failed"
    UNCERTAIN = "uncertain"


ENDED = frozenset({Stage.DONE, Stage.FAILED, Stage.UNCERTAIN})


@dataclass(frozen=True, slots=True)
class Failure:
    """A job that will not be done, and the code that says why."""

    job: str
    code: str
    message: str


@dataclass(frozen=True, slots=True)
class TimeLeft:
    """Between so many seconds and so many; both 0 where it takes longer than was
    thought."""

    low_s: float
    high_s: float
    is_guess: bool


class Board:
    """``expected`` are all jobs that are to come home, by fingerprint; ``tasks`` what
    runs at the provider at the start."""

    def __init__(
        self, expected: Collection[str], tasks: Sequence[Attempt] = (), currency: str = ""
    ) -> None:
        self.currency = currency
        self._stages = dict.fromkeys(expected, Stage.WAITING)
        self._counts = Counter(self._stages.values())
        self._unprepared = 0
        self.running: dict[str, Attempt] = {}
        """What the provider works at, by fingerprint."""
        self.failures: deque[Failure] = deque(maxlen=FAILURES_KEPT)
        self.failure_codes: Counter[str] = Counter()
        self.pace: PaceChanged | None = None
        self.best_pace: PaceChanged | None = None
        self.paced_at = 0.0
        self.money: MoneyMoved | None = None
        self.usual: Mapping[tuple[int, str], float] = {}
        self.checking = 0
        self.is_stopping = False
        self._estimated: Estimated | None = None
        self._estimated_at = 0.0
        for attempt in tasks:
            self._run(attempt)

    # -- what is asked of it -----------------------------------------------------------

    def count(self, stage: Stage) -> int:
        """How many jobs are in a stage."""
        shift = {Stage.WAITING: -self._unprepared, Stage.FAILED: self._unprepared}
        return max(0, self._counts[stage] + shift.get(stage, 0))

    @property
    def total(self) -> int:
        """All jobs; a failed task that turns was not expected, and makes it larger."""
        return len(self._stages)

    def time_left(self, now: float) -> TimeLeft | None:
        """What was forecast last, less what has passed since."""
        if self._estimated is None or self._estimated.forecast is None:
            return None
        found, passed = self._estimated.forecast, max(0.0, now - self._estimated_at)
        low, high = max(0.0, found.low_s - passed), max(0.0, found.high_s - passed)
        return TimeLeft(low, high, found.is_guess)

    def oldest(self, most: int) -> list[Attempt]:
        """The tasks that have run longest."""
        return heapq.nsmallest(most, self.running.values(), key=lambda a: a.accepted_at)

    def usual_s(self, attempt: Attempt) -> float | None:
        """How long a task of its kind usually takes."""
        return self.usual.get((attempt.length_s, attempt.size))

    # -- what it hears -----------------------------------------------------------------

    def take(self, event: Event, at: float) -> None:  # noqa: C901  a case for each event
        """What happened ``at``."""
        match event:
            case NotPrepared(job, text):
                self._unprepared += 1
                self._fail_as(job, "not sent", text)
            case Submitting(_, fingerprint):
                self._move(fingerprint, Stage.SUBMITTING)
            case Submitted(attempt):
                self._run(attempt)
            case PutBack(attempt):
                self._move(attempt.fingerprint, Stage.WAITING)
            case RequestRejected(attempt):
                self._fail(attempt, attempt.error_code or "rejected")
            case LeftUncertain(attempt, text):
                self._move(attempt.fingerprint, Stage.UNCERTAIN)
                self._fail_as(attempt.job, "uncertain", text)
            case Altered(attempt):
                self._fail(attempt, "altered")
            case Polled(attempt) | Expired(attempt):
                self._polled(attempt)
            case Downloading(attempt) | DownloadRetried(attempt):
                self._move(attempt.fingerprint, Stage.DOWNLOADING)
            case Stored(attempt):
                self._move(attempt.fingerprint, Stage.DONE)
            case PaceChanged():
                self.pace, self.paced_at = event, at
                self.best_pace = self.best_pace or event
            case MoneyMoved():
                self.money = event
            case Estimated(_, usual):
                self._estimated, self._estimated_at = event, at
                self.usual = {**self.usual, **usual}
            case Looking(videos):
                self.checking = videos
            case Stopping():
                self.is_stopping = True
            case _:
                pass

    def _polled(self, attempt: Attempt) -> None:
        """A failed task that is asked again and is as it was changes nothing."""
        one = attempt.fingerprint
        match attempt.state:
            case State.ACCEPTED if one in self.running:
                self.running[one] = attempt
            case State.REMOTE_OK:
                self._move(one, Stage.DOWNLOADING)
            case State.REMOTE_FAILED | State.EXPIRED if self._stages.get(one) not in (None, *ENDED):
                is_expired = attempt.state is State.EXPIRED
                self._fail(attempt, "expired" if is_expired else attempt.error_code)

    def _run(self, attempt: Attempt) -> None:
        is_made = attempt.state in (State.REMOTE_OK, State.STAGED, State.STORED)
        self._move(attempt.fingerprint, Stage.DOWNLOADING if is_made else Stage.RUNNING)
        if not is_made:
            self.running[attempt.fingerprint] = attempt

    def _fail(self, attempt: Attempt, code: str) -> None:
        self._move(attempt.fingerprint, Stage.FAILED)
        self._fail_as(attempt.job, code, attempt.error_message or attempt.reason)

    def _fail_as(self, job: str, code: str, message: str) -> None:
        self.failures.append(Failure(job, code or "failed", message))
        self.failure_codes[code or "failed"] += 1

    def _move(self, fingerprint: str, stage: Stage) -> None:
        old = self._stages.get(fingerprint)
        if old is not None:
            self._counts[old] -= 1
        self._stages[fingerprint] = stage
        self._counts[stage] += 1
        if stage is not Stage.RUNNING:
            self.running.pop(fingerprint, None)
