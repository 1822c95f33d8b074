"""Jobs that stand alike, as one: what a plan of a hundred thousand jobs says on one
screen.

What it may not do: decide anything about a job, or word more than its reason.

How it works: jobs of one id, action, state and reason are a group. Reasons are alike
where they say the same but for what belongs to one job alone, such as a task id
(``words.reasons.TOGETHER``). A group knows along which axes its jobs differ, what they
share, and what changed in all of them alike.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Hashable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal

from wanbatch.model.changes import Change, find_shared_changes
from wanbatch.model.plan import Action, JobState, PlannedJob
from wanbatch.model.reason import Reason
from wanbatch.words.reasons import common_params, say_together
from wanbatch.words.scalars import Scalar, scalar_text

MOST_COMPARED = 2000
"""So many requests are compared with what they were: a tenth of a second (measured)."""


@dataclass(frozen=True, slots=True)
class Group:
    """``of`` is how many jobs of the id there are in all, ``reason`` the sentence for
    these together. Each axis has the value that all of them share, or ``None``.

    ``price`` is what buying them costs, ``None`` where a price is unknown; ``changes``
    are those that all have in common.
    """

    jobs: tuple[PlannedJob, ...]
    of: int
    reason: str
    axes: tuple[tuple[str, str | None], ...]
    price: Decimal | None
    changes: tuple[Change, ...] = ()

    @property
    def first(self) -> PlannedJob:
        return self.jobs[0]

    @property
    def manifest(self) -> str:
        return self.first.job.manifest

    @property
    def id(self) -> str:
        return self.first.job.id

    @property
    def action(self) -> Action:
        return self.first.action

    @property
    def state(self) -> JobState:
        return self.first.state


def group_jobs(
    entries: Iterable[PlannedJob], reasons: Mapping[str, str] | None = None
) -> tuple[Group, ...]:
    """The groups in the order of their first jobs. ``reasons`` are sentences that take
    the place of a job's own, by its name."""
    said = reasons or {}
    found: dict[Hashable, list[PlannedJob]] = {}
    of: Counter[tuple[str, str]] = Counter()
    for entry in entries:
        job = entry.job
        of[job.manifest, job.id] += 1
        why = said.get(entry.name) or _likeness(entry.reason)
        key = job.manifest, job.id, entry.action, entry.state, why
        found.setdefault(key, []).append(entry)
    return tuple(
        _group(jobs, of[jobs[0].job.manifest, jobs[0].job.id], said) for jobs in found.values()
    )


def _group(jobs: list[PlannedJob], of: int, said: Mapping[str, str]) -> Group:
    return Group(
        tuple(jobs),
        of,
        said.get(jobs[0].name) or _reason_of(jobs),
        tuple(_axes(jobs)),
        _price(jobs),
        _changes(jobs),
    )


def _likeness(reason: Reason) -> Hashable:
    """What must be equal for two reasons to be told in one sentence."""
    common = common_params(reason.code)
    if common is None:
        return reason
    return reason.code, tuple(value for name, value in reason.params if name in common)


def _reason_of(jobs: list[PlannedJob]) -> str:
    reason = jobs[0].reason
    if all(entry.reason == reason for entry in jobs):
        return str(reason)
    return say_together(reason.code, dict(reason.params))


def _axes(jobs: list[PlannedJob]) -> Iterator[tuple[str, str | None]]:
    """Every axis, with the value that all jobs share. A job may lack an axis: then it
    is none that they share."""
    values: dict[str, set[tuple[type, Scalar]]] = {}
    held: Counter[str] = Counter()
    for entry in jobs:
        for name, value in entry.job.axes:
            values.setdefault(name, set()).add((type(value), value))
            held[name] += 1
    for name, different in values.items():
        alike = len(different) == 1 and held[name] == len(jobs)
        yield name, scalar_text(next(iter(different))[1]) if alike else None


def _price(jobs: list[PlannedJob]) -> Decimal | None:
    if jobs[0].action is not Action.GENERATE:
        return Decimal(0)
    prices = Counter(entry.price for entry in jobs)
    if None in prices:
        return None
    return sum((price * n for price, n in prices.items() if price is not None), Decimal(0))


def _changes(jobs: list[PlannedJob]) -> tuple[Change, ...]:
    if len(jobs) > MOST_COMPARED or not all(entry.before for entry in jobs):
        return ()
    return find_shared_changes(
        (json.loads(entry.before), json.loads(entry.request.describe())) for entry in jobs
    )
