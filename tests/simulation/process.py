"""One process of wanbatch: the shipped run (``operations.run``), in a world of its own.

What it may not do: keep an order of its own. What a run asks of the engine, and when,
is ``Run.execute``; only its ports differ: the network is a ``Wire``, the ledger's store
a model, the clocks are virtual, and nobody reads a report.

How it works: ``main`` is the process. It ends by itself, with a ``WanbatchError``, or
in the middle of anything when the world lets it die.
"""

from __future__ import annotations

import signal
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING

import anyio
from anyio.abc import TaskStatus
from simulation import invariants
from simulation.circumstances import Place
from simulation.disk import ModelStore
from simulation.gateway import BASE_URL, KEY, Wire
from simulation.protocols import shapes_of

from wanbatch.ledger.lock import RunLock
from wanbatch.ledger.store import Ledger
from wanbatch.model.lifecycle import Event, EventKind, Snapshot, State
from wanbatch.model.plan import Plan
from wanbatch.model.price import PriceList
from wanbatch.model.wire import Profile, Secret
from wanbatch.operations import resolve as deciding
from wanbatch.operations.approval import Nobody
from wanbatch.operations.check import Checked
from wanbatch.operations.choose import SpendingLimit, Unpriced
from wanbatch.operations.events import AttemptEvent, NotPrepared, Reconciled
from wanbatch.operations.events import Event as Told
from wanbatch.operations.evidence import look_around
from wanbatch.operations.options import PlanningOptions, RunOptions
from wanbatch.operations.planning import build_plan
from wanbatch.operations.run import Prepared, Run, RunPorts
from wanbatch.plan.identity import identify
from wanbatch.providers.client import Client
from wanbatch.report.collect import collect
from wanbatch.report.write import write_report
from wanbatch.testing.ledger import InlineWriter
from wanbatch.testing.network import MemoryNetwork
from wanbatch.testing.pool import AtOnce
from wanbatch.words.clock import ServerClock
from wanbatch.words.errors import ExitCode, WanbatchError

if TYPE_CHECKING:
    from simulation.scenario import Interruption
    from simulation.world import World

ADDRESSES: dict[str, tuple[str, str]] = {
    "home": (BASE_URL, f"{BASE_URL}#account"),
    "respelled": ("https://API.sim.test:443/", "https://API.sim.test:443/#account"),
    "address": ("https://other.sim.test", "https://other.sim.test#account"),
    "account": (BASE_URL, f"{BASE_URL}#other"),
    "emulator": ("http://emulator.sim.test", "emulator"),
}
"""Base URL and origin of each place."""
UNCERTAIN_STOP, UNCERTAIN_WITHIN_S = 3, 300.0


def options_of(world: World) -> PlanningOptions:
    files = tuple(Path(manifest.path) for manifest in world.project.manifests)
    return PlanningOptions(files=files, output=world.root)


def checked_of(world: World) -> Checked:
    return Checked(world.project.manifests, {}, ())


def profile_of(world: World, place: str = "home") -> Profile:
    scenario = world.scenario
    calm_s = 900.0  # when all is quiet there is no need to look often
    base_url, origin = ADDRESSES[place]
    return Profile(
        name="emulator" if place == "emulator" else "api",
        kind="emulator" if place == "emulator" else scenario.around.protocol,
        base_url=base_url,
        origin=origin,
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
    return build_plan(
        options_of(world),
        checked_of(world),
        profile_of(world),
        snapshot,
        intact,
        world.clock.wall(),
        elsewhere=look_around(world.root, snapshot, ()).elsewhere,
        regenerate=regenerate,
    )


class _Run(Run):
    """The shipped run, but for one thing: a plan above the limit is begun, so that the
    engine has to keep the limit by itself."""

    process: Process

    def _keep_limit(self, plan: Plan, unpriced: Unpriced | None) -> None:
        world = self.process.world
        spare = world.scenario.spare_jobs
        if spare is None or plan.total is None or self.process.wait_s > 7200.0:
            return
        self.process.limit = max(world.scenario.price, plan.total + spare * world.scenario.price)
        self._limit = SpendingLimit(self.process.limit, "the scenario")


class Process:
    """``buys`` is false for ``wanbatch fetch``. An ``intruder`` is started beside a
    process that lives."""

    def __init__(
        self,
        world: World,
        number: int,
        *,
        buys: bool = True,
        regenerate: bool = False,
        intruder: bool = False,
        retry_failed: bool = False,
        interruption: Interruption | None = None,
        wait_s: float = 7200.0,
        place: Place = "home",
    ) -> None:
        self.world, self.number, self.place = world, number, place
        self.retry_failed = retry_failed
        self.books = world.accounts[place]
        self.shapes = shapes_of(
            world.scenario.around.protocol if place != "emulator" else "gateway",
            world.scenario.around.vocabulary,
        )
        # What this process asked about, and what it had to ask about before it may buy.
        self.asked: set[str] = set()
        self.listed: set[str] = set()
        self.owed: frozenset[str] = frozenset()
        # Until when the results of those are there, by the ledger on disk.
        self.vanish: dict[str, float] = {}
        self.buys, self.regenerate, self.intruder, self.interruption, self.wait_s = (
            buys,
            regenerate,
            intruder,
            interruption,
            wait_s,
        )
        self.run_id = f"run-{number}-{place}"
        self.limit: Decimal | None = None
        self.store: ModelStore | None = None
        self.run: Run | None = None
        self.is_cut_short = False
        self.refusal: WanbatchError | None = None
        self.stopped_at: int | None = None
        self._doubts: list[float] = []
        self._held: RunLock | None = None

    async def main(self) -> None:
        try:
            await self._live()
        except WanbatchError as refusal:
            self._refused(refusal)
        except BaseExceptionGroup as group:
            leaf = _innermost(group)
            if not isinstance(leaf, WanbatchError):
                raise leaf from None
            self._refused(leaf)

    def _refused(self, refusal: WanbatchError) -> None:
        self.refusal = refusal
        self.world.note(f"process {self.number} refused: {refusal} {refusal.hints}")
        self.world.hold(invariants.secrets_stay_secret(self.world, [str(refusal)]))

    async def _live(self) -> None:
        world = self.world
        run = RunOptions(
            buys=self.buys,
            yes=True,
            regenerate=self.regenerate,
            retry_failed=self.retry_failed,
            wait_s=self.wait_s,
        )
        profile = profile_of(world, self.place)
        prepared = Prepared(options_of(world), run, checked_of(world), profile, SpendingLimit())
        ports = RunPorts(
            run_id=self.run_id,
            wall=world.clock.wall,
            ticks=world.clock.ticks,
            chance=world.chance.random,
            lock=self._lock,
            open_ledger=self._open_ledger,
            open_client=self._open_client,
            free_bytes=None,
            watch=self._watch,
            pool=AtOnce(),
            look=None,
            report=self._report,
        )
        lived = self.run = _Run(prepared, ports, Nobody(), self._observe)
        lived.process = self
        with lived.lock():
            await lived.execute()
        if not self.is_cut_short:
            world.hold(invariants.a_run_leaves_nothing_undone(self))

    @contextmanager
    def _lock(self) -> Iterator[None]:
        with RunLock(self.world.root, command="simulated") as held:
            self._held = held
            if not self.intruder:
                self.world.lock_taken()
            try:
                yield
            finally:
                self._held = None

    def _note_what_is_owed(self) -> None:
        """What the ledger on disk says is under way here, and what a person allows this
        run to buy once more."""
        world, here = self.world, self.world.accounts[self.place]
        rows = [row for row in world.ledger.rows.values() if row.task_id]
        self.vanish = {
            row.task_id: row.available_until
            for row in rows
            if row.state in (State.ACCEPTED, State.REMOTE_OK)
            and row.realm == here.realm
            and world.account_at(row.origin) is here
        }
        self.owed = frozenset(self.vanish)
        for entry in identify(world.project.manifests, {}).values():
            if self.regenerate:
                world.granted[here.realm, entry.fingerprint] += 1
            if self.retry_failed:
                world.retries_granted[here.realm, entry.fingerprint] += 1

    def let_go(self) -> None:
        """What the kernel does for a dead process that could not unwind."""
        if self._held is not None:
            self._held.__exit__(None, None, None)

    def _report(self, plan: Plan, snapshot: Snapshot, run_id: str) -> tuple[Path, ...]:
        """The documents that the shipped report writes, without page and posters."""
        if self.world.scenario.around.reports:
            for manifest in self.world.project.manifests:
                runs = [r for r in snapshot.runs if r.run_id == run_id]
                found = [r for r in runs if r.manifest == manifest.name]
                report = collect(manifest, plan, snapshot, found[-1] if found else None, ())
                try:
                    write_report(report, self.world.root / manifest.name)
                except OSError as error:  # what the command makes of it
                    raise WanbatchError(ExitCode.ENVIRONMENT, str(error)) from error
        return ()

    @asynccontextmanager
    async def _open_ledger(self) -> AsyncIterator[Ledger]:
        self._note_what_is_owed()
        self.store = ModelStore(self.world, self.world.ledger, self)
        async with Ledger(self.store, self.world.ledger.contents(), writer=InlineWriter) as ledger:
            yield ledger

    @asynccontextmanager
    async def _open_client(self, clock: ServerClock) -> AsyncIterator[Client]:
        async with Client(
            profile_of(self.world, self.place),
            pool=AtOnce(),
            network=MemoryNetwork(Wire(self), tells_progress=True),
            clock=clock.now,
            hear=clock.hear,
        ) as client:
            yield client

    def _observe(self, event: Told) -> None:
        match event:
            case NotPrepared(job, text):
                self._note_event(event.kind, job, "", text)
            case AttemptEvent(attempt, text):
                self._note_event(event.kind, event.job, attempt.state.value, text)
            case Reconciled(verdict):
                number = verdict.attempt.attempt_id
                self.world.note(f"verdict {type(verdict).__name__} attempt {number}")
            case _:
                pass

    def _note_event(self, kind: str, job: str, state: str, text: str) -> None:
        self.world.note(f"event {kind} {job} {state} {text}")
        self.world.hold(invariants.secrets_stay_secret(self.world, [text]))

    # -- what happens meanwhile --------------------------------------------------------

    async def _watch(self, run: Run, task_status: TaskStatus[None]) -> None:
        """What disturbs a process while it works; the run cancels it."""
        async with anyio.create_task_group() as group:
            for at_s, work in self.world.disturbances():
                group.start_soon(_later, at_s, work)
            if self.world.scenario.intruder_s is not None and not self.intruder:
                group.start_soon(self._intrude, self.world.scenario.intruder_s)
            if self.interruption is not None:
                group.start_soon(self._interrupt, run, self.interruption)
            task_status.started()
            await anyio.sleep_forever()

    async def _interrupt(self, run: Run, interruption: Interruption) -> None:
        await anyio.sleep(interruption.first_s)
        self.world.note("Ctrl-C")
        self.is_cut_short = run.runner is None
        run.interrupt(signal.SIGINT)
        if interruption.second_s is not None:
            await anyio.sleep(interruption.second_s - interruption.first_s)
            self.world.note("Ctrl-C again")
            self.is_cut_short = True
            run.interrupt(signal.SIGINT)

    async def _intrude(self, at_s: float) -> None:
        """A second run is started; somebody may have removed the lock's file before."""
        await anyio.sleep(at_s)
        world = self.world
        if world.scenario.around.lock_removed:
            world.note("somebody removes the lock's file")
            (world.root / "ledger.lock").unlink(missing_ok=True)
        other = Process(world, self.number + 1000, intruder=True, place=self.place)
        await other.main()
        if other.refusal is None or other.refusal.exit_code is not ExitCode.ENVIRONMENT:
            world.violated(
                f"10: process {other.number} got past the lock that process {self.number} holds"
            )

    def remember(self, event: Event, position: int) -> None:
        """Keeps in mind what has to end this run's buying: a halt, or three doubts
        within five minutes."""
        if event.kind is EventKind.NOT_ACCEPTED and event.facts.get("error_code"):
            self.stopped_at = self.stopped_at or position
        if (
            event.kind is EventKind.UNCERTAIN
            and self.run is not None
            and self.run.scheduler is not None
        ):
            now = self.world.clock.now
            self._doubts = [at for at in self._doubts if now - at <= UNCERTAIN_WITHIN_S] + [now]
            if len(self._doubts) >= UNCERTAIN_STOP:
                self.stopped_at = self.stopped_at or position


async def _later(at_s: float, work: object) -> None:
    await anyio.sleep(at_s)
    assert callable(work)
    work()


def _innermost(group: BaseExceptionGroup[BaseException]) -> BaseException:
    """What ends the process: a death or a violation before all else, then a refusal."""
    leaves = list(_leaves(group))
    for kind in (SystemExit, WanbatchError):
        for leaf in leaves:
            if isinstance(leaf, kind):
                return leaf
    return leaves[0]


def _leaves(error: BaseException) -> Iterator[BaseException]:
    if isinstance(error, BaseExceptionGroup):
        for inner in error.exceptions:
            yield from _leaves(inner)
    else:
        yield error


class Decision:
    """``wanbatch resolve`` for one attempt: the shipped decision, with nothing to
    disturb it."""

    def __init__(self, world: World, number: int, word: str, task_id: str) -> None:
        self.world, self.number, self.word, self.task_id = world, number, word, task_id

    async def main(self) -> None:
        world = self.world
        kinds = {
            "adopt": EventKind.ADOPTED,
            "resubmit": EventKind.RESUBMIT,
            "abandon": EventKind.ABANDONED,
        }
        world.note(f"a person: {self.word} attempt {self.number} {self.task_id}")
        job = world.ledger.rows[self.number].job
        question = deciding.Question(options_of(world), job, kinds[self.word], self.task_id)
        ports = deciding.ResolvePorts(
            world.clock.wall,
            lambda: RunLock(world.root, command="simulated"),
            self._open_ledger,
            AtOnce(),
        )
        row = world.ledger.rows[self.number]
        decision = (self.number, world.ledger.happened[self.number][0], self.word)
        world.decisions.add(decision)
        if self.word == "resubmit":
            world.granted[row.realm, row.fingerprint] += 1
        try:
            with ports.lock():
                await deciding.record(question, ports, self._find)
        except WanbatchError as refusal:  # another job has that task
            world.note(f"the decision is refused: {refusal}")
            world.decisions.discard(decision)
            if self.word == "resubmit":
                world.granted[row.realm, row.fingerprint] -= 1

    def _find(self, snapshot: Snapshot) -> list:
        """The one attempt that the person looks at."""
        found = [a for a in snapshot.attempts if a.attempt_id == self.number]
        return [a for a in found if a.state in (State.UNCERTAIN, State.EXPIRED)]

    @asynccontextmanager
    async def _open_ledger(self) -> AsyncIterator[Ledger]:
        world = self.world
        store = ModelStore(world, world.ledger)
        async with Ledger(store, world.ledger.contents(), writer=InlineWriter) as ledger:
            yield ledger
