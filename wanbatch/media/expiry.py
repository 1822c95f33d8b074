"""Until when a signed URL can be fetched, as far as the URL itself says.

What it may not do: fetch it, or read a clock.

How it works: each way of signing states its end in parameters of its own; the first
that can be read counts.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from urllib.parse import parse_qsl

_DATED = ("x-amz", "x-goog", "x-oss")
"""Signatures with a date and a life in seconds (AWS, Google, and Alibaba's fourth
version)."""

_LATEST = 253_402_300_799
"""The end of the year 9999."""


def expires_at(url: str) -> float | None:
    """The instant (Unix seconds) after which the URL's signature is no longer good;
    ``None`` where it does not say."""
    _, _, query = url.partition("#")[0].partition("?")
    try:
        given = {name.lower(): value for name, value in parse_qsl(query, max_num_fields=1000)}
    except ValueError:
        return None
    return _dated(given) or _stated(given)


def _dated(given: Mapping[str, str]) -> float | None:
    for scheme in _DATED:
        signed_at, life = (
            _instant(given.get(f"{scheme}-date", "")),
            _number(given.get(f"{scheme}-expires", "")),
        )
        if signed_at is not None and life is not None:
            return signed_at + life
    return None


def _stated(given: Mapping[str, str]) -> float | None:
    if "sig" in given and (end := _instant(given.get("se", ""))) is not None:
        return end
    if "q-signature" in given:
        return _number(given.get("q-sign-time", "").rpartition(";")[2])
    return _number(given.get("expires", ""))


def _number(text: str) -> float | None:
    if not text.isascii() or not text.isdigit() or len(text) > 12:
        return None
    return min(float(text), float(_LATEST))


def _instant(text: str) -> float | None:
    """``20261122T101500Z``, ``2026-11-22T10:15:00Z`` or ``2026-11-22``, always UTC."""
    for form in ("%Y%m%dT%H%M%SZ", "%Y-%m-%dT%H:%M:%SZ", "%Y-%m-%dT%H:%MZ", "%Y-%m-%d"):
        try:
            return datetime.strptime(text, form).replace(tzinfo=UTC).timestamp()
        except ValueError:
            continue
    return None
