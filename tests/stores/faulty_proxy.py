"""A proxy between a client and an object store that does what networks and stores do
wrong, when it is told to.

In a test: ``with FaultyProxy(s3.url) as proxy: proxy.add(do="lose", method="PUT")`` and
``proxy.url`` as the endpoint. As a process: ``python tests/stores/faulty_proxy.py --to
URL [--port N]`` prints its own address in the first line; ``POST /_faults`` with a JSON
list of rules adds them, ``DELETE /_faults`` removes all, ``GET /_seen`` gives every
request that came, as a list of [method, path, what was done].

A rule is a set of switches. The first rule that fits a request is used:

``do``       what goes wrong, see below; needed
``method``   only requests of this method (``PUT``); any where it is left out
``path``     only requests whose path and query match this regular expression (search)
``skip``     so many fitting requests pass first (0)
``times``    for so many fitting requests after that (1; 0 for ever)
``seconds``  how long ``delay`` waits (1.0)
``status``   what ``refuse`` answers (503)
``code``     the S3 error code in the body of that answer (none)
``after``    how many bytes of the body ``reset`` still reads (0)
``late``     whether ``delay`` waits after the deed, with the answer, instead of before

and ``do`` is one of

``lose``     the deed is done, then the connection is closed without an answer
``delay``    waits ``seconds``, then goes on (or answers, with ``late``)
``repeat``   the request is sent twice, and answered with what came the second time, as
             when something on the way tries again
``stale``    a GET or HEAD of an object is answered as before the last PUT or DELETE of
             it that came this way, a list as it was answered last time; where nothing
             is remembered, truly
``refuse``   answered with ``status``, and not sent on
``pass``     nothing: the request is one that later rules do not see
``careless`` the request's conditions are left out, as by a store that has none
``reset``    ``after`` bytes of the body are read, then the connection is reset: a
             broken upload, of which nothing reaches the store

Beside the rules: ``proxy.is_public = True`` makes the bucket one that anybody may read
(a request without a signature gets one that moto believes).

What it may not do: speak HTTPS, or check a signature. It holds whole bodies in memory.
"""

from __future__ import annotations

import argparse
import http.client
import json
import re
import socket
import struct
import threading
import time
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, cast
from urllib.parse import urlsplit

NOT_PASSED_ON = {"connection", "transfer-encoding", "keep-alive", "content-length"}
WHO_ASKS = {"host", "authorization", "x-amz-date", "x-amz-content-sha256"}
"""By these, of a PUT, the proxy itself asks what was there before it; a server that
checked signatures would refuse."""
ANYBODY = "AWS4-HMAC-SHA256 Credential=anybody/20260101/us-east-1/s3/aws4_request"
PATIENCE_S = 60.0


@dataclass
class Rule:
    """One fault; the head of this file says what the switches mean."""

    do: str
    method: str = ""
    path: str = ""
    skip: int = 0
    times: int = 1
    seconds: float = 1.0
    status: int = 503
    code: str = ""
    after: int = 0
    late: bool = False
    met: int = field(default=0, init=False)

    def takes(self, method: str, path: str) -> bool:
        """Whether this request is one of those that go wrong; counts it."""
        if (self.method and method != self.method) or not re.search(self.path, path):
            return False
        self.met += 1
        return self.met > self.skip and (not self.times or self.met <= self.skip + self.times)


@dataclass(frozen=True)
class Answered:
    """A whole answer of the store."""

    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes


class FaultyProxy:
    """The proxy, with a thread for each connection."""

    def __init__(self, to: str, port: int = 0) -> None:
        parts = urlsplit(to)
        self.host, self.port = parts.hostname or "", parts.port or 80
        self.is_public = False
        self.seen: list[tuple[str, str, str]] = []
        self._rules: list[Rule] = []
        self._before: dict[str, Answered] = {}
        self._last: dict[str, Answered] = {}
        self._lock = threading.Lock()
        self._server = _Server(("127.0.0.1", port), _Handler)
        self._server.proxy = self
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"

    def add(self, **switches: Any) -> Rule:
        """A rule after those that are there; returned, so that ``met`` can be read."""
        rule = Rule(**switches)
        with self._lock:
            self._rules.append(rule)
        return rule

    def clear(self) -> None:
        """No fault any more."""
        with self._lock:
            self._rules.clear()

    def count(self, method: str, path: str = "") -> int:
        """How many such requests came, whatever was done to them."""
        return sum(m == method and bool(re.search(path, p)) for m, p, _ in self.seen)

    def __enter__(self) -> FaultyProxy:
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._server.shutdown()
        self._server.server_close()

    def serve(self) -> None:
        """In this thread, until the process ends."""
        self._server.serve_forever()

    # -- for the handler ---------------------------------------------------------------

    def choose(self, method: str, path: str) -> Rule | None:
        with self._lock:
            rule = next((rule for rule in self._rules if rule.takes(method, path)), None)
            self.seen.append((method, path, rule.do if rule else ""))
        return rule

    def send(self, method: str, path: str, headers: dict[str, str], body: bytes) -> Answered:
        if method in ("PUT", "DELETE"):
            bare = path.partition("?")[0]
            known = {k: v for k, v in headers.items() if k.lower() in WHO_ASKS}
            self._before[f"GET {bare}"] = self._ask("GET", bare, known, b"")
            self._before[f"HEAD {bare}"] = self._ask("HEAD", bare, known, b"")
        answered = self._ask(method, path, headers, body)
        if method == "GET" and "list-type" in path:
            self._last.setdefault(path, answered)
        return answered

    def stale(self, method: str, path: str) -> Answered | None:
        return self._before.get(f"{method} {path}") or self._last.get(path)

    def told(self, path: str, answered: Answered) -> None:
        """What the client has seen of a list is what a stale one shows."""
        if "list-type" in path:
            self._last[path] = answered

    def _ask(self, method: str, path: str, headers: dict[str, str], body: bytes) -> Answered:
        connection = http.client.HTTPConnection(self.host, self.port, timeout=PATIENCE_S)
        try:
            connection.request(method, path, body or None, headers)
            reply = connection.getresponse()
            return Answered(reply.status, tuple(reply.getheaders()), reply.read())
        finally:
            connection.close()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128
    proxy: FaultyProxy

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that went away is no news."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *args: object) -> None:
        """Says nothing."""

    def _do(self) -> None:
        proxy = cast("_Server", self.server).proxy
        if self.path in ("/_faults", "/_seen"):
            self._obey(proxy)
            return
        rule = proxy.choose(self.command, self.path)
        length = int(self.headers.get("content-length") or 0)
        if rule and rule.do == "reset":
            self.rfile.read(min(rule.after, length))
            self._reset()
            return
        body = self.rfile.read(length)
        if rule and rule.do == "refuse":
            text = f"<Error><Code>{rule.code}</Code></Error>" if rule.code else ""
            self._reply(Answered(rule.status, (), text.encode()))
            return
        if rule and rule.do == "delay" and not rule.late:
            time.sleep(rule.seconds)
        answered = self._pass_on(proxy, rule, body)
        if rule and rule.do == "delay" and rule.late:
            time.sleep(rule.seconds)
        if rule and rule.do == "lose":
            self._reset()
            return
        proxy.told(self.path, answered)
        self._reply(answered)

    do_GET = do_HEAD = do_PUT = do_POST = do_DELETE = _do  # noqa: N815 - the library's names

    def _pass_on(self, proxy: FaultyProxy, rule: Rule | None, body: bytes) -> Answered:
        headers = {k: v for k, v in self.headers.items() if k.lower() not in NOT_PASSED_ON}
        if proxy.is_public and "authorization" not in {name.lower() for name in headers}:
            headers["authorization"] = ANYBODY
        if rule and rule.do == "careless":
            headers = {k: v for k, v in headers.items() if not k.lower().startswith("if-")}
        if rule and rule.do == "stale":
            old = proxy.stale(self.command, self.path)
            if old is not None:
                return old
        if rule and rule.do == "repeat":
            proxy.send(self.command, self.path, headers, body)
        return proxy.send(self.command, self.path, headers, body)

    def _obey(self, proxy: FaultyProxy) -> None:
        body = self.rfile.read(int(self.headers.get("content-length") or 0))
        if self.command == "POST":
            for switches in json.loads(body):
                proxy.add(**switches)
        elif self.command == "DELETE":
            proxy.clear()
        seen = json.dumps(proxy.seen).encode() if self.path == "/_seen" else b"[]"
        self._reply(Answered(200, (("content-type", "application/json"),), seen))

    def _reply(self, answered: Answered) -> None:
        self.send_response_only(answered.status)
        lengths = [v for k, v in answered.headers if k.lower() == "content-length"]
        for name, value in answered.headers:
            if name.lower() not in NOT_PASSED_ON:
                self.send_header(name, value)
        told = lengths[0] if self.command == "HEAD" and lengths else str(len(answered.body))
        self.send_header("content-length", told)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(answered.body)

    def _reset(self) -> None:
        """Closes without an answer, so that the other side sees a reset."""
        self.close_connection = True
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.connection.close()


def main() -> None:
    words = argparse.ArgumentParser()
    words.add_argument("--to", required=True)
    words.add_argument("--port", type=int, default=0)
    given = words.parse_args()
    proxy = FaultyProxy(given.to, given.port)
    print(proxy.url, flush=True)
    proxy.serve()


if __name__ == "__main__":
    main()
