"""How well the pacing does, in virtual time: makespan under a slot ceiling, 429s, and
detection lag under a query limit, against the optimum.

What it may not do: wait, open a socket, or know the pacers from the inside: it drives
``SubmitPacer`` and ``PollSchedule`` as the runner does.

How it works: a discrete-event model of one account. The gateway takes a submit if fewer
than its true ceiling are running, else answers 429; a task takes a lognormal time
(median 90 s, shape 0.4); a query is answered after half a round trip. The client polls
what the schedule hands out and submits when the pacer says. Printed are the ratio of
the ideal makespan (zero lag, no refusal, same durations, same ceiling) to the one
reached, 429s per accepted job after the first minute, and where a query limit binds at
four polls per job the mean lag over that of the optimal policy, which is computed by
dynamic programming. Run: ``python benchmarks/pacing_virtual.py``; it exits with 1 if a
target is missed.
"""

from __future__ import annotations

import heapq
import itertools
import math
import random
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from wanbatch.engine.pacing.submits import SubmitPacer
from wanbatch.engine.polling.latency import Kind, LatencyModel
from wanbatch.engine.polling.schedule import PollSchedule
from wanbatch.engine.polling.timing import Lognormal, survival
from wanbatch.model.outcomes import Accepted, NotAccepted, Running, Succeeded, ThrottledBy

MEDIAN_S, SHAPE, JOBS = 90.0, 0.4, 1_000
ROUND_TRIP_S = 0.02


@dataclass
class Result:
    makespan_s: float = 0.0
    refused: list[float] = field(default_factory=list)
    accepted: int = 0
    lags: list[float] = field(default_factory=list)
    queries: list[float] = field(default_factory=list)


class Account:
    """The gateway's side and the client's loop, on one virtual clock."""

    def __init__(
        self,
        durations: list[float],
        slots: int,
        pacer: SubmitPacer,
        polls: PollSchedule,
        limit: ThrottledBy,
        *,
        told: Callable[[float], float | None] = lambda _: None,
    ) -> None:
        self.durations, self.slots, self.pacer, self.polls, self.limit = (
            durations,
            slots,
            pacer,
            polls,
            limit,
        )
        self.told = told
        self.ends: dict[int, float] = {}
        self.todo = list(range(len(durations)))[::-1]
        self.events: list[tuple[float, int, Callable[[], None]]] = []
        self.order = itertools.count()
        self.now = 0.0
        self.result = Result()

    def at(self, instant: float, what: Callable[[], None]) -> None:
        heapq.heappush(self.events, (instant, next(self.order), what))

    def run(self) -> Result:
        while len(self.result.lags) < len(self.durations):
            while self._act():
                pass
            wakes = [
                self.polls.next_at(),
                self.pacer.ready_at(self.now) if self.todo else None,
                self.events[0][0] if self.events else None,
            ]
            self.now = max(self.now, min(w for w in wakes if w is not None))
            while self.events and self.events[0][0] <= self.now:
                heapq.heappop(self.events)[2]()
        self.result.makespan_s = self.now
        return self.result

    def _act(self) -> bool:
        self.polls.queued(waiting=bool(self.todo))
        task = self.polls.due(self.now)
        if task is not None:
            self.result.queries.append(self.now + ROUND_TRIP_S / 2)
            self.at(self.now + ROUND_TRIP_S, lambda: self._answer_query(task))
            return True
        ready = self.pacer.ready_at(self.now) if self.todo else None
        if ready is None or ready > self.now:
            return False
        job = self.todo.pop()
        self.pacer.started(self.now)
        self.at(self.now + ROUND_TRIP_S / 2, lambda: self._judge_submit(job))
        return True

    def _judge_submit(self, job: int) -> None:
        running = sum(1 for end in self.ends.values() if end > self.now)
        taken = running < self.slots
        if taken:
            self.ends[job] = self.now + self.durations[job]
        self.at(self.now + ROUND_TRIP_S / 2, lambda: self._answer_submit(job, taken=taken))

    def _answer_submit(self, job: int, *, taken: bool) -> None:
        if taken:
            self.result.accepted += 1
            self.pacer.answered(self.now, Accepted(str(job)))
            self.polls.add(job, self.now, self.now, (5, "720P"))
        else:
            self.result.refused.append(self.now)
            self.todo.append(job)
            self.pacer.answered(self.now, NotAccepted("429", self.limit))

    def _answer_query(self, job: int) -> None:
        seen_at = self.now - ROUND_TRIP_S / 2
        if self.ends[job] > seen_at:
            share = 1.0 - (self.ends[job] - seen_at) / self.durations[job]
            self.polls.polled(job, self.now, Running("", self.told(share)))
            return
        self.result.lags.append(seen_at - self.ends.pop(job))
        self.polls.polled(job, self.now, Succeeded())
        self.polls.remove(job)
        self.pacer.finished(self.now)


def ideal_makespan(durations: list[float], slots: int, rate: float) -> float:
    """Zero lag, no refusal: each job starts when a slot is free and the rate allows
    it."""
    free = [0.0] * slots
    last = 0.0
    for number, duration in enumerate(durations):
        start = max(heapq.heappop(free), number / rate)
        heapq.heappush(free, start + duration)
        last = max(last, start + duration)
    return last


def optimal_policy(price: float, shape: float, step: float = 0.0125) -> tuple[float, float]:
    """Looks and mean lag per task of median 1 under the policy that minimises price *
    looks + lag: dynamic programming over a grid of ages."""
    ages = [n * step for n in range(int(5.0 / step))]
    alive = [survival(age, shape) for age in ages]
    while alive[-1] < 1e-5:
        ages.pop()
        alive.pop()
    beyond = [0.0] * (len(ages) + 1)
    for n in range(len(ages) - 1, -1, -1):
        beyond[n] = (
            beyond[n + 1] + (alive[n] + (alive[n + 1] if n + 1 < len(ages) else 0.0)) / 2 * step
        )
    last = len(ages) - 1
    cost, looks, lag = [0.0] * (last + 1), [0.0] * (last + 1), [0.0] * (last + 1)
    for here in range(last - 1, -1, -1):
        best = math.inf
        for there in range(here + 1, last + 1):
            waited = (there - here) * step - (beyond[here] - beyond[there]) / alive[here]
            stays = alive[there] / alive[here]
            total = price + waited + stays * cost[there]
            if total < best:
                best, looks[here], lag[here] = (
                    total,
                    1 + stays * looks[there],
                    waited + stays * lag[there],
                )
            elif waited > best:
                break
        cost[here] = best
    return looks[0], lag[0]


def optimal_lag(looks: float, shape: float) -> float:
    """The least mean lag, in medians, that ``looks`` per task allow."""
    low, high = 1e-4, 1.0
    while high / low > 1.01:
        middle = math.sqrt(low * high)
        low, high = (middle, high) if optimal_policy(middle, shape)[0] > looks else (low, middle)
    return optimal_policy(high, shape)[1]


class NeverLearns(LatencyModel):
    """What fixed polling knows: nothing."""

    def duration_of(
        self, kind: Kind, running: Sequence[float] = (), tasks: int = 0
    ) -> Lognormal | None:
        return None


def most_within(instants: list[float], window_s: float) -> int:
    """The most events that any window of this length held."""
    most = first = 0
    for number, instant in enumerate(instants):
        while instants[first] <= instant - window_s:
            first += 1
        most = max(most, number - first + 1)
    return most


def draw(seed: int) -> tuple[random.Random, list[float]]:
    rnd = random.Random(seed)
    return rnd, [rnd.lognormvariate(math.log(MEDIAN_S), SHAPE) for _ in range(JOBS)]


def makespan(slots: int, factor: int, limit: ThrottledBy, seed: int) -> bool:
    rnd, durations = draw(seed)
    polls = PollSchedule(15.0, 20.0, chance=rnd.random)
    usual_s = polls.model.usual_s
    pacer = SubmitPacer(2.0, slots * factor, chance=rnd.random, usual_s=usual_s)
    result = Account(durations, slots, pacer, polls, limit).run()
    ratio = ideal_makespan(durations, slots, 2.0) / result.makespan_s
    refused = sum(1 for at in result.refused if at > 60.0) / result.accepted
    print(
        f"{slots:5d} {factor:8d} {limit.value:>12s} {ratio:9.3f} {refused:9.3f}"
        f" {len(result.queries) / JOBS:9.1f} {sum(result.lags) / JOBS:7.2f}"
    )
    return (
        ratio >= (0.97 if factor == 1 else 0.9)
        and refused <= 0.1
        and most_within(result.queries, 1.0 - 1e-9) <= 20
    )


def lag(
    slots: int, looks: float, best: float, seed: int, model: LatencyModel | None
) -> tuple[float, float, bool]:
    """Mean lag in seconds, queries per job, and whether the limit was kept."""
    rnd, durations = draw(seed)
    cycle = MEDIAN_S * (math.exp(SHAPE**2 / 2) + best)
    rate = looks * slots / cycle
    polls = PollSchedule(15.0, rate, model, chance=rnd.random)
    result = Account(
        durations, slots, SubmitPacer(2.0, slots, chance=rnd.random), polls, ThrottledBy.CONCURRENCY
    ).run()
    window = math.ceil(rate) / rate
    return (
        sum(result.lags) / JOBS,
        len(result.queries) / JOBS,
        most_within(result.queries, window - 1e-9) <= math.ceil(rate),
    )


PROGRESS: dict[str, Callable[[float], float | None]] = {
    "none": lambda _: None,
    "even": lambda share: float(min(99, int(100 * share))),
    "constant": lambda _: 30.0,
    "uneven": lambda share: float(int(100 * share**2)),
}


def unlimited(told: str, jobs: int, median_s: float, seeds: Sequence[int]) -> tuple[float, float]:
    """Makespan over the bound and requests a job (submit and download included) with no
    query limit; fifty places, twenty submits in three seconds of median."""
    ratios, requests = [], []
    rate = 60.0 / median_s
    for seed in seeds:
        rnd = random.Random(seed)
        durations = [rnd.lognormvariate(math.log(median_s), SHAPE) for _ in range(jobs)]
        polls = PollSchedule(median_s / 6, chance=rnd.random)
        pacer = SubmitPacer(rate, 50, chance=rnd.random, usual_s=polls.model.usual_s)
        limit = ThrottledBy.CONCURRENCY
        account = Account(durations, 50, pacer, polls, limit, told=PROGRESS[told])
        result = account.run()
        ratios.append(result.makespan_s / ideal_makespan(durations, 50, rate))
        requests.append(2.0 + len(result.queries) / jobs)
    return sum(ratios) / len(ratios), sum(requests) / len(requests)


def print_unlimited() -> None:
    print("\nno query limit: makespan over the bound (requests a job)\nprogress   ", end="")
    shapes = [(200, 3.0), (200, 90.0), (1000, 90.0)]
    print("".join(f"{jobs:6d} jobs of {median:2.0f} s" for jobs, median in shapes))
    for told in PROGRESS:
        found = [unlimited(told, jobs, median, range(5)) for jobs, median in shapes]
        print(f"{told:10s} " + "".join(f"{a:12.3f} ({b:4.1f})" for a, b in found))


def main() -> int:
    good = True
    if "--unlimited" in sys.argv:
        print_unlimited()
        return 0
    print(
        "makespan: ideal / reached; 429s per accepted job after the first minute; queries per"
        " job; mean lag in seconds"
    )
    print("slots declared x       429 is     ratio      429s   queries     lag")
    for slots in (5, 50):
        for factor, limit in (
            (1, ThrottledBy.CONCURRENCY),
            (10, ThrottledBy.CONCURRENCY),
            (10, ThrottledBy.UNKNOWN),
        ):
            good &= makespan(slots, factor, limit, seed=7)
    looks = 4.0
    best = optimal_lag(looks, SHAPE)
    print(
        f"\nquery limit binding at {looks} queries per job: the optimal policy lags"
        f" {best:.4f} medians, {best * MEDIAN_S:.2f} s"
    )
    print("slots   learned (ratio, queries)      fixed 15 s (ratio, queries)   limit kept")
    for slots in (20, 50, 200):
        ours, used, kept = lag(slots, looks, best, 7, None)
        fixed, fixed_used, _ = lag(slots, looks, best, 7, NeverLearns())
        optimum = best * MEDIAN_S
        print(
            f"{slots:5d} {ours:8.2f} s ({ours / optimum:.2f}, {used:.2f}) {fixed:14.2f} s"
            f" ({fixed / optimum:.2f}, {fixed_used:.2f}) {kept!s:>12s}"
        )
        good &= kept and ours <= 1.15 * optimum
    print_unlimited()
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
