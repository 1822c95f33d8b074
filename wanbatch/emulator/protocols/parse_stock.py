"""Reads a submit as stock new-api does: Wan's fields under ``metadata``, everything it
does not know ignored, false and zero lost.

What it may not do: I/O, forward anything; it shows what that layer would forward.

How it works: the fields that it decodes have types, and a wrong one is
``invalid_json``; ``metadata`` (an object, or a string of JSON) is laid over what it
built. Its outgoing structs leave out false and zero, so ``prompt_extend: false``,
``seed: 0`` never arrive (source of new-api). What arrives is judged by ``upstream``.
"""

from __future__ import annotations

import json
from collections.abc import Mapping

from wanbatch.emulator.protocols.parse_dashscope import Reading, read_upstream
from wanbatch.emulator.protocols.parse_gateway import Refused, is_model

_TYPES: Mapping[str, tuple[type, ...]] = {
    "prompt": (str,),
    "model": (str,),
    "mode": (str,),
    "image": (str,),
    "images": (list,),
    "size": (str,),
    "duration": (int, str),
    "seconds": (str,),
    "input_reference": (str,),
    "metadata": (dict, str),
}


def read_stock_submit(body: object) -> Reading | Refused:
    """What would reach the upstream, or why new-api refuses."""
    if not isinstance(body, dict):
        return Refused(400, "invalid_json", "json: cannot unmarshal the body into an object")
    wrong = next(
        (
            n
            for n, kinds in _TYPES.items()
            if n in body and (not isinstance(body[n], kinds) or isinstance(body[n], bool))
        ),
        None,
    )
    if wrong is not None:
        return Refused(400, "invalid_json", f"json: cannot unmarshal field {wrong}")
    metadata = _metadata(body.get("metadata"))
    if metadata is None:
        return Refused(400, "invalid_json", "metadata is not valid JSON")
    return _refused(body, metadata) or _forwarded(body, metadata)


def _metadata(value: object) -> Mapping[str, object] | None:
    if not isinstance(value, str):
        return value if isinstance(value, dict) else {}
    try:
        parsed = json.loads(value)
    except (ValueError, RecursionError):
        return None
    return parsed if isinstance(parsed, dict) else None


def _refused(body: Mapping[str, object], metadata: Mapping[str, object]) -> Refused | None:
    if not body.get("model"):
        return Refused(400, "missing_model", "field model is required")
    if not body.get("prompt"):
        return Refused(400, "invalid_request", "prompt is required")
    if not is_model(body["model"]):
        return Refused(
            503,
            "model_not_found",
            f"no available channel for model {body['model']} under group default",
        )
    if metadata.get("model", body["model"]) != body["model"]:
        return Refused(400, "invalid_request", "the model cannot be changed in metadata")
    if _seconds(body) is None:
        return Refused(400, "invalid_seconds", "seconds must be an integer")
    return None


def _forwarded(body: Mapping[str, object], metadata: Mapping[str, object]) -> Reading | Refused:
    given = {"prompt": body["prompt"]} | _object(metadata.get("input"))
    if "media" not in given:
        media = _media_of_images(body)
        if not media:
            return Refused(
                500,
                "build_request_failed",
                "wan2.7-i2v requires image, images, input_reference, or input.media",
            )
        given["media"] = media
    size = str(body.get("size") or "720P").upper()
    built: dict[str, object] = {
        "resolution": size if size.endswith("P") else f"{size}P",
        "duration": _seconds(body) or 5,
    }
    parameters = {
        name: value
        for name, value in (built | _object(metadata.get("parameters"))).items()
        if value
    }
    return read_upstream(str(body["model"]), given, parameters, "1080P", resolve_uploads=False)


def _media_of_images(body: Mapping[str, object]) -> list[dict[str, object]]:
    images = body.get("images")
    several = images if isinstance(images, list) else []
    first = body.get("image") or (several[0] if several else None) or body.get("input_reference")
    media = [{"type": "first_frame", "url": first}] if first else []
    return media + (
        [{"type": "last_frame", "url": several[1]}] if media and len(several) > 1 else []
    )


def _seconds(body: Mapping[str, object]) -> int | None:
    """The length asked for, 0 where none was; ``None`` where it is no integer."""
    value = body.get("seconds") or body.get("duration") or 0
    try:
        return int(str(value))
    except ValueError:
        return None


def _object(value: object) -> dict[str, object]:
    return dict(value) if isinstance(value, dict) else {}
