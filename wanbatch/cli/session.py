"""One call of ``run`` or ``fetch``: the whole way from manifests to videos and reports.

What it may not do: decide what may be bought (``plan`` and the engine do) or lose the user's consent on the way: every purchase passes ``approve``.

How it works, in this order: check everything; take the run lock; open the ledger; settle what an earlier process left; plan; budget; approval; probe;
run; record how it ended; report. Until the approval nothing is sent.
"""

from __future__ import annotations

import os
import random
import secrets
import shutil
import signal
import sys
import time
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING

import anyio
import click

from wanbatch import __version__
from wanbatch.cli import guard, stages
from wanbatch.cli.console import duration, money, plural, say, tell, wants_color
from wanbatch.cli.ending import (
    command_that_buys,
    command_that_continues,
    commands_that_decide,
    sum_up_fetch,
    sum_up_money,
    sum_up_time,
)
from wanbatch.cli.options import Settings
from wanbatch.cli.plan import show_plan
from wanbatch.cli.progress import Counts, choose_display
from wanbatch.cli.ticks import choose_ticks
from wanbatch.cli.wording import fetch_line, job_line, plan_line, state_counts
from wanbatch.engine.pacing.budget import Budget
from wanbatch.engine.pacing.submits import SubmitPacer
from wanbatch.engine.polling.batch import ListPolls
from wanbatch.engine.polling.schedule import LatencyModel, PollSchedule
from wanbatch.engine.reconcile import Absent, Adopt, Undecided, reconcile
from wanbatch.engine.recovery import (
    InFlight,
    find_failed,
    find_in_flight,
    place_reused,
    record_authorisations,
    settle_leftovers,
)
from wanbatch.engine.runner import Home, Notice, RunContext, Runner
from wanbatch.engine.scheduler import Conductor, build_works
from wanbatch.engine.work_items import Limits
from wanbatch.ledger.lock import RunLock
from wanbatch.ledger.store import Ledger
from wanbatch.model.elsewhere import Elsewhere
from wanbatch.model.lifecycle import IN_FLIGHT, UNSETTLED, Attempt, RunRecord, Snapshot, State
from wanbatch.model.origin import same_origin, say_home
from wanbatch.model.outcomes import ProbeFailed
from wanbatch.model.plan import Action, JobState, Plan
from wanbatch.model.wire import quiet_period_of
from wanbatch.plan.identity import JobKey
from wanbatch.providers.dialects.registry import retention_of
from wanbatch.videos.outputs import intact_paths, set_aside_strangers
from wanbatch.words.clock import ServerClock
from wanbatch.words.disk import oddities
from wanbatch.words.errors import ExitCode, Refusal

if TYPE_CHECKING:
    from anyio.abc import TaskStatus

    from wanbatch.model.wire import Profile
    from wanbatch.providers.client import Backend


WRONG_CLOCK_S = 60.0
"""A clock that is off by less is not worth a word."""


@dataclass(frozen=True, slots=True)
class Order:
    """What the user asked a run for. ``buys`` is false for ``fetch``. ``None`` leaves a limit to the profile and the manifests."""

    buys: bool = True
    yes: bool = False
    max_cost: Decimal | None = None
    max_in_flight: int | None = None
    rate: float | None = None
    poll_interval_s: float | None = None
    submit_timeout_s: float | None = None
    wait_s: float = 7200.0
    lock_timeout_s: float = 0.0
    retry_failed: bool = False
    regenerate: bool = False


def start(settings: Settings, order: Order) -> int:
    """Checks, locks, and runs; returns the exit code."""
    checked = stages.read_and_check(settings, quiet_warnings=settings.quiet)
    guard.refuse_odd_places(settings, [m.name for m in checked.manifests])
    stages.refuse_shared_folders(settings, checked.manifests)
    chosen = stages.choose_backend(settings, checked.manifests, offline=False)
    profile = _ordered(chosen.profile, order)
    limit, source = stages.spending_limit(order.max_cost, checked.manifests, chosen.projects)
    _make_folder(settings.output)
    with RunLock(settings.output, timeout_s=order.lock_timeout_s):
        return anyio.run(_Session(settings, order, checked, profile, limit, source).run)


def _make_folder(output: Path) -> None:
    try:
        output.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise Refusal(
            ExitCode.ENVIRONMENT,
            f"the output folder {output} cannot be made: {error.strerror}",
            "choose another with --output",
        ) from error


def _ordered(profile: Profile, order: Order) -> Profile:
    """The profile with what the command line says, which is the user's own word and may raise as well as lower."""
    return replace(
        profile,
        max_in_flight=order.max_in_flight or profile.max_in_flight,
        rate=order.rate or profile.rate,
        poll_interval_s=order.poll_interval_s or profile.poll_interval_s,
        submit_timeout_s=order.submit_timeout_s or profile.submit_timeout_s,
        quiet_period_s=_quiet_period_s(profile, order.submit_timeout_s),
    )


def _quiet_period_s(profile: Profile, timeout_s: float | None) -> float:
    """A submit that may be answered later may be listed later: absence needs a longer wait."""
    if timeout_s is None or profile.realm == "emulator":
        return profile.quiet_period_s
    return max(profile.quiet_period_s, quiet_period_of(timeout_s))


@dataclass(slots=True)
class _Ending:
    """How a run ended, beside what the ledger knows: by a signal, or by trouble with the environment."""

    signal: signal.Signals | None = None
    trouble: str = ""
    hint: str = ""
    fetched: int = 0
    reasons: dict[str, str] = field(default_factory=dict)


class _Session:
    """One call of ``run`` or ``fetch`` with the lock held."""

    work_scope: anyio.CancelScope
    elsewhere: Elsewhere

    def __init__(
        self,
        settings: Settings,
        order: Order,
        checked: stages.Checked,
        profile: Profile,
        limit: Decimal | None,
        limit_source: str,
    ) -> None:
        self.settings, self.order, self.checked, self.profile = settings, order, checked, profile
        self.limit, self.limit_source = limit, limit_source
        self.started_at = time.time()
        run_id = (
            time.strftime("%Y%m%dT%H%M%SZ", time.gmtime(self.started_at))
            + "-"
            + secrets.token_hex(3)
        )
        currency = profile.prices.currency if profile.prices else ""
        self.clock = ServerClock(time.time, choose_ticks())
        self.context = RunContext(
            run_id,
            profile.name,
            profile.realm,
            profile.origin,
            currency,
            settings.output,
            self.clock.now,
            self.clock,
            retention_of(profile.kind),
            lambda: shutil.disk_usage(settings.output).free,
        )
        self.ending = _Ending()
        self.runner: Runner | None = None
        self.requests = 0
        self.chosen: frozenset[JobKey] = frozenset()
        self.taken_up: frozenset[int] = frozenset()

    async def run(self) -> int:
        async with Ledger.open(stages.ledger_path(self.settings)) as ledger:
            self._look_around(ledger.snapshot)
            self.taken_up = self._unfinished(ledger.snapshot)
            await settle_leftovers(self.context, ledger)
            if self._waiting_here(ledger.snapshot):
                async with open_backend(self.profile, self.settings.output, self.clock) as client:
                    await self._reconcile(ledger, client)
            plan = self._plan(ledger.snapshot)
            self.chosen = frozenset((e.job.manifest, e.name) for e in plan.selected())
            stages.refuse_undeliverable(self.settings, plan, self.profile)
            in_flight = find_in_flight(self.context, ledger.snapshot, plan)
            self._show(plan, in_flight, len(find_failed(self.context, ledger.snapshot)))
            if self.order.buys:
                if not in_flight.here:
                    guard.refuse_all_elsewhere(self.settings, plan)
                self._keep_budget(plan)
                approve(plan, self.order, stages.find_unpriced(plan, self.profile))
            async with anyio.create_task_group() as tasks:
                with anyio.CancelScope() as self.work_scope:
                    await tasks.start(self._watch_signals)
                    await self._do(ledger, plan, in_flight)
                code = await self._end(ledger)
                tasks.cancel_scope.cancel()
            return code

    async def _do(self, ledger: Ledger, plan: Plan, in_flight: InFlight) -> None:
        for manifest in self.checked.manifests:
            _make_folder(
                self.settings.output / manifest.name / "videos"
            )  # before anything is bought for it
        for manifest in self.checked.manifests:
            await ledger.begin_run(self._record(manifest.name))
        homes = await place_reused(self.context, ledger, plan, self._intact(ledger.snapshot))
        failed = find_failed(self.context, ledger.snapshot)
        if in_flight.here or failed or (self.order.buys and plan.count()[Action.GENERATE]):
            async with open_backend(self.profile, self.settings.output, self.clock) as client:
                try:
                    await self._work(ledger, client, plan, in_flight, homes)
                finally:
                    self.requests = client.requests

    # -- uncertain jobs ----------------------------------------------------------------------------------------------------------------------

    def _waiting_here(self, snapshot: Snapshot) -> bool:
        return any(
            a.state is State.UNCERTAIN
            and a.realm == "paid"
            and same_origin(a.origin, self.profile.origin)
            for a in snapshot.attempts
        )

    async def _reconcile(self, ledger: Ledger, client: Backend) -> None:
        """Asks the account's list, where the API has one, what became of uncertain submits.

        The probe comes first for its ``Date``: by a clock that is ahead a listing would seem late enough to prove that nothing was bought.
        """
        if not client.lists_tasks or isinstance(await client.probe(), ProbeFailed):
            return
        for verdict in await reconcile(
            ledger,
            client,
            self.profile.origin,
            self.profile.quiet_period_s,
            self.clock.now,
            shared=self.profile.shared_account,
        ):
            match verdict:
                case Adopt(attempt, task):
                    say(
                        f"{attempt.job} was uncertain; the account's list shows it as task {task.task_id}: adopted."
                    )
                case Absent(attempt):
                    say(
                        f"{attempt.job} was uncertain; a complete listing does not show it: it was not bought and may go out again."
                    )
                case Undecided(attempt, reason):
                    say(f"{attempt.job} is still uncertain: {reason}.")

    # -- before ------------------------------------------------------------------------------------------------------------------------------

    def _look_around(self, snapshot: Snapshot) -> None:
        """What this ledger says cannot be all, or may not be acted on. Raises ``Refusal``."""
        unsettled = {a.manifest for a in snapshot.attempts if a.state in UNSETTLED}
        guard.refuse_odd_places(self.settings, unsettled)
        around = guard.look_around(self.settings, self.checked, self.profile, snapshot)
        if self.order.buys:
            guard.refuse_older_ledger(self.settings, around)
        self.elsewhere = around.elsewhere
        set_aside_strangers(
            self.settings.output, [m.name for m in self.checked.manifests], snapshot
        )

    def _unfinished(self, snapshot: Snapshot) -> frozenset[int]:
        """What earlier runs bought here, or may have, and did not bring to its end."""
        return frozenset(
            a.attempt_id
            for a in snapshot.attempts
            if a.state in IN_FLIGHT | {State.INTENT} and self._is_here(a)
        )

    def _is_here(self, attempt: Attempt) -> bool:
        profile = self.profile
        return attempt.realm == profile.realm and same_origin(attempt.origin, profile.origin)

    def _intact(self, snapshot: Snapshot) -> frozenset[str]:
        return intact_paths(self.settings.output, snapshot)

    def _plan(self, snapshot: Snapshot, *, fresh: bool = True) -> Plan:
        return stages.build_plan(
            self.settings,
            self.checked,
            self.profile,
            snapshot,
            self._intact(snapshot),
            elsewhere=self.elsewhere,
            retry_failed=fresh and self.order.retry_failed,
            regenerate=fresh and self.order.regenerate,
            chosen=None if fresh else self.chosen,
        )

    def _show(self, plan: Plan, in_flight: InFlight, failed: int) -> None:
        if not self.order.buys:
            self._show_fetch(plan, len(in_flight.here), failed)
        elif self.settings.verbose:
            show_plan(self.settings, plan, None)
        elif not self.settings.quiet:
            say(plan_line(plan))
        mine = {entry.attempt.attempt_id for entry in plan.jobs if entry.attempt}
        others = [a for a in in_flight.here if a.attempt_id not in mine]
        if others:
            say(f"Also fetching {plural(len(others), 'video')} that the manifest no longer names.")
        for backend, origin in sorted({(a.backend, a.origin) for a in in_flight.elsewhere}):
            home = say_home(backend, origin, self.profile.name, self.profile.origin)
            say(f"A task {home}.")

    def _show_fetch(self, plan: Plan, count: int, failed: int) -> None:
        for entry in plan.selected() if self.settings.verbose else ():
            if entry.action in (Action.RESUME, Action.ASK):
                say(job_line(entry, plan))
        if not self.settings.quiet:
            say(fetch_line(count, failed, plan.backend))

    def _keep_budget(self, plan: Plan) -> None:
        if self.limit is None or not plan.count()[Action.GENERATE]:
            return
        unpriced = stages.find_unpriced(plan, self.profile)
        if unpriced is not None:
            raise Refusal(
                ExitCode.REFUSED,
                f"{self.limit_source} cannot be kept: {unpriced.missing}; nothing was sent",
                unpriced.advice,
            )
        if plan.total is not None and plan.total > self.limit:
            total, limit = money(plan.total, plan.currency), money(self.limit, plan.currency)
            raise Refusal(
                ExitCode.REFUSED,
                f"the plan would spend {total}, and the limit is {limit} ({self.limit_source}); nothing was sent",
                "select fewer jobs with --select, or raise the limit",
            )

    def _record(self, manifest: str) -> RunRecord:
        return RunRecord(
            self.context.run_id,
            manifest,
            self.profile.name,
            self.profile.realm,
            self.started_at,
            wanbatch_version=__version__,
        )

    # -- the work ----------------------------------------------------------------------------------------------------------------------------

    async def _work(
        self,
        ledger: Ledger,
        client: Backend,
        plan: Plan,
        in_flight: InFlight,
        homes: Mapping[str, Home],
    ) -> None:
        probe = await client.probe()
        if isinstance(probe, ProbeFailed):
            raise Refusal(
                ExitCode.ENVIRONMENT,
                f"backend {self.profile.name} did not answer as it should: {probe.reason}; nothing was spent",
                *filter(None, [probe.hint]),
            )
        if self.order.buys:
            plan = await record_authorisations(self.context, ledger, plan)
        conductor = self._conductor(plan, ledger.snapshot)
        if not self.order.buys:
            conductor.stop("fetch never submits")
        self._say_wrong_clock()
        failed = find_failed(self.context, ledger.snapshot)
        conductor.resume(in_flight.here, anyio.current_time(), self.clock.now(), failed)
        running = {a.fingerprint for a in in_flight.here}
        expected = running | {
            w.fingerprint
            for w in conductor.works
            if w.entry.action is Action.GENERATE and self.order.buys
        }
        counts = Counts(expected, running, plan.currency)
        color = wants_color(self.settings.color)
        with choose_display(
            self.settings.progress, counts, quiet=self.settings.quiet, color=color
        ) as display:

            def observe(notice: Notice) -> None:
                counts.take(notice)
                self.ending.fetched += notice.kind == "stored"
                if notice.kind == "unprepared":
                    self.ending.reasons[notice.job] = notice.text
                display.show(notice, counts)

            self.runner = Runner(self.context, conductor, ledger, client, observe, homes)
            await self.runner.run()
            self.runner = None
        self.ending.trouble = conductor.trouble
        self.ending.hint = conductor.halted.hint if conductor.halted else ""
        if not self.ending.signal and self._waiting_here(ledger.snapshot):
            await self._reconcile(ledger, client)
        told = self.ending.signal or self.ending.trouble
        if conductor.stop_reason and self.order.buys and not told:
            say(f"No new jobs were submitted: {conductor.stop_reason}")

    def _conductor(self, plan: Plan, snapshot: Snapshot) -> Conductor:
        from wanbatch.providers.dialects.registry import can_list

        profile, manifests = self.profile, self.checked.manifests
        model = LatencyModel()
        model.learn(a for a in snapshot.attempts if same_origin(a.origin, profile.origin))
        return Conductor(
            build_works(plan, {m.name: m.run.retries for m in manifests}),
            SubmitPacer(
                profile.rate,
                profile.max_in_flight,
                profile.submit_concurrency,
                chance=random.random,
            ),
            PollSchedule(
                profile.poll_interval_s, profile.queries_per_second, model, chance=random.random
            ),
            Budget(self.limit),
            Limits(
                self.order.wait_s,
                frozenset(m.name for m in manifests if m.run.on_failure == "stop"),
                self.context.retention,
            ),
            ListPolls(profile.poll_interval_s) if can_list(profile.kind) else None,
        )

    def _say_wrong_clock(self) -> None:
        """One answer proves nothing, and is worth a word all the same."""
        ahead_s = -(self.clock.offset_s or 0.0)
        if abs(ahead_s) > WRONG_CLOCK_S:
            where = "ahead of" if ahead_s > 0 else "behind"
            say(
                f"This machine's clock is {duration(abs(ahead_s))} {where} the server's:"
                " nothing expires early for that."
            )

    async def _watch_signals(self, *, task_status: TaskStatus[None]) -> None:
        """The first signal ends buying and waits for what is under way, the second leaves at once. Before the work nothing is waited for."""
        with anyio.open_signal_receiver(signal.SIGINT, signal.SIGTERM, signal.SIGHUP) as signals:
            task_status.started()
            async for number in signals:
                second = self.ending.signal is not None
                self.ending.signal = self.ending.signal or number
                if self.runner is None:
                    self.work_scope.cancel()
                elif second:
                    self.runner.abort()
                else:
                    say(
                        "Stopping: requests that are under way are waited for. Press Ctrl-C again to leave at once."
                    )
                    self.runner.stop("interrupted")

    # -- after -------------------------------------------------------------------------------------------------------------------------------

    async def _end(self, ledger: Ledger) -> int:
        plan = self._plan(ledger.snapshot, fresh=False)
        code = self._exit_code(plan)
        finished_at = time.time()
        for manifest in self.checked.manifests:
            record = replace(
                self._record(manifest.name),
                finished_at=finished_at,
                exit_code=int(code),
                http_requests=self.requests,
            )
            await ledger.finish_run(record)
        snapshot = ledger.snapshot
        written = await anyio.to_thread.run_sync(
            stages.write_reports, self.settings, self.checked, plan, snapshot, self.context.run_id
        )
        self._sum_up(plan, snapshot, finished_at)
        for path, _ in written:
            tell(str(path))
        return code

    def _exit_code(self, plan: Plan) -> int:
        if self.ending.signal is not None:
            return (
                ExitCode.TERMINATED
                if self.ending.signal is signal.SIGTERM
                else ExitCode.INTERRUPTED
            )
        if self.ending.trouble:
            return ExitCode.ENVIRONMENT
        done = all(entry.state is JobState.DONE for entry in plan.selected())
        return ExitCode.DONE if done else ExitCode.UNFINISHED

    def _sum_up(self, plan: Plan, snapshot: Snapshot, finished_at: float) -> None:
        if not self.settings.quiet:
            say(f"{plural(len(plan.selected()), 'job')}: {state_counts(plan.selected())}")
            self._say_money(plan, snapshot, finished_at)
        if self.ending.trouble:
            say(f"error: {self.ending.trouble}")
        if self.ending.hint:
            say(f"  help: {self.ending.hint}")
        if not self.settings.quiet:
            self._say_unfinished(plan)
        if not self.settings.quiet or self.ending.signal:
            self._say_continuation(plan, snapshot)

    def _say_money(self, plan: Plan, snapshot: Snapshot, finished_at: float) -> None:
        own = [a for a in snapshot.attempts if a.run_id == self.context.run_id]
        earlier = [a for a in snapshot.attempts if a.attempt_id in self.taken_up]
        if not self.order.buys:
            if earlier or self.ending.fetched:
                line = sum_up_fetch(self.ending.fetched, earlier, plan.currency)
                say(f"{line}; {sum_up_time((), self.started_at, finished_at)}")
        elif own or earlier:
            line = sum_up_money(own, earlier, plan.currency)
            say(f"{line}; {sum_up_time((*own, *earlier), self.started_at, finished_at)}")

    def _say_unfinished(self, plan: Plan) -> None:
        """Each job that is not done, and how a person decides on those that wait for one."""
        for entry in plan.selected():
            bought = entry.action not in (Action.GENERATE, Action.BLOCKED)
            if entry.state is not JobState.DONE and (self.order.buys or bought):
                reason = self.ending.reasons.get(entry.name) or entry.reason
                say(f"  {entry.state.value:9} {entry.name}  ({reason})")
        files = {m.name: m.path for m in self.checked.manifests}
        options = stages.repeated_options(self.settings, self.checked)
        for command in commands_that_decide(plan, files, options):
            say(f"  help: {command}")
        for way in guard.ways_out_of_elsewhere(self.settings, plan):
            say(f"  help: {way}")
        for oddity in oddities():
            say(f"note: {oddity}")

    def _say_continuation(self, plan: Plan, snapshot: Snapshot) -> None:
        count, words = plan.count(), sys.argv[1:]
        buys = self.order.buys
        going_on = count[Action.RESUME] + (count[Action.GENERATE] if buys else 0)
        if going_on or (not buys and self._is_under_way(snapshot.attempts)):
            # What a flag authorised is recorded: said again, it would be bought once more.
            say(f"Continue with: {command_that_continues(words)}")
            self._say_deadline(plan)
        elif not buys and count[Action.GENERATE] and "fetch" in words:
            jobs = plural(count[Action.GENERATE], "job")
            say(f"Never bought: {jobs}; a run buys: {command_that_buys(words)}")

    def _is_under_way(self, attempts: Iterable[Attempt]) -> bool:
        """Whether something of this backend is left to fetch, named by the manifest or not."""
        return any(a.state in IN_FLIGHT and self._is_here(a) for a in attempts)

    @staticmethod
    def _say_deadline(plan: Plan) -> None:
        ends = [
            e.attempt.shown_deadline
            for e in plan.selected()
            if e.action is Action.RESUME and e.attempt and e.attempt.shown_deadline
        ]
        if ends and plan.realm == "paid":
            say(
                f"Do so before {time.strftime('%Y-%m-%d %H:%M', time.localtime(min(ends)))}: then the first result that was paid for vanishes."
            )


def approve(plan: Plan, order: Order, unpriced: stages.Unpriced | None) -> None:
    """Nothing that costs money goes out without a person's or a script's consent. Raises ``Refusal`` (3)."""
    wanted = plan.count()[Action.GENERATE]
    if plan.realm == "emulator" or not wanted or order.yes or order.max_cost is not None:
        return
    price = money(plan.total, plan.currency)
    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        raise Refusal(
            ExitCode.REFUSED,
            f"{plural(wanted, 'video')} would be bought ({price}) and nobody approved it; nothing was sent",
            *_ways_to_approve(unpriced),
        )
    if not click.confirm(
        f"Buy {plural(wanted, 'video')} on {plan.backend} ({price})?", default=False, err=True
    ):
        raise Refusal(ExitCode.REFUSED, "not approved; nothing was sent")


def _ways_to_approve(unpriced: stages.Unpriced | None) -> tuple[str, ...]:
    if unpriced is None:
        return ("add --yes, or --max-cost AMOUNT",)
    return (
        f"add --yes; --max-cost AMOUNT cannot be kept, for {unpriced.missing}",
        unpriced.advice,
    )


@asynccontextmanager
async def open_backend(
    profile: Profile, output: Path, clock: ServerClock
) -> AsyncIterator[Backend]:
    """The API's client; for the emulator without an address, a server of its own for as long as the run lasts."""
    from wanbatch.model.wire import Secret
    from wanbatch.providers.client import Backend

    if profile.realm == "emulator" and not profile.base_url:
        from wanbatch.emulator.process import start_emulator

        with start_emulator(
            output / ".emulator", *os.environ.get("WANBATCH_EMULATOR_OPTIONS", "").split()
        ) as server:
            async with Backend(
                replace(profile, base_url=server.base_url, api_key=Secret("emulator")),
                clock=clock.now,
                hear=clock.hear,
            ) as client:
                yield client
        return
    async with Backend(profile, clock=clock.now, hear=clock.hear) as client:
        yield client
