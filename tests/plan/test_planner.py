"""What a run would do with a job, by what the ledger knows: one test per row of the
contract's actions."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest
from builders import DIGESTS, attempt, fingerprint_of, follow, job, manifest

from wanbatch.model.lifecycle import (
    Authorisation,
    Authority,
    EventKind,
    Placement,
    Snapshot,
    State,
    may_retry,
)
from wanbatch.model.plan import Action, JobState
from wanbatch.model.price import PriceList
from wanbatch.plan.planner import PlanOptions, Target, changed_fields, make_plan
from wanbatch.plan.selection import parse_selection
from wanbatch.plan.shards import parse_shard

PRICES = PriceList({"720P": Decimal("0.10"), "1080P": Decimal("0.15")}, "USD")
TARGET = Target("gateway", "paid", "https://api.test", PRICES)
NOW = 2000.0


def plan(
    *jobs,
    attempts=(),
    placements=(),
    intact=(),
    target=TARGET,
    run=None,
    authorisations=(),
    **options,
):
    snapshot = Snapshot(tuple(attempts), tuple(placements), authorisations=tuple(authorisations))
    return make_plan(
        [manifest(*jobs, **(run or {}))],
        DIGESTS,
        snapshot,
        frozenset(intact),
        target,
        PlanOptions(**options),
        NOW,
    )


def one(*jobs, **given):
    return plan(*(jobs or (job(),)), **given).jobs[-1]


def stored(**changes):
    return attempt(
        state=State.STORED,
        task_id="t1",
        path="m/videos/one.mp4",
        sha256="ee" * 32,
        bytes=9,
        available_until=NOW + 60,
        **changes,
    )


def test_a_new_job_is_generated_at_its_price():
    result = plan(job(), job("two", size="1080P", seconds=10, seed=8))
    assert [(e.action, e.state, str(e.reason), e.price) for e in result.jobs] == [
        (Action.GENERATE, JobState.PLANNED, "new", Decimal("0.50")),
        (Action.GENERATE, JobState.PLANNED, "new", Decimal("1.50")),
    ]
    assert (result.total, result.currency) == (Decimal("2.00"), "USD")


def test_without_a_price_list_the_total_is_unknown():
    result = plan(job(), target=replace(TARGET, prices=None))
    assert (result.total, result.jobs[0].price) == (None, None)


def test_a_changed_job_says_what_changed():
    old = attempt(job(prompt="old", seconds=4), state=State.STORED)
    assert str(one(attempts=[old]).reason) == "changed: prompt, seconds"


def test_a_job_whose_request_reads_as_before_says_what_else_changed():
    old = attempt(job(), state=State.STORED)
    assert str(one(job(take=2), attempts=[old]).reason) == "changed: its upstream or take"


@pytest.mark.parametrize(
    ("state", "action", "shown"),
    [
        (State.ACCEPTED, Action.RESUME, JobState.RUNNING),
        (State.REMOTE_OK, Action.RESUME, JobState.FINISHED),
        (State.STAGED, Action.RESUME, JobState.FINISHED),
        (State.INTENT, Action.ASK, JobState.UNCERTAIN),
        (State.UNCERTAIN, Action.ASK, JobState.UNCERTAIN),
        (State.EXPIRED, Action.ASK, JobState.EXPIRED),
        (State.ABANDONED, Action.SKIP, JobState.SKIPPED),
        (State.REJECTED, Action.SKIP, JobState.FAILED),
        (State.REMOTE_FAILED, Action.SKIP, JobState.FAILED),
        (State.PLANNED, Action.GENERATE, JobState.PLANNED),
    ],
)
def test_every_state_of_an_attempt_has_its_action(state, action, shown):
    result = one(attempts=[attempt(state=state, task_id="t1")])
    assert (result.action, result.state) == (action, shown)


def test_a_whole_video_is_reused():
    placement = Placement("m", "one", 1, "m/videos/one.mp4", 5)
    result = one(attempts=[stored()], placements=[placement], intact=["m/videos/one.mp4"])
    assert (result.action, result.state, result.path) == (
        Action.REUSE,
        JobState.DONE,
        "m/videos/one.mp4",
    )


def test_a_video_made_under_another_name_is_reused_and_copied():
    result = one(job("renamed"), attempts=[stored()], intact=["m/videos/one.mp4"])
    assert (result.action, str(result.reason)) == (Action.REUSE, "made as one; its video is copied")
    assert result.path.startswith("m/videos/renamed.")


def test_a_lost_file_is_downloaded_again_while_the_provider_has_it_and_asked_about_later():
    assert one(attempts=[stored()]).action is Action.RESUME
    late = one(attempts=[replace(stored(), available_until=NOW - 1)])
    assert (late.action, late.state) == (Action.ASK, JobState.EXPIRED)
    elsewhere = one(attempts=[replace(stored(), origin="https://other.test")])
    assert elsewhere.action is Action.ASK


def test_what_runs_on_another_backend_is_left_there():
    result = one(
        attempts=[
            replace(
                attempt(state=State.ACCEPTED, task_id="t"),
                origin="https://other.test",
                backend="acme",
            )
        ]
    )
    assert (result.action, result.state) == (Action.ASK, JobState.RUNNING)
    assert "--backend acme" in str(result.reason)


def test_offline_an_unknown_address_is_told_by_the_backends_name():
    running = attempt(state=State.ACCEPTED, task_id="t")
    nameless = replace(TARGET, origin="")
    assert one(attempts=[running], target=nameless).action is Action.RESUME
    assert one(attempts=[running], target=replace(nameless, backend="acme")).action is Action.ASK


def test_what_the_emulator_drew_never_passes_for_a_paid_video():
    drawn = replace(stored(), realm="emulator")
    assert one(attempts=[drawn], intact=["m/videos/one.mp4"]).action is Action.GENERATE
    bought = one(
        attempts=[stored()], intact=["m/videos/one.mp4"], target=replace(TARGET, realm="emulator")
    )
    assert bought.action is Action.GENERATE


def test_failed_jobs_are_tried_again_only_when_asked_or_by_policy():
    failed = attempt(
        state=State.REMOTE_FAILED,
        error_code="InternalError",
        error_message="try later",
        retryable=True,
    )
    assert one(attempts=[failed], run={"retries": 0}).action is Action.SKIP
    assert one(attempts=[failed], run={"retries": 1}).action is Action.GENERATE
    again = attempt(
        number=2, state=State.REMOTE_FAILED, retryable=True, authority=Authority.RETRY_POLICY
    )
    assert one(attempts=[failed, again], run={"retries": 1}).action is Action.SKIP
    assert (
        one(attempts=[failed, again], run={"retries": 1}, retry_failed=True).action
        is Action.GENERATE
    )


def test_policy_buys_nothing_where_the_failed_task_cannot_be_asked_again_first():
    """Another account's failure may turn for a day, and only there is it told."""
    failed = attempt(
        state=State.REMOTE_FAILED, retryable=True, task_id="t1", accepted_at=NOW - 3600.0
    )
    other = Target("gateway", "paid", "https://api.test#other", PRICES)
    retries = {"retries": 1}
    found = one(attempts=[failed], run=retries, target=other)
    assert (found.action, found.state) == (Action.SKIP, JobState.FAILED)
    assert "https://api.test (--retry-failed" in str(found.reason)
    # What was not accepted there decides nothing; a day later, or asked, it is bought.
    unsent = attempt(number=2, state=State.PLANNED, origin="https://api.test#other")
    assert one(attempts=[failed, unsent], run=retries, target=other).action is Action.SKIP
    old = replace(failed, accepted_at=NOW - 90_000.0)
    assert one(attempts=[old], run=retries, target=other).action is Action.GENERATE
    asked = one(attempts=[failed], run=retries, target=other, retry_failed=True)
    assert asked.action is Action.GENERATE
    assert one(attempts=[failed], run=retries).action is Action.GENERATE


def test_the_retry_policy_starts_anew_after_a_person_asked():
    failed = attempt(state=State.REMOTE_FAILED, retryable=True)
    rows = [
        failed,
        replace(failed, authority=Authority.RETRY_POLICY),
        replace(failed, authority=Authority.PERSON),
    ]
    assert may_retry(rows[-1], rows, 1)
    assert not may_retry(rows[1], rows[:2], 1)
    assert not may_retry(replace(failed, retryable=False), [failed], 5)
    assert not may_retry(replace(failed, state=State.REJECTED), [failed], 5)


@pytest.mark.parametrize("what_follows", [Authority.NOT_ACCEPTED, Authority.ABSENT])
def test_a_retry_that_was_not_taken_at_once_counts_all_the_same(what_follows):
    """Each run that found the API busy got one more retry than the manifest allows."""
    failed = attempt(state=State.REMOTE_FAILED, retryable=True)
    unsent = replace(failed, authority=Authority.RETRY_POLICY, state=State.PLANNED)
    retried = replace(failed, authority=what_follows)
    assert may_retry(unsent, [failed, unsent], 1) is False  # not a failure
    assert may_retry(failed, [failed, unsent], 1)
    assert not may_retry(retried, [failed, unsent, retried], 1)
    assert may_retry(retried, [failed, unsent, retried], 2)
    first = replace(failed, authority=what_follows)
    assert may_retry(first, [replace(failed, state=State.PLANNED), first], 1)


def test_regenerate_buys_again_what_is_there():
    result = plan(job(), attempts=[stored()], intact=["m/videos/one.mp4"], regenerate=True)
    assert (result.jobs[0].action, result.total) == (Action.GENERATE, Decimal("0.50"))


def test_a_chain_waits_is_blocked_or_goes_by_its_upstream():
    first, second = job("first"), job("second", media=follow("first"))
    assert [e.action for e in plan(first, second).jobs] == [Action.GENERATE, Action.GENERATE]
    failed = attempt(first, state=State.REJECTED, error_code="Bad", error_message="no")
    blocked = plan(first, second, attempts=[failed]).jobs[1]
    assert (blocked.action, blocked.state, str(blocked.reason)) == (
        Action.BLOCKED,
        JobState.BLOCKED,
        "it takes media from first, which is failed",
    )
    third = job("third", media=follow("second"))
    assert (
        str(plan(third, second, first, attempts=[failed]).jobs[0].reason)
        == "it takes media from second, which is blocked"
    )


def test_selection_never_adds_cost():
    first, second = job("first"), job("second", media=follow("first"))
    result = plan(first, second, selection=parse_selection(["second"]))
    assert [(e.selected, e.action) for e in result.jobs] == [
        (False, Action.GENERATE),
        (True, Action.BLOCKED),
    ]
    assert "--with-upstream" in str(result.jobs[1].reason)
    assert result.total == 0
    both = plan(first, second, selection=parse_selection(["second"]), with_upstream=True)
    assert all(e.selected and e.action is Action.GENERATE for e in both.jobs)


def test_equal_requests_are_bought_once():
    result = plan(job(), job("twin"))
    assert result.total == Decimal("0.50")
    assert str(result.jobs[1].reason) == "the same request as one: bought once"
    assert result.jobs[0].path != result.jobs[1].path


def test_file_names_differ_when_case_is_folded():
    result = plan(job("one[a=X]"), job("one[a=x]"))
    assert len({e.path.casefold() for e in result.jobs}) == 2


def test_an_unsettled_attempt_of_the_same_name_must_be_settled_first():
    old = attempt(job(prompt="old"), state=State.UNCERTAIN)
    result = plan(job(), attempts=[old])
    assert result.jobs[0].action is Action.ASK
    assert "uncertain" in str(result.jobs[0].reason)
    assert result.strangers == (old,)
    running = attempt(job(prompt="old"), state=State.ACCEPTED, task_id="t")
    waits = plan(job(), attempts=[running]).jobs[0]
    assert (waits.action, waits.state) == (Action.ASK, JobState.BLOCKED)
    assert "its old request is still running (task t)" in str(waits.reason)


def authorised(kind, **changes):
    return Authorisation(
        1, **{"fingerprint": fingerprint_of(job()), "realm": "paid", "manifest": "m", "job": "one",
              "kind": kind, "run_id": "r", "at": NOW, **changes}
    )  # fmt: skip


@pytest.mark.parametrize(
    ("state", "kind", "action"),
    [
        (State.STORED, "regenerate", Action.GENERATE),
        (State.ABANDONED, "regenerate", Action.GENERATE),
        (State.REMOTE_FAILED, "retry_failed", Action.GENERATE),
        (State.REMOTE_FAILED, "regenerate", Action.GENERATE),
        (State.STORED, "retry_failed", Action.ASK),
        (State.ACCEPTED, "regenerate", Action.RESUME),
        (State.REMOTE_OK, "regenerate", Action.RESUME),
        (State.UNCERTAIN, "regenerate", Action.ASK),
        (State.EXPIRED, "regenerate", Action.ASK),
    ],
)
def test_what_a_person_asked_for_stands_until_it_is_bought(state, kind, action):
    rows = [attempt(state=state, task_id="t1")]
    found = one(attempts=rows, authorisations=[authorised(kind)])
    assert found.action is action
    assert found.authorisation_id == (1 if action is Action.GENERATE else 0)
    used = replace(attempt(number=2, state=State.REJECTED), authorisation_id=1)
    again = one(attempts=[*rows, used], authorisations=[authorised(kind)])
    assert again.action is not Action.GENERATE
    assert one(attempts=rows, authorisations=[authorised(kind, realm="emulator")]).action is not (
        Action.GENERATE
    )


def test_an_uncertain_attempt_that_was_allowed_again_is_planned():
    row = attempt(state=State.PLANNED, last_event=EventKind.RESUBMIT)
    assert one(attempts=[row]).action is Action.GENERATE


@pytest.mark.parametrize(
    ("terms", "names"),
    [
        (["a*"], ["a[hour=dawn,seed=1]", "a[hour=dusk,seed=2]"]),
        (["a"], ["a[hour=dawn,seed=1]", "a[hour=dusk,seed=2]"]),
        (["a[hour=dawn,seed=1]"], ["a[hour=dawn,seed=1]"]),
        (["a[hour=dawn,seed=?],b"], ["a[hour=dawn,seed=1]", "b"]),
        (["seed=2..9"], ["a[hour=dusk,seed=2]"]),
        (["hour=d*"], ["a[hour=dawn,seed=1]", "a[hour=dusk,seed=2]"]),
        (["hour=dawn", "seed=2"], []),
        (["tag:hero"], ["b"]),
        (["state:planned"], ["a[hour=dawn,seed=1]", "a[hour=dusk,seed=2]", "b"]),
        (["state:failed"], []),
        (["[a]*"], []),
    ],
)
def test_selection_terms(terms, names):
    jobs = [
        job("a[hour=dawn,seed=1]", axes=(("hour", "dawn"), ("seed", 1)), seed=1),
        job("a[hour=dusk,seed=2]", axes=(("hour", "dusk"), ("seed", 2)), seed=2),
        job("b", tags=("hero",), seed=3),
    ]
    assert [e.name for e in plan(*jobs, selection=parse_selection(terms)).selected()] == names


def test_the_first_are_those_of_the_manifest_within_selection_and_shard():
    jobs = [job(f"job{i}", seed=i) for i in range(9)]
    assert [e.name for e in plan(*jobs, first=2).selected()] == ["job0", "job1"]
    odd = [e.name for e in plan(*jobs, first=2, selection=lambda j, _: j.seed % 2).selected()]
    assert odd == ["job1", "job3"]
    shard = parse_shard("2/3")
    mine = [e.name for e in plan(*jobs, shard=shard).selected()]
    assert [e.name for e in plan(*jobs, shard=shard, first=1).selected()] == mine[:1]
    assert len(plan(*jobs, first=100).selected()) == 9


def test_upstream_comes_on_top_of_the_first():
    jobs = (job("late", media=follow("early")), job("early", seed=8), job("other", seed=9))
    assert [e.name for e in plan(*jobs, first=1).selected()] == ["late"]
    selected = plan(*jobs, first=1, with_upstream=True).selected()
    assert [e.name for e in selected] == ["late", "early"]


def test_shards_are_disjoint_complete_stable_and_keep_chains_together():
    jobs = [
        j
        for n in range(40)
        for j in (job(f"up{n}", seed=n), job(f"down{n}", media=follow(f"up{n}"), seed=n))
    ]
    parts = [
        {e.name for e in plan(*jobs, shard=parse_shard(f"{i}/3")).selected()} for i in (1, 2, 3)
    ]
    assert sum(map(len, parts)) == len(set().union(*parts)) == 80
    assert all(parts)
    assert all((f"up{n}" in part) == (f"down{n}" in part) for part in parts for n in range(40))
    backward = {e.name for e in plan(*reversed(jobs), shard=parse_shard("1/3")).selected()}
    assert backward == parts[0]


def test_changed_fields_names_media_by_type():
    before = '{"prompt":"a","media":[{"type":"first_frame","source":"a.png","sha256":"1"}]}'
    after = '{"prompt":"a","seed":1,"media":[{"type":"first_frame","source":"b.png","sha256":"2"}]}'
    assert changed_fields(before, after) == ["media.first_frame", "seed"]
    moved = before.replace("a.png", "c.png")
    assert changed_fields(before, moved) == []


def test_blocked_jobs_can_be_selected_by_their_state():
    failed = attempt(state=State.REMOTE_FAILED, task_id="t1", error_code="X")
    jobs = (job(), job("two", media=follow("one")), job("three", seed=9))
    result = plan(*jobs, attempts=[failed], selection=parse_selection(["state:blocked"]))
    assert [e.name for e in result.selected()] == ["two"]
    assert [
        e.name
        for e in plan(
            *jobs, attempts=[failed], selection=parse_selection(["state:planned"])
        ).selected()
    ] == ["three"]


def test_what_is_not_selected_is_not_blocked_by_the_selection():
    result = plan(
        job(),
        job("two", media=follow("one")),
        job("three", seed=9),
        selection=parse_selection(["three"]),
    )
    assert [(e.name, e.state) for e in result.jobs] == [
        ("one", JobState.PLANNED),
        ("two", JobState.PLANNED),
        ("three", JobState.PLANNED),
    ]


def test_what_takes_media_from_a_job_that_is_not_to_be_had_is_blocked_and_says_so():
    jobs = job("first"), job("second", media=follow("first"))
    second = one(*jobs, attempts=[attempt(jobs[0], state=State.UNCERTAIN)])
    assert (second.action, str(second.reason)) == (
        Action.BLOCKED,
        "it takes media from first, which is uncertain",
    )


def test_what_takes_media_from_a_job_that_is_done_is_bought_alone():
    jobs = job("first"), job("second", media=follow("first"))
    home = Placement("m", "first", 1, "m/videos/first.mp4", 5)
    row = replace(stored(), job="first", path=home.path)
    result = plan(*jobs, attempts=[row], placements=[home], intact=[home.path])
    assert [e.action for e in result.jobs] == [Action.REUSE, Action.GENERATE]
    assert result.total == Decimal("0.50")


def test_the_last_plan_of_a_run_keeps_the_jobs_of_its_first():
    """Whatever became of them: a selection by state would choose others."""
    chosen = frozenset({("m", "one"), ("m", "removed since")})
    result = plan(job(), job("two", seed=8), chosen=chosen, selection=lambda *_: False)
    assert [e.name for e in result.selected()] == ["one"]


def test_a_selection_may_be_any_function_and_raises_no_doubt():
    result = plan(job(), job("two", seed=8), selection=lambda one, _: one.name == "two")
    assert ([e.name for e in result.selected()], result.doubts) == (["two"], ())


def test_a_selection_that_cannot_have_been_meant_is_told_with_the_plan():
    result = plan(job(), selection=parse_selection(["two"]))
    assert result.doubts
