"""Jobs that stand alike are one group, and no two that stand differently are."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest
from builders import DIGESTS, attempt, job, manifest

from wanbatch.model.lifecycle import Snapshot, State
from wanbatch.model.plan import Action
from wanbatch.model.price import PriceList
from wanbatch.plan.groups import MOST_COMPARED, group_jobs
from wanbatch.plan.planner import PlanOptions, Target, make_plan

PRICES = PriceList({"720P": Decimal("0.10"), "1080P": Decimal("0.15")}, "USD")
TARGET = Target("gateway", "paid", "https://api.test", PRICES)
NOW = 2000.0


def sweep(hours=("dawn", "noon"), seeds=(1, 2, 3), prompt="a {} harbour in soft light", **more):
    return [
        job(
            f"opening[hour={hour},seed={seed}]",
            id="opening",
            axes=(("hour", hour), ("seed", seed)),
            seed=seed,
            prompt=prompt.format(hour),
            **more,
        )
        for hour in hours
        for seed in seeds
    ]


def plan(jobs, *attempts, target=TARGET, **options):
    return make_plan(
        [manifest(*jobs)],
        DIGESTS,
        Snapshot(tuple(attempts), ()),
        frozenset(),
        target,
        PlanOptions(**options),
        NOW,
    )


def bought(jobs, state=State.STORED, **more):
    """What a run left of these jobs, one attempt each."""
    planned = plan(jobs).jobs
    return [
        attempt(
            number=number,
            job=entry.name,
            fingerprint=entry.fingerprint,
            request=entry.request.describe(),
            state=state,
            **{"task_id": f"task_{number}", "accepted_at": 1.0, **more},
        )
        for number, entry in enumerate(planned, start=1)
    ]


def test_all_that_is_new_is_one_group_with_its_price_and_axes():
    (group,) = group_jobs(plan(sweep()).jobs)
    assert (len(group.jobs), group.of, group.reason) == (6, 6, "new")
    assert group.axes == (("hour", None), ("seed", None))
    assert group.price == Decimal("3.00")
    assert group.changes == ()


def test_what_the_jobs_of_a_group_share_is_named():
    jobs = sweep()
    groups = group_jobs(plan(jobs, *bought(sweep(hours=("dawn",)), State.ACCEPTED)).jobs)
    assert [(g.action, len(g.jobs), g.of) for g in groups] == [
        (Action.RESUME, 3, 6),
        (Action.GENERATE, 3, 6),
    ]
    assert [g.axes[0] for g in groups] == [("hour", "dawn"), ("hour", "noon")]
    assert groups[0].reason == "their tasks were accepted"
    assert groups[0].price == 0


def test_one_unknown_price_makes_the_sum_unknown():
    (group,) = group_jobs(plan(sweep(), target=replace(TARGET, prices=None)).jobs)
    assert group.price is None


def test_reasons_that_differ_in_more_than_one_jobs_own_words_are_apart():
    rows = bought(sweep(seeds=(1, 2)), State.REJECTED)
    codes = ["Bad", "Bad", "Bad", "Worse"]
    rows = [
        replace(row, error_code=code, error_message=f"request {n}")
        for n, (row, code) in enumerate(zip(rows, codes, strict=True))
    ]
    groups = group_jobs(plan(sweep(seeds=(1, 2)), *rows).jobs)
    assert [(len(g.jobs), g.reason) for g in groups] == [
        (3, "failed before: Bad (--retry-failed tries again)"),
        (1, "failed before: Worse: request 3 (--retry-failed tries again)"),
    ]


def test_a_reason_that_is_the_same_is_told_as_of_one():
    rows = bought(sweep(), State.REJECTED, error_code="Bad", error_message="no")
    (group,) = group_jobs(plan(sweep(), *rows).jobs)
    assert group.reason == "failed before: Bad: no (--retry-failed tries again)"


def test_a_change_that_all_share_is_shown_though_their_texts_differ():
    edited = sweep(prompt="a {} harbour in hard light", size="1080P")
    (group,) = group_jobs(plan(edited, *bought(sweep())).jobs)
    assert group.reason == "changed: prompt, size"
    assert [str(c) for c in group.changes] == [
        "prompt: … [-soft-] {+hard+} …",
        'size: "720P" → "1080P"',
    ]


def test_a_change_that_they_do_not_share_is_not_shown():
    old = sweep(prompt="a {0} harbour")
    edited = sweep(prompt="a {0} {0} harbour", size="1080P")
    (group,) = group_jobs(plan(edited, *bought(old)).jobs)
    assert [str(c) for c in group.changes] == ['size: "720P" → "1080P"']


def test_more_than_can_be_compared_in_a_blink_are_not():
    seeds = range(MOST_COMPARED + 1)
    edited = sweep(("dawn",), seeds, size="1080P")
    (group,) = group_jobs(plan(edited, *bought(sweep(("dawn",), seeds))).jobs)
    assert len(group.jobs) == MOST_COMPARED + 1
    assert group.changes == ()


def test_an_axis_that_a_job_lacks_is_not_shared():
    one, two = sweep(hours=("dawn",), seeds=(1, 2))
    (group,) = group_jobs(plan([one, replace(two, axes=(("seed", 2),))]).jobs)
    assert group.axes == (("hour", None), ("seed", None))


@pytest.mark.parametrize("values", [(1, True), (1, "1"), (0, False)])
def test_values_that_python_calls_equal_are_two(values):
    one, two = sweep(hours=("dawn",), seeds=(1, 2))
    (group,) = group_jobs(
        plan([replace(j, axes=(("v", v),)) for j, v in zip((one, two), values, strict=True)]).jobs
    )
    assert group.axes == (("v", None),)


def test_what_was_learnt_of_a_job_takes_the_place_of_its_reason():
    jobs = plan(sweep()).jobs
    late = {entry.name: "the run was stopped" for entry in jobs[:2]}
    groups = group_jobs(jobs, late)
    assert [(len(g.jobs), g.reason) for g in groups] == [(2, "the run was stopped"), (4, "new")]


def test_two_manifests_and_two_ids_are_never_one_group():
    jobs = [*sweep(), job("closing", id="closing")]
    entries = plan(jobs).jobs
    other = [replace(e, job=replace(e.job, manifest="n")) for e in entries]
    groups = group_jobs([*entries, *other])
    assert [(g.manifest, g.id, len(g.jobs)) for g in groups] == [
        ("m", "opening", 6),
        ("m", "closing", 1),
        ("n", "opening", 6),
        ("n", "closing", 1),
    ]
