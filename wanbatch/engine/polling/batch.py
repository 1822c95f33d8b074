"""One query for many tasks, where an API can list the account's. Pure.

What it may not do: I/O, read a clock, take a list's word for how a task ended: who has
ended is then asked itself, for the list names no result.

How it works: while several tasks run, the list is asked every ``SHARE`` of the time
that such a task usually takes. So an end is seen about half of that too late, for a
fraction of a query a task. Each task that the list shows as ended, and each that it
does not show at all, is polled by itself; so is, now and then, one that it goes on to
call running. A list that fails or is not whole is left alone for a while, and the tasks
are polled one by one as everywhere else.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from wanbatch.model.outcomes import TaskListing

SHARE = 0.03
"""The gap between two lists, of the usual latency: an end is seen half of it too late,
1.5 %, where a makespan 1 % over the bound was measured with a gap of 2 %."""
SEVERAL = 3
"""Fewer tasks than this are polled one by one: their own schedules are cheaper."""
SHORTEST_S = 0.2
"""Lists are never asked for more often: a quarter of the 20 queries a second that Wan
allows (reference D10), and each may be several pages."""
DISTRUST_S = 60.0
"""A list that failed or was not whole is left alone for so long: four of the advised
poll intervals (reference D10), in which each task is asked itself."""
MISSED_AFTER_S = 60.0
"""A task that a whole listing does not show is asked itself at most once in so long."""
BELIEVED_S = 600.0
"""A task that the list shows as running is asked itself all the same, once in so long:
a list may come from a cache. Ten minutes are two of the longest usual latencies
(reference C.5), and one query more for a task that usually ended long before."""
RUNNING_WORDS = frozenset(
    {"PENDING", "RUNNING", "SUSPENDED", "QUEUED", "IN_PROGRESS", "PROCESSING", "SUBMITTED"}
)
"""No other word keeps a task from being asked itself."""


class ListPolls:
    """When to list, and what a listing asks for. Times are monotonic seconds."""

    def __init__(self, interval_s: float) -> None:
        self.interval_s = interval_s
        """Used until it is known how long tasks take."""
        self._due_at = 0.0
        self._distrusted_until = 0.0
        self._asked_at: dict[str, float] = {}

    def is_used(self, tasks: int, now: float) -> bool:
        """Whether ``tasks`` running tasks are watched through the list at ``now``."""
        return tasks >= SEVERAL and now >= self._distrusted_until

    @property
    def due_at(self) -> float:
        return self._due_at

    def started(self, now: float, usual_s: float | None) -> None:
        """A listing is asked for; such tasks usually take ``usual_s``."""
        gap = (
            self.interval_s
            if usual_s is None
            else min(self.interval_s, max(SHORTEST_S, SHARE * usual_s))
        )
        self._due_at = now + gap

    def answered(
        self, listing: TaskListing | None, running: Mapping[str, float], now: float
    ) -> Iterator[str]:
        """The task ids to ask themselves. ``running`` are those watched, each with the
        instant it was submitted at."""
        if listing is None or not listing.complete:
            self._distrusted_until = now + DISTRUST_S
            return
        words = {task.task_id: task.status.upper() for task in listing.tasks}
        yield from self._worth_asking(words, running, now)

    def _worth_asking(
        self, words: Mapping[str, str], running: Mapping[str, float], now: float
    ) -> Iterable[str]:
        self._asked_at = {
            task_id: at for task_id, at in self._asked_at.items() if task_id in running
        }
        for task_id, submitted_at in running.items():
            word = words.get(task_id)
            if word is not None and word not in RUNNING_WORDS:
                yield task_id
                continue
            unasked_s = now - max(submitted_at, self._asked_at.get(task_id, submitted_at))
            if unasked_s >= (MISSED_AFTER_S if word is None else BELIEVED_S):
                self._asked_at[task_id] = now
                yield task_id
