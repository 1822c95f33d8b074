"""The emulator's web application: all routes over one service, behind the middleware.

What it may not do: listen (``serve`` does).

How it works: made by a function, so that nothing lives at import time. An unknown
address or a wrong method gets the API's own envelope. ``/__books`` tells tests the
truth: what was accepted, and what was called since the process began.
"""

from __future__ import annotations

from collections import Counter
from urllib.parse import urlsplit

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from wanbatch.emulator.faults.injection import FaultInjection
from wanbatch.emulator.faults.middleware import FaultMiddleware
from wanbatch.emulator.protocols import gateway
from wanbatch.emulator.protocols.dashscope_routes import DashScopeRoutes
from wanbatch.emulator.protocols.gateway_routes import GatewayRoutes, StockRoutes
from wanbatch.emulator.protocols.http_answers import json_answer, new_request_id
from wanbatch.emulator.protocols.media_routes import MediaRoutes
from wanbatch.emulator.service import Service
from wanbatch.emulator.signed_urls import Links
from wanbatch.emulator.task import Task
from wanbatch.emulator.whereabouts import Whereabouts
from wanbatch.words.canonical import content_hash


def build_app(service: Service, base_url: str) -> FaultMiddleware:
    """The application that answers for ``service`` under ``base_url``."""
    links = Links(service.store.secret(), base_url)
    routes = [*DashScopeRoutes(service, links).routes(), *MediaRoutes(service, base_url).routes()]
    if service.settings.dialect != "dashscope":
        personality = (
            StockRoutes if service.settings.dialect == "gateway-metadata" else GatewayRoutes
        )
        routes += personality(service, links).routes()

    async def tell(_request: Request) -> Response:
        return json_answer(truth(service, middleware))

    inner = Starlette(
        routes=[*routes, Route("/__books", tell)],
        exception_handlers={HTTPException: _answer_error, 500: _answer_bug},
    )
    inner.router.redirect_slashes = False
    whereabouts = Whereabouts(service, links)
    injection = FaultInjection(base_url, other_origin(base_url), whereabouts)
    middleware = FaultMiddleware(inner, service, injection, whereabouts)
    return middleware


def other_origin(base_url: str) -> str:
    """The same server under another name, which makes it another origin."""
    parts = urlsplit(base_url)
    return f"http://{'127.0.0.1' if parts.hostname == 'localhost' else 'localhost'}:{parts.port}"


def truth(service: Service, middleware: FaultMiddleware) -> dict[str, object]:
    """What really happened. ``duplicates`` are ids of tasks whose body equals that of
    an earlier one; ``calls`` and ``faults`` count since the start.
    """
    tasks = list(service.tasks.values())
    return {
        "accepted": len(tasks),
        "phases": Counter(t.phase.value for t in tasks),
        "duplicates": _duplicates(tasks),
        "calls": middleware.calls,
        "faults": middleware.faults.fired,
        "tasks": [
            {
                "id": t.id,
                "dialect": t.dialect,
                "accepted_at": t.accepted_at,
                "phase": t.phase.value,
                "body": t.body,
            }
            for t in tasks
        ],
    }


def _duplicates(tasks: list[Task]) -> list[str]:
    seen: set[str] = set()
    found = []
    for task in tasks:
        digest = content_hash(repr(task.body))
        if digest in seen:
            found.append(task.id)
        seen.add(digest)
    return found


async def _answer_error(request: Request, error: Exception) -> Response:
    status = error.status_code if isinstance(error, HTTPException) else 500
    if status == 404:
        message = f"Invalid URL ({request.method} {request.url.path})"
        return json_answer(
            {
                "error": {
                    "message": message,
                    "type": "invalid_request_error",
                    "param": "",
                    "code": "",
                }
            },
            404,
        )
    detail = error.detail if isinstance(error, HTTPException) else "internal error"
    return json_answer(
        gateway.auth_error(detail, new_request_id()), status, getattr(error, "headers", None)
    )


async def _answer_bug(_request: Request, error: Exception) -> Response:
    return json_answer(
        gateway.task_error("internal_error", f"a bug in the emulator: {type(error).__name__}"), 500
    )
