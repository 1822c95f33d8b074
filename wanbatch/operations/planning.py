"""Makes the plan of a command from manifests, ledger and disk, and says what it would
take.

What it may not do: send anything, write anything, or decide about a job (the planner
does).

How it works: ``look_ahead`` is the whole way from files to a plan for those who only
look, ``look_and_plan`` its last step for commands with more to do in between; a run
plans from the ledger that it holds, with ``build_plan``.
"""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from wanbatch.engine.polling.forecast import Forecast, Pace, Task, forecast, usual_durations
from wanbatch.engine.polling.latency import Kind, LatencyModel
from wanbatch.engine.scheduling.works import build_works
from wanbatch.engine.work_items import Phase, WorkItem
from wanbatch.model.elsewhere import NOTHING, Elsewhere
from wanbatch.model.job import Manifest
from wanbatch.model.lifecycle import Snapshot, State
from wanbatch.model.origin import same_origin
from wanbatch.model.period import Allowance
from wanbatch.model.plan import Action, Plan
from wanbatch.model.retrying import Retrying
from wanbatch.model.wire import Profile
from wanbatch.operations.allowance import periods_of
from wanbatch.operations.check import Checked, check, refuse_errors, refuse_fatal, tell_findings
from wanbatch.operations.choose import Unpriced, choose_backend, find_unpriced
from wanbatch.operations.elsewhere import look_around, refuse_older_ledger
from wanbatch.operations.events import Observer, SelectionDoubted, ignore
from wanbatch.operations.evidence import Surroundings
from wanbatch.operations.fit import check_fit
from wanbatch.operations.named_ledger import refuse_other_ledger
from wanbatch.operations.options import PlanningOptions
from wanbatch.operations.retrying import refuse_unknown_codes
from wanbatch.operations.sharding import refuse_other_shards
from wanbatch.operations.shared import read_ledger, title_of
from wanbatch.plan.groups import Group as Group
from wanbatch.plan.groups import group_jobs as group_jobs
from wanbatch.plan.identity import JobKey
from wanbatch.plan.planner import PlanOptions, Target, make_plan
from wanbatch.plan.saved import Basis as Basis
from wanbatch.plan.saved import Choices
from wanbatch.plan.selection import parse_selection
from wanbatch.plan.shards import parse_shard
from wanbatch.videos.outputs import intact_paths
from wanbatch.videos.trash import FOLDER, lies_there, put_back, read_trash, trashed_paths
from wanbatch.words.errors import ExitCode, WanbatchError


def intact_offline(output: Path, profile: Profile, snapshot: Snapshot) -> frozenset[str]:
    """The stored videos that are whole, without asking anybody: what the ledger has
    seen confirmed by the profile's store counts, and a run asks the store itself."""
    trusts = (lambda _path, _bytes: True) if profile.store is not None else None
    return intact_paths(output, snapshot, trusts)


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
    asked: frozenset[str] | None = None,
) -> Plan:
    """The plan under the user's selection, or of the jobs that were ``chosen`` before.
    ``asked`` are the fingerprints that ``retry_failed`` and ``regenerate`` are meant
    for; all where it is ``None``.

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
            shard=parse_shard(options.shard) if options.shard is not None else None,
            first=options.first,
            with_upstream=options.with_upstream,
            retry_failed=retry_failed,
            regenerate=regenerate,
            chosen=chosen,
            asked=asked,
        ),
        at,
        elsewhere,
    )
    refuse_fatal(plan.doubts)
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
    snapshot = read_ledger(options, profile, observe)
    around = look_around(options, checked.manifests, profile, snapshot)
    if around.newer:  # or a run that is going on has just written its report
        snapshot = read_ledger(options, profile, ignore)
        around = look_around(options, checked.manifests, profile, snapshot)
    plan = build_plan(
        options,
        checked,
        profile,
        snapshot,
        intact_offline(options.output, profile, snapshot) | trashed_paths(options.output, snapshot),
        time.time(),
        elsewhere=around.elsewhere,
        retry_failed=retry_failed,
        regenerate=regenerate,
    )
    tell_doubts(plan, observe)
    return plan, snapshot, around


def basis_of(
    options: PlanningOptions,
    profile: Profile,
    snapshot: Snapshot,
    *,
    retry_failed: Retrying = False,
    regenerate: bool = False,
) -> Basis:
    """What a plan under these options is made from, for one that is kept."""
    choices = Choices(
        select=options.select,
        with_upstream=options.with_upstream,
        shard=options.shard,
        variables=options.variables,
        retry_failed=retry_failed,
        regenerate=regenerate,
        output=str(options.output),
        media_root=str(options.media_root) if options.media_root else None,
    )
    return Basis(snapshot.ledger_id, profile.prices, choices)


def put_back_needed(output: Path, plan: Plan) -> None:
    """Takes what the plan uses out of the trash. Raises ``WanbatchError`` (4) for a
    video whose bytes were changed there."""
    needed = {e.attempt.attempt_id for e in plan.jobs if e.attempt and e.action is Action.REUSE}
    put_back(output, needed)
    for left in read_trash(output):
        is_changed = left.sha256 and lies_there(output, left) and not (output / left.path).exists()
        if left.attempt_id in needed and is_changed:
            place = output / FOLDER / left.trash
            raise WanbatchError(
                ExitCode.ENVIRONMENT,
                f"{place} was changed since it was moved there, and {left.job} needs it",
                f"remove it (rm {place}), then run the same command again: the video is"
                " downloaded while the provider has it",
            )


@dataclass(frozen=True, slots=True)
class Foreseen:
    """A plan, and what there is to say beside it: what it was made from, how long a run
    would take (``None``: there is nothing to make), why its total is not known, what is
    left of the budgets of this day and month."""

    plan: Plan
    manifests: tuple[Manifest, ...]
    profile: Profile
    snapshot: Snapshot
    basis: Basis
    estimate: Forecast | None
    unpriced: Unpriced | None
    left: tuple[Allowance, ...] = ()


def look_ahead(
    options: PlanningOptions,
    observe: Observer,
    *,
    retry_failed: Retrying = False,
    regenerate: bool = False,
) -> Foreseen:
    """What a run would do, from the files to the price. Needs no key, sends nothing.
    Raises ``WanbatchError`` for what a run would be refused for before its approval."""
    checked = check(options, observe)
    chosen = choose_backend(options, checked.manifests, offline=True)
    profile = chosen.profile
    plan, snapshot, around = look_and_plan(
        options, checked, profile, observe, retry_failed=retry_failed, regenerate=regenerate
    )
    refuse_other_ledger(chosen.projects, profile, snapshot, title_of(options, profile))
    refuse_older_ledger(options, around)
    refuse_other_shards(options, profile, snapshot.notes)
    refuse_undeliverable(plan, profile, observe)
    return Foreseen(
        plan,
        checked.manifests,
        profile,
        snapshot,
        basis_of(options, profile, snapshot, retry_failed=retry_failed, regenerate=regenerate),
        estimate(plan, profile, snapshot),
        find_unpriced(plan, profile),
        periods_of(chosen.periods, profile, snapshot, time.time()).allowances(),
    )


def refuse_undeliverable(plan: Plan, profile: Profile, observe: Observer) -> None:
    """What cannot reach the backend, or is refused there for certain, is an error
    before anything is sent. Raises ``InvalidInput``."""
    refuse_errors(tell_findings(check_fit(plan, profile), observe))


def estimate(
    plan: Plan, profile: Profile, snapshot: Snapshot, at: float | None = None
) -> Forecast | None:
    """How long a run from now (``at``, in Unix seconds) would take, by what the ledger
    has seen at this origin; ``None`` where there is nothing to make."""
    works = [w for w in build_works(plan, {}) if w.entry.action is not Action.REUSE]
    model = model_of(snapshot, profile.origin)
    usual = usual_durations([kind_of(w) for w in works], model, profile.realm)
    tasks = tasks_of(works, time.time() if at is None else at)
    return forecast(tasks, usual, Pace(profile.rate, profile.max_in_flight))


def model_of(snapshot: Snapshot, origin: str) -> LatencyModel:
    """What the ledger knows of how long tasks take at an origin."""
    model = LatencyModel()
    model.learn(a for a in snapshot.attempts if same_origin(a.origin, origin))
    return model


def kind_of(work: WorkItem) -> Kind:
    return (work.entry.request.seconds, work.entry.request.size)


def tasks_of(works: Sequence[WorkItem], at: float) -> list[Task]:
    """The works that are not done, as a forecast knows them; ``at`` is now."""
    numbers = {work.fingerprint: number for number, work in enumerate(works)}
    return [
        Task(
            kind_of(work),
            tuple(numbers[up] for up in work.upstream if up in numbers),
            _age_s(work, at) if work.phase is Phase.RUNNING else None,
        )
        for work in works
    ]


def _age_s(work: WorkItem, at: float) -> float:
    """How long its task has run; what has ended takes no time any more."""
    last = work.attempts[-1] if work.attempts else None
    if last is None or last.state is not State.ACCEPTED:
        return math.inf
    return max(0.0, at - last.accepted_at)
