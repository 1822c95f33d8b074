"""Reports and plans as JSON documents: ``report.json``, ``runs/RUN_ID.json``,
``plan.json``, and reports back from them.

What it may not do: touch files (``write`` does), or add anything that ``collect`` does
not know.

How it works: ``codec`` turns the values of ``model`` into JSON; here stand the outer
shape of the documents and their text: one job per line, quick to make, kind to ``grep``
and ``diff``. ``schemas/report.schema.json`` and ``schemas/plan.schema.json`` describe
them.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import cast

from wanbatch.model.job import Manifest
from wanbatch.model.lifecycle import Attempt, Snapshot
from wanbatch.model.period import Allowance
from wanbatch.model.plan import Action, JobState, Plan, PlannedJob
from wanbatch.model.report import (
    Cost,
    LedgerFacts,
    ManifestFacts,
    Report,
    ReportJob,
    RunFacts,
    TimeSpent,
    Timings,
    Totals,
)
from wanbatch.report.collect import collect, show_attempt
from wanbatch.report.formats.codec import amount, axis_value, decode, encode, instant
from wanbatch.words.canonical import Json, canonical_text, quote, without_times

REPORT_SCHEMA = "wanbatch/report@1"
PLAN_SCHEMA = "wanbatch/plan@1"

Document = dict[str, Json]

_one_line = json.JSONEncoder(ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode
_indented = json.JSONEncoder(ensure_ascii=False, allow_nan=False, indent=2).encode


def report_document(report: Report) -> Document:
    """The report as ``report.json`` has it."""
    return {
        "schema": REPORT_SCHEMA,
        "manifest": encode(report.manifest),
        "realm": report.realm,
        "ledger": encode(report.ledger) if report.ledger else None,
        "run": encode(report.run) if report.run else None,
        "last_run": encode(report.last_run) if report.last_run else None,
        "totals": encode(report.totals),
        "time": encode(report.time) if report.time else None,
        "jobs": [encode(job) for job in report.jobs],
        "former": [encode(job) for job in report.former],
    }


def parse_report(document: Mapping[str, Json]) -> Report:
    """The report of a document that its schema allows: the one that was written, but
    for ``description``, ``limit`` and ``options``."""
    run, time, ledger = document["run"], document["time"], document.get("ledger")
    last_run = document.get("last_run")
    return Report(
        manifest=decode(ManifestFacts, _object(document["manifest"])),
        realm=str(document["realm"]),
        run=decode(RunFacts, _object(run)) if run else None,
        totals=decode(Totals, _object(document["totals"])),
        jobs=_parse_jobs(document["jobs"]),
        former=_parse_jobs(document["former"]),
        time=decode(TimeSpent, _object(time)) if time else None,
        ledger=decode(LedgerFacts, _object(ledger)) if ledger else None,
        last_run=decode(RunFacts, _object(last_run)) if last_run else None,
    )


def plan_document(plan: Plan, manifests: Sequence[Manifest]) -> Document:
    """The plan as ``plan.json`` has it: the entries of a report, each with what a run
    would do with the job and why.

    ``manifests`` are those of the plan, in order.
    """
    head = plan_head(plan, manifests)
    strangers = head.pop("strangers")
    entries = _collected(plan, manifests)
    jobs = [_plan_entry(planned, entries[_key_of(planned)]) for planned in plan.jobs]
    return {**head, "jobs": jobs, "strangers": strangers}


def plan_head(
    plan: Plan, manifests: Sequence[Manifest], left: Sequence[Allowance] = ()
) -> Document:
    """The plan's document without its jobs. ``left`` is what may still be spent in this
    day and month; it is no part of the digest."""
    count = plan.count()
    return {
        "schema": PLAN_SCHEMA,
        "backend": plan.backend,
        "realm": plan.realm,
        "origin": plan.origin,
        "manifests": [encode(ManifestFacts(m.name, m.path, m.sha256)) for m in manifests],
        "totals": {
            "jobs": len(plan.selected()),
            **{action.value: count[action] for action in Action},
            "price": None if plan.total is None else amount(plan.total),
            "currency": plan.currency,
        },
        **({"budget": [_allowance(one, plan.currency) for one in left]} if left else {}),
        "strangers": [encode(show_attempt(attempt)) for attempt in plan.strangers],
    }


def _allowance(one: Allowance, currency: str) -> Document:
    return {
        "unit": one.limit.unit.value,
        "period": one.name,
        "limit": amount(one.limit.amount),
        "used": amount(one.used),
        "left": amount(one.left),
        "currency": currency,
        "source": one.limit.source,
        "next_at": instant(one.ends_at),
    }


@dataclass(frozen=True, slots=True)
class PlanLine:
    """A job of a plan as text: ``canonical`` is its canonical form without times,
    ``whole`` what stands in the file."""

    canonical: str
    whole: str


def plan_lines(plan: Plan, manifests: Sequence[Manifest]) -> list[PlanLine]:
    """The jobs of ``plan_document``, keys sorted. Most jobs of a large plan were never
    bought: their texts are put together from what they have, in a tenth of the time."""
    untouched = _Untouched(plan.backend, plan.currency)
    bought = tuple(entry for entry in plan.jobs if not _is_untouched(entry))
    entries = _collected(replace(plan, jobs=bought), manifests)
    return [
        untouched.line(planned)
        if _is_untouched(planned)
        else _touched(_plan_entry(planned, entries[_key_of(planned)]))
        for planned in plan.jobs
    ]


def _touched(entry: Document) -> PlanLine:
    return PlanLine(canonical_text(without_times(entry)), canonical_text(entry))


def _is_untouched(entry: PlannedJob) -> bool:
    """Whether nothing is known of a job but what its manifest says."""
    bought = entry.attempts or entry.attempt or entry.trace
    return entry.state is JobState.PLANNED and not bought


def _key_of(planned: PlannedJob) -> tuple[str, str]:
    return planned.job.manifest, planned.name


def _collected(plan: Plan, manifests: Sequence[Manifest]) -> dict[tuple[str, str], ReportJob]:
    known = Snapshot(
        attempts=tuple({a.attempt_id: a for entry in plan.jobs for a in entry.attempts}.values())
    )
    return {
        (m.name, job.name): job for m in manifests for job in collect(m, plan, known, None).jobs
    }


class _Untouched:
    """Jobs that nobody has bought yet, as text: what they all have is written once."""

    def __init__(self, backend: str, currency: str) -> None:
        cost = encode(Cost(Decimal(0), Decimal(0), currency))
        self._first = f',"backend":{quote(backend)},"checks":[],"cost":{canonical_text(cost)}'
        self._timings = f',"timings":{canonical_text(encode(Timings()))}'

    def line(self, entry: PlannedJob) -> PlanLine:
        job, price = entry.job, entry.price
        axes = cast("dict[str, Json]", {name: axis_value(value) for name, value in job.axes})
        word = quote(entry.authorised_by) if entry.authorised_by else "null"
        head = (
            f'{{"action":"{entry.action.value}","attempts":[],"authorised_by":{word}'
            f',"axes":{canonical_text(axes)}{self._first},"error":null'
            f',"fingerprint":"{entry.fingerprint}","frames":null,"id":{quote(job.id)}'
            f',"last_event":null,"manifest":{quote(job.manifest)},"name":{quote(job.name)}'
            ',"output":null,"poster":null,"preview":null'
            f',"price":{"null" if price is None else quote(amount(price))}'
            f',"reason":{quote(str(entry.reason))},"request":{canonical_text(entry.request.shown())}'
            f',"selected":{"true" if entry.selected else "false"},"state":"{entry.state.value}"'
            f',"tags":{canonical_text(job.tags)},"task_id":null'
        )
        tail = f',"unmet":[],"upstream":{canonical_text(entry.upstream)}}}'
        canonical = head + tail
        if any(isinstance(value, float) for value in axes.values()):
            canonical = canonical_text(without_times(json.loads(canonical)))
        return PlanLine(canonical, f"{head}{self._timings}{tail}")


def plan_text(document: Mapping[str, Json], lines: Iterable[PlanLine]) -> str:
    """The JSON text of a plan's document without its jobs, and of its jobs."""
    head = document_text(document).removesuffix("\n}\n")
    jobs = ",".join(f"\n    {line.whole}" for line in lines)
    return f'{head},\n  "jobs": [{jobs}\n  ]\n}}\n'


def document_text(document: Mapping[str, Json]) -> str:
    """The JSON text of a report or a plan, one job per line, with a newline at its
    end."""
    lists = {
        key: value
        for key, value in document.items()
        if isinstance(value, list) and key != "manifests"
    }
    head = _indented(
        {key: value for key, value in document.items() if key not in lists}
    ).removesuffix("\n}")
    return (
        head
        + "".join(f',\n  "{key}": [{_lines(entries)}]' for key, entries in lists.items())
        + "\n}\n"
    )


def to_bytes(text: str) -> bytes:
    """UTF-8; a lone surrogate, which a provider's reply may hold, becomes its JSON
    escape."""
    return text.encode("utf-8", "backslashreplace")


def _lines(entries: Sequence[Json]) -> str:
    return ",".join(f"\n    {_one_line(entry)}" for entry in entries) + ("\n  " if entries else "")


def _plan_entry(planned: PlannedJob, entry: ReportJob) -> Document:
    last = planned.attempts[-1] if planned.attempts else None
    return {
        "action": planned.action.value,
        "reason": str(planned.reason),
        **encode(entry),
        "manifest": planned.job.manifest,
        "selected": planned.selected,
        "price": None if planned.price is None else amount(planned.price),
        "upstream": list(planned.upstream),
        "authorised_by": planned.authorised_by or None,
        "last_event": _last_event(last) if last else None,
    }


def _last_event(attempt: Attempt) -> Document:
    return {
        "attempt_id": attempt.attempt_id,
        "state": attempt.state.value,
        "event": attempt.last_event.value,
        "at": instant(attempt.updated_at),
    }


def _parse_jobs(entries: Json) -> tuple[ReportJob, ...]:
    return tuple(decode(ReportJob, _object(entry)) for entry in cast("Sequence[Json]", entries))


def _object(value: Json) -> Mapping[str, Json]:
    return cast("Mapping[str, Json]", value)
