"""Decides what the run does next. Pure: it is told what happened and when, and answers
with one action at a time.

What it may not do: I/O, sleep, read a clock. ``runner`` performs the actions and
reports back.

Theory of operation
-------------------
A **work** is one identity to bring to done: a request, and the jobs that share its
video. ``next_action`` looks at the lanes in the order of what is most at risk: results
that wait to be downloaded, tasks that are due for a poll, then submits. Nothing new is
bought before every task that was in flight at the start has been asked for once
(``_recovering``). A lane that is full gives no action; when no lane gives one, the
answer is ``Wait`` until the next instant at which that may change, or ``Finish`` when
it cannot.

``StopBuying`` ends buying; polling goes on until what was paid for is home. ``Drain``
ends everything but what is already being done.

A failure is not the last word for a day: before a job is bought again, and once at the
end of the run, its failed tasks are asked again (``_ask_failed``). Where the API's word
is doubtful (a failure in another word than ``failed``, a word that nobody knows on a
task that should have ended, a task once finished that is called something else), the
content route is asked.

Two clocks: ``now`` is monotonic seconds and paces; ``at`` is Unix seconds and expires.
"""

from __future__ import annotations

import heapq
import math
from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from wanbatch.engine.interpret import is_late, is_overdue
from wanbatch.engine.notices import (
    ClockSet,
    Drain,
    FetchFailed,
    IntentRecorded,
    ListAnswered,
    MediaFailed,
    MediaReady,
    NoRoom,
    Notice,
    PollAnswered,
    StopBuying,
    SubmitAnswered,
    TasksResumed,
    VideoStored,
)
from wanbatch.engine.pacing.budget import Budget
from wanbatch.engine.pacing.submits import SubmitPacer
from wanbatch.engine.polling.batch import ListPolls
from wanbatch.engine.polling.schedule import PollSchedule
from wanbatch.engine.work_items import (
    Fetch,
    Finish,
    ListTasks,
    NextAction,
    Phase,
    Poll,
    Prepare,
    RunningTask,
    RunPolicy,
    Submit,
    Urls,
    Wait,
    WorkItem,
)
from wanbatch.model.lifecycle import Attempt, Authority, EventKind, State, may_retry
from wanbatch.model.origin import same_origin
from wanbatch.model.outcomes import (
    Accepted,
    DownloadFailed,
    Failed,
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
from wanbatch.model.plan import Action, Plan, PlannedJob

POLL_LANE = 16
DOUBT_S = 5.0
"""A doubtful failure is asked for again after this: "some seconds later" (contract)."""
ASKED_LATELY_S = 10.0
"""A failed task that was asked so lately is not asked again before the POST: twice
``DOUBT_S``."""
USUAL_S = 300.0
"""How long a task usually takes at most, while nothing was learnt (reference C.5)."""
OVERLONG = 3.0
"""A task that is so many usual latencies old should have ended (contract)."""
FETCH_LANE = 6
PREPARE_LANE = 3
FETCH_RETRY_CAP_S = 60.0
BLIND_POLLS_AFTER_HALT = 5


@dataclass(frozen=True, slots=True)
class Told:
    """A notice that came at ``now``."""

    now: float
    notice: Notice


@dataclass(frozen=True, slots=True)
class Asked:
    """The action that was given at ``now``."""

    now: float
    action: NextAction


class Scheduler:
    """The state of one run. All that changes in a run's memory is in here: works,
    tasks, lanes, and the three pacers that it is given."""

    def __init__(
        self,
        works: Sequence[WorkItem],
        pacer: SubmitPacer,
        polls: PollSchedule,
        budget: Budget,
        limits: RunPolicy,
        lists: ListPolls | None = None,
        record: list[Told | Asked] | None = None,
    ) -> None:
        """``lists`` where the API can list its tasks. ``record`` takes all that the
        scheduler is told and asked, for ``wanbatch.testing.replay``."""
        self.record = record
        self.works = list(works)
        self.pacer, self.polls, self.budget, self.limits, self.lists = (
            pacer,
            polls,
            budget,
            limits,
            lists,
        )
        self.by_fingerprint = {work.fingerprint: work for work in works}
        # An attempt may have been made under an earlier rule of identity: then its own
        # fingerprint is not the work's.
        self._work_of = {a.attempt_id: work for work in works for a in work.attempts}
        # By attempt; a task stays until it is stored, ended, or given up for this run.
        self.tasks: dict[int, RunningTask] = {}
        # Not empty: nothing more is bought. Set at the latest when ``halted`` is.
        self.stop_reason = ""
        self.halted: Halted | None = None
        self.trouble = ""
        # True: no new request of any kind; only what is under way is waited for.
        self.draining = False
        self._dependents: dict[str, list[WorkItem]] = {}
        for work in works:
            for up in work.upstream:
                self._dependents.setdefault(up, []).append(work)
        # Heaps of work numbers, in manifest order; ``_prepared`` holds each once.
        self._ready = [work.index for work in works if work.phase is Phase.READY]
        heapq.heapify(self._ready)
        self._prepared: list[int] = []
        # Attempts in ``tasks`` that are asked at once, the last one first.
        self._first_polls: list[int] = []
        # Attempts of before that were not asked yet; while one is here nothing is
        # bought.
        self._recovering: set[int] = set()
        # Attempts in ``tasks`` whose result waits for a download; none is in a lane.
        self._results: dict[int, Fetch] = {}
        # A heap of (monotonic instant, attempt): asked again then.
        self._refetch: list[tuple[float, int]] = []
        # Attempts whose price is reserved in the budget and neither spent nor released.
        self._reserved: set[int] = set()
        self._deadlines: deque[tuple[float, int]] = deque()
        self._wall_ahead = 0.0
        self._failed_before: list[Attempt] = []
        self._asked: dict[int, float] = {}
        self._asked_last: set[int] = set()
        self._given_back: set[int] = set()
        self._refused_since: float | None = None
        # Requests under way, by kind; never below nothing.
        self._lanes = {"prepare": 0, "submit": 0, "poll": 0, "fetch": 0, "list": 0}
        self._blind_polls = 0

    def handle(self, notice: Notice, now: float) -> None:  # noqa: C901  a case for each notice
        """Takes what happened at ``now`` (monotonic seconds): the one door for it.

        ``next_action`` then says what follows. ``record`` holds all that came through
        either, where one was given.
        """
        if self.record is not None:
            self.record.append(Told(now, notice))
        match notice:
            case TasksResumed(attempts, at, failed):
                self._resume(attempts, now, at, failed)
            case MediaReady(work, urls):
                self._media_ready(work, urls)
            case MediaFailed(work, reason):
                self._media_failed(work, reason)
            case NoRoom(work, reason):
                self._no_room(work, reason)
            case IntentRecorded(work, attempt):
                self._intent_recorded(work, attempt)
            case SubmitAnswered(work, attempt, outcome):
                self._submit_answered(work, attempt, outcome, now)
            case PollAnswered(task, attempt, outcome, at, age_s):
                self._poll_answered(task, attempt, outcome, now, at, age_s)
            case ListAnswered(listing, at):
                self._list_answered(listing, now, at)
            case VideoStored(task, attempt):
                self._video_stored(task, attempt, now)
            case FetchFailed(task, attempt, failure):
                self._fetch_failed(task, attempt, failure, now)
            case ClockSet():
                self._clock_set(now)
            case StopBuying(reason):
                self._stop_buying(reason)
            case Drain():
                self._drain()

    # -- what is paid for already ------------------------------------------------------

    def _resume(
        self,
        attempts: Iterable[Attempt],
        now: float,
        at: float,
        failed: Iterable[Attempt] = (),
    ) -> None:
        """Watches tasks that were in flight when the run began.

        The one whose result vanishes first is asked for first. ``failed`` are those
        that the ledger calls failed and that may yet turn: they are asked at the end.
        """
        self._wall_ahead = at - now
        self._failed_before = [*failed]
        found = sorted(attempts, key=lambda a: (a.available_until, a.attempt_id))
        for attempt in found:
            submitted_at = now - max(0.0, at - attempt.accepted_at)
            work = self._work_for(attempt)
            self._watch(attempt, work, now, submitted_at)
            self.polls.add(attempt.attempt_id, submitted_at, now, (attempt.length_s, attempt.size))
            self.pacer.resumed()
        self._first_polls = [a.attempt_id for a in reversed(found)]
        self._recovering = {a.attempt_id for a in found}

    def _work_for(self, attempt: Attempt) -> WorkItem | None:
        return self._work_of.get(attempt.attempt_id) or self.by_fingerprint.get(attempt.fingerprint)

    # -- the next action ---------------------------------------------------------------

    def next_action(self, now: float) -> NextAction:
        """What to do at once, how long to wait, or that there is nothing left to do.
        The caller performs it and reports back."""
        action = self._choose_action(now)
        if self.record is not None:
            self.record.append(Asked(now, action))
        return action

    def _choose_action(self, now: float) -> NextAction:
        if self.draining:
            return Wait(None) if any(self._lanes.values()) else Finish()
        self._give_up(now)
        action = (
            self._next_fetch(now)
            or self._next_poll(now)
            or self._next_list(now)
            or self._next_submit(now)
            or self._next_prepare(now)
            or self._rest(now)
        )
        if isinstance(action, Finish) and self._look_again(now):
            return self.next_action(now)
        return action

    def _next_fetch(self, now: float) -> Fetch | None:
        if self._lanes["fetch"] >= FETCH_LANE or not self._results:
            return None
        attempt_id = min(self._results, key=lambda i: (self.tasks[i].attempt.available_until, i))
        self._lanes["fetch"] += 1
        return self._results.pop(attempt_id)

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
        if self._ask_failed(
            work, now
        ):  # it waited for its turn, and meanwhile they may have turned
            return self._next_submit(now)
        if not self.budget.reserve(work.entry.price):
            self._stick(work, "the budget does not allow it")
            return self._next_submit(now)
        self.pacer.started(now)
        self._lanes["submit"] += 1
        work.phase = Phase.SUBMITTING
        return Submit(work)

    def _next_prepare(self, now: float) -> Prepare | None:
        while self._ready and self._may_buy():
            if self._lanes["prepare"] + len(self._prepared) >= PREPARE_LANE:
                return None
            work = self.works[heapq.heappop(self._ready)]
            if self._ask_failed(work, now):
                continue
            self._lanes["prepare"] += 1
            work.phase = Phase.PREPARING
            return Prepare(work)
        return None

    # -- failures that may turn --------------------------------------------------------

    def _may_turn(self, attempt: Attempt, now: float) -> bool:
        """Whether the provider may yet say something else of a failed task."""
        young = now + self._wall_ahead - attempt.accepted_at < self.limits.retention.query_s
        return attempt.state is State.REMOTE_FAILED and bool(attempt.task_id) and young

    def _ask_failed(self, work: WorkItem, now: float) -> bool:
        """Asks the failed tasks of a work before it is bought again; true while that
        goes on.

        One that is older than a day by this machine's clock is asked too, but only
        once: the clock may have been set since, and to ask costs nothing.
        """
        due = [
            attempt
            for attempt in work.attempts
            if now - self._asked.get(attempt.attempt_id, -math.inf) > ASKED_LATELY_S
            and same_origin(attempt.origin, work.origin)
            and attempt.state is State.REMOTE_FAILED
            and attempt.task_id
        ]
        for attempt in due:
            once = not self._may_turn(attempt, now)
            self._watch_failed(attempt, work, now, now + self._doubt_s, last_look=once)
        if due:
            work.phase = Phase.ASKING
        return bool(due)

    def _look_again(self, now: float) -> bool:
        """At the end of the run: asks once for every failed task that may have
        turned."""
        own = [(a, w) for w in self.works for a in w.attempts if same_origin(a.origin, w.origin)]
        ids = {attempt.attempt_id for attempt, _ in own}
        before = [(a, None) for a in self._failed_before if a.attempt_id not in ids]
        due = [
            (attempt, work)
            for attempt, work in (*own, *before)
            if attempt.attempt_id not in self._asked_last
            and attempt.attempt_id not in self.tasks
            and self._may_turn(attempt, now)
        ]
        for attempt, work in due:
            self._asked_last.add(attempt.attempt_id)
            self._watch_failed(attempt, work, now, now, last_look=True)
        return bool(due)

    @property
    def _doubt_s(self) -> float:
        return min(DOUBT_S, self.polls.poll_interval_s)

    def _watch_failed(
        self,
        attempt: Attempt,
        work: WorkItem | None,
        now: float,
        ask_at: float,
        *,
        last_look: bool = False,
    ) -> None:
        task = self._watch(attempt, work, now, now)
        task.failed, task.last_look, task.holds_slot = True, last_look, False
        self.polls.add(attempt.attempt_id, now, now, (attempt.length_s, attempt.size))
        self._ask_at(attempt.attempt_id, ask_at)

    def _ask_at(self, attempt_id: int, at: float) -> None:
        """Asks a task at this instant, also while the others are watched through a
        list."""
        self.polls.pause(attempt_id)
        heapq.heappush(self._refetch, (at, attempt_id))

    def _asked_again(self, task: RunningTask, outcome: PollOutcome, now: float) -> None:
        """A failed task was asked again and has not turned."""
        answered = isinstance(outcome, Failed) or (
            isinstance(outcome, Unreadable) and outcome.denied
        )
        if not answered and not task.last_look:
            # No answer, or one that is no end: it is asked again, and nothing is
            # bought.
            task.doubts += 1
            gap_s = min(FETCH_RETRY_CAP_S, self._doubt_s * 2.0 ** min(task.doubts, 30))
            self._ask_at(task.attempt.attempt_id, now + gap_s)
            return
        attempt_id, work = task.attempt.attempt_id, task.work
        self._drop(attempt_id)
        self._asked[attempt_id] = now
        if work is not None and work.phase is Phase.ASKING and not self._is_asking(work):
            work.phase = Phase.PREPARED if work.urls else Phase.READY
            heapq.heappush(self._prepared if work.urls else self._ready, work.index)

    def _is_asking(self, work: WorkItem) -> bool:
        return any(task.work is work and task.failed for task in self.tasks.values())

    def _drop(self, attempt_id: int) -> None:
        del self.tasks[attempt_id]
        self._recovering.discard(attempt_id)
        self._unqueue(attempt_id)

    def _unqueue(self, attempt_id: int) -> None:
        """Takes a task out of all that would ask it."""
        self.polls.remove(attempt_id)
        self._first_polls = [i for i in self._first_polls if i != attempt_id]
        self._refetch = [(instant, i) for instant, i in self._refetch if i != attempt_id]
        heapq.heapify(self._refetch)

    # -- waiting -----------------------------------------------------------------------

    def _rest(self, now: float) -> Wait | Finish:
        wakes = [self._next_poll_at(now), self._next_submit_at(now), self._next_give_up_at()]
        known = [w for w in wakes if w is not None]
        if any(self._lanes.values()):
            return Wait(min(known, default=None))
        return Wait(min(known)) if known else Finish()

    def _next_poll_at(self, now: float) -> float | None:
        if self._lanes["poll"] >= POLL_LANE:
            return None
        instants = [self._next_list_at() if self._listed(now) else self.polls.next_at()]
        if self._refetch:
            instants.append(self.polls.free_at(self._refetch[0][0]))
        if self._first_polls:
            instants.append(self.polls.free_at(0.0))
        return min((i for i in instants if i is not None), default=None)

    def _next_list_at(self) -> float | None:
        """While a list is under way its answer wakes the run, and no task is asked."""
        return None if self.lists is None or self._lanes["list"] else self.lists.due_at

    def _next_submit_at(self, now: float) -> float | None:
        return self.pacer.ready_at(now) if self._prepared and self._may_buy() else None

    def _next_give_up_at(self) -> float | None:
        while self._deadlines and not self._is_watched(self._deadlines[0][1]):
            self._deadlines.popleft()
        return self._deadlines[0][0] if self._deadlines else None

    def _is_watched(self, attempt_id: int) -> bool:
        return attempt_id in self.tasks and self.tasks[attempt_id].watched

    # -- what happened -----------------------------------------------------------------

    def _media_ready(self, work: WorkItem, urls: Urls) -> None:
        self._lanes["prepare"] -= 1
        work.urls = urls
        work.phase = Phase.PREPARED
        heapq.heappush(self._prepared, work.index)

    def _media_failed(self, work: WorkItem, reason: str) -> None:
        """The work's media could not be made ready; nothing was sent."""
        self._lanes["prepare"] -= 1
        self._stick(work, reason)

    def _halt(self, why: Halted) -> None:
        """The next job would fare alike: nothing more is bought, and the run ends with
        4."""
        self.halted, self.trouble = why, why.message
        self._stop_buying(why.message)

    def _refused(self, reason: str, now: float) -> None:
        """Refusals in a row count against the time that a run waits."""
        self._refused_since = now if self._refused_since is None else self._refused_since
        if now - self._refused_since >= self.limits.wait_s:
            self._stop_buying(
                f"the API refused every submit for as long as this run waits ({reason})"
            )

    def _no_room(self, work: WorkItem, reason: str) -> None:
        """The disk has no room for one more video: nothing was sent, nothing more is
        bought."""
        self._lanes["submit"] -= 1
        self.pacer.unsent()
        self.budget.release(work.entry.price)
        self._stick(work, reason)
        self.trouble = self.trouble or reason
        self._stop_buying(reason)

    def _intent_recorded(self, work: WorkItem, attempt: Attempt) -> None:
        """The intent is durable; the POST goes out now.

        What failed before is asked once more before the purchase after this one.
        """
        if work.reopens is None:
            for before in work.attempts:
                self._asked.pop(before.attempt_id, None)
            work.attempts.append(attempt)
        else:
            work.attempts[-1] = attempt

    def _submit_answered(
        self, work: WorkItem, attempt: Attempt, outcome: SubmitOutcome, now: float
    ) -> None:
        """A POST was answered, and what that means is durable."""
        self._lanes["submit"] -= 1
        self.pacer.answered(now, outcome)
        work.attempts[-1] = attempt
        work.reopens = None
        if not isinstance(outcome, NotAccepted):
            self._refused_since = None
        match outcome:
            case Accepted():
                work.phase, work.urls, work.authorisation_id = Phase.RUNNING, {}, 0
                self._reserved.add(attempt.attempt_id)
                self._watch(attempt, work, now, now)
                self.polls.add(attempt.attempt_id, now, now, (attempt.length_s, attempt.size))
            case NotAccepted(reason):
                self.budget.release(attempt.price)
                work.phase, work.authority = Phase.PREPARED, Authority.NOT_ACCEPTED
                work.reopens = attempt
                heapq.heappush(self._prepared, work.index)
                self._refused(reason, now)
            case Halted():
                self.budget.release(attempt.price)
                self._stick(work, outcome.message)
                self._halt(outcome)
            case Uncertain(reason):
                self.budget.spend(attempt.price)
                self._stick(work, reason)
                if outcome.halt is not None:
                    self._halt(outcome.halt)
                elif self.pacer.stopped:
                    self._stop_buying("three submits in five minutes ended uncertain")
            case _:
                self.budget.release(attempt.price)
                self._fail(work, attempt)

    def _poll_answered(
        self,
        task: RunningTask,
        attempt: Attempt,
        outcome: PollOutcome,
        now: float,
        at: float,
        age_s: float | None = None,
    ) -> None:
        """A poll was answered; ``attempt`` is the row after it, ``age_s`` how old its
        task is."""
        self._lanes["poll"] -= 1
        task.attempt, task.busy = attempt, False
        self._blind_polls = self._blind_polls + 1 if isinstance(outcome, Unreadable) else 0
        if self.halted and self._blind_polls >= BLIND_POLLS_AFTER_HALT:
            self._drain()
        if not isinstance(outcome, (Succeeded, Unreadable)):
            task.not_done_at = at
        if attempt.state is not State.ACCEPTED:
            self._free_slot(task, now)
        self.polls.polled(attempt.attempt_id, now, outcome)
        if task.failed and attempt.state is not State.REMOTE_OK:
            self._asked_again(task, outcome, now)
            return
        if task.failed:
            self._turned(task)
        if isinstance(outcome, Succeeded) and attempt.state in (State.REMOTE_OK, State.STORED):
            self._results[attempt.attempt_id] = Fetch(task, outcome)
            return
        match attempt.state:
            case State.ACCEPTED:
                self._recovering.discard(attempt.attempt_id)
                self._doubted(
                    task, outcome, now, at - attempt.accepted_at if age_s is None else age_s
                )
            case State.REMOTE_OK:
                self._unsaid(task, outcome, now)
            case State.STORED if isinstance(outcome, (Running, Unreadable)):
                self._recovering.discard(attempt.attempt_id)
            case _:
                self._close(task, now)

    def _turned(self, task: RunningTask) -> None:
        """The provider takes its failure back: the task is paid for after all."""
        task.failed = False
        if task.attempt.attempt_id in self._given_back:
            self._given_back.discard(task.attempt.attempt_id)
            self.budget.charge(task.attempt.price)
        if task.work is not None and task.work.phase is not Phase.DONE:
            task.work.phase = Phase.RUNNING

    def _unsaid(self, task: RunningTask, outcome: PollOutcome, now: float) -> None:
        """A task once seen finished is called something else, or nothing: ask for the
        bytes."""
        self.polls.pause(task.attempt.attempt_id)
        if isinstance(outcome, Unreadable) and not outcome.denied:
            self._fetch_later(task, now)
        else:
            self._results[task.attempt.attempt_id] = Fetch(task, Succeeded())

    def _doubted(self, task: RunningTask, outcome: PollOutcome, now: float, age_s: float) -> None:
        """Asks the content route where an accepted task's answer is no end, and should
        be one."""
        attempt, retention = task.attempt, self.limits.retention
        overdue = is_overdue(attempt, age_s, retention)
        match outcome:
            case Failed():
                task.doubts += 1
                late = is_late(attempt, 0.0, age_s, retention)
                if task.doubts > 1 or late or overdue:
                    self._fetch_early(task, Fetch(task, Succeeded(), failed=outcome))
                else:
                    self._ask_at(attempt.attempt_id, now + self._doubt_s)
            case Running():
                task.doubts = 0
                if overdue or (not task.early and self._should_have_ended(task, outcome, age_s)):
                    task.early = True
                    self._fetch_early(task, Fetch(task, Succeeded()))
            case Unreadable(denied=True) if overdue:
                self._fetch_early(task, Fetch(task, Succeeded()))
            case _:
                pass

    def _should_have_ended(self, task: RunningTask, outcome: Running, age_s: float) -> bool:
        if outcome.progress is not None and outcome.progress >= 100:
            return True
        if outcome.known:  # most answers; what follows fits a model anew, for milliseconds
            return False
        learnt = self.polls.model.duration_of((task.attempt.length_s, task.attempt.size))
        return age_s >= OVERLONG * (USUAL_S if learnt is None else learnt.median_s)

    def _fetch_early(self, task: RunningTask, fetch: Fetch) -> None:
        """Tries the content route of a task that has not ended; meanwhile it is not
        polled."""
        task.busy = True
        self._unqueue(task.attempt.attempt_id)
        self._results[task.attempt.attempt_id] = fetch

    def _clock_set(self, now: float) -> None:
        """Somebody set this machine's clock: all is asked again before anything is
        decided."""
        found = [t for t in self.tasks.values() if t.watched and not t.busy and not t.failed]
        waiting = {*self._first_polls, *(i for _, i in self._refetch), *self._results}
        again = [t.attempt.attempt_id for t in found if t.attempt.attempt_id not in waiting]
        again = [i for i in again if self.polls.knows(i)]
        self._first_polls += again
        self._recovering |= set(again)

    def _list_answered(self, listing: TaskListing | None, now: float, at: float) -> None:
        """The account's list was answered (``None``: it was not); whoever it shows as
        ended, or does not show, is asked next."""
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

    def _video_stored(self, task: RunningTask, attempt: Attempt, now: float) -> None:
        """The video is stored (or the attempt ended otherwise), and that is durable."""
        self._lanes["fetch"] -= 1
        task.attempt = attempt
        self._close(task, now)

    def _fetch_failed(
        self, task: RunningTask, attempt: Attempt, failure: DownloadFailed, now: float
    ) -> None:
        """The download failed; the result is asked for again later, with a fresh URL.

        A disk that takes nothing ends the run: it can be resumed. Bytes that were
        refused twice are not fetched again: a person may take them.
        """
        self._lanes["fetch"] -= 1
        task.attempt = attempt
        if failure.disk:
            self.trouble = self.trouble or failure.reason
            self._stop_buying(failure.reason)
            self._forget(attempt.attempt_id)
        elif attempt.state is State.ACCEPTED:
            task.busy = False
            kind = (attempt.length_s, attempt.size)
            self.polls.add(attempt.attempt_id, task.submitted_at, now, kind)
        elif attempt.refused_times >= 2:
            if task.work is not None:
                self._stick(task.work, failure.reason)
            self._forget(attempt.attempt_id)
        else:
            self._fetch_later(task, now)

    def _fetch_later(self, task: RunningTask, now: float) -> None:
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

    def _free_slot(self, task: RunningTask, now: float) -> None:
        """The provider has done with the task: its slot is free, whatever the download
        takes."""
        if task.holds_slot:
            task.holds_slot = False
            self.pacer.finished(now)

    def _close(self, task: RunningTask, now: float) -> None:
        attempt, work = task.attempt, task.work
        self.tasks.pop(attempt.attempt_id, None)
        self._recovering.discard(attempt.attempt_id)
        self.polls.remove(attempt.attempt_id)
        self._free_slot(task, now)
        if attempt.attempt_id in self._reserved:
            self._reserved.discard(attempt.attempt_id)
            if attempt.state is State.REMOTE_FAILED:
                self._given_back.add(attempt.attempt_id)
                self.budget.release(attempt.price)
            else:
                self.budget.spend(attempt.price)
        if work is None or work.phase is Phase.DONE:
            return
        work.attempts = [
            attempt if a.attempt_id == attempt.attempt_id else a for a in work.attempts
        ]
        if attempt.state is State.STORED:
            self._finish(work)
        elif any(other.work is work for other in self.tasks.values()):
            return  # another attempt of it turned out to be paid for, and is on its way
        elif may_retry(attempt, work.attempts, work.retries):
            work.authority, work.phase = Authority.RETRY_POLICY, Phase.READY
            heapq.heappush(self._ready, work.index)
        else:
            self._fail(work, attempt)

    def _finish(self, work: WorkItem) -> None:
        work.phase = Phase.DONE
        for other in self._dependents.get(work.fingerprint, ()):
            if other.phase is Phase.WAITING and all(
                self.by_fingerprint[up].phase is Phase.DONE for up in other.upstream
            ):
                other.phase = Phase.READY
                heapq.heappush(self._ready, other.index)

    def _fail(self, work: WorkItem, attempt: Attempt) -> None:
        self._stick(work, attempt.error_message or attempt.reason)
        if work.entry.job.manifest in self.limits.stop_on_failure:
            self._stop_buying(f"{work.entry.name} failed, and the manifest says on_failure: stop")

    def _stick(self, work: WorkItem, reason: str) -> None:
        work.phase, work.reason, work.urls = Phase.STUCK, reason, {}

    # -- ending ------------------------------------------------------------------------

    def _stop_buying(self, reason: str) -> None:
        """No new purchase from now on; what is paid for is still brought home."""
        self.stop_reason = self.stop_reason or reason

    def _drain(self) -> None:
        """No new request from now on; those that are out are waited for."""
        self.draining = True

    def _watch(
        self, attempt: Attempt, work: WorkItem | None, now: float, submitted_at: float
    ) -> RunningTask:
        task = RunningTask(attempt, work, now, submitted_at, attempt.polls, attempt.polled_at)
        self.tasks[attempt.attempt_id] = task
        self._deadlines.append((now + self.limits.wait_s, attempt.attempt_id))
        return task

    def _give_up(self, now: float) -> None:
        """Stops watching tasks that have run for longer than this run waits; they keep
        their task id for the next one."""
        while self._deadlines and self._deadlines[0][0] <= now:
            _, attempt_id = self._deadlines.popleft()
            if not self._is_watched(attempt_id):
                continue
            if self.tasks[attempt_id].busy:
                self._deadlines.append((now + 1.0, attempt_id))
                continue
            task = self.tasks[attempt_id]
            if task.failed and task.work is not None and task.work.phase is Phase.ASKING:
                self._stick(task.work, "its failed task could not be asked again")
            self._forget(attempt_id)

    def _forget(self, attempt_id: int) -> None:
        """Watches a task no more in this run; the ledger keeps it for the next."""
        self.tasks[attempt_id].watched = False
        self._recovering.discard(attempt_id)
        self._unqueue(attempt_id)


def build_works(plan: Plan, retries: Mapping[str, int]) -> list[WorkItem]:
    """The works of a plan's selected jobs that a run acts on, in manifest order; jobs
    of equal identity share one. ``retries`` is by manifest."""
    works: dict[str, WorkItem] = {}
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
        works[entry.fingerprint] = WorkItem(
            index=len(works),
            entries=[entry],
            upstream=upstream if entry.action is Action.GENERATE else frozenset(),
            phase=_first_phase(entry, waits=bool(upstream)),
            authority=authority_of(entry, retries.get(entry.job.manifest, 0)),
            retries=retries.get(entry.job.manifest, 0),
            attempts=list(entry.attempts),
            origin=plan.origin,
            authorisation_id=entry.authorisation_id,
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
    if last.state in (State.STORED, State.ABANDONED):
        return Authority.REGENERATE
    return Authority.RETRY_POLICY if may_retry(last, entry.attempts, retries) else Authority.PERSON


CLOSED_BY = {EventKind.ABSENT: Authority.ABSENT, EventKind.RESUBMIT: Authority.PERSON}
