"""Whether a saved plan still holds, what is its own progress, and what it still allows.

What it may not do: I/O, or refuse anything (``operations.approved`` does).

How it works: the plan as it would be made now is held against the saved one. What the
saved plan's own runs did is progress, and so is what any run or fetch heard of tasks
that were bought before. Everything else that changed is a ``Difference``: other jobs,
other requests, another ledger, backend or price, a purchase of somebody else, a
decision or a change that would buy what the plan does not buy. Less is never a
difference where it is progress: a job that the plan only brings home and whose task
failed is not bought (``hold``).
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from decimal import Decimal
from enum import StrEnum

from wanbatch.model.changes import find_changes
from wanbatch.model.lifecycle import RESERVED, SPENT, Attempt, EventKind, Snapshot, State
from wanbatch.model.origin import same_origin
from wanbatch.model.plan import Action, JobState, Plan, PlannedJob
from wanbatch.model.price import PriceList
from wanbatch.model.reason import ReasonCode, because
from wanbatch.plan.saved import SavedJob, SavedPlan
from wanbatch.words.hiding import hide_queries


class Kind(StrEnum):
    """What differs from a saved plan."""

    LEDGER = "ledger"
    BACKEND = "backend"
    ADDRESS = "address"
    PRICE = "price"
    CURRENCY = "currency"
    NEW = "new"
    GONE = "gone"
    CHANGED = "changed"
    BOUGHT = "bought"
    DECIDED = "decided"
    BUYABLE = "buyable"
    HELD = "held"


@dataclass(frozen=True, slots=True)
class Difference:
    """``job`` is empty for what concerns all; ``words`` say what was and what is."""

    kind: Kind
    words: str
    job: str = ""


_WAS = {
    Action.RESUME: "was to be brought home",
    Action.REUSE: "was up to date",
    Action.BLOCKED: "was blocked",
    Action.SKIP: "was to be skipped",
    Action.ASK: "was to be decided",
}


def runs_of(saved: SavedPlan, snapshot: Snapshot) -> frozenset[str]:
    """The runs that carried the plan out so far."""
    return frozenset(run.run_id for run in snapshot.runs if run.plan == saved.digest)


def still_asked(saved: SavedPlan, snapshot: Snapshot) -> frozenset[str]:
    """The fingerprints that a person asked to buy once more when the plan was made, and
    whose word no run of the plan has recorded yet."""
    own = runs_of(saved, snapshot)
    recorded = {a.fingerprint for a in snapshot.authorisations if a.run_id in own}
    return frozenset(
        job.fingerprint
        for job in saved.jobs.values()
        if job.is_authorised and job.fingerprint not in recorded
    )


def what_is_left(saved: SavedPlan, snapshot: Snapshot) -> Decimal | None:
    """What the plan still allows to spend: its total without what its runs bought.
    ``None`` where its total is not known."""
    if saved.total is None:
        return None
    own = runs_of(saved, snapshot)
    counted = SPENT | RESERVED
    spent = sum(
        (a.price for a in snapshot.attempts if a.run_id in own and a.state in counted and a.price),
        Decimal(0),
    )
    return max(saved.total - spent, Decimal(0))


# -- differences -----------------------------------------------------------------------


def find_differences(
    saved: SavedPlan,
    plan: Plan,
    snapshot: Snapshot,
    prices: PriceList | None,
    is_wanted: Callable[[PlannedJob], bool],
) -> Iterator[Difference]:
    """Everything in which ``plan``, made now for the saved plan's jobs, is not what was
    approved. ``is_wanted`` is whether a new job would have been selected."""
    yield from _of_the_whole(saved, plan, snapshot, prices)
    own = runs_of(saved, snapshot)
    entries = {(entry.job.manifest, entry.name): entry for entry in plan.jobs}
    for key, was in saved.jobs.items():
        if was.selected:
            entry = entries.get(key)
            if entry is None:
                yield Difference(Kind.GONE, "no longer in the manifest", key[1])
            else:
                yield from _of_job(was, entry, own)
    for key, entry in entries.items():
        if key not in saved.jobs and is_wanted(entry):
            yield Difference(Kind.NEW, "new in the manifest", key[1])


def _of_the_whole(
    saved: SavedPlan, plan: Plan, snapshot: Snapshot, prices: PriceList | None
) -> Iterator[Difference]:
    ledger = other_ledger(saved, snapshot, plan.realm)
    if ledger:
        yield Difference(Kind.LEDGER, ledger)
    if (saved.backend, saved.realm) != (plan.backend, plan.realm):
        before, now = f"{saved.backend} ({saved.realm})", f"{plan.backend} ({plan.realm})"
        yield Difference(Kind.BACKEND, f"the backend: {before} → {now}")
    if not same_origin(saved.origin, plan.origin):
        before, now = saved.origin or "not known when the plan was made", plan.origin
        yield Difference(Kind.ADDRESS, f"the backend's address: {before} → {now}")
    if saved.currency != plan.currency:
        before, now = saved.currency or "none", plan.currency or "none"
        yield Difference(Kind.CURRENCY, f"the currency: {before} → {now}")
    rates = prices.per_second if prices else {}
    for size in {**saved.per_second, **rates}:
        old, new = saved.per_second.get(size), rates.get(size)
        if old != new:
            words = f"a second of {size}: {_rate(old)} → {_rate(new)} {plan.currency}"
            yield Difference(Kind.PRICE, words.rstrip())


def _rate(rate: Decimal | None) -> str:
    return "no price" if rate is None else format(rate, "f")


def other_ledger(saved: SavedPlan, snapshot: Snapshot, realm: str) -> str:
    """How the ledger is not the one that the plan was made with; empty where it is.

    Where there was none, one is as good as none while it holds nothing but what this
    plan's runs bought.
    """
    if saved.ledger:
        if saved.ledger == snapshot.ledger_id:
            return ""
        here = snapshot.ledger_id[:8] or "there is none"
        return f"the ledger: {saved.ledger[:8]} → {here}"
    own = runs_of(saved, snapshot)
    strangers = [a for a in snapshot.attempts if a.realm == realm and a.run_id not in own]
    if not strangers:
        return ""
    videos = "a video" if len(strangers) == 1 else f"{len(strangers)} videos"
    return f"the ledger: there was none → one that tells of {videos} already"


def _of_job(was: SavedJob, entry: PlannedJob, own: frozenset[str]) -> Iterator[Difference]:
    """The first thing in which a selected job differs, by weight."""
    if entry.fingerprint != was.fingerprint:
        yield Difference(Kind.CHANGED, f"changed: {_changes(was, entry)}", entry.name)
        return
    stranger = next((a for a in entry.attempts if _is_strange(was, a, own)), None)
    if stranger is not None:
        task = f", task {stranger.task_id}" if stranger.task_id else ""
        words = f"bought since by another run, {stranger.run_id}{task}"
        yield Difference(Kind.BOUGHT, words, entry.name)
    elif entry.action is Action.GENERATE:
        yield from _of_purchase(was, entry, own)
    elif _is_undone(was, entry, own):
        words = f"was to be generated, and is not now: {entry.reason}"
        yield Difference(Kind.HELD, words, entry.name)


def _is_undone(was: SavedJob, entry: PlannedJob, own: frozenset[str]) -> bool:
    """Whether a job would not be bought any more, and the plan's runs are not why."""
    left = was.action is Action.GENERATE and entry.action in (Action.ASK, Action.SKIP)
    return left and not any(a.run_id in own for a in entry.attempts)


def _is_strange(was: SavedJob, attempt: Attempt, own: frozenset[str]) -> bool:
    """Whether somebody else opened it, or sent it out again in a run that was going
    on when the plan was made."""
    known = was.attempts.get(attempt.attempt_id)
    moved = known == State.PLANNED.value and attempt.state is not State.PLANNED
    return attempt.run_id not in own and (known is None or moved)


def _of_purchase(was: SavedJob, entry: PlannedJob, own: frozenset[str]) -> Iterator[Difference]:
    """A job that would be bought now."""
    resubmitted = next((a for a in entry.attempts if _is_resubmitted(was, a)), None)
    if resubmitted is not None:
        words = "would be bought once more, as decided since with wanbatch resolve"
        yield Difference(Kind.DECIDED, words, entry.name)
    elif was.action is not Action.GENERATE and not _is_held(was, own):
        words = f"{_WAS[was.action]}, and would be bought now: {entry.reason}"
        yield Difference(Kind.BUYABLE, words, entry.name)


def _is_resubmitted(was: SavedJob, attempt: Attempt) -> bool:
    if attempt.state is not State.PLANNED or attempt.last_event is not EventKind.RESUBMIT:
        return False
    known = was.attempts.get(attempt.attempt_id)
    return known != State.PLANNED.value


def _is_held(was: SavedJob, own: frozenset[str]) -> bool:
    """Whether a job that the plan does not buy became buyable by what was heard of
    tasks: then it is left alone, and the plan holds."""
    return was.action is Action.RESUME or (was.action is Action.BLOCKED and bool(own))


def _changes(was: SavedJob, entry: PlannedJob) -> str:
    changes = find_changes(was.request, json.loads(entry.request.describe()))
    words = "; ".join(map(str, changes)) or "its upstream, its take or the query of a URL"
    return hide_queries(words)


# -- what may be done ------------------------------------------------------------------


def brought_home(saved: SavedPlan) -> frozenset[str]:
    """The fingerprints that the plan brings home and never buys."""
    bought = {job.fingerprint for job in saved.jobs.values() if job.action is Action.GENERATE}
    return frozenset(job.fingerprint for job in saved.jobs.values()) - bought


def hold(saved: SavedPlan, plan: Plan) -> Plan:
    """``plan`` without purchases that the saved plan does not have, and without what
    would wait for them."""
    held: dict[str, str] = {}
    jobs = [_held(saved, entry, held) for entry in plan.jobs]
    count = -1
    while len(held) > count:
        count = len(held)
        jobs = [_blocked(entry, held) for entry in jobs]
    if not held:
        return plan
    bought = [e.price for e in jobs if e.selected and e.action is Action.GENERATE]
    prices = [price for price in bought if price is not None]
    is_known = plan.total is not None and len(prices) == len(bought)
    return replace(plan, jobs=tuple(jobs), total=sum(prices, Decimal(0)) if is_known else None)


def _held(saved: SavedPlan, entry: PlannedJob, held: dict[str, str]) -> PlannedJob:
    was = saved.jobs.get((entry.job.manifest, entry.name))
    is_approved = was is not None and was.action is Action.GENERATE
    if entry.action is not Action.GENERATE or not entry.selected or is_approved:
        return entry
    held[entry.fingerprint] = entry.name
    return replace(
        entry,
        action=Action.SKIP,
        state=JobState.SKIPPED,
        reason=because(ReasonCode.NOT_APPROVED, why=str(entry.reason)),
    )


def _blocked(entry: PlannedJob, held: dict[str, str]) -> PlannedJob:
    up = next((held[m.upstream] for m in entry.request.media if m.upstream in held), None)
    if entry.action is not Action.GENERATE or not entry.selected or up is None:
        return entry
    held[entry.fingerprint] = entry.name
    reason = because(ReasonCode.UPSTREAM_NOT_DONE, job=up, state=JobState.SKIPPED.value)
    return replace(entry, action=Action.BLOCKED, state=JobState.BLOCKED, reason=reason)
