"""Makes the plan of a command from manifests, ledger and disk, and says what it would
take.

What it may not do: send anything, write anything, or decide about a job (the planner
does).

How it works: ``look_and_plan`` is what commands that only look take; a run plans from
the ledger that it holds, with ``build_plan``.
"""

from __future__ import annotations

import time

from wanbatch.ledger.store import read_snapshot
from wanbatch.model.elsewhere import NOTHING, Elsewhere
from wanbatch.model.lifecycle import Snapshot
from wanbatch.model.origin import same_origin
from wanbatch.model.plan import Action, Plan
from wanbatch.model.retrying import Retrying
from wanbatch.model.wire import Profile
from wanbatch.operations.check import Checked, InvalidInput, tell_findings
from wanbatch.operations.elsewhere import look_around
from wanbatch.operations.events import Observer, SelectionDoubted
from wanbatch.operations.evidence import Surroundings
from wanbatch.operations.fit import check_fit
from wanbatch.operations.options import PlanningOptions
from wanbatch.operations.retrying import refuse_unknown_codes
from wanbatch.plan.groups import Group as Group
from wanbatch.plan.groups import group_jobs as group_jobs
from wanbatch.plan.identity import JobKey
from wanbatch.plan.planner import PlanOptions, Target, make_plan
from wanbatch.plan.selection import parse_selection
from wanbatch.plan.shards import parse_shard
from wanbatch.videos.outputs import intact_paths
from wanbatch.words.diagnostics import has_errors
from wanbatch.words.errors import ExitCode, WanbatchError


def build_plan(
    options: PlanningOptions,
    checked: Checked,
    profile: Profile,
    snapshot: Snapshot,
    intact: frozenset[str],
    at: float,
    *,
    elsewhere: Elsewhere = NOTHING,
    retry_failed: Retrying = False,
    regenerate: bool = False,
    chosen: frozenset[JobKey] | None = None,
) -> Plan:
    """The plan under the user's selection, or of the jobs that were ``chosen`` before.

    ``at`` is now, in Unix seconds. Raises ``WanbatchError`` (2) where the selection
    selects nothing, or could select more than was meant, or where no job has failed by
    a code of ``retry_failed``.
    """
    plan = make_plan(
        checked.manifests,
        checked.digests,
        snapshot,
        intact,
        Target(profile.name, profile.realm, profile.origin, profile.prices),
        PlanOptions(
            selection=parse_selection(options.select) if options.select else None,
            shard=parse_shard(options.shard) if options.shard else None,
            first=options.first,
            with_upstream=options.with_upstream,
            retry_failed=retry_failed,
            regenerate=regenerate,
            chosen=chosen,
        ),
        at,
        elsewhere,
    )
    if plan.doubts and plan.doubts[0].fatal:
        first, *others = plan.doubts
        hints = (*first.hints, *(doubt.sum_up() for doubt in others))
        raise WanbatchError(ExitCode.INVALID, first.describe(), *hints)
    if chosen is None:  # later in a run a failure may have turned
        refuse_unknown_codes(plan, retry_failed)
    return plan


def tell_doubts(plan: Plan, observe: Observer) -> None:
    """What a selection cannot have meant, where it stops nothing."""
    for doubt in plan.doubts:
        observe(SelectionDoubted(doubt))


def look_and_plan(
    options: PlanningOptions,
    checked: Checked,
    profile: Profile,
    observe: Observer,
    *,
    retry_failed: Retrying = False,
    regenerate: bool = False,
) -> tuple[Plan, Snapshot, Surroundings]:
    """A plan by what stands in the ledger and on disk now, for commands that only
    look."""
    snapshot = read_snapshot(options.ledger)
    around = look_around(options, checked.manifests, profile, snapshot)
    if around.newer:  # or a run that is going on has just written its report
        snapshot = read_snapshot(options.ledger)
        around = look_around(options, checked.manifests, profile, snapshot)
    plan = build_plan(
        options,
        checked,
        profile,
        snapshot,
        intact_paths(options.output, snapshot),
        time.time(),
        elsewhere=around.elsewhere,
        retry_failed=retry_failed,
        regenerate=regenerate,
    )
    tell_doubts(plan, observe)
    return plan, snapshot, around


def refuse_undeliverable(plan: Plan, profile: Profile, observe: Observer) -> None:
    """What cannot reach the backend, or is refused there for certain, is an error
    before anything is sent. Raises ``InvalidInput``."""
    found = check_fit(plan, profile)
    tell_findings(found, observe)
    if has_errors(found):
        raise InvalidInput


def estimate_s(plan: Plan, profile: Profile, snapshot: Snapshot) -> float | None:
    """How long a run would take, in seconds, by the median latency of what the ledger
    has seen at this origin; ``None`` where it has seen nothing."""
    seen = sorted(
        a.finished_at - a.accepted_at
        for a in snapshot.attempts
        if same_origin(a.origin, profile.origin) and a.finished_at and a.accepted_at
    )
    work = sum(entry.action in (Action.GENERATE, Action.RESUME) for entry in plan.selected())
    if not seen or not work:
        return None
    latency = seen[len(seen) // 2]
    rounds = -(-work // max(1, profile.max_in_flight))
    return max(rounds * latency, work / profile.rate if profile.rate else 0.0)
