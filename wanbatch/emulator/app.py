"""The emulator's web application: all routes over one studio.

What it may not do: listen (``serve`` does).

How it works: a starlette application made by a function, so that nothing lives at import time. An unknown address or a wrong method gets
the API's own envelope.
"""

from __future__ import annotations

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp

from wanbatch.emulator import gateway
from wanbatch.emulator.doors import json_answer, new_request_id
from wanbatch.emulator.gateway_routes import GatewayRoutes
from wanbatch.emulator.media_routes import MediaRoutes
from wanbatch.emulator.studio import Studio


def build_app(studio: Studio, base_url: str) -> ASGIApp:
    """The application that answers for ``studio`` under ``base_url``."""
    routes = [*GatewayRoutes(studio, base_url).routes(), *MediaRoutes(studio, base_url).routes()]
    return Starlette(routes=routes, exception_handlers={HTTPException: _answer_error, 500: _answer_bug})


async def _answer_error(request: Request, error: Exception) -> Response:
    status = error.status_code if isinstance(error, HTTPException) else 500
    if status == 404:
        message = f"Invalid URL ({request.method} {request.url.path})"
        return json_answer({"error": {"message": message, "type": "invalid_request_error", "param": "", "code": ""}}, 404)
    detail = error.detail if isinstance(error, HTTPException) else "internal error"
    return json_answer(gateway.auth_error(detail, new_request_id()), status, getattr(error, "headers", None))


async def _answer_bug(_request: Request, error: Exception) -> Response:
    return json_answer(gateway.task_error("internal_error", f"a bug in the emulator: {type(error).__name__}"), 500)
