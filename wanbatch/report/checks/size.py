"""``size``: whether the video has about the pixels of the tier that was asked for.

What it may not do: I/O.

How it works: the provider keeps the input's aspect ratio, scales the area to about the
tier's and rounds both sides down to multiples of 16, so the area may be a little short
of the tier's.
"""

from __future__ import annotations

from collections.abc import Mapping

from wanbatch.model.measures import Measures
from wanbatch.model.report import Check, Output
from wanbatch.words.canonical import Json

TOLERANCE = 0.15
"""Both sides are rounded down to multiples of 16: 816 × 1104 for 720P is 2 % less
(documented example), and up to 5 % are lost near 8:1. The formula itself is not
documented."""
TIER_AREAS = {"720P": 1280 * 720, "1080P": 1920 * 1080}
"""Pixels (documented: the area is about that of the tier)."""


def check(request: Mapping[str, Json], output: Output, measures: Measures) -> Check | None:
    """The sides against the tier of the request; nothing where none was asked for."""
    asked = request.get("size")
    area = TIER_AREAS.get(asked) if isinstance(asked, str) else None
    if area is None:
        return None
    made = f"{output.width} × {output.height}"
    passed = abs(output.width * output.height / area - 1) <= TOLERANCE
    return Check("size", passed, f"{asked} asked for, {made} made", made)
