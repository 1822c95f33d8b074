"""Broken variants of what a seed's circumstances ask for: clocks, addresses, words,
failures that turn, lists, ledgers that get lost, people who edit.

What it may not do: break more than one thing in a variant, or break the simulation.

How it works: as in ``mutants``, whose table these stand in.
"""

from __future__ import annotations

import fcntl
from dataclasses import replace
from typing import Any
from unittest.mock import patch

from simulation.mutants import everywhere, variant
from simulation.variants import Patches
from simulation.virtual import Clock

from wanbatch.engine import interpret, reconcile, recovery, runner, scheduler
from wanbatch.engine.scheduler import Scheduler
from wanbatch.engine.scheduling import buying, doubts, failures, tracking, works
from wanbatch.ledger.lock import RunLock
from wanbatch.model import lifecycle
from wanbatch.model.lifecycle import Authority, Snapshot, State
from wanbatch.model.outcomes import Failed, Halted, Rejected
from wanbatch.operations import elsewhere, run
from wanbatch.operations.evidence import Surroundings
from wanbatch.plan import history, planner
from wanbatch.providers import client
from wanbatch.providers.dialects import dashscope, reading, status_reply
from wanbatch.providers.dialects.vocabulary import Meaning
from wanbatch.providers.http.connections import ConnectionPool
from wanbatch.words.clock import ServerClock

ASKING_ORIGINS = (recovery, planner, run, failures)
"""The modules that ask whose a task is."""


def taken_for_failure(meaning: Meaning) -> Patches:
    """Words of ``meaning`` count as ``failed``."""
    real = status_reply.meaning_of

    def meaning_of(word: str) -> Any:
        found = real(word)
        return Meaning.FAILED if found is meaning else found

    yield patch.object(status_reply, "meaning_of", meaning_of)


# -- clocks ----------------------------------------------------------------------------


@variant
def server_clock_is_ignored() -> Patches:
    yield patch.object(ServerClock, "hear", lambda self, date: None)


@variant
def one_date_is_believed() -> Patches:
    def hear(self: Any, date: float) -> None:
        self._heard.append(date - self.now())
        self._believed = date - self.now()

    yield patch.object(ServerClock, "hear", hear)


@variant
def age_is_what_the_servers_date_says() -> Patches:
    """Also where our own clock says that the task is young."""

    def age_s(self: Any, at: float, then: float | None = None) -> float:
        age: float = self.now() - at
        return age if then is None or self.offset_s is None else age + self.offset_s - then

    yield patch.object(ServerClock, "age_s", age_s)


@variant
def wall_clock_is_read_anew() -> Patches:
    """Instants follow a clock that somebody sets."""
    yield patch.object(ServerClock, "now", lambda self: self._wall())


@variant
def clock_stands_during_sleep() -> Patches:
    yield patch.object(Clock, "ticks", lambda self: self.now)


@variant
def a_failure_is_weighed_by_the_least_age() -> Patches:
    """A forgotten task's "failed" is free where any date makes the task young."""
    yield patch.object(
        ServerClock, "most_age_s", lambda self, at, _before=None, then=None: self.age_s(at, then)
    )


@variant
def reconciling_ignores_clocks_that_changed() -> Patches:
    yield patch.object(reconcile, "_doubt_of_clocks", lambda attempt, listing: "")


# -- addresses, accounts, realms -------------------------------------------------------


@variant
def all_accounts_are_one() -> Patches:
    yield from everywhere("same_origin", lambda one, other: True, *ASKING_ORIGINS)


@variant
def another_spelling_is_another_address() -> Patches:
    yield from everywhere("same_origin", lambda one, other: one == other, *ASKING_ORIGINS)


@variant
def policy_retries_what_failed_elsewhere() -> Patches:
    yield patch.object(planner._Planner, "_may_turn_elsewhere", lambda self, attempt: False)


@variant
def realms_are_one() -> Patches:
    """What the emulator made counts as bought."""
    real = history.History.__init__

    def start(self: Any, attempts: Any, realm: str, identified: Any) -> None:
        real(self, [replace(a, realm=realm) for a in attempts], realm, identified)

    yield patch.object(history.History, "__init__", start)


@variant
def key_goes_wherever_a_link_leads() -> Patches:
    yield patch.object(ConnectionPool, "may_carry_key", lambda self, url: True)


# -- answers ---------------------------------------------------------------------------


@variant
def a_redirected_post_counts_as_refused() -> Patches:
    yield patch.object(
        reading, "_judge_redirect", lambda reply: Rejected(f"http_{reply.status}", "a redirect")
    )


@variant
def a_redirected_post_may_go_again() -> Patches:
    yield patch.object(
        reading, "_judge_redirect", lambda reply: Halted(f"http_{reply.status}", "a redirect")
    )


@variant
def another_tasks_answer_is_taken() -> Patches:
    yield patch.object(status_reply, "_is_of_another", lambda found, task_id: False)
    yield patch.object(status_reply, "_has_other_id", lambda fields, task_id: False)
    yield patch.object(status_reply, "_is_above_named", lambda found, task_id: True)
    real = dashscope.DashScope.read_task_status

    def read(self: Any, seen: Any, task_id: str, submitted_at: float, now: float) -> Any:
        told = dashscope._output(seen).get("task_id")
        return real(self, seen, str(told) if told else task_id, submitted_at, now)

    yield patch.object(dashscope.DashScope, "read_task_status", read)


@variant
def unknown_word_is_a_failure() -> Patches:
    yield from taken_for_failure(Meaning.UNKNOWN)


@variant
def doubtful_word_is_believed_at_once() -> Patches:
    yield from taken_for_failure(Meaning.DOUBTFUL)


@variant
def unknown_word_hides_the_video() -> Patches:
    """A task that should have ended is never asked for its bytes."""
    yield patch.object(doubts.Doubts, "_should_have_ended", lambda *_: False)
    yield patch.object(doubts, "is_overdue", lambda *_: False)


@variant
def early_video_is_taken_whatever_it_is() -> Patches:
    yield patch.object(runner, "_fits_request", lambda attempt, outcome: True)


@variant
def an_id_of_another_attempt_is_taken() -> Patches:
    yield patch.object(runner.Runner, "_doubt_known_id", lambda self, outcome: outcome)


# -- failures that turn ----------------------------------------------------------------


@variant
def a_failure_is_the_last_word() -> Patches:
    """Nothing that failed is ever asked again."""
    yield patch.object(failures.Failures, "ask_before", lambda self, work, now: False)
    yield patch.object(failures.Failures, "look_again", lambda self, now: False)


@variant
def failures_are_not_asked_before_the_retry() -> Patches:
    yield patch.object(failures.Failures, "ask_before", lambda self, work, now: False)


@variant
def failures_are_not_asked_at_the_end() -> Patches:
    yield patch.object(failures.Failures, "look_again", lambda self, now: False)


@variant
def no_answer_of_a_failed_task_is_a_no() -> Patches:
    """A failed task that could not be asked counts as failed still."""
    real = failures.Failures.answered

    def answered(self: Any, task: Any, outcome: Any, now: float) -> None:
        real(self, task, Failed("unread", "no answer"), now)

    yield patch.object(failures.Failures, "answered", answered)


@variant
def what_is_not_retryable_is_retried() -> Patches:
    real = lifecycle.may_retry

    def may_retry(attempt: Any, attempts: Any, retries: int) -> bool:
        return real(replace(attempt, retryable=True), attempts, retries)

    yield from everywhere("may_retry", may_retry, lifecycle, works, planner, scheduler)


@variant
def retry_that_was_refused_first_does_not_count() -> Patches:
    """What the simulation found: each run that met a busy API got one retry more."""

    def may_retry(attempt: Any, attempts: Any, retries: int) -> bool:
        if attempt.state is not State.REMOTE_FAILED or not attempt.retryable:
            return False
        made = [
            a
            for a in attempts
            if a.authority is Authority.RETRY_POLICY and a.state is not State.PLANNED
        ]
        return len(made) < retries

    yield from everywhere("may_retry", may_retry, lifecycle, works, planner, scheduler)


# -- what is under way -----------------------------------------------------------------


@variant
def buying_begins_before_all_is_asked() -> Patches:
    yield patch.object(
        buying.Buying, "_may_buy", lambda self: self.course.mode is buying.Mode.BUYING
    )


@variant
def what_could_not_be_asked_counts_as_asked() -> Patches:
    """What the simulation found: the wait was over, and buying began."""
    real = tracking.Tracking.give_up

    def give_up(self: Any, now: float) -> Any:
        found = real(self, now)
        for task in found:
            task.unasked = False
        return found

    yield patch.object(tracking.Tracking, "give_up", give_up)


@variant
def gone_if_any_source_says_so() -> Patches:
    """Also where the answer of this round told nothing, and before the deadline."""
    real = interpret.gone_event

    def gone_event(attempt: Any, failure: Any, at: float, *, readable: bool, past_s: Any) -> Any:
        sure = failure.gone or failure.denied
        return real(attempt, failure, at, readable=readable or sure, past_s=1.0 if sure else past_s)

    yield patch.object(runner, "gone_event", gone_event)


@variant
def overdue_tasks_never_end() -> Patches:
    yield patch.object(runner, "is_overdue", lambda *_: False)


@variant
def restore_takes_any_bytes() -> Patches:
    yield patch.object(runner, "_is_altered", lambda attempt, outcome: False)


@variant
def resume_in_reverse_order() -> Patches:
    """The task whose result vanishes first is asked last."""
    real = tracking.Tracking.recover

    def recover(self: Any, attempts: Any) -> None:
        real(self, [*attempts][::-1])

    yield patch.object(tracking.Tracking, "recover", recover)


# -- the list --------------------------------------------------------------------------


@variant
def time_does_not_matter_for_adopting() -> Patches:
    yield patch.object(reconcile, "_is_near", lambda attempt, task: True)


@variant
def prompts_do_not_matter_for_adopting() -> Patches:
    yield patch.object(reconcile, "_squeezed", lambda prompt: "")
    yield patch.object(reconcile, "_trimmed", lambda prompt: "")


@variant
def another_spelling_of_the_prompt_proves_absence() -> Patches:
    """A candidate of the time that shows other white space or letters is ruled out."""

    def is_ruled_out(attempt: Any, task: Any, shown: Any) -> bool:
        prompt = reconcile._prompt_of(shown)
        return prompt is not None and prompt != reconcile._prompt(attempt)

    yield patch.object(reconcile, "_is_ruled_out", is_ruled_out)
    yield patch.object(
        reconcile,
        "_is_alike",
        lambda attempt, task, shown: reconcile._prompt_of(shown) == reconcile._prompt(attempt),
    )


@variant
def candidates_do_not_hinder_absence() -> Patches:
    yield patch.object(reconcile, "_is_ruled_out", lambda attempt, task, shown: True)


@variant
def a_list_that_is_not_whole_proves_absence() -> Patches:
    real = client.Client.list_tasks

    async def list_tasks(self: Any, since: float, until: float) -> Any:
        found = await real(self, since, until)
        return None if found is None else replace(found, complete=True, reason="")

    yield patch.object(client.Client, "list_tasks", list_tasks)


@variant
def polls_of_listed_tasks_are_waited_for() -> Patches:
    """What the simulation found: a busy loop while the list is asked."""
    found = Scheduler._next_poll_at

    def next_poll_at(self: Any, now: float) -> float | None:
        self._tracking.is_listed = lambda at: False
        try:
            return found(self, now)
        finally:
            del self._tracking.is_listed

    yield patch.object(Scheduler, "_next_poll_at", next_poll_at)


# -- ledgers and people ----------------------------------------------------------------


@variant
def a_removed_lock_lets_others_in() -> Patches:
    """What the simulation found: the file alone was locked."""

    def take(self: Any) -> bool:
        try:
            fcntl.flock(self._handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True

    yield patch.object(RunLock, "_try", take)


@variant
def a_lost_ledger_is_not_noticed() -> Patches:
    yield patch.object(run, "look_around", lambda *_: Surroundings(elsewhere.NOTHING))


@variant
def an_older_ledger_is_taken() -> Patches:
    yield patch.object(run, "refuse_older_ledger", lambda options, around: None)


@variant
def an_edited_job_is_not_blocked() -> Patches:
    real = planner._Planner.__init__

    def start(self: Any, *given: Any) -> None:
        real(self, *given)
        self.unsettled_of_name = {}

    yield patch.object(planner._Planner, "__init__", start)


@variant
def a_renamed_job_is_new() -> Patches:
    real = history.History.attempts_of

    def attempts_of(self: Any, key: Any) -> Any:
        return tuple(a for a in real(self, key) if (a.manifest, a.job) == key)

    yield patch.object(history.History, "attempts_of", attempts_of)


@variant
def a_recorded_permission_is_never_used_up() -> Patches:
    yield patch.object(Snapshot, "open_authorisations", lambda self: self.authorisations)
