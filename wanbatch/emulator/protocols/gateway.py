"""What the gateway says: objects and error envelopes of ``/v1/videos``, in two
personalities.

What it may not do: I/O, change a task.

How it works: pure functions from a task and an instant to JSON values. ``gateway`` is
the seed document's server: a number for progress, ``completed_at`` and an address once
there is a result. ``gateway-metadata`` is stock new-api: fixed progress values,
``completed_at`` always, an empty address until there is one, nothing echoed. One
server, three error shapes (``task``, ``auth`` and ``content`` below).
"""

from __future__ import annotations

from collections.abc import Mapping

from wanbatch.emulator.ids import segment_of, told_id
from wanbatch.emulator.task import Phase, Task

_STATUS: Mapping[Phase, str] = {
    Phase.PENDING: "queued",
    Phase.RUNNING: "in_progress",
    Phase.SUCCEEDED: "completed",
    Phase.FAILED: "failed",
    Phase.CANCELED: "failed",
}
_NEW_API_PROGRESS: Mapping[Phase, int] = {
    Phase.PENDING: 20,
    Phase.RUNNING: 30,
    Phase.SUCCEEDED: 100,
    Phase.FAILED: 100,
    Phase.CANCELED: 100,
}


def task_error(code: str, message: str) -> dict[str, object]:
    """The envelope of submit and status."""
    return {"code": code, "message": message, "data": None}


def auth_error(message: str, request_id: str, code: str = "") -> dict[str, object]:
    """The envelope of everything before a route: token, model permission, unknown
    address."""
    return {
        "error": {
            "message": f"{message} (request id: {request_id})",
            "type": "new_api_error",
            "code": code,
        }
    }


def content_error(message: str, kind: str = "invalid_request_error") -> dict[str, object]:
    """The envelope of the content route."""
    return {"error": {"message": message, "type": kind}}


def submitted(task: Task) -> dict[str, object]:
    """The answer to an accepted submit."""
    return {
        "id": told_id(task.id),
        "task_id": told_id(task.id),
        "object": "video",
        "model": task.request.model,
        "status": "queued",
        "progress": 0,
        "created_at": int(task.accepted_at),
    }


def status(task: Task, now: float, base_url: str) -> dict[str, object]:
    """The seed document's answer to a poll at Unix second ``now``."""
    body: dict[str, object] = {
        "id": told_id(task.id),
        "object": "video",
        "model": task.request.model,
        "status": _STATUS[task.phase],
        "progress": progress(task, now),
        "created_at": int(task.accepted_at),
    }
    if task.ended:
        body["completed_at"] = int(task.ended_at)
    if task.phase is Phase.SUCCEEDED:
        body["metadata"] = {"url": f"{base_url}/v1/videos/{segment_of(task.id)}/content"}
    elif task.ended:
        body["error"] = {"code": task.code, "message": task.message}
    return body


def progress(task: Task, now: float) -> int:
    """0 to 99 while it runs, by the simulated latency where there is one; 100 at the
    end."""
    if task.ended:
        return 100
    if task.phase is Phase.PENDING:
        return 0
    if not task.latency_s:
        return 50
    return max(1, min(99, int(100 * (now - task.placed_at) / task.latency_s)))


def stock_status(task: Task, link: str) -> dict[str, object]:
    """Stock new-api's answer to a poll; ``link`` is the signed address of the result,
    empty until there is one."""
    body: dict[str, object] = {
        "id": told_id(task.id),
        "object": "video",
        "model": task.request.model,
        "status": _STATUS[task.phase],
        "progress": _NEW_API_PROGRESS[task.phase],
        "created_at": int(task.accepted_at),
        "completed_at": int(task.ended_at or task.started_at or task.accepted_at),
        "metadata": {"url": link},
    }
    if task.phase in (Phase.FAILED, Phase.CANCELED):
        body["error"] = {"code": task.code, "message": task.message}
    return body
