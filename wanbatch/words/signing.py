"""Which parameters of a URL are a signature: by their name, or by what their value
looks like.

What it may not do: show a parameter, or decide what follows from it (``urls`` does).

How it works: names are compared without case, ``-``, ``_`` and dots, against the names
that clouds, content networks and file services document. A short name that means
something else elsewhere (``st``, ``e``, ``ex``) counts only beside the others of its
scheme. For the rest a value is *doubtful* when it is long and random: hex, base64, a
JWT; or short and mixed beside an instant. It is judged by how often letters, capitals
and digits take turns, which words and dates do seldom.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import pairwise
from urllib.parse import unquote, unquote_plus

_SEPARATORS = re.compile(r"[-_.\s]+")

_BY_NAME = re.compile(
    r"""
      .*signature\d* | (?:j|php)?sessionid | .*sig | (x|url|auth|cdn)?sign\d* | .*hmac
    | .*token\d* | jwt | bearer | ticket | verify | .*secret | .*password | passwd | pwd
    | credentials?
    | auth(?:key|info|code|sig)? | tempauth | authorization | apikey | appkey | secretkey
    | accesskey
    | (?:.*access|.*secret)keyid | googleaccessid | ucloudpublickey | keypairid | keyname
    | urlprefix
    | expires?(?:at|in|on|time)? | expiry | expiration(?:time|timestamp)? | exp(?:er|time)?
    | deadline
    | valid(?:until|to|through) | xexpires
    | xamz.* | xgoog.* | x(?:oss|obs|cos|tos|bce|nos|jss|kss|ks3|ufile|ms)(?!.*process).*
    | q(?:signalgorithm|ak|signtime|keytime|headerlist|urlparamlist|signature)
    | hdn(?:ts?|ea|tl) | gda | upt | uparams
    | (?:ws|tx|hw|volc|ali|ks)(?:secret|time|abstime)
    """,
    re.VERBOSE,
)
"""Full matches of a normalised name. What follows a cloud's ``x-…-process`` chooses
pixels and is none."""

_SCHEMES: tuple[frozenset[str], ...] = tuple(
    frozenset(names.split())
    for names in (
        "ex is hm",  # Discord's attachments
        "oh oe",  # Meta's content network
        "st e",  # secure links of nginx and others
        "e v t",  # LinkedIn's pictures
        "e h p",  # Limelight's vault
        "policy key",
        "kid ssig",
    )
)
"""Names that are a signature where all of them stand together."""

_CHOOSING = re.compile(
    r"""
      id
    | (?:file|image|img|photo|picture|asset|media|object|doc|document|attachment)
      (?:id|name|path|key)?
    | fid | path | src | url | uri | version(?:id)? | rev(?:ision)? | generation | page | frame
    | w | h | width | height | size | resize | crop | format | fm | x[a-z0-9]+process
    | imagemogr2.* | imageview2.*
    """,
    re.VERBOSE,
)
"""Names that choose an object or its pixels even where a signature stands beside
them."""

_NAMED_INSIDE = re.compile(r"(?:^|[?&~;,*!|/])([A-Za-z_][\w.-]{0,40})=")
_TOKEN = re.compile(r"[^A-Za-z0-9+/_=-]+")
_WORD = re.compile(r"[^A-Za-z0-9]+")
_JWT = re.compile(r"[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}")
_UUID = re.compile(r"[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}", re.IGNORECASE)
_HEX = re.compile(r"[0-9a-f]+|[0-9A-F]+")
_INSTANT = re.compile(r"1[0-9]{9}|1[0-9]{12}|20[0-9]{10}(?:[0-9]{2})?|0?x?[5-7][0-9a-f]{7}")
"""Seconds or milliseconds since 1970, a date with minutes, or the seconds in hex."""

_CONSONANTS = re.compile(r"[b-df-hj-np-tv-xz]{6}", re.IGNORECASE)

_LONG = 16
"""Characters from which a value can be a signature: no service signs with fewer than 64
bits."""
_SHORT = 6
"""Characters of a mixed value that is doubtful beside an instant."""


def normalize_name(parameter: str) -> str:
    """The name of ``name=value`` as it is compared: ``X-Amz-Signature`` →
    ``xamzsignature``."""
    return _SEPARATORS.sub("", unquote_plus(parameter.partition("=")[0])).lower()


def is_signed_by_name(parameters: Sequence[str]) -> bool:
    """Whether one of the parameters is a signature by its name, or several are one
    together."""
    names = {
        normalize_name(parameter)
        for parameter in parameters
        if "=" in parameter or len(parameter) < 40
    }
    return any(_BY_NAME.fullmatch(name) for name in names) or any(
        scheme <= names for scheme in _SCHEMES
    )


def is_signing_name(name: str) -> bool:
    """Whether a name alone says that its value is a signature."""
    return _BY_NAME.fullmatch(normalize_name(name)) is not None


def chooses(parameter: str) -> bool:
    """Whether the parameter says which object is meant, whatever stands beside it."""
    return _CHOOSING.fullmatch(normalize_name(parameter)) is not None


def is_doubtful(parameters: Sequence[str]) -> bool:
    """Whether a value looks like a signature though no name says so."""
    values = [_value(parameter) for parameter in parameters]
    if any(_is_random(value) or _holds_signature(value) for value in values):
        return True
    instants = [value for value in values if _INSTANT.fullmatch(value)]
    return bool(instants) and any(_is_mixed(v) for v in values if v not in instants)


def _value(parameter: str) -> str:
    name, equals, value = parameter.partition("=")
    return unquote(value if equals else name)


def _holds_signature(value: str) -> bool:
    """A signed URL, or a signature's own list of fields, inside a value."""
    return any(is_signing_name(name) for name in _NAMED_INSIDE.findall(value))


def _is_random(value: str) -> bool:
    if len(value) < _LONG:
        return False
    if _UUID.search(value) or _JWT.search(value):
        return True
    return any(map(_is_random_word, _WORD.split(value))) or any(
        map(_is_random_token, _TOKEN.split(value))
    )


def _is_random_word(word: str) -> bool:
    """Letters and digits alone, at least 16 of them."""
    if len(word) < _LONG:
        return False
    if word.isdigit():
        return len(word) > 20
    if _has_digit(word):
        return _HEX.fullmatch(word) is not None or _turns(word) >= 0.12
    if not (word.islower() or word.isupper()):
        return _turns(word) >= 0.3
    vowels = sum(c in "aeiouyAEIOUY" for c in word)
    return vowels < len(word) * 0.28 or _CONSONANTS.search(word) is not None


def _is_random_token(token: str) -> bool:
    """Base64 with its own ``+``, ``/``, ``-`` and ``_``, which stand in it about once
    in thirty characters."""
    text = token.rstrip("=")
    marks = sum(not c.isalnum() for c in text)
    return (
        len(text) >= _LONG
        and marks <= len(text) / 10 + 2
        and not text.islower()
        and not text.isupper()
        and _turns(text) >= (0.3 if _has_digit(text) else 0.4)
    )


def _is_mixed(value: str) -> bool:
    return len(value) >= _SHORT and value.isalnum() and _has_digit(value) and not value.isdigit()


def _has_digit(text: str) -> bool:
    return any(c.isdigit() for c in text)


def _turns(text: str) -> float:
    """How often, of all neighbours, a capital, a small letter, a digit or a mark
    follows one of another kind."""
    kinds = [
        "d" if c.isdigit() else "u" if c.isupper() else "l" if c.islower() else "m" for c in text
    ]
    return sum(a != b for a, b in pairwise(kinds)) / max(1, len(text) - 1)
