"""A rough road between a run and its API: a proxy on loopback that drops, breaks,
delays and refuses what passes.

What it may not do: know what a task is, or answer in the API's place. What the API
behind it accepted stands in that API's own books.

How it works: one thread for each connection, one exchange at a time. ``choose`` is
asked about every request and names what happens to it. The API's own address in an
answer becomes the road's, so that downloads pass here too.
"""

from __future__ import annotations

import http.client
import json
import random
import socket
import struct
import threading
import time
from collections import Counter
from collections.abc import Callable
from enum import StrEnum
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit


class Mishap(StrEnum):
    """What happens to one request."""

    NONE = "none"
    LOST = "lost"  # closed without an answer; the API never saw it
    SWALLOWED = "swallowed"  # the API saw it; its answer never comes, the connection is closed
    RESET = "reset"  # as swallowed, with a TCP reset
    CUT = "cut"  # the answer ends in its middle
    PAGE = "page"  # a gateway's own HTML 502; the API never saw it
    REFUSED = "refused"  # 400 in the API's own shape; the API never saw it
    BUSY = "busy"  # 429 with an empty body; the API never saw it
    SLOW = "slow"  # the answer takes 0.3 s longer


Choose = Callable[[str, str, bytes], Mishap]
"""(method, path, body) → what happens."""

SUBMIT = {Mishap.BUSY: 0.005, Mishap.SLOW: 0.05, Mishap.SWALLOWED: 0.01, Mishap.LOST: 0.005}
READ = {
    Mishap.LOST: 0.02,
    Mishap.RESET: 0.02,
    Mishap.CUT: 0.04,
    Mishap.PAGE: 0.02,
    Mishap.SLOW: 0.05,
}
"""What happens how often on a road that is rough but passable; the rest goes
through."""
FIRST_QUESTION = "task_wanbatch_asks_whether_you_are_there"
"""The task that a run asks for before it buys; where that fails the run ends at once,
and no kill would find it at work."""


def rough(seed: int) -> Choose:
    """Draws mishaps by ``SUBMIT`` and ``READ``."""
    chance, lock = random.Random(seed), threading.Lock()

    def choose(method: str, path: str, _body: bytes) -> Mishap:
        if FIRST_QUESTION in path:
            return Mishap.NONE
        with lock:
            drawn = chance.random()
        for mishap, share in (SUBMIT if method == "POST" else READ).items():
            drawn -= share
            if drawn < 0:
                return mishap
        return Mishap.NONE

    return choose


def smooth(_method: str, _path: str, _body: bytes) -> Mishap:
    return Mishap.NONE


def once_for_seed(seed: int, mishap: Mishap) -> Choose:
    """``mishap`` for the first submit of that seed, and a smooth road for everything
    else."""
    lock, left = threading.Lock(), [mishap]

    def choose(method: str, _path: str, body: bytes) -> Mishap:
        with lock:
            return (
                left.pop()
                if method == "POST" and left and json.loads(body).get("seed") == seed
                else Mishap.NONE
            )

    return choose


class RoughRoad(ThreadingHTTPServer):
    """A context manager; ``base_url`` leads to the API at ``beyond``. ``choose`` may be
    replaced at any time; ``seen`` counts methods, ``ahead_s`` is by how much the
    ``Date`` of its answers is ahead of this machine's clock.
    """

    daemon_threads = True
    request_queue_size = 128

    def __init__(self, beyond: str, choose: Choose = smooth) -> None:
        super().__init__(("127.0.0.1", 0), _Traveller)
        self.beyond, self.choose = beyond, choose
        self.base_url = f"http://127.0.0.1:{self.server_address[1]}"
        self.seen: Counter[str] = Counter()
        self.ahead_s = 0.0
        self._thread = threading.Thread(
            target=self.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True
        )

    def __enter__(self) -> RoughRoad:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.shutdown()
        self.server_close()

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that was killed leaves broken connections; that is what this is
        for."""


class _Traveller(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: RoughRoad

    def _pass(self) -> None:
        body = self.rfile.read(int(self.headers.get("content-length") or 0))
        self.server.seen[self.command] += 1
        mishap = self.server.choose(self.command, self.path, body)
        match mishap:
            case Mishap.LOST:
                self.close_connection = True
            case Mishap.PAGE:
                self._answer(502, b"<html><h1>502 Bad Gateway</h1></html>", "text/html")
            case Mishap.REFUSED:
                refusal = {"code": "invalid_request", "message": "the road says no", "data": None}
                self._answer(400, json.dumps(refusal).encode(), "application/json")
            case Mishap.BUSY:
                self._answer(429, b"", "application/json")
            case _:
                self._travel(body, mishap)

    do_GET = do_POST = do_PUT = do_HEAD = _pass  # noqa: N815 - names that the standard library asks for

    def _travel(self, body: bytes, mishap: Mishap) -> None:
        status, answer, kind = self._ask(body)
        if mishap in (Mishap.SWALLOWED, Mishap.RESET):
            self.close_connection = True
            if mishap is Mishap.RESET:
                self.connection.setsockopt(
                    socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0)
                )
            return
        if mishap is Mishap.SLOW:
            time.sleep(0.3)
        self._answer(status, answer, kind, cut=mishap is Mishap.CUT)

    def _ask(self, body: bytes) -> tuple[int, bytes, str]:
        """The API's answer, over a connection of its own."""
        beyond = urlsplit(self.server.beyond)
        onward = http.client.HTTPConnection(beyond.hostname or "", beyond.port, timeout=30)
        try:
            kept = {
                k: v for k, v in self.headers.items() if k.lower() not in ("host", "connection")
            }
            onward.request(self.command, self.path, body or None, kept)
            reply = onward.getresponse()
            answer, kind = reply.read(), reply.headers.get("content-type", "")
        finally:
            onward.close()
        if kind.startswith("application/json"):
            answer = answer.replace(self.server.beyond.encode(), self.server.base_url.encode())
        return reply.status, answer, kind

    def _answer(self, status: int, answer: bytes, kind: str, *, cut: bool = False) -> None:
        self.send_response(status)
        self.send_header("content-type", kind)
        self.send_header("content-length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer[: len(answer) // 2] if cut else answer)
        self.close_connection = self.close_connection or cut

    def date_time_string(self, timestamp: float | None = None) -> str:
        """The server's clock, as it stands in ``Date``."""
        return super().date_time_string(
            (time.time() if timestamp is None else timestamp) + self.server.ahead_s
        )

    def log_message(self, *_: object) -> None:
        """Says nothing."""
