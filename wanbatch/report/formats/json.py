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
from collections.abc import Mapping, Sequence
from typing import cast

from wanbatch.model.job import Manifest
from wanbatch.model.lifecycle import Attempt, Snapshot
from wanbatch.model.plan import Action, Plan, PlannedJob
from wanbatch.model.report import (
    LedgerFacts,
    ManifestFacts,
    Report,
    ReportJob,
    RunFacts,
    TimeSpent,
    Totals,
)
from wanbatch.report.collect import collect, show_attempt
from wanbatch.report.formats.codec import amount, decode, encode, instant
from wanbatch.words.canonical import Json

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
    known = Snapshot(
        attempts=tuple({a.attempt_id: a for entry in plan.jobs for a in entry.attempts}.values())
    )
    entries = {
        (m.name, job.name): job for m in manifests for job in collect(m, plan, known, None).jobs
    }
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
        "jobs": [
            _plan_entry(planned, entries[planned.job.manifest, planned.name])
            for planned in plan.jobs
        ],
        "strangers": [encode(show_attempt(attempt)) for attempt in plan.strangers],
    }


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
