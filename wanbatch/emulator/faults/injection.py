"""Spoils answers as a fault script says: below HTTP (reset, silence, half a body) and
within it (wrong codes, wrong shapes).

What it may not do: decide when (``script`` does), touch a task.

How it works: a fault ``before`` reads the request and never shows it to the
application; the others let the application answer into memory and send something else.
What HTTP libraries refuse to write is written to the connection's transport by hand;
``protocol`` puts that transport into the scope.
"""

from __future__ import annotations

import asyncio
import contextlib
import gzip
import json
import socket
import struct
import uuid
import zlib
from collections.abc import Iterable
from dataclasses import dataclass, field
from http import HTTPStatus

from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from wanbatch.emulator.faults.rewording import misplaced_id, put_at, readdressed, reworded
from wanbatch.emulator.faults.script import Rule
from wanbatch.emulator.ids import new_task_id
from wanbatch.emulator.protocols import dashscope, gateway
from wanbatch.emulator.protocols.http_answers import new_request_id
from wanbatch.emulator.whereabouts import Whereabouts

FOREVER_S = 86_400.0
"""A day: longer than any client waits."""
CHUNK_BYTES = 65_536
"""What a server on loopback writes at a time; a cut falls between two of them."""
_KNOWN = frozenset(status.value for status in HTTPStatus)
_BAD_ID = "../../etc/passwd"
_HTML = (
    "<html>\r\n<head><title>{status} {phrase}</title></head>\r\n<body><center><h1>{status}"
    " {phrase}</h1></center><hr></body>\r\n</html>\r\n"
)


@dataclass(slots=True)
class Answer:
    """A whole HTTP answer in memory."""

    status: int = 200
    headers: list[tuple[str, str]] = field(default_factory=list)
    body: bytes = b""

    def without(self, *names: str) -> list[tuple[str, str]]:
        return [(k, v) for k, v in self.headers if k.lower() not in names]


class FaultInjection:
    """Spoils the answers of one emulator."""

    def __init__(self, base_url: str, other_origin: str, whereabouts: Whereabouts) -> None:
        self._base_url = base_url
        self._other_origin = other_origin
        self._whereabouts = whereabouts
        self._last_id = ""

    async def spoil(
        self, rule: Rule, inner: ASGIApp, scope: Scope, receive: Receive, send: Send
    ) -> None:
        """Answers this call as ``rule`` has it."""
        asked = (
            rule.after
            or rule.act in _OF_AN_ANSWER
            or (rule.act == "stall" and rule.route != "submit")
        )
        if rule.act == "other_task":
            scope["path"] = self._whereabouts.path_of_another(scope["path"]) or scope["path"]
        real = await answered(inner, scope, receive) if asked else await unanswered(scope, receive)
        if rule.act == "stall":
            await pause(rule.number("seconds", FOREVER_S), receive)
            await (tell(real, send) if asked else hang_up(scope, receive))
        elif rule.act in ("reset", "close"):
            await hang_up(scope, receive, hard=rule.act == "reset")
        elif rule.act == "slow":
            await drip(real, send, rule.number("bytes_per_second", 1024.0))
        elif rule.act in ("short_body", "no_length", "chunked"):
            await self._raw(rule, real, scope, receive)
        else:
            if rule.act == "answer" and "seconds" in rule.details:
                await pause(rule.number("seconds", 0.0), receive)
            await tell(self._changed(rule, real, scope["path"]), send)

    async def _raw(self, rule: Rule, real: Answer, scope: Scope, receive: Receive) -> None:
        """An answer that ends with the connection: too early, or without having said
        how long it is."""
        kept = real.without("content-length", "transfer-encoding", "connection")
        share = rule.number("share", 1.0 if rule.act == "no_length" else 0.5)
        length = {
            "short_body": [("content-length", str(len(real.body)))],
            "chunked": [("transfer-encoding", "chunked")],
        }.get(rule.act, [])
        body = real.body[: int(len(real.body) * share)]
        if rule.act == "chunked":
            body = chunked(body, ended=rule.details.get("ended") is True)
        await hang_up(
            scope,
            receive,
            said=head_of(real.status, [*kept, *length, ("connection", "close")]) + body,
        )

    def _changed(self, rule: Rule, real: Answer, path: str) -> Answer:
        if rule.act == "answer":
            return scripted(rule)
        if rule.act == "redirect":
            return Answer(
                int(rule.number("status", 302)),
                [("location", self._elsewhere(rule, path)), ("content-length", "0")],
            )
        if rule.act == "huge_body":
            pad = b" " * int(rule.number("megabytes", 64.0) * 1024 * 1024)
            return Answer(real.status, real.without("content-length"), real.body + pad)
        if rule.act in ("coded", "append"):
            return changed_file(rule, real)
        if rule.act == "address" and rule.route == "content":
            where = self._address(rule, path)
            placed = json.dumps(put_at({}, rule.text("at", "url").split("."), where)).encode()
            return Answer(200, [("content-type", "application/json")], placed)
        body = self._changed_json(rule, real.body, path)
        return Answer(real.status, real.without("content-length"), body)

    def _elsewhere(self, rule: Rule, path: str) -> str:
        to = rule.text("to", "other")
        if to not in ("self", "other"):
            return to
        link = self._whereabouts.link(path) or self._base_url + path
        return link if to == "self" else link.replace(self._base_url, self._other_origin, 1)

    def _address(self, rule: Rule, path: str) -> str:
        """The address that an ``address`` rule puts into an answer."""
        to = rule.text("to", "link")
        life_s = rule.number("seconds", 0.0) or None
        content = self._whereabouts.content_path(path)
        known = {"link": self._whereabouts.link(path, life_s), "relative": content}
        return self._base_url + content if to == "content" else known.get(to, to)

    def _changed_json(self, rule: Rule, body: bytes, path: str) -> bytes:
        try:
            value = json.loads(body)
        except ValueError:
            return body
        if rule.act == "wrong_types":
            return json.dumps(wrongly_typed(value)).encode()
        if rule.act in _REWORDING:
            return json.dumps(self._reworded(rule, value, path), ensure_ascii=False).encode()
        new_id = rule.text("id", _BAD_ID) if rule.act == "invalid_id" else self._last_id
        self._last_id = first_id(value) or self._last_id
        return json.dumps(with_id(value, new_id or first_id(value))).encode()

    def _reworded(self, rule: Rule, value: object, path: str) -> object:
        if not isinstance(value, dict):
            return value
        match rule.act:
            case "say":
                return reworded(rule, value)
            case "address":
                at = rule.text("at", "metadata.url")
                return readdressed(value, at, self._address(rule, path))
            case "strange_id":
                return misplaced_id(rule.text("form"), value)
        other = self._whereabouts.task_at(path)
        is_other = other is not None and self._whereabouts.path_of_another(path)
        return value if is_other else with_id(value, new_task_id())


_REWORDING = frozenset({"say", "address", "strange_id", "other_task"})
_OF_AN_ANSWER = _REWORDING | {
    "slow", "short_body", "no_length", "huge_body", "wrong_types", "duplicate_id", "invalid_id",
    "coded", "append", "chunked",
}  # fmt: skip
"""Acts that spoil a real answer, so that the application must have answered."""


async def answered(inner: ASGIApp, scope: Scope, receive: Receive) -> Answer:
    """What the application answers, in memory."""
    answer = Answer()

    async def keep(message: Message) -> None:
        if message["type"] == "http.response.start":
            answer.status = message["status"]
            answer.headers = [
                (k.decode("latin-1"), v.decode("latin-1")) for k, v in message["headers"]
            ]
        else:
            answer.body += message.get("body", b"")

    await inner(scope, receive, keep)
    return answer


async def unanswered(scope: Scope, receive: Receive) -> Answer:
    """Reads the request to its end and shows it to nobody."""
    async for _ in Request(scope, receive).stream():
        pass
    return Answer()


async def pause(seconds: float, receive: Receive) -> None:
    """Waits, but no longer than the client does."""
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            while (await receive())["type"] != "http.disconnect":
                pass


async def tell(answer: Answer, send: Send) -> None:
    """Sends a whole answer, its length declared."""
    headers = [*answer.without("content-length"), ("content-length", str(len(answer.body)))]
    await send(
        {"type": "http.response.start", "status": answer.status, "headers": _encoded(headers)}
    )
    await send({"type": "http.response.body", "body": answer.body})


async def drip(answer: Answer, send: Send, bytes_per_second: float) -> None:
    """Sends a whole answer, its body in small pieces."""
    headers = [*answer.without("content-length"), ("content-length", str(len(answer.body)))]
    await send(
        {"type": "http.response.start", "status": answer.status, "headers": _encoded(headers)}
    )
    step = max(1, int(bytes_per_second / 10))
    for i in range(0, len(answer.body), step):
        await send(
            {"type": "http.response.body", "body": answer.body[i : i + step], "more_body": True}
        )
        await asyncio.sleep(step / bytes_per_second)
    await send({"type": "http.response.body", "body": b""})


async def hang_up(scope: Scope, receive: Receive, said: bytes = b"", *, hard: bool = False) -> None:
    """Writes ``said`` as it is and ends the connection: with FIN, or with RST where
    ``hard``."""
    transport: asyncio.Transport = scope["wanbatch.transport"]
    if hard:
        transport.get_extra_info("socket").setsockopt(
            socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0)
        )
        transport.abort()
    else:
        transport.write(said)
        transport.close()
    while (await receive())["type"] != "http.disconnect":
        pass


def chunked(body: bytes, *, ended: bool) -> bytes:
    """``body`` as chunks of HTTP, with or without the last one, which tells that it is
    whole."""
    pieces = [body[i : i + CHUNK_BYTES] for i in range(0, len(body), CHUNK_BYTES)]
    framed = b"".join(f"{len(piece):x}\r\n".encode() + piece + b"\r\n" for piece in pieces)
    return framed + (b"0\r\n\r\n" if ended else b"")


def changed_file(rule: Rule, real: Answer) -> Answer:
    """A file with a content coding, or with more behind it. Anything but a file is left
    as it is."""
    if real.status != 200:
        return real
    headers = real.without("content-length", "etag", "accept-ranges")
    if rule.act == "append":
        more = rule.text("text", "\r\n").encode("utf-8", "replace")
        return Answer(200, headers, real.body + (b"\0" * int(rule.number("zeros", 0.0)) or more))
    coding = rule.text("coding", "gzip")
    body, header = real.body, "gzip"
    if coding == "gzip":
        body = gzip.compress(body)
    elif coding == "deflate":
        body, header = zlib.compress(body), "deflate"
    return Answer(200, [*headers, ("content-encoding", header)], body)


def head_of(status: int, headers: Iterable[tuple[str, str]]) -> bytes:
    """Status line and headers as bytes."""
    lines = [f"HTTP/1.1 {status} {_phrase(status)}", *(f"{k}: {v}" for k, v in headers), "", ""]
    return "\r\n".join(lines).encode("latin-1")


def _phrase(status: int) -> str:
    return HTTPStatus(status).phrase if status in _KNOWN else "Status"


def scripted(rule: Rule) -> Answer:
    """The answer that an ``answer`` rule spells out."""
    status = int(rule.number("status", 503))
    given = rule.details.get("headers")
    headers = [(str(k), str(v)) for k, v in given.items()] if isinstance(given, dict) else []
    kind, body = enveloped(rule.text("envelope", "task"), status, rule)
    return Answer(status, [*headers, *([("content-type", kind)] if kind else [])], body)


def enveloped(envelope: str, status: int, rule: Rule) -> tuple[str, bytes]:
    """Content type and body of an error in one of the shapes that are seen."""
    message = rule.text("message", "a scripted fault")
    if envelope == "empty":
        return "", b""
    if envelope == "html":
        return "text/html", rule.text(
            "body", _HTML.format(status=status, phrase=_phrase(status))
        ).encode()
    if envelope == "text":
        return "text/plain", rule.text("body", message).encode()
    shapes: dict[str, object] = {
        "task": gateway.task_error(rule.text("code", "fail_to_fetch_task"), message),
        "auth": gateway.auth_error(message, new_request_id(), rule.text("code")),
        "content": gateway.content_error(
            message, "invalid_request_error" if status < 500 else "server_error"
        ),
        "dashscope": dashscope.error(
            rule.text("code", "InternalError"), message, str(uuid.uuid4())
        ),
        "json": rule.details.get("body", {}),
    }
    return "application/json", json.dumps(shapes[envelope], ensure_ascii=False).encode()


def wrongly_typed(value: object) -> object:
    """Every leaf as something else than it was."""
    if isinstance(value, dict):
        return {k: wrongly_typed(v) for k, v in value.items()}
    if isinstance(value, str):
        return [value]
    if isinstance(value, bool) or value is None:
        return {"value": value}
    return str(value) if isinstance(value, (int, float)) else 1


def first_id(value: object) -> str:
    """The task id in a submit's answer, of either API."""
    if not isinstance(value, dict):
        return ""
    output = value.get("output")
    found = value.get("id") or (output.get("task_id") if isinstance(output, dict) else "")
    return found if isinstance(found, str) else ""


def with_id(value: object, task_id: str) -> object:
    """The answer with that task id in place of its own."""
    if not isinstance(value, dict):
        return value
    changed = {k: task_id if k in ("id", "task_id") else v for k, v in value.items()}
    output = changed.get("output")
    return changed | {"output": with_id(output, task_id)} if isinstance(output, dict) else changed


def _encoded(headers: Iterable[tuple[str, str]]) -> list[tuple[bytes, bytes]]:
    return [(k.lower().encode("latin-1"), v.encode("latin-1")) for k, v in headers]
