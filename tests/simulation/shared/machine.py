"""One process of one machine: the shipped run on the shipped shared ledger.

What it may not do: keep an order of its own; what a run does, and when, is ``Run``.

How it works: all that leaves the machine goes through ports that first let it be
stopped (``thaw``) or die (``dies``). A dead process can do nothing more: whatever it
unwinds, each port raises ``Dead``. Its clocks drift; the one that runs during sleep is
``seconds``, ``awake`` stands meanwhile, ``wall`` jumps.
"""

from __future__ import annotations

import signal
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, nullcontext, suppress
from decimal import Decimal
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING, Any

import anyio
from anyio.abc import TaskStatus
from simulation.shared.account import Client
from simulation.shared.scenario import Life, Machine
from simulation.shared.shelf import Line

from wanbatch.engine.events import RunEvent
from wanbatch.ledger.rows import Happened, Write
from wanbatch.ledger.shared.door import Shared, SharedPorts, open_shared
from wanbatch.ledger.store import Ledger
from wanbatch.ledger.writer import Store, Writer
from wanbatch.model.plan import Plan
from wanbatch.model.price import PriceList
from wanbatch.model.wire import Profile
from wanbatch.operations.approval import Nobody
from wanbatch.operations.check import Checked
from wanbatch.operations.choose import SpendingLimit, Unpriced
from wanbatch.operations.options import PlanningOptions, RunOptions
from wanbatch.operations.run import Prepared, Run, RunPorts
from wanbatch.testing.ledger import InlineWriter
from wanbatch.testing.pool import AtOnce
from wanbatch.words.clock import ServerClock
from wanbatch.words.errors import ExitCode, WanbatchError

if TYPE_CHECKING:
    from simulation.shared.world import World

ORIGIN = "https://api.sim.test"
PRICE = Decimal("0.50")
EPOCH = 1_800_000_000.0


class Dead(BaseException):
    """The process is no more."""


class LocalStore:
    """The local disk of a process, which it may die at."""

    def __init__(self, store: Store, process: Process) -> None:
        self._store, self._process = store, process

    def commit(self, batch: Sequence[Write]) -> None:
        process = self._process
        process.dies("commit")
        if process.world.happens(process, process.machine.commit_fails):
            process.disk_failed = True
            process.note("a commit failed")
            raise WanbatchError(ExitCode.ENVIRONMENT, "the ledger cannot grow: the disk is full")
        self._store.commit(batch)
        for entry in batch:
            if isinstance(entry, Happened) and entry.row.task_id:
                process.durable_ids.add(entry.row.task_id)
        process.dies("commit_done")

    def rest(self, *, idle: bool = True) -> None:
        """Nothing to fold into anything."""

    def close(self) -> None:
        self._store.close()


class _Run(Run):
    """The shipped run, but for one thing: a plan above the limit is begun, so that the
    engine has to keep the limit by itself."""

    process: Process

    def _keep_limit(self, plan: Plan, unpriced: Unpriced | None) -> None:
        jobs = self.process.world.scenario.limit_jobs
        if jobs is not None and plan.total is not None and not self.process.is_last:
            self._limit = SpendingLimit(PRICE * jobs, "the scenario")


class Process:
    def __init__(
        self, world: World, machine: Machine, number: int, life: Life, *, is_last: bool = False
    ) -> None:
        self.world, self.machine, self.life, self.is_last = world, machine, life, is_last
        self.name = machine.name
        self.run_id = f"run-{machine.name}-{number}"
        self.chance = Random(f"{world.scenario.seed} {self.run_id}")
        self.folder: Path = world.folder_of(machine)
        self.dead = self.disk_failed = False
        self.scope = anyio.CancelScope()
        self.epoch = 0
        self.durable_ids: set[str] = set()
        self.stopped_s = 0.0
        self.refusal: WanbatchError | None = None
        self._counted: Counter[str] = Counter()
        self._nonces = 0
        self._stores: list[Store] = []

    def note(self, text: str) -> None:
        self.world.note(f"{self.run_id} {text}")

    # -- clocks ------------------------------------------------------------------------

    def seconds(self) -> float:
        """This machine's seconds, those that it was stopped for included."""
        return self.world.now() * (1.0 + self.machine.drift)

    def awake(self) -> float:
        """This machine's seconds, without those that it was stopped for."""
        now = self.world.now()
        slept = sum(min(now, at + length) - at for at, length in self.machine.stops if at < now)
        return (now - slept - self.stopped_s) * (1.0 + self.machine.drift)

    def wall(self) -> float:
        """What this machine believes to be Unix seconds."""
        now = self.world.now()
        jumped = sum(by for at, by in self.machine.jumps if at <= now and not self.is_last)
        return EPOCH + self.seconds() + self.machine.wall_off_s + jumped

    def nonce(self) -> str:
        self._nonces += 1
        return f"{self.run_id}-{self._nonces}"

    # -- stopping and dying ------------------------------------------------------------

    async def passes(self, kind: str) -> None:
        """Before anything leaves the machine."""
        await self.thaw()
        self.dies(kind)

    async def thaw(self) -> None:
        """Returns once the machine is not stopped."""
        if self.dead:
            raise Dead
        while True:
            now = self.world.now()
            until = max((at + s for at, s in self.machine.stops if at <= now < at + s), default=0.0)
            if not until:
                break
            await anyio.sleep(until - now)
        if self.dead:
            raise Dead

    async def stops_in_post(self) -> None:
        """Between the last check and the POST."""
        stops = self.world.stops_in_post[self.name]
        length = stops.pop(0) if stops and not self.is_last else 0.0
        if length:
            self.note(f"stops for {length} s before its POST")
            await anyio.sleep(length)
            self.stopped_s += length

    def dies(self, kind: str) -> None:
        if self.dead:
            raise Dead
        self._counted[kind] += 1
        if self.life.death == (kind, self._counted[kind]):
            self.kill(kind)
            raise Dead

    def kill(self, kind: str) -> None:
        self.dead = True
        self.note(f"DEATH at {kind}")
        self.world.deaths[kind] += 1
        for store in self._stores:
            store.close()
        self.scope.cancel()

    # -- the run -----------------------------------------------------------------------

    def shared_ports(self) -> SharedPorts:
        patience_s = 3000.0 if self.is_last else self.life.patience_s
        return SharedPorts(
            Line(self),
            self.folder,
            self.name,
            self.seconds,
            self.wall,
            self.nonce,
            patience_s=patience_s,
            writer=self._writer,
        )

    def _writer(self, store: Store) -> Writer:
        self._stores.append(store)
        return InlineWriter(LocalStore(store, self))

    @asynccontextmanager
    async def opened(self) -> AsyncIterator[Shared]:
        async with open_shared(self.shared_ports()) as shared:
            self.epoch = shared.epoch
            self.note(f"epoch {shared.epoch}, foreign {shared.foreign}, learnt {shared.learnt}")
            self.world.counts["takeovers"] += 1
            self.world.counts["foreign"] += shared.foreign
            self.world.counts["learnt"] += shared.learnt
            self.durable_ids |= {a.task_id for a in shared.ledger.snapshot.attempts if a.task_id}
            yield shared

    @asynccontextmanager
    async def _open_ledger(self) -> AsyncIterator[Ledger]:
        async with self.opened() as shared:
            own = self.folder / "ledger.db"
            if own.exists():
                learnt = await shared.merge_up(own)
                self.note(f"merged {learnt} up")
                self.durable_ids |= {
                    a.task_id for a in shared.ledger.snapshot.attempts if a.task_id
                }
            yield shared.ledger

    @asynccontextmanager
    async def _open_client(self, clock: ServerClock) -> AsyncIterator[Client]:
        yield Client(self, clock)

    async def main(self) -> None:
        if self.life.forgets:
            for path in self.folder.glob("shared-*"):
                path.unlink()
        try:
            await self._run()
        except WanbatchError as refusal:
            self._refused(refusal)
        except BaseExceptionGroup as group:
            refusals = [
                e for e in _leaves(group) if not isinstance(e, anyio.get_cancelled_exc_class())
            ]
            kinds = [e for e in refusals if not isinstance(e, WanbatchError)]
            if kinds:
                raise kinds[0] from None
            self._refused(refusals[0])

    def _refused(self, refusal: BaseException) -> None:
        assert isinstance(refusal, WanbatchError)
        self.refusal = refusal
        self.note(f"refused: {refusal}")

    async def _run(self) -> None:
        world = self.world
        options = RunOptions(yes=True, wait_s=900.0)
        planning = PlanningOptions(files=(Path("m.wanbatch.yaml"),), output=world.output)
        checked = Checked((world.manifest,), {}, ())
        prepared = Prepared(planning, options, checked, self._profile(), SpendingLimit())
        ports = RunPorts(
            run_id=self.run_id,
            wall=self.wall,
            ticks=self.seconds,
            chance=self.chance.random,
            lock=nullcontext,
            open_ledger=self._open_ledger,
            open_client=self._open_client,
            free_bytes=None,
            watch=self._watch,
            pool=AtOnce(),
            look=None,
            report=lambda *_: (),
        )
        run = _Run(prepared, ports, Nobody(), self._observe)
        run.process = self
        result = await run.execute()
        self.note(f"ended with {result.code.name} {result.trouble}")

    async def _watch(self, run: Run, task_status: TaskStatus[None]) -> None:
        task_status.started()
        if self.life.interrupt_s is not None:
            await anyio.sleep(self.life.interrupt_s)
            self.note("Ctrl-C")
            run.interrupt(signal.SIGINT)
        await anyio.sleep_forever()

    def _profile(self) -> Profile:
        return Profile(
            "api",
            "dashscope" if self.world.scenario.lists else "gateway",
            ORIGIN,
            ORIGIN,
            rate=None,
            poll_interval_s=15.0,
            submit_concurrency=self.world.scenario.submit_concurrency,
            prices=PriceList({"720P": PRICE / 5}, "USD"),
        )

    def _observe(self, event: Any) -> None:
        if isinstance(event, RunEvent):
            self.note(f"{type(event).__name__}")

    async def live(self) -> None:
        """From its start to its end, whatever that is."""
        with suppress(Dead), self.scope:
            async with anyio.create_task_group() as group:
                if self.life.death is not None and self.life.death[0] == "time":
                    group.start_soon(self._die_later, float(self.life.death[1]))
                with suppress(Dead):
                    await self.main()
                group.cancel_scope.cancel()

    async def _die_later(self, after_s: float) -> None:
        await anyio.sleep(after_s)
        self.kill("time")


def _leaves(error: BaseException) -> list[BaseException]:
    if isinstance(error, BaseExceptionGroup):
        return [leaf for one in error.exceptions for leaf in _leaves(one)]
    return [error]
