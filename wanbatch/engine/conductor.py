"""Decides what the run does next. Pure: it is told what happened and when, and answers with one action at a time.

What it may not do: I/O, sleep, read a clock. ``runner`` performs the actions and reports back.

Theory of operation
-------------------
A **work** is one identity to bring to done: a request, and the jobs that share its video. ``next_action`` looks at the lanes in the order of
what is most at risk: results that wait to be downloaded, tasks that are due for a poll, then submits. Nothing new is bought before every task
that was in flight at the start has been asked for once (``_recovering``). A lane that is full gives no action; when no lane gives one, the answer is
``Wait`` until the next instant at which that may change, or ``Finish`` when it cannot.

``stop`` ends buying; polling goes on until what was paid for is home. ``drain`` ends everything but what is already being done.

Two clocks: ``now`` is monotonic seconds and paces; ``at`` is Unix seconds and expires.
"""

from __future__ import annotations

import heapq
from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from wanbatch.engine.budget import Budget
from wanbatch.engine.listing import ListPolls
from wanbatch.engine.outcomes import (
    Accepted,
    DownloadFailed,
    Halted,
    NotAccepted,
    PollOutcome,
    Running,
    SubmitOutcome,
    Succeeded,
    TaskListing,
    Uncertain,
    Unreadable,
)
from wanbatch.engine.pacing import SubmitPacer
from wanbatch.engine.polling import PollSchedule
from wanbatch.lifecycle import IN_FLIGHT, Attempt, Authority, EventKind, State
from wanbatch.manifest.model import MediaType
from wanbatch.plan.model import Action, Plan, PlannedJob
from wanbatch.plan.planner import may_retry

Urls = Mapping[MediaType, str]

POLL_LANE = 16
FETCH_LANE = 6
PREPARE_LANE = 3
FETCH_RETRY_CAP_S = 60.0
BLIND_POLLS_AFTER_HALT = 5


class Phase(StrEnum):
    """Where a work stands in this run."""

    WAITING = "waiting"
    READY = "ready"
    PREPARING = "preparing"
    PREPARED = "prepared"
    SUBMITTING = "submitting"
    RUNNING = "running"
    DONE = "done"
    STUCK = "stuck"


@dataclass(slots=True)
class Work:
    """One identity and the jobs that share its video. ``attempts`` are all there ever were, oldest first."""

    index: int
    entries: list[PlannedJob]
    upstream: frozenset[str]
    phase: Phase
    authority: Authority
    retries: int
    attempts: list[Attempt] = field(default_factory=list)
    urls: Urls = field(default_factory=dict)
    reason: str = ""

    @property
    def entry(self) -> PlannedJob:
        return self.entries[0]

    @property
    def fingerprint(self) -> str:
        return self.entries[0].fingerprint


@dataclass(slots=True)
class Tracked:
    """A task that was paid for and is not yet on disk. ``since`` is when this run began to watch it, monotonic."""

    attempt: Attempt
    work: Work | None
    since: float
    polls: int = 0
    not_done_at: float = 0.0
    fetches: int = 0
    busy: bool = False
    holds_slot: bool = True
    watched: bool = True


@dataclass(frozen=True, slots=True)
class Prepare:
    work: Work


@dataclass(frozen=True, slots=True)
class Submit:
    work: Work


@dataclass(frozen=True, slots=True)
class Poll:
    task: Tracked


@dataclass(frozen=True, slots=True)
class Fetch:
    task: Tracked
    result: Succeeded


@dataclass(frozen=True, slots=True)
class ListTasks:
    """Ask for the account's tasks that were submitted from ``since`` on (Unix seconds)."""

    since: float


@dataclass(frozen=True, slots=True)
class Wait:
    """Nothing to do before ``until`` (monotonic), or before something that is being done ends (``None``)."""

    until: float | None


@dataclass(frozen=True, slots=True)
class Finish:
    pass


NextAction = Prepare | Submit | Poll | Fetch | ListTasks | Wait | Finish


@dataclass(frozen=True, slots=True)
class Limits:
    """How long running tasks are waited for, and whether the first failure stops buying, by manifest name."""

    wait_s: float = 7200.0
    stop_on_failure: frozenset[str] = frozenset()


class Conductor:
    """The state of one run. All that changes in a run's memory is in here: works, tasks, lanes, and the three pacers that it is given."""

    def __init__(
        self,
        works: Sequence[Work],
        pacer: SubmitPacer,
        polls: PollSchedule,
        budget: Budget,
        limits: Limits,
        lists: ListPolls | None = None,
    ) -> None:
        """``lists`` where the API can list its tasks."""
        self.works = list(works)
        self.pacer, self.polls, self.budget, self.limits, self.lists = (
            pacer,
            polls,
            budget,
            limits,
            lists,
        )
        self.by_fingerprint = {work.fingerprint: work for work in works}
        # An attempt may have been made under an earlier rule of identity: then its own fingerprint is not the work's.
        self._work_of = {a.attempt_id: work for work in works for a in work.attempts}
        self.tasks: dict[int, Tracked] = {}
        self.stop_reason = ""
        self.halted: Halted | None = None
        self.trouble = ""
        self.draining = False
        self._dependents: dict[str, list[Work]] = {}
        for work in works:
            for up in work.upstream:
                self._dependents.setdefault(up, []).append(work)
        self._ready = [work.index for work in works if work.phase is Phase.READY]
        heapq.heapify(self._ready)
        self._prepared: list[int] = []
        self._first_polls: list[int] = []
        self._recovering: set[int] = set()
        self._results: dict[int, Succeeded] = {}
        self._refetch: list[tuple[float, int]] = []
        self._reserved: set[int] = set()
        self._deadlines: deque[tuple[float, int]] = deque()
        self._lanes = {"prepare": 0, "submit": 0, "poll": 0, "fetch": 0, "list": 0}
        self._blind_polls = 0

    # -- what is paid for already ------------------------------------------------------------------------------------------------------------

    def resume(self, attempts: Iterable[Attempt], now: float, at: float) -> None:
        """Watches tasks that were in flight when the run began. The one whose result vanishes first is asked for first."""
        found = sorted(attempts, key=lambda a: (a.expires_at, a.attempt_id))
        for attempt in found:
            self._watch(attempt, self._work_for(attempt), now)
            self.polls.add(
                attempt.attempt_id,
                now - max(0.0, at - attempt.accepted_at),
                now,
                (attempt.length_s, attempt.size),
            )
            self.pacer.resumed()
        self._first_polls = [a.attempt_id for a in reversed(found)]
        self._recovering = {a.attempt_id for a in found}

    def _work_for(self, attempt: Attempt) -> Work | None:
        return self._work_of.get(attempt.attempt_id) or self.by_fingerprint.get(attempt.fingerprint)

    # -- the next action ---------------------------------------------------------------------------------------------------------------------

    def next_action(self, now: float) -> NextAction:
        """What to do at once, how long to wait, or that there is nothing left to do. The caller performs it and reports back."""
        if self.draining:
            return Wait(None) if any(self._lanes.values()) else Finish()
        self._give_up(now)
        return (
            self._next_fetch(now)
            or self._next_poll(now)
            or self._next_list(now)
            or self._next_submit(now)
            or self._next_prepare()
            or self._rest(now)
        )

    def _next_fetch(self, now: float) -> Fetch | None:
        if self._lanes["fetch"] >= FETCH_LANE or not self._results:
            return None
        attempt_id = min(self._results, key=lambda i: (self.tasks[i].attempt.expires_at, i))
        self._lanes["fetch"] += 1
        return Fetch(self.tasks[attempt_id], self._results.pop(attempt_id))

    def _next_poll(self, now: float) -> Poll | None:
        if self._lanes["poll"] >= POLL_LANE:
            return None
        attempt_id = self._due(now)
        if attempt_id is None:
            return None
        self._lanes["poll"] += 1
        task = self.tasks[attempt_id]
        task.busy = True
        task.polls += 1
        return Poll(task)

    def _due(self, now: float) -> int | None:
        while self._first_polls:
            attempt_id = self._first_polls[-1]
            if not self.polls.take(attempt_id, now):
                return None
            return self._first_polls.pop()
        if self._refetch and self._refetch[0][0] <= now:
            attempt_id = self._refetch[0][1]
            if not self.polls.take(attempt_id, now):
                return None
            heapq.heappop(self._refetch)
            return attempt_id
        return None if self._listed(now) else self.polls.due(now)

    def _listed(self, now: float) -> bool:
        """Whether running tasks are watched through the account's list for now."""
        return self.lists is not None and self.lists.is_used(len(self._running()), now)

    def _running(self) -> list[Attempt]:
        return [
            task.attempt
            for task in self.tasks.values()
            if task.watched and task.attempt.state is State.ACCEPTED
        ]

    def _next_list(self, now: float) -> ListTasks | None:
        if (
            self.lists is None
            or self._lanes["list"]
            or not self._listed(now)
            or now < self.lists.due_at
        ):
            return None
        running = self._running()
        oldest = running[0]
        usual = self.polls.model.duration_of((oldest.length_s, oldest.size))
        self.lists.started(now, None if usual is None else usual.median_s)
        self._lanes["list"] += 1
        return ListTasks(min(attempt.intent_at for attempt in running))

    def _may_buy(self) -> bool:
        return not self.stop_reason and not self._recovering

    def _next_submit(self, now: float) -> Submit | None:
        if not self._prepared or not self._may_buy():
            return None
        ready_at = self.pacer.ready_at(now)
        if ready_at is None or ready_at > now:
            return None
        work = self.works[heapq.heappop(self._prepared)]
        if not self.budget.reserve(work.entry.price):
            self._stick(work, "the budget does not allow it")
            return self._next_submit(now)
        self.pacer.started(now)
        self._lanes["submit"] += 1
        work.phase = Phase.SUBMITTING
        return Submit(work)

    def _next_prepare(self) -> Prepare | None:
        if (
            not self._ready
            or not self._may_buy()
            or self._lanes["prepare"] + len(self._prepared) >= PREPARE_LANE
        ):
            return None
        work = self.works[heapq.heappop(self._ready)]
        self._lanes["prepare"] += 1
        work.phase = Phase.PREPARING
        return Prepare(work)

    def _rest(self, now: float) -> Wait | Finish:
        wakes = [self._next_poll_at(now), self._next_submit_at(now), self._next_give_up_at()]
        known = [w for w in wakes if w is not None]
        if any(self._lanes.values()):
            return Wait(min(known, default=None))
        return Wait(min(known)) if known else Finish()

    def _next_poll_at(self, now: float) -> float | None:
        if self._lanes["poll"] >= POLL_LANE:
            return None
        instants = [
            self.lists.due_at
            if self.lists is not None and self._listed(now) and not self._lanes["list"]
            else self.polls.next_at()
        ]
        if self._refetch:
            instants.append(self.polls.free_at(self._refetch[0][0]))
        if self._first_polls:
            instants.append(self.polls.free_at(0.0))
        return min((i for i in instants if i is not None), default=None)

    def _next_submit_at(self, now: float) -> float | None:
        return self.pacer.ready_at(now) if self._prepared and self._may_buy() else None

    def _next_give_up_at(self) -> float | None:
        while self._deadlines and not self._is_watched(self._deadlines[0][1]):
            self._deadlines.popleft()
        return self._deadlines[0][0] if self._deadlines else None

    def _is_watched(self, attempt_id: int) -> bool:
        return attempt_id in self.tasks and self.tasks[attempt_id].watched

    # -- what happened -----------------------------------------------------------------------------------------------------------------------

    def prepared(self, work: Work, urls: Urls) -> None:
        self._lanes["prepare"] -= 1
        work.urls = urls
        work.phase = Phase.PREPARED
        heapq.heappush(self._prepared, work.index)

    def unprepared(self, work: Work, reason: str) -> None:
        """The work's media could not be made ready; nothing was sent."""
        self._lanes["prepare"] -= 1
        self._stick(work, reason)

    def opened(self, work: Work, attempt: Attempt) -> None:
        """The intent is durable; the POST goes out now."""
        work.attempts.append(attempt)

    def submitted(self, work: Work, attempt: Attempt, outcome: SubmitOutcome, now: float) -> None:
        """A POST was answered, and what that means is durable."""
        self._lanes["submit"] -= 1
        self.pacer.answered(now, outcome)
        work.attempts[-1] = attempt
        match outcome:
            case Accepted():
                work.phase, work.urls = Phase.RUNNING, {}
                self._reserved.add(attempt.attempt_id)
                self._watch(attempt, work, now)
                self.polls.add(attempt.attempt_id, now, now, (attempt.length_s, attempt.size))
            case NotAccepted():
                self.budget.release(attempt.price)
                work.phase, work.authority = Phase.PREPARED, Authority.NOT_ACCEPTED
                heapq.heappush(self._prepared, work.index)
            case Halted():
                self.budget.release(attempt.price)
                self.halted, self.trouble = outcome, outcome.message
                self._stick(work, outcome.message)
                self.stop(outcome.message)
            case Uncertain(reason):
                self.budget.spend(attempt.price)
                self._stick(work, reason)
                if self.pacer.stopped:
                    self.stop("three submits in five minutes ended uncertain")
            case _:
                self.budget.release(attempt.price)
                self._fail(work, attempt)

    def polled(
        self, task: Tracked, attempt: Attempt, outcome: PollOutcome, now: float, at: float
    ) -> None:
        """A poll was answered; ``attempt`` is the row after it."""
        self._lanes["poll"] -= 1
        task.attempt, task.busy = attempt, False
        self._blind_polls = self._blind_polls + 1 if isinstance(outcome, Unreadable) else 0
        if self.halted and self._blind_polls >= BLIND_POLLS_AFTER_HALT:
            self.drain()
        if not isinstance(outcome, (Succeeded, Unreadable)):
            task.not_done_at = at
        if attempt.state is not State.ACCEPTED:
            self._free_slot(task, now)
        if (
            attempt.state is State.REMOTE_OK
            and at > attempt.expires_at
            and not isinstance(outcome, Succeeded)
        ):
            outcome = Succeeded()  # forgotten by now: the content route has the last word
        self.polls.polled(attempt.attempt_id, now, outcome)
        if attempt.state in (State.REMOTE_OK, State.STORED) and isinstance(outcome, Succeeded):
            self._results[attempt.attempt_id] = outcome
            return
        self._recovering.discard(attempt.attempt_id)
        if attempt.state not in IN_FLIGHT and not (
            attempt.state is State.STORED and isinstance(outcome, (Running, Unreadable))
        ):
            self._close(task, now)

    def listed(self, listing: TaskListing | None, now: float, at: float) -> None:
        """The account's list was answered (``None``: it was not); whoever it shows as ended, or does not show, is asked next."""
        self._lanes["list"] -= 1
        if self.lists is None:
            return
        running = {
            t.attempt.task_id: t
            for t in self.tasks.values()
            if t.watched and not t.busy and t.attempt.state is State.ACCEPTED
        }
        waiting = {attempt_id for _, attempt_id in self._refetch}
        asked = set(
            self.lists.answered(
                listing, {task_id: task.since for task_id, task in running.items()}, now
            )
        )
        for task_id, task in running.items():
            if task_id in asked and task.attempt.attempt_id not in waiting:
                heapq.heappush(self._refetch, (now, task.attempt.attempt_id))
            elif task_id not in asked and listing is not None and listing.complete:
                task.not_done_at = at

    def fetched(self, task: Tracked, attempt: Attempt, now: float) -> None:
        """The video is stored (or the attempt ended otherwise), and that is durable."""
        self._lanes["fetch"] -= 1
        task.attempt = attempt
        self._close(task, now)

    def unfetched(
        self, task: Tracked, attempt: Attempt, failure: DownloadFailed, now: float
    ) -> None:
        """The download failed; the result is asked for again later, with a fresh URL. A disk that takes nothing ends the run: it can be resumed."""
        self._lanes["fetch"] -= 1
        task.attempt = attempt
        if failure.disk:
            self.trouble = self.trouble or failure.reason
            self.stop(failure.reason)
            self._forget(attempt.attempt_id)
        else:
            self._fetch_later(task, now)

    def _fetch_later(self, task: Tracked, now: float) -> None:
        task.fetches += 1
        self._recovering.discard(task.attempt.attempt_id)
        if not task.watched:
            return
        heapq.heappush(
            self._refetch,
            (
                now + min(FETCH_RETRY_CAP_S, 0.5 * 2.0 ** min(task.fetches, 30)),
                task.attempt.attempt_id,
            ),
        )

    def _free_slot(self, task: Tracked, now: float) -> None:
        """The provider has done with the task: its slot is free, whatever the download takes."""
        if task.holds_slot:
            task.holds_slot = False
            self.pacer.finished(now)

    def _close(self, task: Tracked, now: float) -> None:
        attempt, work = task.attempt, task.work
        self.tasks.pop(attempt.attempt_id)
        self._recovering.discard(attempt.attempt_id)
        self.polls.remove(attempt.attempt_id)
        self._free_slot(task, now)
        if attempt.attempt_id in self._reserved:
            self._reserved.discard(attempt.attempt_id)
            settle = (
                self.budget.release if attempt.state is State.REMOTE_FAILED else self.budget.spend
            )
            settle(attempt.price)
        if work is None or work.phase is Phase.DONE:
            return
        work.attempts = [
            attempt if a.attempt_id == attempt.attempt_id else a for a in work.attempts
        ]
        if attempt.state is State.STORED:
            self._finish(work)
        elif may_retry(attempt, work.attempts, work.retries):
            work.authority, work.phase = Authority.RETRY_POLICY, Phase.READY
            heapq.heappush(self._ready, work.index)
        else:
            self._fail(work, attempt)

    def _finish(self, work: Work) -> None:
        work.phase = Phase.DONE
        for other in self._dependents.get(work.fingerprint, ()):
            if other.phase is Phase.WAITING and all(
                self.by_fingerprint[up].phase is Phase.DONE for up in other.upstream
            ):
                other.phase = Phase.READY
                heapq.heappush(self._ready, other.index)

    def _fail(self, work: Work, attempt: Attempt) -> None:
        self._stick(work, attempt.error_message or attempt.reason)
        if work.entry.job.manifest in self.limits.stop_on_failure:
            self.stop(f"{work.entry.name} failed, and the manifest says on_failure: stop")

    def _stick(self, work: Work, reason: str) -> None:
        work.phase, work.reason, work.urls = Phase.STUCK, reason, {}

    # -- ending ------------------------------------------------------------------------------------------------------------------------------

    def stop(self, reason: str) -> None:
        """No new purchase from now on; what is paid for is still brought home."""
        self.stop_reason = self.stop_reason or reason

    def drain(self) -> None:
        """No new request from now on; those that are out are waited for."""
        self.draining = True

    def _watch(self, attempt: Attempt, work: Work | None, now: float) -> None:
        self.tasks[attempt.attempt_id] = Tracked(
            attempt, work, now, attempt.polls, attempt.polled_at
        )
        self._deadlines.append((now + self.limits.wait_s, attempt.attempt_id))

    def _give_up(self, now: float) -> None:
        """Stops watching tasks that have run for longer than this run waits; they keep their task id for the next one."""
        while self._deadlines and self._deadlines[0][0] <= now:
            _, attempt_id = self._deadlines.popleft()
            if not self._is_watched(attempt_id):
                continue
            if self.tasks[attempt_id].busy:
                self._deadlines.append((now + 1.0, attempt_id))
                continue
            self._forget(attempt_id)

    def _forget(self, attempt_id: int) -> None:
        """Watches a task no more in this run; the ledger keeps it for the next."""
        self.tasks[attempt_id].watched = False
        self._recovering.discard(attempt_id)
        self.polls.remove(attempt_id)
        self._first_polls = [i for i in self._first_polls if i != attempt_id]
        self._refetch = [(instant, i) for instant, i in self._refetch if i != attempt_id]
        heapq.heapify(self._refetch)


def build_works(plan: Plan, retries: Mapping[str, int]) -> list[Work]:
    """The works of a plan's selected jobs that a run acts on, in manifest order; jobs of equal identity share one. ``retries`` is by manifest."""
    works: dict[str, Work] = {}
    done = {entry.fingerprint for entry in plan.jobs if entry.action is Action.REUSE}
    acting = [
        e
        for e in plan.jobs
        if e.selected and e.action in (Action.GENERATE, Action.RESUME, Action.REUSE)
    ]
    for entry in acting:
        if entry.fingerprint in works:
            works[entry.fingerprint].entries.append(entry)
            continue
        upstream = frozenset(m.upstream for m in entry.request.media if m.upstream) - done
        works[entry.fingerprint] = Work(
            index=len(works),
            entries=[entry],
            upstream=upstream if entry.action is Action.GENERATE else frozenset(),
            phase=_first_phase(entry, waits=bool(upstream)),
            authority=authority_of(entry, retries.get(entry.job.manifest, 0)),
            retries=retries.get(entry.job.manifest, 0),
            attempts=list(entry.attempts),
        )
    return list(works.values())


def _first_phase(entry: PlannedJob, *, waits: bool) -> Phase:
    if entry.action is Action.REUSE:
        return Phase.DONE
    if entry.action is Action.RESUME:
        return Phase.RUNNING
    return Phase.WAITING if waits else Phase.READY


def authority_of(entry: PlannedJob, retries: int) -> Authority:
    """Why a job may be submitted, by the youngest attempt of its identity."""
    if not entry.attempts:
        return Authority.FIRST
    last = entry.attempts[-1]
    if last.state is State.PLANNED:
        return CLOSED_BY.get(last.last_event, Authority.NOT_ACCEPTED)
    return Authority.RETRY_POLICY if may_retry(last, entry.attempts, retries) else Authority.PERSON


CLOSED_BY = {EventKind.ABSENT: Authority.ABSENT, EventKind.RESUBMIT: Authority.PERSON}
