"""What an answer means for the ledger: each verdict's event, and the deadlines."""

from __future__ import annotations

from dataclasses import replace

import pytest
from builders import attempt

from wanbatch.engine.outcomes import (
    Accepted,
    DownloadFailed,
    Failed,
    Halted,
    NotAccepted,
    Rejected,
    Running,
    Succeeded,
    Uncertain,
    Unreadable,
)
from wanbatch.engine.settle import expiry_event, gone_event, poll_event, submit_event
from wanbatch.lifecycle import EventKind, State, apply

HOUR = 3600.0
INTENT = attempt()
ACCEPTED = apply(INTENT, submit_event(INTENT, Accepted("t-1"), 1001.0))


@pytest.mark.parametrize(
    ("outcome", "kind", "state"),
    [
        (Accepted("t-1"), EventKind.ACCEPTED, State.ACCEPTED),
        (NotAccepted("busy", None, 30.0), EventKind.NOT_ACCEPTED, State.PLANNED),
        (Halted("InvalidApiKey", "bad key"), EventKind.NOT_ACCEPTED, State.PLANNED),
        (Rejected("InvalidParameter", "no"), EventKind.REJECTED, State.REJECTED),
        (Uncertain("reset"), EventKind.UNCERTAIN, State.UNCERTAIN),
    ],
)
def test_each_verdict_of_a_post_closes_the_intent(outcome, kind, state):
    event = submit_event(INTENT, outcome, 1001.0)
    assert event.kind is kind
    assert apply(INTENT, event).state is state


def test_an_accepted_task_is_watched_for_25_hours():
    assert (ACCEPTED.task_id, ACCEPTED.accepted_at) == ("t-1", 1001.0)
    assert ACCEPTED.give_up_at == 1001.0 + 25 * HOUR
    assert ACCEPTED.available_until == 1001.0 + 24 * HOUR
    assert ACCEPTED.shown_deadline == 1001.0 + 24 * HOUR - 600


def test_a_refusal_keeps_the_reason_and_the_time():
    row = apply(INTENT, submit_event(INTENT, NotAccepted("busy", None, 30.0), 1001.0))
    assert (row.reason, row.not_before) == ("busy", 1031.0)


def test_a_result_expires_24_hours_after_the_server_says_it_was_done():
    row = apply(ACCEPTED, poll_event(ACCEPTED, Succeeded(completed_at=1050.0), 1060.0, 3, 1040.0))
    assert (row.state, row.finished_at, row.available_until, row.polls, row.polled_at) == (
        State.REMOTE_OK,
        1050.0,
        1050.0 + 24 * HOUR,
        3,
        1040.0,
    )


@pytest.mark.parametrize("completed_at", [None, 5.0, 9999.0])
def test_a_completion_time_that_cannot_be_is_replaced_by_ours(completed_at):
    event = poll_event(ACCEPTED, Succeeded(completed_at=completed_at), 1060.0, 1, 0.0)
    assert event.facts["finished_at"] == 1060.0


def test_the_signed_url_is_never_in_the_event():
    event = poll_event(
        ACCEPTED, Succeeded(urls=("https://x.test/v.mp4?Signature=s3cret",)), 1060.0, 1, 0.0
    )
    assert "s3cret" not in str(event)


def test_a_failure_is_final_within_23_hours_and_proves_nothing_after():
    soon = poll_event(
        ACCEPTED, Failed("InternalError", "x", retryable=True), 1001.0 + 22 * HOUR, 9, 0.0
    )
    assert (soon.kind, soon.facts["error_code"], soon.facts["retryable"]) == (
        EventKind.REMOTE_FAILED,
        "InternalError",
        True,
    )
    late = poll_event(ACCEPTED, Failed("InternalError", "x"), 1002.0 + 23 * HOUR, 9, 0.0)
    assert late.kind is EventKind.EXPIRED


@pytest.mark.parametrize(
    "outcome", [Running("queued"), Running("never heard of it"), Unreadable("HTTP 502")]
)
def test_no_final_word_is_no_event_until_25_hours_have_passed(outcome):
    assert poll_event(ACCEPTED, outcome, 1001.0 + 24.9 * HOUR, 9, 0.0) is None
    assert poll_event(ACCEPTED, outcome, 1002.0 + 25 * HOUR, 9, 0.0).kind is EventKind.EXPIRED


def test_what_is_known_to_be_done_is_not_told_twice():
    done = replace(ACCEPTED, state=State.REMOTE_OK)
    for outcome in (Succeeded(), Failed("x", "y"), Running()):
        assert poll_event(done, outcome, 2000.0, 1, 0.0) is None
    assert expiry_event(done, 1e9) is None


def test_a_result_that_cannot_be_had_expires_only_once_its_time_is_over():
    done = replace(ACCEPTED, state=State.REMOTE_OK, available_until=5000.0)
    gone = DownloadFailed("HTTP 404", gone=True)
    assert gone_event(done, gone, 4999.0) is None
    assert gone_event(done, gone, 5001.0).kind is EventKind.EXPIRED
    for failure in (
        DownloadFailed("the network is down"),
        DownloadFailed("no space left", disk=True),
        replace(gone, disk=True),
    ):
        assert gone_event(done, failure, 5001.0) is None
