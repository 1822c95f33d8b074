"""What a person should do about the jobs that are not done, with commands to copy.

What it may not do: run anything, or name a command that does not exist.

How it works: jobs that stand the same way with the same error code make one piece of
advice, the most pressing first: what nobody but a person can settle, what failed, what
waits for it, what is still running, what was never started. What mends a failure is
said by its code (``failures``), and trying again is advised only where it may help.
Commands are quoted for a POSIX shell and repeat the options that the run was made
with.
"""

from __future__ import annotations

import shlex
from collections import Counter, defaultdict
from dataclasses import dataclass

from wanbatch.model.lifecycle import SHOWN_MARGIN_S, State
from wanbatch.model.plan import JobState
from wanbatch.model.report import Fault, Report, ReportJob
from wanbatch.report.failures import Failure, Remedy, look_up

PRESSING = (
    JobState.UNCERTAIN,
    JobState.EXPIRED,
    JobState.FINISHED,
    JobState.ELSEWHERE,
    JobState.FAILED,
    JobState.BLOCKED,
    JobState.RUNNING,
    JobState.PLANNED,
)
"""In the order in which they are shown; ``done`` and ``skipped`` need nothing."""

_TITLES = {
    JobState.UNCERTAIN: (
        "may have been bought: nobody knows",
        "may have been bought: nobody knows",
    ),
    JobState.EXPIRED: (
        "was paid for, but its result is out of reach",
        "were paid for, but their results are out of reach",
    ),
    JobState.FINISHED: (
        "is made and paid for, and its video is not here yet",
        "are made and paid for, and their videos are not here yet",
    ),
    JobState.ELSEWHERE: (
        "was bought before, and this ledger does not know it",
        "were bought before, and this ledger does not know them",
    ),
    JobState.FAILED: ("failed", "failed"),
    JobState.BLOCKED: ("is blocked", "are blocked"),
    JobState.RUNNING: ("is still being made", "are still being made"),
    JobState.PLANNED: ("has not been bought yet", "have not been bought yet"),
}


@dataclass(frozen=True, slots=True)
class Step:
    """One thing to do: when it is right, and the command that does it."""

    when: str
    command: str


@dataclass(frozen=True, slots=True)
class Advice:
    """``jobs`` are names in manifest order; all share ``state`` and ``code``.
    ``message`` is the provider's word, ``meaning`` what a failure's code means.
    ``before`` is the Unix second after which it is too late."""

    state: JobState
    title: str
    code: str
    message: str
    jobs: tuple[str, ...]
    steps: tuple[Step, ...]
    before: float | None = None
    meaning: str = ""


def advise(report: Report) -> tuple[Advice, ...]:
    """Advice on all jobs that are neither done nor skipped, former ones with money at
    stake included."""
    former = [
        job
        for job in report.former
        if job.state in (JobState.UNCERTAIN, JobState.EXPIRED, JobState.FINISHED, JobState.RUNNING)
    ]
    groups: dict[tuple[JobState, str], list[ReportJob]] = defaultdict(list)
    for job in (*report.jobs, *former):
        if job.state in PRESSING:
            groups[job.state, job.error.code if job.error else ""].append(job)
    ordered = sorted(groups.items(), key=lambda item: PRESSING.index(item[0][0]))
    return tuple(_advice(report, state, code, jobs) for (state, code), jobs in ordered)


def remake_command(report: Report) -> str:
    """The command that buys JOB again, as it stands."""
    return _command(report, "run", "--select", "JOB", "--regenerate")


def _advice(report: Report, state: JobState, code: str, jobs: list[ReportJob]) -> Advice:
    count = len(jobs)
    one, many = _TITLES[state]
    return Advice(
        state=state,
        title=f"1 job {one}" if count == 1 else f"{count} jobs {many}",
        code="" if code == state.value else code,
        message=_message(jobs),
        jobs=tuple(job.name for job in jobs),
        steps=_steps(report, state, code, jobs),
        meaning=_meaning(jobs) if state is JobState.FAILED else "",
        before=min((at for job in jobs if (at := _deadline(job)) is not None), default=None),
    )


def _message(jobs: list[ReportJob]) -> str:
    """What they all say, or what most say and how many others there are."""
    said = Counter(job.error.message for job in jobs if job.error and job.error.message)
    if not said:
        return ""
    usual, _ = said.most_common(1)[0]
    others = len(said) - 1
    return (
        f"{usual} (and {others} other {'message' if others == 1 else 'messages'})"
        if others
        else usual
    )


def _steps(report: Report, state: JobState, code: str, jobs: list[ReportJob]) -> tuple[Step, ...]:
    name = jobs[0].name if len(jobs) == 1 else "JOB"
    if code == "output_missing":
        return (
            Step("Put the file back, then", _command(report, "run")),
            Step("Buy it again", _command(report, "run", "--select", name, "--regenerate")),
        )
    if state in (JobState.UNCERTAIN, JobState.EXPIRED):
        return (
            Step("Found at the provider", _command(report, "resolve", name, "--adopt", "TASK_ID")),
            Step("Never made: buy it", _command(report, "resolve", name, "--resubmit")),
            Step("Give it up, price counted", _command(report, "resolve", name, "--abandon")),
        )
    if state is JobState.FAILED:
        return (_step_after_failure(report, jobs),)
    if state is JobState.BLOCKED:
        return (Step("Settle that job, then", _command(report, "run")),)
    if state is JobState.ELSEWHERE:
        return (
            Step("Bring back the ledger that knows it, then", _command(report, "run")),
            Step("Buy it again", _command(report, "run", "--select", name, "--regenerate")),
        )
    if state is JobState.FINISHED:
        return (
            Step("Fetch it, buy nothing", _command(report, "fetch")),
            Step("Give it up, price counted", _command(report, "resolve", name, "--abandon")),
        )
    if state is JobState.RUNNING:
        return (Step("Fetch it, buy nothing", _command(report, "fetch")),)
    if state is JobState.PLANNED:
        return (Step("Make it" if len(jobs) == 1 else "Make them", _command(report, "run")),)
    return ()


def _meaning(jobs: list[ReportJob]) -> str:
    """What the jobs' code means; of one that nobody knows that it is so."""
    found = _failure_of(jobs)
    if found is not None:
        return found.meaning
    code = _code_of(jobs[0].error)
    return (
        f"wanbatch does not know the code {code}: the provider's own words are all there is."
        if code
        else "The provider gave no code: its own words are all there is."
    )


def _failure_of(jobs: list[ReportJob]) -> Failure | None:
    """What all of them failed by; without a code their words must agree."""
    found = {look_up(_code_of(job.error), job.error.message if job.error else "") for job in jobs}
    return found.pop() if len(found) == 1 else None


def _code_of(error: Fault | None) -> str:
    """The provider's code; what stands in its place where there was none is ours."""
    return "" if error is None or error.code in _OURS else error.code


_OURS = (State.REJECTED.value, State.REMOTE_FAILED.value)


def _step_after_failure(report: Report, jobs: list[ReportJob]) -> Step:
    """A job that is mended is another job, and is bought by a plain ``run``; only what
    may go out again unchanged needs ``--retry-failed``."""
    found = _failure_of(jobs)
    again = _command(report, "run", "--retry-failed")
    if found is None:
        may_pass = all(job.error is not None and job.error.retryable for job in jobs)
        if may_pass:
            return Step("Try again: it may pass", again)
        return Step("Mend what the words name, then", _command(report, "run"))
    if found.remedy in (Remedy.RETRY, Remedy.ACCOUNT):
        return Step(found.mend, again)
    return Step(found.mend, _command(report, "run"))


def _deadline(job: ReportJob) -> float | None:
    """By when a result that was paid for must be fetched, the margin taken off."""
    if job.state not in (JobState.RUNNING, JobState.FINISHED):
        return None
    until = next((a.available_until for a in reversed(job.attempts) if a.available_until), None)
    return until and until - SHOWN_MARGIN_S


def _command(report: Report, verb: str, *rest: str) -> str:
    """``wanbatch VERB FILE …``. JOB and TASK_ID are for the reader to fill in."""
    path = report.manifest.path
    words = (
        "wanbatch",
        verb,
        f"./{path}" if path.startswith("-") else path,
        *rest,
        *report.options,
    )
    return " ".join(word if word in ("JOB", "TASK_ID") else shlex.quote(word) for word in words)
