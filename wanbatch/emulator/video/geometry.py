"""The pixel size of a result.

What it may not do: I/O.

How it works: the aspect follows the input; the area is scaled to about the tier's pixel
count, and both sides are rounded down to multiples of 16. This reproduces the
documented example (750×1000 at 720P gives 816×1104); the formula itself is inferred.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

from wanbatch.emulator.tables import Size

TIER_AREA: Mapping[Size, int] = {"720P": 1280 * 720, "1080P": 1920 * 1080}
"""Pixels; they reproduce the documented example (750 × 1000 becomes 816 × 1104)."""


def output_size(width: int, height: int, size: Size) -> tuple[int, int]:
    """Width and height of the video for an input of that width and height, both
    multiples of 16."""
    scale = math.sqrt(TIER_AREA[size] / (width * height))
    return _floor16(width * scale), _floor16(height * scale)


def _floor16(side: float) -> int:
    # The tiny term keeps an exact multiple from falling below itself by a rounding
    # error of the root.
    return max(16, int((side + 1e-6) // 16) * 16)
