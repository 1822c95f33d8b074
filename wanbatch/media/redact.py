"""URLs without what signs them: the form in which a URL is compared and shown.

What it may not do: be used for the wire (there the URL goes whole), or drop anything that could choose another object.

How it works: by the text alone, so that no URL, however odd, raises, and what is kept is kept letter by letter. Parameters that sign
a request are known by name; where a name could also mean something else (``Policy``, ``sp``), it counts only beside the parameter that
gives the scheme away. All of them together become one ``…``, so the result is the same after every new signature, whatever the new
one's parameters and their order.
"""

from __future__ import annotations

import re
from urllib.parse import unquote_plus

HIDDEN = "…"

_SIGNING = re.compile(
    r"""
      signature | sig | security-token | expires | token | access[_-]?token | api[_-]?key
    | (oss|aws)accesskeyid | googleaccessid | key-pair-id
    | x-amz-.* | x-goog-.*
    | x-oss-(signature|signature-version|credential|date|expires|security-token|additional-headers|ac-.*)
    | x-(cos|obs|tos)-(algorithm|signature|signedheaders|credential|date|expires|security-token)
    | q-(sign-algorithm|ak|sign-time|key-time|header-list|url-param-list|signature)
    """,
    re.VERBOSE | re.IGNORECASE,
)

_WEB_ADDRESS = re.compile(r"https?://[^\s\"'<>]+", re.IGNORECASE)

_AZURE = frozenset(
    {
        "sv",
        "ss",
        "srt",
        "sp",
        "sr",
        "st",
        "se",
        "spr",
        "sip",
        "si",
        "skoid",
        "sktid",
        "skt",
        "ske",
        "sks",
        "skv",
        "saoid",
        "suoid",
        "scid",
    },
)

_SCHEMES: tuple[tuple[frozenset[str], frozenset[str]], ...] = (
    (frozenset({"key-pair-id"}), frozenset({"policy", "hash-algorithm"})),  # CloudFront
    (frozenset({"sig", "sv"}), _AZURE),  # a shared access signature
    (frozenset({"ex", "is", "hm"}), frozenset({"ex", "is", "hm"})),  # Discord's attachments
)
"""What gives a scheme away, and the further parameters that sign in it."""


def redact_url(url: str) -> str:
    """``url`` without user, password, fragment and signing parameters: ``https://host/a.png?Expires=1&v=2`` → ``https://host/a.png?v=2&…``.

    The same for every signature of the same object, so it serves as identity and as output.
    """
    address, _, _ = url.partition("#")
    base, asked, query = address.partition("?")
    base = _without_user(base)
    if not asked:
        return base
    parameters = query.split("&")
    signing = _signing_names(parameters)
    kept = [p for p in parameters if _name(p) not in signing]
    hidden = [HIDDEN] if len(kept) < len(parameters) else []
    return f"{base}?{'&'.join(kept + hidden)}"


def redact_urls(text: str) -> str:
    """``text`` (a line of a manifest) with every web address in it as ``redact_url`` shows it."""
    return _WEB_ADDRESS.sub(lambda found: redact_url(found.group()), text)


def _without_user(base: str) -> str:
    scheme, separator, rest = base.partition("://")
    if not separator:
        return base
    authority, slash, path = rest.partition("/")
    user, at, host = authority.rpartition("@")
    return f"{scheme}://{HIDDEN}@{host}{slash}{path}" if at and user else base


def _name(parameter: str) -> str:
    return unquote_plus(parameter.partition("=")[0]).lower()


def _signing_names(parameters: list[str]) -> set[str]:
    names = {_name(p) for p in parameters}
    signing = {name for name in names if _SIGNING.fullmatch(name)}
    for given_away_by, members in _SCHEMES:
        if given_away_by <= names:
            signing |= names & members
    return signing
