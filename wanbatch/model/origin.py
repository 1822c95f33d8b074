"""What a task id belongs to: whether two addresses lead to the same API and account.

What it may not do: resolve names or connect.

How it works: an origin is a base URL, with ``#ACCOUNT`` where the profile names one;
the ledger keeps it as it was written when the task was bought. Two spellings are
compared by what they have in common: case of scheme and host, the default port, a final
dot, slash or ``/v1`` say nothing, and all names of this machine are one.
"""

from __future__ import annotations

import ipaddress
from functools import lru_cache
from urllib.parse import urlsplit

from wanbatch.model.reason import Reason, ReasonCode, because

_DEFAULT_PORTS = {"http": 80, "https": 443}
_THIS_MACHINE = "localhost"


def same_origin(one: str, other: str) -> bool:
    """Whether task ids of ``one`` are known at ``other``; an empty one is nowhere."""
    return one == other or (bool(one) and bool(other) and _key(one) == _key(other))


@lru_cache(maxsize=1024)
def _key(origin: str) -> str:
    """The same text for every spelling of an origin; another text for another
    origin."""
    address, _, account = origin.partition("#")
    try:
        parts = urlsplit(address.strip())
        host, port = parts.hostname, parts.port
    except ValueError:
        return origin
    if not host:
        return origin
    if port == _DEFAULT_PORTS.get(parts.scheme):
        port = None
    path = parts.path.rstrip("/").removesuffix("/v1").rstrip("/")
    return f"{parts.scheme}://{_known_host(host)}:{port or ''}{path}#{account}"


def _known_host(host: str) -> str:
    host = host.rstrip(".")
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return host
    inner = getattr(address, "ipv4_mapped", None) or address
    return _THIS_MACHINE if inner.is_loopback else str(inner)


def tell_home(backend: str, origin: str, here: str, here_origin: str, what: str = "it") -> Reason:
    """Where a task of ``backend`` at ``origin`` is, and how a run on backend ``here``
    at ``here_origin``, which is another place, comes to fetch it. ``what`` names the
    task."""
    if backend != here:
        return because(ReasonCode.OTHER_BACKEND, what=what, backend=backend)
    address, _, account = origin.partition("#")
    present, _, present_account = here_origin.partition("#")
    if same_origin(address, present):
        return because(
            ReasonCode.OTHER_ACCOUNT,
            what=what,
            backend=backend,
            address=address,
            account=account,
            present=present_account,
        )
    return because(
        ReasonCode.OTHER_ADDRESS, what=what, backend=backend, address=address, present=present
    )
