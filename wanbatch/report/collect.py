"""Builds a report from a manifest, its plan and what the ledger knows.

What it may not do: I/O, read a clock, or see anything of a run's memory: after success,
a crash and Ctrl-C the same report comes out.

How it works: the plan says how every job stands and which attempts share its identity;
the snapshot adds the attempts that no job stands for any more (``former``) and the
placements of videos in this manifest's folder. Of equal jobs one pays: an attempt's
cost counts at the job it was opened for, or at the first that has it, and only in the
report of the manifest that opened it. So the jobs' costs add up to the total, and the
reports of all manifests add up to the ledger.
"""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from pathlib import Path
from typing import cast

from wanbatch.model.elsewhere import Source
from wanbatch.model.expect import Expectation
from wanbatch.model.job import FileMedia, Manifest
from wanbatch.model.lifecycle import (
    IN_FLIGHT,
    RESERVED,
    SPENT,
    Attempt,
    RunRecord,
    Snapshot,
    State,
    deciding_attempt,
    how_it_runs,
)
from wanbatch.model.looked import Found
from wanbatch.model.measures import Measures
from wanbatch.model.plan import JobState, Plan, PlannedJob
from wanbatch.model.report import (
    Cost,
    Fault,
    LedgerFacts,
    ManifestFacts,
    Output,
    Report,
    ReportAttempt,
    ReportJob,
    RunFacts,
    Shortfall,
    Timings,
    Totals,
)
from wanbatch.report.checks.groups import check_group
from wanbatch.report.judging import Judged, judge
from wanbatch.report.remarks import find_shortfalls, remark_on
from wanbatch.report.timing import had_a_hand, time_attempt, time_spent
from wanbatch.words.canonical import Json
from wanbatch.words.hiding import hide_queries

STATE_OF_ATTEMPT: Mapping[State, JobState] = {
    State.INTENT: JobState.UNCERTAIN,
    State.UNCERTAIN: JobState.UNCERTAIN,
    State.EXPIRED: JobState.EXPIRED,
    State.STORED: JobState.DONE,
    State.ABANDONED: JobState.SKIPPED,
    State.REJECTED: JobState.FAILED,
    State.REMOTE_FAILED: JobState.FAILED,
    **dict.fromkeys(IN_FLIGHT, JobState.FINISHED),
    State.ACCEPTED: JobState.RUNNING,
}
"""How a former job stands by its deciding attempt; one that bought nothing
(``planned``) is not shown."""


def collect(
    manifest: Manifest,
    plan: Plan,
    snapshot: Snapshot,
    run: RunRecord | None,
    options: Sequence[str] | None = None,
    looks: Mapping[int, Found] | None = None,
) -> Report:
    """The report of ``manifest`` in the plan's realm.

    ``run`` is the run to be reported, ``None`` before the first. ``options`` are what
    printed commands must repeat to mean this run (``--output``, ``--backend`` …); by
    default the backend alone, where it is not the manifest's own. ``looks`` is what is
    known of the stored videos, by attempt.
    """
    return _Collector(manifest, plan, snapshot, looks or {}).report(
        run, _default_options(manifest, plan) if options is None else tuple(options)
    )


def with_last_run(report: Report, last: RunRecord | None) -> Report:
    """The report with the run that came after the reported one, if any did."""
    if last is None or (report.run and report.run.id == last.run_id):
        return report
    return replace(report, last_run=_run_facts(last))


def _default_options(manifest: Manifest, plan: Plan) -> tuple[str, ...]:
    return () if manifest.run.backend == plan.backend else ("--backend", plan.backend)


OTHER_LEDGER = "other_ledger"
"""The error code of a job that another ledger knows: that one is there to be asked
again, so a report that repeats it proves nothing."""


@dataclass(frozen=True, slots=True)
class _Standing:
    """What a former job needs in place of a plan entry."""

    name: str
    fingerprint: str
    state: JobState
    attempt: Attempt
    attempts: tuple[Attempt, ...]


def fall_short(
    entries: Iterable[PlannedJob], plan: Plan, looks: Mapping[int, Found]
) -> tuple[Shortfall, ...]:
    """The videos among ``entries`` that are done and not as they should be, as the
    report tells it; a purchase that several share is paid once."""
    found: list[Shortfall] = []
    paid: set[int] = set()
    for entry in entries:
        attempt = entry.attempt
        if entry.state is not JobState.DONE or attempt is None:
            continue
        request = _request(entry.request.describe())
        output = _show_output(attempt, entry.path)
        judged = judge(request, output, looks.get(attempt.attempt_id), entry.job.expect)
        is_free = plan.realm == "emulator" or attempt.attempt_id in paid
        price = Decimal(0) if is_free else attempt.price
        found += find_shortfalls(entry.name, judged, price, plan.currency or attempt.currency)
        paid.add(attempt.attempt_id)
    return tuple(found)


class _Collector:
    """One report in the making; holds the look-up tables that every job needs."""

    def __init__(
        self, manifest: Manifest, plan: Plan, snapshot: Snapshot, looks: Mapping[int, Found]
    ) -> None:
        self.manifest, self.plan, self.looks = manifest, plan, looks
        self.planned = tuple(entry for entry in plan.jobs if entry.job.manifest == manifest.name)
        self.own = tuple(
            a for a in snapshot.attempts if a.manifest == manifest.name and a.realm == plan.realm
        )
        self.placed = {
            (p.job, p.attempt_id): p.path
            for p in snapshot.placements
            if p.manifest == manifest.name
        }
        self.started = {r.run_id: r.started_at for r in snapshot.runs}
        self.payer = self._payers()
        self.ledger = (
            LedgerFacts(snapshot.ledger_id, snapshot.count_events(plan.realm))
            if snapshot.ledger_id
            else None
        )

    def report(self, run: RunRecord | None, options: tuple[str, ...]) -> Report:
        jobs = _with_groups(tuple(self._job(entry) for entry in self.planned), self._measures())
        shown = {a.attempt_id for entry in self.planned for a in entry.attempts}
        former = tuple(
            self._former_job(standing)
            for standing in _former(a for a in self.own if a.attempt_id not in shown)
        )
        return Report(
            manifest=ManifestFacts(self.manifest.name, self.manifest.path, self.manifest.sha256),
            realm=self.plan.realm,
            run=_run_facts(run),
            totals=self._totals(jobs, run),
            jobs=jobs,
            former=former,
            time=time_spent(self._of_run(run), run) if run else None,
            description=hide_queries(self.manifest.description),
            options=options,
            ledger=self.ledger,
            limit=self.manifest.run.max_cost,
            pictures=self._pictures(),
            remarks=remark_on(jobs, self._unjudged(jobs)),
        )

    # -- money -------------------------------------------------------------------------

    def _payers(self) -> dict[int, str]:
        """Which present job each attempt counts at, by attempt id."""
        payer: dict[int, str] = {}
        for entry in self.planned:
            for attempt in entry.attempts:
                if attempt.job == entry.name:
                    payer[attempt.attempt_id] = entry.name
        for entry in self.planned:
            for attempt in entry.attempts:
                payer.setdefault(attempt.attempt_id, entry.name)
        return payer

    def _cost(self, attempts: Iterable[Attempt]) -> Cost:
        own = [a for a in attempts if a.manifest == self.manifest.name]
        free = self.plan.realm == "emulator"
        currency = self.plan.currency or next((a.currency for a in own if a.currency), "")
        return Cost(_sum(own, SPENT, currency, free), _sum(own, RESERVED, currency, free), currency)

    def _totals(self, jobs: Sequence[ReportJob], run: RunRecord | None) -> Totals:
        count = Counter(job.state.value for job in jobs)
        return Totals(
            jobs=len(jobs),
            **count,
            cost=self._cost(self.own),
            http_requests=run.http_requests if run else 0,
        )

    # -- jobs --------------------------------------------------------------------------

    def _job(self, entry: PlannedJob) -> ReportJob:
        job, attempt = entry.job, entry.attempt
        request = _request(entry.request.describe())
        output = (
            self._output(entry.name, attempt, entry.path)
            if attempt and entry.state is JobState.DONE
            else None
        )
        attempts = self._attempts(entry.attempts)
        judged = self._judge(attempt, request, output, job.expect)
        return ReportJob(
            name=job.name,
            id=job.id,
            axes=job.axes,
            tags=job.tags,
            fingerprint=entry.fingerprint,
            state=entry.state,
            backend=_backend_of(entry) or self.plan.backend,
            task_id=_task_of(entry),
            request=request,
            attempts=attempts,
            timings=_timings_of(attempt, entry.attempts, attempts),
            cost=self._cost(a for a in entry.attempts if self.payer[a.attempt_id] == entry.name),
            output=output,
            checks=judged.checks,
            error=_fault_of_job(entry),
            unmet=judged.unmet,
        )

    def _former_job(self, standing: _Standing) -> ReportJob:
        attempt = standing.attempt
        request = _request(attempt.request)
        output = (
            self._output(standing.name, attempt, attempt.path)
            if standing.state is JobState.DONE
            else None
        )
        attempts = self._attempts(standing.attempts)
        return ReportJob(
            name=standing.name,
            id=standing.name.partition("[")[0],
            axes=(),
            tags=(),
            fingerprint=standing.fingerprint,
            state=standing.state,
            backend=attempt.backend,
            task_id=attempt.task_id or None,
            request=request,
            attempts=attempts,
            timings=_timings_of(attempt, standing.attempts, attempts),
            cost=self._cost(standing.attempts),
            output=output,
            checks=self._judge(attempt, request, output).checks,
            error=_fault_of_attempt(attempt, standing.state),
        )

    def _judge(
        self,
        attempt: Attempt | None,
        request: Mapping[str, Json],
        output: Output | None,
        expected: Sequence[Expectation] = (),
    ) -> Judged:
        found = self.looks.get(attempt.attempt_id) if attempt else None
        return judge(request, output, found, expected)

    def _measures(self) -> Mapping[str, Measures]:
        """Those of the present jobs' videos, by their bytes."""
        found = {
            entry.attempt.sha256: self.looks.get(entry.attempt.attempt_id)
            for entry in self.planned
            if entry.attempt
        }
        return {sha256: one for sha256, one in found.items() if isinstance(one, Measures)}

    def _unjudged(self, jobs: Iterable[ReportJob]) -> int:
        """Videos of which more is expected than was looked at."""
        seen = self.looks.keys()
        return sum(
            any(one.fact is None for one in entry.job.expect)
            and not (entry.attempt and entry.attempt.attempt_id in seen)
            for entry, job in zip(self.planned, jobs, strict=True)
            if job.output
        )

    def _attempts(self, attempts: Sequence[Attempt]) -> tuple[ReportAttempt, ...]:
        before = (None, *attempts)
        return tuple(
            show_attempt(a, earlier, self.started.get(a.run_id))
            for a, earlier in zip(attempts, before, strict=False)
        )

    def _output(self, name: str, attempt: Attempt, path: str) -> Output:
        found = self.placed.get((name, attempt.attempt_id)) or path
        return _show_output(attempt, found.removeprefix(f"{self.manifest.name}/"))

    def _of_run(self, run: RunRecord | None) -> list[Attempt]:
        """This manifest's attempts that the run opened or found under way, and had a
        hand in."""
        if run is None:
            return []
        return [a for a in self.own if had_a_hand(run, a)]

    def _pictures(self) -> dict[str, Path]:
        """Where the local pictures are that jobs take, by SHA-256."""
        return {
            ref.sha256: item.source.path
            for entry in self.planned
            for item, ref in zip(entry.job.media, entry.request.media, strict=False)
            if isinstance(item.source, FileMedia) and ref.sha256
        }


def _with_groups(
    jobs: tuple[ReportJob, ...], measures: Mapping[str, Measures]
) -> tuple[ReportJob, ...]:
    found = check_group(jobs, measures)
    return tuple(
        replace(job, checks=(*job.checks, *found[job.name])) if job.name in found else job
        for job in jobs
    )


def _show_output(attempt: Attempt, path: str) -> Output:
    return Output(
        path=path,
        sha256=attempt.sha256,
        bytes=attempt.bytes,
        seconds=attempt.seconds,
        width=attempt.width,
        height=attempt.height,
        fps=attempt.fps,
        has_audio=attempt.has_audio,
    )


def show_attempt(
    attempt: Attempt, before: Attempt | None = None, run_started_at: float | None = None
) -> ReportAttempt:
    """One of a job's ``attempts``; ``before`` is the one before it, ``run_started_at``
    when its run began."""
    free = attempt.realm == "emulator"
    return ReportAttempt(
        id=attempt.attempt_id,
        state=attempt.state.value,
        authority=attempt.authority.value,
        manifest=attempt.manifest,
        job=attempt.job,
        run_id=attempt.run_id,
        backend=attempt.backend,
        task_id=attempt.task_id or None,
        timings=time_attempt(attempt, before, run_started_at),
        give_up_at=attempt.give_up_at or None,
        available_until=attempt.available_until or None,
        polls=attempt.polls,
        cost=Cost(
            _sum([attempt], SPENT, attempt.currency, free),
            _sum([attempt], RESERVED, attempt.currency, free),
            attempt.currency,
        ),
        status_word=attempt.status_word or None,
        reason=attempt.reason or None,
        error=Fault(attempt.error_code, attempt.error_message, attempt.retryable)
        if attempt.error_code or attempt.error_message
        else None,
    )


def _former(attempts: Iterable[Attempt]) -> list[_Standing]:
    """Attempts without a present job, by old name and identity, oldest first; those
    that bought nothing left out."""
    groups: dict[tuple[str, str], list[Attempt]] = defaultdict(list)
    for attempt in attempts:
        groups[attempt.job, attempt.fingerprint].append(attempt)
    found = []
    for (name, fingerprint), group in groups.items():
        deciding = deciding_attempt(group)
        if deciding is not None:
            found.append(
                _Standing(
                    name, fingerprint, STATE_OF_ATTEMPT[deciding.state], deciding, tuple(group)
                )
            )
    return found


def _sum(
    attempts: Iterable[Attempt], states: frozenset[State], currency: str, free: bool
) -> Decimal | None:
    total = Decimal(0)
    for attempt in attempts:
        if attempt.state not in states or free:
            continue
        if attempt.price is None or (attempt.price and attempt.currency != currency):
            return None
        total += attempt.price
    return total


def _run_facts(run: RunRecord | None) -> RunFacts | None:
    if run is None:
        return None
    finished = run.finished_at > 0
    return RunFacts(
        id=run.run_id,
        backend=run.backend,
        started_at=run.started_at,
        finished_at=run.finished_at if finished else None,
        wanbatch_version=run.wanbatch_version,
        exit_code=run.exit_code if finished and run.exit_code >= 0 else None,
    )


def _timings_of(
    attempt: Attempt | None, attempts: Sequence[Attempt], shown: Sequence[ReportAttempt]
) -> Timings:
    for row, entry in zip(attempts, shown, strict=True):
        if row is attempt or (attempt is not None and row.attempt_id == attempt.attempt_id):
            return entry.timings
    return Timings()


def _backend_of(entry: PlannedJob) -> str:
    if entry.trace is not None:
        return entry.trace.backend
    return entry.attempt.backend if entry.attempt else ""


def _task_of(entry: PlannedJob) -> str | None:
    """The deciding attempt's task; of a job bought elsewhere the one that was found, so
    that this report knows it when the one that it takes the place of is gone."""
    if entry.trace is not None:
        return entry.trace.task_id or None
    return (entry.attempt.task_id or None) if entry.attempt else None


def _fault_of_job(entry: PlannedJob) -> Fault | None:
    if entry.trace is not None:
        other = entry.trace.source is Source.LEDGER
        return Fault(OTHER_LEDGER if other else entry.state.value, str(entry.reason))
    if entry.state is JobState.BLOCKED:
        return Fault("blocked", str(entry.reason))
    if entry.attempt is None:
        return None
    if entry.state is JobState.EXPIRED and entry.attempt.state is State.STORED:
        return Fault("output_missing", str(entry.reason))
    return _fault_of_attempt(entry.attempt, entry.state)


def _fault_of_attempt(attempt: Attempt, state: JobState) -> Fault | None:
    if state is JobState.FAILED:
        return Fault(
            attempt.error_code or attempt.state.value,
            attempt.error_message or attempt.reason or "no reason was given",
            attempt.retryable,
        )
    if state is JobState.UNCERTAIN:
        return Fault("uncertain", attempt.reason or "the run ended while the request was under way")
    if state is JobState.FINISHED:
        met = attempt.download_error or "its video has not been downloaded yet"
        return Fault("not_fetched", met, retryable=True)
    if state is JobState.RUNNING and attempt.status_word:
        return Fault("unknown_status", str(how_it_runs(attempt)), retryable=True)
    if state is JobState.EXPIRED:
        return Fault(
            attempt.error_code or "expired",
            attempt.error_message or attempt.reason or "the result can no longer be had",
        )
    return None


def _request(text: str) -> Mapping[str, Json]:
    """What the ledger keeps beside the API's fields is for look-ups alone."""
    fields = cast("dict[str, Json]", json.loads(text))
    fields.pop("trace", None)
    return fields
