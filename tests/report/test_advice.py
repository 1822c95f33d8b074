"""What a person is told to do: grouped, pressing things first, with commands that can
be pasted."""

from __future__ import annotations

import shlex
from dataclasses import replace

import pytest
from report import samples

from wanbatch.model.lifecycle import State
from wanbatch.model.plan import JobState as J
from wanbatch.model.report import Fault
from wanbatch.report.advice import advise
from wanbatch.report.collect import collect


def advice_on(*states, **changes):
    return advise(replace(collect(*samples.make_case(*states)), **changes))


def test_nothing_is_left_to_do_when_all_is_done():
    assert advice_on(J.DONE, J.SKIPPED) == ()


def test_the_most_pressing_comes_first_whatever_the_order_of_the_jobs():
    found = advice_on(*J)
    assert [item.state for item in found] == [
        J.UNCERTAIN,
        J.EXPIRED,
        J.FINISHED,
        J.ELSEWHERE,
        J.FAILED,
        J.BLOCKED,
        J.RUNNING,
        J.PLANNED,
    ]


def test_an_uncertain_job_has_three_ways_out_with_its_name_quoted():
    (item,) = advice_on(J.UNCERTAIN)
    commands = [shlex.split(step.command) for step in item.steps]
    start = ["wanbatch", "resolve", "specs/harbor.wanbatch.yaml", "opening[hour=dawn,seed=100]"]
    assert commands == [
        [*start, "--adopt", "TASK_ID"],
        [*start, "--resubmit"],
        [*start, "--abandon"],
    ]
    assert item.message == "read timeout after the request was sent"


def test_jobs_with_one_code_are_one_piece_of_advice():
    report = collect(*samples.make_case(J.FAILED, J.FAILED, J.FAILED))
    jobs = (
        *report.jobs[:2],
        replace(report.jobs[2], error=Fault("DataInspectionFailed", "something else")),
    )
    (item,) = advise(replace(report, jobs=jobs))
    assert (item.title, item.code) == ("3 jobs failed", "DataInspectionFailed")
    assert item.message == "Input data may contain inappropriate content. (and 1 other message)"
    assert item.jobs == tuple(job.name for job in jobs)


def test_several_uncertain_jobs_are_settled_one_by_one():
    (item,) = advice_on(J.UNCERTAIN, J.UNCERTAIN)
    assert (
        item.steps[0].command == "wanbatch resolve specs/harbor.wanbatch.yaml JOB --adopt TASK_ID"
    )


def test_a_lost_file_is_never_bought_again_wholesale():
    report = collect(*samples.make_case(J.EXPIRED, J.EXPIRED))
    lost = tuple(replace(job, error=Fault("output_missing", "gone")) for job in report.jobs)
    for jobs, name in ((lost, "JOB"), (lost[:1], lost[0].name)):
        (item,) = advise(replace(report, jobs=jobs))
        words = shlex.split(item.steps[1].command)
        assert words[words.index("--select") + 1] == name
        assert "--regenerate" in words


def test_running_jobs_say_by_when_to_fetch_them():
    (item,) = advice_on(J.RUNNING, J.RUNNING)
    assert item.before == samples.START + 1 + 86_400 - 600, (
        "the earliest of them, ten minutes before the provider's own"
    )
    assert shlex.split(item.steps[0].command)[:2] == ["wanbatch", "fetch"]


def test_money_at_stake_in_former_jobs_is_not_forgotten():
    manifest, plan, snapshot, run = samples.make_case(J.DONE)
    uncertain = samples.make_attempt(900, "gone", State.UNCERTAIN)
    failed = samples.make_attempt(901, "gone too", State.REMOTE_FAILED)
    report = collect(
        manifest, plan, replace(snapshot, attempts=(*snapshot.attempts, uncertain, failed)), run
    )
    assert [item.jobs for item in advise(report)] == [("gone",)]


@pytest.mark.parametrize("path", ["-x.yaml", "it's mine.yaml", "a b.yaml", "$(rm).yaml"])
def test_commands_are_quoted_and_repeat_the_options(path):
    report = collect(*samples.make_case(J.PLANNED), options=["--output", "my out"])
    (item,) = advise(replace(report, manifest=replace(report.manifest, path=path)))
    assert shlex.split(item.steps[0].command) == [
        "wanbatch",
        "run",
        f"./{path}" if path.startswith("-") else path,
        "--output",
        "my out",
    ]
