"""One seed of several machines that share a ledger, from beginning to end.

What it may not do: draw from anything but its seed, or take the ledger's word for what
was bought: the account's books decide.

How it works: while there is trouble, each machine lives its processes beside the
others, on one virtual clock. Then all faults stop; each machine runs once more, a
person decides what is in doubt, and so on until nothing changes. ``held`` are the
invariants of the lifecycle page, over all processes together; what is asked at once is
asked when a POST is sent and seen, and whenever something is written to the store.
"""

from __future__ import annotations

import shutil
import tempfile
import warnings
from collections import Counter
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any
from unittest.mock import patch

import anyio
import anyio.to_thread
from builders import job, manifest
from simulation.shared import invariants
from simulation.shared.account import Books, Post, Task
from simulation.shared.history import History, read_history
from simulation.shared.machine import EPOCH, ORIGIN, PRICE, Dead, Process
from simulation.shared.scenario import TROUBLE_S, Life, Machine, Scenario, draw
from simulation.shared.shelf import Shelf
from simulation.virtual import Clock, Deadlock, run_virtually
from simulation.world import threads_inline

from wanbatch.ledger.rows import Happened, Opened
from wanbatch.ledger.shared import writer
from wanbatch.ledger.sqlite import open_store
from wanbatch.model.lifecycle import Authority, Event, EventKind, Opening, State, apply
from wanbatch.model.lifecycle import open_attempt as opened_row
from wanbatch.model.objects import ObjectChanged, ObjectExists
from wanbatch.model.plan import Request
from wanbatch.plan.identity import identify

MOST_STEPS = 400_000
LAST_ROUNDS = 6
ALONE = -1
"""The attempt of a purchase that the shared ledger was never told of."""
LAST_LIFE = Life(0.0, None, 3000.0, forgets=False, interrupt_s=None)


class Violation(SystemExit):
    """An invariant does not hold; the seed ends here."""


@dataclass(slots=True)
class Result:
    seed: int
    violations: list[str] = field(default_factory=list)
    log: list[str] = field(default_factory=list)
    faults: Counter[str] = field(default_factory=Counter)
    deaths: Counter[str] = field(default_factory=Counter)
    counts: Counter[str] = field(default_factory=Counter)


class World:
    def __init__(self, scenario: Scenario, root: Path) -> None:
        self.scenario, self.root = scenario, root
        self.clock = Clock()
        self.shelf = Shelf(self.now)
        self.books = Books()
        self.result = Result(scenario.seed)
        self.deaths, self.counts = self.result.deaths, self.result.counts
        jobs = [
            job(f"job{n}", prompt=f"prompt {n}", media=(), seed=n) for n in range(scenario.jobs)
        ]
        self.manifest = manifest(*jobs)
        self.output = root / "output"
        self.output.mkdir()
        found = identify([self.manifest], {}).values()
        self.fingerprints = {one.request.prompt: one.fingerprint for one in found}
        self.requests = {one.fingerprint: one.request for one in found}
        self.granted: Counter[str] = Counter()
        self.unknown: set[str] = set()
        self.stops_in_post = {m.name: list(m.stops_in_post) for m in scenario.machines}
        self.known: list[str] = []
        self._group: anyio.abc.TaskGroup | None = None
        self._steps = 0
        self._over = False
        self._person = list(scenario.person)
        self._numbers: Counter[str] = Counter()

    # -- time, chance, the log ---------------------------------------------------------

    def now(self) -> float:
        return self.clock.now

    def true(self) -> float:
        return EPOCH + self.clock.now

    def note(self, text: str) -> None:
        self.result.log.append(f"{self.now():10.3f} {text}")

    def violated(self, text: str) -> None:
        if not self._over:
            self._over = True
            self.result.violations.append(text)
            self.note(f"VIOLATION {text}")
            raise Violation(text)

    def hold(self, findings: list[str]) -> None:
        for finding in findings:
            self.violated(finding)

    def step(self) -> None:
        self._steps += 1
        if self._steps > MOST_STEPS:
            self.violated("11: it never comes to an end")

    def happens(self, process: Process, rate: float) -> bool:
        is_trouble = self.now() < TROUBLE_S and not process.is_last
        return is_trouble and rate > 0.0 and process.chance.random() < rate

    def strikes(self, process: Process, kind: str, fault: str) -> bool:
        rate = getattr(self.scenario, kind)[fault]
        if not self.happens(process, rate):
            return False
        self.result.faults[f"{kind} {fault}"] += 1
        process.note(f"fault {kind} {fault}")
        return True

    def folder_of(self, machine: Machine) -> Path:
        folder = self.root / machine.name
        folder.mkdir(exist_ok=True)
        return folder

    # -- the store ---------------------------------------------------------------------

    def later(self, after_s: float, deed: Callable[[], Awaitable[object]], what: str) -> None:
        async def work() -> None:
            await anyio.sleep(after_s)
            self.note(what)
            await self.quietly(deed)

        assert self._group is not None
        self._group.start_soon(work)

    async def quietly(self, deed: Callable[[], Awaitable[object]]) -> None:
        with suppress(ObjectExists, ObjectChanged):
            await deed()

    def wrote(self, process: Process, what: str) -> None:
        process.note(f"wrote {what}")
        if what.startswith("segments/"):
            self.hold(invariants.history_only_grows(self))

    @property
    def history(self) -> History:
        return read_history(self.shelf.objects)

    # -- the account -------------------------------------------------------------------

    def about_to_post(self, process: Process) -> None:
        """The run has made its last check. What another bought alone, and has not told
        by now, it cannot know; between this and its POST it may be stopped for long."""
        if not any(name.startswith("seen:") for name in self.history.notes):
            self.unknown |= {p.fingerprint for p in self.books.posts if p.attempt == ALONE}
        self.hold(invariants.who_posts_holds_the_lease(self, process))
        self.hold(invariants.no_post_follows_a_failed_commit(process))

    def post_seen(self, process: Process, request: Request) -> Post:
        fingerprint = self.fingerprints[request.prompt]
        history = self.history
        self.hold(invariants.a_post_has_its_intent(self, history, process, fingerprint))
        told = invariants.unused_intent(self, history, process, fingerprint)
        post = Post(self.true(), process.name, process.run_id, fingerprint, told)
        self.books.posts.append(post)
        process.note(f"POST {request.prompt} for attempt {told}")
        self.counts["posts"] += 1
        return post

    def accept(self, process: Process, request: Request) -> Task:
        runs_s = process.chance.uniform(5.0, 200.0)
        error = "DataInspectionFailed" if process.chance.random() < self.scenario.fails else ""
        fingerprint = self.fingerprints[request.prompt]
        at = self.true()
        task = self.books.accept(fingerprint, request.prompt, at, at + runs_s, error)
        self.hold(invariants.at_most_one_charge(self))
        self.hold(invariants.the_limit_is_kept(self, process))
        return task

    def polled(self, process: Process, task_id: str) -> None:
        if task_id not in process.durable_ids:
            self.violated(f"4: {task_id} was asked for before the ledger had it")

    # -- a life ------------------------------------------------------------------------

    async def live(self) -> None:
        async with anyio.create_task_group() as group:
            self._group = group
            self._give_own_ledger()
            async with anyio.create_task_group() as machines:
                for machine in self.scenario.machines:
                    machines.start_soon(self._machine, machine)
            await anyio.sleep(max(0.0, TROUBLE_S + 600.0 - self.now()))
            self.hold(invariants.after_trouble(self))
            await self._quiet_time()
            group.cancel_scope.cancel()
        self.hold(invariants.at_the_end(self))

    async def _machine(self, machine: Machine) -> None:
        for life in machine.lives:
            await anyio.sleep(life.after_s)
            await self._process(machine, life)

    async def _process(self, machine: Machine, life: Life, *, is_last: bool = False) -> Process:
        self._numbers[machine.name] += 1
        number = self._numbers[machine.name]
        process = Process(self, machine, number, life, is_last=is_last)
        process.note("begins")
        try:
            await process.live()
        except (Dead, Violation):
            raise
        except Exception as error:  # noqa: BLE001 - whatever it is, the seed has found it
            if not process.dead:
                self.violated(f"the run fell over: {type(error).__name__}: {error}")
        self.hold(invariants.after_process(self))
        return process

    async def _quiet_time(self) -> None:
        for _ in range(LAST_ROUNDS):
            before = len(self.books.posts), self.known[-1:]
            for machine in self.scenario.machines:
                process = await self._process(machine, LAST_LIFE, is_last=True)
                if process.refusal is not None:
                    self.violated(f"11: a run in quiet times was refused: {process.refusal}")
            decided = await self._decide()
            if not decided and before[0] == len(self.books.posts):
                return

    async def _decide(self) -> int:
        """A person looks at what is in doubt."""
        doubts = (State.UNCERTAIN, State.EXPIRED)
        if not any(told.state in doubts for told in self.history.attempts.values()):
            return 0
        self._numbers["person"] += 1
        machine = self.scenario.machines[0]
        person = Process(self, machine, 1000 + self._numbers["person"], LAST_LIFE, is_last=True)
        decided = 0
        async with person.opened() as shared:
            for row in shared.ledger.snapshot.attempts:
                if row.state not in doubts:
                    continue
                word = self._person.pop(0) if self._person else "abandon"
                made = [p.task_id for p in self.books.posts if p.attempt == row.attempt_id]
                task_id = next((t for t in made if t), "")
                if word == "adopt" and not task_id:
                    word = "resubmit"
                kind = {
                    "adopt": EventKind.ADOPTED,
                    "resubmit": EventKind.RESUBMIT,
                    "abandon": EventKind.ABANDONED,
                }[word]
                facts: dict[str, Any] = {"task_id": task_id} if word == "adopt" else {}
                if word == "resubmit":
                    self.granted[row.fingerprint] += 1
                self.note(f"a person decides: {word} attempt {row.attempt_id}")
                at = person.wall()
                if word == "adopt":
                    facts |= {
                        "accepted_at": at,
                        "give_up_at": at + 9e4,
                        "available_until": at + 8e4,
                    }
                await shared.ledger.append(Event(row.attempt_id, kind, at, facts))  # type: ignore[arg-type]
                decided += 1
        self.counts["decided"] += decided
        return decided

    def _give_own_ledger(self) -> None:
        """The first machine has bought before, alone."""
        if not self.scenario.has_own_ledger:
            return
        fingerprint, request = next(iter(self.requests.items()))
        at = self.true() - 1000.0
        task = self.books.accept(fingerprint, request.prompt, at, at + 10.0, "")
        self.books.posts.append(Post(at, "m0", "run-own", fingerprint, ALONE, task.task_id))
        store, _ = open_store(self.folder_of(self.scenario.machines[0]) / "ledger.db")
        opening = Opening(
            fingerprint, "paid", "api", ORIGIN, "m", "job0", "run-own", Authority.FIRST,
            request.record(), 5, "720P", PRICE, "USD", at,
        )  # fmt: skip
        row = opened_row(1, opening)
        facts = {
            "task_id": task.task_id,
            "accepted_at": at,
            "give_up_at": at + 90_000.0,
            "available_until": at + 86_400.0,
        }
        event = Event(1, EventKind.ACCEPTED, at, facts)  # type: ignore[arg-type]
        store.commit([Opened(row), Happened(event, apply(row, event), 2)])
        store.close()


def run_seed(seed: int, scenario: Scenario | None = None) -> Result:
    """Lives one seed through in a folder of its own."""
    scenario = scenario or draw(seed)
    home = Path("/dev/shm")
    root = Path(tempfile.mkdtemp(prefix="wanbatch-shared-", dir=home if home.is_dir() else None))
    world = World(scenario, root)
    every = patch.multiple(
        writer, SNAPSHOT_AFTER=scenario.snapshot_after, SNAPSHOT_AT_END=scenario.snapshot_after
    )
    try:
        with every, threads_inline(world), warnings.catch_warnings():  # type: ignore[arg-type]
            warnings.simplefilter("ignore", RuntimeWarning)
            run_virtually(world.live, world.clock, world.step)
    except Violation:
        pass
    except Deadlock:
        world.result.violations.append("11: everything waits for something that never comes")
    except BaseExceptionGroup as group:
        if not world.result.violations:
            world.result.violations.append(f"the run fell over: {group!r}")
    finally:
        shutil.rmtree(root, ignore_errors=True)
    return world.result


def quiet(scenario: Scenario) -> Scenario:
    """The same machines without a fault."""
    return replace(
        scenario,
        store=dict.fromkeys(scenario.store, 0.0),
        api=dict.fromkeys(scenario.api, 0.0),
    )
