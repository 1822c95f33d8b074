"""The plan and the standing of jobs in words, as people know them from Terraform.

What it may not do: print, or compute what a plan does not say.

How it works: pure functions from plans to lines. ``Plan: 12 to generate ($6.00), 3 to
resume ($0.00), 20 up to date, 1 to decide.``
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from decimal import Decimal

from wanbatch.model.plan import Action, JobState, Plan, PlannedJob
from wanbatch.operations.events import Forecast
from wanbatch.words.humanize import duration_range, money, plural

SIGNS = {
    Action.GENERATE: "+",
    Action.RESUME: ">",
    Action.REUSE: "=",
    Action.BLOCKED: "x",
    Action.SKIP: "-",
    Action.ASK: "?",
}
COLORS = {
    "+": "green",
    ">": "cyan",
    "=": "bright_black",
    "x": "yellow",
    "-": "yellow",
    "?": "magenta",
}


def plan_line(plan: Plan) -> str:
    """The one line that sums a plan up; ``No changes.`` where a run would do
    nothing."""
    count = plan.count()
    if not any(count[a] for a in Action if a is not Action.REUSE):
        return f"No changes. {count[Action.REUSE]} up to date."
    parts = []
    if count[Action.GENERATE]:
        parts.append(f"{count[Action.GENERATE]} to generate ({money(plan.total, plan.currency)})")
    if count[Action.RESUME]:
        parts.append(f"{count[Action.RESUME]} to resume ({money(Decimal(0), plan.currency)})")
    for action, words in (
        (Action.REUSE, "up to date"),
        (Action.BLOCKED, "blocked"),
        (Action.SKIP, "skipped"),
        (Action.ASK, "to decide"),
    ):
        if count[action]:
            parts.append(f"{count[action]} {words}")
    return "Plan: " + ", ".join(parts) + "."


def estimate_line(estimated: Forecast, backend: str) -> str:
    """``About 6 to 9 min on backend gateway (a guess: nothing has been measured there
    yet).``"""
    took = duration_range(estimated.low_s, estimated.high_s)
    guess = " (a guess: nothing has been measured there yet)" if estimated.is_guess else ""
    return f"About {took} on backend {backend}{guess}."


def fetch_line(count: int, failed: int, backend: str) -> str:
    """What a fetch is about to do; it neither buys nor speaks of it.

    ``failed`` tasks are asked again for a day: some turn, and their videos are paid
    for.
    """
    if not count and failed:
        return f"Nothing is under way: asking {plural(failed, 'failed task')} once more."
    if not count:
        return f"Nothing to fetch: all that backend {backend} made and was paid for is here."
    return f"Fetch: {plural(count, 'video')} that {'was' if count == 1 else 'were'} paid for."


def job_line(entry: PlannedJob, plan: Plan) -> str:
    """``+ opening[seed=100]  generate  $0.50  new``"""
    price = money(entry.price, plan.currency) if entry.action is Action.GENERATE else ""
    return f"  {SIGNS[entry.action]} {entry.name}  {price}{'  ' if price else ''}({entry.reason})"


def state_counts(entries: Iterable[PlannedJob]) -> str:
    """``12 done, 1 failed``, in the order of ``JobState``."""
    count = Counter(entry.state for entry in entries)
    ordered = (JobState.DONE, *(state for state in JobState if state is not JobState.DONE))
    return (
        ", ".join(f"{count[state]} {state.value}" for state in ordered if count[state]) or "no jobs"
    )
