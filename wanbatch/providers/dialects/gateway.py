"""The gateway's wire format: ``/v1/videos`` with a top-level ``media`` list, as the
seed document has it. The emulator speaks it too.

What it may not do: I/O, or send a field that the request does not state.

How it works: strict in what it sends (``seconds`` is a string, or the server refuses
the body; size, seconds, prompt_extend and watermark always stand, because the layers'
defaults differ), tolerant in what it reads (see ``reading``). Three error shapes come
from one server; an unknown id is a 400 ``task_not_exist``; ``unknown`` passes by; the
result's address may be empty, and then only the content route has the bytes.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from urllib.parse import quote

from wanbatch.model.job import MediaType
from wanbatch.model.lifecycle import DAY_LONG
from wanbatch.model.outcomes import (
    PollOutcome,
    ProbeFailed,
    ProbeOutcome,
    ProbePassed,
    SubmitOutcome,
)
from wanbatch.model.plan import Request
from wanbatch.model.wire import NoReply, Reply, Seen, WireRequest
from wanbatch.providers.dialects.reading import (
    ApiError,
    as_object,
    clean,
    is_missing,
    judge_submit,
    read_error,
    read_json,
    unreadable,
)
from wanbatch.providers.dialects.status_reply import read_task_reply

SKIP_PROBE = 'if its other answers are right, write probe = "skip" into its profile'
IMPOSSIBLE_ID = "task_wanbatch_asks_whether_you_are_there"
_TOLD = (200, 201, 202)
"""Some gateways answer 202 as long as a task runs."""
_JSON = {"content-type": "application/json"}


class Gateway:
    """OpenAI-style videos with Wan's media list."""

    kind = "gateway"
    retention = DAY_LONG

    def submit(self, request: Request, urls: Mapping[MediaType, str]) -> WireRequest:
        return WireRequest("POST", "/v1/videos", _JSON, encode(self.fields(request, urls)))

    def fields(self, request: Request, urls: Mapping[MediaType, str]) -> dict[str, object]:
        """The body, before it is encoded."""
        fields: dict[str, object] = {"model": request.model, "media": media_list(request, urls)}
        if request.prompt is not None:
            fields["prompt"] = request.prompt
        if request.negative_prompt is not None:
            fields["negative_prompt"] = request.negative_prompt
        return fields | {
            "seconds": str(request.seconds),
            "size": request.size,
            "seed": request.seed,
            "prompt_extend": request.prompt_extend,
            "watermark": request.watermark,
        }

    def read_submit(self, seen: Seen) -> SubmitOutcome:
        return judge_submit(seen)

    def status(self, task_id: str) -> WireRequest:
        return WireRequest("GET", f"/v1/videos/{quote(task_id, safe='')}")

    def read_status(self, seen: Seen, submitted_at: float, now: float) -> PollOutcome:
        return self.read_task_status(seen, "", submitted_at, now)

    def read_task_status(
        self, seen: Seen, task_id: str, submitted_at: float, now: float
    ) -> PollOutcome:
        if isinstance(seen, NoReply) or seen.status not in _TOLD:
            return unreadable(seen)
        return read_task_reply(read_json(seen.body), task_id) or unreadable(seen)

    def content(self, task_id: str) -> WireRequest | None:
        return WireRequest("GET", f"/v1/videos/{quote(task_id, safe='')}/content")

    def probe(self) -> WireRequest:
        return self.status(IMPOSSIBLE_ID)

    def read_probe(self, seen: Seen) -> ProbeOutcome:
        if isinstance(seen, NoReply):
            return ProbeFailed(clean(seen.reason), "check the base URL and the network")
        body = read_json(seen.body)
        error = read_error(body)
        if seen.status in (401, 402, 403):
            return _judge_key(seen, error)
        if _is_wrong_route(error) or not (
            _names_missing_task(seen, error) or _is_video(seen, body)
        ):
            return _not_the_api(seen, error)
        return ProbePassed()


def encode(fields: Mapping[str, object]) -> bytes:
    """JSON in ASCII: a prompt with a stray surrogate goes through as its escape and
    cannot break the encoding."""
    return json.dumps(fields, ensure_ascii=True, allow_nan=False, separators=(",", ":")).encode(
        "ascii"
    )


def media_list(request: Request, urls: Mapping[MediaType, str]) -> list[dict[str, str]]:
    return [{"type": ref.type, "url": urls[ref.type]} for ref in request.media]


def _judge_key(reply: Reply, error: ApiError) -> ProbeOutcome:
    told = error.message or f"HTTP {reply.status}"
    if (
        reply.status == 403
        and error.enveloped
        and ("模型" in error.message or "model" in error.message.lower())
    ):
        return (
            ProbePassed()
        )  # a token bound to some models: a status query names none, and is refused for that alone
    if reply.status == 401:
        return ProbeFailed(
            f"the key was refused: {told}",
            "check the environment variable that holds this backend's key",
        )
    return ProbeFailed(
        f"the key is known but may not query: {told}",
        "check the account's balance, the key's permissions and its allowed addresses",
    )


def _names_missing_task(reply: Reply, error: ApiError) -> bool:
    return reply.status in (400, 404, 422) and error.enveloped


def _is_wrong_route(error: ApiError) -> bool:
    """New-api and FastAPI answer an unknown *route* in the same shape as an unknown
    task."""
    return error.message.startswith("Invalid URL") or (
        error.message in ("Not Found", "Method Not Allowed") and not error.code
    )


def _is_video(reply: Reply, body: object) -> bool:
    fields = as_object(body)
    return (
        reply.status == 200
        and isinstance(fields.get("status"), str)
        and ("id" in fields or "task_id" in fields)
    )


def _not_the_api(reply: Reply, error: ApiError) -> ProbeFailed:
    said = ": ".join(part for part in (error.code, error.message) if part)
    told = f"HTTP {reply.status}: {said}" if said else f"HTTP {reply.status}"
    if is_missing(error):
        return ProbeFailed(f"it says of a task that cannot exist: {told}", SKIP_PROBE)
    if reply.status == 429 or reply.status >= 500:
        return ProbeFailed(
            f"the backend is not available now ({told})",
            "try again in a minute; where it always says so, " + SKIP_PROBE,
        )
    if 300 <= reply.status < 400:
        return ProbeFailed(
            f"the base URL redirects (HTTP {reply.status})",
            "set the base URL to the API's own root, with https://",
        )
    return ProbeFailed(
        f"what answers there does not speak this protocol ({told})",
        "check the base URL: it is the API's root, such as https://api.example.com",
    )
