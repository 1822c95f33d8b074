"""Asks the provider to call tasks off that have not begun.

What it may not do: submit anything, touch a task that this ledger does not know as its
own, or take an answer to the wish for the task's end: the provider's own word in a poll
is that.

How it works, under the run lock: each accepted task of the selected jobs is asked to be
called off, once, one after the other. Then all are polled until each has said where it
stands. A failure in the provider's word ends the attempt as in any run (``interpret``);
any other word than ``failed`` must be said twice, some seconds apart, and be confirmed
by the content route. What still runs goes on, and ``fetch`` brings it home.
"""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import AbstractAsyncContextManager, closing
from dataclasses import dataclass, field, replace
from enum import StrEnum
from pathlib import Path
from typing import Protocol

import anyio

from wanbatch.compute.threads import Threads
from wanbatch.engine.interpret import failure_event, is_late, poll_event
from wanbatch.engine.recovery import recover_interrupted
from wanbatch.engine.runner import RunContext
from wanbatch.engine.scheduling.doubts import DOUBT_S
from wanbatch.ledger.lock import RunLock
from wanbatch.ledger.store import Ledger
from wanbatch.model.lifecycle import Attempt, EventKind, Snapshot, State, is_undecided
from wanbatch.model.origin import same_origin
from wanbatch.model.outcomes import (
    CancelOutcome,
    CancelRefused,
    CancelTaken,
    DownloadFailed,
    DownloadOutcome,
    Failed,
    PollOutcome,
    ProbeFailed,
    ProbeOutcome,
    Running,
    Succeeded,
)
from wanbatch.model.plan import Plan
from wanbatch.model.pool import Pool, near
from wanbatch.model.wire import Profile
from wanbatch.operations.check import Checked, check
from wanbatch.operations.choose import choose_backend
from wanbatch.operations.events import Observer
from wanbatch.operations.options import PlanningOptions
from wanbatch.operations.planning import build_plan, intact_offline, tell_doubts
from wanbatch.operations.shared import ledger_opener, shared_ledger
from wanbatch.operations.ticks import choose_ticks
from wanbatch.operations.wiring import open_client, shared_ports
from wanbatch.providers.dialects.registry import can_cancel, retention_of
from wanbatch.videos.folders import refuse_odd_places
from wanbatch.videos.outputs import part_path
from wanbatch.words.clock import ServerClock
from wanbatch.words.errors import ExitCode, WanbatchError

LOOKS = 4
"""So often each task is polled: twice to be sure of the provider's word, and twice more
for an API that knows of a wish a moment late, or loses an answer."""


class Ending(StrEnum):
    """What became of one task that was to be called off."""

    CANCELLED = "cancelled"
    FAILED = "failed"
    GOES_ON = "goes on"
    MADE = "made"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Cancelled:
    """One task, as it stood before and as it stands now. ``told`` is what the API said
    to the wish, where that explains how it ended."""

    attempt: Attempt
    ending: Ending
    told: str = ""


@dataclass(frozen=True, slots=True)
class Cancellation:
    """``unconfirmed`` are tasks that a person named and no poll has confirmed,
    ``elsewhere`` those that only another backend can be asked about; none of them was
    touched."""

    tasks: tuple[Cancelled, ...]
    unconfirmed: tuple[Attempt, ...] = ()
    elsewhere: tuple[Attempt, ...] = ()


class CancellingClient(Protocol):
    """What is needed of a backend."""

    async def probe(self) -> ProbeOutcome: ...
    async def cancel(self, task_id: str) -> CancelOutcome: ...
    async def poll(self, task_id: str, submitted_at: float) -> PollOutcome: ...
    async def download(self, task_id: str, result: Succeeded, part: Path) -> DownloadOutcome: ...


@dataclass(frozen=True, slots=True)
class CancelPorts:
    """What it has to do with outside of itself. ``sleep`` waits for seconds."""

    open_ledger: Callable[[], AbstractAsyncContextManager[Ledger]]
    open_client: Callable[[ServerClock], AbstractAsyncContextManager[CancellingClient]]
    clock: ServerClock
    pool: Pool
    sleep: Callable[[float], Awaitable[None]] = anyio.sleep


@dataclass(frozen=True, slots=True)
class Prepared:
    """What is known before the lock is taken."""

    options: PlanningOptions
    checked: Checked
    profile: Profile


def prepare(options: PlanningOptions, observe: Observer) -> Prepared:
    """Everything that is checked before the lock is taken. Raises ``WanbatchError``."""
    checked = check(options, observe)
    refuse_odd_places(options.output, [m.name for m in checked.manifests])
    profile = choose_backend(options, checked.manifests, offline=False).profile
    if not can_cancel(profile.kind):
        raise WanbatchError(
            ExitCode.INVALID,
            f"backend {profile.name} has no way to call a task off; nothing was sent",
            "a task that it accepted runs to its end and is charged: bring the video home with"
            " wanbatch fetch",
            "DashScope's own API can: name such a backend with --backend",
        )
    if shared_ledger(profile) is None and not options.ledger.exists():
        raise WanbatchError(
            ExitCode.INVALID,
            f"there is no ledger in {options.output}, so no task is known to be ours",
            "name the folder with --output",
        )
    return Prepared(options, checked, profile)


def start(prepared: Prepared, observe: Observer, lock_timeout_s: float = 0.0) -> Cancellation:
    """``cancel`` with the real ports, under the run lock. Raises ``WanbatchError``."""
    options, profile = prepared.options, prepared.profile
    pool = Threads()
    ports = CancelPorts(
        ledger_opener(options, profile, shared_ports(options.output, lock_timeout_s), pool),
        lambda clock: open_client(profile, options.output, clock, pool),
        ServerClock(time.time, choose_ticks()),
        pool,
    )
    with RunLock(options.output, timeout_s=lock_timeout_s), closing(pool):
        return anyio.run(cancel, prepared, ports, observe)


async def cancel(prepared: Prepared, ports: CancelPorts, observe: Observer) -> Cancellation:
    """With the lock held. Raises ``WanbatchError`` (4) where the backend does not
    answer as it should; then nothing was called off."""
    options, profile = prepared.options, prepared.profile
    async with ports.open_ledger() as ledger:
        context = RunContext(
            "cancel",
            profile.name,
            profile.realm,
            profile.origin,
            "",
            options.output,
            ports.clock.now,
            ports.pool,
            ports.clock,
            retention_of(profile.kind),
        )
        await recover_interrupted(context, ledger)
        plan = _plan(prepared, ledger.snapshot, ports.clock.now())
        tell_doubts(plan, observe)
        found = _tasks_of(plan, options)
        mine = [a for a in found if a.realm == profile.realm]
        here = [a for a in mine if same_origin(a.origin, profile.origin)]
        waiting = [a for a in here if not is_undecided(a)]
        done: list[Cancelled] = []
        if waiting:
            async with ports.open_client(ports.clock) as client:
                await _refuse_stranger(client, profile)
                done = await _Round(context, ledger, client, profile, ports.sleep).work(waiting)
        return Cancellation(
            tuple(done),
            tuple(a for a in here if is_undecided(a)),
            tuple(a for a in found if a not in here),
        )


def _plan(prepared: Prepared, snapshot: Snapshot, at: float) -> Plan:
    options = prepared.options
    intact = intact_offline(options.output, prepared.profile, snapshot)
    return build_plan(options, prepared.checked, prepared.profile, snapshot, intact, at)


def _tasks_of(plan: Plan, options: PlanningOptions) -> list[Attempt]:
    """The accepted tasks of the selected jobs, and of jobs that these manifests had,
    each once, in order of birth."""
    chosen: Iterator[Attempt] = (a for entry in plan.selected() for a in entry.attempts)
    former = () if options.select or options.shard else plan.strangers
    found = {a.attempt_id: a for a in (*chosen, *former) if a.state is State.ACCEPTED and a.task_id}
    return [found[number] for number in sorted(found)]


async def _refuse_stranger(client: CancellingClient, profile: Profile) -> None:
    probe = await client.probe()
    if isinstance(probe, ProbeFailed):
        raise WanbatchError(
            ExitCode.ENVIRONMENT,
            f"backend {profile.name} did not answer as it should: {probe.reason};"
            " nothing was called off",
            probe.hint or "see what is wrong with: wanbatch doctor",
        )


@dataclass(slots=True)
class _Task:
    """One task on its way to an ending."""

    attempt: Attempt
    wish: CancelOutcome
    doubts: int = 0
    polls: int = 0
    runs: bool = False
    ending: Ending | None = None


@dataclass(slots=True)
class _Round:
    """Asks all tasks to be called off, and then how they stand."""

    context: RunContext
    ledger: Ledger
    client: CancellingClient
    profile: Profile
    sleep: Callable[[float], Awaitable[None]]
    tasks: list[_Task] = field(default_factory=list)

    async def work(self, waiting: Sequence[Attempt]) -> list[Cancelled]:
        for attempt in waiting:
            await self._pace()
            self.tasks.append(_Task(attempt, await self.client.cancel(attempt.task_id)))
        for number in range(LOOKS):
            open_ = [task for task in self.tasks if task.ending is None]
            if number and open_:
                await self.sleep(min(DOUBT_S, self.profile.poll_interval_s))
            for task in open_:
                await self._pace()
                await self._look(task)
        return [_ended(task) for task in self.tasks]

    async def _pace(self) -> None:
        """Cancels and polls share the account's limit of queries."""
        if self.profile.queries_per_second and self.tasks:
            await self.sleep(1.0 / self.profile.queries_per_second)

    async def _look(self, task: _Task) -> None:
        attempt = task.attempt
        outcome = await self.client.poll(attempt.task_id, attempt.accepted_at)
        task.polls += 1
        task.runs = isinstance(outcome, Running)
        at = self.context.wall()
        match outcome:
            case Succeeded():
                await self._record(task, outcome, at)
                task.ending = Ending.MADE
            case Failed(certain=True):
                is_end = await self._record(task, outcome, at)
                task.ending = Ending.FAILED if is_end else Ending.UNKNOWN
            case Failed():
                task.doubts += 1
                if task.doubts > 1 and await self._is_confirmed(task):
                    await self._end(task, outcome, at)
            case Running():
                task.doubts = 0
                if isinstance(task.wish, CancelRefused):
                    task.ending = Ending.GOES_ON
            case _:
                pass

    async def _record(self, task: _Task, outcome: PollOutcome, at: float) -> bool:
        """What a run would record; whether there was anything."""
        attempt = task.attempt
        event = poll_event(
            attempt,
            self.context.by_our_clock(outcome),
            at,
            attempt.polls + task.polls,
            attempt.polled_at,
            most_s=self.context.most_age_s(attempt),
            retention=self.context.retention,
        )
        if event is not None:
            await self.ledger.append(event)
        return event is not None

    async def _is_confirmed(self, task: _Task) -> bool:
        """Whether no source has bytes either; where one has, the next fetch takes
        them."""
        part = part_path(self.context.output, task.attempt).with_suffix(".asked")
        await self.context.pool.submit(_MAKE_FOLDER, part.parent)
        found = await self.client.download(task.attempt.task_id, Succeeded(), part)
        await self.context.pool.submit(_DROP, part)
        return isinstance(found, DownloadFailed) and (found.denied or found.gone)

    async def _end(self, task: _Task, failed: Failed, at: float) -> None:
        """What was called off is not tried again by policy: somebody wanted its end."""
        attempt, age_s = task.attempt, self.context.most_age_s(task.attempt)
        late = is_late(attempt, at, age_s, self.context.retention)
        polls = attempt.polls + task.polls
        event = failure_event(
            attempt, replace(failed, retryable=False), at, polls, attempt.polled_at, late=late
        )
        await self.ledger.append(event)
        task.ending = Ending.UNKNOWN if event.kind is EventKind.EXPIRED else Ending.CANCELLED


def _ended(task: _Task) -> Cancelled:
    reason = "" if isinstance(task.wish, CancelTaken) else task.wish.reason
    still = Ending.GOES_ON if task.runs else Ending.UNKNOWN
    return Cancelled(task.attempt, task.ending or still, reason)


def _make_folder(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)


def _drop(path: Path) -> None:
    path.unlink(missing_ok=True)


_MAKE_FOLDER, _DROP = near(_make_folder), near(_drop)
