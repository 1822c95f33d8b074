"""A network in memory: every request goes to one transport or one function.

What it may not do: open a socket, or look a name up.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence

import httpx


class MemoryNetwork:
    """For ``Client(profile, network=MemoryNetwork(answer))``.

    ``answer`` is an httpx transport, or a function from ``httpx.Request`` to
    ``httpx.Response``. ``tells_progress`` is true for a transport that calls the
    request's ``trace`` as httpx's own do; without it a POST that fails is uncertain, as
    it is wherever nobody knows whether a byte was written.
    """

    def __init__(
        self,
        answer: httpx.AsyncBaseTransport
        | Callable[[httpx.Request], httpx.Response]
        | Callable[[httpx.Request], Awaitable[httpx.Response]],
        *,
        tells_progress: bool = False,
    ) -> None:
        self.transport = (
            answer if isinstance(answer, httpx.AsyncBaseTransport) else httpx.MockTransport(answer)  # type: ignore[arg-type]  # either kind
        )
        self.tells_progress = tells_progress

    async def resolve(self, host: str, port: int) -> Sequence[str]:
        """No addresses: the connection is not made by name."""
        return ()

    def prepare(self, ca_file: str) -> None:
        pass

    def connect(
        self, limits: httpx.Limits, proxy: str | None, ca_file: str
    ) -> httpx.AsyncBaseTransport:
        return _Lent(self.transport)


class _Lent(httpx.AsyncBaseTransport):
    """The one transport, which outlives whoever closes it."""

    def __init__(self, transport: httpx.AsyncBaseTransport) -> None:
        self._transport = transport

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        return await self._transport.handle_async_request(request)
