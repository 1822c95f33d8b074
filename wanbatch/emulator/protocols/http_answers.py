"""What every route shares: who is asking, how much a body may hold, how an answer is
written.

What it may not do: know a route or a dialect's objects.

How it works: JSON answers are made by hand from a dictionary, because a poll must cost
little. A body is read with a cap and never beyond it.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Mapping

from starlette.requests import Request
from starlette.responses import Response

MB = 1024 * 1024
"""As new-api counts."""
SUBMIT_LIMIT = 128 * MB
"""MAX_REQUEST_BODY_MB of new-api."""
MEDIA_LIMIT = 100 * MB
"""The largest input that the API takes: a clip."""

_encode = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode


def json_answer(
    body: object, status: int = 200, headers: Mapping[str, str] | None = None
) -> Response:
    """``body`` as JSON."""
    return Response(
        _encode(body).encode("utf-8", "surrogatepass"), status, headers, "application/json"
    )


def new_request_id() -> str:
    """As the gateway writes it in its messages and headers."""
    return secrets.token_hex(16)


def bearer(request: Request) -> str:
    """The token of the request, or an empty string."""
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    return token.strip() if scheme.lower() == "bearer" else ""


def allowed(request: Request, api_key: str) -> bool:
    """Whether the request carries the right token; any will do where ``api_key`` is
    empty."""
    token = bearer(request)
    return bool(token) and (not api_key or secrets.compare_digest(token.encode(), api_key.encode()))


async def read_body(request: Request, limit: int) -> bytes | None:
    """The body, or ``None`` where it is longer than ``limit`` bytes."""
    declared = request.headers.get("content-length", "")
    if declared.isdigit() and int(declared) > limit:
        return None
    chunks, length = [], 0
    async for chunk in request.stream():
        length += len(chunk)
        if length > limit:
            return None
        chunks.append(chunk)
    return b"".join(chunks)
