"""What an answer means for the ledger: each verdict's event, and the deadlines."""

from __future__ import annotations

from dataclasses import replace

import pytest
from builders import attempt
from expecting import expect

from wanbatch.engine.interpret import (
    expiry_event,
    failure_event,
    gone_event,
    is_overdue,
    poll_event,
    submit_event,
)
from wanbatch.model.lifecycle import Event, EventKind, State, apply
from wanbatch.model.outcomes import (
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
    row = apply(
        ACCEPTED,
        expect(Event, poll_event(ACCEPTED, Succeeded(completed_at=1050.0), 1060.0, 3, 1040.0)),
    )
    assert (row.state, row.finished_at, row.available_until, row.polls, row.polled_at) == (
        State.REMOTE_OK,
        1050.0,
        1050.0 + 24 * HOUR,
        3,
        1040.0,
    )


@pytest.mark.parametrize("completed_at", [None, 5.0, 9999.0])
def test_a_completion_time_that_cannot_be_is_replaced_by_ours(completed_at):
    event = expect(
        Event, poll_event(ACCEPTED, Succeeded(completed_at=completed_at), 1060.0, 1, 0.0)
    )
    assert event.facts["finished_at"] == 1060.0


def test_the_signed_url_is_never_in_the_event():
    event = poll_event(
        ACCEPTED, Succeeded(urls=("https://x.test/v.mp4?Signature=s3cret",)), 1060.0, 1, 0.0
    )
    assert "s3cret" not in str(event)


def test_a_failure_is_final_within_23_hours_and_proves_nothing_after():
    failed = Failed("InternalError", "x", retryable=True)
    soon = expect(Event, poll_event(ACCEPTED, failed, 1001.0 + 22 * HOUR, 9, 0.0))
    assert (soon.kind, soon.facts["error_code"], soon.facts["retryable"]) == (
        EventKind.REMOTE_FAILED,
        "InternalError",
        True,
    )
    assert soon.facts["failed_at"] == 1001.0 + 22 * HOUR
    late = 1002.0 + 23 * HOUR
    assert poll_event(ACCEPTED, failed, late, 9, 0.0) is None
    assert failure_event(ACCEPTED, failed, late, 9, 0.0, late=True).kind is EventKind.EXPIRED
    assert poll_event(ACCEPTED, failed, late, 9, 0.0, most_s=60.0) is not None, "by both clocks"
    assert poll_event(ACCEPTED, failed, 1001.0, 9, 0.0, most_s=23.1 * HOUR) is None


def test_a_failure_in_another_word_is_not_believed_at_once():
    assert poll_event(ACCEPTED, Failed("", "cancelled", certain=False), 1100.0, 1, 0.0) is None


@pytest.mark.parametrize(
    "outcome", [Running("queued"), Unreadable("HTTP 502"), Unreadable("HTTP 404", denied=True)]
)
def test_no_final_word_is_no_event_of_a_poll_alone(outcome):
    assert poll_event(ACCEPTED, outcome, 1002.0 + 25 * HOUR, 9, 0.0) is None


def test_a_task_without_a_final_word_expires_once_every_source_has_answered():
    assert not is_overdue(ACCEPTED, 24.9 * HOUR)
    assert is_overdue(ACCEPTED, 25.1 * HOUR)
    at = 1002.0 + 25 * HOUR
    answered = DownloadFailed("HTTP 404", gone=True)
    assert expect(Event, expiry_event(ACCEPTED, answered, at)).kind is EventKind.EXPIRED
    assert expiry_event(ACCEPTED, DownloadFailed("HTTP 400", denied=True), at) is not None
    for failure in (DownloadFailed("the network is down"), replace(answered, disk=True)):
        assert expiry_event(ACCEPTED, failure, at) is None


def test_an_overdue_task_with_a_video_that_does_not_fit_is_given_up_and_a_person_told():
    """It was downloaded again and again until the run ended: it can be had, and is no
    end."""
    unfit = DownloadFailed("the content route gave a video of 0.5 s", unfit=True)
    event = expect(Event, expiry_event(ACCEPTED, unfit, ACCEPTED.give_up_at))
    assert event.kind is EventKind.EXPIRED
    assert event.facts["reason"].endswith("a video of 0.5 s (it is kept: wanbatch resolve --take)")


def test_a_word_that_nobody_knows_is_kept_once_and_taken_back():
    event = expect(Event, poll_event(ACCEPTED, Running("dreaming", known=False), 1100.0, 1, 0.0))
    assert (event.kind, event.facts) == (EventKind.OBSERVED, {"status_word": "dreaming"})
    told = apply(ACCEPTED, event)
    assert poll_event(told, Running("dreaming", known=False), 1200.0, 2, 0.0) is None
    assert expect(Event, poll_event(told, Running("running"), 1300.0, 3, 0.0)).facts == {
        "status_word": ""
    }


def test_an_adopted_id_is_confirmed_by_the_first_answer_that_knows_it():
    adopted = replace(ACCEPTED, last_event=EventKind.ADOPTED)
    assert poll_event(adopted, Unreadable("HTTP 404", denied=True), 1100.0, 1, 0.0) is None
    confirmed = apply(
        adopted, expect(Event, poll_event(adopted, Running("queued"), 1100.0, 1, 0.0))
    )
    assert confirmed.confirmed_at == 1100.0
    assert poll_event(confirmed, Running("queued"), 1200.0, 2, 0.0) is None


def test_what_is_known_to_be_done_is_not_told_twice():
    done = replace(ACCEPTED, state=State.REMOTE_OK)
    for outcome in (Succeeded(), Failed("x", "y"), Running()):
        assert poll_event(done, outcome, 2000.0, 1, 0.0) is None


def test_the_latest_expiry_counts_and_a_useless_one_does_not():
    done = apply(
        ACCEPTED,
        expect(Event, poll_event(ACCEPTED, Succeeded(completed_at=1100.0), 1105.0, 1, 0.0)),
    )
    assert done.available_until == 1100.0 + 24 * HOUR
    for useless in (1104.0, 1105.0 + 60, 1105.0 + 2 * HOUR):
        first = expect(
            Event, poll_event(ACCEPTED, Succeeded((), None, 1100.0, useless), 1105.0, 1, 0.0)
        )
        assert first.facts["available_until"] == done.available_until
        assert poll_event(done, Succeeded(expires_at=useless), 1105.0, 2, 0.0) is None
    later = expect(
        Event, poll_event(done, Succeeded(expires_at=1000.0 + 48 * HOUR), 1105.0, 2, 0.0)
    )
    assert later.facts == {"available_until": 1000.0 + 48 * HOUR}


def test_where_the_end_is_not_told_the_deadline_counts_from_the_last_look_before_it():
    found = expect(Event, poll_event(ACCEPTED, Succeeded(), 1001.0 + 20 * HOUR, 1, 0.0))
    assert found.facts["available_until"] == 1001.0 + 24 * HOUR
    seen = expect(
        Event, poll_event(ACCEPTED, Succeeded(), 1001.0 + 20 * HOUR, 1, 1001.0 + 19 * HOUR)
    )
    assert seen.facts["available_until"] == 1001.0 + 43 * HOUR


def test_a_failed_task_that_turns_is_finished():
    failed = replace(ACCEPTED, state=State.REMOTE_FAILED, failed_at=1050.0)
    assert (
        expect(Event, poll_event(failed, Succeeded(), 1100.0, 1, 0.0)).kind is EventKind.REMOTE_OK
    )
    assert poll_event(failed, Failed("x", "y"), 1100.0, 1, 0.0) is None


def gone(attempt, failure, past_s, *, readable=True):
    return gone_event(attempt, failure, 5000.0, readable=readable, past_s=past_s)


def test_a_result_expires_only_past_its_time_and_after_an_answer_of_the_same_round():
    done = replace(ACCEPTED, state=State.REMOTE_OK, available_until=5000.0)
    denied = DownloadFailed("HTTP 404", gone=True)
    assert gone(done, denied, -1.0).kind is EventKind.OBSERVED
    assert gone(done, denied, 1.0).kind is EventKind.EXPIRED
    assert gone(done, DownloadFailed("HTTP 502", denied=True), 1.0).kind is EventKind.EXPIRED
    assert gone(done, denied, 1.0, readable=False).kind is EventKind.OBSERVED
    for failure in (
        DownloadFailed("the network is down"),
        DownloadFailed("no space left", disk=True),
        replace(denied, disk=True),
    ):
        assert gone(done, failure, 1.0).kind is EventKind.OBSERVED


def test_what_the_last_download_met_is_kept_once_and_refused_bytes_are_counted():
    done = replace(ACCEPTED, state=State.REMOTE_OK, available_until=5000.0)
    failure = DownloadFailed("no video", refused="ab" * 32)
    for times in (1, 2):
        done = apply(done, gone(done, failure, -1.0))
        assert (done.download_error, done.refused_times) == ("no video", times)
    done = apply(done, gone(done, replace(failure, refused="cd" * 32), -1.0))
    assert done.refused_times == 1
    assert gone(done, DownloadFailed("no video"), -1.0) is None


def test_what_an_answer_says_beside_the_id_is_kept():
    row = apply(INTENT, submit_event(INTENT, Accepted("t-1", "also names r-9"), 1001.0))
    assert row.evidence == "also names r-9"


def test_a_word_about_a_stored_video_and_a_failed_download_of_one_leave_nothing():
    stored = replace(ACCEPTED, state=State.STORED)
    assert poll_event(stored, Running("brewing", known=False), 1100.0, 1, 0.0) is None
    assert gone(stored, DownloadFailed("HTTP 404", gone=True), 1.0) is None


def test_refusals_of_one_attempt_are_counted():
    row = INTENT
    for times in (1, 2, 3):
        row = apply(row, submit_event(row, NotAccepted("busy"), 1001.0))
        assert (row.state, row.refusals) == (State.PLANNED, times)
        row = apply(row, Event(row.attempt_id, EventKind.REOPENED, 1002.0))
