"""What holds of a scheduler after every notice and every action.

What it may not do: take the scheduler's word for what another part of it should be.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from wanbatch.engine.scheduler import Scheduler
from wanbatch.engine.scheduling.course import Mode
from wanbatch.engine.work_items import Phase
from wanbatch.model.lifecycle import State


def problems_of(scheduler: Scheduler) -> list[str]:
    """Every invariant that does not hold, in words."""
    return [
        text
        for part in (_course, _lanes, _items, _tracking, _failures, _money)
        for text, holds in part(scheduler)
        if not holds
    ]


def _course(scheduler: Scheduler) -> Iterator[tuple[str, bool]]:
    course = scheduler.course
    yield (
        "a reason, exactly while nothing is bought",
        (course.reason is None) is (course.mode is Mode.BUYING),
    )
    yield "what stopped says why", course.reason is None or bool(course.reason.text)


def _lanes(scheduler: Scheduler) -> Iterator[tuple[str, bool]]:
    lanes, phases = scheduler._lanes, Counter(work.phase for work in scheduler.works)
    yield "a lane is below nothing", min(lanes.values()) >= 0
    yield "one list at a time", lanes["list"] <= 1
    buying = scheduler._buying
    for under_way, phase in (
        (buying.preparing, Phase.PREPARING),
        (buying.submitting, Phase.SUBMITTING),
    ):
        yield f"{under_way} are {phase}, and {phases[phase]} works", under_way == phases[phase]
    busy = sum(task.busy for task in scheduler.tasks.values())
    # a download out of turn keeps busy too
    fetching = lanes["fetch"] + len(scheduler._tracking.results)
    yield (
        f"{busy} tasks are busy, {lanes['poll']} are polled, {fetching} fetched",
        lanes["poll"] <= busy <= lanes["poll"] + fetching,
    )


def _items(scheduler: Scheduler) -> Iterator[tuple[str, bool]]:
    items = scheduler._items
    yield "works stand at their numbers", all(w.index == n for n, w in enumerate(items.all))
    yield (
        "a fingerprint has one work",
        [*map(id, items.by_fingerprint.values())] == [*map(id, items.all)],
    )
    for heap, phase in ((items.ready, Phase.READY), (items.prepared, Phase.PREPARED)):
        yield f"{phase}: each once", len(set(heap)) == len(heap)
        yield (
            f"{phase}: these works, and no others",
            set(heap) == {w.index for w in items.all if w.phase is phase},
        )
    yield "who waits is counted", items.waiting == sum(w.phase is Phase.WAITING for w in items.all)
    yield (
        "who waits, waits for something",
        all(
            any(items.by_fingerprint[up].phase is not Phase.DONE for up in work.upstream)
            for work in items.all
            if work.phase is Phase.WAITING
        ),
    )


def _tracking(scheduler: Scheduler) -> Iterator[tuple[str, bool]]:
    tracking = scheduler._tracking
    tasks = tracking.tasks
    yield "tasks go by their attempts", all(n == t.attempt.attempt_id for n, t in tasks.items())
    yield (
        "what runs is what is watched and accepted",
        [*tracking.running.items()]
        == [(n, t) for n, t in tasks.items() if t.watched and t.attempt.state is State.ACCEPTED],
    )
    queued = [attempt_id for _, attempt_id in tracking.refetch]
    for name, held in (
        ("results", tracking.results),
        ("recovering", tracking.recovering),
        ("first_polls", tracking.first_polls),
        ("refetch", queued),
    ):
        yield f"{name} holds what nobody watches", set(held) <= set(tasks)
    asked = [*tracking.first_polls, *queued]
    yield "a task is queued once", len(set(asked)) == len(asked)
    yield "what waits for a download is not asked", not set(asked) & set(tracking.results)
    coming = {n for n, t in tasks.items() if t.fetching}
    yield "what is being downloaded is not asked", not coming & {*asked, *tracking.results}
    yield (
        f"{len(coming)} are downloaded, {scheduler._lanes['fetch']} count",
        len(coming) == scheduler._lanes["fetch"],
    )
    yield (
        "what is given up waits for nothing",
        not {n for n, t in tasks.items() if not t.watched} & {*asked, *tracking.recovering},
    )
    instants = [(at, n) for n, (at, _) in enumerate(tracking.refetch)]
    yield "the next to ask is at the front", not instants or min(instants)[1] == 0


def _failures(scheduler: Scheduler) -> Iterator[tuple[str, bool]]:
    tasks = scheduler.tasks.values()
    for work in scheduler.works:
        if work.phase is Phase.ASKING:
            yield (
                f"{work.index} asks a failed task",
                any(task.work is work and task.failed for task in tasks),
            )
    yield (
        "what failed holds no slot",
        not any(task.failed and task.holds_slot for task in tasks),
    )


def _money(scheduler: Scheduler) -> Iterator[tuple[str, bool]]:
    money, budget = scheduler._money, scheduler.budget
    yield "money is below nothing", budget.reserved >= 0 and budget.spent >= 0
    yield "held, and given back", not money.held & money.given_back
    yield "what is held for is under watch", money.held <= set(scheduler.tasks)
    held = sum(scheduler.tasks[n].attempt.price or 0 for n in money.held if n in scheduler.tasks)
    sending = sum(w.entry.price or 0 for w in scheduler.works if w.phase is Phase.SUBMITTING)
    yield (
        f"{budget.reserved} is reserved, for {held} that runs and {sending} that is sent",
        budget.reserved == held + sending,
    )
