"""The routes of the gateway: submit, status, content.

What it may not do: decide what a request means (``drafting``) or what a task is called (``gateway``).

How it works: order of checks as in the real server: token, then body, then task.
"""

from __future__ import annotations

import time

from starlette.requests import Request
from starlette.responses import FileResponse, Response
from starlette.routing import Route

from wanbatch.emulator import gateway
from wanbatch.emulator.doors import SUBMIT_LIMIT, allowed, json_answer, new_request_id, read_body
from wanbatch.emulator.drafting import Refused, parse_json, read_submit
from wanbatch.emulator.studio import Studio
from wanbatch.emulator.task import Phase, Task


class GatewayRoutes:
    """``/v1/videos`` over one studio."""

    def __init__(self, studio: Studio, base_url: str) -> None:
        self._studio = studio
        self._base_url = base_url
        self._api_key = studio.settings.api_key
        self._expire_after_s = studio.settings.expire_after_s

    def routes(self) -> list[Route]:
        return [
            Route("/v1/videos", self.submit, methods=["POST"]),
            Route("/v1/videos/{task_id}", self.status, methods=["GET"]),
            Route("/v1/videos/{task_id}/content", self.content, methods=["GET"]),
        ]

    async def submit(self, request: Request) -> Response:
        if not allowed(request, self._api_key):
            return refuse_token()
        data = await read_body(request, SUBMIT_LIMIT)
        if data is None:
            return json_answer(gateway.auth_error("request body too large", new_request_id()), 413, {"connection": "close"})
        if request.headers.get("content-type", "").partition(";")[0].strip().lower() != "application/json":
            return json_answer(gateway.task_error("invalid_request", "the content type must be application/json"), 400)
        body = parse_json(data)
        draft = body if isinstance(body, Refused) else read_submit(body)
        if isinstance(draft, Refused):
            return refuse_draft(draft)
        task = await self._studio.submit(draft, body, "gateway")
        return json_answer(gateway.submitted(task), headers={"x-oneapi-request-id": new_request_id()})

    async def status(self, request: Request) -> Response:
        if not allowed(request, self._api_key):
            return refuse_token()
        task = self._find(request)
        if task is None:
            return json_answer(gateway.task_error("task_not_exist", "task_not_exist"), 400)
        return json_answer(gateway.status(task, time.time(), self._base_url))

    async def content(self, request: Request) -> Response:
        if not allowed(request, self._api_key):
            return refuse_token()
        task = self._find(request)
        if task is None:
            return json_answer(gateway.content_error("Task not found"), 404)
        if task.phase is not Phase.SUCCEEDED:
            return json_answer(gateway.content_error(f"Task is not completed yet, current status: {task.phase.name}"), 400)
        if time.time() - task.ended_at > self._expire_after_s:
            return json_answer(gateway.content_error("Upstream service returned status 403", "server_error"), 502)
        path = self._studio.books.video_path(task.video)
        return FileResponse(path, media_type="video/mp4", headers={"cache-control": "public, max-age=86400"})

    def _find(self, request: Request) -> Task | None:
        return self._studio.tasks.get(request.path_params["task_id"])


def refuse_token() -> Response:
    return json_answer(gateway.auth_error("invalid token", new_request_id()), 401)


def refuse_draft(refused: Refused) -> Response:
    if refused.code == "model_not_found":
        return json_answer(gateway.auth_error(refused.message, new_request_id(), refused.code), refused.status)
    return json_answer(gateway.task_error(refused.code, refused.message), refused.status)
