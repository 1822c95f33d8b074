"""Stands before all routes: counts calls, holds the rate limits, plays the fault
script.

What it may not do: answer a request by itself, but for a limit or a scripted fault.

How it works: an ASGI application around the real one. A call that nothing befalls goes
straight through. A limit is a window of the last second. A fault that spoils an answer
lets the real application answer into memory first (``after``), or never asks it
(``before``); ``injection`` does the spoiling.
"""

from __future__ import annotations

import re
import time
import uuid
from collections import Counter, deque
from dataclasses import dataclass, field
from email.utils import formatdate

from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from wanbatch.emulator.faults.injection import FaultInjection
from wanbatch.emulator.faults.script import DATES, FATES, Faults, Rule
from wanbatch.emulator.ids import MADE_FORMS, route_path
from wanbatch.emulator.protocols import dashscope, gateway
from wanbatch.emulator.protocols.http_answers import json_answer
from wanbatch.emulator.service import Service
from wanbatch.emulator.settings import EmulatorSettings
from wanbatch.emulator.task import EndKind, ScriptedEnd
from wanbatch.emulator.whereabouts import Whereabouts

_ROUTES: tuple[tuple[str, str, re.Pattern[str]], ...] = (
    (
        "submit",
        "POST",
        re.compile(r"/v1/videos|/api/v1/services/aigc/video-generation/video-synthesis"),
    ),
    ("status", "GET", re.compile(r"/v1/videos/[^/]+|/api/v1/tasks/[^/]+")),
    ("content", "GET", re.compile(r"/v1/videos/[^/]+/content|/results/[^/]+")),
    ("list", "GET", re.compile(r"/api/v1/tasks/?")),
    ("cancel", "POST", re.compile(r"/api/v1/tasks/[^/]+/cancel")),
    ("media", "PUT", re.compile(r"/media/[^/]+")),
    ("upload", "GET", re.compile(r"/api/v1/uploads")),
    ("upload", "POST", re.compile(r"/oss/?")),
)


def route_of(method: str, path: str) -> str:
    """The word for what is called, as a fault script has it; ``other`` for everything
    else."""
    return next(
        (word for word, verb, pattern in _ROUTES if verb == method and pattern.fullmatch(path)),
        "other",
    )


@dataclass(slots=True)
class Window:
    """At most ``limit`` calls in any second; no limit where it is ``None``."""

    limit: float | None
    _calls: deque[float] = field(default_factory=deque)

    def admit(self, now: float) -> bool:
        """Whether a call at ``now`` (seconds of any clock) is within the limit; a
        refused call does not count."""
        if self.limit is None:
            return True
        while self._calls and now - self._calls[0] >= self._span():
            self._calls.popleft()
        if len(self._calls) >= max(1, int(self.limit)):
            return False
        self._calls.append(now)
        return True

    def _span(self) -> float:
        """A limit under one a second is one call in a longer window."""
        return max(1.0, 1.0 / (self.limit or 1.0))


class FaultMiddleware:
    """The ASGI application that the server calls."""

    def __init__(
        self, inner: ASGIApp, service: Service, injection: FaultInjection, whereabouts: Whereabouts
    ) -> None:
        self._inner = inner
        self._service = service
        self._injection = injection
        self._whereabouts = whereabouts
        self._retry_after_s = service.settings.retry_after_s
        self._windows = windows(service.settings)
        self.faults = Faults(service.settings.script)
        self.calls: Counter[str] = Counter()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        if scope.get("raw_path"):
            scope["path"] = route_path(scope["raw_path"])
        route = route_of(scope["method"], scope["path"])
        self.calls[route] += 1
        refusal = self._limit(route)
        if refusal:
            await self._refuse(refusal, scope, receive, dated(send))
            return
        rule = None
        if self.faults:
            rule = self.faults.choose(route, self._whereabouts.call(route, scope["path"]))
        await self._play(rule, scope, receive, send)

    async def _play(self, rule: Rule | None, scope: Scope, receive: Receive, send: Send) -> None:
        if rule is None:
            await self._inner(scope, receive, dated(send))
            return
        if rule.act in DATES:
            ahead_s = rule.number("seconds", 0.0) if rule.act == "wrong_date" else None
            await self._inner(scope, receive, dated(send, ahead_s))
            return
        destiny = destiny_of(rule)
        if destiny is not None:
            scope["wanbatch.destiny"] = destiny
        if rule.act in FATES or (destiny is not None and destiny.id_form):
            await self._inner(scope, receive, dated(send))
        else:
            await self._injection.spoil(rule, self._inner, scope, receive, dated(send))

    def _limit(self, route: str) -> str:
        window = self._windows.get(route)
        if window is not None and not window.admit(time.monotonic()):
            return "rate"
        refuses = self._service.settings.over_limit == "refuse"
        return "concurrency" if route == "submit" and refuses and self._service.full else ""

    async def _refuse(self, why: str, scope: Scope, receive: Receive, send: Send) -> None:
        async for _ in Request(scope, receive).stream():
            pass
        headers = {} if self._retry_after_s is None else {"retry-after": f"{self._retry_after_s:g}"}
        await json_answer(too_many(scope["path"], why), 429, headers)(scope, receive, send)


def windows(settings: EmulatorSettings) -> dict[str, Window]:
    """The limits by route: submits by themselves, queries, lists and cancels
    together."""
    queries = Window(settings.queries_per_second)
    return {
        "submit": Window(settings.submits_per_second),
        "status": queries,
        "list": queries,
        "cancel": queries,
    }


def too_many(path: str, why: str) -> dict[str, object]:
    """The 429 of the API that ``path`` belongs to."""
    if not path.startswith("/api/"):
        return gateway.task_error(
            "fail_to_fetch_task",
            "The upstream load of the current group is saturated, please try again later",
        )
    message = (
        "Requests rate limit exceeded, please try again later."
        if why == "rate"
        else "Too many running tasks, please try again later."
    )
    return dashscope.error(
        "Throttling.RateQuota" if why == "rate" else "Throttling", message, str(uuid.uuid4())
    )


def dated(send: Send, ahead_s: float | None = 0.0) -> Send:
    """Sends answers with a ``Date`` that is so many seconds ahead, or with none."""
    if ahead_s is None:
        return send
    date = formatdate(time.time() + ahead_s, usegmt=True).encode("ascii")

    async def send_dated(message: Message) -> None:
        if message["type"] == "http.response.start":
            message = {**message, "headers": [(b"date", date), *message.get("headers", [])]}
        await send(message)

    return send_dated


def destiny_of(rule: Rule) -> ScriptedEnd | None:
    """What a rule makes of the task that this submit creates; ``None`` where it spoils
    an answer."""
    if rule.act == "strange_id":
        form = rule.text("form", "base64")
        return ScriptedEnd(id_form=form) if form in MADE_FORMS else None
    if rule.act not in FATES:
        return None
    if rule.act == "fail":
        code = rule.text("code", "InternalError.Algo")
        return ScriptedEnd(EndKind.FAILS, code, rule.text("message", f"the task ended with {code}"))
    if rule.act == "late":
        return ScriptedEnd(late_s=rule.number("seconds", 60.0))
    return ScriptedEnd(EndKind.FOREVER if rule.act == "forever" else EndKind.LOST)
