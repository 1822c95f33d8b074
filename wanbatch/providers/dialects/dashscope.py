"""Alibaba Model Studio's own wire format (DashScope).

What it may not do: I/O, or know a region (``regions`` does).

How it works: ``X-DashScope-Async`` makes the POST a task. Parameter errors come later,
as a task that FAILED, and a failed task comes as HTTP 200. Times are UTC+8 without
saying so. An unknown or forgotten id is a 200 with ``UNKNOWN``, which right after a
submit only means "not yet", so it never ends an attempt. The account's tasks of the
last 24 hours can be listed; the list shows no prompts, and a task's own query shows its
prompt once it has succeeded. The list is asked without a model, because it may name a
snapshot where the request named the alias, and an absence must be certain.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta, timezone
from urllib.parse import quote, urlencode

from wanbatch.model.job import MediaType
from wanbatch.model.lifecycle import DAY_LONG
from wanbatch.model.outcomes import (
    CancelOutcome,
    CancelRefused,
    CancelTaken,
    CancelUnanswered,
    PollOutcome,
    ProbeFailed,
    ProbeOutcome,
    ProbePassed,
    SubmitOutcome,
    Succeeded,
    Unreadable,
)
from wanbatch.model.plan import Request
from wanbatch.model.wire import ListedTask, NoReply, Seen, TaskPage, WireRequest
from wanbatch.providers.dialects.gateway import encode, media_list
from wanbatch.providers.dialects.reading import (
    as_instant,
    as_number,
    as_object,
    as_text,
    clean,
    collect_urls,
    judge_submit,
    read_error,
    read_json,
    unreadable,
    url_expiry,
    valid_task_id,
)
from wanbatch.providers.dialects.status_reply import read_task_reply

SUBMIT = "/api/v1/services/aigc/video-generation/video-synthesis"
TASKS = "/api/v1/tasks"
IMPOSSIBLE_ID = "00000000-0000-0000-0000-000000000000"
PAGE_SIZE = 50
"""Tasks of one page of a list: a day of an account in a few requests, each answer far
below what ``Http`` reads."""
PROMPT_LIMIT = 5000
"""Characters (documented); the rest is cut off silently."""
NEGATIVE_PROMPT_LIMIT = 500
"""As ``PROMPT_LIMIT``."""
_CHINA = timezone(timedelta(hours=8))


class DashScope:
    """``/api/v1``: asynchronous video synthesis."""

    kind = "dashscope"
    retention = DAY_LONG

    def submit(self, request: Request, urls: Mapping[MediaType, str]) -> WireRequest:
        given: dict[str, object] = {"media": media_list(request, urls)}
        if request.prompt is not None:
            given["prompt"] = request.prompt
        if request.negative_prompt is not None:
            given["negative_prompt"] = request.negative_prompt
        parameters = {
            "resolution": request.size,
            "duration": request.seconds,
            "prompt_extend": request.prompt_extend,
            "watermark": request.watermark,
            "seed": request.seed,
        }
        headers = {"content-type": "application/json", "x-dashscope-async": "enable"}
        if any(url.startswith("oss://") for url in urls.values()):
            headers["x-dashscope-ossresourceresolve"] = "enable"
        return WireRequest(
            "POST",
            SUBMIT,
            headers,
            encode({"model": request.model, "input": given, "parameters": parameters}),
        )

    def read_submit(self, seen: Seen) -> SubmitOutcome:
        return judge_submit(seen, (("output", "task_id"),))

    def status(self, task_id: str) -> WireRequest:
        return WireRequest("GET", f"{TASKS}/{quote(task_id, safe='')}")

    def read_status(self, seen: Seen, submitted_at: float, now: float) -> PollOutcome:
        return self.read_task_status(seen, "", submitted_at, now)

    def read_task_status(
        self, seen: Seen, task_id: str, submitted_at: float, now: float
    ) -> PollOutcome:
        output = _output(seen)
        word = output.get("task_status")
        if not isinstance(word, str):
            return unreadable(seen)
        told = output.get("task_id")
        if task_id and told and str(told) != task_id:
            return Unreadable("the answer is about another task")
        if word.strip().upper() == "UNKNOWN":
            return Unreadable("the API does not know the task (UNKNOWN)", denied=True)
        found = read_task_reply({**output, "task_id": task_id}, task_id)
        return _result(output) if isinstance(found, Succeeded) else found or unreadable(seen)

    def content(self, task_id: str) -> WireRequest | None:
        return None

    def probe(self) -> WireRequest:
        return self.status(IMPOSSIBLE_ID)

    def read_probe(self, seen: Seen) -> ProbeOutcome:
        if isinstance(seen, NoReply):
            return ProbeFailed(clean(seen.reason), "check the region or base URL, and the network")
        if isinstance(_output(seen).get("task_status"), str):
            return ProbePassed()
        body = as_object(read_json(seen.body))
        error = read_error(body)
        told = error.message or error.code or f"HTTP {seen.status}"
        if seen.status in (401, 402, 403):
            return ProbeFailed(
                f"the key was refused: {told}",
                "check DASHSCOPE_API_KEY; key, workspace and region must belong together",
            )
        if seen.status == 429 or seen.status >= 500:
            return ProbeFailed(
                f"the backend is not available now (HTTP {seen.status})", "try again in a minute"
            )
        if seen.status in (400, 404) and error.code and "request_id" in body:
            return ProbePassed()
        return ProbeFailed(
            f"what answers there is not DashScope (HTTP {seen.status})",
            "check the region or DASHSCOPE_BASE_URL",
        )

    def list_tasks(self, since: float, until: float, page: int) -> WireRequest:
        start = max(since, until - DAY_LONG.list_s)
        query = {
            "start_time": _stamp(start),
            "end_time": _stamp(until),
            "page_no": page,
            "page_size": PAGE_SIZE,
        }
        return WireRequest("GET", f"{TASKS}/?{urlencode(query)}")

    def read_list(self, seen: Seen) -> TaskPage | None:
        if isinstance(seen, NoReply) or seen.status != 200:
            return None
        body = as_object(read_json(seen.body))
        pages, total, rows = (
            _count(body.get("total_page")),
            _count(body.get("total")),
            body.get("data"),
        )
        if pages is None or total is None or not isinstance(rows, list):
            return None
        tasks = [_listed(row) for row in rows]
        known = tuple(task for task in tasks if task is not None)
        return TaskPage(known, pages, total) if len(known) == len(tasks) else None

    def read_task(self, seen: Seen) -> ListedTask | None:
        output = _output(seen)
        task_id = valid_task_id(output.get("task_id"))
        if task_id is None:
            return None
        prompt, usage = output.get("orig_prompt"), _usage(seen)
        return ListedTask(
            task_id,
            as_text(output.get("task_status"), 60),
            "",
            prompt if isinstance(prompt, str) else None,
            china_instant(output.get("submit_time")),
            china_instant(output.get("end_time")),
            as_number(usage.get("output_video_duration")) or as_number(usage.get("duration")),
            _tier(usage.get("SR")),
        )

    def cancel(self, task_id: str) -> WireRequest:
        return WireRequest("POST", f"{TASKS}/{quote(task_id, safe='')}/cancel")

    def read_cancel(self, seen: Seen) -> CancelOutcome:
        """Documented (reference C.8): 200 with a ``request_id``, or 400
        ``UnsupportedOperation`` for a task that is not PENDING. Any other answer is
        nobody's word about the task."""
        if isinstance(seen, NoReply):
            return CancelUnanswered(clean(seen.reason))
        body = as_object(read_json(seen.body))
        error = read_error(body)
        told = error.message or error.code or f"HTTP {seen.status}"
        if seen.status == 200 and body and not error.code:
            return CancelTaken()
        if seen.status in (400, 404, 409) and error.code:
            return CancelRefused(told)
        return CancelUnanswered(told)

    def cautions(self, request: Request) -> tuple[str, ...]:
        found = []
        if len(request.prompt or "") > PROMPT_LIMIT:
            found.append(
                f"the prompt is {len(request.prompt or '')} characters long; DashScope cuts"
                f" it silently after {PROMPT_LIMIT}"
            )
        if len(request.negative_prompt or "") > NEGATIVE_PROMPT_LIMIT:
            found.append(
                f"the negative prompt is longer than {NEGATIVE_PROMPT_LIMIT} characters;"
                " DashScope cuts it silently"
            )
        return tuple(found)

    def objection(self, request: Request) -> str | None:
        return None


def china_instant(value: object) -> float | None:
    """Unix seconds from ``2026-05-01 10:00:00.123``, which is UTC+8 without saying so;
    numbers are taken as they are."""
    if not isinstance(value, str) or len(value) > 40 or value.isdigit():
        return as_instant(value)
    try:
        moment = datetime.fromisoformat(value.strip())
        return as_instant((moment if moment.tzinfo else moment.replace(tzinfo=_CHINA)).timestamp())
    except (ValueError, OverflowError):
        return None


def _stamp(instant: float) -> str:
    return datetime.fromtimestamp(instant, _CHINA).strftime("%Y%m%d%H%M%S")


def _output(seen: Seen) -> Mapping[str, object]:
    """The reply's ``output``, empty for anything but a whole 200."""
    if isinstance(seen, NoReply) or seen.status != 200:
        return {}
    return as_object(as_object(read_json(seen.body)).get("output"))


def _usage(seen: Seen) -> Mapping[str, object]:
    """What a finished task was billed for."""
    body = as_object(read_json(seen.body)) if not isinstance(seen, NoReply) else {}
    return as_object(body.get("usage"))


def _tier(told: object) -> str:
    """``720P`` for 720, ``"720"`` or ``"720p"``; empty where nothing is told."""
    text = str(told).upper().removesuffix("P") if isinstance(told, (int, str)) else ""
    return f"{text}P" if text.isdecimal() else ""


def _result(output: Mapping[str, object]) -> Succeeded:
    urls = collect_urls(output.get("video_url"), as_object(output.get("results")).get("video_url"))
    done = china_instant(output.get("end_time"))
    ends = [moment for moment in map(url_expiry, urls) if moment is not None]
    expires = max(ends) if ends else None if done is None else done + DAY_LONG.result_s
    return Succeeded(urls, china_instant(output.get("submit_time")), done, expires)


def _listed(row: object) -> ListedTask | None:
    fields = as_object(row)
    task_id = valid_task_id(fields.get("task_id"))
    if task_id is None:
        return None
    created = china_instant(fields.get("gmt_create"))
    return ListedTask(
        task_id,
        as_text(fields.get("status"), 60),
        as_text(fields.get("model_name"), 120),
        None,
        created if created is not None else china_instant(fields.get("start_time")),
        china_instant(fields.get("end_time")),
    )


def _count(value: object) -> int | None:
    return (
        value
        if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 10**9
        else None
    )
