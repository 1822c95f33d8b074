"""Which task is asked next, and when. Pure.

What it may not do: I/O, read a clock, draw a random number by itself. Every ``now`` is
the caller's, in seconds of one monotonic clock.

Theory of operation
-------------------
One heap of (due, task) for all tasks of an account, one ``RateLimiter`` for its query
limit. A task is due when the lag that it has gathered on average since it was last seen
running reaches the *price* of a poll (``timing``). The price is the same for all
tasks, in seconds: at least ``CHEAPEST`` medians, and as much higher as it takes for all
tasks together to stay within the query limit. A task whose latency nobody has seen yet
is asked every ``poll_interval_s``, and so is one that outlives everything seen before.

What a lag costs depends on who waits. While jobs wait for the places of these tasks
(``queued``), each lag keeps a place empty. Where none does, only the lag of the very
last task lengthens the run; of n tasks each is that one in n, so that a look is worth n
times as much lag, up to ``DEAREST``. Halfway through, all are timed anew. Where a query
limit is declared, what it allows is used.

Where the server's progress has proved right (``progress``), a task is asked when that
says, and mostly not before.

``due`` hands out a task and counts the request; the caller answers each with ``polled``
(or ``remove``). A poll that told nothing is repeated soon while the ``RetryBudget``
allows, else when its turn comes again. A throttled one holds back all reads and halves
their rate, which a ``RampUp`` raises again.
"""

from __future__ import annotations

import heapq
import math
from collections.abc import Callable
from dataclasses import dataclass

from wanbatch.engine.pacing.rate import (
    RampUp,
    RateLimiter,
    RetryBudget,
    back_off,
    clamp_retry_after,
)
from wanbatch.engine.polling.latency import KEPT, Kind, LatencyModel
from wanbatch.engine.polling.progress import (
    CHECKED,
    LOOK_PRICE,
    ProgressTests,
    Window,
    look_at,
    outlives,
    window_of,
)
from wanbatch.engine.polling.timing import Lognormal, looks_per_task, next_look
from wanbatch.model.outcomes import PollOutcome, Running, Succeeded, Unreadable

__all__ = ["Kind", "LatencyModel", "PollSchedule"]

CHEAPEST = 0.0015
"""The least price of a poll, in medians: about 15 polls and 2 % of lag a task at a
shape of 0.4. From 0.005 down to 0.001 the makespan fell by 1.4 % only, and polls
doubled (measured)."""
DEAREST = 0.03
"""The most that it is raised to where nobody waits, in medians: some 4 polls and a
tenth of lag a task; what is home is home (chosen)."""
PRICES = 1.05
"""Prices within this ratio are one: the number of polls goes with the root of the
price, so it is off by 2.5 % at most."""
STRAGGLER_SHARE = 0.05
"""A task past all that the distribution tells is asked whenever it is 5 % older: seen
as late as any other at the prices above, with ever fewer polls (chosen)."""
REFIT_SHARE = 0.1
"""A kind is fitted anew after so many more durations, of those kept: a fit then lags by
a tenth of what it knows, and its cost is spread over as many tasks (chosen)."""
RUNNING_SAMPLE = 200
"""About so many running tasks go into a fit: as many as durations are ``KEPT``, so that
neither half outweighs the other, and 5,000 in flight cost no more than 200."""
DEMAND_SHARE = 1.4
"""How much more than the limit all tasks together may ask for: some queueing uses the
moments in which nothing would be due."""
UNLIMITED_AGAIN = 1_000.0
"""Queries a second from which on a backend without a declared rate counts as unlimited
again: over three times what one process can ask, 300 (measured)."""
SERVER_SECOND_S = 1.0
"""By how much a difference of two instants in whole seconds may be off either way."""
UNKNOWN_KIND: Kind = (0, "")
"""A task that nothing is known about; no request has no seconds."""


@dataclass(slots=True)
class _Task:
    submitted_at: float
    kind: Kind
    running_at: float
    ticket: int = 0
    asked_at: float | None = None
    strikes: int = 0
    waits: bool = True
    window: Window | None = None
    claim: Window | None = None
    outlived: bool = False
    is_checked: bool = False


class PollSchedule:
    """All tasks that wait for their end. Times in seconds; ``queries_per_second``
    ``None`` is no limit."""

    def __init__(
        self,
        poll_interval_s: float,
        queries_per_second: float | None = None,
        model: LatencyModel | None = None,
        *,
        chance: Callable[[], float] = lambda: 0.5,
    ) -> None:
        self.model = model or LatencyModel()
        self.poll_interval_s = poll_interval_s
        self.declared_rate = queries_per_second
        self._gate = RateLimiter(queries_per_second)
        self._probe = RampUp()
        self._budget = RetryBudget()
        self._chance = chance
        self._tasks: dict[int, _Task] = {}
        self._waiting: dict[Kind, int] = {}
        self._heap: list[tuple[float, int, int]] = []
        self._ticket = 0
        self._held_until = -math.inf
        self._strikes = 0
        self._durations: dict[Kind, Lognormal] = {}
        self._fitted_at: dict[Kind, int] = {}
        self._price_s = 0.0
        self._priced_for: tuple[int, int, float | None, float] = (0, -1, None, 0.0)
        self._progress = ProgressTests()
        self._queued = True
        self._timed_for = 0

    # -- tasks -------------------------------------------------------------------------

    def add(
        self,
        task: int,
        submitted_at: float,
        now: float,
        kind: Kind = UNKNOWN_KIND,
        running_at: float | None = None,
    ) -> None:
        """Watches a task that was accepted at ``submitted_at`` (on the clock of
        ``now``; long ago for one that is resumed). ``running_at`` is when it was last
        seen running, where it was."""
        seen_at = submitted_at if running_at is None else running_at
        check = task % CHECKED == 0
        self._tasks[task] = _Task(submitted_at, kind, running_at=seen_at, is_checked=check)
        self._waiting[kind] = self._waiting.get(kind, 0) + 1
        self._schedule(task, max(now, self._next_due(self._tasks[task])))

    def remove(self, task: int) -> None:
        """Forgets a task; one that is unknown is none to forget."""
        found = self._tasks.pop(task, None)
        if found is None:
            return
        self._unschedule(found)
        if found.asked_at is not None:
            self._gate.replied(found.asked_at)

    def knows(self, task: int) -> bool:
        """Whether a task is watched."""
        return task in self._tasks

    def pause(self, task: int) -> None:
        """A watched task that is not due by itself; ``take`` asks it."""
        self._tasks[task].ticket = 0

    def __len__(self) -> int:
        return len(self._tasks)

    def queued(self, *, waiting: bool) -> None:
        """Whether jobs wait for the places of these tasks."""
        if waiting != self._queued:
            self._queued = waiting
            self._time_anew()

    # -- asking ------------------------------------------------------------------------

    def free_at(self, instant: float) -> float | None:
        """The earliest instant, not before ``instant``, at which any query may go;
        ``None`` where an answer must come first."""
        return self._gate.free_at(max(instant, self._held_until))

    def next_at(self) -> float | None:
        """When ``due`` will next hand out a task; ``None`` where there is none, or an
        answer must come first."""
        self._drop_stale()
        return self.free_at(self._heap[0][0]) if self._heap else None

    def due(self, now: float) -> int | None:
        """The task to ask now, if any. The query counts as sent: answer it with
        ``polled``."""
        self._probe_upward(now)
        at = self.next_at()
        if at is None or at > now:
            return None
        task = heapq.heappop(self._heap)[2]
        self._ask(task, now)
        return task

    def take(self, task: int, now: float) -> bool:
        """Asks this very task now, whether due or not; false where the limit does not
        allow it. The query counts as sent."""
        self._probe_upward(now)
        at = self.free_at(now)
        if at is None or at > now:
            return False
        self._ask(task, now)
        return True

    def _ask(self, task: int, now: float) -> None:
        found = self._tasks[task]
        if found.asked_at is not None:  # the caller never said what came of it
            self._gate.replied(now)
        found.asked_at = now
        found.ticket = 0
        self._gate.sent(now)

    # -- what came of it ---------------------------------------------------------------

    def polled(self, task: int, now: float, outcome: PollOutcome) -> None:
        """A query was answered. A task that has ended is kept, so that ``take`` can ask
        it again, but is no longer due, unless such an answer tells less than an end:
        then it is due again.
        """
        found = self._tasks[task]
        asked_at = now if found.asked_at is None else found.asked_at
        if found.asked_at is not None:
            self._gate.replied(now, found.asked_at)
            found.asked_at = None
        if isinstance(outcome, Unreadable):
            self._schedule(task, self._retry_at(found, now, outcome))
            return
        self._strikes = 0
        if found.strikes == 0:
            self._budget.earn()
        found.strikes = 0
        match outcome:
            case Running():
                found.running_at = asked_at
                self._hear(found, asked_at, now, outcome.progress)
                self._schedule(task, max(now, self._next_due(found)))
            case Succeeded():
                self._observe(found, now, outcome)
                self._unschedule(found)
            case _:
                self._unschedule(found)

    def _hear(self, task: _Task, asked_at: float, now: float, percent: float | None) -> None:
        """Takes what a running task is said to have done."""
        age = asked_at - task.submitted_at
        window = window_of(age, now - task.submitted_at, percent)
        task.claim = task.claim or window
        if task.claim is not None and not task.outlived and outlives(task.claim, age, window):
            task.outlived = True
            self._progress.outlived()
        task.window = None if task.outlived else window

    def _observe(self, task: _Task, now: float, outcome: Succeeded) -> None:
        """Learns from an end: what such tasks take, and what progress was worth."""
        if not task.waits:
            return
        running, done = self._ended_between(task, now, outcome)
        window = task.window
        right = task.claim is not None and self._progress.ended(task.claim, running, done)
        if window is not None and right:
            # Progress said when to look: what it claims is part of what was seen.
            running = min(done, max(running, window.low))
            done = max(running, min(done, window.high))
        self.model.observe(task.kind, running, done)

    def _ended_between(self, task: _Task, now: float, outcome: Succeeded) -> tuple[float, float]:
        """The ages between which a task ended: by our polls, and by the server's
        instants where they make sense."""
        age = now - task.submitted_at
        if (
            outcome.created_at is not None
            and outcome.completed_at is not None
            and 0 < outcome.completed_at - outcome.created_at <= age
        ):
            # Both instants are whole seconds, cut off: the difference is known to a
            # second either way, and our own polls may know it better.
            told = outcome.completed_at - outcome.created_at
            running = max(task.running_at - task.submitted_at, told - SERVER_SECOND_S)
            return running, max(running, min(age, told + SERVER_SECOND_S))
        return task.running_at - task.submitted_at, age

    def _retry_at(self, task: _Task, now: float, outcome: Unreadable) -> float:
        asked = clamp_retry_after(outcome.retry_after_s)
        if outcome.throttled:
            self._strikes += 1
            self._held_until = max(
                self._held_until,
                now + (back_off(self._strikes, self._chance()) if asked is None else asked),
            )
            self._gate.halve(now)
            self._probe.refused(now)
            return self._held_until
        task.strikes += 1
        soon = now + (back_off(task.strikes, self._chance()) if asked is None else asked)
        return soon if self._budget.spend() else max(soon, now + self._usual_gap())

    def _probe_upward(self, now: float) -> None:
        more = self._probe.raise_by(now)
        if self._gate.rate is None or not more:
            return
        rate = self._gate.rate + more
        if rate >= (self.declared_rate or UNLIMITED_AGAIN):
            self._gate.rate = self.declared_rate
            self._probe.restored()
        else:
            self._gate.rate = rate

    # -- when --------------------------------------------------------------------------

    def _schedule(self, task: int, at: float) -> None:
        found = self._tasks[task]
        self._ticket += 1
        found.ticket = self._ticket
        heapq.heappush(self._heap, (at, self._ticket, task))

    def _unschedule(self, task: _Task) -> None:
        task.ticket = 0
        if task.waits:
            task.waits = False
            self._waiting[task.kind] -= 1
            if not self._queued and 2 * sum(self._waiting.values()) <= self._timed_for:
                self._time_anew()

    def _time_anew(self) -> None:
        """What a look is worth has changed: all tasks that are due by themselves, and
        no retry, are due at other instants."""
        self._timed_for = sum(self._waiting.values())
        for number, task in self._tasks.items():
            if task.ticket and task.waits and not task.strikes:
                self._schedule(number, self._next_due(task))

    def _drop_stale(self) -> None:
        while self._heap and not self._is_current(self._heap[0]):
            heapq.heappop(self._heap)

    def _is_current(self, entry: tuple[float, int, int]) -> bool:
        task = self._tasks.get(entry[2])
        return task is not None and task.ticket == entry[1]

    def _next_due(self, task: _Task) -> float:
        duration = self._duration(task.kind)
        if duration is None:
            return task.running_at + self._usual_gap()
        median = duration.median_s
        price = max(self._least_price(), self._price() / median)
        age = self._foretold(task, price)
        if age is not None:
            return task.submitted_at + age
        age = next_look((task.running_at - task.submitted_at) / median, price, duration.shape)
        if age is None:
            return task.running_at + max(
                self._usual_gap(), STRAGGLER_SHARE * (task.running_at - task.submitted_at)
            )
        return task.submitted_at + age * median

    def _foretold(self, task: _Task, price: float) -> float | None:
        """The age at which progress says that the task is to be asked, if it does."""
        if task.window is None or not self._progress.is_believed:
            return None
        return look_at(task.window, price, check=task.is_checked and self._queued)

    def _least_price(self) -> float:
        """The least price of a poll, in medians: see above."""
        if self._queued or self._gate.rate is not None:
            return self._first_price()
        tasks = sum(self._waiting.values())
        return max(self._first_price(), min(DEAREST, CHEAPEST * tasks))

    def _first_price(self) -> float:
        return LOOK_PRICE if self._progress.is_believed else CHEAPEST

    def _usual_gap(self) -> float:
        """The gap between two polls of one task that nothing is known about: the
        recommended one, or the task's share of the query limit."""
        rate = self._gate.rate
        return (
            self.poll_interval_s
            if rate is None
            else max(self.poll_interval_s, sum(self._waiting.values()) / rate)
        )

    def _duration(self, kind: Kind) -> Lognormal | None:
        count = self.model.count
        last = self._fitted_at.get(kind)
        if last is None or count - last >= max(1.0, REFIT_SHARE * min(count, KEPT)):
            self._fitted_at[kind] = count
            running = self._running_ages(kind)
            fitted = self.model.duration_of(kind, running, self._waiting.get(kind, 0))
            if fitted is not None:
                self._durations[kind] = fitted
        return self._durations.get(kind)

    def _running_ages(self, kind: Kind) -> list[float]:
        ages = [
            task.running_at - task.submitted_at
            for task in self._tasks.values()
            if task.waits and task.kind == kind
        ]
        return ages[:: 1 + len(ages) // RUNNING_SAMPLE]

    def _price(self) -> float:
        """Seconds of lag that a poll is worth, so that all tasks together stay within
        the query limit."""
        rate = self._gate.rate
        if rate is None:
            return 0.0
        tasks = sum(self._waiting.values())
        reason = (
            round(math.log(max(1, tasks)) / math.log(PRICES)),
            sum(self._fitted_at.values()),
            rate,
            self._least_price(),
        )
        if reason != self._priced_for:
            self._priced_for = reason
            self._price_s = self._solve_price(rate * DEMAND_SHARE, tasks)
        return self._price_s

    def _solve_price(self, rate: float, tasks: int) -> float:
        # At a millisecond nothing is saved; at the share of a task, all would be asked
        # in turn.
        low, high = 1e-3, max(1.0, tasks / rate)
        if self._demand(low) <= rate:
            return 0.0
        while high / low > PRICES:
            middle = math.sqrt(low * high)
            low, high = (middle, high) if self._demand(middle) > rate else (low, middle)
        return high

    def _demand(self, price_s: float) -> float:
        """Polls per second that all tasks ask for at this price."""
        total = 0.0
        for kind, tasks in self._waiting.items():
            duration = self._durations.get(kind)
            if duration is None:
                total += tasks / self._usual_gap()
                continue
            price = max(self._least_price(), price_s / duration.median_s)
            looks = looks_per_task(price, duration.shape)
            total += tasks * looks / (duration.mean_s + price * looks * duration.median_s)
        return total
