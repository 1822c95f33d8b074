"""One accepted task: the request, when it came, and how far it is.

What it may not do: I/O, read a clock, know a dialect's words.

How it works: a mutable row that the service alone changes. What must outlive the
process is in ``record``; the rest is worked out again at start-up.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from wanbatch.emulator.request import VideoRequest, request_from_record, request_record


class Phase(StrEnum):
    """Where a task stands, in the emulator's own words."""

    PENDING = "pending"
    RUNNING = "running"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELED = "canceled"


class EndKind(StrEnum):
    """What was decided about a task when it was accepted."""

    NORMAL = ""
    REFUSED = "refused"  # the upstream finds a fault in it at once
    FAILS = "fails"  # after its time, with the code that a fault script gave
    FOREVER = "forever"  # never ends
    LOST = "lost"  # succeeds, and its result is already gone


@dataclass(frozen=True, slots=True)
class ScriptedEnd:
    """A fate with its particulars: the failure's ``code`` and ``message``, how many
    seconds later than usual the end comes, and the form of the task's id (``ids``).
    """

    fate: EndKind = EndKind.NORMAL
    code: str = ""
    message: str = ""
    late_s: float = 0.0
    id_form: str = ""


ENDED = frozenset({Phase.SUCCEEDED, Phase.FAILED, Phase.CANCELED})


@dataclass(slots=True)
class Task:
    """``body`` is what the client sent, inline media replaced by their hashes. Instants
    are Unix seconds, 0.0 while they have not come.

    ``latency_s`` is the simulated time from ``placed_at`` (the submit, or the end of
    waiting for a place) to the result. ``code`` and ``message`` are those of a failure,
    known from the start for some fates.
    """

    id: str
    dialect: str
    request: VideoRequest
    body: object
    accepted_at: float
    latency_s: float
    request_id: str = ""
    fate: EndKind = EndKind.NORMAL
    phase: Phase = Phase.PENDING
    placed_at: float = 0.0
    started_at: float = 0.0
    ended_at: float = 0.0
    code: str = ""
    message: str = ""
    video: str = ""

    @property
    def ended(self) -> bool:
        return self.phase in ENDED


def accepted_record(task: Task) -> dict[str, object]:
    """The line that the store writes before the submit is answered."""
    return {
        "event": "accepted",
        "id": task.id,
        "dialect": task.dialect,
        "request": request_record(task.request),
        "body": task.body,
        "accepted_at": task.accepted_at,
        "latency_s": task.latency_s,
        "request_id": task.request_id,
        "fate": task.fate.value,
        "code": task.code,
        "message": task.message,
    }


def ended_record(task: Task) -> dict[str, object]:
    """The line that the store writes when a task has come to its end."""
    return {
        "event": "ended",
        "id": task.id,
        "phase": task.phase.value,
        "started_at": task.started_at,
        "ended_at": task.ended_at,
        "code": task.code,
        "message": task.message,
        "video": task.video,
    }


def task_from_record(record: dict[str, object]) -> Task:
    """The task of an ``accepted`` line. The store is our own: a wrong shape is a bug
    and raises."""
    values = {k: v for k, v in record.items() if k not in ("event", "request", "fate")}
    return Task(
        request=request_from_record(record["request"]),  # type: ignore[arg-type]
        fate=EndKind(str(record["fate"])),
        **values,  # type: ignore[arg-type]
    )


def apply_end(task: Task, record: dict[str, object]) -> None:
    """Brings ``task`` to the end that an ``ended`` line tells."""
    for name in ("started_at", "ended_at", "code", "message", "video"):
        setattr(task, name, record[name])
    task.phase = Phase(str(record["phase"]))
