"""How long what is left will take, as a range. Pure.

What it may not do: I/O, read a clock, or draw a random number: what stands for chance
is a hash of numbers, so that the same run has the same forecast.

Theory of operation
-------------------
The rest of a run is played ``PLAYS`` times. Each play draws a duration for every task
(for one that runs already, from those that outlive its age), sends as the pacer does
(``per_s``, at most ``slots`` at once, a chained task not before its upstreams) and ends
with its last task. The range is what the middle of the plays took; the share of
``LEFT_OUT`` at either end is left out.

Durations are lognormals by kind, from what this origin was seen to take. A kind that
was seen too seldom takes those of all others, stretched by ``relative_work``. Where
nothing was seen, ``GUESSES`` stand in, and the forecast says so. How well a median is
known is part of each play: with n durations it is off by shape / √n. A task that has
outlived all that its distribution tells may take up to its own age again.
"""

from __future__ import annotations

import heapq
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from statistics import NormalDist

from wanbatch.engine.polling.latency import FIRST_SHAPE, Kind, LatencyModel
from wanbatch.engine.polling.timing import SURELY_OVER, Lognormal

PLAYS = 21
"""Plays of a small run: one in ten of them is left out at either end (chosen)."""
LEAST_PLAYS = 5
"""Plays of a large one, whose many tasks even each other out (chosen)."""
PLAYED_TASKS = 4000
"""So many tasks are played in all where that is enough plays: some 30 ms."""
LEFT_OUT = 0.1
"""The share of plays below the range, and above it (chosen)."""
GUESSES = {"paid": 120.0, "emulator": 5.0}
"""Seconds that 5 s at 720P take in a realm where nothing was seen: about the two
minutes that Wan's documentation speaks of; the emulator renders one on a core in about
a second, and those in flight share the cores."""
GUESSED_KIND: Kind = (5, "720P")
LENGTH_POWER = 0.8
"""A video twice as long takes 1.7 times as long: less than twice, for a task also waits
and is encoded (chosen)."""
LARGER = 1.8
"""1080P has 2.25 times the pixels of 720P, of which the same is true (chosen)."""
_GOLDEN = 0x9E3779B97F4A7C15  # 2^64 / φ: multiples of it spread evenly
_MASK = (1 << 64) - 1  # 64 bits
_NORMAL = NormalDist()
_EDGE = 1e-6
"""Nearer to 0 or 1 no draw comes: one in a million is not what a forecast is about."""


@dataclass(frozen=True, slots=True)
class Forecast:
    """So many seconds from now, most likely; ``is_guess`` where nothing was ever seen
    to take any time."""

    low_s: float
    high_s: float
    is_guess: bool


@dataclass(frozen=True, slots=True)
class Task:
    """Something still to be made. ``upstream`` are numbers of tasks that come first;
    ``age_s`` is how long it has run: ``None`` where it was not sent yet, infinite where
    it has ended."""

    kind: Kind
    upstream: tuple[int, ...] = ()
    age_s: float | None = None


@dataclass(frozen=True, slots=True)
class Pace:
    """How tasks are sent: so many a second (``None``: no limit), so many at once, and
    none for so long."""

    per_s: float | None
    slots: int
    hold_s: float = 0.0


@dataclass(frozen=True, slots=True)
class Usual:
    """How long a kind takes, known from so many durations; 0 is a guess."""

    duration: Lognormal
    known: int


def relative_work(kind: Kind) -> float:
    """How much longer a kind takes than ``GUESSED_KIND``."""
    seconds, size = kind
    longer: float = (max(1, seconds) / GUESSED_KIND[0]) ** LENGTH_POWER
    return longer * (LARGER if size == "1080P" else 1.0)


def usual_durations(kinds: Sequence[Kind], model: LatencyModel, realm: str) -> Mapping[Kind, Usual]:
    """How long tasks of these kinds take, as far as is known."""
    found: dict[Kind, Usual] = {}
    for kind in dict.fromkeys(kinds):
        fitted = model.like(kind, relative_work)
        if fitted is None:
            median = GUESSES[realm] * relative_work(kind)
            fitted = Lognormal(math.log(median), FIRST_SHAPE)
        found[kind] = Usual(fitted, model.count)
    return found


def forecast(tasks: Sequence[Task], usual: Mapping[Kind, Usual], pace: Pace) -> Forecast | None:
    """How long ``tasks`` will take from now on; ``None`` where there are none. Every
    kind must be in ``usual``; no task is upstream of itself."""
    if not tasks:
        return None
    plays = max(LEAST_PLAYS, min(PLAYS, PLAYED_TASKS // len(tasks)))
    order = _Order(tasks)
    ends = sorted(order.play(_draws(tasks, usual, play, plays), pace) for play in range(plays))
    out = int(LEFT_OUT * plays)
    is_guess = any(usual[task.kind].known == 0 for task in tasks)
    return Forecast(ends[out], ends[-1 - out], is_guess)


def _draws(
    tasks: Sequence[Task], usual: Mapping[Kind, Usual], play: int, plays: int
) -> list[float]:
    """What each task still takes in one play.

    A task alone is drawn at evenly spread shares of its distribution, one each play;
    tasks together differ by a hash of their numbers.
    """
    draws = {
        kind: _drawing(one.duration, one.known, _share(play * _GOLDEN))
        for kind, one in usual.items()
    }
    return [
        draws[task.kind](((play + 0.5) / plays + _share(_mix(number))) % 1.0, task.age_s)
        for number, task in enumerate(tasks)
    ]


def _drawing(
    duration: Lognormal, known: int, doubt: float
) -> Callable[[float, float | None], float]:
    """Draws the rest of a duration at a share; ``doubt`` moves its median."""
    shape = duration.shape
    mean = duration.log_median + _quantile(doubt) * shape / math.sqrt(max(1, known))

    def draw(share: float, age_s: float | None) -> float:
        if not age_s:
            return math.exp(mean + shape * _quantile(share))
        past = _NORMAL.cdf((math.log(age_s) - mean) / shape)
        if past > 1.0 - SURELY_OVER:
            return share * age_s if age_s < math.inf else 0.0
        whole = math.exp(mean + shape * _quantile(past + share * (1.0 - past)))
        return max(0.0, whole - age_s)

    return draw


def _quantile(share: float) -> float:
    return _NORMAL.inv_cdf(min(1.0 - _EDGE, max(_EDGE, share)))


def _mix(number: int) -> int:
    """A hash of a number (splitmix64); 0 stays 0."""
    number = number * _GOLDEN & _MASK
    number = (number ^ number >> 30) * 0xBF58476D1CE4E5B9 & _MASK
    number = (number ^ number >> 27) * 0x94D049BB133111EB & _MASK
    return number ^ number >> 31


def _share(bits: int) -> float:
    return (bits & _MASK) / (_MASK + 1)


class _Order:
    """Which task waits for which, found once for all plays."""

    def __init__(self, tasks: Sequence[Task]) -> None:
        self.running = [i for i, task in enumerate(tasks) if task.age_s is not None]
        self.waits_for = [len(set(task.upstream)) if task.age_s is None else 0 for task in tasks]
        self.dependents: dict[int, list[int]] = {}
        for number in (i for i, count in enumerate(self.waits_for) if count):
            for upstream in set(tasks[number].upstream):
                self.dependents.setdefault(upstream, []).append(number)
        sent = set(self.running)
        self.free = [i for i, count in enumerate(self.waits_for) if not count and i not in sent]

    def play(self, rest_s: Sequence[float], pace: Pace) -> float:
        """When the last task ends, if each takes what is given."""
        waits_for = list(self.waits_for)
        ready = [(0.0, number) for number in self.free]
        ready_at: dict[int, float] = {}
        ends = [(rest_s[number], number) for number in self.running]
        heapq.heapify(ready)
        heapq.heapify(ends)
        gap_s = 1.0 / pace.per_s if pace.per_s else 0.0
        next_at, last = pace.hold_s, 0.0
        while ready or ends:
            sends_at = max(next_at, ready[0][0]) if ready else math.inf
            if ready and len(ends) < max(1, pace.slots) and not (ends and ends[0][0] < sends_at):
                _, number = heapq.heappop(ready)
                next_at = sends_at + gap_s
                heapq.heappush(ends, (sends_at + rest_s[number], number))
                continue
            last, number = heapq.heappop(ends)
            next_at = max(next_at, last) if len(ends) + 1 >= pace.slots else next_at
            for other in self.dependents.get(number, ()):
                ready_at[other] = last
                waits_for[other] -= 1
                if not waits_for[other]:
                    heapq.heappush(ready, (last, other))
        return last
