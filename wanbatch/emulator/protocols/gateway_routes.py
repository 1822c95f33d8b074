"""The routes of the gateway: submit, status, content.

What it may not do: decide what a request means (``parse_gateway``) or what a task is
called (``gateway``).

How it works: order of checks as in the real server: token, then body, then task.
"""

from __future__ import annotations

import time
import zlib
from collections.abc import AsyncIterator
from pathlib import Path

import anyio
from starlette.requests import Request
from starlette.responses import FileResponse, Response, StreamingResponse
from starlette.routing import Route

from wanbatch.emulator.examine import Fault
from wanbatch.emulator.ids import file_stem, id_of_segment
from wanbatch.emulator.protocols import gateway
from wanbatch.emulator.protocols.http_answers import (
    SUBMIT_LIMIT,
    allowed,
    json_answer,
    new_request_id,
    read_body,
)
from wanbatch.emulator.protocols.multipart import read_form
from wanbatch.emulator.protocols.parse_dashscope import Reading
from wanbatch.emulator.protocols.parse_gateway import Refused, parse_json, read_submit
from wanbatch.emulator.protocols.parse_stock import read_stock_submit
from wanbatch.emulator.service import Service
from wanbatch.emulator.signed_urls import Links
from wanbatch.emulator.task import EndKind, Phase, ScriptedEnd, Task

_CACHED = {"cache-control": "public, max-age=86400"}


class GatewayRoutes:
    """``/v1/videos`` over one service, as the seed document's server has it."""

    def __init__(self, service: Service, links: Links) -> None:
        self._service = service
        self._links = links
        self._api_key = service.settings.api_key

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
            return json_answer(
                gateway.auth_error("request body too large", new_request_id()),
                413,
                {"connection": "close"},
            )
        body = self._parse(request.headers.get("content-type", ""), data)
        reading = body if isinstance(body, Refused) else self._read(body)
        if isinstance(reading, Refused):
            return refuse_draft(reading)
        task = await self._service.submit(
            reading.draft, body, "gateway", destiny_for(request, reading.fault)
        )
        return json_answer(
            gateway.submitted(task), headers={"x-oneapi-request-id": new_request_id()}
        )

    async def status(self, request: Request) -> Response:
        if not allowed(request, self._api_key):
            return refuse_token()
        task = self._find(request)
        if task is None:
            return json_answer(gateway.task_error("task_not_exist", "task_not_exist"), 400)
        return self._tell(task)

    def _parse(self, content_type: str, data: bytes) -> object:
        if content_type.partition(";")[0].strip().lower() != "application/json":
            return Refused(400, "invalid_request", "the content type must be application/json")
        return parse_json(data)

    def _read(self, body: object) -> Reading | Refused:
        draft = read_submit(body)
        return draft if isinstance(draft, Refused) else Reading(draft, None)

    def _tell(self, task: Task) -> Response:
        return json_answer(gateway.status(task, time.time(), self._links.base_url))

    async def content(self, request: Request) -> Response:
        if not allowed(request, self._api_key):
            return refuse_token()
        task = self._find(request)
        if task is None:
            return json_answer(gateway.content_error("Task not found"), 404)
        if task.phase is not Phase.SUCCEEDED:
            return json_answer(
                gateway.content_error(
                    f"Task is not completed yet, current status: {task.phase.name}"
                ),
                400,
            )
        if time.time() >= self._service.expires_at(task):
            return json_answer(
                gateway.content_error("Upstream service returned status 403", "server_error"), 502
            )
        return self._send(self._service.store.video_path(task.video))

    def _send(self, path: Path) -> Response:
        return FileResponse(path, media_type="video/mp4", headers=_CACHED)

    def _find(self, request: Request) -> Task | None:
        return self._service.find("gateway", id_of_segment(request.path_params["task_id"]))


class StockRoutes(GatewayRoutes):
    """``/v1/videos`` as stock new-api has it, with its habits.

    A task is unknown for a moment after its submit. One task in eight meets a status
    query that is refused with 403, two in eight a passing ``unknown`` with an error:
    each once, chosen by the id, so that a client meets them without a script.
    ``/content`` ignores ``Range``.
    """

    def __init__(self, service: Service, links: Links) -> None:
        super().__init__(service, links)
        self._odd: set[str] = set()

    def _parse(self, content_type: str, data: bytes) -> object:
        """JSON, or a form's text fields; a file in a form is not usable and is passed
        over (source of new-api)."""
        form = read_form(content_type, data)
        return form.fields if form is not None else super()._parse(content_type, data)

    def _read(self, body: object) -> Reading | Refused:
        return read_stock_submit(body)

    def _find(self, request: Request) -> Task | None:
        task = super()._find(request)
        return (
            None
            if task is None or time.time() - task.accepted_at < self._service.settings.row_delay_s
            else task
        )

    def _tell(self, task: Task) -> Response:
        bucket = zlib.crc32(task.id.encode()) % 8
        if task.id not in self._odd and bucket == 1:
            self._odd.add(task.id)
            return json_answer(
                gateway.auth_error("token 无模型权限（模型名为空）", new_request_id()), 403
            )
        link = (
            self._links.sign(f"/results/{file_stem(task.id)}.mp4", self._service.expires_at(task))
            if task.phase is Phase.SUCCEEDED
            else ""
        )
        body = gateway.stock_status(task, link)
        if task.id not in self._odd and bucket in (2, 3) and not task.ended:
            self._odd.add(task.id)
            body |= {
                "status": "unknown",
                "error": {
                    "code": "Throttling.RateQuota",
                    "message": "Requests rate limit exceeded, please try again later.",
                },
            }
        return json_answer(body)

    def _send(self, path: Path) -> Response:
        return StreamingResponse(
            _pieces(path),
            media_type="video/mp4",
            headers=_CACHED | {"content-length": str(path.stat().st_size)},
        )


async def _pieces(path: Path) -> AsyncIterator[bytes]:
    async with await anyio.open_file(path, "rb") as file:
        while piece := await file.read(65_536):
            yield piece


def destiny_for(request: Request, fault: Fault | None) -> ScriptedEnd:
    """What becomes of the task: an upstream's verdict first, then a fault script's."""
    if fault is not None:
        return ScriptedEnd(EndKind.REFUSED, fault.code, fault.message)
    scripted: ScriptedEnd = request.scope.get("wanbatch.destiny", ScriptedEnd())
    return scripted


def refuse_token() -> Response:
    return json_answer(gateway.auth_error("invalid token", new_request_id()), 401)


def refuse_draft(refused: Refused) -> Response:
    if refused.code == "model_not_found":
        return json_answer(
            gateway.auth_error(refused.message, new_request_id(), refused.code), refused.status
        )
    return json_answer(gateway.task_error(refused.code, refused.message), refused.status)
