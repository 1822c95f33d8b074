"""When the next submit may go: rate, slots, back-off, and the stop after uncertain
outcomes. Pure.

What it may not do: I/O, read a clock, draw a random number by itself, know a job. Every
``now`` is the caller's, in seconds of one monotonic clock.

Theory of operation
-------------------
One pacer per account, shared by all jobs. Four things hold a submit back:

* the **rate**: a ``RateLimiter``; a rate or burst 429 halves it;
* the **slots**: tasks in flight stay below ``limit``, which starts at the declared
  ceiling; a concurrency 429 with n in flight sets it to max(1, n);
* **back-off**, shared: what ``Retry-After`` says, clamped to 0..300 s, else exponential
  with jitter. A concurrency 429 alone needs none: the next submit waits for a slot;
* at most ``concurrency`` POSTs under way: so many uncertain jobs can one kill leave.

Both limits are raised again by a ``RampUp``. A 429 that does not say which limit it
means cannot be about the rate if no other submit went out in the second before, and is
then taken to be about the slots. ``UNCERTAIN_STOP`` uncertain outcomes within
``UNCERTAIN_WITHIN_S`` stop the pacer for good, and so does a halt.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from enum import StrEnum

from wanbatch.engine.pacing.rate import (
    REPLY_HOLD_S,
    RampUp,
    RateLimiter,
    back_off,
    clamp_retry_after,
)
from wanbatch.model.outcomes import (
    Accepted,
    Halted,
    NotAccepted,
    Rejected,
    SubmitOutcome,
    ThrottledBy,
)

UNCERTAIN_STOP = 3
"""So many uncertain outcomes within ``UNCERTAIN_WITHIN_S`` end the buying (contract):
each may be a video that was paid for and that nobody will fetch."""
UNCERTAIN_WITHIN_S = 300.0
"""Five minutes (contract); doubts further apart have causes of their own."""
LONGEST_SUBMIT_BACK_OFF_S = 240.0
"""Refusals in a row back off to minutes (contract): after eight of them to two to
four."""
UNLIMITED_AGAIN = 1_000.0
"""Submits per second from which on a backend without a declared rate counts as
unlimited again: two hundred times Wan's five (reference D10)."""


class Stop(StrEnum):
    """Why a pacer lets nothing through any more."""

    UNCERTAIN = "uncertain"
    HALTED = "halted"


class SubmitPacer:
    """Says when, and is told what came of it: ``started`` with every POST, ``answered``
    with its outcome, ``finished`` when an accepted task has ended.
    """

    def __init__(
        self,
        rate: float | None,
        ceiling: int,
        concurrency: int = 1,
        *,
        chance: Callable[[], float] = lambda: 0.5,
        usual_s: Callable[[], float | None] = lambda: None,
    ) -> None:
        """``rate`` is in submits per second, ``None`` for no limit; ``chance`` draws
        from [0, 1) and spreads the back-off; ``usual_s`` tells what a task usually
        takes, as far as is known."""
        self.ceiling = ceiling
        self.declared_rate = rate
        self.concurrency = concurrency
        self.stopped: Stop | None = None
        self._chance = chance
        self._gate = RateLimiter(rate)
        self._limit = ceiling
        self._posts = 0
        self._tasks = 0
        self._slot_probe = RampUp(usual_s)
        self._rate_probe = RampUp(usual_s)
        self._backed_off_until = 0.0
        self._strikes = 0
        self._sent: deque[float] = deque(maxlen=2)
        self._uncertain: deque[float] = deque(maxlen=UNCERTAIN_STOP)

    @property
    def in_flight(self) -> int:
        """POSTs under way and accepted tasks that have not ended."""
        return self._posts + self._tasks

    @property
    def limit(self) -> int:
        """How many may be in flight at present."""
        return self._limit

    @property
    def rate(self) -> float | None:
        """Submits per second at present."""
        return self._gate.rate

    @property
    def held_until(self) -> float:
        """Until then a refusal holds all submits back."""
        return self._backed_off_until

    def ready_at(self, now: float) -> float | None:
        """The instant, now or later, at which the next submit may go; ``None`` while it
        depends on an answer or on a task's end."""
        if self.stopped is not None or self._posts >= self.concurrency:
            return None
        self._probe_upward(now)
        at = max(now, self._backed_off_until)
        if self.in_flight >= self._limit:
            if self._slot_probe.due_at is None:
                return None
            at = max(at, self._slot_probe.due_at)
        return self._gate.free_at(at)

    def resumed(self) -> None:
        """A task of an earlier run, or one that was adopted, occupies a slot."""
        self._tasks += 1

    def started(self, now: float) -> None:
        """A POST goes out."""
        self._posts += 1
        self._sent.append(now)
        self._gate.sent(now)

    def unsent(self) -> None:
        """A POST that was about to go out did not."""
        self._posts -= 1
        self._gate.replied(self._sent.pop() if self._sent else 0.0)

    def answered(self, now: float, outcome: SubmitOutcome) -> None:
        """A POST was answered, or will never be. An accepted task keeps its slot until
        ``finished``; everything else gives it back."""
        self._posts -= 1
        self._gate.replied(now)
        match outcome:
            case Accepted():
                self._tasks += 1
                self._strikes = 0
            case Rejected():
                self._strikes = 0
            case NotAccepted(_, limit, retry_after_s):
                self._refused(now, limit, clamp_retry_after(retry_after_s))
            case Halted():
                self.stopped = Stop.HALTED
            case _:  # Uncertain: the one outcome that must never be taken for another
                self._doubt(now)

    def finished(self, now: float) -> None:
        """An accepted or resumed task has ended; its slot is free."""
        self._tasks = max(0, self._tasks - 1)
        self._probe_upward(now)

    def _refused(self, now: float, limit: ThrottledBy | None, retry_after_s: float | None) -> None:
        self._strikes += 1
        if limit is ThrottledBy.UNKNOWN:
            limit = (
                ThrottledBy.CONCURRENCY
                if self.in_flight and self._sent_alone()
                else ThrottledBy.RATE
            )
        if limit is ThrottledBy.RATE:
            self._gate.halve(now)
            self._rate_probe.refused(now)
        elif limit is ThrottledBy.CONCURRENCY:
            self._limit = min(self._limit, max(1, self.in_flight))
            self._slot_probe.refused(now)
        waits_for_slot = (
            limit is ThrottledBy.CONCURRENCY
            and self.in_flight >= self._limit
            and self._strikes == 1
        )
        if retry_after_s is None:
            wait_s = back_off(self._strikes, self._chance(), LONGEST_SUBMIT_BACK_OFF_S)
            retry_after_s = 0.0 if waits_for_slot else wait_s
        self._back_off(now, retry_after_s)

    def _sent_alone(self) -> bool:
        return len(self._sent) < 2 or self._sent[-1] - self._sent[-2] >= REPLY_HOLD_S

    def _doubt(self, now: float) -> None:
        self._strikes += 1
        self._back_off(now, back_off(self._strikes, self._chance()))
        self._uncertain.append(now)
        if (
            len(self._uncertain) == UNCERTAIN_STOP
            and now - self._uncertain[0] <= UNCERTAIN_WITHIN_S
        ):
            self.stopped = Stop.UNCERTAIN

    def _back_off(self, now: float, seconds: float) -> None:
        self._backed_off_until = max(self._backed_off_until, now + seconds)

    def _probe_upward(self, now: float) -> None:
        self._limit = min(self.ceiling, self._limit + self._slot_probe.raise_by(now))
        if self._limit == self.ceiling:
            self._slot_probe.restored()
        self._raise_rate(self._rate_probe.raise_by(now))

    def _raise_rate(self, more: int) -> None:
        if self._gate.rate is None or not more:
            return
        rate = self._gate.rate + more
        if rate >= (self.declared_rate or UNLIMITED_AGAIN):
            self._gate.rate = self.declared_rate
            self._rate_probe.restored()
        else:
            self._gate.rate = rate
