"""The tasks under watch, and which of them is asked, downloaded or given up next. Pure.

What it may not do: judge an answer (``doubts`` and the scheduler do), buy, or count the
requests under way: the scheduler knows which lane is free.

How it works: most tasks are asked when ``PollSchedule`` says so, or where several run
and the API has a list, when the list shows them as ended (``ListPolls``). Two queues go
before: tasks that were in flight at the start or are asked anew since the clock was set
(``first_polls``), and those to be asked at a certain instant (``refetch``). Whose
result is known waits in ``results`` for a download.
"""

from __future__ import annotations

import heapq
from collections import deque
from collections.abc import Iterable

from wanbatch.engine.polling.batch import ListPolls
from wanbatch.engine.polling.schedule import PollSchedule
from wanbatch.engine.work_items import Fetch, ListTasks, Poll, RunningTask, WorkItem
from wanbatch.model.lifecycle import Attempt, State
from wanbatch.model.outcomes import TaskListing

FETCH_RETRY_CAP_S = 60.0
"""The longest gap between two tries of one download: a result is kept for a day
(reference D9), and the end of an outage is noticed within a minute (chosen)."""
FETCH_RETRY_FIRST_S = 0.5
"""Half of the first gap, which is a second: most downloads break off only once."""
BUSY_S = 1.0
"""A task whose time is over while a request is out is looked at again after this: the
request is not cut off, and most are answered by then (chosen)."""


class Tracking:
    """All tasks under watch. Instants are monotonic seconds."""

    def __init__(self, polls: PollSchedule, lists: ListPolls | None, wait_s: float) -> None:
        """``lists`` where the API can list its tasks; a task is watched for
        ``wait_s``."""
        self.polls, self.lists, self.wait_s = polls, lists, wait_s
        # By attempt; a task stays until it is stored, ended, or given up for this run.
        self.tasks: dict[int, RunningTask] = {}
        # Those of ``tasks`` that are watched and accepted, in the same order: what a
        # list can show as running. Kept, for it is asked for before every action.
        self.running: dict[int, RunningTask] = {}
        # Attempts in ``tasks`` that are asked at once, the last one first.
        self.first_polls: list[int] = []
        # Attempts in ``tasks`` that were not asked yet since the start, or since the
        # clock was set; while one is here nothing is bought.
        self.recovering: set[int] = set()
        # Attempts in ``tasks`` whose result waits for a download; none is in a lane.
        self.results: dict[int, Fetch] = {}
        # A heap of (instant, attempt in ``tasks``): asked again then.
        self.refetch: list[tuple[float, int]] = []
        # (instant, attempt): watched no longer than that, in the order of watching.
        self.deadlines: deque[tuple[float, int]] = deque()

    # -- under watch -------------------------------------------------------------------

    def watch(
        self, attempt: Attempt, work: WorkItem | None, now: float, submitted_at: float
    ) -> RunningTask:
        """Watches a task from now on; ``submitted_at`` is long ago for one that is
        resumed."""
        task = RunningTask(attempt, work, now, submitted_at, attempt.polls, attempt.polled_at)
        self.tasks[attempt.attempt_id] = task
        self.deadlines.append((now + self.wait_s, attempt.attempt_id))
        self.polls.add(attempt.attempt_id, submitted_at, now, (attempt.length_s, attempt.size))
        self.update(task, attempt)
        return task

    def recover(self, attempts: Iterable[Attempt]) -> None:
        """Asks these tasks, in this order, before anything is bought."""
        ids = [attempt.attempt_id for attempt in attempts]
        self.first_polls = ids[::-1]
        self.recovering = set(ids)

    def recover_all(self) -> None:
        """Asks every task again before anything is bought; but none whose result is
        coming, for its answer would begin a second download of it."""
        free = [t for t in self.tasks.values() if not t.busy and not t.fetching]
        found = [t for t in free if t.watched and not t.failed]
        waiting = self._queued() | set(self.results)
        again = [t.attempt.attempt_id for t in found if t.attempt.attempt_id not in waiting]
        again = [i for i in again if self.polls.knows(i)]
        self.first_polls += again
        self.recovering |= set(again)

    def update(self, task: RunningTask, attempt: Attempt) -> None:
        """``attempt`` is the task's row by now."""
        task.attempt = attempt
        if task.watched and attempt.state is State.ACCEPTED:
            self.running[attempt.attempt_id] = task
        else:
            self.running.pop(attempt.attempt_id, None)

    def _queued(self) -> set[int]:
        """The attempts that are asked without being due; each is in one queue."""
        return {*self.first_polls, *(attempt_id for _, attempt_id in self.refetch)}

    def is_watched(self, attempt_id: int) -> bool:
        return attempt_id in self.tasks and self.tasks[attempt_id].watched

    def has_task_of(self, work: WorkItem, *, failed: bool = False) -> bool:
        """Whether a task of this work is here; with ``failed``, a failed one."""
        return any(t.work is work and (t.failed or not failed) for t in self.tasks.values())

    def close(self, attempt_id: int) -> None:
        """The task has ended."""
        self.tasks.pop(attempt_id, None)
        self.running.pop(attempt_id, None)
        self.recovering.discard(attempt_id)
        self.polls.remove(attempt_id)

    def forget(self, attempt_id: int) -> None:
        """Watches a task no more in this run; the ledger keeps it for the next."""
        self.tasks[attempt_id].watched = False
        self.running.pop(attempt_id, None)
        self.recovering.discard(attempt_id)
        self.unqueue(attempt_id)

    def drop(self, attempt_id: int) -> None:
        """As if the task had never been watched."""
        del self.tasks[attempt_id]
        self.running.pop(attempt_id, None)
        self.recovering.discard(attempt_id)
        self.unqueue(attempt_id)

    def unqueue(self, attempt_id: int) -> None:
        """Takes a task out of all that would ask it."""
        self.polls.remove(attempt_id)
        self.first_polls = [i for i in self.first_polls if i != attempt_id]
        self.refetch = [(instant, i) for instant, i in self.refetch if i != attempt_id]
        heapq.heapify(self.refetch)

    def give_up(self, now: float) -> list[RunningTask]:
        """The tasks that have run for longer than this run waits; they are forgotten,
        and keep their task id for the next one."""
        found: list[RunningTask] = []
        while self.deadlines and self.deadlines[0][0] <= now:
            _, attempt_id = self.deadlines.popleft()
            if not self.is_watched(attempt_id):
                continue
            if self.tasks[attempt_id].busy:
                self.deadlines.append((now + BUSY_S, attempt_id))
                continue
            task = self.tasks[attempt_id]
            task.unasked = attempt_id in self.recovering
            found.append(task)
            self.forget(attempt_id)
        return found

    def next_give_up_at(self) -> float | None:
        while self.deadlines and not self.is_watched(self.deadlines[0][1]):
            self.deadlines.popleft()
        return self.deadlines[0][0] if self.deadlines else None

    # -- asking ------------------------------------------------------------------------

    def next_poll(self, now: float) -> Poll | None:
        """The task to ask now, if any; the query counts as sent."""
        attempt_id = self._due(now)
        if attempt_id is None:
            return None
        task = self.tasks[attempt_id]
        task.busy = True
        task.polls += 1
        return Poll(task)

    def _due(self, now: float) -> int | None:
        if self.first_polls:
            if not self.polls.take(self.first_polls[-1], now):
                return None
            return self.first_polls.pop()
        if self.refetch and self.refetch[0][0] <= now:
            attempt_id = self.refetch[0][1]
            if not self.polls.take(attempt_id, now):
                return None
            heapq.heappop(self.refetch)
            return attempt_id
        return None if self.is_listed(now) else self.polls.due(now)

    def next_poll_at(self, now: float, *, listing: bool) -> float | None:
        """When a task or the list will be asked next; ``listing`` is whether the list
        is being asked."""
        instants: list[float | None] = []
        if self.lists is None or not self.is_listed(now):
            instants.append(self.polls.next_at())
        elif not listing:  # else its answer comes first
            instants.append(self.lists.due_at)
        if self.refetch:
            instants.append(self.polls.free_at(self.refetch[0][0]))
        if self.first_polls:
            instants.append(self.polls.free_at(0.0))
        return min((i for i in instants if i is not None), default=None)

    def ask_at(self, attempt_id: int, at: float) -> None:
        """Asks a task at this instant, also while the others are watched through a
        list."""
        self.polls.pause(attempt_id)
        heapq.heappush(self.refetch, (at, attempt_id))

    # -- downloading -------------------------------------------------------------------

    def next_result(self) -> Fetch | None:
        """The result that vanishes first."""
        if not self.results:
            return None
        attempt_id = min(self.results, key=lambda i: (self.tasks[i].attempt.available_until, i))
        self.tasks[attempt_id].fetching = True
        return self.results.pop(attempt_id)

    def fetch(self, fetch: Fetch) -> None:
        """A result is known."""
        self.results[fetch.task.attempt.attempt_id] = fetch

    def fetch_early(self, fetch: Fetch) -> None:
        """Tries the content route of a task that has not ended; meanwhile it is not
        polled."""
        fetch.task.busy = True
        self.unqueue(fetch.task.attempt.attempt_id)
        self.fetch(fetch)

    def watch_again(self, task: RunningTask, now: float) -> None:
        """An early try gave nothing: the task is polled as before, but not at once."""
        attempt = task.attempt
        task.busy = False
        kind = (attempt.length_s, attempt.size)
        self.polls.add(attempt.attempt_id, task.submitted_at, now, kind, now)

    def fetch_later(self, task: RunningTask, now: float) -> None:
        """A download gave nothing: the task is asked again, for a fresh link."""
        task.fetches += 1
        self.recovering.discard(task.attempt.attempt_id)
        if not task.watched:
            return
        gap_s = min(FETCH_RETRY_CAP_S, FETCH_RETRY_FIRST_S * 2.0 ** min(task.fetches, 30))
        heapq.heappush(self.refetch, (now + gap_s, task.attempt.attempt_id))

    # -- the account's list ------------------------------------------------------------

    def is_listed(self, now: float) -> bool:
        """Whether running tasks are watched through the account's list for now."""
        return self.lists is not None and self.lists.is_used(len(self.running), now)

    def next_list(self, now: float) -> ListTasks | None:
        """The list is to be asked now."""
        if self.lists is None or not self.is_listed(now) or now < self.lists.due_at:
            return None
        running = [task.attempt for task in self.running.values()]
        oldest = running[0]
        usual = self.polls.model.duration_of((oldest.length_s, oldest.size))
        # Where even the youngest takes longer than usual, nobody knows how much longer.
        younger_s = now - max(task.submitted_at for task in self.running.values())
        self.lists.started(now, None if usual is None else max(usual.median_s, younger_s))
        return ListTasks(min(attempt.intent_at for attempt in running))

    def listed(self, listing: TaskListing | None, now: float, at: float) -> None:
        """The account's list was answered (``None``: it was not); whoever it shows as
        ended, or does not show, is asked next."""
        running = {t.attempt.task_id: t for t in self.running.values() if not t.busy}
        waiting = self._queued()
        since = {task_id: task.since for task_id, task in running.items()}
        asked = set(self.lists.answered(listing, since, now) if self.lists is not None else ())
        for task_id, task in running.items():
            if task_id in asked and task.attempt.attempt_id not in waiting:
                heapq.heappush(self.refetch, (now, task.attempt.attempt_id))
            elif task_id not in asked and listing is not None and listing.complete:
                task.not_done_at = at
