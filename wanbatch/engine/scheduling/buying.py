"""What is prepared and sent next, and what the answer to a POST means for the run.
Pure.

What it may not do: send, or know what a task is doing; it buys nothing while a task of
before has not been asked for.

How it works: a work is prepared (its media made ready), waits for its turn, and is
sent when the pacer allows. Before either its failed tasks are asked, before the POST
its price is held back. ``course`` is whether the run buys at all.
"""

from __future__ import annotations

from wanbatch.engine.pacing.submits import UNCERTAIN_STOP, UNCERTAIN_WITHIN_S, SubmitPacer
from wanbatch.engine.scheduling.course import Course, Mode, StopReason, halted_by
from wanbatch.engine.scheduling.failures import Failures
from wanbatch.engine.scheduling.money import Money
from wanbatch.engine.scheduling.tracking import Tracking
from wanbatch.engine.scheduling.works import WorkItems
from wanbatch.engine.work_items import Phase, Prepare, RunPolicy, Submit, Urls, WorkItem
from wanbatch.model.lifecycle import Attempt, Authority
from wanbatch.model.outcomes import Accepted, Halted, NotAccepted, SubmitOutcome, Uncertain

PREPARE_LANE = 3
"""Works whose media are being made ready, or are and were not sent: enough that a
submit seldom waits for them (chosen), and few, so that links to uploads are young."""
NEARLY_FULL = 0.7
"""With fewer tasks than this share of the places, as many as the rate of submits keeps
running, the places never fill: in the mean of a batch durations vary less (chosen)."""


class Buying:
    """The way of a work from ready to sent."""

    def __init__(
        self,
        items: WorkItems,
        tracking: Tracking,
        failures: Failures,
        money: Money,
        pacer: SubmitPacer,
        limits: RunPolicy,
    ) -> None:
        self._items, self._tracking, self._failures, self._money = (
            items,
            tracking,
            failures,
            money,
        )
        self.pacer, self._limits = pacer, limits
        # Only ever goes on (``Mode``); it has a reason exactly while nothing is bought.
        self.course = Course()
        # Requests under way: as many as works in the phases ``PREPARING`` and
        # ``SUBMITTING``.
        self.preparing = self.submitting = 0
        # Whether the places are what holds submits back, and not their rate; changes
        # with a margin, for every change times all tasks anew.
        self._is_full = True
        # Since when every submit was refused; ``None`` after any other answer.
        self._refused_since: float | None = None

    def stop(self, reason: StopReason) -> None:
        """No new purchase from now on; what is paid for is still brought home."""
        self.course = self.course.stopped(reason)

    def drain(self, reason: StopReason) -> None:
        """No new request from now on; those that are out are waited for."""
        self.course = self.course.drained(reason)

    # -- what next ---------------------------------------------------------------------

    def _may_buy(self) -> bool:
        return self.course.mode is Mode.BUYING and not self._tracking.recovering

    def waits_for_places(self) -> bool:
        """Whether a job would take the place of a task as soon as that has ended.

        None does where no job is left to buy; nor where the rate of submits is what
        holds them back, so that a usual task ends before the places are all taken.
        """
        items = self._items
        if self.course.mode is not Mode.BUYING:
            return False
        if items.waiting:
            return True
        if not (items.ready or items.prepared or self.preparing):
            return False
        usual_s, rate = self._tracking.polls.model.usual_s(), self.pacer.rate
        if usual_s is None or rate is None:
            return True
        share = NEARLY_FULL if self._is_full else 1.0
        self._is_full = rate * usual_s >= share * self.pacer.limit
        return self._is_full

    def next_submit(self, now: float) -> Submit | None:
        """The work to send now; its price is held back."""
        while self._items.prepared and self._may_buy():
            ready_at = self.pacer.ready_at(now)
            if ready_at is None or ready_at > now:
                return None
            work = self._items.take_prepared()
            if self._failures.ask_before(work, now):
                continue  # it waited for its turn, and meanwhile they may have turned
            refusal = self._money.hold(work.entry.price)
            if refusal:
                self._items.stick(work, refusal)
                continue
            self.pacer.started(now)
            self.submitting += 1
            work.phase = Phase.SUBMITTING
            return Submit(work)
        return None

    def next_prepare(self, now: float) -> Prepare | None:
        """The work whose media are to be made ready."""
        while self._items.ready and self._may_buy():
            if self.preparing + len(self._items.prepared) >= PREPARE_LANE:
                return None
            work = self._items.take_ready()
            if self._failures.ask_before(work, now):
                continue
            self.preparing += 1
            work.phase = Phase.PREPARING
            return Prepare(work)
        return None

    def next_submit_at(self, now: float) -> float | None:
        """When the next submit may go; ``None`` where that is not known."""
        return self.pacer.ready_at(now) if self._items.prepared and self._may_buy() else None

    # -- what happened -----------------------------------------------------------------

    def media_ready(self, work: WorkItem, urls: Urls) -> None:
        self.preparing -= 1
        self._items.make_prepared(work, urls)

    def media_failed(self, work: WorkItem, reason: str) -> None:
        """The work's media could not be made ready; nothing was sent."""
        self.preparing -= 1
        self._items.stick(work, reason)

    def unsent(self, work: WorkItem, reason: StopReason) -> None:
        """Something of ours does not allow one more purchase: nothing was sent, nothing
        more is bought."""
        self.submitting -= 1
        self.pacer.unsent()
        self._money.unsent(work.entry.price)
        self._items.stick(work, reason.text)
        self.stop(reason)

    def intent_recorded(self, work: WorkItem, attempt: Attempt) -> None:
        """The intent is durable; the POST goes out now."""
        self._money.intended(work.entry.price)
        if work.reopens is None:
            self._failures.bought(work)
            work.attempts.append(attempt)
        else:
            work.attempts[-1] = attempt

    def answered(
        self, work: WorkItem, attempt: Attempt, outcome: SubmitOutcome, now: float
    ) -> None:
        """A POST was answered, and what that means is durable."""
        self.submitting -= 1
        self.pacer.answered(now, outcome)
        work.attempts[-1] = attempt
        work.reopens = None
        if not isinstance(outcome, NotAccepted):
            self._refused_since = None
        match outcome:
            case Accepted():
                work.phase, work.urls, work.authorisation_id = Phase.RUNNING, {}, 0
                self._money.accepted(attempt)
                self._tracking.watch(attempt, work, now, now)
            case NotAccepted(reason):
                self._money.release(attempt.price)
                work.authority, work.reopens = Authority.NOT_ACCEPTED, attempt
                self._items.make_prepared(work)
                self._refused(reason, now)
            case Halted():
                self._money.release(attempt.price)
                self._items.stick(work, outcome.message)
                self.stop(halted_by(outcome))
            case Uncertain(reason):
                self._money.spend(attempt.price)
                self._items.stick(work, reason)
                self._doubted(outcome)
            case _:
                self._money.release(attempt.price)
                self.fail(work, attempt)

    def _refused(self, reason: str, now: float) -> None:
        """Refusals in a row count against the time that a run waits."""
        self._refused_since = now if self._refused_since is None else self._refused_since
        if now - self._refused_since >= self._limits.wait_s:
            self.stop(
                StopReason(f"the API refused every submit for as long as this run waits ({reason})")
            )

    def _doubted(self, outcome: Uncertain) -> None:
        """One refusal inside a doubtful answer ends the buying, or several doubts."""
        if outcome.halt is not None:
            self.stop(halted_by(outcome.halt))
        elif self.pacer.stopped:
            within = f"{UNCERTAIN_WITHIN_S / 60:.0f} minutes"
            self.stop(StopReason(f"{UNCERTAIN_STOP} submits in {within} ended uncertain"))

    def fail(self, work: WorkItem, attempt: Attempt) -> None:
        """The work failed for good, as far as this run goes."""
        self._items.stick(work, attempt.error_message or attempt.reason)
        if work.entry.job.manifest in self._limits.stop_on_failure:
            self.stop(
                StopReason(f"{work.entry.name} failed, and the manifest says on_failure: stop")
            )
