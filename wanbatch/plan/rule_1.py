"""The identity under the rule ``wb1``, as version 0.1.0 took it: what was bought then
is still found.

What it may not do: change. Nothing here is used for what is sent or shown today, and no
name that signs is ever added.

How it works: a prompt counted with the white space at its ends, a URL without the
parameters that 0.1.0 knew to sign, and a job that takes another's video counted with
that one's ``wb1``. The text of the hash is canonical JSON.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable
from typing import NamedTuple
from urllib.parse import unquote_plus

from wanbatch.words.canonical import Json, canonical_json, quote

TAG = "wb1:"
HIDDEN = "…"

_SIGNING = re.compile(
    r"""
      signature | sig | security-token | expires | token | access[_-]?token | api[_-]?key
    | (oss|aws)accesskeyid | googleaccessid | key-pair-id
    | x-amz-.* | x-goog-.*
    | x-oss-(signature|signature-version|credential|date|expires|security-token
      |additional-headers|ac-.*)
    | x-(cos|obs|tos)-(algorithm|signature|signedheaders|credential|date|expires|security-token)
    | q-(sign-algorithm|ak|sign-time|key-time|header-list|url-param-list|signature)
    """,
    re.VERBOSE | re.IGNORECASE,
)
_AZURE = frozenset(
    [
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
    ]
)
_SCHEMES: tuple[tuple[frozenset[str], frozenset[str]], ...] = (
    (frozenset({"key-pair-id"}), frozenset({"policy", "hash-algorithm"})),
    (frozenset({"sig", "sv"}), _AZURE),
    (frozenset({"ex", "is", "hm"}), frozenset({"ex", "is", "hm"})),
)
"""What gives a scheme away, and the further parameters that sign in it."""


class Asked(NamedTuple):
    """The fields of a request that 0.1.0 hashed, prompts as they were written."""

    model: str
    prompt: str | None
    negative_prompt: str | None
    seconds: int
    size: str
    seed: int
    prompt_extend: bool
    watermark: bool
    take: int


def fingerprint_1(asked: Asked, media: str) -> str:
    """``wb1:`` and 64 hex digits; ``media`` is what ``media_1`` gave."""
    text = (
        f'{{"media":{media},"model":{quote(asked.model)}'
        f',"negative_prompt":{_text(asked.negative_prompt)},"prompt":{_text(asked.prompt)},"prompt_extend":{_flag(asked.prompt_extend)}'
        f',"seconds":{asked.seconds:d},"seed":{asked.seed:d},"size":{quote(asked.size)},"take":{asked.take:d},"watermark":{_flag(asked.watermark)}}}'
    )
    return f"{TAG}{hashlib.sha256(text.encode()).hexdigest()}"


def media_1(media: Iterable[tuple[str, Json]]) -> str:
    """The canonical JSON of media by type."""
    return canonical_json(dict(media)).decode()


def redact_1(url: str) -> str:
    """``url`` without user, password, fragment and the parameters that signed in 0.1.0,
    a single ``…`` in their place."""
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


def _text(value: str | None) -> str:
    return "null" if value is None else quote(value)


def _flag(value: bool) -> str:
    return "true" if value else "false"
