"""How long the rest of a run will take, asked while it goes on.

What it may not do: change anything of the run, or hold it up: what takes time is done
in a thread, on copies.

How it works: ``Outlook.question`` takes from the scheduler what is left to be made and
how it is sent, and gives a function that a thread may call. How long tasks usually take
is fitted anew when a tenth more durations are known.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence

from wanbatch.engine.polling.forecast import Pace, Task, Usual, forecast, usual_durations
from wanbatch.engine.polling.latency import Kind, LatencyModel
from wanbatch.engine.scheduler import Scheduler
from wanbatch.engine.scheduling.course import Mode
from wanbatch.engine.work_items import Phase, RunningTask
from wanbatch.model.lifecycle import State
from wanbatch.operations.events import Estimated
from wanbatch.operations.planning import kind_of

REFIT_SHARE = 0.1
"""Durations are fitted anew when so many more are known: as polls do (``schedule``)."""


class Outlook:
    """What is left of one run, and how long that takes."""

    def __init__(self, scheduler: Scheduler, model: LatencyModel, realm: str) -> None:
        self._scheduler, self._model, self._realm = scheduler, model, realm
        self._usual: Mapping[Kind, Usual] = {}
        self._fitted_at = -1

    def question(self, now: float, at: float) -> Callable[[], Estimated]:
        """What a thread is to answer. ``now`` is monotonic seconds, ``at`` Unix
        seconds."""
        pacer = self._scheduler.pacer
        pace = Pace(pacer.rate, pacer.limit, max(0.0, pacer.held_until - now))
        tasks = tasks_left(self._scheduler, at)
        known = self._usual if self._is_fitted(tasks) else None
        model = self._model.copy() if known is None else None

        def answer() -> Estimated:
            usual = known
            if model is not None:
                usual = self._usual = usual_durations([t.kind for t in tasks], model, self._realm)
                self._fitted_at = model.count
            assert usual is not None  # noqa: S101 - one of the two is there
            medians = {kind: u.duration.median_s for kind, u in usual.items() if u.known}
            return Estimated(forecast(tasks, usual, pace), medians)

        return answer

    def _is_fitted(self, tasks: Sequence[Task]) -> bool:
        if self._fitted_at < 0 or any(task.kind not in self._usual for task in tasks):
            return False
        more = self._model.count - self._fitted_at
        return more == 0 or more < REFIT_SHARE * self._fitted_at


def tasks_left(scheduler: Scheduler, at: float) -> list[Task]:
    """What a run has still to bring home: what runs, and what it will buy."""
    running = [t for t in scheduler.tasks.values() if t.watched and not t.failed]
    ages = {t.work.index: _age_s(t, at) for t in running if t.work is not None}
    buys = scheduler.course.mode is Mode.BUYING
    works = [
        w
        for w in scheduler.works
        if w.index in ages or (buys and w.phase not in (Phase.DONE, Phase.STUCK, Phase.RUNNING))
    ]
    numbers = {work.fingerprint: number for number, work in enumerate(works)}
    return [
        Task(
            kind_of(work),
            tuple(numbers[up] for up in work.upstream if up in numbers),
            ages.get(work.index),
        )
        for work in works
    ] + [
        Task((t.attempt.length_s, t.attempt.size), (), _age_s(t, at))
        for t in running
        if t.work is None
    ]


def _age_s(task: RunningTask, at: float) -> float:
    attempt = task.attempt
    return max(0.0, at - attempt.accepted_at) if attempt.state is State.ACCEPTED else math.inf
