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
from wanbatch.providers.dialects.reading import is_retryable_failure
from wanbatch.report.advice import advise
from wanbatch.report.collect import collect
from wanbatch.report.failures import (
    ACCESS,
    BILLING,
    CONTENT,
    INTERNAL,
    MEDIA,
    REQUEST,
    TABLE,
    THROTTLED,
    UNREACHABLE,
    Failure,
    Remedy,
    look_up,
)


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


# -- by the code of a failure ----------------------------------------------------------


def advice_by(code, message="its words", *, retryable=False):
    report = collect(*samples.make_case(J.FAILED))
    job = replace(report.jobs[0], error=Fault(code, message, retryable))
    (item,) = advise(replace(report, jobs=(job,)))
    return item


def documented_codes() -> list[tuple[Failure, str]]:
    """Every code that a row of the table names."""
    return [(row, code.replace("*", "")) for row in TABLE for code in row.codes]


def test_a_refusal_of_content_is_mended_by_other_content_and_never_by_trying_again():
    for code in ("DataInspectionFailed", "IPInfringementSuspect"):
        item = advice_by(code, retryable=True)
        assert "refuses the content" in item.meaning
        (step,) = item.steps
        assert "another prompt" in step.when
        assert "again" not in step.when.lower()
        assert "--retry-failed" not in step.command


@pytest.mark.parametrize(("row", "code"), documented_codes(), ids=lambda x: str(x)[:30])
def test_trying_again_is_advised_only_of_what_may_pass(row: Failure, code: str) -> None:
    code = code.replace("5[0-9][0-9]", "503")
    assert look_up(code, "") is row, "no other row stands before it"
    (step,) = advice_by(code).steps
    assert ("--retry-failed" in step.command) == (row.remedy in (Remedy.RETRY, Remedy.ACCOUNT))
    if row.remedy is Remedy.RETRY:
        assert is_retryable_failure(code, ""), "the engine would try it again too"
    elif row is not UNREACHABLE:
        assert not is_retryable_failure(code, "")


@pytest.mark.parametrize(
    ("code", "row"),
    [
        ("InvalidParameter", REQUEST),
        ("InvalidParameter.DataInspection", UNREACHABLE),
        ("InvalidURL", MEDIA),
        ("InvalidURL.Timeout", UNREACHABLE),
        ("InvalidFile.AspectRatio", MEDIA),
        ("InvalidImage.FileFormat", MEDIA),
        ("BadRequest.EmptyInput", REQUEST),
        ("Throttling.AllocationQuota", BILLING),
        ("Throttling.RateQuota", THROTTLED),
        ("PrepaidBillOverdue", BILLING),
        ("Model.AccessDenied", ACCESS),
        ("InternalError.Algo", INTERNAL),
        ("internalerror", INTERNAL),
        ("MysteryError", None),
        ("", None),
    ],
)
def test_a_code_is_known_by_its_row(code, row):
    assert look_up(code, "whatever") is row


def test_an_unknown_code_is_shown_with_the_providers_words_and_said_to_be_unknown():
    item = advice_by("MysteryError", "the moon is full")
    assert (item.code, item.message) == ("MysteryError", "the moon is full")
    assert "does not know the code MysteryError" in item.meaning
    assert "--retry-failed" not in item.steps[0].command
    passing = advice_by("MysteryError", retryable=True)
    assert passing.steps[0].when == "Try again: it may pass"
    assert "--retry-failed" in passing.steps[0].command


def test_where_there_is_no_code_the_words_may_tell():
    refused = advice_by("remote_failed", "Input data may contain inappropriate content.")
    assert refused.meaning == CONTENT.meaning
    lost = advice_by("rejected", "Failed to download https://example.com/a.png")
    assert lost.meaning == UNREACHABLE.meaning
    assert advice_by("remote_failed", "no").meaning.startswith("The provider gave no code")


def test_failures_without_a_code_that_differ_have_no_common_meaning():
    report = collect(*samples.make_case(J.FAILED, J.FAILED))
    said = ("inappropriate content", "failed to download it")
    jobs = tuple(
        replace(job, error=Fault("remote_failed", text))
        for job, text in zip(report.jobs, said, strict=True)
    )
    (item,) = advise(replace(report, jobs=jobs))
    assert item.meaning.startswith("The provider gave no code")


def test_every_row_says_where_its_codes_come_from():
    assert all(row.source.startswith(("MS:", "NA:")) and row.codes for row in TABLE)
