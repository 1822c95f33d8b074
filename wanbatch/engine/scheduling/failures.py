"""Failed tasks that are asked again: a failure is not the last word for a day. Pure.

What it may not do: buy. It only says that something is asked first.

How it works: before a work is bought, its failed tasks are asked (``ask_before``), and
the work waits in the phase ``ASKING`` until each has answered. Once at the end of the
run, all that may still turn are asked (``look_again``). An answer that is no failure
makes the attempt go on as any other (``turned``).
"""

from __future__ import annotations

import math
from collections.abc import Iterable

from wanbatch.engine.scheduling.doubts import DOUBT_S, Doubts
from wanbatch.engine.scheduling.tracking import FETCH_RETRY_CAP_S, Tracking
from wanbatch.engine.scheduling.works import WorkItems
from wanbatch.engine.work_items import Fetch, Phase, RunningTask, WorkItem
from wanbatch.model.lifecycle import Attempt, Retention, State
from wanbatch.model.origin import same_origin
from wanbatch.model.outcomes import (
    DownloadFailed,
    Failed,
    PollOutcome,
    Running,
    Succeeded,
    Unreadable,
)

ASKED_LATELY_S = 2 * DOUBT_S
"""A failed task that was asked so lately is not asked again before the POST: it was
asked twice by then, "some seconds" apart (contract)."""
ASK_AGAIN_CAP_S = FETCH_RETRY_CAP_S
"""The longest gap between two polls of a failed task that tells nothing: while it does,
nothing is bought, so it is asked as eagerly as a download is tried."""


class Failures:
    """The failed tasks of a run's works, and those of before."""

    def __init__(
        self, items: WorkItems, tracking: Tracking, doubts: Doubts, retention: Retention
    ) -> None:
        self._items, self._tracking, self._doubts, self._retention = (
            items,
            tracking,
            doubts,
            retention,
        )
        # Unix seconds minus monotonic ones, as at the start.
        self._wall_ahead = 0.0
        # What the ledger called failed at the start, and may turn.
        self._failed_before: list[Attempt] = []
        # When a failed attempt was asked last, on behalf of the next purchase.
        self._asked_at: dict[int, float] = {}
        # Attempts that had their look at the end of the run: each has one.
        self._asked_last: set[int] = set()

    def resume(self, failed: Iterable[Attempt], now: float, at: float) -> None:
        """``failed`` are those that the ledger calls failed and that may yet turn."""
        self._wall_ahead = at - now
        self._failed_before = [*failed]

    def bought(self, work: WorkItem) -> None:
        """What failed before is asked once more before the purchase after this one."""
        for before in work.attempts:
            self._asked_at.pop(before.attempt_id, None)

    # -- asking ------------------------------------------------------------------------

    def ask_before(self, work: WorkItem, now: float) -> bool:
        """Asks the failed tasks of a work before it is bought again; true while that
        goes on.

        One that is older than a day by this machine's clock is asked too, but only
        once: the clock may have been set since, and to ask costs nothing.
        """
        due = [
            attempt
            for attempt in work.attempts
            if now - self._asked_at.get(attempt.attempt_id, -math.inf) > ASKED_LATELY_S
            and same_origin(attempt.origin, work.origin)
            and attempt.state is State.REMOTE_FAILED
            and attempt.task_id
        ]
        for attempt in due:
            once = not self._may_turn(attempt, now)
            self._watch(attempt, work, now, now + self._doubts.gap_s, last_look=once)
        if due:
            work.phase = Phase.ASKING
        return bool(due)

    def look_again(self, now: float) -> bool:
        """At the end of the run: asks once for every failed task that may have turned;
        false where there is none."""
        own = [
            (a, w) for w in self._items.all for a in w.attempts if same_origin(a.origin, w.origin)
        ]
        ids = {attempt.attempt_id for attempt, _ in own}
        before = [(a, None) for a in self._failed_before if a.attempt_id not in ids]
        due = [
            (attempt, work)
            for attempt, work in (*own, *before)
            if attempt.attempt_id not in self._asked_last
            and attempt.attempt_id not in self._tracking.tasks
            and self._may_turn(attempt, now)
        ]
        for attempt, work in due:
            self._asked_last.add(attempt.attempt_id)
            self._watch(attempt, work, now, now, last_look=True)
        return bool(due)

    def _may_turn(self, attempt: Attempt, now: float) -> bool:
        """Whether the provider may yet say something else of a failed task."""
        young = now + self._wall_ahead - attempt.accepted_at < self._retention.query_s
        return attempt.state is State.REMOTE_FAILED and bool(attempt.task_id) and young

    def _watch(
        self,
        attempt: Attempt,
        work: WorkItem | None,
        now: float,
        ask_at: float,
        *,
        last_look: bool,
    ) -> None:
        task = self._tracking.watch(attempt, work, now, now)
        task.failed, task.last_look, task.holds_slot = True, last_look, False
        self._tracking.ask_at(attempt.attempt_id, ask_at)

    # -- answers -----------------------------------------------------------------------

    def ask_for_bytes(self, task: RunningTask, outcome: PollOutcome, now: float) -> bool:
        """Whether the bytes are asked for: a failed task is called something now that
        nobody knows, which may be the API's word for finished; or the API does not know
        it, within the day in which it should."""
        task.denied = isinstance(outcome, Unreadable) and outcome.denied
        odd = isinstance(outcome, Running) and not outcome.known and not task.early
        if not odd and not (task.denied and self._may_turn(task.attempt, now)):
            return False
        task.early = task.early or odd
        self._tracking.fetch_early(Fetch(task, Succeeded()))
        return True

    def gave_no_bytes(self, task: RunningTask, failure: DownloadFailed, now: float) -> None:
        """The content route of a failed task gave nothing.

        Where the API knows neither the task nor its bytes, it has let go of it. That
        one of them is denied is no answer: another node, or a key that may not query,
        says the same of a task that has turned, and on that nothing is bought.
        """
        denied = task.denied and failure.gone
        self.answered(task, Unreadable(failure.reason, denied=denied), now)

    def answered(self, task: RunningTask, outcome: PollOutcome, now: float) -> None:
        """A failed task was asked again and has not turned."""
        is_answer = isinstance(outcome, Failed) or (
            isinstance(outcome, Unreadable) and outcome.denied
        )
        attempt_id, work = task.attempt.attempt_id, task.work
        if not is_answer and not task.last_look:
            # No answer, or one that is no end: it is asked again, and nothing is
            # bought.
            task.doubts += 1
            gap_s = min(ASK_AGAIN_CAP_S, self._doubts.gap_s * 2.0 ** min(task.doubts, 30))
            self._tracking.ask_at(attempt_id, now + gap_s)
            return
        self._tracking.drop(attempt_id)
        self._asked_at[attempt_id] = now
        if (
            work is not None
            and work.phase is Phase.ASKING
            and not self._tracking.has_task_of(work, failed=True)
        ):
            # All of them count as asked now: under a low query limit the first answer
            # would be too old by the last, and the round begin anew for ever.
            self._asked_at |= {a.attempt_id: now for a in work.attempts}
            self._items.put_back(work)

    def turned(self, task: RunningTask) -> None:
        """The provider takes its failure back: the task is paid for after all."""
        task.failed = False
        if task.work is not None and task.work.phase is not Phase.DONE:
            self._items.go_on(task.work)

    def given_up(self, task: RunningTask) -> None:
        """The run no longer waits for a failed task: its work cannot be bought."""
        if task.failed and task.work is not None and task.work.phase is Phase.ASKING:
            self._items.stick(task.work, "its failed task could not be asked again")
