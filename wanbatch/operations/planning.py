"""Makes the plan of a command from manifests, ledger and disk, and says what it would
take.

What it may not do: send anything, write anything, or decide about a job (the planner
does).

How it works: ``look_ahead`` is the whole way from files to a plan for those who only
look, ``look_and_plan`` its last step for commands with more to do in between; a run
plans from the ledger that it holds, with ``build_plan``.
"""

from __future__ import annotations

import time
from dataclasses import dataclass

from wanbatch.ledger.store import read_snapshot
from wanbatch.model.elsewhere import NOTHING, Elsewhere
from wanbatch.model.job import Manifest
from wanbatch.model.lifecycle import Snapshot
from wanbatch.model.origin import same_origin
from wanbatch.model.plan import Action, Plan
from wanbatch.model.wire import Profile
from wanbatch.operations.check import Checked, check, refuse_errors, tell_findings
from wanbatch.operations.choose import Unpriced, choose_backend, find_unpriced
from wanbatch.operations.elsewhere import look_around, refuse_older_ledger
from wanbatch.operations.events import Observer, SelectionDoubted
from wanbatch.operations.evidence import Surroundings
from wanbatch.operations.fit import check_fit
from wanbatch.operations.options import PlanningOptions
from wanbatch.plan.identity import JobKey
from wanbatch.plan.planner import PlanOptions, Target, make_plan
from wanbatch.plan.selection import parse_selection
from wanbatch.plan.shards import parse_shard
from wanbatch.videos.outputs import intact_paths
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
    retry_failed: bool = False,
    regenerate: bool = False,
    chosen: frozenset[JobKey] | None = None,
) -> Plan:
    """The plan under the user's selection, or of the jobs that were ``chosen`` before.

    ``at`` is now, in Unix seconds. Raises ``WanbatchError`` (2) where the selection
    selects nothing, or could select more than was meant.
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
    retry_failed: bool = False,
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


@dataclass(frozen=True, slots=True)
class Outlook:
    """A plan, and what there is to say beside it: what it was made from, how long a run
    would take (``None``: nobody knows), why its total is not known."""

    plan: Plan
    manifests: tuple[Manifest, ...]
    profile: Profile
    snapshot: Snapshot
    estimate_s: float | None
    unpriced: Unpriced | None


def look_ahead(
    options: PlanningOptions,
    observe: Observer,
    *,
    retry_failed: bool = False,
    regenerate: bool = False,
) -> Outlook:
    """What a run would do, from the files to the price. Needs no key, sends nothing.
    Raises ``WanbatchError`` for what a run would be refused for before its approval."""
    checked = check(options, observe)
    profile = choose_backend(options, checked.manifests, offline=True).profile
    plan, snapshot, around = look_and_plan(
        options, checked, profile, observe, retry_failed=retry_failed, regenerate=regenerate
    )
    refuse_older_ledger(options, around)
    refuse_undeliverable(plan, profile, observe)
    return Outlook(
        plan,
        checked.manifests,
        profile,
        snapshot,
        estimate_s(plan, profile, snapshot),
        find_unpriced(plan, profile),
    )


def refuse_undeliverable(plan: Plan, profile: Profile, observe: Observer) -> None:
    """What cannot reach the backend, or is refused there for certain, is an error
    before anything is sent. Raises ``InvalidInput``."""
    refuse_errors(tell_findings(check_fit(plan, profile), observe))


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
