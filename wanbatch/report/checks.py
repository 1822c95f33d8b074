"""Compares a stored video with what was asked for: length, picture area, sound.

What it may not do: open a file; it reads what was measured when the video was stored.

How it works: the provider keeps the input's aspect ratio, scales the area to about the
tier's and rounds both sides down to multiples of 16, so the area may be a little short
of the tier's; lengths are whole frames, so they may be off by a few. A failed check is
a remark, not a failure: the video was paid for and is kept.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from wanbatch.model.report import Check, Output
from wanbatch.words.canonical import Json

LENGTH_TOLERANCE_S = 0.5
"""A container rounds to whole frames, and sound may end later than the picture."""
AREA_TOLERANCE = 0.15
"""Both sides are rounded down to multiples of 16: 816 × 1104 for 720P is 2 % less
(documented example), and up to 5 % are lost near 8:1. The formula itself is not
documented."""
TIER_AREAS = {"720P": 1280 * 720, "1080P": 1920 * 1080}
"""Pixels (documented: the area is about that of the tier)."""


def check_output(request: Mapping[str, Json], output: Output | None) -> tuple[Check, ...]:
    """The checks that apply, in a fixed order; none without an output."""
    if output is None:
        return ()
    found = [
        _length(request.get("seconds"), output),
        _area(request.get("size"), output),
        _sound(request.get("media"), output),
    ]
    return tuple(check for check in found if check is not None)


def _length(asked: Json, output: Output) -> Check | None:
    if not isinstance(asked, int):
        return None
    passed = abs(output.seconds - asked) <= LENGTH_TOLERANCE_S
    return Check("length", passed, f"{asked} s asked for, {output.seconds:.2f} s made")


def _area(asked: Json, output: Output) -> Check | None:
    area = TIER_AREAS.get(asked) if isinstance(asked, str) else None
    if area is None:
        return None
    passed = abs(output.width * output.height / area - 1) <= AREA_TOLERANCE
    return Check("size", passed, f"{asked} asked for, {output.width} × {output.height} made")


def _sound(media: Json, output: Output) -> Check | None:
    if not isinstance(media, Sequence) or not any(
        isinstance(m, Mapping) and m.get("type") == "driving_audio" for m in media
    ):
        return None
    return Check(
        "sound",
        output.has_audio,
        "driving audio given, " + ("sound track present" if output.has_audio else "no sound track"),
    )


def check_own_bytes(outputs: Mapping[str, tuple[str, Output]]) -> dict[str, Check]:
    """Warnings by job name where jobs of different identities got the same bytes.

    ``outputs`` are fingerprint and output by job name. A cache in front of the API may
    have answered about another task: then one of the videos was never fetched.
    """
    owners: dict[str, dict[str, str]] = {}
    for name, (fingerprint, output) in outputs.items():
        owners.setdefault(output.sha256, {}).setdefault(fingerprint, name)
    found: dict[str, Check] = {}
    for name, (fingerprint, output) in outputs.items():
        others = [other for one, other in owners[output.sha256].items() if one != fingerprint]
        if others:
            text = f"the same bytes as {others[0]}, which is another request"
            found[name] = Check("own_bytes", False, text)  # noqa: FBT003 - the shape of a check
    return found
