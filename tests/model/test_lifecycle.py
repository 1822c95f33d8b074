"""The law of an attempt's life, by value and by property: every legal path folds to its
row, every other event raises and names state and event."""

from __future__ import annotations

from dataclasses import fields, replace
from decimal import Decimal
from typing import Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wanbatch.model import lifecycle
from wanbatch.model.lifecycle import (
    ATTEMPT_FIELDS,
    DECISIONS,
    IN_FLIGHT,
    RESERVED,
    SPENT,
    TERMINAL,
    TRANSITIONS,
    UNSETTLED,
    Attempt,
    Authorisation,
    Authority,
    Event,
    EventKind,
    Facts,
    IllegalTransition,
    Opening,
    Retention,
    Snapshot,
    State,
    apply,
    attempt_of,
    deciding_attempt,
    how_it_runs,
    is_undecided,
    may_retry,
    open_attempt,
)

OPENING = Opening(
    "f" * 64,
    "paid",
    "gateway",
    "https://api.test",
    "m",
    "one",
    "r",
    Authority.FIRST,
    "{}",
    5,
    "720P",
    Decimal("0.50"),
    "USD",
    10.0,
)
BY_A_PERSON = {EventKind.RESUBMIT, EventKind.ABANDONED}
BY_PROOF_OR_PERSON = {EventKind.ADOPTED, EventKind.ABSENT, *BY_A_PERSON}
PRINTED = st.text(alphabet=st.characters(codec="utf-8"), max_size=8)
FACTS = st.fixed_dictionaries(
    {},
    optional={
        name: {
            str: PRINTED,
            float: st.floats(0, 1e10),
            int: st.integers(0, 2**62),
            bool: st.booleans(),
        }[kind]
        for name, kind in (
            ("task_id", str),
            ("reason", str),
            ("error_code", str),
            ("error_message", str),
            ("retryable", bool),
            ("not_before", float),
            ("accepted_at", float),
            ("finished_at", float),
            ("give_up_at", float),
            ("available_until", float),
            ("stored_at", float),
            ("path", str),
            ("sha256", str),
            ("bytes", int),
            ("seconds", float),
            ("width", int),
            ("height", int),
            ("fps", float),
            ("has_audio", bool),
            ("polls", int),
            ("polled_at", float),
            ("failed_at", float),
            ("confirmed_at", float),
            ("status_word", str),
            ("download_error", str),
            ("evidence", str),
            ("refusals", int),
            ("outcome_offset_s", float),
            ("refused_sha256", str),
            ("refused_times", int),
        )
    },
)


def row(state: State, number: int = 1, **changes: Any) -> Attempt:
    return replace(open_attempt(number, OPENING), state=state, **changes)


@st.composite
def lives(draw: st.DrawFn) -> list[Event]:
    """Some legal life of attempt 1 after its intent."""
    state, events, at = State.INTENT, [], 10.0
    for _ in range(draw(st.integers(0, 12))):
        kinds = [kind for (before, kind) in TRANSITIONS if before is state]
        if not kinds:
            break
        kind = draw(st.sampled_from(kinds))
        at += draw(st.floats(0, 1e4))
        events.append(Event(1, kind, at, cast(Facts, draw(FACTS))))
        state = TRANSITIONS[state, kind]
    return events


@given(lives())
def test_a_row_is_the_fold_of_its_events(events: list[Event]) -> None:
    attempt = open_attempt(1, OPENING)
    expected = {name: getattr(attempt, name) for name in ATTEMPT_FIELDS}
    for event in events:
        attempt = apply(attempt, event)
        state = TRANSITIONS[State(expected["state"]), event.kind]
        expected |= {
            "state": state,
            "updated_at": event.at,
            "last_event": event.kind,
            **event.facts,
        }
        assert {name: getattr(attempt, name) for name in ATTEMPT_FIELDS} == expected


@given(lives())
def test_what_an_attempt_was_born_with_never_changes(events: list[Event]) -> None:
    born = open_attempt(1, OPENING)
    attempt = born
    for event in events:
        attempt = apply(attempt, event)
    opening = [f.name for f in fields(Opening) if f.name != "at"]
    assert [getattr(attempt, name) for name in opening] == [
        getattr(OPENING, name) for name in opening
    ]
    assert attempt.intent_at == OPENING.at
    assert attempt.attempt_id == 1


@pytest.mark.parametrize("state", State)
@pytest.mark.parametrize("kind", EventKind)
def test_every_pair_is_an_arrow_or_raises_naming_both(state: State, kind: EventKind) -> None:
    before = row(state, 7)
    if (state, kind) in TRANSITIONS:
        assert apply(before, Event(7, kind, 2.0)).state is TRANSITIONS[state, kind]
        return
    with pytest.raises(
        IllegalTransition,
        match=f"attempt 7: event '{kind.value}' is not allowed in state '{state.value}'",
    ):
        apply(before, Event(7, kind, 2.0))
    assert before == row(state, 7)


def test_the_table_is_the_one_of_the_contract() -> None:
    """Written out again from the design, so that an arrow can neither appear nor vanish
    by itself."""
    drawn = """
        intent accepted accepted / intent not_accepted planned / intent rejected rejected / intent uncertain uncertain
        uncertain adopted accepted / uncertain absent planned / uncertain resubmit planned / uncertain abandoned abandoned
        accepted remote_ok remote_ok / accepted remote_failed remote_failed / accepted expired expired
        remote_ok staged staged / remote_ok expired expired / staged remote_ok remote_ok / staged stored stored / stored restored stored
        expired adopted accepted / expired resubmit planned / expired abandoned abandoned
        planned reopened intent / accepted observed accepted / remote_ok observed remote_ok / accepted adopted accepted
        remote_ok abandoned abandoned / remote_failed remote_ok remote_ok / expired remote_ok remote_ok / expired staged staged
    """
    arrows = {
        tuple(arrow.split()) for line in drawn.strip().splitlines() for arrow in line.split("/")
    }
    assert {
        (before.value, kind.value, after.value) for (before, kind), after in TRANSITIONS.items()
    } == arrows


def test_an_intent_is_opened_and_never_an_arrow() -> None:
    assert EventKind.INTENT not in {kind for _, kind in TRANSITIONS}
    born = open_attempt(3, OPENING)
    assert (born.attempt_id, born.state, born.last_event, born.updated_at, born.intent_at) == (
        3,
        State.INTENT,
        EventKind.INTENT,
        10.0,
        10.0,
    )


def test_every_state_is_reached_from_an_intent() -> None:
    reached = {State.INTENT}
    while (
        more := {after for (before, _), after in TRANSITIONS.items() if before in reached} - reached
    ):
        reached |= more
    assert reached == set(State)


def test_uncertain_goes_back_to_planned_only_by_proof_or_by_a_person() -> None:
    assert {
        kind for (before, kind) in TRANSITIONS if before is State.UNCERTAIN
    } == BY_PROOF_OR_PERSON


def test_a_terminal_state_is_left_only_by_a_persons_command() -> None:
    left_by = {before: {k for b, k in TRANSITIONS if b is before} for before in TERMINAL}
    assert left_by[State.EXPIRED] == {
        EventKind.ADOPTED,
        EventKind.STAGED,
        EventKind.REMOTE_OK,
        *BY_A_PERSON,
    }
    assert left_by[State.PLANNED] == {EventKind.REOPENED}
    assert left_by[State.REMOTE_FAILED] == {EventKind.REMOTE_OK}
    assert left_by[State.STORED] == {EventKind.RESTORED}
    assert all(not left_by[state] for state in (State.REJECTED, State.ABANDONED))


@given(lives())
def test_money_that_was_given_back_is_never_taken_again(events: list[Event]) -> None:
    """A row that counts for nothing counts again by a new POST of its own, or by the
    provider's own later "finished"."""
    attempt, counts = open_attempt(1, OPENING), True
    for event in events:
        attempt = apply(attempt, event)
        now = attempt.state in SPENT | RESERVED
        assert counts or not now or event.kind in (EventKind.REOPENED, EventKind.REMOTE_OK)
        counts = now


def test_the_sets_of_states_hold_together() -> None:
    assert not SPENT & RESERVED
    assert set(State) - {State.PLANNED, State.REJECTED, State.REMOTE_FAILED} == SPENT | RESERVED
    assert IN_FLIGHT <= UNSETTLED
    assert UNSETTLED <= SPENT | RESERVED
    assert State.STORED not in UNSETTLED
    assert State.ABANDONED not in UNSETTLED
    assert set(State) - TERMINAL == IN_FLIGHT | {State.INTENT, State.UNCERTAIN}


def test_facts_are_fields_of_a_row_that_no_opening_and_no_fold_sets() -> None:
    """But for the offset of the intent, which what goes out again sets anew."""
    facts = set(Facts.__annotations__)
    opening = {f.name for f in fields(Opening)}
    assert facts <= set(ATTEMPT_FIELDS)
    assert facts & opening == {"intent_offset_s"}
    assert facts - {"intent_offset_s"} == set(ATTEMPT_FIELDS) - opening - {
        "attempt_id",
        "state",
        "updated_at",
        "last_event",
    }


def test_an_unknown_fact_is_a_bug_that_shows() -> None:
    with pytest.raises(KeyError, match="colour"):
        apply(row(State.INTENT), Event(1, EventKind.ACCEPTED, 2.0, {"colour": "blue"}))  # type: ignore[typeddict-unknown-key]


def test_a_snapshot_groups_by_identity_and_realm_oldest_first() -> None:
    one, two, other = (
        row(State.PLANNED),
        row(State.STORED, 2),
        row(State.STORED, 3, realm="emulator"),
    )
    assert Snapshot((one, two, other)).by_identity() == {
        ("f" * 64, "paid"): [one, two],
        ("f" * 64, "emulator"): [other],
    }
    assert Snapshot().by_identity() == {}


@pytest.mark.parametrize(
    ("states", "decides"),
    [
        ([], None),
        ([State.PLANNED], None),
        ([State.PLANNED, State.PLANNED], None),
        ([State.REJECTED], 0),
        ([State.REMOTE_FAILED, State.REJECTED], 1),
        ([State.STORED, State.PLANNED], 0),
        ([State.STORED, State.REJECTED], 0),
        ([State.REMOTE_FAILED, State.UNCERTAIN], 1),
        ([State.UNCERTAIN, State.REMOTE_FAILED], 0),
        ([State.STORED, State.ACCEPTED], 1),
        ([State.STORED, State.STORED], 1),
        ([State.ABANDONED, State.PLANNED], 0),
        ([State.ABANDONED, State.REMOTE_FAILED], 1),
    ],
)
def test_one_attempt_decides_how_a_job_stands(states: list[State], decides: int | None) -> None:
    rows = [row(state, number) for number, state in enumerate(states)]
    assert deciding_attempt(rows) == (None if decides is None else rows[decides])


@given(lives())
def test_a_row_is_made_of_its_values_in_order(events: list[Event]) -> None:
    attempt = open_attempt(1, OPENING)
    for event in events:
        attempt = apply(attempt, event)
    made = attempt_of([getattr(attempt, name) for name in ATTEMPT_FIELDS])
    assert made == attempt
    assert hash(made) == hash(attempt)
    assert replace(made, state=State.STORED) == replace(attempt, state=State.STORED)


def test_the_fields_are_in_the_order_that_the_ledger_keeps() -> None:
    assert tuple(f.name for f in fields(Attempt)) == lifecycle.ATTEMPT_FIELDS


def test_a_failure_that_turned_after_its_retry_came_home_is_the_jobs_video() -> None:
    failed = row(State.STORED, 1, failed_at=5.0)
    retry = row(State.STORED, 2, authority=Authority.RETRY_POLICY)
    assert deciding_attempt([failed, retry]) == failed
    anew = row(State.STORED, 3, authority=Authority.REGENERATE)
    assert deciding_attempt([failed, retry, anew]) == anew
    assert deciding_attempt([row(State.STORED, 1), retry]) == retry
    assert deciding_attempt([row(State.ABANDONED, 1), retry]) == retry


def test_an_authorisation_is_open_until_a_purchase_names_it() -> None:
    allowed = Authorisation(1, "f", "paid", "m", "one", "regenerate", "r", 1.0)
    assert Snapshot(authorisations=(allowed,)).open_authorisations() == (allowed,)
    refused = row(State.PLANNED, authorisation_id=1)
    assert Snapshot((refused,), authorisations=(allowed,)).open_authorisations() == (allowed,)
    bought = row(State.ACCEPTED, authorisation_id=1)
    assert Snapshot((bought,), authorisations=(allowed,)).open_authorisations() == ()


def test_events_are_counted_by_realm() -> None:
    rows = (row(State.STORED, 1), row(State.STORED, 2, realm="emulator"))
    snapshot = Snapshot(rows, events={1: 5, 2: 7})
    assert (snapshot.count_events("paid"), snapshot.count_events("emulator")) == (5, 7)
    assert row(State.PLANNED).shown_deadline is None
    assert row(State.ACCEPTED, available_until=1000.0).shown_deadline == 400.0


def test_each_margin_is_an_hour() -> None:
    kept = Retention(result_s=7200.0, query_s=10_000.0, list_s=20_000.0)
    assert (kept.give_up_after_s, kept.forgotten_after_s, kept.listed_for_s) == (
        13_600.0,
        6_400.0,
        16_400.0,
    )


def test_policy_retries_what_failed_for_free_so_often_since_a_person_asked() -> None:
    failed = row(State.REMOTE_FAILED, 1, retryable=True)
    again = row(State.REMOTE_FAILED, 2, retryable=True, authority=Authority.RETRY_POLICY)
    unsent = row(State.PLANNED, 3, authority=Authority.RETRY_POLICY)
    person = row(State.REMOTE_FAILED, 4, retryable=True, authority=Authority.PERSON)
    assert may_retry(failed, [failed], 1)
    assert not may_retry(failed, [failed], 0)
    assert not may_retry(again, [failed, again], 1)
    assert may_retry(failed, [failed, unsent], 1), "what was never accepted was no retry"
    assert may_retry(person, [failed, again, person], 1)
    assert not may_retry(row(State.REMOTE_FAILED, 1, retryable=False), [], 5)
    assert not may_retry(row(State.REJECTED, 1, retryable=True), [], 5)


def test_a_person_decides_on_what_waits_and_on_an_adoption_that_no_poll_confirmed() -> None:
    assert {s for s in State if is_undecided(row(s))} == {
        s for s in DECISIONS if s is not State.ACCEPTED
    }
    adopted = row(State.ACCEPTED, last_event=EventKind.ADOPTED)
    assert is_undecided(adopted)
    assert not is_undecided(row(State.ACCEPTED, last_event=EventKind.ADOPTED, confirmed_at=9.0))


def test_how_a_paid_task_stands_is_said_in_words() -> None:
    assert str(how_it_runs(row(State.ACCEPTED, task_id="t"))) == "task t was accepted"
    odd = row(State.ACCEPTED, task_id="t", status_word="polishing")
    assert str(how_it_runs(odd)).endswith("the provider says 'polishing', a word that is not known")
    ended = row(State.REMOTE_OK, task_id="t", download_error="HTTP 404")
    assert (
        str(how_it_runs(ended))
        == "task t is finished and paid for; the last download met: HTTP 404"
    )
    assert "--take" in str(how_it_runs(row(State.REMOTE_OK, task_id="t", refused_times=2)))
