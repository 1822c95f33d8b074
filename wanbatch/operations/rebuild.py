"""Attempts as a report or a lock tells of them, in the form of a ledger's: for those
who have no ledger.

What it may not do: write, look at a video, or make anything of a job that could be
bought again.

How it works: each attempt of a report becomes a history with the events that led to its
state, as far as the report knows them. What a report or a lock says of a job without
its attempts is hearsay (``TOLD``): with a task it is one that runs, to be asked for;
without one it is in doubt, and a person decides.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from decimal import Decimal
from pathlib import Path
from typing import TypedDict

from wanbatch.config.profiles import Profiles, load_profiles, resolve_profile
from wanbatch.engine.interpret import acceptance_facts
from wanbatch.ledger.merge import TOLD, Book, History, knowledge
from wanbatch.ledger.sqlite import Contents
from wanbatch.model.archive import archived_name, is_archived
from wanbatch.model.lifecycle import (
    Authority,
    Event,
    EventKind,
    Facts,
    Opening,
    Placement,
    RunRecord,
    State,
    apply,
    open_attempt,
)
from wanbatch.model.lock import Lock, LockEntry
from wanbatch.model.origin import same_origin
from wanbatch.model.plan import JobState
from wanbatch.model.report import Output, Report, ReportAttempt, ReportJob, RunFacts
from wanbatch.providers.dialects.reading import valid_task_id
from wanbatch.report.addresses import is_address
from wanbatch.report.collect import OTHER_LEDGER
from wanbatch.words.errors import ExitCode, WanbatchError

_Steps = list[tuple[EventKind, Facts]]
_RUNNING = frozenset({State.INTENT, State.UNCERTAIN, State.ACCEPTED, State.REMOTE_OK, State.STAGED})


class _Asked(TypedDict):
    """What an opening has of the request."""

    request: str
    length_s: int
    size: str


@dataclass(slots=True)
class Backends:
    """Where tasks are asked for: by the user's own configuration, never by a file's
    word. ``named`` is the user's word for what a file cannot say."""

    profiles: Profiles
    named: str | None = None

    @classmethod
    def load(cls, named: str | None) -> Backends:
        """Raises ``WanbatchError`` where no backend is called ``named``."""
        found = cls(load_profiles(os.environ), named)
        if named:
            resolve_profile(found.profiles, named, os.environ, offline=True)
        return found

    def origin_of(self, name: str) -> str:
        """Empty where no such backend is configured, or its address is not."""
        try:
            return resolve_profile(self.profiles, name, os.environ, offline=True).origin
        except WanbatchError:
            return ""

    def find(self, name: str) -> tuple[str, str]:
        """The backend that stands for ``name`` here, and its origin."""
        origin = self.origin_of(name)
        if not origin and self.named:
            return self.named, self.origin_of(self.named)
        return name, origin

    def called(self, origin: str) -> str:
        """The name of the backend at ``origin``; empty where none is configured."""
        names = [self.named] if self.named else []
        for name in (*names, *self.profiles.names()):
            if same_origin(self.origin_of(name), origin):
                return name
        return ""


@dataclass(slots=True)
class Told:
    """Histories that gather, each once, with where their videos may lie."""

    histories: dict[int, History] = field(default_factory=dict)
    files: dict[int, tuple[Path, ...]] = field(default_factory=dict)
    placements: dict[tuple[str, str, int], Placement] = field(default_factory=dict)
    runs: dict[tuple[str, str], RunRecord] = field(default_factory=dict)
    _numbers: dict[object, int] = field(default_factory=dict)

    def add(self, key: object, history: History, files: tuple[Path, ...] = ()) -> int:
        """Keeps the history that knows more of those with the same ``key``."""
        number = self._numbers.setdefault(key, len(self._numbers) + 1)
        known = self.histories.get(number)
        if known is None or knowledge(history.row) > knowledge(known.row):
            self.histories[number] = _numbered(history, number)
        self.files[number] = tuple(dict.fromkeys((*self.files.get(number, ()), *files)))
        return number

    def book(self) -> Book:
        attempts = {number: one.row for number, one in self.histories.items()}
        return Book(
            Contents("", attempts, {}, self.placements, self.runs),
            self.histories,
        )


def _numbered(history: History, number: int) -> History:
    return History(
        replace(history.row, attempt_id=number),
        tuple(replace(event, attempt_id=number) for event in history.events),
    )


def _history(opening: Opening, steps: _Steps, at: float) -> History:
    row = open_attempt(0, opening)
    events = [Event(0, EventKind.INTENT, opening.at)]
    for kind, facts in steps:
        event = Event(0, kind, max(at, opening.at), facts)
        row = apply(row, event)
        events.append(event)
    return History(row, tuple(events))


# -- reports ---------------------------------------------------------------------------


def read_attempts(
    told: Told, report: Report, folder: Path, backends: Backends, now: float, *, others_only: bool
) -> None:
    """What ``report`` knows as bought. ``folder`` is the manifest's, where its videos
    lie. ``others_only``: its own ledger says the rest better.

    Raises ``WanbatchError`` (2) where a task runs at a backend that nobody knows here.
    """
    name = report.manifest.name
    for job in (*report.jobs, *report.former):
        if job.state is JobState.ELSEWHERE and not _is_repeated(job):
            _add_hearsay(told, job, name, folder, backends, now)
        for one in () if others_only else job.attempts:
            _add_attempt(told, job, one, name, folder, backends, now)
    for run in () if others_only else (report.run, report.last_run):
        if run is not None:
            told.runs[run.id, name] = _run_record(run, report)


def _is_repeated(job: ReportJob) -> bool:
    """Another ledger is there to be asked itself."""
    return job.error is not None and job.error.code == OTHER_LEDGER


def _add_attempt(
    told: Told,
    job: ReportJob,
    one: ReportAttempt,
    manifest: str,
    folder: Path,
    backends: Backends,
    now: float,
) -> None:
    state = State(one.state)
    if state is State.PLANNED:
        return  # it bought nothing
    is_present = one.task_id == job.task_id and one.task_id is not None
    output = job.output if is_present and state is State.STORED else None
    if output and is_address(output.path):  # it lives in a store, where a run looks for it
        output = replace(output, path=archived_name(output.sha256))
    prefix = "" if output and is_archived(output.path) else f"{manifest}/"
    files = (folder / output.path,) if output and prefix else ()
    steps = _steps_of(one, state, output, prefix, is_present, now)
    opening = _opening_of(job, one, backends)
    history = _history(opening, steps, one.timings.stored_at or one.timings.finished_at or 0.0)
    number = told.add((one.run_id, job.fingerprint, round(opening.at, 3)), history, files)
    if output:
        placed = Placement(manifest, job.name, number, f"{prefix}{output.path}", 0)
        told.placements[manifest, job.name, number] = placed


def _steps_of(
    one: ReportAttempt,
    state: State,
    output: Output | None,
    prefix: str,
    is_present: bool,
    now: float,
) -> _Steps:
    task = valid_task_id(one.task_id or "")
    if state is State.REJECTED:
        return [(EventKind.REJECTED, _failure(one))]
    if not task:
        doubt: _Steps = [(EventKind.UNCERTAIN, {"reason": one.reason or _TOLD_BY_REPORT})]
        return doubt + ([(EventKind.ABANDONED, {})] if state is State.ABANDONED else [])
    steps: _Steps = [(EventKind.ACCEPTED, _acceptance(one, task))]
    finished: Facts = {"finished_at": one.timings.finished_at or 0.0}
    if state is State.REMOTE_FAILED:
        return [*steps, (EventKind.REMOTE_FAILED, {**finished, **_failure(one)})]
    if state is State.EXPIRED:
        return [*steps, (EventKind.EXPIRED, {"reason": one.reason or _TOLD_BY_REPORT})]
    if state in (State.ACCEPTED, State.INTENT, State.UNCERTAIN):
        return steps
    steps = [*steps, (EventKind.REMOTE_OK, finished)]
    if output:
        return [*steps, *_stored(output, prefix, one.timings.stored_at or 0.0)]
    if state is State.ABANDONED or (state is State.STORED and not is_present):
        # A video that another has taken the place of; where it lies is not told.
        return [*steps, (EventKind.ABANDONED, {"reason": one.reason or _TOLD_BY_REPORT})]
    if state is State.STORED and (one.available_until or 0.0) <= now:
        return [*steps, (EventKind.EXPIRED, {"reason": "its video is not in the report's folder"})]
    return steps


_TOLD_BY_REPORT = "rebuilt from a report"


def _acceptance(one: ReportAttempt, task: str) -> Facts:
    accepted_at = one.timings.accepted_at or one.timings.submitted_at or 0.0
    facts = acceptance_facts(task, accepted_at)
    if one.give_up_at:
        facts["give_up_at"] = one.give_up_at
    if one.available_until:
        facts["available_until"] = one.available_until
    return {**facts, "polls": one.polls, "status_word": one.status_word or ""}


def _failure(one: ReportAttempt) -> Facts:
    facts: Facts = {"reason": one.reason or ""}
    if one.error:
        facts["error_code"], facts["error_message"] = one.error.code, one.error.message
        facts["retryable"] = one.error.retryable
    return facts


def _stored(output: Output, prefix: str, at: float) -> _Steps:
    path = prefix + output.path
    staged: Facts = {
        "path": path,
        "sha256": output.sha256,
        "bytes": output.bytes,
        "seconds": output.seconds,
        "width": output.width,
        "height": output.height,
        "fps": output.fps,
        "has_audio": output.has_audio,
    }
    return [(EventKind.STAGED, staged), (EventKind.STORED, {"path": path, "stored_at": at})]


def _opening_of(job: ReportJob, one: ReportAttempt, backends: Backends) -> Opening:
    backend, origin = backends.find(one.backend)
    amount = one.cost.spent or one.cost.reserved
    if State(one.state) in _RUNNING and one.task_id and not origin:
        raise _unknown_backend(job.name, one.backend)
    return Opening(
        fingerprint=job.fingerprint,
        realm="paid",
        backend=backend,
        origin=origin,
        manifest=one.manifest,
        job=one.job,
        run_id=one.run_id,
        authority=Authority(one.authority),
        price=amount or None,
        currency=one.cost.currency,
        at=one.timings.submitted_at or 0.0,
        **_request_of(job.request),
    )


def _request_of(request: Mapping[str, object]) -> _Asked:
    seconds = request.get("seconds")
    return {
        "request": json.dumps(request, ensure_ascii=False, separators=(",", ":")),
        "length_s": seconds if isinstance(seconds, int) else 0,
        "size": str(request.get("size") or ""),
    }


def _unknown_backend(job: str, backend: str) -> WanbatchError:
    what = f"backend {backend!r}" if backend else "a backend that it does not name"
    return WanbatchError(
        ExitCode.INVALID,
        f"{job} is a task of {what}, whose address is not configured here; nothing was imported",
        "say which backend it is: --backend NAME",
        "or configure that one, as it is where the task was bought, and import again",
    )


def _add_hearsay(
    told: Told, job: ReportJob, manifest: str, folder: Path, backends: Backends, now: float
) -> None:
    task = valid_task_id(job.task_id or "") or ""
    backend, origin = backends.find(job.backend)
    if task and not origin:
        raise _unknown_backend(job.name, job.backend)
    opening = Opening(
        fingerprint=job.fingerprint,
        realm="paid",
        backend=backend,
        origin=origin,
        manifest=manifest,
        job=job.name,
        run_id=f"{TOLD}report",
        authority=Authority.FIRST,
        price=None,
        currency="",
        at=now,
        **_request_of(job.request),
    )
    told.add((TOLD, job.fingerprint, task), _history(opening, _hearsay(task, now), now))


def _hearsay(task: str, now: float) -> _Steps:
    if task:
        return [(EventKind.ACCEPTED, acceptance_facts(task, now))]
    return [(EventKind.UNCERTAIN, {"reason": "bought by another ledger, as a report says"})]


def _run_record(run: RunFacts, report: Report) -> RunRecord:
    return RunRecord(
        run.id,
        report.manifest.name,
        run.backend,
        report.realm,
        run.started_at,
        run.finished_at or 0.0,
        -1 if run.exit_code is None else run.exit_code,
        report.totals.http_requests,
        run.wanbatch_version,
    )


# -- locks -----------------------------------------------------------------------------


def read_entries(
    told: Told, lock: Lock, manifest: str, output: Path, backends: Backends, now: float
) -> None:
    """What ``lock`` knows as bought. Its videos may lie in ``output`` already, under
    whatever name."""
    for name, entry in lock.jobs.items():
        task = valid_task_id(entry.task_id) or ""
        backend = backends.called(entry.origin)
        opening = Opening(
            fingerprint=entry.fingerprint,
            realm="paid",
            backend=backend,
            origin=entry.origin,
            manifest=manifest,
            job=name,
            run_id=f"{TOLD}lock",
            authority=Authority.FIRST,
            price=Decimal(entry.amount) if entry.amount else None,
            currency=entry.currency,
            at=now,
            **_request_of(entry.request),
        )
        history = _history(opening, _locked(entry, task, manifest, now), now)
        told.add((TOLD, entry.fingerprint, task), history, tuple(_videos(output, manifest, entry)))


def _locked(entry: LockEntry, task: str, manifest: str, now: float) -> _Steps:
    doubt: Facts = {"reason": "bought by another ledger, as a lock says"}
    steps: _Steps = [
        (EventKind.ACCEPTED, acceptance_facts(task, now)) if task else (EventKind.UNCERTAIN, doubt)
    ]
    if entry.output and task:
        facts = entry.output
        output = Output(
            path="",
            sha256=facts.sha256,
            bytes=facts.bytes,
            seconds=facts.seconds,
            width=facts.width,
            height=facts.height,
            fps=0.0,
            has_audio=False,
        )
        return [*steps, (EventKind.REMOTE_OK, {}), *_stored(output, "", 0.0)]
    if entry.state == JobState.SKIPPED:
        way = [(EventKind.REMOTE_OK, Facts())] if task else []
        return [*steps, *way, (EventKind.ABANDONED, {})]
    if entry.state == JobState.EXPIRED and task:
        return [*steps, (EventKind.EXPIRED, doubt)]
    return steps


def _videos(output: Path, manifest: str, entry: LockEntry) -> Iterator[Path]:
    """Files in the output folder that may be a locked job's: of its size."""
    folder = output / manifest / "videos"
    if entry.output is None or not folder.is_dir():
        return
    for path in sorted(folder.glob("*.mp4")):
        if path.is_file() and path.stat().st_size == entry.output.bytes:
            yield path
