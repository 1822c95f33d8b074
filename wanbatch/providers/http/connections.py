"""The connections of one profile: a fresh one for each submit and download, a pool for
reads.

What it may not do: send anything, or read proxies and certificates from the
environment.

How it works
------------
httpx's own pool is quadratic, and assigns one idle connection to several requests: with
100 connections and 100 pending it does 30 requests/s. So reads share transports of one
connection each, the one used last first, which does 500 to 660. A transport whose
request failed, was cancelled or was left half-read is thrown away: httpcore can keep
such a connection for ever. All transports share one ``SSLContext``.

A request to a host that the API named (a result, an upload space) is *aimed*. The host
is resolved once, and addresses that are not public are refused, unless the profile
allows the host or it is the backend's own origin. The connection goes to exactly the
address that was judged: it takes the host's place in the URL, while ``Host`` and the
TLS handshake keep the host. So a name that changes its mind between the check and the
connection gains nothing. Behind a proxy the name is judged the same way and then left
to the proxy.

Importing this module silences the loggers of httpx and httpcore: they write headers and
whole signed URLs.
"""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from urllib.parse import unquote

import anyio
import httpx

from wanbatch.model.wire import Profile
from wanbatch.providers.http.addresses import NO_ADDRESS, objection_to
from wanbatch.providers.http.network import Internet, Network, Transport
from wanbatch.words.addresses import is_loopback_host

READ_CONNECTIONS = 64
"""Queries at one time. Each has a transport with one connection: a pool of httpx costs
15 to 43 ms of work a request at 50 to 100 connections, one each costs 2 ms
(measured)."""
_SINGLE = httpx.Limits(max_connections=1, max_keepalive_connections=1, keepalive_expiry=20.0)
"""An idle connection is closed after 20 s, before a server does (mostly after 60 s)."""
_ONCE = httpx.Limits(max_connections=1, max_keepalive_connections=0)


def silence_libraries() -> None:
    """Takes httpx's and httpcore's loggers out of every log: they write headers and
    whole URLs. Called when this module is imported."""
    for name in ("httpx", "httpcore"):
        logger = logging.getLogger(name)
        logger.setLevel(logging.CRITICAL + 1)
        logger.propagate = False


silence_libraries()


class Refused(Exception):
    """A connection that must not be made, and why."""


class ConnectionPool:
    """Transports for one profile: fresh ones, and the pool for reads."""

    def __init__(
        self, profile: Profile, network: Network | None = None, size: int = READ_CONNECTIONS
    ) -> None:
        """``network`` is the real one where none is given."""
        self._profile = profile
        self._network = network or Internet()
        self._home = httpx.URL(profile.base_url)
        self._free: list[Transport] = []
        self._slots = anyio.Semaphore(size)

    def is_home(self, target: httpx.URL) -> bool:
        """Whether ``target`` is on the API's own origin, the only place for the key."""
        return same_origin(target, self._home)

    def may_carry_key(self, target: httpx.URL) -> bool:
        """Whether the key may go along: on the API's own origin, and below its base
        path.

        A path that climbs is below nothing, however its dots are written.
        """
        path, below = target.raw_path.decode("ascii", "replace"), self._home.path.rstrip("/")
        plain = unquote(path.partition("?")[0])
        climbs = any(part in (".", "..") for part in plain.replace("\\", "/").split("/"))
        return self.is_home(target) and not climbs and plain.startswith(f"{below}/")

    def secured(self, target: httpx.URL) -> httpx.URL:
        """``target`` over https, unless it is a loopback backend itself or a host that
        the profile allows. Raises ``Refused``."""
        if target.scheme not in ("http", "https") or not target.host or target.userinfo:
            raise Refused("the address is no plain web address")
        if (
            target.scheme == "https"
            or self._is_named(target)
            or (self.is_home(target) and is_loopback_host(target.host))
        ):
            return target
        if target.port not in (None, 80):
            raise Refused("the address is not https")
        return target.copy_with(scheme="https", port=None)

    async def aim(self, request: httpx.Request) -> None:
        """Turns ``request`` to an address of its host that may be connected to. Raises
        ``Refused``, and ``ConnectError`` for an unknown name."""
        target = request.url
        if self._is_named(target) or self.is_home(target):
            return
        address = await self._judged_address(target)
        if address is not None:
            request.headers["host"] = target.netloc.decode("ascii")
            request.extensions["sni_hostname"] = target.raw_host.decode("ascii")
            request.url = target.copy_with(host=address)

    def _is_named(self, target: httpx.URL) -> bool:
        return target.host.lower() in self._profile.download_hosts

    async def _judged_address(self, target: httpx.URL) -> str | None:
        """The address to connect to, or ``None`` where the host is one itself, or the
        connection is not ours to make."""
        host = target.host
        literal = objection_to(host)
        if literal != NO_ADDRESS:
            if literal is not None:
                raise Refused(f"the address leads to {host}: {literal}")
            return None
        try:
            found = await self._network.resolve(target.raw_host.decode("ascii"), target.port or 443)
        except (OSError, UnicodeError) as error:  # the second for names that no resolver would take
            if self._profile.proxy:
                return None
            raise httpx.ConnectError("the host's name was not found") from error
        for address in found:
            objection = objection_to(address)
            if objection is not None:
                raise Refused(f"{host} leads to {address}: {objection}")
        return None if self._profile.proxy or not found else found[0]

    @property
    def tells_progress(self) -> bool:
        """Whether a request that wrote nothing is known to have written nothing."""
        return self._network.tells_progress

    def prepare(self) -> None:
        """Reads the certificate authorities. Raises ``OSError`` where the profile's
        file of them is missing or holds none."""
        self._network.prepare(self._profile.ca_file)

    @asynccontextmanager
    async def fresh(self, host: str) -> AsyncIterator[Transport]:
        """A transport that has never been used and never will be again."""
        transport = self._make(_ONCE, host)
        try:
            yield transport
        finally:
            await self._discard(transport)

    @asynccontextmanager
    async def pooled(self, host: str) -> AsyncIterator[Transport]:
        """The transport used last, for one exchange with the profile's own ``host``;
        who leaves by an exception costs the pool a connection."""
        async with self._slots:
            transport = self._free.pop() if self._free else self._make(_SINGLE, host)
            try:
                yield transport
            except BaseException:
                await self._discard(transport)
                raise
            self._free.append(transport)

    async def aclose(self) -> None:
        while self._free:
            await self._discard(self._free.pop())

    async def _discard(self, transport: Transport) -> None:
        with anyio.move_on_after(2, shield=True):
            await transport.aclose()

    def _make(self, limits: httpx.Limits, host: str) -> Transport:
        proxy = self._profile.proxy if self._profile.proxy and not is_loopback_host(host) else None
        return self._network.connect(limits, proxy, self._profile.ca_file)


def parse_url(text: str, base: httpx.URL | None = None) -> httpx.URL:
    """``text``, relative to ``base`` where there is one. Raises ``Refused`` for all
    that httpx, its name encoding or a socket would stumble over."""
    try:
        url = base.join(text) if base is not None else httpx.URL(text)
        if url.host and (url.port or 1) < 65536 and len(text) <= 8192:
            return url
    except (httpx.InvalidURL, ValueError):  # a UnicodeError of the name's encoding is a ValueError
        pass
    raise Refused("the address is malformed")


def same_origin(one: httpx.URL, other: httpx.URL) -> bool:
    """Scheme, host and port alike, with the scheme's own port filled in."""
    ports = {"http": 80, "https": 443}
    mine, theirs = (
        (url.scheme, url.host.lower(), url.port or ports.get(url.scheme)) for url in (one, other)
    )
    return mine == theirs
