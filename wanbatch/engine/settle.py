"""Outcomes to events: what the API said, as the event that the ledger keeps.

What it may not do: I/O, or decide what is done next (``conductor``).

How it works: one function per kind of question that was asked (submit, poll). A poll that tells nothing new makes no event. Instants are Unix
seconds by our clock, corrected by the server's where it sends one.
"""

from __future__ import annotations

from typing import assert_never

from wanbatch.engine.outcomes import (
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
from wanbatch.lifecycle import DAY_LONG, Attempt, Event, EventKind, Facts, Retention, State


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
    return facts | {"evidence": evidence} if evidence else facts


def submit_event(
    attempt: Attempt, outcome: SubmitOutcome, at: float, retention: Retention = DAY_LONG
) -> Event:
    """The event that closes the question of one POST."""
    match outcome:
        case Accepted(task_id, evidence):
            facts = acceptance_facts(task_id, at, retention, evidence)
            return Event(attempt.attempt_id, EventKind.ACCEPTED, at, facts)
        case NotAccepted(reason, _, retry_after_s):
            return Event(
                attempt.attempt_id,
                EventKind.NOT_ACCEPTED,
                at,
                {"reason": reason, "not_before": at + (retry_after_s or 0.0)},
            )
        case Halted(code, message):
            return Event(
                attempt.attempt_id,
                EventKind.NOT_ACCEPTED,
                at,
                {"reason": message, "error_code": code, "error_message": message},
            )
        case Rejected(code, message):
            return Event(
                attempt.attempt_id,
                EventKind.REJECTED,
                at,
                {"error_code": code, "error_message": message, "finished_at": at},
            )
        case Uncertain(reason, evidence):
            doubt: Facts = {"reason": reason, "evidence": evidence}
            return Event(attempt.attempt_id, EventKind.UNCERTAIN, at, doubt)
        case _:
            assert_never(outcome)


def poll_event(
    attempt: Attempt, outcome: PollOutcome, at: float, polls: int, not_done_at: float
) -> Event | None:
    """The event that a poll's answer makes, if any. ``polls`` were made in all, the last that said "not done" at ``not_done_at`` (0.0: none)."""
    seen: Facts = {"polls": polls, "polled_at": not_done_at}
    match outcome:
        case Succeeded(_, _, completed_at, expires_at):
            if attempt.state is not State.ACCEPTED:
                return None
            # Servers tell whole seconds, cut off: what was seen running later had not ended yet.
            known = (
                completed_at is not None
                and attempt.intent_at <= completed_at + 1.0
                and completed_at <= at
            )
            finished_at = (
                max(completed_at, not_done_at) if completed_at is not None and known else at
            )
            facts: Facts = {
                **seen,
                "finished_at": finished_at,
                "available_until": expires_at or finished_at + DAY_LONG.result_s,
            }
            return Event(attempt.attempt_id, EventKind.REMOTE_OK, at, facts)
        case Failed(code, message, retryable):
            if attempt.state is not State.ACCEPTED:
                return None
            if (
                at - min(attempt.accepted_at, attempt.intent_at) > DAY_LONG.forgotten_after_s
            ):  # a person may adopt a task long after its submit
                return Event(
                    attempt.attempt_id,
                    EventKind.EXPIRED,
                    at,
                    {
                        **seen,
                        "reason": f"failed ({code}) first seen more than 23 hours after the submit",
                    },
                )
            failure: Facts = {
                **seen,
                "finished_at": at,
                "error_code": code,
                "error_message": message,
                "retryable": retryable,
            }
            return Event(attempt.attempt_id, EventKind.REMOTE_FAILED, at, failure)
        case Running() | Unreadable():
            return expiry_event(attempt, at)
        case _:
            assert_never(outcome)


def expiry_event(attempt: Attempt, at: float) -> Event | None:
    """``EXPIRED`` for an accepted task without a final word 25 hours after its submit."""
    if attempt.state is State.ACCEPTED and at - attempt.accepted_at > DAY_LONG.give_up_after_s:
        return Event(
            attempt.attempt_id,
            EventKind.EXPIRED,
            at,
            {"reason": "no final word within 25 hours of the submit"},
        )
    return None


def gone_event(attempt: Attempt, failure: DownloadFailed, at: float) -> Event | None:
    """``EXPIRED`` for a result that is past its expiry and that neither URL nor content route gives any more.

    Every source must say so itself: a full disk or a dead network proves nothing about the result.
    """
    if (
        attempt.state is State.REMOTE_OK
        and at > attempt.available_until
        and failure.gone
        and not failure.disk
    ):
        return Event(attempt.attempt_id, EventKind.EXPIRED, at, {"reason": failure.reason})
    return None
