"""The emulator's own place for media: what stands for a bucket or a public web server
when there is none.

What it may not do: judge content; anything may be stored, the task that uses it is what
fails.

How it works: media are named by their SHA-256, so that sending a file twice stores it
once. Storing needs the token; fetching does not, as with a signed address.
"""

from __future__ import annotations

import hashlib
import re
from pathlib import Path

import anyio
from starlette.requests import Request
from starlette.responses import FileResponse, Response
from starlette.routing import Route

from wanbatch.emulator.protocols import gateway
from wanbatch.emulator.protocols.gateway_routes import refuse_token
from wanbatch.emulator.protocols.http_answers import (
    MEDIA_LIMIT,
    allowed,
    json_answer,
    new_request_id,
)
from wanbatch.emulator.service import Service

_SHA256 = re.compile(r"[0-9a-f]{64}")


class MediaRoutes:
    """``/media/{sha256}`` over one service's store."""

    def __init__(self, service: Service, base_url: str) -> None:
        self._service = service
        self._store = service.store
        self._base_url = base_url

    def routes(self) -> list[Route]:
        return [
            Route("/media/{sha256}", self.put, methods=["PUT"]),
            Route("/media/{sha256}", self.get, methods=["GET", "HEAD"]),
        ]

    async def put(self, request: Request) -> Response:
        if not allowed(request, self._service.settings.api_key):
            return refuse_token()
        sha256 = request.path_params["sha256"]
        if not _SHA256.fullmatch(sha256):
            return json_answer(
                gateway.task_error(
                    "invalid_request", "media are named by their SHA-256 in lower-case hex"
                ),
                400,
            )
        part = self._store.part_path()
        digest = await _receive(request, part)
        if digest != sha256:
            part.unlink(missing_ok=True)
        if digest is None:
            return json_answer(
                gateway.auth_error("request body too large", new_request_id()),
                413,
                {"connection": "close"},
            )
        if digest != sha256:
            return json_answer(
                gateway.task_error("invalid_request", f"the body's SHA-256 is {digest}"), 400
            )
        await anyio.to_thread.run_sync(self._store.publish, part, self._store.media_path(sha256))
        return json_answer({"url": f"{self._base_url}/media/{sha256}"})

    async def get(self, request: Request) -> Response:
        sha256 = request.path_params["sha256"]
        path = self._store.media_path(sha256)
        if not _SHA256.fullmatch(sha256) or not path.exists():
            return json_answer(gateway.task_error("not_found", "no such media here"), 404)
        return FileResponse(path, media_type="application/octet-stream")


async def _receive(request: Request, part: Path) -> str | None:
    """Writes the body to ``part`` and returns its SHA-256; ``None`` where it is over
    the limit and was left off there."""
    digest, length = hashlib.sha256(), 0
    async with await anyio.open_file(part, "wb") as file:
        async for chunk in request.stream():
            length += len(chunk)
            if length > MEDIA_LIMIT:
                break
            digest.update(chunk)
            await file.write(chunk)
    return digest.hexdigest() if length <= MEDIA_LIMIT else None
