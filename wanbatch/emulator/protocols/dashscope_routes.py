"""The routes of DashScope: submit, query, list, cancel, the upload space, and the
signed results.

What it may not do: decide what a request means (``upstream``) or how a task is told
(``dashscope``).

How it works: token, then header, then model are checked at the submit; everything else
makes the task fail a moment later. An upload is a form sent to an address and with a
signature that ``getPolicy`` gave. A result's address needs no token, only its own
signature.
"""

from __future__ import annotations

import asyncio
import base64
import json
import time
import uuid

from starlette.requests import Request
from starlette.responses import FileResponse, Response
from starlette.routing import Route

from wanbatch.emulator.ids import file_stem, id_of_segment
from wanbatch.emulator.protocols import dashscope
from wanbatch.emulator.protocols.gateway_routes import destiny_for
from wanbatch.emulator.protocols.http_answers import (
    MB,
    MEDIA_LIMIT,
    SUBMIT_LIMIT,
    allowed,
    json_answer,
    read_body,
)
from wanbatch.emulator.protocols.multipart import Form, read_form
from wanbatch.emulator.protocols.parse_dashscope import read_upstream
from wanbatch.emulator.protocols.parse_gateway import Refused, is_model, parse_json
from wanbatch.emulator.request import Malformed
from wanbatch.emulator.service import Service
from wanbatch.emulator.signed_urls import ACCESS_KEY_ID, Links
from wanbatch.emulator.task import Phase, Task

_BUCKET = "dashscope-instant"
_POLICY_LIFE_S = 300
"""``expire_in_seconds`` of the real upload space."""


class DashScopeRoutes:
    """``/api/v1``, the upload host and ``/results`` over one service."""

    def __init__(self, service: Service, links: Links) -> None:
        self._service = service
        self._links = links

    def routes(self) -> list[Route]:
        return [
            Route(
                "/api/v1/services/aigc/video-generation/video-synthesis",
                self.submit,
                methods=["POST"],
            ),
            Route("/api/v1/tasks", self.list, methods=["GET"]),
            Route("/api/v1/tasks/", self.list, methods=["GET"]),
            Route("/api/v1/tasks/{task_id}", self.query, methods=["GET"]),
            Route("/api/v1/tasks/{task_id}/cancel", self.cancel, methods=["POST"]),
            Route("/api/v1/uploads", self.policy, methods=["GET"]),
            Route("/oss", self.upload, methods=["POST"]),
            Route("/results/{name}", self.result, methods=["GET"]),
        ]

    async def submit(self, request: Request) -> Response:
        refusal = self._refuse_key(request)
        if refusal is not None:
            return refusal
        data = await read_body(request, SUBMIT_LIMIT)
        if data is None:
            return _error(400, "BadRequest.TooLarge", "Payload Too Large", {"connection": "close"})
        if request.headers.get("x-dashscope-async", "") != "enable":
            return _error(
                403, "AccessDenied", "current user api does not support synchronous calls."
            )
        body = parse_json(data)
        if isinstance(body, Refused) or not isinstance(body, dict):
            return _error(
                400,
                "InvalidParameter",
                "Required body invalid, please check the request body format.",
            )
        model = body.get("model")
        if not is_model(model):
            return _error(
                404,
                "ModelNotFound",
                f"The model `{model}` does not exist or you do not have access to it.",
            )
        resolves = request.headers.get("x-dashscope-ossresourceresolve", "") == "enable"
        reading = read_upstream(
            str(model), body.get("input"), body.get("parameters"), "1080P", resolve_uploads=resolves
        )
        task = await self._service.submit(
            reading.draft, body, "dashscope", destiny_for(request, reading.fault)
        )
        return json_answer(
            dashscope.submitted(task),
            headers={"x-request-id": task.request_id, "x-dashscope-timeout": "1800"},
        )

    async def query(self, request: Request) -> Response:
        refusal = self._refuse_key(request)
        if refusal is not None:
            return refusal
        request_id, task_id = str(uuid.uuid4()), id_of_segment(request.path_params["task_id"])
        task = self._service.find("dashscope", task_id)
        if task is None or (
            task.ended and time.time() >= task.ended_at + self._service.settings.expire_after_s
        ):
            return json_answer(
                dashscope.unknown(task_id, request_id), headers={"x-request-id": request_id}
            )
        link, clip_s = "", 0.0
        if task.phase is Phase.SUCCEEDED:
            link = self._links.sign(
                f"/results/{file_stem(task_id)}{_suffix(task)}", self._service.expires_at(task)
            )
            clip_s = await self._service.clip_seconds(task)
        return json_answer(
            dashscope.status(task, link, request_id, clip_s), headers={"x-request-id": request_id}
        )

    async def list(self, request: Request) -> Response:
        refusal = self._refuse_key(request)
        if refusal is not None:
            return refusal
        query = dashscope.read_list_query(request.query_params, time.time())
        if isinstance(query, Malformed):
            return _error(400, "InvalidParameter", query.message)
        tasks = (t for t in self._service.tasks.values() if t.dialect == "dashscope")
        return json_answer(dashscope.listed(tasks, query, str(uuid.uuid4())))

    async def cancel(self, request: Request) -> Response:
        refusal = self._refuse_key(request)
        if refusal is not None:
            return refusal
        task = self._service.find("dashscope", id_of_segment(request.path_params["task_id"]))
        if task is None or not self._service.cancel(task):
            return _error(
                400,
                "UnsupportedOperation",
                "Failed to cancel the task, please confirm if the task is in PENDING status.",
            )
        return json_answer({"request_id": str(uuid.uuid4())})

    async def policy(self, request: Request) -> Response:
        """The form that an upload must send, good for five minutes."""
        refusal = self._refuse_key(request)
        if refusal is not None:
            return refusal
        if request.query_params.get("action") != "getPolicy" or not is_model(
            request.query_params.get("model")
        ):
            return _error(
                400,
                "InvalidParameter",
                "action must be getPolicy and model a model that takes uploads",
            )
        day = time.strftime("%Y-%m-%d", time.gmtime())
        folder = f"{_BUCKET}/{uuid.uuid4().hex}/{day}/{uuid.uuid4()}"
        conditions = {
            "until": int(time.time()) + _POLICY_LIFE_S,
            "folder": folder,
            "bytes": MEDIA_LIMIT,
        }
        policy = base64.b64encode(json.dumps(conditions).encode()).decode()
        data = {
            "policy": policy,
            "signature": self._links.sign_policy(policy),
            "upload_dir": folder,
            "upload_host": f"{self._links.base_url}/oss",
            "expire_in_seconds": _POLICY_LIFE_S,
            "max_file_size_mb": MEDIA_LIMIT // MB,
            "capacity_limit_mb": 999_999_999,
            "oss_access_key_id": ACCESS_KEY_ID,
            "x_oss_object_acl": "private",
            "x_oss_forbid_overwrite": "true",
        }
        return json_answer({"request_id": str(uuid.uuid4()), "data": data})

    async def upload(self, request: Request) -> Response:
        """The object store's own form; it answers in XML and asks for no token."""
        body = await read_body(request, MEDIA_LIMIT + MB)
        if body is None:
            return _store_error(
                400, "EntityTooLarge", "Your proposed upload exceeds the maximum allowed size."
            )
        form = read_form(request.headers.get("content-type", ""), body)
        if form is None or form.file is None or not form.file_is_last:
            return _store_error(
                400,
                "MalformedPOSTRequest",
                "The body of your POST request is not well-formed multipart/form-data.",
            )
        wrong = self._wrong_form(form)
        if wrong:
            return _store_error(403, "AccessDenied", wrong)
        url = f"oss://{form.fields['key']}"
        if self._service.store.uploaded(url, time.time()):
            return _store_error(
                409,
                "FileAlreadyExists",
                "The object you specified already exists and can not be overwritten.",
            )
        sha256 = await asyncio.to_thread(self._service.store.keep_media, form.file)
        self._service.store.upload(url, sha256, time.time())
        return Response(
            status_code=200 if form.fields.get("success_action_status") == "200" else 204
        )

    def _wrong_form(self, form: Form) -> str:
        policy = form.fields.get("policy", "")
        if form.fields.get("OSSAccessKeyId") != ACCESS_KEY_ID or form.fields.get(
            "Signature"
        ) != self._links.sign_policy(policy):
            return "The request signature we calculated does not match the signature you provided."
        conditions = json.loads(base64.b64decode(policy))
        if conditions["until"] < time.time():
            return "Invalid according to Policy: Policy expired."
        if not form.fields.get("key", "").startswith(conditions["folder"] + "/"):
            return "Invalid according to Policy: Policy Condition failed: key"
        if (
            form.fields.get("x-oss-object-acl") != "private"
            or form.fields.get("x-oss-forbid-overwrite") != "true"
        ):
            return (
                "Invalid according to Policy: Policy Condition failed: x-oss-object-acl,"
                " x-oss-forbid-overwrite"
            )
        return ""

    async def result(self, request: Request) -> Response:
        """A video by its signed address; a token is neither needed nor looked at."""
        wrong = self._links.check(request.url.path, request.query_params, time.time())
        if wrong:
            return _store_error(
                403, "SignatureDoesNotMatch" if "signature" in wrong else "AccessDenied", wrong
            )
        task = self._service.find_result(request.path_params["name"])
        if task is None or not task.video:
            return _store_error(404, "NoSuchKey", "The specified key does not exist.")
        return FileResponse(self._service.store.video_path(task.video), media_type="video/mp4")

    def _refuse_key(self, request: Request) -> Response | None:
        if allowed(request, self._service.settings.api_key):
            return None
        return _error(401, "InvalidApiKey", "Invalid API-key provided.")


def _suffix(task: Task) -> str:
    return "_watermark.mp4" if task.request.watermark else ".mp4"


def _error(status: int, code: str, message: str, headers: dict[str, str] | None = None) -> Response:
    request_id = str(uuid.uuid4())
    return json_answer(
        dashscope.error(code, message, request_id),
        status,
        {"x-request-id": request_id} | (headers or {}),
    )


def _store_error(status: int, code: str, message: str) -> Response:
    text = (
        f'<?xml version="1.0" encoding="UTF-8"?>\n<Error>\n  <Code>{code}</Code>\n '
        f" <Message>{message}</Message>\n</Error>\n"
    )
    return Response(text, status, media_type="application/xml")
