"""The HTTP edge: one request out, what was seen back. With ``http_download`` the only place that imports httpx.

What it may not do: judge a reply, follow a redirect, repeat a request, or let the key go anywhere but to the profile's own origin.

How it works
------------
Requests go straight to httpx *transports*, never through its client: no redirects, no cookies, no proxies or certificates from the environment, and
none of the client's log lines, which hold whole signed URLs. ``SSLContext`` is made once.

*Submits* get a fresh connection each, closed afterwards, so that a stale connection can never turn a POST uncertain. httpx's trace events tell
when the first byte of a request is written; before that, nothing can have been accepted.

*Reads* share a last-in-first-out pool of transports with one connection each. (httpx's own pool is quadratic, and assigns one idle connection to
several requests: with 100 connections it does 30 requests/s, this one 500 to 660.) A transport whose request failed, was cancelled or was
left half-read is thrown away: httpcore can keep such a connection for ever.

What comes back has lost every spelling of the key that we know, so that a server which echoes it cannot make us print it.
"""

from __future__ import annotations

import base64
import logging
import ssl
import zlib
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import quote

import anyio
import certifi
import httpx

from wanbatch.providers.addresses import is_loopback_host
from wanbatch.providers.model import NoReply, Profile, Reply, Seen, WireRequest

Transport = httpx.AsyncBaseTransport
"""What the simulation may pass in the network's place."""

USER_AGENT = "wanbatch"
REPLY_LIMIT_BYTES = 4 * 1024 * 1024
HEADER_LIMIT = 100
CONNECT_TIMEOUT_S = 15.0
READ_TIMEOUT_S = 30.0
READ_CONNECTIONS = 64
SLOWEST_UPLOAD = 32 * 1024
"""Bytes per second that a submit's deadline allows for its body, beside the time for the answer."""

_SINGLE = httpx.Limits(max_connections=1, max_keepalive_connections=1, keepalive_expiry=20.0)
_ONCE = httpx.Limits(max_connections=1, max_keepalive_connections=0)


def silence_libraries() -> None:
    """Takes httpx's and httpcore's loggers out of every log: they write headers and whole URLs. Called when this module is imported."""
    for name in ("httpx", "httpcore"):
        logger = logging.getLogger(name)
        logger.setLevel(logging.CRITICAL + 1)
        logger.propagate = False


silence_libraries()


class TooLarge(Exception):
    """A reply went over its cap."""


class Progress:
    """What httpx's trace events tell of one request: whether its first byte was written. A proxy's ``CONNECT`` does not count."""

    def __init__(self) -> None:
        self.sent = False

    async def __call__(self, event: str, info: Mapping[str, Any]) -> None:
        if event.endswith(".send_request_headers.started") and getattr(info.get("request"), "method", b"") != b"CONNECT":
            self.sent = True


class Lanes:
    """Transports for one profile: fresh ones, and the pool for reads. ``given`` stands in for all of them in the simulation."""

    def __init__(self, profile: Profile, given: Transport | None = None, size: int = READ_CONNECTIONS) -> None:
        self._profile = profile
        self._given = given
        self._context: ssl.SSLContext | None = None
        self._free: list[Transport] = []
        self._slots = anyio.Semaphore(size)

    @property
    def simulated(self) -> bool:
        return self._given is not None

    def prepare(self) -> None:
        """Reads the certificate authorities. Raises ``OSError`` where the profile's file of them is missing or holds none."""
        if self._given is None and self._context is None:
            self._context = make_context(self._profile.ca_file)

    @asynccontextmanager
    async def fresh(self, host: str) -> AsyncIterator[Transport]:
        """A transport that has never been used and never will be again."""
        transport = self._given or self._make(_ONCE, host)
        try:
            yield transport
        finally:
            await self._discard(transport)

    @asynccontextmanager
    async def pooled(self, host: str) -> AsyncIterator[Transport]:
        """The transport used last, for one exchange with the profile's own ``host``; who leaves by an exception costs the pool a connection."""
        async with self._slots:
            transport = self._given or (self._free.pop() if self._free else self._make(_SINGLE, host))
            try:
                yield transport
            except BaseException:
                await self._discard(transport)
                raise
            if self._given is None:
                self._free.append(transport)

    async def aclose(self) -> None:
        while self._free:
            await self._discard(self._free.pop())

    async def _discard(self, transport: Transport) -> None:
        if transport is self._given:
            return
        with anyio.move_on_after(2, shield=True):
            await transport.aclose()

    def _make(self, limits: httpx.Limits, host: str) -> Transport:
        self.prepare()
        proxy = self._profile.proxy if self._profile.proxy and not is_loopback_host(host) else None
        return httpx.AsyncHTTPTransport(verify=self._context or True, trust_env=False, http2=False, limits=limits, proxy=proxy, retries=0)


def make_context(ca_file: str) -> ssl.SSLContext:
    """Certificates are checked against certifi's authorities, and those of ``ca_file`` where there is one. Raises ``OSError`` for a bad file."""
    context = ssl.create_default_context(cafile=certifi.where())
    if ca_file:
        context.load_verify_locations(cafile=ca_file)
    return context


class Http:
    """One profile's door to the network. ``requests`` counts the HTTP requests that went through it."""

    def __init__(self, profile: Profile, transport: Transport | None = None) -> None:
        self.profile = profile
        self.lanes = Lanes(profile, transport)
        self.requests = 0
        self.base = httpx.URL(profile.base_url)

    async def aclose(self) -> None:
        await self.lanes.aclose()

    def authorization(self) -> dict[str, str]:
        """The header that carries the key, for the profile's own origin and no other."""
        key = self.profile.api_key
        return {"authorization": f"Bearer {key.reveal()}"} if key else {}

    async def send_once(self, wire: WireRequest) -> Seen:
        """The one POST of a submit: fresh connection, no repetition; ``submit_timeout_s`` for the answer and the time that its body may need."""
        patience = self.profile.submit_timeout_s
        async with self.lanes.fresh(self.base.host) as transport:
            return await self._exchange(transport, wire, patience, patience + len(wire.body) / SLOWEST_UPLOAD)

    async def read(self, wire: WireRequest) -> Seen:
        """A query over the pool; it may be repeated freely by whoever asks."""
        try:
            async with self.lanes.pooled(self.base.host) as transport:
                seen = await self._exchange(transport, wire, READ_TIMEOUT_S, READ_TIMEOUT_S * 2)
                if isinstance(seen, NoReply):
                    raise _Spoilt(seen)
                return seen
        except _Spoilt as spoilt:
            return spoilt.seen

    async def send_large(self, wire: WireRequest) -> Seen:
        """A request with a large body that buys nothing, such as media for the backend's own store."""
        async with self.lanes.fresh(self.base.host) as transport:
            return await self._exchange(transport, wire, READ_TIMEOUT_S, READ_TIMEOUT_S + len(wire.body) / SLOWEST_UPLOAD)

    async def send_abroad(self, url: str, headers: Mapping[str, str], body: bytes) -> Seen:
        """A POST to a host that is not the API's, such as an upload space: never with the key."""
        try:
            target = httpx.URL(url)
        except httpx.InvalidURL:
            return NoReply("the address is malformed", may_have_been_sent=False)
        request = build("POST", target, {**self._headers(), **headers}, body)
        async with self.lanes.fresh(target.host) as transport:
            return await self._run(transport, request, READ_TIMEOUT_S, READ_TIMEOUT_S + len(body) / SLOWEST_UPLOAD)

    async def _exchange(self, transport: Transport, wire: WireRequest, patience_s: float, deadline_s: float) -> Seen:
        url = self.base.copy_with(raw_path=(self.base.raw_path.decode().rstrip("/") + wire.path).encode())
        headers = {**self._headers(), **wire.headers, **self.authorization()}
        return await self._run(transport, build(wire.method, url, headers, wire.body), patience_s, deadline_s)

    def _headers(self) -> dict[str, str]:
        return {"user-agent": USER_AGENT, "accept": "application/json", "accept-encoding": "identity"}

    async def _run(self, transport: Transport, request: httpx.Request, patience_s: float, deadline_s: float) -> Seen:
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
                return self._forget_key(response, body)
            return NoReply(f"no whole answer within {deadline_s:.0f} s", self._maybe_sent(progress))
        except TooLarge:
            return NoReply(f"the answer is larger than {REPLY_LIMIT_BYTES // 1024 // 1024} MiB", may_have_been_sent=True)
        except (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.ProxyError) as error:
            return NoReply(explain(error), progress.sent)
        except (httpx.HTTPError, httpx.StreamError, OSError, ssl.SSLError) as error:
            return NoReply(explain(error), self._maybe_sent(progress))

    def _maybe_sent(self, progress: Progress) -> bool:
        """A given transport may not report its progress, so there silence proves nothing."""
        return progress.sent or self.lanes.simulated

    def _forget_key(self, response: httpx.Response, body: bytes) -> Reply:
        headers = {}
        spellings = key_spellings(self.profile.api_key.reveal())
        for name, value in list(response.headers.items())[:HEADER_LIMIT]:
            for spelling in spellings:
                value = value.replace(spelling, "…")  # noqa: PLW2901 - one text, several cuts
            headers[name.lower()] = value
        for spelling in spellings:
            body = body.replace(spelling.encode(), b"...")
        return Reply(response.status_code, headers, body)


class Body(httpx.AsyncByteStream):
    """A request's body in pieces. No generator, so that a connection which breaks in its middle leaves nothing to clean up."""

    def __init__(self, content: bytes) -> None:
        self._rest = memoryview(content)

    def __aiter__(self) -> Body:
        return self

    async def __anext__(self) -> bytes:
        if not self._rest:
            raise StopAsyncIteration
        piece, self._rest = bytes(self._rest[:65536]), self._rest[65536:]
        return piece


def build(method: str, url: httpx.URL, headers: Mapping[str, str], content: bytes) -> httpx.Request:
    """A request with its length stated. It can be sent once."""
    request = httpx.Request(method, url, headers=headers, content=content)
    request.stream = Body(content)
    return request


class _Spoilt(Exception):
    """Carries a failed exchange out of the pool's context, so that its connection is thrown away."""

    def __init__(self, seen: NoReply) -> None:
        self.seen = seen


def key_spellings(key: str) -> tuple[str, ...]:
    """The ways in which a key may come back: plain, in base64 at each of its three alignments, URL-encoded."""
    if len(key) < 6:
        return ()
    raw = key.encode("latin-1", "replace")
    forms = [key, quote(key, safe="")]
    for shift in range(3):
        coded = base64.b64encode(b"\0" * shift + raw).decode()
        inner = coded[(shift * 8 + 5) // 6 : (shift + len(raw)) * 8 // 6]  # only the characters that depend on nothing but the key
        forms += [inner, inner.replace("+", "-").replace("/", "_")]
    return tuple(dict.fromkeys(sorted(forms, key=len, reverse=True)))


def timeouts(patience_s: float) -> dict[str, float | None]:
    """httpx's four; waiting for a pool slot is bounded by the deadline around the whole."""
    return {"connect": min(CONNECT_TIMEOUT_S, patience_s), "read": patience_s, "write": patience_s, "pool": None}


def explain(error: Exception) -> str:
    """A network failure in words of our own: httpx's may quote headers and addresses."""
    words: tuple[tuple[type[Exception], str], ...] = (
        (httpx.ConnectTimeout, "the connection was not made in time"),
        (httpx.ReadTimeout, "no answer came in time"),
        (httpx.WriteTimeout, "the request could not be written in time"),
        (httpx.PoolTimeout, "no connection was free in time"),
        (httpx.ProxyError, "the proxy refused"),
        (httpx.RemoteProtocolError, "the server broke off or answered with something that is not HTTP"),
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
            return f"the server's certificate is not trusted: {cause.verify_message}"
        if isinstance(cause, ssl.SSLError):
            return "no secure connection could be made: " + (cause.reason or "TLS failed").replace("_", " ").lower()
        if isinstance(cause, ConnectionRefusedError):
            return "the connection was refused"
        cause = cause.exceptions[0] if isinstance(cause, BaseExceptionGroup) else cause.__cause__ or cause.__context__
    text = str(error)
    if "getaddrinfo" in text or "Name or service" in text or "resolution" in text or "nodename" in text or "No address" in text:
        return "the host's name was not found"
    return "no connection could be made"


async def consume(response: httpx.Response, take: Callable[[bytes], Awaitable[None]]) -> None:
    """Hands each piece of the body to ``take``, and raises whatever that raises.

    The body's generators are nested in httpx and httpcore; leaving them half-way leaves them to the garbage collector, which trio rightly
    minds. So where ``take`` fails, the wait for the next piece is cancelled inside them, which unwinds them all.
    """
    failure: BaseException | None = None
    if not isinstance(response.stream, httpx.AsyncByteStream):
        await take(response.content)
        return
    with anyio.CancelScope() as scope:
        async for part in response.stream:
            if failure is None:
                try:
                    await take(part)
                except BaseException as error:  # noqa: BLE001 - raised again below, cancellation too
                    failure = error
                    scope.cancel()
    if failure is not None:
        raise failure


async def _read_capped(response: httpx.Response) -> bytes:
    """The body within its cap, inflated where the server compressed it unasked. Raises ``TooLarge`` or httpx's errors."""
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
