"""Outcomes to events: what the API said, as the event that the ledger keeps.

What it may not do: I/O, or decide what is done next (``scheduler``).

How it works: one function for each kind of question that was asked (submit, poll,
download). An answer that tells nothing new makes no event. Instants are Unix seconds by
our own clock (``clock``); how old a task is comes as ``age_s``, which two clocks agree
upon.

A task ends by the provider's word or by ours. The provider's ``failed`` is believed at
once; any other ending word only when the content route gave nothing either
(``failure_event``). Our own end, ``EXPIRED``, needs an answer of the same round that
could be read, and sources that answered without giving the bytes (``gone_event``,
``expiry_event``).
"""

from __future__ import annotations

from typing import assert_never

from wanbatch.model.lifecycle import DAY_LONG, Attempt, Event, EventKind, Facts, Retention, State
from wanbatch.model.outcomes import (
    Accepted,
    DownloadFailed,
    Failed,
    Halted,
    NotAccepted,
    PollOutcome,
    Rejected,
    Running,
    SubmitOutcome,
    Succeeded,
    Uncertain,
    Unreadable,
)

LATER_S = 60.0
"""An expiry that is later by less than this is the same one, told again: instants are
told in whole seconds, and results are kept for hours."""
SHORTEST_USEFUL_S = 3600.0
"""An expiry sooner than this is a link's, signed anew at each poll, not the result's
(contract)."""
REFUSED_FOR_GOOD = 2
"""Bytes that came so often and are no video are not fetched again (contract): once may
be a broken copy, the same hash twice is what the provider has."""
_ENDED = (State.ACCEPTED, State.REMOTE_FAILED, State.EXPIRED)


def acceptance_facts(
    task_id: str, accepted_at: float, retention: Retention = DAY_LONG, evidence: str = ""
) -> Facts:
    """What an acceptance or adoption adds to its row; the end is unknown as yet."""
    facts: Facts = {
        "task_id": task_id,
        "accepted_at": accepted_at,
        "give_up_at": accepted_at + retention.give_up_after_s,
        "available_until": accepted_at + retention.result_s,
    }
    if evidence:
        facts["evidence"] = evidence
    return facts


def submit_event(
    attempt: Attempt,
    outcome: SubmitOutcome,
    at: float,
    retention: Retention = DAY_LONG,
    offset_s: float | None = None,
) -> Event:
    """The event that closes the question of one POST.

    ``offset_s`` is the server's clock minus ours by what was heard last.
    """
    told: Facts = {} if offset_s is None else {"outcome_offset_s": offset_s}
    match outcome:
        case Accepted(task_id, evidence):
            facts = acceptance_facts(task_id, at, retention, evidence)
            return Event(attempt.attempt_id, EventKind.ACCEPTED, at, {**facts, **told})
        case NotAccepted(reason, _, retry_after_s):
            return _not_accepted(attempt, at, {"reason": reason}, retry_after_s)
        case Halted(code, message):
            refusal: Facts = {"reason": message, "error_code": code, "error_message": message}
            return _not_accepted(attempt, at, refusal, None)
        case Rejected(code, message):
            refusal = {"error_code": code, "error_message": message, "finished_at": at}
            return Event(attempt.attempt_id, EventKind.REJECTED, at, refusal)
        case Uncertain(reason, evidence):
            doubt: Facts = {"reason": reason, "evidence": evidence, **told}
            return Event(attempt.attempt_id, EventKind.UNCERTAIN, at, doubt)
        case _:
            assert_never(outcome)


def _not_accepted(attempt: Attempt, at: float, facts: Facts, retry_after_s: float | None) -> Event:
    counted: Facts = {**facts, "refusals": attempt.refusals + 1}
    if "error_code" not in facts:
        counted["not_before"] = at + (retry_after_s or 0.0)
    return Event(attempt.attempt_id, EventKind.NOT_ACCEPTED, at, counted)


def poll_event(
    attempt: Attempt,
    outcome: PollOutcome,
    at: float,
    polls: int,
    not_done_at: float,
    *,
    most_s: float | None = None,
    retention: Retention = DAY_LONG,
) -> Event | None:
    """The event that a poll's answer makes, if any.

    ``polls`` were made in all, the last that said "not done" at ``not_done_at`` (0.0:
    none). The task is ``most_s`` old at most, ``None`` for what ``at`` tells. A failure
    in a word other than ``failed``, or first seen a day after the submit, makes none:
    the content route has a say (``failure_event``).
    """
    match outcome:
        case Succeeded():
            return _success(attempt, outcome, at, polls, not_done_at, retention)
        case Failed():
            if attempt.state is not State.ACCEPTED or not outcome.certain:
                return None
            if is_late(attempt, at, most_s, retention):
                return None
            return failure_event(attempt, outcome, at, polls, not_done_at)
        case Running():
            return _observation(attempt, outcome, at)
        case Unreadable():
            return None
        case _:
            assert_never(outcome)


def _success(
    attempt: Attempt,
    outcome: Succeeded,
    at: float,
    polls: int,
    not_done_at: float,
    retention: Retention,
) -> Event | None:
    if attempt.state is State.REMOTE_OK:
        later = _useful_expiry(outcome, at)
        if later is None or later < attempt.available_until + LATER_S:
            return None
        return Event(attempt.attempt_id, EventKind.OBSERVED, at, {"available_until": later})
    if attempt.state not in _ENDED:
        return None
    finished_at = _finished_at(attempt, outcome, at, not_done_at)
    # Where the end is not told it may have come right after the last "not done".
    ended_at = at if finished_at is None else finished_at
    since = max(not_done_at, attempt.accepted_at) if finished_at is None else finished_at
    facts: Facts = {
        "polls": polls,
        "polled_at": not_done_at,
        "confirmed_at": at,
        "finished_at": ended_at,
        "available_until": max(since + retention.result_s, _useful_expiry(outcome, at) or 0.0),
    }
    return Event(attempt.attempt_id, EventKind.REMOTE_OK, at, facts)


def _finished_at(
    attempt: Attempt, outcome: Succeeded, at: float, not_done_at: float
) -> float | None:
    """When the task ended, where the API tells it and it can be true.

    Servers tell whole seconds, cut off: a task that was seen running later had not
    ended yet.
    """
    told = outcome.completed_at
    if told is None or not attempt.intent_at <= told + 1.0 or told > at:
        return None
    return max(told, not_done_at)


def _useful_expiry(outcome: Succeeded, at: float) -> float | None:
    told = outcome.expires_at
    return told if told is not None and told >= at + SHORTEST_USEFUL_S else None


def _observation(attempt: Attempt, outcome: Running, at: float) -> Event | None:
    """A word that nobody knows, and that an adopted id is known, are worth keeping."""
    if attempt.state not in (State.ACCEPTED, State.REMOTE_OK):
        return None
    facts: Facts = {}
    word = "" if outcome.known else outcome.word
    if word != attempt.status_word and (word or attempt.status_word):
        facts["status_word"] = word
    if attempt.last_event is EventKind.ADOPTED:
        facts["confirmed_at"] = at
    return Event(attempt.attempt_id, EventKind.OBSERVED, at, facts) if facts else None


def is_late(
    attempt: Attempt, at: float, age_s: float | None, retention: Retention = DAY_LONG
) -> bool:
    """Whether a failure seen now proves nothing: the provider may have forgotten the
    task.

    A person may adopt a task long after its submit, so the older of the two instants
    counts.
    """
    adopted_later_s = max(0.0, attempt.accepted_at - attempt.intent_at)
    age = at - attempt.accepted_at if age_s is None else age_s
    return age + adopted_later_s > retention.forgotten_after_s


def failure_event(
    attempt: Attempt,
    failed: Failed,
    at: float,
    polls: int,
    not_done_at: float,
    *,
    late: bool = False,
) -> Event:
    """The provider's failure, believed; ``late`` where it proves nothing any more."""
    seen: Facts = {"polls": polls, "polled_at": not_done_at, "confirmed_at": at}
    if late:
        reason = f"failed ({failed.code}) first seen more than 23 hours after the submit"
        return Event(attempt.attempt_id, EventKind.EXPIRED, at, {**seen, "reason": reason})
    facts: Facts = {
        **seen,
        "finished_at": at,
        "failed_at": at,
        "error_code": failed.code,
        "error_message": failed.message,
        "retryable": failed.retryable,
    }
    return Event(attempt.attempt_id, EventKind.REMOTE_FAILED, at, facts)


def is_overdue(attempt: Attempt, age_s: float, retention: Retention = DAY_LONG) -> bool:
    """Whether an accepted task has had no final word for longer than we wait."""
    return attempt.state is State.ACCEPTED and age_s > retention.give_up_after_s


def expiry_event(attempt: Attempt, failure: DownloadFailed, at: float) -> Event | None:
    """``EXPIRED`` for an overdue task whose every source answered and gave nothing, or
    nothing that fits."""
    told = failure.gone or failure.denied or failure.unfit
    if attempt.state is not State.ACCEPTED or failure.disk or not told:
        return None
    reason = "no final word within 25 hours of the submit"
    if failure.unfit:
        reason += f"; {failure.reason} (it is kept: wanbatch resolve --take)"
    return Event(attempt.attempt_id, EventKind.EXPIRED, at, {"reason": reason})


def gone_event(
    attempt: Attempt, failure: DownloadFailed, at: float, *, readable: bool, past_s: float | None
) -> Event | None:
    """What a failed download leaves: ``EXPIRED`` past the deadline, else why it failed.

    ``readable`` is whether this round's poll was answered by the API itself, ``past_s``
    by how much the deadline has surely passed (``None``: by ``at``). Every source must
    have answered: a full disk or a dead network proves nothing about the result.
    """
    if attempt.state is not State.REMOTE_OK:
        return None
    past = at - attempt.available_until if past_s is None else past_s
    answered = (failure.gone or failure.denied) and not failure.disk
    if past > 0 and readable and answered:
        return Event(attempt.attempt_id, EventKind.EXPIRED, at, {"reason": failure.reason})
    facts: Facts = {}
    if failure.reason != attempt.download_error:
        facts["download_error"] = failure.reason
    if failure.refused:
        again = failure.refused == attempt.refused_sha256
        facts["refused_sha256"] = failure.refused
        facts["refused_times"] = attempt.refused_times + 1 if again else 1
    return Event(attempt.attempt_id, EventKind.OBSERVED, at, facts) if facts else None
