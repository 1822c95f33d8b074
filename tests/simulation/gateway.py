"""The gateway at the other end of an in-memory transport: it answers from its books, or
fails as the scenario's weather has it.

What it may not do: touch the ledger or the files; it tells the world what it saw, and
the world judges.

How it works: one ``Wire`` for each process stands in httpx's transport's place, below
wanbatch's own HTTP layer. What it says is shaped by the seed's protocol, and dated by
the API's own clock, or wrongly. It reports to httpx's trace when the request's first
byte is written, as httpx does, and honours the read timeout that it was given by
sleeping and raising what httpx raises.
"""

from __future__ import annotations

import json
import ssl
from collections.abc import AsyncIterator, Callable
from email.utils import formatdate
from typing import TYPE_CHECKING, Any, NoReturn
from urllib.parse import quote

import anyio
import httpx
from simulation.books import Post, Task
from simulation.circumstances import DATE_OFF_S
from simulation.protocols import DashScopeShapes, instant_of, shapes_of

if TYPE_CHECKING:
    from simulation.process import Process

KEY = "sk-simulated-key-0123456789"
BASE_URL = "https://api.sim.test"
STORE = "results.sim.test"
RETRY_AFTER = (
    "1",
    "7",
    "300",
    "86400",
    "1e12",
    "-5",
    "soon",
    "nan",
    "Fri, 31 Dec 2199 23:59:59 GMT",
    "inf",
    "",
)
PIECES = 4
"""A body comes in so many pieces: each is a place to die."""


class Wire(httpx.AsyncBaseTransport):
    """The network of one process."""

    def __init__(self, process: Process) -> None:
        self.process, self.world = process, process.world
        self.books, self.chance = process.books, self.world.chance
        around = self.world.scenario.around
        protocol = around.protocol if process.books.realm == "paid" else "gateway"
        self.shapes = shapes_of(protocol, around.vocabulary)
        self.posting = 0
        self.has_dated = False

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        self.world.network_call(self.process, request)
        if request.method == "POST":
            return await self._submit(request)
        if self.shapes.is_list(request):
            return await self._list(request)
        if request.url.host == STORE:
            return await self._result(request)
        if request.url.path.endswith("/content"):
            return await self._content(request)
        return await self._status(request)

    # -- the line ----------------------------------------------------------------------

    async def _begin(self, request: httpx.Request) -> None:
        """The first byte is written."""
        await request.extensions["trace"](
            "http11.send_request_headers.started", {"request": request}
        )

    async def _delay(self) -> None:
        await anyio.sleep(self.chance.choice((0.01, 0.05, 0.3, 2.0)))

    async def _time_out(self, request: httpx.Request) -> NoReturn:
        await anyio.sleep(request.extensions["timeout"]["read"] or 60.0)
        raise httpx.ReadTimeout("simulated", request=request)

    async def _no_connection(self, fault: str, request: httpx.Request) -> NoReturn:
        if fault == "connect_timeout":
            await anyio.sleep(request.extensions["timeout"]["connect"] or 15.0)
            raise httpx.ConnectTimeout("simulated", request=request)
        await self._delay()
        error = httpx.ConnectError("simulated", request=request)
        failure = ssl.SSLError(1, "simulated")
        failure.reason = "HANDSHAKE_FAILURE"
        causes: dict[str, Exception] = {
            "tls": failure,
            "refused_connection": ConnectionRefusedError(),
        }
        raise error from causes.get(fault)

    def _json(self, status: int, value: object, **headers: str) -> httpx.Response:
        return self._plain(status, json.dumps(value).encode(), "application/json", **headers)

    def _plain(self, status: int, body: bytes, kind: str, **headers: str) -> httpx.Response:
        told = {
            "content-type": kind,
            **self._date(),
            **{n.replace("_", "-"): v for n, v in headers.items()},
        }
        self.has_dated |= "date" in told and kind == "application/json"
        return httpx.Response(status, headers=told, content=body)

    def _at(self) -> float:
        """The API's idea of the time."""
        return self.world.clock.true() + self.world.scenario.around.server_ahead_s

    def _date(self) -> dict[str, str]:
        """The answer's ``Date``; some answers come through a node whose clock is
        wrong."""
        around, at = self.world.scenario.around, self._at()
        if around.dates and not self.world.clear and self.chance.random() < around.dates_wrong:
            kind = self.chance.choice(around.dates)
            self.world.result.faults[f"date {kind}"] += 1
            if kind == "none":
                return {}
            at = 0.0 if kind == "epoch" else at + DATE_OFF_S[kind]
            self.world.dates_ahead_s = max(self.world.dates_ahead_s, at - self._at())
            self.world.dates_off_s = max(self.world.dates_off_s, abs(at - self._at()))
        return {"date": formatdate(at, usegmt=True)}

    def _error(self, status: int, code: str, message: str, **headers: str) -> httpx.Response:
        """In the API's own shape; some servers echo what they were sent, key and
        all."""
        if self.chance.random() < 0.3 and self.books.realm == "paid":
            message += (
                f" (you sent Authorization: Bearer {KEY}, see"
                f" https://{STORE}/help?Signature=EchoedToken77)"
            )
        return self._json(status, self.shapes.error(code, message), **headers)

    # -- submits -----------------------------------------------------------------------

    async def _submit(self, request: httpx.Request) -> httpx.Response:
        self.world.gate("post")
        fault = self.world.fault("submit")
        if fault in ("dns", "refused_connection", "connect_timeout", "tls"):
            await self._no_connection(fault, request)
        await self._begin(request)
        await self._delay()
        if fault == "timeout_unseen":
            await self._time_out(request)
        if fault == "reset_unseen":
            raise httpx.WriteError("simulated", request=request)
        self.posting += 1
        try:
            body = json.loads(b"".join([part async for part in request.stream]))  # type: ignore[union-attr]
            post = self.world.post_seen(self.process, body)
            self.world.gate("post_seen")
            response = await self._answer(request, post, fault)
            if not self.has_dated:
                self.world.undated.add(post.attempt_id)
            await self._delay()
            self.world.gate("post_answered")
            return response
        finally:
            self.posting -= 1

    async def _answer(
        self, request: httpx.Request, post: Post, fault: str | None
    ) -> httpx.Response:
        if fault is None or fault.endswith("_taken"):
            at = self.world.clock.true()
            if self.books.running(at) >= self.world.scenario.ceiling:
                return self._error(429, "Throttling", "too many tasks are running", retry_after="1")
            task = self.books.accept(post, self.chance, self.world.video)
            self.world.note(
                f"accepted {task.task_id} of attempt {post.attempt_id}; ends"
                f" {task.ends_at - at:.0f} s later {task.error}"
            )
            return await self._lose_reply(request, fault, post) if fault else self._accepted(task)
        return self._refuse(fault, post)

    def _accepted(self, task: Task) -> httpx.Response:
        told = self.shapes.accepted(self._id(task), self._at(), self.chance)
        return self._json(200, told)

    def _id(self, task: Task) -> object:
        """A task's id as the API tells it: some tell numbers."""
        return int(task.task_id) if task.task_id.isdecimal() else task.task_id

    async def _lose_reply(self, request: httpx.Request, fault: str, post: Post) -> httpx.Response:
        match fault:
            case "timeout_taken":
                await self._time_out(request)
            case "reset_taken":
                await self._delay()
                raise httpx.ReadError("simulated", request=request)
            case "closed_taken":
                raise httpx.RemoteProtocolError("simulated", request=request)
            case "short_reply" | "html_200_taken":
                return self._plain(200, b"<html>proxy</html>", "text/html")
            case "bad_id_taken":
                bad = self.chance.choice(("../../etc", "", "a b", "x" * 600, None, f"{KEY}?"))
                if bad == "../../etc":  # it could be an id, and is nobody's
                    self.world.mistaken.add(post.attempt_id)
                return self._json(200, self.shapes.accepted(bad, self._at(), self.chance))
            case "redirect_taken":
                return self._plain(
                    self.chance.choice((300, 301, 302, 303)),
                    b"",
                    "text/html",
                    location=self.chance.choice(("/v1/videos/1", f"https://{STORE}/v1/videos")),
                )
            case "server_error_taken":
                return self._error(
                    self.chance.choice((500, 503, 504, 524)), "InternalError", "try again"
                )
        statuses = {"conflict_taken": 409, "slow_408_taken": 408, "bad_gateway_taken": 502}
        return self._plain(statuses[fault], b"<html><h1>Bad</h1></html>", "text/html")

    def _refuse(self, fault: str, post: Post) -> httpx.Response:
        later = {"retry_after": word} if (word := self.chance.choice(RETRY_AFTER)) else {}
        if fault == "duplicate_id" and self.books.tasks:
            self.world.mistaken.add(post.attempt_id)
            again = self.books.tasks[self.chance.choice(sorted(self.books.tasks))]
            return self._accepted(again)
        answers: dict[str, Callable[[], httpx.Response]] = {
            "too_early": lambda: self._plain(425, b"", "text/plain", **later),
            "rate": lambda: self._error(
                429, "Throttling.RateQuota", "Requests rate limit exceeded", **later
            ),
            "concurrency": lambda: self._error(
                429, "Throttling", "too many tasks in flight", **later
            ),
            "unknown_limit": lambda: self._error(429, "Throttling", "please slow down", **later),
            "empty_429": lambda: self._plain(429, b"", "text/plain", **later),
            "html_429": lambda: self._plain(429, b"<html>slow down</html>", "text/html", **later),
            "quota": lambda: self._error(
                429, "Throttling.AllocationQuota", "allocated quota exceeded"
            ),
            "bill": lambda: self._error(429, "PrepaidBillOverdue", "the bill is overdue"),
            "key": lambda: self._error(401, "InvalidApiKey", "bad key"),
            "no_credit": lambda: self._error(402, "Arrearage", "no credit"),
            "forbidden": lambda: self._error(403, "AccessDenied", "not yours"),
            "redirect": lambda: self._plain(
                307, b"", "text/plain", location=f"https://{STORE}/v1/videos"
            ),
            "rejected": lambda: self._error(400, "InvalidParameter", "the prompt is too long"),
            "not_found": lambda: self._error(404, "not_found", "no such thing"),
            "too_large": lambda: self._error(413, "too_large", "too large"),
            "html_400": lambda: self._plain(400, b"<html>bad</html>", "text/html"),
            "server_error": lambda: self._error(500, "InternalError", "try again"),
            "conflict": lambda: self._plain(409, b"", "text/plain"),
        }
        return answers.get(
            fault, lambda: self._json(200, self.shapes.accepted("..", self._at(), self.chance))
        )()

    # -- queries -----------------------------------------------------------------------

    async def _status(self, request: httpx.Request) -> httpx.Response:
        task_id = self.shapes.asked_for(request)
        self.world.asked(self.process, task_id)
        fault = self.world.fault("poll")
        if fault == "connect":
            await self._no_connection("refused_connection", request)
        await self._begin(request)
        await self._delay()
        self.world.polled(self.process, task_id)
        if fault == "timeout":
            await self._time_out(request)
        if fault == "reset":
            raise httpx.ReadError("simulated", request=request)
        if fault is not None:
            return self._mislead(task_id, fault)
        task = self.books.tasks.get(task_id)
        return self._unknown_task(task_id) if task is None else self._tell(task)

    def _unknown_task(self, task_id: str) -> httpx.Response:
        return self._json(self.shapes.unknown_status, self.shapes.unknown(task_id))

    def _tell(self, task: Task) -> httpx.Response:
        """The truth about a task, by the API's own clock."""
        at, ahead_s = self.world.clock.true(), self.world.scenario.around.server_ahead_s
        began, ended = task.created_at + ahead_s, task.ends_at + ahead_s
        if task.forgotten(at):
            return self._forgotten(task)
        if at < task.ends_at:
            return self._json(200, self.shapes.running(self._id(task), began, self.chance))
        if task.says_failed(at):
            self.books.told_failed.append((at, task.task_id))
            error = task.error or "InternalError"
            told = self.shapes.failed(self._id(task), began, ended, error, self.chance)
            return self._json(200, told)
        shape = self.world.scenario.url_shape
        url = "" if shape == "content" and self.shapes.kind == "gateway" else self._signed(task)
        return self._json(
            200,
            self.shapes.finished(self._id(task), began, ended, url, task.prompt, self.chance),
        )

    def _signed(self, task: Task) -> str:
        """A fresh link to the task's video, which lives as long as the seed's links
        do."""
        life_s = self.world.scenario.around.link_life_s
        until = min(self.world.clock.true() + life_s, task.turns_at + 86_400.0)
        query = f"Expires={int(until)}&OSSAccessKeyId=LTAIx&Signature={task.token}"
        return f"https://{STORE}/{task.token}.mp4?{query}"

    def _forgotten(self, task: Task) -> httpx.Response:
        match self.world.scenario.forgets_by:
            case "failed" if self.shapes.kind == "gateway":
                error = {"code": "", "message": "task expired"}
                return self._json(200, self.shapes.said(self._id(task), "failed", error=error))
            case "not_exist":
                return self._unknown_task(task.task_id)
            case _:
                return self._json(200, self.shapes.said(self._id(task), "UNKNOWN"))

    async def _list(self, request: httpx.Request) -> httpx.Response:
        """The account's tasks between two instants, newest first, and up to 100 s
        behind."""
        assert isinstance(self.shapes, DashScopeShapes)
        fault = self.world.fault("poll")
        if fault == "connect":
            await self._no_connection("refused_connection", request)
        await self._begin(request)
        seen_until = self._at() - self.chance.uniform(0.0, 100.0)
        await self._delay()
        if fault is not None:
            return self._error(503, "InternalError", "try again")
        asked = request.url.params
        since, until = instant_of(asked["start_time"]), instant_of(asked["end_time"])
        ahead_s, now = self.world.scenario.around.server_ahead_s, self.world.clock.true()
        rows = [
            (self._id(task), task.created_at + ahead_s, self._listed_state(task, now))
            for task in self.books.tasks.values()
            if since <= task.created_at + ahead_s <= min(until, seen_until)
            and now - task.created_at < 86_400.0
        ]
        self.process.listed |= {str(task_id) for task_id, _, _ in rows}
        page, size = int(asked["page_no"]), int(asked["page_size"])
        return self._json(200, self.shapes.listed(rows[::-1], page, size, self.chance))

    def _listed_state(self, task: Task, at: float) -> str:
        """What the list says of a task; some lists come from a cache."""
        if at < task.ends_at or self.world.scenario.around.stale_list:
            return "RUNNING"
        return "FAILED" if task.says_failed(at) else "SUCCEEDED"

    def _mislead(self, task_id: str, fault: str) -> httpx.Response:
        """Answers that prove nothing about the task, whatever they look like."""
        others = [t for t in self.books.tasks.values() if t.task_id != task_id]
        later = {"retry_after": word} if (word := self.chance.choice(RETRY_AFTER)) else {}
        answers: dict[str, Callable[[], httpx.Response]] = {
            "server_error": lambda: self._error(
                self.chance.choice((500, 502, 503)), "InternalError", "try again"
            ),
            "html": lambda: self._plain(200, b"<html>ok</html>", "text/html"),
            "throttled": lambda: self._error(429, "Throttling", "slow down", **later),
            "unknown_word": lambda: self._json(
                200,
                self.shapes.said(
                    task_id, self.chance.choice(("unknown", "paused", "NULL", "reviewing"))
                ),
            ),
            "error_beside_running": lambda: self._json(
                200,
                self.shapes.said(task_id, "RUNNING", error={"code": "oops", "message": "failed"}),
            ),
            "falling_progress": lambda: self._json(
                200,
                self.shapes.said(
                    task_id, "RUNNING", progress=self.chance.choice(("5%", 3, "-1", 1e400))
                ),
            ),
            "another_task": lambda: (
                self._tell(self.chance.choice(others)) if others else self._unknown_task(task_id)
            ),
            "forbidden": lambda: self._error(403, "AccessDenied", "this token may not query"),
            "not_found": lambda: self._error(404, "not_found", "no such video"),
            "not_exist": lambda: self._unknown_task(task_id),
            "nonsense": lambda: self._json(200, [1, 2, {"status": "failed"}]),
            "shorn": lambda: self._plain(200, b'{"id": "x", "status": "comple', "application/json"),
            "conflict": lambda: self._plain(409, b"", "text/plain"),
        }
        return answers[fault]()

    # -- results -----------------------------------------------------------------------

    async def _result(self, request: httpx.Request) -> httpx.Response:
        self.world.check_stranger(request)
        task = self.books.by_token(request.url.path.strip("/").removesuffix(".mp4"))
        await self._delay()
        if task is None or f"Signature={task.token}" not in str(request.url):
            return self._plain(404, b"", "text/plain")
        is_over = self.world.clock.true() > float(request.url.params["Expires"])
        if is_over or not task.charged(self.world.clock.true()):
            return self._plain(403, b"<Error>AccessDenied</Error>", "application/xml")
        return await self._send(request, task)

    async def _content(self, request: httpx.Request) -> httpx.Response:
        task_id = self.shapes.asked_for(request)
        self.books.content_asked.add(task_id)
        await self._delay()
        task, at = self.books.tasks.get(task_id), self.world.clock.true()
        if task is None or task.forgotten(at):
            return self._error(404, "not_found", "no such video")
        if not task.charged(at):
            return self._error(400, "not_ready", "not ready")
        return await self._send(request, task)

    async def _send(self, request: httpx.Request, task: Task) -> httpx.Response:
        fault, body, chance = self.world.fault("download"), task.body, self.chance
        if fault == "connect":
            await self._no_connection("refused_connection", request)
        kind = {"content-type": "video/mp4"}
        length = {**kind, "content-length": str(len(body))}
        inside_a_box = len(self.world.video) - 8
        answers: dict[str | None, Callable[[], httpx.Response]] = {
            None: lambda: _flow(length, body),
            "reset": lambda: _flow(length, body, breaks_at=chance.randrange(len(body))),
            "short": lambda: _flow(length, body[: chance.randrange(len(body))]),
            "no_length_short": lambda: _flow({}, body[: chance.randrange(1, inside_a_box)]),
            "other_video_cut": lambda: _flow(
                kind, self.world.video[: chance.randrange(1, inside_a_box)]
            ),
            "foreign": lambda: _flow(
                {**kind, "content-length": "40"}, b"\x89PNG\r\n\x1a\n" + b"x" * 32
            ),
            "html": lambda: self._plain(200, b"<html>please log in</html>", "text/html"),
            "stall": lambda: _flow(length, body, breaks_at=len(body) // PIECES, waits_s=60.0),
            "trickle": lambda: _flow(length, body, waits_s=25.0),
            "expired_link": lambda: self._plain(
                403, b"<Error>AccessDenied</Error>", "application/xml"
            ),
            "redirect": lambda: httpx.Response(302, headers={"location": self._signed(task)}),
            "redirect_home": lambda: httpx.Response(
                307,
                headers={
                    "location": f"{BASE_URL}/v1/videos/{quote(task.task_id, safe='')}/content"
                },
            ),
            "no_length": lambda: _flow(kind, body),
            "empty": lambda: _flow({"content-length": "0"}, b""),
            "server_error": lambda: self._error(503, "InternalError", "try again"),
        }
        return answers[fault]()


def _flow(
    headers: dict[str, str], body: bytes, breaks_at: int | None = None, waits_s: float = 0.05
) -> httpx.Response:
    return httpx.Response(200, headers=headers, stream=Flow(body, breaks_at, waits_s))


class Flow(httpx.AsyncByteStream):
    """A body that comes in pieces, slowly, and may break."""

    def __init__(self, body: bytes, breaks_at: int | None = None, waits_s: float = 0.05) -> None:
        self._body, self._breaks_at, self._waits_s = body, breaks_at, waits_s

    async def __aiter__(self) -> AsyncIterator[bytes]:
        end = len(self._body) if self._breaks_at is None else self._breaks_at
        step = max(1, len(self._body) // PIECES)
        for start in range(0, end, step):
            await anyio.sleep(self._waits_s)
            yield self._body[start : min(end, start + step)]
        if self._breaks_at is not None:
            raise httpx.ReadError("simulated")

    async def aclose(self) -> None:
        """Nothing is held open."""


def printable(request: httpx.Request) -> str:
    """A request as the log shows it."""
    return f"{request.method} {request.url.host}{request.url.path}"


def text_of(value: Any) -> str:
    """Everything that a value would show or write."""
    return repr(value)
