"""What follows an answer that is no end where one should be. Pure.

What it may not do: end a task: the content route or a second answer does.

How it works: three kinds of doubt. A failure in another word than ``failed`` is asked
for again after some seconds, and then the content route is tried. So it is for a task
that should have ended by its progress, or by its age under a word that nobody knows;
and for one that is overdue. A task once seen finished that is called something else is
asked for its bytes.
"""

from __future__ import annotations

from wanbatch.engine.interpret import is_late, is_overdue
from wanbatch.engine.scheduling.tracking import Tracking
from wanbatch.engine.work_items import Fetch, RunningTask
from wanbatch.model.lifecycle import Retention
from wanbatch.model.outcomes import Failed, PollOutcome, Running, Succeeded, Unreadable

DOUBT_S = 5.0
"""A doubtful failure is asked for again after this: "some seconds later" (contract)."""
USUAL_S = 300.0
"""How long a task usually takes at most, while nothing was learnt (reference C.5)."""
OVERLONG = 3.0
"""A task that is so many usual latencies old should have ended (contract)."""
ALL_DONE = 100
"""The progress, in percent, at which a task should have ended (contract)."""


class Doubts:
    """Keeps nothing of its own but what it is given."""

    def __init__(self, tracking: Tracking, retention: Retention) -> None:
        self._tracking, self._retention = tracking, retention

    @property
    def gap_s(self) -> float:
        """After how long a doubtful answer is asked for again."""
        return min(DOUBT_S, self._tracking.polls.poll_interval_s)

    def weigh(self, task: RunningTask, outcome: PollOutcome, now: float, age_s: float) -> None:
        """Asks the content route where an accepted task's answer is no end, and should
        be one."""
        overdue = is_overdue(task.attempt, age_s, self._retention)
        match outcome:
            case Failed():
                task.doubts += 1
                late = is_late(task.attempt, 0.0, age_s, self._retention)
                if task.doubts > 1 or late or overdue:
                    self._tracking.fetch_early(Fetch(task, Succeeded(), failed=outcome))
                else:
                    self._tracking.ask_at(task.attempt.attempt_id, now + self.gap_s)
            case Running():
                task.doubts = 0
                if overdue or (not task.early and self._should_have_ended(task, outcome, age_s)):
                    task.early = True
                    self._tracking.fetch_early(Fetch(task, Succeeded()))
            case Unreadable(denied=True) if overdue:
                self._tracking.fetch_early(Fetch(task, Succeeded()))
            case _:
                pass

    def _should_have_ended(self, task: RunningTask, outcome: Running, age_s: float) -> bool:
        if outcome.progress is not None and outcome.progress >= ALL_DONE:
            return True
        if outcome.known:  # most answers; what follows fits a model anew, for milliseconds
            return False
        kind = (task.attempt.length_s, task.attempt.size)
        learnt = self._tracking.polls.model.duration_of(kind)
        return age_s >= OVERLONG * (USUAL_S if learnt is None else learnt.median_s)

    def unsaid(self, task: RunningTask, outcome: PollOutcome, now: float) -> None:
        """A task once seen finished is called something else, or nothing: ask for the
        bytes."""
        self._tracking.polls.pause(task.attempt.attempt_id)
        if isinstance(outcome, Unreadable) and not outcome.denied:
            self._tracking.fetch_later(task, now)
        else:
            self._tracking.fetch(Fetch(task, Succeeded()))
