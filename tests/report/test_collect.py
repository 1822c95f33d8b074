"""What a report says, by value: states, money, timings, former jobs."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest
from expecting import expect
from report import samples

from wanbatch.model.expect import Expectation
from wanbatch.model.lifecycle import RESERVED, SPENT, Attempt, Placement, State
from wanbatch.model.measures import Level, Measures
from wanbatch.model.plan import JobState as J
from wanbatch.model.report import Cost, Fault, Output, RunFacts
from wanbatch.report.collect import collect, fall_short


def test_jobs_stand_in_manifest_order_with_the_states_of_the_plan():
    states = (
        J.PLANNED,
        J.DONE,
        J.FAILED,
        J.BLOCKED,
        J.UNCERTAIN,
        J.EXPIRED,
        J.RUNNING,
        J.SKIPPED,
    )
    manifest, plan, snapshot, run = samples.make_case(*states)
    report = collect(manifest, plan, snapshot, run)
    assert tuple(job.state for job in report.jobs) == states
    assert [job.name for job in report.jobs] == [job.name for job in manifest.jobs]
    assert all(report.totals.of(state) == 1 for state in states)
    assert report.totals.jobs == 8
    assert report.totals.http_requests == 321


def test_jobs_of_other_manifests_in_the_plan_are_left_out():
    manifest, plan, snapshot, run = samples.make_case(J.DONE)
    other = samples.make_planned(samples.make_job("intro", manifest="titles"), J.PLANNED)
    report = collect(manifest, replace(plan, jobs=(other, *plan.jobs)), snapshot, run)
    assert [job.id for job in report.jobs] == ["opening"]


def test_uncertain_and_expired_count_as_spent_and_running_holds_back():
    manifest, plan, snapshot, run = samples.make_case(
        J.DONE, J.UNCERTAIN, J.EXPIRED, J.SKIPPED, J.RUNNING, J.FAILED
    )
    report = collect(manifest, plan, snapshot, run)
    assert report.totals.cost == Cost(Decimal("2.00"), Decimal("0.50"), "USD")
    assert [job.cost.spent for job in report.jobs] == [Decimal("0.50")] * 4 + [Decimal(0)] * 2
    assert report.jobs[4].cost.reserved == Decimal("0.50")


@pytest.mark.parametrize("state", State)
def test_every_state_of_an_attempt_counts_as_the_lifecycle_says(state):
    job = samples.make_job()
    entry = samples.make_planned(job, J.FAILED, (samples.make_attempt(1, job.name, state),))
    cost = collect(
        samples.make_manifest([job]),
        samples.make_plan([entry]),
        samples.make_snapshot([entry]),
        None,
    ).totals.cost
    assert cost == Cost(
        Decimal("0.50") if state in SPENT else Decimal(0),
        Decimal("0.50") if state in RESERVED else Decimal(0),
        "USD",
    )


def test_jobs_of_equal_identity_share_one_attempt_and_one_price():
    first, second = samples.make_job("a"), samples.make_job("b")
    attempt = samples.make_attempt(1, "b")
    entries = [samples.make_planned(job, J.DONE, (attempt,)) for job in (first, second)]
    report = collect(
        samples.make_manifest([first, second]),
        samples.make_plan(entries),
        samples.make_snapshot(entries),
        None,
    )
    assert [job.cost.spent for job in report.jobs] == [Decimal(0), Decimal("0.50")], (
        "it counts at the job that it was opened for"
    )
    assert report.totals.cost.spent == Decimal("0.50")
    assert [expect(Output, job.output).path for job in report.jobs] == [
        "videos/a.1f3a9c2e.mp4",
        "videos/b.1f3a9c2e.mp4",
    ]


def test_a_video_bought_by_another_manifest_costs_nothing_here():
    job = samples.make_job()
    entry = samples.make_planned(
        job, J.DONE, (samples.make_attempt(1, "intro", manifest="titles"),)
    )
    report = collect(
        samples.make_manifest([job]),
        samples.make_plan([entry]),
        samples.make_snapshot([entry]),
        None,
    )
    assert report.jobs[0].output is not None
    assert report.jobs[0].cost.spent == report.totals.cost.spent == Decimal(0)
    assert (report.jobs[0].attempts[0].manifest, report.jobs[0].attempts[0].cost.spent) == (
        "titles",
        Decimal("0.50"),
    )


def test_a_renamed_job_pays_for_the_attempt_of_its_old_name_and_nothing_is_former():
    job = samples.make_job("renamed")
    entry = samples.make_planned(job, J.DONE, (samples.make_attempt(1, "opening"),))
    report = collect(
        samples.make_manifest([job]),
        samples.make_plan([entry]),
        samples.make_snapshot([entry]),
        None,
    )
    assert report.former == ()
    assert report.jobs[0].cost.spent == Decimal("0.50")


def test_former_jobs_stand_apart_and_their_cost_is_in_the_total():
    manifest, plan, snapshot, run = samples.make_case(J.DONE, former=True)
    changed = samples.make_attempt(
        901, manifest.jobs[0].name, State.UNCERTAIN, fingerprint="wb1:old"
    )
    nothing = samples.make_attempt(902, "never", State.PLANNED)
    elsewhere = samples.make_attempt(903, "closing[hour=noon]", realm="emulator")
    foreign = samples.make_attempt(904, "closing[hour=noon]", manifest="titles")
    snapshot = replace(
        snapshot,
        attempts=(*snapshot.attempts, changed, nothing, elsewhere, foreign),
        placements=(
            *snapshot.placements,
            Placement("harbor", "closing[hour=noon]", 900, "harbor/videos/placed.mp4", 0),
        ),
    )
    report = collect(manifest, plan, snapshot, run)
    assert [(job.name, job.state) for job in report.former] == [
        ("closing[hour=noon]", J.DONE),
        (manifest.jobs[0].name, J.UNCERTAIN),
    ]
    assert expect(Output, report.former[0].output).path == "videos/placed.mp4"
    assert report.former[0].request["prompt"] == "Harbour at dawn, 35mm film, soft light"
    assert report.totals.jobs == 1
    assert (
        report.totals.cost.spent
        == Decimal("1.50")
        == sum(job.cost.spent or 0 for job in (*report.jobs, *report.former))
    )


def test_the_emulator_costs_nothing():
    job = samples.make_job()
    entry = samples.make_planned(
        job, J.DONE, (samples.make_attempt(1, job.name, realm="emulator", price=None, currency=""),)
    )
    report = collect(
        samples.make_manifest([job]),
        samples.make_plan([entry], realm="emulator", currency=""),
        samples.make_snapshot([entry]),
        None,
    )
    assert report.totals.cost == Cost(Decimal(0), Decimal(0), "")
    assert report.realm == "emulator"


@pytest.mark.parametrize("changes", [{"price": None}, {"currency": "CNY"}])
def test_what_cannot_be_added_is_unknown_not_zero(changes):
    manifest, plan, snapshot, run = samples.make_case(J.DONE, J.DONE)
    odd = replace(plan.jobs[0].attempts[0], **changes)
    plan = replace(plan, jobs=(replace(plan.jobs[0], attempt=odd, attempts=(odd,)), plan.jobs[1]))
    report = collect(manifest, plan, replace(snapshot, attempts=(odd, snapshot.attempts[1])), run)
    assert report.totals.cost.spent is None
    assert report.jobs[1].cost.spent == Decimal("0.50")


def test_a_job_that_is_not_done_has_no_output_and_says_why():
    manifest, plan, snapshot, run = samples.make_case(
        J.FAILED, J.BLOCKED, J.UNCERTAIN, J.EXPIRED, J.RUNNING, J.PLANNED
    )
    report = collect(manifest, plan, snapshot, run)
    assert all(job.output is None for job in report.jobs)
    assert [job.error for job in report.jobs] == [
        Fault("DataInspectionFailed", "Input data may contain inappropriate content."),
        Fault("blocked", "it takes media from opening[hour=dusk], which is failed"),
        Fault("uncertain", "read timeout after the request was sent"),
        Fault("expired", "no final word 25 hours after the submit"),
        None,
        None,
    ]


def test_a_lost_file_says_so_and_shows_no_output():
    job = samples.make_job()
    entry = samples.make_planned(
        job, J.EXPIRED, (samples.make_attempt(1, job.name),), reason="its video file is missing"
    )
    shown = collect(
        samples.make_manifest([job]),
        samples.make_plan([entry]),
        samples.make_snapshot([entry]),
        None,
    ).jobs[0]
    assert (shown.output, shown.error) == (
        None,
        Fault("output_missing", "its video file is missing"),
    )


def test_timings_of_the_deciding_attempt_and_of_each():
    job = samples.make_job()
    first = samples.make_attempt(1, job.name, State.REMOTE_FAILED)
    second = samples.make_attempt(60, job.name)
    entry = samples.make_planned(job, J.DONE, (first, second))
    run = samples.make_run()
    shown = collect(
        samples.make_manifest([job]),
        samples.make_plan([entry]),
        samples.make_snapshot([entry], runs=[run]),
        run,
    ).jobs[0]
    assert shown.timings == shown.attempts[1].timings
    assert (shown.attempts[0].timings.queue_s, shown.timings.queue_s) == (1.0, 9.0), (
        "from the start of the run; from the end of the attempt before"
    )
    assert (shown.timings.submit_s, shown.timings.generation_s, shown.timings.download_s) == (
        0.5,
        47.0,
        2.5,
    )


def test_an_unfinished_run_has_no_end_and_no_code():
    manifest, plan, snapshot, _ = samples.make_case(J.RUNNING)
    report = collect(manifest, plan, snapshot, samples.make_run(finished_at=0.0, exit_code=-1))
    run = expect(RunFacts, report.run)
    assert (run.finished_at, run.exit_code) == (None, None)
    assert collect(manifest, plan, snapshot, None).run is None


def test_printed_commands_name_the_backend_only_where_the_manifest_does_not():
    manifest, plan, snapshot, run = samples.make_case(J.DONE)
    assert collect(manifest, plan, snapshot, run).options == ()
    assert collect(manifest, replace(plan, backend="staging"), snapshot, run).options == (
        "--backend",
        "staging",
    )
    assert collect(manifest, plan, snapshot, run, options=["--output", "out"]).options == (
        "--output",
        "out",
    )


# -- what was looked at ----------------------------------------------------------------

LOOKED = Measures(Level.ALL, 5.0, 1280, 720, 30.0, 150, frozen_s=1.2)


def expecting(case, *expected):
    """The case with what is expected of every job."""
    manifest, plan, snapshot, run = case
    entries = tuple(replace(e, job=replace(e.job, expect=expected)) for e in plan.jobs)
    return manifest, replace(plan, jobs=entries), snapshot, run


def test_expectations_are_judged_by_what_was_looked_at():
    case = expecting(samples.make_case(J.DONE, J.DONE, J.FAILED), Expectation("frozen", most=0.5))
    manifest, plan, snapshot, run = case
    first = plan.jobs[0].attempt
    report = collect(manifest, plan, snapshot, run, looks={first.attempt_id: LOOKED})
    assert [job.unmet for job in report.jobs] == [("frozen",), (), ()]
    assert [(remark.kind, remark.jobs) for remark in report.remarks] == [
        ("expected", (report.jobs[0].name,)),
        ("unjudged", ()),
    ]
    assert report.jobs[0].state is J.DONE


def test_the_run_hears_of_the_same_shortfalls_with_what_was_paid():
    case = expecting(samples.make_case(J.DONE, J.FAILED), Expectation("frozen", most=0.5))
    _, plan, *_ = case
    attempt = plan.jobs[0].attempt
    short = replace(plan.jobs[0], attempt=replace(attempt, seconds=2.0))
    found = fall_short((short, plan.jobs[1], short), plan, {attempt.attempt_id: LOOKED})
    assert [(one.check.name, one.expected, one.paid) for one in found] == [
        ("frozen", True, attempt.price),
        ("length", False, attempt.price),
        ("frozen", True, 0),
        ("length", False, 0),
    ]
    assert all(not one.paid for one in fall_short((short,), replace(plan, realm="emulator"), {}))


def test_takes_of_one_seed_are_compared():
    manifest, plan, snapshot, run = samples.make_case(J.DONE, J.DONE)
    takes = tuple(
        replace(
            entry,
            attempt=replace(expect(Attempt, entry.attempt), sha256="ab" * 32),
            request=plan.jobs[0].request,
            job=replace(entry.job, axes=(("take", number),)),
        )
        for number, entry in enumerate(plan.jobs, 1)
    )
    report = collect(manifest, replace(plan, jobs=takes), snapshot, run)
    assert [[c.name for c in job.checks][-1] for job in report.jobs] == ["reproduces"] * 2
    assert report.remarks[0].text == "1 of 1 seed gave the same bytes in every take."
