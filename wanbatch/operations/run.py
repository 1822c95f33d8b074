"""The one order of a run, for whoever asks for one: a command, a program, a simulation.

What it may not do: print, read a command line, or decide what may be bought (``plan``
and ``engine`` do). Until the approval nothing is sent.

How it works, in this order: check everything; take the run lock; open the ledger;
settle what an earlier process left; reconcile what is uncertain; plan; limit; approval;
probe; work; reconcile again; record how it ended; report. ``prepare`` does what needs
no lock. What is outside is a port (``RunPorts``); what happens is told to an observer
as events.
"""

from __future__ import annotations

import signal
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, AbstractContextManager, nullcontext, suppress
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Protocol

import anyio
import anyio.to_thread
from anyio.abc import TaskGroup, TaskStatus

from wanbatch import __version__
from wanbatch.config.project import ProjectSettings
from wanbatch.engine.notices import StopBuying, TasksResumed
from wanbatch.engine.pacing.budget import Budget
from wanbatch.engine.pacing.periods import Periods
from wanbatch.engine.pacing.submits import SubmitPacer
from wanbatch.engine.polling.batch import ListPolls
from wanbatch.engine.polling.schedule import LatencyModel, PollSchedule
from wanbatch.engine.reconcile import ListingClient, reconcile
from wanbatch.engine.recovery import (
    InFlight,
    find_failed,
    find_in_flight,
    keep_copies,
    place_reused,
    record_authorisations,
    recover_interrupted,
)
from wanbatch.engine.runner import ApiClient, RunContext, Runner, StoredVideo
from wanbatch.engine.scheduler import Scheduler
from wanbatch.engine.scheduling.works import build_works
from wanbatch.engine.work_items import Phase, RunPolicy
from wanbatch.ledger.store import Ledger
from wanbatch.model.archive import NotArchived, is_archived
from wanbatch.model.elsewhere import Elsewhere
from wanbatch.model.job import Manifest
from wanbatch.model.lifecycle import IN_FLIGHT, UNSETTLED, Attempt, RunRecord, Snapshot, State
from wanbatch.model.origin import same_origin
from wanbatch.model.outcomes import ProbeFailed
from wanbatch.model.period import PeriodLimit
from wanbatch.model.plan import Action, JobState, Plan
from wanbatch.model.pool import Pool, PoolNews
from wanbatch.model.report import Remark, Report, Shortfall
from wanbatch.model.wire import Profile, quiet_period_of
from wanbatch.operations.allowance import keep_periods, periods_of
from wanbatch.operations.approval import Approver, keep_limit, require_approval
from wanbatch.operations.approved import Approval
from wanbatch.operations.at_hand import RunArchive, drop_copies, look_with_copies
from wanbatch.operations.check import Checked, check
from wanbatch.operations.choose import (
    SpendingLimit,
    Unpriced,
    choose_backend,
    find_unpriced,
    spending_limit,
)
from wanbatch.operations.elsewhere import look_around, refuse_all_elsewhere, refuse_older_ledger
from wanbatch.operations.events import (
    BuyingStopped,
    ClockDiffers,
    Event,
    JournalBroken,
    Looking,
    LookingAtRest,
    MayFallAsleep,
    NotifyFailed,
    NotPrepared,
    Observer,
    Planned,
    PoolChanged,
    Reconciled,
    RunBegins,
    RunEnds,
    RunEvent,
    Stopping,
    Stored,
    WorkBegins,
    WorkEnds,
)
from wanbatch.operations.folders import make_output
from wanbatch.operations.journal import Journal
from wanbatch.operations.locks import refuse_unlocked
from wanbatch.operations.looking import Beside, Look
from wanbatch.operations.named_ledger import refuse_other_ledger
from wanbatch.operations.notifying import (
    Ended,
    Notify,
    end_facts,
    find_vanishing,
    vanishing_facts,
)
from wanbatch.operations.options import PlanningOptions, RunOptions
from wanbatch.operations.outlook import Outlook
from wanbatch.operations.planning import (
    build_plan,
    model_of,
    put_back_needed,
    refuse_undeliverable,
    tell_doubts,
)
from wanbatch.operations.posters import put_posters
from wanbatch.operations.references import note_plan
from wanbatch.operations.reporting import refuse_shared_folders, viewings_of
from wanbatch.operations.sharding import SHARDS, refuse_other_shards, with_shard
from wanbatch.operations.shared import title_of
from wanbatch.operations.wakefulness import Awake, let_it_sleep
from wanbatch.plan.identity import JobKey
from wanbatch.plan.shards import parse_shard
from wanbatch.providers.dialects.registry import can_list, retention_of
from wanbatch.report.collect import fall_short
from wanbatch.report.remarks import remark_on_shortfalls
from wanbatch.videos.folders import refuse_odd_places
from wanbatch.videos.outputs import intact_paths, set_aside_strangers
from wanbatch.videos.trash import trashed_paths
from wanbatch.words.clock import ServerClock
from wanbatch.words.errors import ExitCode, WanbatchError, innermost
from wanbatch.words.loops import door_into_loop

UNNOTICED_S = 0.5
"""Nobody needs to be told why a run takes so much longer."""
VANISHING_LOOK_S = 60.0
"""Of two hours, a minute is not worth a word."""
FORECAST_REST = 100.0
"""After a forecast this many times as long as it took is none made: it costs 1 % of a
core at most (chosen)."""
WRONG_CLOCK_S = 60.0
"""A clock that is off by less is not worth a word."""


class RunClient(ApiClient, ListingClient, Protocol):
    """The API, as a run uses it."""

    @property
    def requests(self) -> int: ...
    @property
    def lists_tasks(self) -> bool: ...


@dataclass(frozen=True, slots=True)
class Prepared:
    """What a run is made of once everything was checked. ``approval`` is the saved plan
    that it carries out, where there is one; ``periods`` are what all runs of the ledger
    share, ``projects`` what files of the repo say."""

    options: PlanningOptions
    run: RunOptions
    checked: Checked
    profile: Profile
    limit: SpendingLimit
    approval: Approval | None = None
    periods: tuple[PeriodLimit, ...] = ()
    projects: tuple[ProjectSettings, ...] = ()


@dataclass(frozen=True, slots=True)
class RunPorts:
    """What a run has to do with outside of itself.

    ``wall`` reads Unix seconds, ``ticks`` seconds of a clock that runs during sleep,
    ``chance`` a number in [0, 1). ``lock`` keeps a second run out. ``free_bytes`` reads
    the room on the output's disk; ``None`` where nobody looks. ``watch`` says that it
    has started, goes on beside the work, and may call ``Run.interrupt``; it is
    cancelled at the end. ``pool`` does what touches the bytes of videos; ``look`` has
    it look at one that is stored, ``None`` where nobody looks. ``report`` writes what
    people read, from the plan, the ledger and the run's id, and returns each page's
    path with its report. ``awake`` keeps the machine awake while something that costs
    money is under way. ``notify`` runs the
    user's command, in a thread; ``None`` where there is none. ``journal`` keeps what
    happens; ``None`` where nobody reads it. ``archive`` is where finished videos live;
    ``None`` for the output folder. Every ``forecast_every_s`` seconds it is
    told how long the rest takes; ``None`` where nobody asks.
    """

    run_id: str
    wall: Callable[[], float]
    ticks: Callable[[], float]
    chance: Callable[[], float]
    lock: Callable[[], AbstractContextManager[object]]
    open_ledger: Callable[[], AbstractAsyncContextManager[Ledger]]
    open_client: Callable[[ServerClock], AbstractAsyncContextManager[RunClient]]
    free_bytes: Callable[[], int] | None
    watch: Callable[[Run, TaskStatus[None]], Awaitable[None]]
    pool: Pool
    look: Look | None
    report: Callable[[Plan, Snapshot, str], Sequence[tuple[Path, Report]]]
    awake: Awake = let_it_sleep
    notify: Notify | None = None
    journal: Callable[[], Journal] | None = None
    forecast_every_s: float | None = None
    archive: RunArchive | None = None


@dataclass(slots=True)
class RunResult:
    """How a run ended.

    ``plan`` is how every job stands at the end. ``own`` are the attempts that this run
    opened, ``taken_up`` those of earlier runs that it went on with. ``trouble`` is what
    in the environment stopped it, ``hint`` what to do about that. ``reasons`` says by
    job why nothing was sent for it. ``shortfalls`` are videos that are done and not
    as they should be, ``remarks`` sum them up. ``reports`` are the pages' paths,
    ``documents`` what they say of ``manifests``.
    """

    code: ExitCode
    plan: Plan
    snapshot: Snapshot
    own: tuple[Attempt, ...]
    taken_up: tuple[Attempt, ...]
    started_at: float
    finished_at: float
    fetched: int = 0
    is_under_way: bool = False
    signal: signal.Signals | None = None
    trouble: str = ""
    hint: str = ""
    reasons: Mapping[str, str] = field(default_factory=dict)
    reports: tuple[Path, ...] = ()
    shortfalls: tuple[Shortfall, ...] = ()
    remarks: tuple[Remark, ...] = ()
    documents: tuple[Report, ...] = ()
    manifests: tuple[Manifest, ...] = ()


def prepare(options: PlanningOptions, run: RunOptions, observe: Observer) -> Prepared:
    """Everything that is checked before the lock is taken. Raises ``WanbatchError``."""
    checked = check(options, observe)
    refuse_odd_places(options.output, [m.name for m in checked.manifests])
    refuse_shared_folders(options, checked.manifests)
    chosen = choose_backend(options, checked.manifests, offline=False)
    limit = spending_limit(run.max_cost, checked.manifests, chosen.projects)
    profile = raise_limits(chosen.profile, run)
    approval = Approval(run.approved, options, profile) if run.approved else None
    if approval:
        approval.refuse_early(checked)
    make_output(options.output)
    return Prepared(
        options, run, checked, profile, limit, approval, chosen.periods, chosen.projects
    )


def carry_out(
    options: PlanningOptions,
    run: RunOptions,
    approver: Approver,
    observe: Observer,
    open_ports: Callable[[Prepared], RunPorts],
    execute: Callable[[Run], Awaitable[RunResult]] | None = None,
    end: Callable[[RunResult], None] | None = None,
) -> RunResult:
    """A run from its checks to its report, in this thread and a loop of its own, for
    commands and programs. ``execute`` is as in ``start``; ``end`` hears of the result
    before the user's own command does. Raises ``WanbatchError``."""
    prepared = prepare(options, run, observe)
    ports = open_ports(prepared)
    work = Run(prepared, ports, approver, observe)
    try:
        result = start(work, execute)
    except Exception as error:  # a task group wraps what ended it
        refusal = innermost(error)
        if isinstance(refusal, WanbatchError):
            work.notify_refusal(refusal)
        raise
    finally:
        ports.pool.close()
    if end is not None:
        end(result)
    work.notify_end(result)
    return result


def raise_limits(profile: Profile, run: RunOptions) -> Profile:
    """What is said for this run is the user's own word, and may raise as well as
    lower."""
    return replace(
        profile,
        max_in_flight=run.max_in_flight or profile.max_in_flight,
        rate=run.rate or profile.rate,
        poll_interval_s=run.poll_interval_s or profile.poll_interval_s,
        submit_timeout_s=run.submit_timeout_s or profile.submit_timeout_s,
        quiet_period_s=_quiet_period_s(profile, run.submit_timeout_s),
    )


def _quiet_period_s(profile: Profile, timeout_s: float | None) -> float:
    """A submit that may be answered later may be listed later: absence needs a longer
    wait."""
    if timeout_s is None or profile.realm == "emulator":
        return profile.quiet_period_s
    return max(profile.quiet_period_s, quiet_period_of(timeout_s))


async def watch_nothing(_run: Run, task_status: TaskStatus[None]) -> None:
    """For runs that nobody interrupts."""
    task_status.started()


def start(run: Run, execute: Callable[[Run], Awaitable[RunResult]] | None = None) -> RunResult:
    """Executes ``run`` under its lock, in an event loop of its own; ``execute`` does so
    for callers with something to do around it. Raises ``WanbatchError``."""
    with run.lock():  # outside of the loop: waiting for it ends at Ctrl-C
        result = anyio.run(execute or Run.execute, run)
        run.note_references(result)
        return result


class Run:
    """One run. ``execute`` once, with ``lock`` held; ``interrupt`` from
    ``RunPorts.watch``."""

    def __init__(
        self, prepared: Prepared, ports: RunPorts, approver: Approver, observe: Observer
    ) -> None:
        self._options, self._run, self._checked = prepared.options, prepared.run, prepared.checked
        self._profile, self._limit = prepared.profile, prepared.limit
        self._approval, self._most = prepared.approval, prepared.limit.amount
        self._limits, self._projects = prepared.periods, prepared.projects
        self._ports, self._approver, self._observe = ports, approver, observe
        self._journal = ports.journal() if ports.journal is not None else None
        self._started_at = ports.wall()
        self._clock = ServerClock(ports.wall, ports.ticks)
        prices = self._profile.prices
        self.context = RunContext(
            ports.run_id,
            self._profile.name,
            self._profile.realm,
            self._profile.origin,
            prices.currency if prices else "",
            self._options.output,
            self._clock.now,
            ports.pool,
            self._clock,
            retention_of(self._profile.kind),
            ports.free_bytes,
            ports.archive,
        )
        self._archive, self._has_learnt = ports.archive, False
        self.scheduler: Scheduler | None = None
        self.runner: Runner | None = None
        self._scope: anyio.CancelScope | None = None
        self._signal: signal.Signals | None = None
        self._trouble = self._hint = ""
        self._fetched = self._requests = 0
        self._reasons: dict[str, str] = {}
        self._chosen: frozenset[JobKey] = frozenset()
        self._taken_up: frozenset[int] = frozenset()
        self._beside: Beside | None = None
        self._has_called = False
        self._model = LatencyModel()

    def lock(self) -> AbstractContextManager[object]:
        """Keeps every other run out of the output folder."""
        return self._ports.lock()

    def _tell(self, event: Event) -> None:
        """To the journal first: what watches may fail."""
        if self._journal is not None:
            self._journal.take(event, self._ports.wall())
            while self._journal.trouble:
                self._observe(JournalBroken(self._journal.trouble.pop()))
        self._observe(event)

    async def execute(self) -> RunResult:
        """The whole run, with the lock held. Raises ``WanbatchError`` where it may not
        go on."""
        with self._journal or nullcontext():
            return await self._execute()

    async def _execute(self) -> RunResult:
        self._listen()
        async with self._ports.open_ledger() as ledger:
            elsewhere = self._look_around(ledger.snapshot)
            self._taken_up = self._unfinished(ledger.snapshot)
            await self._learn_archive(ledger.snapshot)
            await recover_interrupted(self.context, ledger)
            if self._has_uncertain(ledger.snapshot):
                async with self._ports.open_client(self._clock) as client:
                    await self._reconcile(ledger, client)
            plan = self._make_plan(ledger.snapshot, elsewhere)
            in_flight = self._announce(plan, ledger.snapshot)
            if self._run.locked:
                refuse_unlocked(self._checked, plan)
            if self._run.buys:
                self._allow(plan, in_flight, ledger.snapshot)
            self._most = self._limit.amount  # as it was kept
            if self._approval:
                self._most = self._approval.lower(self._most, ledger.snapshot)
            async with anyio.create_task_group() as group:
                with anyio.CancelScope() as self._scope:
                    await group.start(self._watch)
                    if self._ports.notify is not None:
                        group.start_soon(self._call_before_it_vanishes, ledger)
                    await self._do(ledger, plan, in_flight, group)
                result = await self._finish(ledger, elsewhere)
                group.cancel_scope.cancel()
            return result

    def _listen(self) -> None:
        """What becomes of the workers is told in this loop, for as long as it runs."""
        door = door_into_loop()

        def take(news: PoolNews) -> None:
            with suppress(RuntimeError):
                door(self._tell, PoolChanged(news))

        self._ports.pool.listen(take)

    def note_references(self, result: RunResult) -> None:
        """Which videos these manifests need, for ``clean``; with the lock still held,
        and the ledger closed."""
        at = self._ports.wall()
        note_plan(self._options, self._checked, result.plan, result.snapshot, at)

    async def _watch(self, *, task_status: TaskStatus[None]) -> None:
        await self._ports.watch(self, task_status)

    async def _call_before_it_vanishes(self, ledger: Ledger) -> None:
        """Runs the user's command once, where a paid video cannot be had and soon will
        be gone."""
        found: list[Attempt] = []
        while not found:  # it is time that is waited for
            await anyio.sleep(VANISHING_LOOK_S)
            found = find_vanishing(ledger.snapshot.attempts, self._clock.now())
        self._has_called = True
        facts = vanishing_facts(self.context.run_id, found)
        self._hear(await anyio.to_thread.run_sync(self._notify, facts, abandon_on_cancel=True))

    def notify_end(self, result: RunResult) -> None:
        """Runs the user's command, once the run has ended and everything is written."""
        run_id = self.context.run_id
        found = find_vanishing(result.snapshot.attempts, self._clock.now())
        if found and not self._has_called:
            self._hear(self._notify(vanishing_facts(run_id, found)))
        end = Ended(result.code, run_id, result.plan, result.own, result.reports, result.trouble)
        self._hear(self._notify(end_facts(end)))

    def notify_refusal(self, error: WanbatchError) -> None:
        """Runs the user's command, where the run could not go on."""
        end = Ended(error.exit_code, self.context.run_id, trouble=error.message)
        self._hear(self._notify(end_facts(end)))

    def _notify(self, facts: Mapping[str, str]) -> str:
        return self._ports.notify(facts) if self._ports.notify is not None else ""

    def _hear(self, trouble: str) -> None:
        if trouble:
            self._tell(NotifyFailed(trouble))

    def interrupt(self, number: signal.Signals) -> None:
        """The first time it ends buying and waits for what is under way, the second
        time it leaves at once. Before the work begins nothing is waited for."""
        is_second = self._signal is not None
        self._signal = self._signal or number
        if self.runner is None:
            if self._scope is not None:
                self._scope.cancel()
        elif is_second:
            self.runner.abort()
        else:
            self._tell(Stopping())
            self.runner.stop("interrupted")

    # -- before ------------------------------------------------------------------------

    def _look_around(self, snapshot: Snapshot) -> Elsewhere:
        """What this ledger says cannot be all, or may not be acted on. Raises
        ``WanbatchError``."""
        options, manifests = self._options, self._checked.manifests
        unsettled = {a.manifest for a in snapshot.attempts if a.state in UNSETTLED}
        refuse_odd_places(options.output, unsettled)
        around = look_around(options, manifests, self._profile, snapshot)
        if self._run.buys:
            title = title_of(options, self._profile)
            refuse_other_ledger(self._projects, self._profile, snapshot, title)
            refuse_older_ledger(options, around)
            refuse_other_shards(options, self._profile, snapshot.notes)
        set_aside_strangers(options.output, [m.name for m in manifests], snapshot)
        return around.elsewhere

    def _unfinished(self, snapshot: Snapshot) -> frozenset[int]:
        """What earlier runs bought here, or may have, and did not bring to its end."""
        return frozenset(
            a.attempt_id
            for a in snapshot.attempts
            if a.state in IN_FLIGHT | {State.INTENT} and self._is_here(a)
        )

    def _is_here(self, attempt: Attempt) -> bool:
        profile = self._profile
        return attempt.realm == profile.realm and same_origin(attempt.origin, profile.origin)

    def _make_plan(
        self, snapshot: Snapshot, elsewhere: Elsewhere, *, is_last: bool = False
    ) -> Plan:
        """The last plan tells how the jobs of the first stand, and asks for nothing. Of
        a saved plan's jobs nothing else is planned than that has. Raises
        ``WanbatchError`` (3) where it is stale."""
        approval, chosen = self._approval, self._chosen if is_last else None
        intact = self._intact(snapshot)
        plan = build_plan(
            self._options,
            self._checked,
            self._profile,
            snapshot,
            intact | trashed_paths(self._options.output, snapshot),
            self._ports.wall(),
            elsewhere=elsewhere,
            retry_failed=False if is_last else self._run.retry_failed,
            regenerate=self._run.regenerate and not is_last,
            chosen=approval.saved.selected() if approval else chosen,
            asked=approval.still_asked(snapshot) if approval else None,
        )
        if approval:
            plan = approval.hold(plan) if is_last else approval.keep(plan, snapshot)
        if not is_last:
            tell_doubts(plan, self._tell)
            self._chosen = frozenset((e.job.manifest, e.name) for e in plan.selected())
        return plan

    def _announce(self, plan: Plan, snapshot: Snapshot) -> InFlight:
        """Tells what is about to be done, where the backend takes it. Raises
        ``WanbatchError``."""
        refuse_undeliverable(plan, self._profile, self._tell)
        found = find_in_flight(self.context, snapshot, plan)
        mine = {entry.attempt.attempt_id for entry in plan.jobs if entry.attempt}
        self._tell(
            Planned(
                plan,
                len(found.here),
                len(find_failed(self.context, snapshot)),
                tuple(a for a in found.here if a.attempt_id not in mine),
                found.elsewhere,
                self._periods(snapshot).allowances() if self._run.buys else (),
            )
        )
        return found

    def _allow(self, plan: Plan, in_flight: InFlight, snapshot: Snapshot) -> None:
        """What must be said before anything is bought. Raises ``WanbatchError`` (3)."""
        if not in_flight.here:
            refuse_all_elsewhere(self._options, plan, self._tell)
        unpriced = find_unpriced(plan, self._profile)
        self._keep_limit(plan, unpriced)
        self._keep_periods(plan, snapshot, unpriced)
        require_approval(plan, self._run, unpriced, self._approver)

    def _keep_limit(self, plan: Plan, unpriced: Unpriced | None) -> None:
        keep_limit(plan, self._limit, unpriced)
        if self._approval and self._approval.limit:
            keep_limit(plan, self._approval.limit, unpriced)

    def _keep_periods(self, plan: Plan, snapshot: Snapshot, unpriced: Unpriced | None) -> None:
        keep_periods(plan, self._periods(snapshot), self._profile, snapshot, unpriced)

    def _periods(self, snapshot: Snapshot) -> Periods:
        """What the ledger has spent in this day and month, by what the clocks say
        now."""
        now, offset_s = self._clock.now(), self._clock.cautious_offset_s
        return periods_of(self._limits, self._profile, snapshot, now, offset_s)

    # -- the store of the videos -------------------------------------------------------

    async def _learn_archive(self, snapshot: Snapshot) -> None:
        """Asks the store which videos it has, where the ledger names any. From one that
        is silent nothing follows: nothing is bought, and nothing is called lost."""
        archive = self._archive
        stored = (a.path for a in snapshot.attempts if a.state is State.STORED)
        if archive is None or not any(map(is_archived, stored)):
            return
        with suppress(NotArchived):
            await archive.learn()
            self._has_learnt = True
            await keep_copies(self.context, archive, snapshot, archive.sizes)

    def _intact(self, snapshot: Snapshot) -> frozenset[str]:
        holds = None if self._archive is None else self._holds
        return intact_paths(self._options.output, snapshot, holds)

    def _holds(self, path: str, size: int) -> bool:
        """Whether the store has a video; its ledger is believed while it is silent."""
        if self._archive is None or not self._has_learnt:
            return True
        return self._archive.sizes.get(path) == size

    async def _end_archiving(self, plan: Plan, snapshot: Snapshot) -> None:
        """Copies that nobody needs any more go, posters follow that the store lacks,
        and what is wrong with it is what the run ends with."""
        archive = self._archive
        if archive is None:
            return
        viewings = self._beside.viewings if self._beside is not None else None
        if self._signal is None:
            if viewings is not None and self._has_learnt:
                subjects = viewings.subjects(plan, snapshot)
                await put_posters(self._ports.pool, archive, self._options.output, subjects)
            work = partial(drop_copies, self._options.output, archive, viewings, plan, snapshot)
            await anyio.to_thread.run_sync(work)
        if archive.trouble:
            self._trouble = archive.trouble
            self._hint = (
                "videos that are paid for lie under"
                f" {self._options.output} and go to the store when the same command is run again"
            )

    # -- uncertain jobs ----------------------------------------------------------------

    def _has_uncertain(self, snapshot: Snapshot) -> bool:
        return any(
            a.state is State.UNCERTAIN
            and a.realm == "paid"
            and same_origin(a.origin, self._profile.origin)
            for a in snapshot.attempts
        )

    async def _reconcile(self, ledger: Ledger, client: RunClient) -> None:
        """Asks the account's list, where the API has one, what became of uncertain
        submits.

        The probe comes first for its ``Date``: by a clock that is ahead a listing would
        seem late enough to prove that nothing was bought.
        """
        if not client.lists_tasks or isinstance(await client.probe(), ProbeFailed):
            return
        for verdict in await reconcile(
            ledger,
            client,
            self._profile.origin,
            self._profile.quiet_period_s,
            self._clock.now,
            shared=self._profile.shared_account,
        ):
            self._tell(Reconciled(verdict))

    # -- the work ----------------------------------------------------------------------

    async def _do(self, ledger: Ledger, plan: Plan, in_flight: InFlight, group: TaskGroup) -> None:
        for manifest in self._checked.manifests:  # before anything is bought for it
            make_output(self._options.output / manifest.name / "videos")
        for manifest in self._checked.manifests:
            await ledger.begin_run(self._record(manifest.name))
        await self._remember_shard(ledger)
        put_back_needed(self._options.output, plan)
        names = tuple(manifest.name for manifest in self._checked.manifests)
        context = self.context
        self._tell(RunBegins(context.run_id, context.backend, context.realm, names))
        intact = self._intact(ledger.snapshot)
        homes = await place_reused(self.context, ledger, plan, intact)
        self._begin_looking(ledger, plan, group)
        try:
            await self._talk(ledger, plan, in_flight, homes)
            await self._look_at_rest()
            await self._end_archiving(plan, ledger.snapshot)
        finally:
            if self._beside is not None:
                self._beside.close()

    async def _remember_shard(self, ledger: Ledger) -> None:
        """Before the first purchase: what the other shards buy is not to be bought by
        this ledger."""
        if not self._options.shard or not self._run.buys:
            return
        before = ledger.snapshot.notes.get(SHARDS, "")
        after = with_shard(before, self._profile.realm, parse_shard(self._options.shard))
        if after != before:
            await ledger.keep_note(SHARDS, after)

    async def _talk(
        self,
        ledger: Ledger,
        plan: Plan,
        in_flight: InFlight,
        homes: Mapping[str, StoredVideo],
    ) -> None:
        """All that needs the API, where something does."""
        buys = self._run.buys and plan.count()[Action.GENERATE]
        if in_flight.here or buys or find_failed(self.context, ledger.snapshot):
            keep = self._ports.awake if self._profile.realm == "paid" else let_it_sleep
            async with self._ports.open_client(self._clock) as client:
                with keep() as awake:
                    try:
                        await self._work(ledger, client, plan, in_flight, homes)
                    finally:
                        self._requests = client.requests
                if awake.trouble:
                    self._tell(MayFallAsleep(awake.trouble))

    def _begin_looking(self, ledger: Ledger, plan: Plan, group: TaskGroup) -> None:
        """From now on videos are looked at as they come, those first that are here."""
        if self._ports.look is None:
            return
        snapshot = ledger.snapshot
        viewings = viewings_of(self._options, plan, snapshot)
        ports, tell, look = self._ports, self._tell, self._ports.look
        if self._archive is not None:
            look = look_with_copies(look, self._options.output, self._archive, plan)
        self._beside = Beside(
            viewings, ports.pool, look, ledger, lambda videos: tell(Looking(videos))
        )
        group.start_soon(self._beside.keep)
        self._beside.offer(viewings.subjects(plan, snapshot))

    async def _look_at_rest(self) -> None:
        """Waits for what is still being looked at, unless somebody wants to leave: then
        the next report does it."""
        if self._beside is None or self._signal is not None or not self._beside.under_way:
            return
        with anyio.move_on_after(UNNOTICED_S):
            await self._beside.wait()
            return
        self._tell(LookingAtRest(self._beside.under_way))
        await self._beside.wait()

    def _record(self, manifest: str) -> RunRecord:
        return RunRecord(
            self.context.run_id,
            manifest,
            self._profile.name,
            self._profile.realm,
            self._started_at,
            wanbatch_version=__version__,
            plan=self._approval.saved.digest if self._approval else "",
        )

    async def _work(
        self,
        ledger: Ledger,
        client: RunClient,
        plan: Plan,
        in_flight: InFlight,
        homes: Mapping[str, StoredVideo],
    ) -> None:
        probe = await client.probe()
        if isinstance(probe, ProbeFailed):
            raise WanbatchError(
                ExitCode.ENVIRONMENT,
                f"backend {self._profile.name} did not answer as it should: {probe.reason};"
                " nothing was spent",
                *filter(None, [probe.hint]),
            )
        if self._run.buys:  # again: now the server has said what day it is
            self._keep_periods(plan, ledger.snapshot, None)
            plan = await record_authorisations(self.context, ledger, plan)
        scheduler = self.scheduler = self._make_scheduler(plan, ledger.snapshot)
        if not self._run.buys:
            scheduler.handle(StopBuying("fetch never submits"), anyio.current_time())
        elif self._archive is not None and self._archive.trouble:
            scheduler.handle(StopBuying(self._archive.trouble), anyio.current_time())
        ahead_s = -(self._clock.offset_s or 0.0)
        if abs(ahead_s) > WRONG_CLOCK_S:  # one answer proves nothing, and is worth a word
            self._tell(ClockDiffers(ahead_s))
        failed = find_failed(self.context, ledger.snapshot)
        scheduler.handle(
            TasksResumed(in_flight.here, self._clock.now(), failed), anyio.current_time()
        )
        running = frozenset(a.fingerprint for a in in_flight.here)
        bought = frozenset(
            w.fingerprint
            for w in scheduler.works
            if w.entry.action is Action.GENERATE and self._run.buys
        )
        self._tell(WorkBegins(running | bought, running, plan.currency, in_flight.here))
        try:
            self.runner = Runner(self.context, scheduler, ledger, client, self._take, homes)
            await self._run_foretold(self.runner, scheduler)
            self.runner = None
        finally:
            self._tell(WorkEnds())
        stop = scheduler.course.reason
        if stop is not None and stop.is_trouble:
            self._trouble, self._hint = stop.text, stop.hint
        if self._signal is None and self._has_uncertain(ledger.snapshot):
            await self._reconcile(ledger, client)
        told = self._signal or self._trouble
        if stop is not None and self._run.buys and not told:
            self._tell(BuyingStopped(stop.text))

    async def _run_foretold(self, runner: Runner, scheduler: Scheduler) -> None:
        """The work, and beside it how long it will take, where somebody asks."""
        if self._ports.forecast_every_s is None:
            await runner.run()
            return
        async with anyio.create_task_group() as group:
            group.start_soon(self._foretell, scheduler, self._ports.forecast_every_s)
            await runner.run()
            group.cancel_scope.cancel()

    async def _foretell(self, scheduler: Scheduler, every_s: float) -> None:
        """Tells again and again how long the rest takes, until it is cancelled. What
        goes wrong with that ends the telling: nothing that is paid for hangs on it."""
        outlook = Outlook(scheduler, self._model, self._profile.realm)
        while True:
            began = anyio.current_time()
            try:
                question = outlook.question(began, self._clock.now())
                estimated = await anyio.to_thread.run_sync(question, abandon_on_cancel=True)
            except Exception:  # noqa: BLE001 - whatever it is, the work goes on
                return
            self._tell(estimated)
            await anyio.sleep(max(every_s, FORECAST_REST * (anyio.current_time() - began)))

    def _take(self, event: RunEvent) -> None:
        match event:
            case Stored(attempt):
                self._fetched += 1
                if self._beside is not None:
                    self._beside.take(attempt)
            case NotPrepared(job, text):
                self._reasons[job] = text
            case _:
                pass
        self._tell(event)

    def _make_scheduler(self, plan: Plan, snapshot: Snapshot) -> Scheduler:
        profile, manifests, chance = self._profile, self._checked.manifests, self._ports.chance
        self._model = model = model_of(snapshot, profile.origin)
        return Scheduler(
            build_works(
                plan,
                {m.name: m.run.retries for m in manifests},
                self._approval.brought_home if self._approval else (),
            ),
            SubmitPacer(
                profile.rate,
                profile.max_in_flight,
                profile.submit_concurrency,
                chance=chance,
                usual_s=model.usual_s,
            ),
            PollSchedule(profile.poll_interval_s, profile.queries_per_second, model, chance=chance),
            Budget(self._most, title=self._approval.purse if self._approval else "the budget"),
            RunPolicy(
                self._run.wait_s,
                frozenset(m.name for m in manifests if m.run.on_failure == "stop"),
                self.context.retention,
            ),
            ListPolls(profile.poll_interval_s) if can_list(profile.kind) else None,
            periods=self._periods(snapshot) if self._run.buys else None,
        )

    # -- after -------------------------------------------------------------------------

    async def _finish(self, ledger: Ledger, elsewhere: Elsewhere) -> RunResult:
        plan = self._make_plan(ledger.snapshot, elsewhere, is_last=True)
        shortfalls = self._find_shortfalls(plan, ledger.snapshot)
        code, finished_at = self._exit_code(plan, shortfalls), self._ports.wall()
        for manifest in self._checked.manifests:
            await ledger.finish_run(
                replace(
                    self._record(manifest.name),
                    finished_at=finished_at,
                    exit_code=int(code),
                    http_requests=self._requests,
                )
            )
        snapshot = ledger.snapshot
        run_id = self.context.run_id
        states = Counter(entry.state.value for entry in plan.selected())
        self._tell(RunEnds(int(code), states))
        written = await anyio.to_thread.run_sync(self._ports.report, plan, snapshot, run_id)
        return RunResult(
            code,
            plan,
            snapshot,
            tuple(a for a in snapshot.attempts if a.run_id == run_id),
            tuple(a for a in snapshot.attempts if a.attempt_id in self._taken_up),
            self._started_at,
            finished_at,
            self._fetched,
            any(a.state in IN_FLIGHT and self._is_here(a) for a in snapshot.attempts),
            self._signal,
            self._trouble,
            self._hint,
            self._unsent(plan) | self._reasons,
            tuple(page for page, _ in written),
            shortfalls,
            remark_on_shortfalls(shortfalls, with_names=False),
            tuple(report for _, report in written),
            self._checked.manifests,
        )

    def _unsent(self, plan: Plan) -> dict[str, str]:
        """Why jobs that could still be bought were not, by name."""
        works = self.scheduler.works if self.scheduler is not None else ()
        why = {w.entry.name: w.reason for w in works if w.phase is Phase.STUCK and w.reason}
        return {
            entry.name: why[entry.name]
            for entry in plan.selected()
            if entry.state is JobState.PLANNED and entry.name in why
        }

    def _find_shortfalls(self, plan: Plan, snapshot: Snapshot) -> tuple[Shortfall, ...]:
        """Videos of the selected jobs that are not as they should be."""
        viewings = self._beside.viewings if self._beside is not None else None
        looks = viewings.by_attempt(plan, snapshot) if viewings is not None else {}
        return fall_short(plan.selected(), plan, looks)

    def _exit_code(self, plan: Plan, shortfalls: Sequence[Shortfall]) -> ExitCode:
        if self._signal is not None:
            is_term = self._signal is signal.SIGTERM
            return ExitCode.TERMINATED if is_term else ExitCode.INTERRUPTED
        if self._trouble:
            return ExitCode.ENVIRONMENT
        done = all(entry.state is JobState.DONE for entry in plan.selected())
        unmet = any(one.expected for one in shortfalls)
        return ExitCode.DONE if done and not unmet else ExitCode.UNFINISHED
