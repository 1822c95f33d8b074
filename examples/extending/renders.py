"""A dialect of another API, as a package of its own would bring it: it imports
``wanbatch.model`` and nothing else of wanbatch.

The API is made up. ``POST /renders`` answers 201 with ``{"render": {"id": …}}``;
``GET /renders/ID`` answers with a phase: queued, drawing, ready (with a link), broken.
``pyproject.toml`` beside this file registers the dialect under the name ``renders``.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from wanbatch.model.job import MediaType
from wanbatch.model.outcomes import (
    Accepted,
    Failed,
    NotAccepted,
    PollOutcome,
    ProbeFailed,
    ProbeOutcome,
    ProbePassed,
    Rejected,
    Running,
    SubmitOutcome,
    Succeeded,
    Uncertain,
    Unreadable,
)
from wanbatch.model.plan import Request
from wanbatch.model.wire import NoReply, Reply, Seen, WireRequest

PHASES = {"queued", "drawing"}


class Renders:
    """``/renders`` of an API that is made up."""

    kind = "renders"

    def submit(self, request: Request, urls: Mapping[MediaType, str]) -> WireRequest:
        asked = {
            "prompt": request.prompt or "",
            "length": request.seconds,
            "tier": request.size,
            "seed": request.seed,
            "inputs": [{"role": ref.type, "href": urls[ref.type]} for ref in request.media],
        }
        headers = {"content-type": "application/json"}
        return WireRequest("POST", "/renders", headers, json.dumps(asked).encode())

    def read_submit(self, seen: Seen) -> SubmitOutcome:
        """Only what proves that nothing was taken may be sent again; all else is
        doubtful."""
        if isinstance(seen, NoReply):
            sent = seen.may_have_been_sent
            return Uncertain(seen.reason) if sent else NotAccepted(seen.reason)
        if seen.status == 429:
            return NotAccepted("too many requests")
        if seen.status == 422:
            return Rejected("invalid", str(_fields(seen).get("why", "refused")))
        task_id = _fields(seen).get("id")
        if seen.status == 201 and isinstance(task_id, str) and task_id:
            return Accepted(task_id)
        return Uncertain(f"HTTP {seen.status} without an id")

    def status(self, task_id: str) -> WireRequest:
        return WireRequest("GET", f"/renders/{quote(task_id, safe='')}")

    def read_status(self, seen: Seen, submitted_at: float, now: float) -> PollOutcome:
        if isinstance(seen, NoReply):
            return Unreadable(seen.reason)
        render = _fields(seen)
        match render.get("phase"):
            case "ready":
                link = render.get("link")
                return Succeeded((link,) if isinstance(link, str) else ())
            case "broken":
                return Failed("broken", str(render.get("why", "")))
            case str(word):
                return Running(word, known=word in PHASES)
            case _:
                return Unreadable(f"HTTP {seen.status} without a phase")

    def content(self, task_id: str) -> WireRequest | None:
        return None

    def probe(self) -> WireRequest:
        return self.status("is-anybody-there")

    def read_probe(self, seen: Seen) -> ProbeOutcome:
        if isinstance(seen, Reply) and seen.status == 404:
            return ProbePassed()
        return ProbeFailed("it does not answer as this API does", "check the base URL and the key")


def _fields(reply: Reply) -> dict[str, Any]:
    """The ``render`` of an answer; nothing where it has none."""
    try:
        found = json.loads(reply.body).get("render")
    except (ValueError, AttributeError):
        return {}
    return found if isinstance(found, dict) else {}
