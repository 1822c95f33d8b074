"""One process of wanbatch, as ``cli/session`` runs it: lock, ledger, leftovers, plan, budget, what is in flight, probe, run.

What it may not do: differ from the session in what it asks of the engine, or in which order. Only what is outside differs: the network is a
``Wire``, the ledger's store a model, the clocks are virtual.

How it works: ``main`` is the process. It ends by itself, with a ``Refusal``, or in the middle of anything when the world lets it die.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from decimal import Decimal
from typing import TYPE_CHECKING

import anyio
from simulation import invariants
from simulation.disk import ModelStore
from simulation.gateway import BASE_URL, KEY, Wire

from wanbatch.engine.interpret import acceptance_facts
from wanbatch.engine.pacing.budget import Budget
from wanbatch.engine.pacing.submits import SubmitPacer
from wanbatch.engine.polling.schedule import LatencyModel, PollSchedule
from wanbatch.engine.reconcile import reconcile
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
from wanbatch.model.lifecycle import Event, EventKind, Facts, RunRecord, Snapshot, State
from wanbatch.model.outcomes import ProbeFailed
from wanbatch.model.plan import Action, Plan
from wanbatch.model.price import PriceList
from wanbatch.model.wire import Profile, Secret
from wanbatch.plan.planner import PlanOptions, Target, make_plan
from wanbatch.providers.client import Backend, ListedTask, TaskListing
from wanbatch.videos.outputs import intact_paths
from wanbatch.words.clock import ServerClock
from wanbatch.words.errors import ExitCode, Refusal

if TYPE_CHECKING:
    from simulation.scenario import Interruption
    from simulation.world import World

ORIGIN = f"{BASE_URL}#account"
UNCERTAIN_STOP, UNCERTAIN_WITHIN_S = 3, 300.0


def profile_of(world: World) -> Profile:
    scenario = world.scenario
    calm_s = 900.0  # when all is quiet there is no need to look often
    return Profile(
        name="gateway",
        kind="gateway",
        base_url=BASE_URL,
        origin=ORIGIN,
        api_key=Secret(KEY),
        poll_interval_s=calm_s if world.clear else scenario.poll_interval_s,
        queries_per_second=scenario.queries_per_second,
        max_in_flight=scenario.max_in_flight,
        rate=scenario.rate,
        submit_concurrency=scenario.submit_concurrency,
        prices=PriceList({"720P": scenario.price / 5}, "USD"),
    )


def plan_of(
    world: World, snapshot: Snapshot, intact: frozenset[str], *, regenerate: bool = False
) -> Plan:
    profile = profile_of(world)
    target = Target(profile.name, profile.realm, profile.origin, profile.prices)
    return make_plan(
        [world.manifest],
        {},
        snapshot,
        intact,
        target,
        PlanOptions(regenerate=regenerate),
        world.clock.wall(),
    )


class ListingBackend(Backend):
    """A gateway that can list the account's tasks: late, and not always whole. The quiet period covers how late it is."""

    async def list_tasks(self, since: float, until: float) -> TaskListing | None:
        world = self.wire.world
        started_at = self._clock()
        ahead_s = (
            world.clock.true() - started_at
        )  # as the shipped client does, by the list's own Date
        since, until = since + ahead_s, until + ahead_s
        seen_until = world.clock.true() - world.chance.uniform(0.0, 100.0)
        tasks = [
            t
            for t in world.books.tasks.values()
            if t.created_at <= seen_until and since <= t.created_at <= until
        ]
        await anyio.sleep(1.0)
        whole = world.fault("poll") is None
        listed = [
            ListedTask(t.task_id, "running", "wan2.7-i2v", None, float(int(t.created_at)) - ahead_s)
            for t in tasks
        ]
        return TaskListing(
            tuple(listed if whole else listed[: len(listed) // 2]),
            started_at,
            whole,
            "" if whole else "a page was not answered",
            world.clock.true() - started_at,
        )

    async def look_at(self, task_id: str) -> ListedTask | None:
        world = self.wire.world
        await anyio.sleep(0.2)
        task = world.books.tasks[task_id]
        prompt = next(
            text for text, fingerprint in world.prompts.items() if fingerprint == task.fingerprint
        )
        return (
            None
            if world.fault("poll")
            else ListedTask(task_id, "running", "wan2.7-i2v", prompt, float(int(task.created_at)))
        )

    @property
    def wire(self) -> Wire:
        wire = self._http.lanes._given
        assert isinstance(wire, Wire)
        return wire


class Process:
    """``buys`` is false for ``wanbatch fetch``. An ``intruder`` is started beside a process that lives."""

    def __init__(
        self,
        world: World,
        number: int,
        *,
        buys: bool = True,
        regenerate: bool = False,
        intruder: bool = False,
        interruption: Interruption | None = None,
        wait_s: float = 7200.0,
    ) -> None:
        self.world, self.number = world, number
        self.buys, self.regenerate, self.intruder, self.interruption, self.wait_s = (
            buys,
            regenerate,
            intruder,
            interruption,
            wait_s,
        )
        self.run_id = f"run-{number}"
        self.limit: Decimal | None = None
        self.store: ModelStore | None = None
        self.conductor: Conductor | None = None
        self.refusal: Refusal | None = None
        self.stopped_at: int | None = None
        self._doubts: list[float] = []

    async def main(self) -> None:
        try:
            with RunLock(self.world.root, command="simulated"):
                if not self.intruder:
                    self.world.lock_taken()
                self.store = ModelStore(self.world, self.world.ledger)
                async with Ledger(
                    self.store, self.world.ledger.contents(), threaded=False
                ) as ledger:
                    await self._session(ledger)
        except Refusal as refusal:
            self._refused(refusal)
        except BaseExceptionGroup as group:
            refusals, rest = group.split(Refusal)
            if rest is not None:
                raise
            leaf: BaseException = refusals
            while isinstance(leaf, BaseExceptionGroup):
                leaf = leaf.exceptions[0]
            assert isinstance(leaf, Refusal)
            self._refused(leaf)

    def _refused(self, refusal: Refusal) -> None:
        self.refusal = refusal
        self.world.note(f"process {self.number} refused: {refusal}")
        self.world.hold(invariants.secrets_stay_secret(self.world, [str(refusal)]))

    async def _session(self, ledger: Ledger) -> None:
        world = self.world
        self.clock = ServerClock(world.clock.wall, world.clock.true)
        context = RunContext(
            self.run_id,
            "gateway",
            "paid",
            ORIGIN,
            "USD",
            world.root,
            self.clock.now,
            self.clock,
        )
        await settle_leftovers(context, ledger)
        if any(row.state is State.UNCERTAIN for row in ledger.snapshot.attempts):
            async with self._open_backend() as client:
                await self._reconcile(ledger, client)
        intact = intact_paths(world.root, ledger.snapshot)
        plan = plan_of(world, ledger.snapshot, intact, regenerate=self.regenerate)
        in_flight = find_in_flight(context, ledger.snapshot, plan)
        if self.buys:
            self._keep_budget(plan)
        await ledger.begin_run(
            RunRecord(self.run_id, world.manifest.name, "gateway", "paid", world.clock.wall())
        )
        homes = await place_reused(context, ledger, plan, intact)
        failed = find_failed(context, ledger.snapshot)
        if in_flight.here or failed or (self.buys and plan.count()[Action.GENERATE]):
            async with self._open_backend() as client:
                await self._work(context, ledger, client, plan, in_flight, homes)
        await ledger.finish_run(
            RunRecord(
                self.run_id,
                world.manifest.name,
                "gateway",
                "paid",
                world.clock.wall(),
                world.clock.wall(),
                0,
            )
        )

    def _open_backend(self) -> Backend:
        make = ListingBackend if self.world.scenario.lists else Backend
        return make(
            profile_of(self.world), transport=Wire(self), clock=self.clock.now, hear=self.clock.hear
        )

    async def _reconcile(self, ledger: Ledger, client: Backend) -> None:
        if not isinstance(client, ListingBackend) or isinstance(await client.probe(), ProbeFailed):
            return
        for verdict in await reconcile(
            ledger, client, ORIGIN, profile_of(self.world).quiet_period_s, self.clock.now
        ):
            self.world.note(
                f"verdict {type(verdict).__name__} attempt {verdict.attempt.attempt_id}"
            )

    def _keep_budget(self, plan: Plan) -> None:
        """The session refuses a plan above the limit before anything is sent; here it may begin, so that the engine has to keep the limit itself."""
        spare = self.world.scenario.spare_jobs
        if spare is None or plan.total is None or self.wait_s > 7200.0:
            return
        self.limit = max(self.world.scenario.price, plan.total + spare * self.world.scenario.price)

    async def _work(
        self,
        context: RunContext,
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
                f"the backend did not answer as it should: {probe.reason}; nothing was spent",
            )
        if self.buys:
            plan = await record_authorisations(context, ledger, plan)
        conductor = self.conductor = self._make_conductor(plan, ledger.snapshot)
        if not self.buys:
            conductor.stop("fetch never submits")
        failed = find_failed(context, ledger.snapshot)
        conductor.resume(in_flight.here, anyio.current_time(), self.clock.now(), failed)
        runner = Runner(context, conductor, ledger, client, self._observe, homes)
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(self._disturb, runner)
            for at_s, work in self.world.disturbances():
                tasks.start_soon(_later, at_s, work)
            if self.world.scenario.intruder_s is not None and not self.intruder:
                tasks.start_soon(self._intrude, self.world.scenario.intruder_s)
            await runner.run()
            tasks.cancel_scope.cancel()
        if self.interruption is None and any(
            row.state is State.UNCERTAIN for row in ledger.snapshot.attempts
        ):
            await self._reconcile(ledger, client)
        if not runner.scope.cancel_called:
            self.world.hold(invariants.a_run_leaves_nothing_undone(self))

    def _make_conductor(self, plan: Plan, snapshot: Snapshot) -> Conductor:
        profile, world = profile_of(self.world), self.world
        model = LatencyModel()
        model.learn(a for a in snapshot.attempts if a.origin == profile.origin)
        return Conductor(
            build_works(plan, {world.manifest.name: world.manifest.run.retries}),
            SubmitPacer(
                profile.rate,
                profile.max_in_flight,
                profile.submit_concurrency,
                chance=world.chance.random,
            ),
            PollSchedule(
                profile.poll_interval_s,
                profile.queries_per_second,
                model,
                chance=world.chance.random,
            ),
            Budget(self.limit),
            Limits(
                self.wait_s,
                frozenset({world.manifest.name} if world.manifest.run.on_failure == "stop" else ()),
            ),
        )

    def _observe(self, notice: Notice) -> None:
        state = notice.attempt.state.value if notice.attempt else ""
        self.world.note(f"notice {notice.kind} {notice.job} {state} {notice.text}")
        self.world.hold(invariants.secrets_stay_secret(self.world, [notice.text]))

    async def _disturb(self, runner: Runner) -> None:
        if self.interruption is None:
            return
        await anyio.sleep(self.interruption.first_s)
        self.world.note("Ctrl-C")
        runner.stop("interrupted")
        if self.interruption.second_s is not None:
            await anyio.sleep(self.interruption.second_s - self.interruption.first_s)
            self.world.note("Ctrl-C again")
            runner.abort()

    async def _intrude(self, at_s: float) -> None:
        await anyio.sleep(at_s)
        other = Process(self.world, self.number + 1000, intruder=True)
        await other.main()
        if other.refusal is None or other.refusal.exit_code is not ExitCode.ENVIRONMENT:
            self.world.violated(
                f"10: process {other.number} got past the lock that process {self.number} holds"
            )

    def remember(self, event: Event, position: int) -> None:
        """Keeps in mind what has to end this run's buying: a halt, or three doubts within five minutes."""
        if event.kind is EventKind.NOT_ACCEPTED and event.facts.get("error_code"):
            self.stopped_at = self.stopped_at or position
        if event.kind is EventKind.UNCERTAIN and self.conductor is not None:
            now = self.world.clock.now
            self._doubts = [at for at in self._doubts if now - at <= UNCERTAIN_WITHIN_S] + [now]
            if len(self._doubts) >= UNCERTAIN_STOP:
                self.stopped_at = self.stopped_at or position


async def _later(at_s: float, work: object) -> None:
    await anyio.sleep(at_s)
    assert callable(work)
    work()


class Decision:
    """``wanbatch resolve`` for one attempt: a short process of its own, with nothing to disturb it."""

    def __init__(self, world: World, number: int, word: str, task_id: str) -> None:
        self.world, self.number, self.word, self.task_id = world, number, word, task_id

    async def main(self) -> None:
        world, now = self.world, self.world.clock.wall()
        with RunLock(world.root, command="simulated"):
            async with Ledger(
                ModelStore(world, world.ledger), world.ledger.contents(), threaded=False
            ) as ledger:
                await settle_leftovers(
                    RunContext("resolve", "", "", "", "", world.root, world.clock.wall), ledger
                )
                if ledger.attempt(self.number).state not in (State.UNCERTAIN, State.EXPIRED):
                    return
                facts: Facts = {"reason": f"{self.word} by a person"}
                if self.word == "adopt":
                    facts |= {
                        **acceptance_facts(self.task_id, now),
                    }
                kinds = {
                    "adopt": EventKind.ADOPTED,
                    "resubmit": EventKind.RESUBMIT,
                    "abandon": EventKind.ABANDONED,
                }
                world.decisions.add((self.number, self.word))
                world.note(f"a person: {self.word} attempt {self.number} {self.task_id}")
                await ledger.append(Event(self.number, kinds[self.word], now, facts))


assert sys.version_info >= (3, 11)
