"""A gateway on loopback that takes every request, remembers it, and has each video
ready at once.

How it works: a server of one thread per connection. ``posts`` are the bodies of all
submits; each task has a video of its own, a few hundred bytes that differ in their
brightness.
"""

from __future__ import annotations

import io
import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import av

UNKNOWN = {
    "error": {
        "message": "task_not_exist",
        "type": "invalid_request_error",
        "code": "task_not_exist",
    }
}


class Loopback(ThreadingHTTPServer):
    """A context manager; ``base_url`` is where it listens."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Answers)
        self.posts: list[dict[str, Any]] = []
        self.base_url = f"http://127.0.0.1:{self.server_address[1]}"
        self.lock = threading.Lock()
        self.ready = True
        """Whether tasks are done at once; else they run on."""

    def __enter__(self) -> Loopback:
        threading.Thread(target=self.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self.shutdown()
        self.server_close()


class _Answers(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Loopback

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["content-length"])))
        with self.server.lock:
            self.server.posts.append(body)
            number = len(self.server.posts)
        self._answer({"id": f"task_{number}", "object": "video", "status": "queued"})

    def do_GET(self) -> None:
        word = self.path.split("/")[3]
        if not word.removeprefix("task_").isdigit():
            self._answer(UNKNOWN, 404)
        elif self.path.endswith("/content"):
            self._send(make_video(int(word.removeprefix("task_"))), "video/mp4")
        else:
            status = "completed" if self.server.ready else "in_progress"
            self._answer({"id": word, "object": "video", "status": status})

    def _answer(self, value: object, status: int = 200) -> None:
        self._send(json.dumps(value).encode(), "application/json", status)

    def _send(self, body: bytes, kind: str, status: int = 200) -> None:
        self.send_response(status)
        self.send_header("content-type", kind)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Says nothing."""


def make_video(number: int) -> bytes:
    """Two seconds of one grey, 320 by 240, which no other number has."""
    file = io.BytesIO()
    with av.open(file, "w", format="mp4") as container:
        track = container.add_stream("libx264", rate=5, options={"preset": "ultrafast"})
        track.width, track.height, track.pix_fmt = 320, 240, "yuv420p"
        for _ in range(10):
            frame = av.VideoFrame(320, 240, "yuv420p")
            for plane, level in zip(frame.planes, (16 + number * 3 % 220, 128, 128), strict=True):
                plane.update(bytes([level]) * plane.buffer_size)
            container.mux(track.encode(frame))
        container.mux(track.encode())
    return file.getvalue()
