"""Rate limits as a client keeps them: a gate for requests, a probe that tries more
again after a refusal, a budget for retries. Pure.

What it may not do: I/O, read a clock. Every ``now`` is the caller's, in seconds of one
monotonic clock.

Theory of operation
-------------------
``RateLimiter`` is a GCRA (requests ``1 / rate`` apart, but for a few that make up for
``SPARE_S`` without any; after a refusal none do) with one more rule, which no burst
breaks: a request counts from its sending until a second after its *reply*. The
server counts when it sees a request, which is at some instant between the two; spacing
the sending alone was measured to break a limit of 20 per second 20 to 25 times after a
burst of cold connections, and this rule not once. Where trips are known the shortest of
them may be taken off: so long a way every request has to go, the next one too, and only
what a trip took beyond it can bring two requests closer together than they were sent.

``RampUp`` says when a limit that was lowered may be raised: by 1 after a quiet while,
then by 2, 4, … while it stays clean. The while is a third of what a task usually takes
(``quiet_for``): by then some have ended, and others took their places. A raise that is
refused doubles the next quiet time up to ``LONGEST_QUIET_S``, so that a ceiling which
really is lower costs a few refusals an hour and not one a minute.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable

REPLY_HOLD_S = 1.0
"""A request counts until so long after its reply: 20 to 25 refusals became none
(measured; see above)."""
QUIET_S = 60.0
"""The longest quiet while before a raise (contract); the one before it is known how
long tasks take."""
LEAST_QUIET_S = 5.0
"""The shortest (contract): an answer and what follows from it take no longer."""
QUIET_SHARE = 1.0 / 3.0
"""Of what a task usually takes (contract)."""
LONGEST_QUIET_S = 16 * 60.0
"""After four raises in a row that were refused: some four refusals an hour (chosen)."""
SPARE_S = 0.25
"""As many requests as fit into this may go out together after a while without any: none
under four a second. Places that fall
free together are then filled at once: at three quarters of the rate the makespan fell
from 2.6 % over the bound to 0.9 %, at a tenth of a second to 1.6 (measured)."""
SLOWEST_RATE = 1.0 / 60.0
"""The least rate, one request a minute: as rare as a quiet minute, so that an answer
tells within each whether the limit still holds (chosen)."""
UNLIMITED_STEPS = 1_000_000
"""Steps beyond every limit there is; a raise after a week of sleep ends here."""
LONGEST_RETRY_AFTER_S = 300.0
"""What a server asks for is believed up to this (contract)."""
LONGEST_BACK_OFF_S = 60.0
"""The longest back-off of what costs nothing: a query is then made once a minute."""


class RateLimiter:
    """Lets at most ``rate`` requests a second through; ``None`` is no limit."""

    def __init__(self, rate: float | None) -> None:
        self._next_at = -math.inf
        self._halved_at = -math.inf
        self._open = 0
        self._least_trip_s = math.inf
        self._makes_up = True
        self._replies: deque[float] = deque()
        self.rate = rate

    @property
    def rate(self) -> float | None:
        """Requests a second. A change holds from the next request on."""
        return self._rate

    @rate.setter
    def rate(self, rate: float | None) -> None:
        self._rate = rate
        self._capacity = math.inf if rate is None else max(1, math.ceil(rate - 1e-9))
        self._hold_s = REPLY_HOLD_S if rate is None else self._capacity / rate

    def free_at(self, instant: float) -> float | None:
        """The earliest instant, not before ``instant``, at which a request may be sent;
        ``None`` where a reply must come first."""
        at = max(instant, self._next_at)
        allowed = self._capacity - 1 - self._open
        if allowed < 0:
            return None
        if len(self._replies) > allowed:
            at = max(at, self._replies[-1 - int(allowed)] + self._hold_s)
        return at

    def sent(self, now: float) -> None:
        """A request goes out."""
        self._open += 1
        if self._rate is not None:
            spare = math.floor(SPARE_S * self._rate) if self._makes_up else 0
            self._next_at = max(self._next_at, now - spare / self._rate) + 1.0 / self._rate

    def replied(self, now: float, sent_at: float | None = None) -> None:
        """A request was answered, or given up. With ``sent_at`` only what its trip took
        beyond the shortest counts (see above)."""
        self._open -= 1
        if sent_at is not None:
            self._least_trip_s = min(self._least_trip_s, now - sent_at)
            now -= self._least_trip_s
        self._replies.append(max(now, self._replies[-1]) if self._replies else now)
        while self._replies[0] + self._hold_s <= now:
            self._replies.popleft()

    def recent(self, now: float) -> int:
        """Requests that count against the second before ``now``."""
        return self._open + sum(1 for at in self._replies if at + REPLY_HOLD_S > now)

    def halve(self, now: float) -> None:
        """Answers a refusal: half the rate, or where there was no limit half of what
        was sent in the last second. Once a second at most: requests that were out
        together are refused together.
        """
        if now < self._halved_at + REPLY_HOLD_S:
            return
        self._halved_at = now
        self._makes_up = False
        rate = float(max(1, self.recent(now))) if self._rate is None else self._rate
        slower = max(SLOWEST_RATE, rate / 2)
        self.rate = slower
        self._next_at = max(self._next_at, now + 1.0 / slower)


def quiet_for(usual_s: float | None) -> float:
    """The quiet while where a task usually takes ``usual_s``; ``None`` is not known."""
    if usual_s is None:
        return QUIET_S
    return min(QUIET_S, max(LEAST_QUIET_S, QUIET_SHARE * usual_s))


class RampUp:
    """When to try more again. ``due_at`` is the instant of the next raise, ``None``
    where nothing is left to try. ``usual_s`` tells what a task usually takes."""

    def __init__(self, usual_s: Callable[[], float | None] = lambda: None) -> None:
        self.due_at: float | None = None
        self._usual_s = usual_s
        self._failed = 0
        self._step = 1
        self._raised_at = -math.inf

    def refused(self, now: float) -> None:
        """The present limit is too high."""
        quiet_s = quiet_for(self._usual_s())
        if self._step == 2 and now - self._raised_at <= quiet_s:
            self._failed += 1  # the first raise did not last
        elif self._step > 1:
            self._failed = 0
        self._step = 1
        self.due_at = now + min(LONGEST_QUIET_S, quiet_s * 2.0 ** min(self._failed, 30))

    def raise_by(self, now: float) -> int:
        """By how much the limit may be raised at ``now``: the steps of all quiet whiles
        that have passed since the last raise."""
        total = 0
        while self.due_at is not None and self.due_at <= now and total < UNLIMITED_STEPS:
            total += self._step
            self._step *= 2
            self._raised_at = self.due_at
            self.due_at += quiet_for(self._usual_s())
        return total

    def restored(self) -> None:
        """The limit is back at what was declared."""
        self.due_at = None


class RetryBudget:
    """At most one retry per ten requests, plus a floor: an outage is not made worse by
    those who wait for its end."""

    FLOOR = 10
    """Retries that nobody has to earn: a server that restarts just as a run begins
    costs it no patience (chosen)."""
    MOST = 50
    """More than this are not saved up: a burst after a long quiet time stays small
    (chosen)."""
    REQUESTS_PER_RETRY = 10
    """An outage then costs a server at most a tenth more queries (chosen)."""

    def __init__(self) -> None:
        self._earned = self.FLOOR * self.REQUESTS_PER_RETRY

    def earn(self) -> None:
        """A request was made that is no retry."""
        self._earned = min(self.MOST * self.REQUESTS_PER_RETRY, self._earned + 1)

    def spend(self) -> bool:
        """Takes one retry out of the budget; false where none is left."""
        if self._earned < self.REQUESTS_PER_RETRY:
            return False
        self._earned -= self.REQUESTS_PER_RETRY
        return True


def clamp_retry_after(seconds: float | None) -> float | None:
    """What a server asked for, between 0 and 300 s; ``None`` where it asked for
    nothing, or for no number."""
    if seconds is None or math.isnan(seconds):
        return None
    return min(max(seconds, 0.0), LONGEST_RETRY_AFTER_S)


def back_off(strikes: int, chance: float, longest_s: float = LONGEST_BACK_OFF_S) -> float:
    """How long to wait after the ``strikes``-th failure in a row: 1 s doubled each
    time, at most ``longest_s``, less up to half of it by ``chance`` in [0, 1).
    """
    return min(longest_s, 2.0 ** min(strikes - 1, 30)) * (1.0 - 0.5 * chance)
