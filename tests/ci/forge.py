"""A forge on loopback: artifacts, pull requests and comments of one repository, and
what it was asked.

What it may not do: know anything of the steps under test.
"""

from __future__ import annotations

import io
import json
import re
import threading
import zipfile
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Self
from urllib.parse import parse_qs, urlsplit

REPOSITORY, TOKEN, OWN_ID = "studio/harbor", "ghs-canary-token", 7


class Forge:
    """A context manager; ``url`` is the API's root. ``may_write`` is what the token
    may; ``stumbles`` is how many answers from now on are a 502."""

    def __init__(self) -> None:
        self.artifacts: list[dict[str, Any]] = []
        self.archives: dict[int, bytes] = {}
        self.runs: dict[int, dict[str, Any]] = {}
        self.pulls: list[dict[str, Any]] = []
        self.comments: list[dict[str, Any]] = []
        self.asked: list[tuple[str, str, str | None]] = []
        self.may_write = True
        self.stumbles = 0

    def __enter__(self) -> Self:
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self._server.daemon_threads = True
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    def keep(
        self, name: str, files: dict[str, bytes], run: dict[str, Any], *, overwrite: bool = False
    ) -> None:
        """What actions/upload-artifact does with a run's files."""
        if overwrite:
            self.artifacts = [
                a
                for a in self.artifacts
                if (a["name"], a["workflow_run"]["id"]) != (name, run["id"])
            ]
        number = len(self.archives) + 1
        content = io.BytesIO()
        with zipfile.ZipFile(content, "w") as archive:
            for path, data in files.items():
                archive.writestr(path, data)
        self.archives[number] = content.getvalue()
        self.runs[run["id"]] = run
        shown = {k: v for k, v in run.items() if k != "event"}
        self.artifacts.append(
            {
                "id": number,
                "name": name,
                "expired": False,
                "created_at": f"2026-01-01T00:00:{number:02}Z",
                "workflow_run": shown,
            }
        )

    def run(
        self, number: int, event: str, sha: str, *, fork: bool = False, branch: str = "main"
    ) -> dict[str, Any]:
        return {
            "id": number,
            "event": event,
            "repository_id": OWN_ID,
            "head_repository_id": 8 if fork else OWN_ID,
            "head_branch": branch,
            "head_sha": sha,
        }

    # -- answers -----------------------------------------------------------------------

    def answer(self, method: str, target: str, body: bytes) -> tuple[int, Any, dict[str, str]]:
        split = urlsplit(target)
        query = {name: values[0] for name, values in parse_qs(split.query).items()}
        if self.stumbles:
            self.stumbles -= 1
            return 502, {}, {}
        if split.path.startswith("/blob/"):
            return 200, self.archives[int(split.path.removeprefix("/blob/"))], {}
        path = split.path.removeprefix(f"/repos/{REPOSITORY}")
        if method != "GET":
            return self._write(method, path, json.loads(body))
        return self._read(path, query)

    def _read(self, path: str, query: dict[str, str]) -> tuple[int, Any, dict[str, str]]:
        if path == "/actions/artifacts":
            found = [a for a in self.artifacts if a["name"] == query.get("name", a["name"])]
            return 200, {"total_count": len(found), "artifacts": _page(found, query)}, {}
        if match := re.fullmatch(r"/actions/artifacts/(\d+)/zip", path):
            return 302, {}, {"location": f"{self.url}/blob/{match[1]}"}
        if match := re.fullmatch(r"/actions/runs/(\d+)", path):
            return 200, self.runs[int(match[1])], {}
        if re.fullmatch(r"/commits/\w+/pulls", path):
            return 200, self.pulls, {}
        if re.fullmatch(r"/issues/\d+/comments", path):
            return 200, _page(self.comments, query), {}
        return 404, {}, {}

    def _write(
        self, method: str, path: str, given: dict[str, Any]
    ) -> tuple[int, Any, dict[str, str]]:
        if not self.may_write:
            return 403, {"message": "Resource not accessible by integration"}, {}
        if len(given["body"]) > 65_536:
            return 422, {"message": "body is too long"}, {}
        if method == "POST":
            number = len(self.comments) + 1
            user = {"login": "github-actions[bot]", "type": "Bot"}
            self.comments.append({"id": number, "body": given["body"], "user": user})
            return 201, self.comments[-1], {}
        number = int(path.rpartition("/")[2])
        self.comments[number - 1]["body"] = given["body"]
        return 200, self.comments[number - 1], {}


def _page(found: list[Any], query: dict[str, str]) -> list[Any]:
    size, number = int(query.get("per_page", 30)), int(query.get("page", 1))
    return found[(number - 1) * size : number * size]


def _handler(forge: Forge) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def _answer(self) -> None:
            body = self.rfile.read(int(self.headers.get("content-length") or 0))
            forge.asked.append((self.command, self.path, self.headers.get("authorization")))
            status, said, headers = forge.answer(self.command, self.path, body)
            content = said if isinstance(said, bytes) else json.dumps(said).encode()
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.send_header("content-length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        do_GET = do_POST = do_PATCH = _answer  # noqa: N815 - their names

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - its name
            pass

    return Handler


def files_below(folder: Path, *, hidden: bool) -> dict[str, bytes]:
    """The files of a folder by their paths in it."""
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
        and (hidden or not any(p.startswith(".") for p in path.relative_to(folder).parts))
    }
