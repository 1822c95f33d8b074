"""Reads a gateway's submit body strictly: the seed document's contract, field by field.

What it may not do: I/O, fetch media, forgive. Where the real server is strict this one
is; where it silently drops an unknown key or cuts a text this one refuses, because a
field that does nothing is a mistake that costs money elsewhere.

How it works: one small check per field; the first that fails gives a ``Refused`` with
the server's code. A wrong JSON type is always ``invalid_json``, as it is in the Go
decoder behind the real API.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import cast

from wanbatch.emulator.protocols.references import read_url
from wanbatch.emulator.request import Draft, Malformed
from wanbatch.emulator.tables import LEGAL_COMBINATIONS, MEDIA_TYPES, SIZES, MediaType, Size

MODEL = re.compile(r"wan2\.7-i2v(-[0-9]{4}-[0-9]{2}-[0-9]{2})?")
TEXT_LIMITS = {"prompt": 5000, "negative_prompt": 500}
"""Characters; beyond them the real API cuts without a word."""
SEED_LIMIT = 2_147_483_647
"""Documented: 2³¹ - 1."""

_TYPES: Mapping[str, type] = {
    "model": str,
    "media": list,
    "prompt": str,
    "negative_prompt": str,
    "prompt_extend": bool,
    "watermark": bool,
    "seed": int,
    "seconds": str,
    "size": str,
}
_WORDS = {str: "string", bool: "bool", int: "int", list: "array"}
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")
_SECONDS = re.compile(r"[0-9]{1,4}")


@dataclass(frozen=True, slots=True)
class Refused:
    """A submit that is not accepted: HTTP status, code, message. The dialect wraps it
    in its envelope."""

    status: int
    code: str
    message: str


def is_model(name: object) -> bool:
    """Whether the server has a model of this name: the alias, or a dated snapshot."""
    return isinstance(name, str) and MODEL.fullmatch(name) is not None


def parse_json(body: bytes) -> object:
    """The JSON value in ``body``, or ``Refused``; NaN, bad UTF-8, absurd depth and
    absurd numbers are refused too."""
    try:
        return json.loads(body.decode("utf-8"), parse_constant=_no_constant)
    except (ValueError, RecursionError):
        return Refused(400, "invalid_json", "the body is not valid JSON")


def _no_constant(name: str) -> object:
    raise ValueError(name)


def read_submit(body: object) -> Draft | Refused:
    """A draft of the top-level ``media`` form, or why it is refused."""
    if not isinstance(body, dict):
        return Refused(400, "invalid_json", "json: cannot unmarshal the body into an object")
    wrong = _wrong_type(body) or _wrong_fields(body)
    if wrong is not None:
        return wrong
    seconds = _seconds(body.get("seconds", "5"))
    media = _media(body["media"])
    for part in (seconds, media):
        if isinstance(part, Refused):
            return part
    return Draft(
        model=body["model"],
        prompt=body.get("prompt", ""),
        negative_prompt=body.get("negative_prompt", ""),
        media=cast("tuple[tuple[MediaType, str], ...]", media),
        seconds=cast("int", seconds),
        size=cast("Size", body.get("size", "720P")),
        seed=body.get("seed"),
        prompt_extend=body.get("prompt_extend", True),
        watermark=body.get("watermark", False),
    )


def _wrong_type(body: Mapping[str, object]) -> Refused | None:
    for name, wanted in _TYPES.items():
        value = body.get(name)
        if name in body and not (
            isinstance(value, wanted) and (wanted is bool or not isinstance(value, bool))
        ):
            return Refused(
                400,
                "invalid_json",
                f"json: cannot unmarshal {_word(value)} into field {name} of type {_WORDS[wanted]}",
            )
    return None


def _wrong_fields(body: Mapping[str, object]) -> Refused | None:
    unknown = sorted(set(body) - set(_TYPES))
    if unknown:
        return Refused(400, "invalid_request", f"unknown field {unknown[0]}")
    if not body.get("model"):
        return Refused(400, "missing_model", "field model is required")
    if not is_model(body["model"]):
        return Refused(
            503,
            "model_not_found",
            f"no available channel for model {body['model']} under group default",
        )
    for name, limit in TEXT_LIMITS.items():
        text = body.get(name)
        if isinstance(text, str) and not (0 < len(text) <= limit and not _CONTROL.search(text)):
            return Refused(
                400,
                "invalid_request",
                f"{name} must be 1 to {limit} characters without control characters; leave it"
                " out where it is empty",
            )
    if "media" not in body:
        return Refused(400, "invalid_request", "field media is required")
    if body.get("size", "720P") not in SIZES:
        return Refused(400, "invalid_request", "size must be 720P or 1080P")
    seed = body.get("seed", 0)
    if not (isinstance(seed, int) and 0 <= seed <= SEED_LIMIT):
        return Refused(400, "invalid_request", f"seed must be between 0 and {SEED_LIMIT}")
    return None


def _seconds(text: object) -> int | Refused:
    if isinstance(text, str) and _SECONDS.fullmatch(text) and 2 <= int(text) <= 15:
        return int(text)
    return Refused(
        400, "invalid_seconds", "seconds must be a string holding an integer from 2 to 15"
    )


def _media(items: list[object]) -> tuple[tuple[MediaType, str], ...] | Refused:
    media: list[tuple[MediaType, str]] = []
    for i, item in enumerate(items):
        if not isinstance(item, dict) or not all(isinstance(v, str) for v in item.values()):
            return Refused(
                400, "invalid_json", f"json: cannot unmarshal media[{i}] into an object of strings"
            )
        if set(item) != {"type", "url"}:
            return Refused(
                400, "invalid_request", f"media[{i}] must have exactly the fields type and url"
            )
        if item["type"] not in MEDIA_TYPES:
            return Refused(
                400, "invalid_request", f"media[{i}].type must be one of {', '.join(MEDIA_TYPES)}"
            )
        found = read_url(item["type"], item["url"])
        if isinstance(found, Malformed):
            return Refused(400, "invalid_request", f"media[{i}]: {found.message}")
        media.append((item["type"], item["url"]))
    types = [t for t, _ in media]
    if len(set(types)) != len(types) or frozenset(types) not in LEGAL_COMBINATIONS:
        return Refused(
            400, "invalid_request", f"media: the combination [{', '.join(types)}] is not supported"
        )
    return tuple(media)


def _word(value: object) -> str:
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "bool"
    return {int: "number", float: "number", str: "string", list: "array", dict: "object"}[
        type(value)
    ]
