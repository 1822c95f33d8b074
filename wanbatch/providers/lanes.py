"""The connections of one profile: a fresh one for each submit and download, a pool for reads.

What it may not do: send anything, or read proxies and certificates from the environment.

How it works
------------
httpx's own pool is quadratic, and assigns one idle connection to several requests: with 100 connections and 100 pending it does 30 requests/s. So
reads share transports of one connection each, the one used last first, which does 500 to 660. A transport whose request failed, was cancelled or
was left half-read is thrown away: httpcore can keep such a connection for ever. All transports share one ``SSLContext``.

Importing this module silences the loggers of httpx and httpcore: they write headers and whole signed URLs.
"""

from __future__ import annotations

import logging
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import anyio
import certifi
import httpx

from wanbatch.providers.addresses import is_loopback_host
from wanbatch.providers.model import Profile

Transport = httpx.AsyncBaseTransport
"""What the simulation may pass in the network's place."""

READ_CONNECTIONS = 64
_SINGLE = httpx.Limits(max_connections=1, max_keepalive_connections=1, keepalive_expiry=20.0)
_ONCE = httpx.Limits(max_connections=1, max_keepalive_connections=0)


def silence_libraries() -> None:
    """Takes httpx's and httpcore's loggers out of every log: they write headers and whole URLs. Called when this module is imported."""
    for name in ("httpx", "httpcore"):
        logger = logging.getLogger(name)
        logger.setLevel(logging.CRITICAL + 1)
        logger.propagate = False


silence_libraries()


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
