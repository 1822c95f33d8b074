"""The events of a run as programs read them: one flat JSON object each, in the words of
``schemas/events.schema.json``.

What it may not do: write anywhere, or show a key, a query of a URL or a medium.

How it works: ``record_of`` is one case for each event; what people alone are told has
none. Instants are ISO 8601 in UTC, money is text, as in ``report.json``. Every text
that came from elsewhere loses the queries of its addresses once more, though the edge
of the network has done that already.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping

from wanbatch import __version__
from wanbatch.model.lifecycle import Attempt, State
from wanbatch.operations.events import (
    Absent,
    Adopt,
    AttemptEvent,
    BuyingStopped,
    Estimated,
    Event,
    Looking,
    MoneyMoved,
    NotPrepared,
    PaceChanged,
    Reconciled,
    RunBegins,
    RunEnds,
    Stopping,
    Stored,
    Submitting,
    Unrecorded,
    Verdict,
    WorkBegins,
    WorkEnds,
)
from wanbatch.report.formats.codec import amount, instant
from wanbatch.words.hiding import hide_queries

SCHEMA = "wanbatch/events@1"
SAID = ("text", "error", "status_word", "task_id")
"""What others said, or may have said."""
LONGEST_TEXT = 2000
"""So many characters of a text: what a server says may be a page."""

Record = Mapping[str, object]


def line_of(event: Event, at: float, scrub: Callable[[str], str] = str) -> str:
    """The event as one line of JSON without its end; empty where programs are not told
    it. ``scrub`` takes the key out of what others said."""
    record = record_of(event, at)
    if record is None:
        return ""
    said = {name: _scrubbed(record[name], scrub) for name in SAID if name in record}
    return json.dumps({**record, **said}, ensure_ascii=False, allow_nan=False)


def _scrubbed(value: object, scrub: Callable[[str], str]) -> object:
    if isinstance(value, dict):
        return {name: _scrubbed(one, scrub) for name, one in value.items()}
    return scrub(value) if isinstance(value, str) else value


def record_of(event: Event, at: float) -> Record | None:  # noqa: C901  a case for each event
    """The event's object; ``at`` is when it was told, in Unix seconds."""
    match event:
        case RunBegins():
            return {"schema": SCHEMA, **_head(at, "run_begins"), **_run(event)}
        case WorkBegins():
            return {
                **_head(at, "work_begins"),
                "jobs": len(event.expected),
                "running": len(event.running),
                "currency": event.currency,
            }
        case AttemptEvent(attempt, text):
            return _of_attempt(event, attempt, text, at)
        case NotPrepared(job, text, manifest=manifest):
            return {**_head(at, event.kind, job, manifest), "text": _shown(text)}
        case Submitting(job, _, manifest):
            return _head(at, event.kind, job, manifest)
        case PaceChanged(per_s, slots, hold_s, text):
            pace = {"per_s": per_s, "slots": slots, "hold_s": round(hold_s, 3)}
            return {**_head(at, event.kind), **pace, "text": _shown(text)}
        case MoneyMoved(spent, held, limit):
            shown = amount(limit) if limit is not None else None
            money = {"spent": amount(spent), "held": amount(held), "limit": shown}
            return {**_head(at, event.kind), **money}
        case Estimated():
            return {**_head(at, "estimate"), **_forecast(event)}
        case Looking(videos):
            return {**_head(at, "looking"), "videos": videos}
        case Reconciled(verdict):
            return _of_verdict(verdict, at)
        case BuyingStopped(reason):
            return {**_head(at, "buying_stopped"), "text": _shown(reason)}
        case Stopping():
            return _head(at, "stopping")
        case WorkEnds():
            return _head(at, "work_ends")
        case RunEnds(code, states):
            return {**_head(at, "run_ends"), "exit_code": code, "states": dict(states)}
        case _:
            return None


def _head(at: float, event: str, job: str = "", manifest: str = "") -> dict[str, object]:
    head: dict[str, object] = {"at": instant(at), "event": event, "job": job or None}
    return head | ({"manifest": manifest} if job else {})


def _run(event: RunBegins) -> dict[str, object]:
    return {
        "run": event.run_id,
        "backend": event.backend,
        "realm": event.realm,
        "manifests": list(event.manifests),
        "wanbatch_version": __version__,
    }


def _of_attempt(event: AttemptEvent, attempt: Attempt, text: str, at: float) -> Record:
    record: dict[str, object] = {
        **_head(at, event.kind, attempt.job, attempt.manifest),
        "fingerprint": attempt.fingerprint,
        "attempt": attempt.attempt_id,
        "state": attempt.state.value,
        "task_id": attempt.task_id or None,
        "text": _shown(text),
    }
    if isinstance(event, Unrecorded):
        record["task_id"] = text
    if attempt.error_code or attempt.error_message:
        shown = {"code": _shown(attempt.error_code), "message": _shown(attempt.error_message)}
        record["error"] = shown
    if attempt.state is State.ACCEPTED and attempt.status_word:
        record["status_word"] = _shown(attempt.status_word)
    return record | (_of_video(attempt) if isinstance(event, Stored) else {})


def _of_video(attempt: Attempt) -> dict[str, object]:
    price = amount(attempt.price) if attempt.price is not None else None
    return {
        "path": attempt.path,
        "sha256": attempt.sha256,
        "bytes": attempt.bytes,
        "seconds": round(attempt.seconds, 3),
        "took_s": round(max(0.0, attempt.stored_at - attempt.intent_at), 3),
        "price": price,
    }


def _forecast(event: Estimated) -> dict[str, object]:
    found = event.forecast
    if found is None:
        return {"low_s": 0.0, "high_s": 0.0, "is_guess": False}
    low_s, high_s = round(found.low_s, 1), round(found.high_s, 1)
    return {"low_s": low_s, "high_s": high_s, "is_guess": found.is_guess}


def _of_verdict(verdict: Verdict, at: float) -> Record:
    words = {Adopt: "adopted", Absent: "absent"}
    attempt = verdict.attempt
    return {
        **_head(at, "reconciled", attempt.job, attempt.manifest),
        "attempt": attempt.attempt_id,
        "verdict": words.get(type(verdict), "undecided"),
    }


def _shown(text: str) -> str:
    return hide_queries(text)[:LONGEST_TEXT]
