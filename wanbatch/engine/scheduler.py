"""Decides what the run does next. Pure: it is told what happened and when, and answers
with one action at a time.

What it may not do: I/O, sleep, read a clock. ``runner`` performs the actions and
reports back.

Theory of operation
-------------------
``handle`` takes what happened, ``next_action`` says what follows; there is no other
door. ``next_action`` looks at the lanes in the order of what is most at risk: results
that wait to be downloaded, tasks that are due for a poll, then submits. Nothing new is
bought before every task that was in flight at the start has been asked for once. A lane
that is full gives no action; when no lane gives one, the answer is ``Wait`` until the
next instant at which that may change, or ``Finish`` when it cannot.

What a run remembers is in six parts, in ``scheduling``. ``WorkItems`` are the works,
``Buying`` the way of one from ready to sent, ``Tracking`` the tasks under watch.
``Doubts`` are what follows a doubtful answer, ``Failures`` failed tasks that may turn,
``Money`` what all of them hold of the budget. Here is the order between them.

``Course`` is whether the run buys. Once it does not, polling goes on until what was
paid for is home; once it drains, only what is already being done is waited for.

Two clocks: ``now`` is monotonic seconds and paces; ``at`` is Unix seconds and expires.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import assert_never

from wanbatch.engine.interpret import REFUSED_FOR_GOOD
from wanbatch.engine.notices import (
    ClockSet,
    Drain,
    FetchFailed,
    IntentRecorded,
    ListAnswered,
    MediaFailed,
    MediaReady,
    NoPermit,
    NoRoom,
    Notice,
    PollAnswered,
    StopBuying,
    SubmitAnswered,
    TasksResumed,
    TimeTold,
    VideoStored,
)
from wanbatch.engine.pacing.budget import Budget
from wanbatch.engine.pacing.periods import Periods
from wanbatch.engine.pacing.submits import SubmitPacer
from wanbatch.engine.polling.batch import ListPolls
from wanbatch.engine.polling.schedule import PollSchedule
from wanbatch.engine.scheduling.buying import Buying
from wanbatch.engine.scheduling.course import NO_PERMIT_HINT, Cause, Course, Mode, StopReason
from wanbatch.engine.scheduling.doubts import Doubts
from wanbatch.engine.scheduling.failures import Failures
from wanbatch.engine.scheduling.money import Money
from wanbatch.engine.scheduling.tracking import Tracking
from wanbatch.engine.scheduling.works import WorkItems
from wanbatch.engine.work_items import (
    Fetch,
    Finish,
    ListTasks,
    NextAction,
    Phase,
    Poll,
    RunningTask,
    RunPolicy,
    Wait,
    WorkItem,
)
from wanbatch.model.lifecycle import Attempt, Authority, State, may_retry
from wanbatch.model.outcomes import (
    DownloadFailed,
    PollOutcome,
    Running,
    SubmitOutcome,
    Succeeded,
    TaskListing,
    Unreadable,
)

POLL_LANE = 16
"""Polls under way: at 20 queries a second, the most that Wan allows (reference D10), an
answer may take 0.8 s before this is what slows them."""
FETCH_LANE = 6
"""Downloads under way. Up to eight at once fill a gigabit link with less than a core
(measured); more would only slow each other down, and lose more when a line breaks."""
UNASKED = "what was bought before could not be asked about in the time that a run waits"
BLIND_POLLS_AFTER_HALT = 5
"""So many answers in a row that tell nothing, after the API refused every job: then it
refuses polls too (a wrong key does), and what is in flight waits for the next run.
Fewer may be one bad minute (chosen)."""

ROWS = (IntentRecorded, SubmitAnswered, PollAnswered, VideoStored, FetchFailed)
"""Notices of a row that has just changed."""


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
    """The state of one run. All that changes in a run's memory is in here: its parts,
    and the pacers that it is given."""

    def __init__(
        self,
        works: Sequence[WorkItem],
        pacer: SubmitPacer,
        polls: PollSchedule,
        budget: Budget,
        limits: RunPolicy,
        lists: ListPolls | None = None,
        record: list[Told | Asked] | None = None,
        periods: Periods | None = None,
    ) -> None:
        """``lists`` where the API can list its tasks. ``record`` takes all that the
        scheduler is told and asked, for ``wanbatch.testing.replay``. ``periods`` where
        all runs of the ledger share a budget."""
        self.record = record
        self._items = WorkItems(works)
        self._money = Money(budget, periods)
        self._tracking = Tracking(polls, lists, limits.wait_s)
        self._doubts = Doubts(self._tracking, limits.retention)
        self._failures = Failures(self._items, self._tracking, self._doubts, limits.retention)
        self._buying = Buying(
            self._items, self._tracking, self._failures, self._money, pacer, limits
        )
        # Requests about tasks under way, by kind; never below nothing, at most one
        # list. The tasks that are polled or fetched are busy.
        self._lanes = {"poll": 0, "fetch": 0, "list": 0}
        # Polls in a row whose answer told nothing.
        self._blind_polls = 0

    @property
    def course(self) -> Course:
        """Whether the run buys, and why no more."""
        return self._buying.course

    @property
    def pacer(self) -> SubmitPacer:
        return self._buying.pacer

    @property
    def works(self) -> Sequence[WorkItem]:
        """All works, each at its number."""
        return self._items.all

    @property
    def tasks(self) -> dict[int, RunningTask]:
        """The tasks under watch, by attempt."""
        return self._tracking.tasks

    @property
    def budget(self) -> Budget:
        return self._money.budget

    @property
    def periods(self) -> Periods:
        """What all runs of the ledger have spent in this day and month."""
        return self._money.periods

    def handle(self, notice: Notice, now: float) -> None:  # noqa: C901  a case for each notice
        """Takes what happened at ``now`` (monotonic seconds): the one door for it.

        ``next_action`` then says what follows. ``record`` holds all that came through
        either, where one was given.
        """
        if self.record is not None:
            self.record.append(Told(now, notice))
        if isinstance(notice, ROWS):
            self._money.seen(notice.attempt)
        match notice:
            case TasksResumed(attempts, at, failed):
                self._resume(attempts, now, at, failed)
            case MediaReady(work, urls):
                self._buying.media_ready(work, urls)
            case MediaFailed(work, reason):
                self._buying.media_failed(work, reason)
            case NoRoom(work, reason):
                self._buying.unsent(work, StopReason(reason, Cause.DISK))
            case NoPermit(work, reason):
                self._buying.unsent(work, StopReason(reason, Cause.LEDGER, NO_PERMIT_HINT))
            case IntentRecorded(work, attempt):
                self._buying.intent_recorded(work, attempt)
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
                self._tracking.recover_all()
            case TimeTold(at, offset_s):
                self.periods.tell(at, offset_s)
            case StopBuying(reason):
                self._buying.stop(StopReason(reason))
            case Drain(reason):
                self._buying.drain(StopReason(reason))
            case _:
                assert_never(notice)

    # -- the next action ---------------------------------------------------------------

    def next_action(self, now: float) -> NextAction:
        """What to do at once, how long to wait, or that there is nothing left to do.
        The caller performs it and reports back."""
        action = self._choose_action(now)
        if self.record is not None:
            self.record.append(Asked(now, action))
        return action

    def _choose_action(self, now: float) -> NextAction:
        if self.course.mode is Mode.DRAINING:
            return Wait(None) if self._is_under_way() else Finish()
        for task in self._tracking.give_up(now):
            self._failures.given_up(task)
            if task.unasked:
                self._buying.stop(StopReason(UNASKED))
        self._tracking.polls.queued(waiting=self._buying.waits_for_places())
        action = (
            self._next_fetch()
            or self._next_poll(now)
            or self._next_list(now)
            or self._buying.next_submit(now)
            or self._buying.next_prepare(now)
            or self._rest(now)
        )
        if isinstance(action, Finish) and self._failures.look_again(now):
            return self._choose_action(now)
        return action

    def _next_fetch(self) -> Fetch | None:
        fetch = self._tracking.next_result() if self._lanes["fetch"] < FETCH_LANE else None
        self._lanes["fetch"] += fetch is not None
        return fetch

    def _next_poll(self, now: float) -> Poll | None:
        poll = self._tracking.next_poll(now) if self._lanes["poll"] < POLL_LANE else None
        self._lanes["poll"] += poll is not None
        return poll

    def _next_list(self, now: float) -> ListTasks | None:
        listing = None if self._lanes["list"] else self._tracking.next_list(now)
        self._lanes["list"] += listing is not None
        return listing

    def _is_under_way(self) -> bool:
        """Whether an answer will come that may change everything."""
        buying = self._buying
        return bool(buying.preparing or buying.submitting or any(self._lanes.values()))

    def _rest(self, now: float) -> Wait | Finish:
        wakes = [
            self._next_poll_at(now),
            self._buying.next_submit_at(now),
            self._tracking.next_give_up_at(),
        ]
        known = [w for w in wakes if w is not None]
        if self._is_under_way():
            return Wait(min(known, default=None))
        return Wait(min(known)) if known else Finish()

    def _next_poll_at(self, now: float) -> float | None:
        if self._lanes["poll"] >= POLL_LANE:
            return None
        return self._tracking.next_poll_at(now, listing=self._lanes["list"] > 0)

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
        self._failures.resume(failed, now, at)
        found = sorted(attempts, key=lambda a: (a.available_until, a.attempt_id))
        for attempt in found:
            submitted_at = now - max(0.0, at - attempt.accepted_at)
            self._tracking.watch(attempt, self._items.of(attempt), now, submitted_at)
            self.pacer.resumed()
        self._tracking.recover(found)

    # -- what happened -----------------------------------------------------------------

    def _submit_answered(
        self, work: WorkItem, attempt: Attempt, outcome: SubmitOutcome, now: float
    ) -> None:
        """A POST was answered, and what that means is durable."""
        self._buying.answered(work, attempt, outcome, now)

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
        self._tracking.update(task, attempt)
        task.busy = False
        self._count_blind(outcome)
        if not isinstance(outcome, (Succeeded, Unreadable)):
            task.not_done_at = at
        if attempt.state is not State.ACCEPTED:
            self._free_slot(task, now)
        self._tracking.polls.polled(attempt.attempt_id, now, outcome)
        if task.failed and attempt.state is not State.REMOTE_OK:
            if not self._failures.ask_for_bytes(task, outcome, now):
                self._failures.answered(task, outcome, now)
            return
        if task.failed:
            self._failures.turned(task)
            self._money.turned(attempt)
        if isinstance(outcome, Succeeded) and attempt.state in (State.REMOTE_OK, State.STORED):
            self._tracking.fetch(Fetch(task, outcome))
            return
        match attempt.state:
            case State.ACCEPTED:
                self._tracking.recovering.discard(attempt.attempt_id)
                self._doubts.weigh(
                    task, outcome, now, at - attempt.accepted_at if age_s is None else age_s
                )
            case State.REMOTE_OK:
                self._doubts.unsaid(task, outcome, now)
            case State.STORED if isinstance(outcome, (Running, Unreadable)):
                self._tracking.recovering.discard(attempt.attempt_id)
            case _:
                self._close(task, now)

    def _count_blind(self, outcome: PollOutcome) -> None:
        """An API that refused every job, and then tells nothing, is not waited for."""
        self._blind_polls = self._blind_polls + 1 if isinstance(outcome, Unreadable) else 0
        reason = self.course.reason
        if reason is None or reason.cause is not Cause.API:
            return
        if self._blind_polls >= BLIND_POLLS_AFTER_HALT:
            self._buying.drain(reason)

    def _list_answered(self, listing: TaskListing | None, now: float, at: float) -> None:
        self._lanes["list"] -= 1
        self._tracking.listed(listing, now, at)

    def _video_stored(self, task: RunningTask, attempt: Attempt, now: float) -> None:
        """The video is stored (or the attempt ended otherwise), and that is durable."""
        self._lanes["fetch"] -= 1
        self._tracking.update(task, attempt)
        if task.failed:
            self._failures.turned(task)
            self._money.turned(attempt)
        self._close(task, now)

    def _fetch_failed(
        self, task: RunningTask, attempt: Attempt, failure: DownloadFailed, now: float
    ) -> None:
        """The download failed; the result is asked for again later, with a fresh URL.

        A disk that takes nothing ends the run: it can be resumed. Bytes that were
        refused for good are not fetched again: a person may take them.
        """
        self._lanes["fetch"] -= 1
        task.fetching = False
        self._tracking.update(task, attempt)
        if failure.disk:
            self._buying.stop(StopReason(failure.reason, Cause.DISK))
            self._tracking.forget(attempt.attempt_id)
        elif attempt.state is State.REMOTE_FAILED:
            self._tracking.watch_again(task, now)
            self._failures.gave_no_bytes(task, failure, now)
        elif attempt.state is State.ACCEPTED:
            self._tracking.watch_again(task, now)
        elif attempt.refused_times >= REFUSED_FOR_GOOD:
            if task.work is not None:
                self._items.stick(task.work, failure.reason)
            self._tracking.forget(attempt.attempt_id)
        else:
            self._tracking.fetch_later(task, now)

    def _free_slot(self, task: RunningTask, now: float) -> None:
        """The provider has done with the task: its slot is free, whatever the download
        takes."""
        if task.holds_slot:
            task.holds_slot = False
            self.pacer.finished(now)

    def _close(self, task: RunningTask, now: float) -> None:
        """The task has ended, one way or another."""
        attempt, work = task.attempt, task.work
        self._tracking.close(attempt.attempt_id)
        self._free_slot(task, now)
        self._money.settle(attempt)
        if work is None:
            return
        work.attempts = [
            attempt if a.attempt_id == attempt.attempt_id else a for a in work.attempts
        ]
        if work.phase is Phase.DONE:
            return
        if attempt.state is State.STORED:
            self._items.finish(work)
        elif self._tracking.has_task_of(work):
            return  # another attempt of it turned out to be paid for, and is on its way
        elif may_retry(attempt, work.attempts, work.retries):
            work.authority = Authority.RETRY_POLICY
            self._items.make_ready(work)
        else:
            self._buying.fail(work, attempt)
