"""What holds of a scheduler after every notice and every action.

What it may not do: take the scheduler's word for what another part of it should be.
"""

from __future__ import annotations

from collections import Counter

from wanbatch.engine.work_items import Phase

LANES = {"prepare": Phase.PREPARING, "submit": Phase.SUBMITTING}


def problems_of(scheduler):
    """Every invariant that does not hold, in words."""
    found = []

    def hold(text, holds):
        if not holds:
            found.append(text)

    tasks, lanes = scheduler.tasks, scheduler._lanes
    phases = Counter(work.phase for work in scheduler.works)
    hold("a lane is below nothing", min(lanes.values()) >= 0)
    for lane, phase in LANES.items():
        hold(
            f"{lane}: {lanes[lane]} under way, {phases[phase]} {phase}",
            lanes[lane] == phases[phase],
        )
    hold("works stand at their numbers", all(w.index == n for n, w in enumerate(scheduler.works)))
    hold("tasks go by their attempts", all(n == t.attempt.attempt_id for n, t in tasks.items()))
    for name in ("_results", "_recovering", "_first_polls"):
        hold(f"{name} holds what nobody watches", set(getattr(scheduler, name)) <= set(tasks))
    prepared = [scheduler.works[n] for n in scheduler._prepared]
    hold("what is prepared is to be sent", all(w.phase is Phase.PREPARED for w in prepared))
    hold("each is prepared once", len(set(scheduler._prepared)) == len(scheduler._prepared))
    busy = sum(task.busy for task in tasks.values())
    fetching = lanes["fetch"] + len(scheduler._results)  # a download out of turn keeps busy too
    hold(
        f"{busy} tasks are busy, {lanes['poll']} are polled, {fetching} fetched",
        lanes["poll"] <= busy <= lanes["poll"] + fetching,
    )
    hold("money is below nothing", scheduler.budget.reserved >= 0 and scheduler.budget.spent >= 0)
    hold("what halted gives a reason", not scheduler.halted or bool(scheduler.stop_reason))
    return found
