"""How long tasks take, learnt from those that were seen. Pure.

What it may not do: I/O, read a clock, schedule anything.

Theory of operation
-------------------
A task that was seen running at age a and done at age b took something in (a, b]; one
that is still running at age a took more than a. Taking the moment of detection for the
truth would bias the fit upward, make polls later, and so feed on itself; leaving out
what still runs would make a batch that has just begun look fast. So a lognormal is
fitted to intervals by expectation and maximisation, with a broad first guess of its
shape (``FIRST_SHAPE``, worth ``FIRST_WEIGHT`` tasks): a median that is guessed too high
is the expensive mistake, and a broad shape makes it cheap.

Durations are kept per kind (requested seconds and size), the last ``KEPT`` of each. A
kind with fewer than ``ENOUGH`` of its own borrows from all kinds, with a shape no
narrower than the first guess.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import islice
from statistics import median

from wanbatch.engine.polling.timing import Lognormal
from wanbatch.model.lifecycle import Attempt

Kind = tuple[int, str]
"""Requested seconds and size: ``(5, "720P")``."""

Interval = tuple[float, float]
"""(running at this age, done by that age], in seconds; the latter is infinite for a
task that still runs."""

FIRST_SHAPE = 0.6
"""With this shape a median guessed twice too high cost 12 % of lag, with 0.15 it cost
64 % (measured)."""
FIRST_WEIGHT = 3.0
"""The first guess counts as so many tasks: as many as are ``ENOUGH`` to outvote it."""
ENOUGH = 3
"""So many durations of its own, and a kind borrows no more: with fewer, one odd task
would be the fit (chosen)."""
KEPT = 200
"""So many durations of a kind are remembered: the error of the median is then under 3 %
at a shape of 0.4, and what a provider was like hundreds of tasks ago is forgotten."""
ROUNDS = 25
"""The most rounds of a fit; it starts from the last one and mostly settles sooner. What
is left open is closed by the next fit."""
NARROWEST, BROADEST = 0.1, 1.5
"""Bounds of the shape. Under 0.1 a few equal tasks would pass for certainty; the
polling rule was measured from 0.1 to 0.8, and 1.5 is beyond every duration seen."""
SHORTEST_S = 1e-3
"""A duration has a logarithm: what took nothing counts as this, far under a poll's
trip."""
SETTLED = 1e-4
"""A fit is done when mean and variance of the logarithm change by less: a hundredth of
a percent of the duration."""
STUCK = 10.0
"""A task that runs this many times longer than any that ended says nothing about the
others: ten times the median alone is past all but one in sixteen even at the broadest
shape (chosen)."""
SAME = 1e-9
"""Logarithms nearer than this are one instant: the quotient below would be noise."""
NO_SHARE = 1e-12
"""An interval with less of the distribution than this is past the precision of the
subtraction that found it; its nearest end stands for it."""
_ROOT_HALF = math.sqrt(0.5)
_ROOT_TAU = math.sqrt(math.tau)


class LatencyModel:
    """What is known about durations. Feed it only with tasks of one backend: another
    provider, or the emulator, has its own pace."""

    def __init__(self) -> None:
        self._seen: dict[Kind, deque[Interval]] = {}
        self._fits: dict[Kind, Lognormal] = {}
        self.count = 0
        """How many durations were ever observed."""
        self._usual: tuple[int, float | None] = (0, None)

    def learn(self, attempts: Iterable[Attempt]) -> None:
        """Takes in what a ledger knows: every attempt that was accepted and whose
        result was seen (``finished_at``), oldest first."""
        for attempt in attempts:
            if (
                attempt.accepted_at
                and attempt.stored_at
                and attempt.finished_at > attempt.accepted_at
            ):
                running = max(
                    0.0, min(attempt.polled_at, attempt.finished_at) - attempt.accepted_at
                )
                self.observe(
                    (attempt.length_s, attempt.size),
                    running,
                    attempt.finished_at - attempt.accepted_at,
                )

    def observe(self, kind: Kind, running_s: float, done_s: float) -> None:
        """A task of ``kind`` was running at age ``running_s`` and done by age
        ``done_s``; both equal where the server told the exact duration."""
        done_s = max(done_s, SHORTEST_S)
        self._seen.setdefault(kind, deque(maxlen=KEPT)).append((min(running_s, done_s), done_s))
        self.count += 1

    def duration_of(
        self, kind: Kind, running: Sequence[float] = (), tasks: int = 0
    ) -> Lognormal | None:
        """The distribution for ``kind``; ``None`` while nothing was seen at all.

        ``running`` are ages at which tasks of this kind were last seen running, a fair
        sample of all ``tasks`` of it that are running.
        """
        own = self._seen.get(kind, ())
        enough = len(own) >= ENOUGH
        seen = (
            list(own)
            if enough
            else [i for kept in self._seen.values() for i in islice(reversed(kept), KEPT // 4)]
        )
        if not seen:
            return None
        stuck = STUCK * max(high for _, high in seen)
        ages = [age for age in running if 0.0 < age < stuck]
        weight = (tasks if len(seen) < KEPT else min(tasks, KEPT)) / max(1, len(running))
        points = [Point(low, high) for low, high in seen] + [
            Point(age, math.inf, weight) for age in ages
        ]
        fitted = fit(points, self._fits.get(kind) if enough else None)
        if not enough:
            return Lognormal(fitted.log_median, max(FIRST_SHAPE, fitted.shape))
        self._fits[kind] = fitted
        return fitted

    def usual_s(self) -> float | None:
        """What a task usually takes, of whatever kind: the median of those that were
        seen to end; ``None`` while none was."""
        if self._usual[0] != self.count:
            self._usual = (
                self.count,
                median(
                    high
                    for kept in self._seen.values()
                    for _, high in islice(reversed(kept), KEPT // 4)
                ),
            )
        return self._usual[1]

    def copy(self) -> LatencyModel:
        """What is known now, for whoever reads it in another thread."""
        made = LatencyModel()
        made._seen = {kind: kept.copy() for kind, kept in self._seen.items()}
        made.count = self.count
        return made

    def like(self, kind: Kind, work: Callable[[Kind], float]) -> Lognormal | None:
        """The distribution for ``kind`` from tasks that ended, for whoever forecasts;
        ``None`` while none did.

        Of a kind that was seen too seldom those of all kinds are taken, each stretched
        by how much more ``work`` it is. Nothing that polls are timed by changes.
        """
        own = self._seen.get(kind, ())
        enough = len(own) >= ENOUGH
        seen = {kind: own} if enough else self._seen
        points = [
            Point(low * work(kind) / work(other), high * work(kind) / work(other))
            for other, kept in seen.items()
            for low, high in islice(reversed(kept), KEPT if enough else KEPT // 4)
        ]
        return fit(points) if points else None


@dataclass(frozen=True, slots=True)
class Point:
    """An observation for ``fit``: a duration in (low, high] seconds, worth ``weight``
    tasks."""

    low: float
    high: float
    weight: float = 1.0


def fit(points: Sequence[Point], start: Lognormal | None = None) -> Lognormal:
    """The lognormal that makes ``points`` likely, by expectation and maximisation from
    ``start`` or a rough guess. At least one must be bounded."""
    logs = [
        (
            math.log(max(p.low, SHORTEST_S)),
            math.log(p.high) if p.high < math.inf else math.inf,
            p.weight,
        )
        for p in points
    ]
    bounded = [high for _, high, _ in logs if high < math.inf]
    mean = start.log_median if start else sum(bounded) / len(bounded)
    variance = start.shape**2 if start else FIRST_SHAPE**2
    total = sum(weight for _, _, weight in logs)
    for _ in range(ROUNDS):
        moments = [
            (*_moments(low, high, mean, math.sqrt(variance)), weight) for low, high, weight in logs
        ]
        new_mean = sum(first * weight for first, _, weight in moments) / total
        spread = sum(
            (second - 2 * new_mean * first + new_mean**2) * weight
            for first, second, weight in moments
        )
        new_variance = (FIRST_WEIGHT * FIRST_SHAPE**2 + spread) / (FIRST_WEIGHT + total)
        settled = abs(new_mean - mean) < SETTLED and abs(new_variance - variance) < SETTLED
        mean, variance = new_mean, new_variance
        if settled:
            break
    return Lognormal(
        mean, min(BROADEST, max(NARROWEST, math.sqrt(variance * (1.0 + 1.0 / len(bounded)))))
    )


def _moments(low: float, high: float, mean: float, deviation: float) -> tuple[float, float]:
    """The first and second moment of a normal variable that is known to lie between
    ``low`` and ``high``."""
    if high - low < SAME:
        return high, high * high
    a, b = (low - mean) / deviation, (high - mean) / deviation
    inside = (
        0.5 * (math.erfc(a * _ROOT_HALF) - math.erfc(b * _ROOT_HALF))
        if a > 0
        else 0.5 * (math.erfc(-b * _ROOT_HALF) - math.erfc(-a * _ROOT_HALF))
    )
    if inside < NO_SHARE:
        nearest = low if a > 0 else high
        return nearest, nearest * nearest
    at_a, at_b = _density(a), _density(b)
    shift = (at_a - at_b) / inside
    first = mean + deviation * shift
    scaled = (a * at_a if a > -math.inf else 0.0) - (b * at_b if b < math.inf else 0.0)
    second = deviation**2 * (1.0 + scaled / inside - shift**2) + first**2
    return first, second


def _density(z: float) -> float:
    return math.exp(-0.5 * z * z) / _ROOT_TAU
