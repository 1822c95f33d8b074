"""uvicorn's HTTP protocol, with the connection's transport in the scope of every
request.

What it may not do: change what HTTP does; only ``injection`` uses the transport.
"""

from __future__ import annotations

from typing import Any

from starlette.types import Receive, Scope, Send
from uvicorn.protocols.http.h11_impl import H11Protocol


class OpenProtocol(H11Protocol):
    """One connection."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:  # noqa: ANN401 - handed through as uvicorn gives them
        super().__init__(*args, **kwargs)
        application = self.app

        async def with_transport(scope: Scope, receive: Receive, send: Send) -> None:
            scope["wanbatch.transport"] = self.transport
            await application(scope, receive, send)

        self.app = with_transport
