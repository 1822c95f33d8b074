"""What became of uncertain submits, where an API can list the account's tasks.

What it may not do: conclude anything from a listing that is not complete, or that began before the API had time to show what it took; adopt a
task that might belong to another intent; buy.

How it works: ``judge`` is pure. A task of the listing is a *candidate* for an attempt if no attempt is known to have it, and model and time fit.
It is adopted where the prompt fits too and exactly one intent and one task fit each other. A task whose prompt the API does not show yet may be
anybody's: while there is one among the candidates, nothing is concluded. Absence is concluded only where no candidate is left. Everything else
waits for a person.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from wanbatch.engine.outcomes import ListedTask, TaskListing
from wanbatch.engine.settle import acceptance_facts
from wanbatch.lifecycle import DAY_LONG, Attempt, Event, EventKind, Snapshot, State

CLOCK_SLACK_S = 120.0
"""By how much the server's idea of when a task began may lie outside of ours of when it was sent."""
SECONDS_TOLD_S = 2.0
"""How far apart two clocks may show the same event where each tells whole seconds and ours was corrected by the server's."""


@dataclass(frozen=True, slots=True)
class Adopt:
    attempt: Attempt
    task: ListedTask


@dataclass(frozen=True, slots=True)
class Absent:
    attempt: Attempt


@dataclass(frozen=True, slots=True)
class Undecided:
    attempt: Attempt
    reason: str


Verdict = Adopt | Absent | Undecided


class LedgerWriter(Protocol):
    @property
    def snapshot(self) -> Snapshot: ...
    async def append(self, event: Event) -> Attempt: ...


class ListingClient(Protocol):
    """What reconciling needs of a backend; ``list_tasks`` is ``None`` where the API has no list."""

    async def list_tasks(self, since: float, until: float) -> TaskListing | None: ...
    async def look_at(self, task_id: str) -> ListedTask | None: ...


async def reconcile(
    ledger: LedgerWriter,
    client: ListingClient,
    origin: str,
    quiet_s: float,
    wall: Callable[[], float],
) -> list[Verdict]:
    """Settles what can be settled of this origin's uncertain attempts; records each decision. Returns all verdicts."""
    uncertain = [
        a for a in ledger.snapshot.attempts if a.state is State.UNCERTAIN and a.origin == origin
    ]
    if not uncertain:
        return []
    listing = await client.list_tasks(min(a.intent_at for a in uncertain) - CLOCK_SLACK_S, wall())
    if listing is None:
        return []
    known = {a.task_id: a for a in ledger.snapshot.attempts if a.task_id}
    doubtful = [
        t
        for t in listing.tasks
        if any(
            _was_made_for(a, t) if t.task_id in known else _fits_in_time(a, t) for a in uncertain
        )
    ]
    seen = {t.task_id: await client.look_at(t.task_id) for t in doubtful}
    verdicts = judge(
        uncertain,
        listing,
        known,
        {task_id: task.prompt for task_id, task in seen.items() if task is not None},
        quiet_s,
    )
    for verdict in verdicts:
        event = _event(verdict, wall())
        if event is not None:
            await ledger.append(event)
    return verdicts


def judge(
    uncertain: Sequence[Attempt],
    listing: TaskListing,
    known: Mapping[str, Attempt],
    prompts: Mapping[str, str | None],
    quiet_s: float,
) -> list[Verdict]:
    """One verdict for each uncertain attempt.

    ``known`` are the attempts that have a task id, by that id; ``prompts`` is what the API shows of the tasks that matter. An API that gives an id
    twice leaves its owner in doubt: see ``_is_anothers``.
    """
    free = [t for t in listing.tasks if t.task_id not in known]
    taken = [t for t in listing.tasks if t.task_id in known]
    owners = {
        a.attempt_id
        for a in uncertain
        if any(_is_anothers(t, known[t.task_id], a, prompts.get(t.task_id)) for t in taken)
    }
    candidates = {
        a.attempt_id: [t for t in free if _fits_in_time(a, t) and _fits_model(a, t)]
        for a in uncertain
    }
    fitting = {
        a.attempt_id: [t for t in candidates[a.attempt_id] if prompts.get(t.task_id) == _prompt(a)]
        for a in uncertain
    }
    verdicts = [
        _judge_one(a, listing, candidates[a.attempt_id], fitting, prompts, quiet_s)
        for a in uncertain
    ]
    return [
        Undecided(v.attempt, "another job has the id of a task that was made at that time")
        if isinstance(v, Absent) and v.attempt.attempt_id in owners
        else v
        for v in verdicts
    ]


def _judge_one(
    attempt: Attempt,
    listing: TaskListing,
    candidates: Sequence[ListedTask],
    fitting: Mapping[int, Sequence[ListedTask]],
    prompts: Mapping[str, str | None],
    quiet_s: float,
) -> Verdict:
    if any(prompts.get(t.task_id) is None for t in candidates):
        return Undecided(attempt, "a task of that time does not show its prompt yet")
    mine = fitting[attempt.attempt_id]
    if len(mine) > 1:
        return Undecided(attempt, f"{len(mine)} tasks fit")
    if mine:
        rivals = [number for number, tasks in fitting.items() if mine[0] in tasks]
        return (
            Adopt(attempt, mine[0])
            if len(rivals) == 1
            else Undecided(attempt, "another uncertain job fits the same task")
        )
    if not listing.complete:
        return Undecided(attempt, listing.reason or "the listing is not complete")
    if listing.started_at < _doubted_at(attempt) + quiet_s:
        return Undecided(
            attempt, "the listing began too soon after the submit to prove that it was not taken"
        )
    if listing.started_at > attempt.intent_at + DAY_LONG.listed_for_s:
        return Undecided(attempt, "the submit is older than what the listing shows")
    return Absent(attempt)


def _is_anothers(task: ListedTask, holder: Attempt, attempt: Attempt, prompt: str | None) -> bool:
    """Whether a task whose id ``holder`` was given may have been made for ``attempt``: it is older than its holder's intent, or it was made while
    ``attempt`` was being submitted and does not show the holder's prompt."""
    if (
        task.created_at is None
        or not _fits_in_time(attempt, task)
        or not _fits_model(attempt, task)
    ):
        return False
    if task.created_at < holder.intent_at - CLOCK_SLACK_S:
        return True
    return _was_made_for(attempt, task) and prompt != _prompt(holder)


def _was_made_for(attempt: Attempt, task: ListedTask) -> bool:
    """Whether a task was made while ``attempt`` was being submitted, as far as whole seconds tell."""
    return (
        task.created_at is not None
        and attempt.intent_at - SECONDS_TOLD_S
        <= task.created_at
        <= _doubted_at(attempt) + SECONDS_TOLD_S
    )


def _fits_in_time(attempt: Attempt, task: ListedTask) -> bool:
    return (
        task.created_at is None
        or attempt.intent_at - CLOCK_SLACK_S
        <= task.created_at
        <= _doubted_at(attempt) + CLOCK_SLACK_S
    )


def _doubted_at(attempt: Attempt) -> float:
    """When the outcome became uncertain: a start-up records that by this machine's clock, uncorrected yet, but it was not before the intent."""
    return max(attempt.updated_at, attempt.intent_at)


def _fits_model(attempt: Attempt, task: ListedTask) -> bool:
    """A list may name a dated snapshot where the request named the alias, or name nothing."""
    asked = str(_request(attempt).get("model", ""))
    return not task.model or task.model == asked or task.model.startswith(f"{asked}-")


def _prompt(attempt: Attempt) -> str:
    prompt = _request(attempt).get("prompt")
    return prompt if isinstance(prompt, str) else ""


def _request(attempt: Attempt) -> Mapping[str, object]:
    request = json.loads(attempt.request)
    return request if isinstance(request, dict) else {}


def _event(verdict: Verdict, at: float) -> Event | None:
    match verdict:
        case Adopt(attempt, task):
            accepted_at = task.created_at or attempt.intent_at
            facts = acceptance_facts(task.task_id, accepted_at)
            return Event(
                attempt.attempt_id,
                EventKind.ADOPTED,
                at,
                {**facts, "reason": "found in the account's list"},
            )
        case Absent(attempt):
            return Event(
                attempt.attempt_id,
                EventKind.ABSENT,
                at,
                {"reason": "a complete listing does not show it"},
            )
        case Undecided():
            return None
