"""What makes a saved plan stale, what is its own progress, and what it still allows:
one test for each kind."""

from __future__ import annotations

import json
from dataclasses import replace
from decimal import Decimal

import pytest
from builders import attempt, fingerprint_of, follow, job, manifest
from plan.test_planner import NOW, PRICES, TARGET, plan, stored

from wanbatch.model.lifecycle import Authorisation, EventKind, RunRecord, Snapshot, State
from wanbatch.model.plan import Action, JobState
from wanbatch.plan.saved import Basis, Choices, complete, parse_plan
from wanbatch.plan.staleness import (
    Kind,
    brought_home,
    find_differences,
    hold,
    runs_of,
    still_asked,
    what_is_left,
)
from wanbatch.report.formats.json import document_text, plan_document

LEDGER = "ab" * 16
OWN = "run-of-the-plan"


def save(made, *jobs, ledger=LEDGER, prices=PRICES):
    document = complete(plan_document(made, [manifest(*jobs)]), Basis(ledger, prices, Choices()))
    return parse_plan(json.loads(document_text(document)), "plan.json")


def snapshot(saved, *attempts, ledger=LEDGER, own=True, authorisations=()):
    runs = (RunRecord(OWN, "m", "gateway", "paid", NOW, plan=saved.digest),) if own else ()
    return Snapshot(tuple(attempts), (), runs, tuple(authorisations), ledger)


def differences(saved, now, known, prices=PRICES, is_wanted=lambda entry: True):
    return [
        (one.kind, one.job, one.words)
        for one in find_differences(saved, now, known, prices, is_wanted)
    ]


def held_against(before, after, jobs=None, own=True):
    """The differences between a plan made with some attempts and one made with others;
    attempts of ``OWN`` are the plan's."""
    jobs = jobs or (job(),)
    saved = save(plan(*jobs, attempts=before), *jobs)
    now = plan(*jobs, attempts=after)
    return differences(saved, now, snapshot(saved, *after, own=own))


def accepted(number=1, **changes):
    return attempt(number=number, state=State.ACCEPTED, task_id="t1", accepted_at=NOW, **changes)


# -- the whole -------------------------------------------------------------------------


def test_a_plan_is_not_stale_by_itself():
    assert held_against((), ()) == []
    assert held_against((accepted(),), (accepted(),), own=False) == []


def test_another_ledger():
    saved = save(plan(job()), job())
    for ledger, words in (("cd" * 16, "cdcdcdcd"), ("", "there is none")):
        found = differences(saved, plan(job()), snapshot(saved, ledger=ledger))
        assert found == [(Kind.LEDGER, "", f"the ledger: abababab → {words}")]


def test_where_there_was_no_ledger_one_with_its_own_purchases_is_as_good():
    saved = save(plan(job()), job(), ledger="")
    other = replace(accepted(2), fingerprint="9" * 64)
    own = replace(accepted(1), run_id=OWN)
    free = replace(other, attempt_id=3, realm="emulator")
    now = plan(job(), attempts=(own,))
    assert differences(saved, now, snapshot(saved, own, free)) == []
    assert differences(saved, now, snapshot(saved, own, other)) == [
        (Kind.LEDGER, "", "the ledger: there was none → one that tells of a video already")
    ]
    two = snapshot(saved, own, other, replace(other, attempt_id=3))
    assert differences(saved, now, two)[0][2].endswith("one that tells of 2 videos already")


@pytest.mark.parametrize(
    ("target", "kind", "words"),
    [
        (
            replace(TARGET, backend="acme"),
            Kind.BACKEND,
            "the backend: gateway (paid) → acme (paid)",
        ),
        (
            replace(TARGET, origin="https://other.test"),
            Kind.ADDRESS,
            "the backend's address: https://api.test → https://other.test",
        ),
    ],
)
def test_another_backend_or_address(target, kind, words):
    saved = save(plan(job()), job())
    assert differences(saved, plan(job(), target=target), snapshot(saved)) == [(kind, "", words)]


def test_an_address_that_was_not_known():
    saved = save(plan(job(), target=replace(TARGET, origin="")), job())
    assert differences(saved, plan(job()), snapshot(saved)) == [
        (
            Kind.ADDRESS,
            "",
            "the backend's address: not known when the plan was made → https://api.test",
        )
    ]


def test_other_prices_and_another_currency():
    saved = save(plan(job()), job())
    dearer = replace(PRICES, per_second={"720P": Decimal("0.1"), "1080P": Decimal("0.2")})
    now = plan(job(), target=replace(TARGET, prices=dearer))
    assert differences(saved, now, snapshot(saved), dearer) == [
        (Kind.PRICE, "", "a second of 1080P: 0.15 → 0.2 USD")
    ]
    yuan = replace(PRICES, currency="CNY")
    now = plan(job(), target=replace(TARGET, prices=yuan))
    assert differences(saved, now, snapshot(saved), yuan) == [
        (Kind.CURRENCY, "", "the currency: USD → CNY")
    ]
    now = plan(job(), target=replace(TARGET, prices=None))
    assert [words for *_, words in differences(saved, now, snapshot(saved), None)] == [
        "the currency: USD → none",
        "a second of 720P: 0.10 → no price",
        "a second of 1080P: 0.15 → no price",
    ]


# -- jobs ------------------------------------------------------------------------------


def test_the_set_of_jobs():
    saved = save(plan(job(), job("two", seed=8)), job(), job("two", seed=8))
    now = plan(job(), job("three", seed=9))
    assert differences(saved, now, snapshot(saved)) == [
        (Kind.GONE, "two", "no longer in the manifest"),
        (Kind.NEW, "three", "new in the manifest"),
    ]
    unwanted = differences(saved, now, snapshot(saved), is_wanted=lambda entry: False)
    assert [kind for kind, *_ in unwanted] == [Kind.GONE]


def test_another_request_in_words():
    saved = save(plan(job()), job())
    now = plan(job(prompt="a harbour at dawn", seconds=6))
    assert differences(saved, now, snapshot(saved)) == [
        (Kind.CHANGED, "one", "changed: prompt: a harbour {+at dawn+}; seconds: 5 → 6")
    ]
    again = plan(job(take=2))
    assert differences(saved, again, snapshot(saved)) == [
        (Kind.CHANGED, "one", "changed: its upstream, its take or the query of a URL")
    ]


def test_a_purchase_of_another_run():
    stranger = accepted()
    words = "bought since by another run, run-1, task t1"
    assert held_against((), (stranger,)) == [(Kind.BOUGHT, "one", words)]
    refused = attempt(state=State.PLANNED, last_event=EventKind.NOT_ACCEPTED, refusals=1)
    assert held_against((refused,), (stranger,)) == [(Kind.BOUGHT, "one", words)]
    assert held_against((refused,), (replace(stranger, run_id=OWN),)) == []
    assert held_against((refused,), (refused,)) == []
    assert held_against((), (attempt(),)) == [
        (Kind.BOUGHT, "one", "bought since by another run, run-1")
    ]


def test_its_own_purchases_and_what_was_heard_of_them_are_progress():
    for state in State:
        own = attempt(state=state, run_id=OWN, error_code="x")
        assert held_against((), (own,)) == [], state


def test_what_a_fetch_heard_is_progress():
    failed = attempt(state=State.REMOTE_FAILED, task_id="t1", accepted_at=NOW, error_code="x")
    for after in (stored(), failed, attempt(state=State.EXPIRED), accepted(polls=7)):
        assert held_against((accepted(),), (after,), own=False) == [], after.state


def test_an_abandoning_is_no_difference():
    assert held_against((attempt(state=State.UNCERTAIN),), (attempt(state=State.ABANDONED),)) == []


def test_a_resubmit_is_one():
    again = attempt(state=State.PLANNED, last_event=EventKind.RESUBMIT)
    words = "would be bought once more, as decided since with wanbatch resolve"
    expected = [(Kind.DECIDED, "one", words)]
    assert held_against((attempt(state=State.UNCERTAIN),), (again,)) == expected
    assert held_against((attempt(state=State.EXPIRED),), (again,)) == expected
    assert held_against((), (replace(again, run_id=OWN),)) == expected
    assert held_against((again,), (again,)) == []  # decided before the plan was made


@pytest.mark.parametrize(
    ("before", "words"),
    [
        (attempt(state=State.UNCERTAIN), "was to be decided, and would be bought now: new"),
        (
            attempt(state=State.ABANDONED),
            "was to be skipped, and would be bought now: new",
        ),
    ],
)
def test_what_became_buyable(before, words):
    absent = replace(before, state=State.PLANNED, last_event=EventKind.ABSENT)
    assert held_against((before,), (absent,)) == [(Kind.BUYABLE, "one", words)]


def test_a_reused_job_that_would_be_bought():
    jobs = (job(),)
    before = plan(*jobs, attempts=(stored(),), intact=("m/videos/one.mp4",))
    saved = save(before, *jobs)
    open_word = Authorisation(1, fingerprint_of(job()), "paid", "m", "one", "regenerate", "r", NOW)
    now = plan(*jobs, attempts=(stored(),), authorisations=(open_word,))
    assert differences(saved, now, snapshot(saved, stored())) == [
        (Kind.BUYABLE, "one", "was up to date, and would be bought now: --regenerate")
    ]


def test_a_job_that_would_not_be_bought_any_more():
    failed = attempt(state=State.REMOTE_FAILED, retryable=True, error_code="x", accepted_at=NOW)
    jobs = (job(),)
    saved = save(plan(*jobs, attempts=(failed,), run={"retries": 1}), *jobs)
    assert saved.jobs["m", "one"].action is Action.GENERATE
    now = plan(*jobs, attempts=(failed,), run={"retries": 0})
    assert differences(saved, now, snapshot(saved, failed)) == [
        (
            Kind.HELD,
            "one",
            "was to be generated, and is not now: failed before: x (--retry-failed tries again)",
        )
    ]


# -- what may be done ------------------------------------------------------------------


def test_a_job_that_was_to_be_brought_home_is_never_bought():
    """Its task failed, and policy would try again: nobody approved that."""
    jobs = (job(), job("two", media=follow("one"), seed=8), job("three", seed=9))
    failed = attempt(
        state=State.REMOTE_FAILED, task_id="t1", retryable=True, error_code="x", accepted_at=NOW
    )
    saved = save(plan(*jobs, attempts=(accepted(),)), *jobs)
    assert [one.action for one in saved.jobs.values()] == [
        Action.RESUME,
        Action.GENERATE,
        Action.GENERATE,
    ]
    now = plan(*jobs, attempts=(failed,), run={"retries": 1})
    assert now.total == Decimal("1.50")
    assert differences(saved, now, snapshot(saved, failed)) == []
    held = hold(saved, now)
    assert [(one.action, one.state, str(one.reason)) for one in held.jobs] == [
        (
            Action.SKIP,
            JobState.SKIPPED,
            "the approved plan does not buy it: failed before: x; tried again by policy",
        ),
        (Action.BLOCKED, JobState.BLOCKED, "it takes media from one, which is skipped"),
        (Action.GENERATE, JobState.PLANNED, "new"),
    ]
    assert held.total == Decimal("0.50")
    assert brought_home(saved) == {saved.jobs["m", "one"].fingerprint}


def test_a_blocked_job_whose_upstream_came_home_is_left_to_the_next_plan():
    jobs = (job(), job("two", media=follow("one"), seed=8))
    before = plan(*jobs, attempts=(attempt(state=State.UNCERTAIN),))
    saved = save(before, *jobs)
    assert saved.jobs["m", "two"].action is Action.BLOCKED
    done = stored()
    now = plan(*jobs, attempts=(done,), intact=("m/videos/one.mp4",))
    words = "was blocked, and would be bought now: new"
    assert differences(saved, now, snapshot(saved, done, own=False)) == [
        (Kind.BUYABLE, "two", words)
    ]
    assert differences(saved, now, snapshot(saved, done)) == []
    assert hold(saved, now).count()[Action.GENERATE] == 0


def test_nothing_is_held_of_what_was_approved():
    saved = save(plan(job()), job())
    now = plan(job())
    assert hold(saved, now) is now


def test_without_a_price_the_total_stays_unknown():
    target = replace(TARGET, prices=None)
    jobs = (job(), job("two", seed=8))
    saved = save(plan(*jobs, attempts=(accepted(),), target=target), *jobs, prices=None)
    failed = attempt(state=State.REMOTE_FAILED, retryable=True, accepted_at=NOW)
    now = plan(*jobs, attempts=(failed,), target=target, run={"retries": 1})
    assert hold(saved, now).total is None
    assert what_is_left(saved, snapshot(saved)) is None


def test_what_is_left_of_the_total():
    jobs = (job(), job("two", seed=8), job("three", seed=9))
    saved = save(plan(*jobs), *jobs)
    price = Decimal("0.50")
    states: dict[State, Decimal | int] = {
        State.STORED: price,
        State.UNCERTAIN: price,
        State.ACCEPTED: price,
        State.INTENT: price,
        State.ABANDONED: price,
        State.REMOTE_FAILED: 0,
        State.REJECTED: 0,
        State.PLANNED: 0,
    }
    for state, spent in states.items():
        own = attempt(state=state, run_id=OWN, price=price)
        other = attempt(number=2, state=State.STORED, price=price)
        assert what_is_left(saved, snapshot(saved, own, other)) == Decimal("1.50") - spent, state
    dear = attempt(state=State.STORED, run_id=OWN, price=Decimal(9))
    assert what_is_left(saved, snapshot(saved, dear)) == 0


def test_a_wish_to_buy_once_more_counts_until_a_run_of_the_plan_has_recorded_it():
    jobs = (job(), job("two", seed=8))
    one, two = map(fingerprint_of, jobs)
    known = (stored(), replace(stored(number=2), fingerprint=two, job="two"))
    saved = save(plan(*jobs, attempts=known, regenerate=True), *jobs)
    assert still_asked(saved, snapshot(saved)) == {one, two}
    word = Authorisation(1, one, "paid", "m", "one", "regenerate", OWN, NOW)
    assert still_asked(saved, snapshot(saved, authorisations=[word])) == {two}
    assert still_asked(
        saved, snapshot(saved, authorisations=[replace(word, run_id="another")])
    ) == {one, two}
    now = plan(*jobs, attempts=known, regenerate=True, asked=frozenset({two}))
    assert [entry.action for entry in now.jobs] == [Action.RESUME, Action.GENERATE]


def test_the_runs_of_a_plan_are_told_by_its_digest():
    saved = save(plan(job()), job())
    assert runs_of(saved, snapshot(saved)) == {OWN}
    assert runs_of(replace(saved, digest="0" * 64), snapshot(saved)) == frozenset()
