"""What a run says of jobs that are not done: a few of each kind, and how many more."""

from __future__ import annotations

from builders import job

from wanbatch.cli.ending import NAMED, NAMED_OF_STATE, unfinished_lines
from wanbatch.model.plan import Action, JobState, PlannedJob, Request
from wanbatch.model.reason import ReasonCode, because

REQUEST = Request("wan2.7-i2v", "x", None, (), 5, "720P", 1, prompt_extend=False, watermark=False)


def entries(state, count, code=ReasonCode.NEW, start=0):
    return [
        PlannedJob(
            job(f"{state}{n}", seed=n), REQUEST, f"f{n}", None, Action.ASK, because(code), state
        )
        for n in range(start, start + count)
    ]


def told(found, reasons=None, *, interrupted=False):
    def status(state):
        return f"wanbatch status m --select state:{state}"

    return unfinished_lines(found, reasons or {}, status, is_interrupted=interrupted)


def test_a_few_are_all_named_with_their_reasons():
    lines = told(entries(JobState.FAILED, 2), {"failed1": "no room"})
    assert lines == ["  failed    failed0  (new)", "  failed    failed1  (no room)"]


def test_fifty_are_a_few_and_a_number_with_the_command_that_names_them():
    lines = told(entries(JobState.FAILED, 50))
    assert len(lines) == NAMED + 1
    assert lines[-1] == "  and 47 more failed (wanbatch status m --select state:failed)"


def test_each_state_and_each_reason_is_shown():
    found = [*entries(JobState.FAILED, 50), *entries(JobState.EXPIRED, 5)]
    reasons = {f"failed{n}": "the picture was refused" for n in range(10, 50)}
    lines = told(found, reasons)
    assert sum("(new)" in line and "failed" in line for line in lines) == NAMED
    assert sum("the picture was refused" in line for line in lines) == NAMED
    assert "  and 44 more failed (wanbatch status m --select state:failed)" in lines
    assert lines[-1] == "  and 2 more expired (wanbatch status m --select state:expired)"


def test_a_reason_for_each_job_is_no_list_of_all():
    reasons = {f"failed{n}": f"reason {n}" for n in range(50)}
    lines = told(entries(JobState.FAILED, 50), reasons)
    assert len(lines) == NAMED_OF_STATE + 1


def test_an_interrupted_run_names_no_job_that_goes_on_by_itself():
    found = [
        *entries(JobState.PLANNED, 30),
        *entries(JobState.RUNNING, 20),
        *entries(JobState.BLOCKED, 3),
        *entries(JobState.FAILED, 1),
    ]
    assert told(found, interrupted=True) == ["  failed    failed0  (new)"]
    assert len(told(found)) == 2 * (NAMED + 1) + 3 + 1
