"""What a media URL is known by, and how it is shown.

What it may not do: fetch, or raise: it goes by the text alone, so that no URL, however
odd, stops it.

How it works: a query is one of five kinds. Without one, or with a signature by name,
the address alone counts; a plain query counts whole; one with what only looks like a
signature is *doubtful* and kept as a digest; and where the manifest names the
parameters that count, those count and no other. Nothing of a query is shown but what
the manifest names. A signature may stand in the path too (``/token=…/``,
``/202411221015/9f86…/``): it is taken out and treated in the same way.
"""

from __future__ import annotations

import hashlib
import ipaddress
import re
from dataclasses import dataclass, field
from enum import StrEnum
from functools import lru_cache
from urllib.parse import unquote

from wanbatch.words.scalars import Scalar
from wanbatch.words.signing import chooses, is_doubtful, is_signed_by_name, is_signing_name

HIDDEN = "…"

_STAMPED = re.compile(
    r"/(?:(?:20[0-9]{10}|1[0-9]{9})/(?:[0-9a-f]{64}|[0-9a-f]{32})"
    r"|(?:[0-9a-f]{64}|[0-9a-f]{32})/(?:20[0-9]{10}|1[0-9]{9}|[5-7][0-9a-f]{7}))(?=/)"
)
"""An instant beside a hash, as content networks put them before a path."""


class QueryKind(StrEnum):
    """What a URL's query is taken for."""

    NONE = "none"
    WHOLE = "whole"
    SIGNED = "signed"
    DOUBTFUL = "doubtful"
    NAMED = "named"


@dataclass(frozen=True, slots=True)
class Address:
    """A URL as it is compared. ``base`` has neither query nor signature, ``shown`` is
    for people.

    ``query`` is the part that counts: all of a plain query, a digest of a doubtful one,
    ``name=value`` of the named parameters. ``marks`` are digests of all parameters, by
    which a later URL can be compared with this one though its query is written nowhere;
    ``choosing`` are those of them that choose an object.
    """

    base: str
    kind: QueryKind
    shown: str
    query: tuple[str, ...] = field(default=(), repr=False)
    marks: frozenset[str] = frozenset()
    choosing: frozenset[str] = frozenset()


@lru_cache(maxsize=65_536)
def read_address(url: str, identity: tuple[str, ...] | None = None) -> Address:
    """The address of ``url``; ``identity`` names the parameters that count, ``None``
    leaves it to their look."""
    whole, _, _ = url.partition("#")
    location, _, query = whole.partition("?")
    base, signed_path, stamped = _without_path_signature(_without_user(location))
    parameters = [p for p in query.split("&") if p]
    parts = [*parameters, stamped] if stamped else parameters
    marks = frozenset(mark_of(_name(p), _value(p), base) for p in parts)
    if identity is not None:
        named = [p for p in parameters if _name(p) in identity]
        counted = tuple(sorted(f"{_name(p)}={_value(p)}" for p in named))
        shown = _shown(base, named, len(parameters))
        return Address(base, QueryKind.NAMED, shown, counted, marks)
    shown = _shown(base, [], len(parameters))
    signed = is_signed_by_name(parameters)
    if stamped or (not signed and is_doubtful(parameters)):
        digest = _digest("&".join(sorted(parts)))
        return Address(base, QueryKind.DOUBTFUL, shown, (digest,), marks)
    if signed:
        choosing = frozenset(mark_of(_name(p), _value(p), base) for p in parameters if chooses(p))
        return Address(base, QueryKind.SIGNED, shown, (), marks, choosing)
    if parameters:
        return Address(base, QueryKind.WHOLE, shown, (query,), marks)
    return Address(base, QueryKind.SIGNED if signed_path else QueryKind.NONE, shown)


def has_user(url: str) -> bool:
    """Whether a user or a password stands before the host."""
    return "@" in re.split(r"[/?#\\]", url.partition("://")[2], maxsplit=1)[0]


def missing_parameters(url: str, identity: tuple[str, ...]) -> list[str]:
    """Those of the names in ``identity`` that the URL does not have."""
    _, _, query = url.partition("#")[0].partition("?")
    present = {_name(p) for p in query.split("&")}
    return [name for name in identity if name not in present]


def show_url(url: str) -> str:
    """``https://host/a.png?…``: how a URL is shown where no manifest says more."""
    return read_address(url).shown


def show_axis(value: str) -> str:
    """A URL as the value of an axis: shown without its query, and still different from
    another picture's."""
    address = read_address(value)
    if address.kind in (QueryKind.NONE, QueryKind.SIGNED):
        return address.shown
    return f"{address.shown}~{_digest('&'.join(address.query))[:8]}"


def show_scalar(value: Scalar) -> Scalar:
    """The value of an axis or a ``where`` as names and reports have it: a URL without
    its query."""
    return show_axis(value) if isinstance(value, str) and "?" in value and "://" in value else value


def _shown(base: str, named: list[str], count: int) -> str:
    if not count:
        return base
    return f"{base}?{'&'.join([*named, HIDDEN] if len(named) < count else named)}"


def _name(parameter: str) -> str:
    return unquote(parameter.partition("=")[0])


def _value(parameter: str) -> str:
    return unquote(parameter.partition("=")[2])


def _without_user(location: str) -> str:
    scheme, separator, rest = location.partition("://")
    authority, slash, path = rest.partition("/")
    user, at, host = authority.rpartition("@")
    return f"{scheme}://{HIDDEN}@{host}{slash}{path}" if separator and at and user else location


def _without_path_signature(location: str) -> tuple[str, bool, str]:
    """The location with ``…`` for signatures in its path, whether one stood there by
    name, and the text of one that only looks like it."""
    stamped = _STAMPED.search(location)
    if stamped:
        location = f"{location[: stamped.start()]}/{HIDDEN}{location[stamped.end() :]}"
    if "=" not in location:
        return location, False, stamped.group() if stamped else ""
    pieces = re.split(r"([/;])", location)
    hidden = [HIDDEN if "=" in piece and is_signing_name(piece) else piece for piece in pieces]
    return "".join(hidden), hidden != pieces, stamped.group() if stamped else ""


def mark_of(name: str, value: str, base: str) -> str:
    """A digest of a parameter's name and one of it whole: equal where they are equal at
    one address, and telling nothing else."""
    return f"{_digest(base, name)[:8]}:{_digest(base, name, value)[:16]}"


def _digest(*texts: str) -> str:
    return hashlib.sha256("\n".join(texts).encode("utf-8", "surrogatepass")).hexdigest()


def is_loopback_host(host: str) -> bool:
    """Whether ``host``, as it stands in a base URL, is this machine by definition:
    ``localhost`` or a loopback literal."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False
