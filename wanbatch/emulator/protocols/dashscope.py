"""What DashScope says: task objects, lists, error envelopes.

What it may not do: I/O, change a task.

How it works: pure functions from tasks and instants to JSON values. Times are UTC+8
without an offset; a failed task, like an unknown one, is an HTTP 200; which fields
stand in an answer depends on how far the task is.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone

from wanbatch.emulator.ids import told_id
from wanbatch.emulator.request import Malformed
from wanbatch.emulator.task import Phase, Task

CHINA = timezone(timedelta(hours=8))
WINDOW_S = 86_400.0
"""The longest span of one list (documented: 24 hours)."""


def error(code: str, message: str, request_id: str) -> dict[str, object]:
    """The one envelope of this API."""
    return {"code": code, "message": message, "request_id": request_id}


def submitted(task: Task) -> dict[str, object]:
    return {
        "output": {"task_status": "PENDING", "task_id": told_id(task.id)},
        "request_id": task.request_id,
    }


def unknown(task_id: str, request_id: str) -> dict[str, object]:
    """The answer for an id that was never given or is forgotten."""
    return {"output": {"task_id": task_id, "task_status": "UNKNOWN"}, "request_id": request_id}


def status(task: Task, link: str, request_id: str, clip_s: float) -> dict[str, object]:
    """The answer to a query; ``link`` is the signed address of the result, ``clip_s``
    the length of the clip that it goes on from."""
    output: dict[str, object] = {
        "task_id": told_id(task.id),
        "task_status": task.phase.name,
        "submit_time": stamp(task.accepted_at),
    }
    body: dict[str, object] = {"output": output, "request_id": request_id}
    if task.started_at:
        output["scheduled_time"] = stamp(task.started_at)
    if task.ended:
        output["end_time"] = stamp(task.ended_at)
    if task.phase is Phase.FAILED:
        output |= {"code": task.code, "message": task.message}
    if task.phase is Phase.SUCCEEDED:
        output |= {"video_url": link, "orig_prompt": task.request.prompt}
        body["usage"] = {
            "duration": task.request.seconds,
            "input_video_duration": clip_s,
            "output_video_duration": task.request.seconds,
            "video_count": 1,
            "SR": int(task.request.size[:-1]),
        }
    return body


def stamp(instant: float) -> str:
    """``2026-05-01 10:00:00.123``, in UTC+8 without saying so."""
    return datetime.fromtimestamp(instant, CHINA).strftime("%Y-%m-%d %H:%M:%S.%f")[:-3]


@dataclass(frozen=True, slots=True)
class ListQuery:
    """What a list is asked for; instants in Unix seconds, empty strings where nothing
    is asked."""

    since: float
    until: float
    task_id: str
    model: str
    status: str
    page: int
    page_size: int


def read_list_query(query: Mapping[str, str], now: float) -> ListQuery | Malformed:
    """The query, or why it is refused."""
    try:
        until = _instant(query["end_time"]) + 1 if query.get("end_time") else now + 1
        since = _instant(query["start_time"]) if query.get("start_time") else until - WINDOW_S
        page, page_size = int(query.get("page_no") or 1), int(query.get("page_size") or 10)
    except ValueError:
        return Malformed(
            "start_time and end_time must be YYYYMMDDhhmmss, page_no and page_size integers"
        )
    if until - since > WINDOW_S + 1 or since > until:
        return Malformed("the time between start_time and end_time must be at most 24 hours")
    if page < 1 or not 1 <= page_size <= 100:
        return Malformed("page_no must be at least 1, page_size between 1 and 100")
    return ListQuery(
        since,
        until,
        query.get("task_id", ""),
        query.get("model_name", ""),
        query.get("status", ""),
        page,
        page_size,
    )


def _instant(text: str) -> float:
    return datetime.strptime(text, "%Y%m%d%H%M%S").replace(tzinfo=CHINA).timestamp()


def listed(tasks: Iterable[Task], query: ListQuery, request_id: str) -> dict[str, object]:
    """One page of the tasks that fit, youngest first."""
    fitting = [t for t in tasks if _fits(t, query)]
    fitting.reverse()
    begin = (query.page - 1) * query.page_size
    return {
        "total": len(fitting),
        "total_page": max(1, -(-len(fitting) // query.page_size)),
        "page_no": query.page,
        "page_size": query.page_size,
        "data": [_row(t) for t in fitting[begin : begin + query.page_size]],
        "request_id": request_id,
    }


def _fits(task: Task, query: ListQuery) -> bool:
    return (
        query.since <= task.accepted_at < query.until
        and query.task_id in ("", task.id)
        and query.model in ("", task.request.model)
        and query.status in ("", task.phase.name)
    )


def _row(task: Task) -> dict[str, object]:
    row: dict[str, object] = {
        "task_id": task.id,
        "status": task.phase.name,
        "model_name": task.request.model,
        "region": "cn-beijing",
        "request_id": task.request_id,
        "caller_uid": "1000000000000000",
        "gmt_create": int(task.accepted_at * 1000),
    }
    if task.started_at:
        row["start_time"] = int(task.started_at * 1000)
    if task.ended:
        row["end_time"] = int(task.ended_at * 1000)
    return row
