"""A gateway that says what a test scripts, and the real command run against it.

What it may not do: import anything of the engine. What it was asked and what it charged
stands in its own books (``posts``, ``asked``), which tests hold against the command's
files.

How it works: one thread for each connection. A script is a function from the request's
number to an ``Answer``; where a test gives none, tasks finish at once and their videos
come. Each task has a video of its own: the sample with a box that names it.
"""

from __future__ import annotations

import json
import subprocess
import threading
from collections import Counter
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from functools import lru_cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from io import BytesIO
from pathlib import Path
from time import time
from typing import Any, Protocol, Self

import av
import command
from PIL import Image

KEY = "sk-canary-0123456789"
FIRST_QUESTION = "task_wanbatch_asks_whether_you_are_there"
SECONDS = 2


@dataclass(frozen=True)
class Answer:
    """``body`` is JSON unless it is bytes; ``date_s`` is how far ``Date`` is off,
    ``cut`` how many bytes are kept of a body that announces all of them (``None``:
    all). A ``status`` of 0 closes the connection without a word."""

    status: int = 200
    body: Any = None
    headers: Mapping[str, str] = field(default_factory=dict)
    date_s: float | None = 0.0
    cut: int | None = None
    chunked: bool = False

    def encode(self) -> bytes:
        return self.body if isinstance(self.body, bytes) else json.dumps(self.body).encode()


Script = Callable[[str, int], Answer]
"""(task id, how often this was asked before) → answer."""


class Addressed(Protocol):
    """Anything that a configuration can lead to."""

    @property
    def address(self) -> str: ...


class ScriptedGateway:
    """A context manager; ``address`` is its base URL."""

    def __init__(
        self,
        *,
        post: Script | None = None,
        poll: Script | None = None,
        content: Script | None = None,
        probe: Script | None = None,
        link: Script | None = None,
    ) -> None:
        self.scripts = {
            "post": post or (lambda task, n: self.accepted(task)),
            "poll": poll or (lambda task, n: self.completed(task)),
            "content": content or (lambda task, n: self.video(task)),
            "link": link or (lambda task, n: self.video(task)),
            "probe": probe or (lambda task, n: Answer(400, MISSING)),
        }
        self.posts: list[dict[str, Any]] = []
        self.asked: Counter[tuple[str, str]] = Counter()
        self.seen: list[tuple[str, str]] = []
        self.keys: list[tuple[str, str | None]] = []
        """The path of each request, and what it showed as authorization."""
        self._lock = threading.Lock()

    def __enter__(self) -> Self:
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self.server.daemon_threads = True
        self.address = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self.server.shutdown()
        self.server.server_close()

    # -- what it usually says ----------------------------------------------------------

    def accepted(self, task: str, **more: Any) -> Answer:
        return Answer(200, {"id": task, "task_id": task, "status": "queued", **more})

    def completed(self, task: str, url: str | None = None, **more: Any) -> Answer:
        url = f"{self.address}/link/{task}.mp4" if url is None else url
        return Answer(200, self.status(task, "completed", metadata={"url": url}, **more))

    def running(self, task: str, word: str = "in_progress", **more: Any) -> Answer:
        return Answer(200, self.status(task, word, **more))

    def failed(self, task: str, code: str = "InternalError") -> Answer:
        return Answer(200, self.status(task, "failed", error={"code": code, "message": "no"}))

    @staticmethod
    def status(task: str, word: str, **more: Any) -> dict[str, Any]:
        return {"id": task, "object": "video", "status": word, "progress": 50, **more}

    def video(self, task: str, **changes: Any) -> Answer:
        return Answer(200, video_of(task), {"content-type": "video/mp4"}, **changes)

    # -- what it was asked -------------------------------------------------------------

    def answer(self, method: str, path: str, body: bytes) -> Answer:
        kind, task = self._route(method, path)
        with self._lock:
            if kind == "post":
                self.posts.append(json.loads(body))
                task = f"task_{len(self.posts):04d}"
            before = self.asked[kind, "" if kind == "post" else task]
            self.asked[kind, "" if kind == "post" else task] += 1
            self.seen.append((kind, task))
        return self.scripts[kind](task, before)

    def _route(self, method: str, path: str) -> tuple[str, str]:
        parts = path.partition("?")[0].strip("/").split("/")
        if method == "POST":
            return "post", ""
        if parts[0] == "link":
            return "link", parts[1].removesuffix(".mp4")
        if FIRST_QUESTION in path:
            return "probe", FIRST_QUESTION
        return ("content", parts[2]) if parts[-1] == "content" else ("poll", parts[2])


def dated(script: Script, date_s: float) -> Script:
    """The same answers, with a ``Date`` that is so far off."""
    return lambda task, n: replace(script(task, n), date_s=date_s)


MISSING = {"code": "task_not_exist", "message": "task_not_exist", "data": None}


def _handler(gateway: ScriptedGateway) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def answer(self) -> None:
            gateway.keys.append((self.path, self.headers.get("authorization")))
            body = self.rfile.read(int(self.headers.get("content-length") or 0))
            answer = gateway.answer(self.command, self.path, body)
            self.close_connection = True
            if not answer.status:
                return
            content = answer.encode()
            self.send_response_only(answer.status)
            if answer.date_s is not None:
                self.send_header("Date", self.date_time_string(time() + answer.date_s))
            headers = {"content-type": "application/json", **answer.headers}
            for name, value in headers.items():
                self.send_header(name, value)
            if not answer.chunked:
                self.send_header("Content-Length", str(len(content)))
            self.send_header("Connection", "close")
            self.end_headers()
            with suppress(ConnectionError):  # who asked was killed
                self.wfile.write(content[: answer.cut])

        do_GET = do_POST = do_PUT = answer  # noqa: N815 - the names that http.server calls

        def log_message(self, *_: object) -> None:
            pass

    return Handler


@lru_cache
def sample(
    seconds: float = SECONDS, width: int = 1280, height: int = 720, *, fragmented: bool = False
) -> bytes:
    """A small MP4 of the length and tier that the manifests here ask for."""
    file = BytesIO()
    options = {"movflags": "frag_keyframe+empty_moov"} if fragmented else {}
    with av.open(file, "w", format="mp4", options=options) as container:
        stream = container.add_stream("h264", rate=10, options={"g": "5", "preset": "ultrafast"})
        stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
        picture = av.VideoFrame.from_image(Image.new("RGB", (width, height), "teal"))
        for number in range(int(seconds * 10)):
            picture.pts = number
            container.mux(stream.encode(picture))
        container.mux(stream.encode())
    return file.getvalue()


def video_of(task: str, content: bytes | None = None) -> bytes:
    """The video of one task and no other: a ``free`` box at its end holds the task's
    name."""
    name = task.encode()
    return (content or sample()) + (8 + len(name)).to_bytes(4) + b"free" + name


MANIFEST = """\
wanbatch: 1
name: scene
jobs:
  - id: job
    prompt: {prompt}
    prompt_extend: false
    seconds: 2
    media: {{first_frame: picture.png}}
    seeds: {{start: 0, count: {jobs}}}
run: {{retries: {retries}}}
"""
CONFIG = """\
[backends.rough]
kind = "{kind}"
base_url = "{address}"
api_key_env = "ROUGH_KEY"
poll_interval = 0.2
max_in_flight = 10
rate = 50
price = {{720P = 0.10, 1080P = 0.15, currency = "USD"}}
{more}
"""


class Project:
    """A folder with a manifest of ``jobs`` jobs and a configuration that leads to a
    gateway."""

    def __init__(
        self,
        folder: Path,
        gateway: Addressed,
        *,
        jobs: int = 1,
        retries: int = 0,
        prompt: str = "A harbour",
        kind: str = "gateway",
        more: str = "",
    ) -> None:
        self.folder, self.gateway = folder, gateway
        folder.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (320, 240), "teal").save(folder / "picture.png")
        self.manifest = folder / "scene.wanbatch.yaml"
        self.write(jobs=jobs, retries=retries, prompt=prompt)
        self.config = folder / "config.toml"
        self.config.write_text(CONFIG.format(kind=kind, address=gateway.address, more=more))

    def write(self, *, jobs: int = 1, retries: int = 0, prompt: str = "A harbour") -> None:
        self.manifest.write_text(MANIFEST.format(jobs=jobs, retries=retries, prompt=prompt))

    def call(
        self, *words: str, cwd: Path | None = None, **environ: str
    ) -> subprocess.CompletedProcess[str]:
        """The real command; returns the finished process."""
        return command.run(cwd or self.folder, *words, env={**self.environ, **environ})

    @property
    def environ(self) -> dict[str, str]:
        return command.environ(WANBATCH_CONFIG=str(self.config), ROUGH_KEY=KEY)

    def run(self, *more: str, wait: float = 20) -> subprocess.CompletedProcess[str]:
        words = ("--backend", "rough", "--yes", "--wait", str(wait))
        return self.call("run", self.manifest.name, *words, *more)

    def fetch(self, *more: str, wait: float = 20) -> subprocess.CompletedProcess[str]:
        words = ("--backend", "rough", "--wait", str(wait))
        return self.call("fetch", self.manifest.name, *words, *more)

    def report(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads((self.folder / "reports/scene/report.json").read_text())
        return found

    def states(self) -> list[str]:
        return [job["state"] for job in self.report()["jobs"]]

    def videos(self) -> dict[str, bytes]:
        folder = self.folder / "reports/scene/videos"
        return {p.name: p.read_bytes() for p in sorted(folder.glob("*.mp4"))}

    def rows(self) -> list[dict[str, Any]]:
        """The ledger's attempts, oldest first, read with SQLite's own shell of
        Python."""
        import sqlite3

        with sqlite3.connect(self.folder / "reports/ledger.db") as connection:
            connection.row_factory = sqlite3.Row
            found = [dict(r) for r in connection.execute("SELECT * FROM attempts")]
        connection.close()
        return found
