"""Texts of a server without our key and without queries, before anything is cut or
kept.

What it may not do: I/O, or decide what is shown.

How it works: a server may echo the key in other letters, escaped, coded, or in pieces.
So the text is *decoded* first (JSON strings by their values, else the usual escapes).
Then every run of at least ``PIECE`` letters that is in the key, in any case, becomes
``…``; its base64 spellings go too. Only then may a caller cut the text: what is
cut in the middle of a key can no longer be found.
"""

from __future__ import annotations

import base64
import json
import re
from functools import lru_cache
from html import unescape
from urllib.parse import quote, unquote

PIECE = 8
"""So many characters of a key are a secret (contract); shorter ones are words."""
EVIDENCE_LIMIT = 2048
"""So much of an uncertain answer is kept, in characters (contract: 2 KiB)."""
SCANNED = 16 * EVIDENCE_LIMIT
"""So much of an answer is read for evidence: enough where most of it is queries, and a
body of megabytes takes no seconds."""
_DEPTH = 64
"""Levels of JSON that are looked through; what lies deeper goes whole."""
_ANY_QUERY = re.compile(
    r"(?i)((?:https?|oss|wss?)?:?(?://|\\/\\/)[^\s\"'<>?#]{1,2000})[?#][^\s\"'<>]*"
)
_LONE_QUERY = re.compile(r"\?(?=[A-Za-z0-9_.%~-]{1,80}=)[^\s\"'<>]*")
SIGNING = re.compile(
    r"(?i)((?:signature|security-token|accesskeyid|credential|\bsig|\btoken|\bapi[_-]?key)=)[^\s&\"'<>]+"
)
"""What signs an address, also where no address stands before it."""
_ESCAPED = re.compile(r"\\u([0-9a-fA-F]{4})|\\x([0-9a-fA-F]{2})")


def scrub(text: str, key: str) -> str:
    """``text`` without the key, its pieces and its spellings. A short key is none, and
    in a short text stands no piece of one."""
    if len(key) < PIECE or len(text) < PIECE:
        return text
    for spelling in key_spellings(key):
        text = text.replace(spelling, "…")
    return _without_pieces(text, key)


def scrub_body(body: bytes, key: str) -> bytes:
    """A reply's body without the key, also where JSON or an escape hides it."""
    if len(key) < PIECE or not body:
        return body
    try:
        value: object = json.loads(body)
    except (ValueError, RecursionError, MemoryError):
        text = body.decode("utf-8", "replace")
        plain = scrub(text, key)
        opened = _unescaped(plain)
        if scrub(opened, key) != opened:
            plain = scrub(opened, key)
        return body if plain == text else plain.encode("utf-8", "replace")
    clean = _clean_value(value, key, 0)
    if clean == value:
        return body
    return json.dumps(clean, ensure_ascii=True).encode("ascii")


def _clean_value(value: object, key: str, depth: int) -> object:
    if isinstance(value, str):
        plain = scrub(value, key)
        opened = _unescaped(plain) if "%" in plain or "\\" in plain or "&" in plain else plain
        return plain if scrub(opened, key) == opened else scrub(opened, key)
    if depth > _DEPTH:
        return None
    if isinstance(value, list):
        return [_clean_value(one, key, depth + 1) for one in value]
    if isinstance(value, dict):
        return {scrub(n, key): _clean_value(one, key, depth + 1) for n, one in value.items()}
    return value


def _unescaped(text: str) -> str:
    opened = _ESCAPED.sub(lambda found: chr(int(found[1] or found[2], 16)), text)
    return unescape(unquote(opened, errors="replace"))


def _without_pieces(text: str, key: str) -> str:
    """Cuts out every run of at least ``PIECE`` characters that stands in the key."""
    folded, pieces = _fold(text), _pieces(key)
    if not any(piece in folded for piece in pieces):
        return text
    marked = bytearray(len(folded))
    for piece in pieces:
        at = folded.find(piece)
        while at >= 0:
            marked[at : at + PIECE] = b"\1" * PIECE
            at = folded.find(piece, at + 1)
    kept = []
    for number, letter in enumerate(text):
        if not marked[number]:
            kept.append(letter)
        elif not number or not marked[number - 1]:
            kept.append("…")
    return "".join(kept)


@lru_cache(maxsize=16)
def _pieces(key: str) -> tuple[str, ...]:
    secret = _fold(key)
    return tuple(dict.fromkeys(secret[i : i + PIECE] for i in range(len(secret) - PIECE + 1)))


def _fold(text: str) -> str:
    """Lower case, letter by letter, so that positions stay."""
    if text.isascii():
        return text.lower()
    return "".join(c if len(c.lower()) != 1 else c.lower() for c in text)


@lru_cache(maxsize=16)
def key_spellings(key: str) -> tuple[str, ...]:
    """The ways in which a key may come back: plain, URL-encoded, in hexadecimal, in
    base64 at each of its three alignments."""
    if len(key) < 6:
        return ()
    raw = key.encode("latin-1", "replace")
    forms = [key, quote(key, safe=""), raw.hex(), raw.hex().upper()]
    for shift in range(3):
        coded = base64.b64encode(b"\0" * shift + raw).decode()
        # Only the characters that depend on nothing but the key.
        inner = coded[(shift * 8 + 5) // 6 : (shift + len(raw)) * 8 // 6]
        forms += [inner, inner.replace("+", "-").replace("/", "_")]
    return tuple(dict.fromkeys(sorted(forms, key=len, reverse=True)))


def without_queries(text: str) -> str:
    """Every query of an address becomes ``?…``, and a signature that stands alone
    goes."""
    if "?" in text or "#" in text:
        text = _LONE_QUERY.sub("?…", _ANY_QUERY.sub(r"\1?…", text))
    return SIGNING.sub(r"\1…", text) if "=" in text else text


def evidence_of(body: bytes, key: str = "") -> str:
    """A piece of an answer that is worth keeping: no query, no key, one line, at most 2
    KiB."""
    try:
        text = json.dumps(json.loads(body), ensure_ascii=False)
    except (ValueError, RecursionError, MemoryError):
        text = body.decode("utf-8", "replace")
    clean = scrub(without_queries(text[:SCANNED]), key)
    if len(text) > SCANNED:  # the cut may have gone through the key, in its longest spelling
        clean = clean[: max(0, len(clean) - 6 * len(key))]
    plain = " ".join("".join(c if c.isprintable() else " " for c in clean).split())
    if len(plain) <= EVIDENCE_LIMIT:
        return plain
    return plain[: EVIDENCE_LIMIT - 1] + "…"
