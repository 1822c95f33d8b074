"""How Model Studio reads a request: nearly everything is accepted, and what is wrong
makes the task fail a moment later.

What it may not do: I/O, refuse a submit (only authentication, region and model are
checked there).

How it works: reads ``input`` and ``parameters`` into a draft; where a part is wrong the
draft gets a default in its place and the first fault is handed on with it. Prompts
beyond their limits are cut silently, as documented. DashScope itself and stock new-api,
which checks nothing, both end here.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import cast

from wanbatch.emulator.examine import Fault
from wanbatch.emulator.protocols.parse_gateway import SEED_LIMIT
from wanbatch.emulator.protocols.references import read_url
from wanbatch.emulator.request import Draft, Malformed
from wanbatch.emulator.tables import LEGAL_COMBINATIONS, MEDIA_TYPES, SIZES, MediaType, Size

PROMPT_LIMIT = 5000
"""Characters (documented); the rest is cut off silently."""
NEGATIVE_PROMPT_LIMIT = 500
"""As ``PROMPT_LIMIT``."""


@dataclass(frozen=True, slots=True)
class Reading:
    """A draft, and what the upstream will find wrong with it."""

    draft: Draft
    fault: Fault | None


def read_upstream(
    model: str,
    given: object,
    parameters: object,
    default_size: Size,
    *,
    resolve_uploads: bool = True,
) -> Reading:
    """The draft of ``input`` and ``parameters``. Without ``resolve_uploads`` an
    ``oss://`` address is not understood."""
    source = given if isinstance(given, dict) else {}
    options = parameters if isinstance(parameters, dict) else {}
    media, fault = _media(source.get("media"), resolve_uploads)
    faults = [fault, *(_wrong(name, value) for name, value in options.items()), _wrong_text(source)]
    found = next((f for f in faults if f is not None), None)
    ok = found is None
    draft = Draft(
        model=model,
        prompt=str(source.get("prompt") or "")[:PROMPT_LIMIT],
        negative_prompt=str(source.get("negative_prompt") or "")[:NEGATIVE_PROMPT_LIMIT],
        media=media,
        seconds=cast("int", options.get("duration", 5)) if ok else 5,
        size=cast("Size", options.get("resolution", default_size)) if ok else default_size,
        seed=cast("int | None", options.get("seed")) if ok else None,
        prompt_extend=options.get("prompt_extend", True) is True,
        watermark=options.get("watermark", False) is True,
    )
    return Reading(draft, found)


def _media(
    items: object, resolve_uploads: bool
) -> tuple[tuple[tuple[MediaType, str], ...], Fault | None]:
    if not isinstance(items, list) or not items:
        return (), _invalid("Field required: input.media")
    media: list[tuple[MediaType, str]] = []
    for item in items:
        kind, url = (item.get("type"), item.get("url")) if isinstance(item, dict) else (None, None)
        if kind not in MEDIA_TYPES:
            return (), _invalid(
                f"input.media.type: input should be {' or '.join(repr(t) for t in MEDIA_TYPES)}"
            )
        if not isinstance(url, str) or not url:
            return (), _invalid("Field required: input.media.url")
        found = read_url(kind, url)
        if isinstance(found, Malformed):
            return (), Fault("InvalidURL", f"url error, please check url! {found.message}")
        if found.delivery == "uploaded" and not resolve_uploads:
            return (), Fault(
                "InvalidURL",
                "url error, please check url! oss:// needs the header"
                " X-DashScope-OssResourceResolve: enable",
            )
        media.append((kind, url))
    types = [t for t, _ in media]
    if len(set(types)) != len(types) or frozenset(types) not in LEGAL_COMBINATIONS:
        return (), _invalid(f"input.media: the combination {types} is not supported")
    return tuple(media), None


def _wrong(name: str, value: object) -> Fault | None:
    if name == "duration" and not (_is_int(value) and 2 <= cast("int", value) <= 15):
        return _invalid("duration should be between 2 and 15")
    if name == "resolution" and value not in SIZES:
        return _invalid("resolution: input should be '1080P' or '720P'")
    if name == "seed" and not (_is_int(value) and 0 <= cast("int", value) <= SEED_LIMIT):
        return _invalid(f"seed should be between 0 and {SEED_LIMIT}")
    if name in ("prompt_extend", "watermark") and not isinstance(value, bool):
        return _invalid(f"{name}: input should be a valid boolean")
    return None


def _wrong_text(source: Mapping[str, object]) -> Fault | None:
    for name in ("prompt", "negative_prompt"):
        if not isinstance(source.get(name) or "", str):
            return _invalid(f"{name}: input should be a valid string")
    return None


def _invalid(message: str) -> Fault:
    return Fault("InvalidParameter", message)


def _is_int(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)
