"""The HTTP edge: one request out, what was seen back. With ``http_download`` the only
place that imports httpx.

What it may not do: judge a reply, follow a redirect, repeat a request, or let the key
go anywhere but to the profile's own origin.

How it works
------------
Requests go straight to httpx *transports*, never through its client: no redirects, no
cookies, no proxies or certificates from the environment, and none of the client's log
lines, which hold whole signed URLs.

*Submits* get a fresh connection each, closed afterwards, so that a stale connection can
never turn a POST uncertain. httpx's trace events tell when the first byte of a request
is written; before that, nothing can have been accepted.

What comes back has lost every spelling of the key that we know, so that a server which
echoes it cannot make us print it.
"""

from __future__ import annotations

import os
import ssl
import zlib
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, cast

import anyio
import httpx

from wanbatch.model.wire import NoReply, Profile, Reply, Seen, WireRequest
from wanbatch.providers.http.connections import ConnectionPool, Refused, parse_url
from wanbatch.providers.http.network import Network, Transport
from wanbatch.providers.scrubbing import scrub, scrub_body
from wanbatch.words.errors import ExitCode, WanbatchError

USER_AGENT = "wanbatch"
REPLY_LIMIT_BYTES = 4 * 1024 * 1024
"""Far above a page of a list; a server that sends more is broken."""
HEADER_LIMIT = 100
"""Fields of an answer that are read; real ones have some dozens."""
TARGETS = 10_000
"""Addresses of queries that are kept, some hundred bytes each: more than tasks are in
flight."""
CONNECT_TIMEOUT_S = 15.0
"""Name, TCP and TLS: three lost packets, each repeated, fit into it."""
READ_TIMEOUT_S = 30.0
"""For the answer to a query, far longer than one takes; a submit has
``submit_timeout_s`` of its profile."""
GRACE_S = 0.5
"""How much later than httpx's own time-outs the deadline around an exchange falls: they
close their sockets, a cancelled handshake does not."""
SLOWEST_UPLOAD = 32 * 1024
"""Bytes per second that a submit's deadline allows for its body, beside the time for
the answer."""


class TooLarge(Exception):
    """A reply went over its cap."""


class Progress:
    """What httpx's trace events tell of one request: whether its first byte was
    written. A proxy's ``CONNECT`` does not count."""

    def __init__(self) -> None:
        self.sent = False
        self._sent_at: float | None = None

    def elapsed_s(self) -> float:
        """Seconds since the first byte was written; 0.0 where nobody told."""
        return 0.0 if self._sent_at is None else anyio.current_time() - self._sent_at

    async def __call__(self, event: str, info: Mapping[str, Any]) -> None:
        if (
            event.endswith(".send_request_headers.started")
            and getattr(info.get("request"), "method", b"") != b"CONNECT"
        ):
            self.sent = True
            self._sent_at = anyio.current_time()


class Http:
    """One profile's door to the network. ``requests`` counts the HTTP requests that
    went through it. Raises ``WanbatchError`` for a malformed base URL."""

    def __init__(self, profile: Profile, network: Network | None = None) -> None:
        self.profile = profile
        self.connections = ConnectionPool(profile, network)
        self.requests = 0
        self._targets: dict[str, httpx.URL] = {}
        try:
            self.base = parse_url(profile.base_url)
        except Refused:
            raise WanbatchError(
                ExitCode.ENVIRONMENT,
                f"the base URL of backend {profile.name!r} is malformed",
                "it looks like https://api.example.com",
            ) from None

    async def aclose(self) -> None:
        await self.connections.aclose()

    def is_home(self, url: str) -> bool:
        """Whether ``url`` is on the API's own origin."""
        try:
            return self.connections.is_home(parse_url(url))
        except Refused:
            return False

    def authorization(self) -> dict[str, str]:
        """The header that carries the key, for the profile's own origin and no
        other."""
        key = self.profile.api_key
        return {"authorization": f"Bearer {key.reveal()}"} if key else {}

    async def send_once(self, wire: WireRequest) -> Seen:
        """The one POST of a submit: fresh connection, no repetition;
        ``submit_timeout_s`` for the answer and the time that its body may need."""
        patience = self.profile.submit_timeout_s
        async with self.connections.fresh(self.base.host) as transport:
            return await self._exchange(
                transport, wire, patience, patience + GRACE_S + len(wire.body) / SLOWEST_UPLOAD
            )

    async def read(self, wire: WireRequest) -> Seen:
        """A query over the pool; it may be repeated freely by whoever asks."""
        try:
            async with self.connections.pooled(self.base.host) as transport:
                seen = await self._exchange(transport, wire, READ_TIMEOUT_S, READ_TIMEOUT_S * 2)
                if isinstance(seen, NoReply):
                    raise _Spoilt(seen)
                return seen
        except _Spoilt as spoilt:
            return spoilt.seen

    async def send_apart(self, wire: WireRequest) -> Seen:
        """A request that buys nothing and is sent once, on a connection of its own:
        media for the backend's own store, a wish to cancel."""
        async with self.connections.fresh(self.base.host) as transport:
            return await self._exchange(
                transport, wire, READ_TIMEOUT_S, READ_TIMEOUT_S + len(wire.body) / SLOWEST_UPLOAD
            )

    async def send_abroad(
        self,
        method: str,
        url: str,
        headers: Mapping[str, str],
        body: bytes = b"",
        *,
        trusted: bool = False,
    ) -> Seen:
        """A request to a host that is not the API's, such as an upload space or a
        bucket: never with the key, and unless its address comes from the profile's
        owner (``trusted``) only to public addresses over https."""
        try:
            target = parse_url(url)
            request = build(
                method,
                target if trusted else self.connections.secured(target),
                {**self._headers(), **headers},
                body,
            )
            if not trusted:
                await self.connections.aim(request)
        except (Refused, httpx.ConnectError) as error:
            return NoReply(str(error), may_have_been_sent=False)
        async with self.connections.fresh(target.host) as transport:
            return await self._run(
                transport, request, READ_TIMEOUT_S, READ_TIMEOUT_S + len(body) / SLOWEST_UPLOAD
            )

    async def _exchange(
        self, transport: Transport, wire: WireRequest, patience_s: float, deadline_s: float
    ) -> Seen:
        url = self._target(wire.path)
        headers = {**self._headers(), **wire.headers, **self.authorization()}
        return await self._run(
            transport, build(wire.method, url, headers, wire.body), patience_s, deadline_s
        )

    def _target(self, path: str) -> httpx.URL:
        """The whole address. Tasks are asked about again and again, and httpx parses
        each address anew; so those of the last are kept."""
        found = self._targets.get(path)
        if found is None:
            if len(self._targets) >= TARGETS:
                self._targets.clear()
            whole = self.base.raw_path.decode().rstrip("/") + path
            found = self._targets[path] = self.base.copy_with(raw_path=whole.encode())
        return found

    def _headers(self) -> dict[str, str]:
        return {
            "user-agent": USER_AGENT,
            "accept": "application/json",
            "accept-encoding": "identity",
        }

    async def _run(
        self, transport: Transport, request: httpx.Request, patience_s: float, deadline_s: float
    ) -> Seen:
        progress = Progress()
        request.extensions |= {"timeout": timeouts(patience_s), "trace": progress}
        self.requests += 1
        try:
            with anyio.move_on_after(deadline_s):
                response = await transport.handle_async_request(request)
                try:
                    body = await _read_capped(response)
                finally:
                    with anyio.move_on_after(2, shield=True):
                        await response.aclose()
                return self._forget_key(response, body, progress.elapsed_s())
            return NoReply(f"no whole answer within {deadline_s:.0f} s", self._maybe_sent(progress))
        except TooLarge:
            return NoReply(
                f"the answer is larger than {REPLY_LIMIT_BYTES // 1024 // 1024} MiB",
                may_have_been_sent=True,
            )
        except (
            httpx.ConnectError,
            httpx.ConnectTimeout,
            httpx.PoolTimeout,
            httpx.ProxyError,
        ) as error:
            return NoReply(explain(error), progress.sent)
        except (httpx.HTTPError, httpx.StreamError, OSError, ssl.SSLError) as error:
            return NoReply(explain(error), self._maybe_sent(progress))

    def _maybe_sent(self, progress: Progress) -> bool:
        """Where a network does not tell its progress, silence proves nothing."""
        return progress.sent or not self.connections.tells_progress

    def _forget_key(self, response: httpx.Response, body: bytes, elapsed_s: float) -> Reply:
        """The reply as it leaves the edge: whatever echoes the key has lost it."""
        key = "" if self.profile.realm == "emulator" else self.profile.api_key.reveal()
        headers = {
            name.lower(): scrub(value, key)
            for name, value in list(response.headers.items())[:HEADER_LIMIT]
        }
        return Reply(response.status_code, headers, scrub_body(body, key), elapsed_s)


class Body(httpx.AsyncByteStream):
    """A request's body in pieces. No generator, so that a connection which breaks in
    its middle leaves nothing to clean up."""

    def __init__(self, content: bytes) -> None:
        self._rest = memoryview(content)

    def __aiter__(self) -> Body:
        return self

    async def __anext__(self) -> bytes:
        if not self._rest:
            raise StopAsyncIteration
        piece, self._rest = bytes(self._rest[:65536]), self._rest[65536:]
        return piece


def build(
    method: str,
    url: httpx.URL,
    headers: Mapping[str, str],
    content: bytes,
    extensions: dict[str, Any] | None = None,
) -> httpx.Request:
    """A request with its length stated. It can be sent once."""
    request = httpx.Request(method, url, headers=headers, content=content, extensions=extensions)
    request.stream = Body(content)
    return request


class _Spoilt(Exception):
    """Carries a failed exchange out of the pool's context, so that its connection is
    thrown away."""

    def __init__(self, seen: NoReply) -> None:
        self.seen = seen


def timeouts(patience_s: float) -> dict[str, float | None]:
    """httpx's four; waiting for a pool slot is bounded by the deadline around the
    whole."""
    return {
        "connect": min(CONNECT_TIMEOUT_S, patience_s),
        "read": patience_s,
        "write": patience_s,
        "pool": None,
    }


def explain(error: Exception) -> str:
    """A network failure in words of our own: httpx's may quote headers and
    addresses."""
    words: tuple[tuple[type[Exception], str], ...] = (
        (httpx.ConnectTimeout, f"the connection was not made in time{_proxy_hint()}"),
        (httpx.ReadTimeout, "no answer came in time"),
        (httpx.WriteTimeout, "the request could not be written in time"),
        (httpx.PoolTimeout, "no connection was free in time"),
        (httpx.ProxyError, "the proxy refused"),
        (
            httpx.RemoteProtocolError,
            "the server broke off or answered with something that is not HTTP",
        ),
        (httpx.LocalProtocolError, "the request could not be put into HTTP"),
        (httpx.UnsupportedProtocol, "the address has an unknown scheme"),
        (httpx.ReadError, "the connection broke while the answer was awaited"),
        (httpx.WriteError, "the connection broke while the request was written"),
    )
    if isinstance(error, httpx.ConnectError):
        return _explain_connect(error)
    return next((text for kind, text in words if isinstance(error, kind)), "the connection broke")


def _explain_connect(error: Exception) -> str:
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, ssl.SSLCertVerificationError):
            return (
                f"the server's certificate is not trusted: {cause.verify_message};"
                f" {_unused('SSL_CERT_FILE', 'SSL_CERT_DIR', 'REQUESTS_CA_BUNDLE')}"
                "name the authorities to trust with ca_file in the profile"
            )
        if isinstance(cause, ssl.SSLError):
            return (
                "no secure connection could be made: "
                + (cause.reason or "TLS failed").replace("_", " ").lower()
            )
        if isinstance(cause, ConnectionRefusedError):
            return f"the connection was refused{_proxy_hint()}"
        cause = (
            cause.exceptions[0]
            if isinstance(cause, BaseExceptionGroup)
            else cause.__cause__ or cause.__context__
        )
    text = str(error)
    if (
        "getaddrinfo" in text
        or "Name or service" in text
        or "resolution" in text
        or "nodename" in text
        or "No address" in text
    ):
        return f"the host's name was not found{_proxy_hint()}"
    return f"no connection could be made{_proxy_hint()}"


def _unused(*names: str) -> str:
    """Says which of these variables is set: we use none of them, for whoever set it may
    not be who owns the key."""
    found = next((name for name in names if os.environ.get(name)), None)
    return f"{found} is not used; " if found else ""


def _proxy_hint() -> str:
    told = _unused("HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy", "HTTP_PROXY")
    return f"; {told}name a proxy with proxy in the profile" if told else ""


async def consume(response: httpx.Response, take: Callable[[bytes], Awaitable[None]]) -> None:
    """Hands each piece of the body to ``take``, and raises whatever that raises.

    The body's generators are nested in httpx and httpcore; leaving them half-way leaves
    them to the garbage collector, which trio rightly minds. So where ``take`` fails,
    the wait for the next piece is cancelled inside them, which unwinds them all.
    """
    failure: BaseException | None = None
    stream = cast(httpx.AsyncByteStream, response.stream)  # httpx asserts it of its async client
    with anyio.CancelScope() as scope:
        async for part in stream:
            if failure is None:
                try:
                    await take(part)
                except BaseException as error:  # noqa: BLE001 - raised again below, cancellation too
                    failure = error
                    scope.cancel()
    if failure is not None:
        raise failure


async def _read_capped(response: httpx.Response) -> bytes:
    """The body within its cap, inflated where the server compressed it unasked. Raises
    ``TooLarge`` or httpx's errors."""
    body = bytearray()

    async def take(part: bytes) -> None:
        if len(body) + len(part) > REPLY_LIMIT_BYTES:
            raise TooLarge
        body.extend(part)

    await consume(response, take)
    encoding = response.headers.get("content-encoding", "identity").strip().lower()
    if encoding in ("", "identity"):
        return bytes(body)
    return _inflate(bytes(body)) if encoding in ("gzip", "x-gzip", "deflate") else b""


def _inflate(body: bytes) -> bytes:
    """What gzip or zlib packed, up to the cap; nothing where it is damaged."""
    try:
        plain = zlib.decompressobj(wbits=47).decompress(body, REPLY_LIMIT_BYTES)
    except zlib.error:
        return b""
    return plain
