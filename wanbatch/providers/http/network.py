"""The network as a port: names, transports, certificates. ``Internet`` is the real one.

What it may not do: judge an address or send anything (``connections`` and ``exchange``
do), or read proxies and certificates from the environment.

How it works: whoever wants another network (a simulation, the tests of a dialect)
gives an object of the same methods; ``wanbatch.testing`` has one in memory.
"""

from __future__ import annotations

import ssl
from collections.abc import Sequence
from functools import lru_cache
from socket import SOCK_STREAM
from typing import Protocol

import anyio
import certifi
import httpx

Transport = httpx.AsyncBaseTransport


class Network(Protocol):
    """What a client needs of the network."""

    @property
    def tells_progress(self) -> bool:
        """Whether its transports call the request's ``trace`` (httpx's extension) when
        the first byte is written. Where they do not, silence proves nothing."""

    async def resolve(self, host: str, port: int) -> Sequence[str]:
        """The addresses of a host; none where names are not looked up here. Raises
        ``OSError`` or ``UnicodeError`` where there is no such name."""

    def prepare(self, ca_file: str) -> None:
        """Reads the certificate authorities. Raises ``OSError`` for a bad file."""

    def connect(self, limits: httpx.Limits, proxy: str | None, ca_file: str) -> Transport:
        """A transport that has never been used; whoever asked for it closes it."""


class Internet:
    """The real network."""

    tells_progress = True

    async def resolve(self, host: str, port: int) -> Sequence[str]:
        found = await anyio.getaddrinfo(host, port, type=SOCK_STREAM)
        return [str(entry[4][0]) for entry in found]

    def prepare(self, ca_file: str) -> None:
        make_context(ca_file)

    def connect(self, limits: httpx.Limits, proxy: str | None, ca_file: str) -> Transport:
        return httpx.AsyncHTTPTransport(
            verify=make_context(ca_file),
            trust_env=False,
            http2=False,
            limits=limits,
            proxy=proxy,
            retries=0,
        )


@lru_cache(maxsize=8)
def make_context(ca_file: str) -> ssl.SSLContext:
    """Certificates are checked against certifi's authorities, and those of ``ca_file``.

    Made by hand, for ``ssl.create_default_context`` writes session keys to where the
    environment says (``SSLKEYLOGFILE``). Raises ``OSError`` for a bad file.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.load_verify_locations(cafile=certifi.where())
    if ca_file:
        context.load_verify_locations(cafile=ca_file)
    return context
