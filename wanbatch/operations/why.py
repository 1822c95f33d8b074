"""Which part of a job's identity changed since its last result.

What it may not do: decide anything, or send anything.

How it works: the job as it is now is held against the last attempt of its name in the
ledger, or, where there is none, against the lock's entry of that name.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from difflib import get_close_matches

from wanbatch.model.changes import Change, find_changes
from wanbatch.model.lifecycle import Attempt
from wanbatch.model.plan import PlannedJob
from wanbatch.operations.check import check
from wanbatch.operations.choose import choose_backend
from wanbatch.operations.events import Observer
from wanbatch.operations.locks import lock_path, read_lock
from wanbatch.operations.options import PlanningOptions
from wanbatch.operations.planning import look_and_plan
from wanbatch.plan.history import BOUGHT
from wanbatch.words.errors import ExitCode, WanbatchError


@dataclass(frozen=True, slots=True)
class Answer:
    """``last`` is the attempt that the job is held against, ``locked`` the lock's place
    where that is all there is; ``is_same`` whether the identity is the same."""

    entry: PlannedJob
    last: Attempt | None = None
    locked: str = ""
    is_same: bool = False
    changes: tuple[Change, ...] = ()


def explain_job(options: PlanningOptions, name: str, observe: Observer) -> Answer:
    """Raises ``WanbatchError`` (2) where the manifest has no job ``name``."""
    checked = check(options, observe)
    profile = choose_backend(options, checked.manifests, offline=True).profile
    plan, snapshot, _ = look_and_plan(options, checked, profile, observe)
    entry = next((e for e in plan.jobs if e.name == name), None)
    if entry is None:
        raise WanbatchError(ExitCode.INVALID, f"there is no job {name!r}", *_near(name, plan.jobs))
    now = json.loads(entry.request.describe())
    if entry.attempt is not None and entry.attempt.state in BOUGHT:
        return Answer(entry, entry.attempt, is_same=True)
    key = plan.realm, entry.job.manifest, entry.name
    last = next(
        (
            a
            for a in reversed(snapshot.attempts)
            if (a.realm, a.manifest, a.job) == key and a.state in BOUGHT
        ),
        None,
    )
    if last is not None:
        return Answer(entry, last, changes=find_changes(json.loads(last.request), now))
    manifest = next(m for m in checked.manifests if m.name == entry.job.manifest)
    path = lock_path(manifest)
    try:
        found = read_lock(path).jobs.get(name) if plan.realm == "paid" else None
    except FileNotFoundError:
        found = None
    if found is None:
        return Answer(entry)
    same = found.fingerprint == entry.fingerprint
    return Answer(entry, None, str(path), same, () if same else find_changes(found.request, now))


def _near(name: str, jobs: tuple[PlannedJob, ...]) -> list[str]:
    near = get_close_matches(name, [entry.name for entry in jobs], n=3)
    if near:
        return [f"did you mean {' or '.join(map(repr, near))}?"]
    return ["see the names with: wanbatch plan FILE"]
