"""``colour_drift``: whether the colours of the video leave those of its first picture.

What it may not do: I/O.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

from wanbatch.model.measures import Measures
from wanbatch.model.report import Check, Output
from wanbatch.words.canonical import Json

MOST = 0.12
"""The emulator's strongest tint, with what a camera leaves out as it comes nearer,
moves it by 0.09 (measured); 0.12 is a white wall that became yellow."""
STEPS = 16
"""Points on the way between two pictures: as many as a course has."""


def check(request: Mapping[str, Json], output: Output, measures: Measures) -> Check | None:
    """How far the mean colour goes, as a part of the full range of chroma."""
    blues, reds = measures.blue_course, measures.red_course
    if not blues or len(blues) != len(reds):
        return None
    first, last = measures.first_picture, measures.last_picture
    path = [(first.blue, first.red) if first else (blues[0], reds[0])]
    path += [(last.blue, last.red)] if last else []
    furthest = max(_apart(colour, path) for colour in zip(blues, reds, strict=True))
    words = f"the mean colour moves by up to {100 * furthest:.1f} %"
    return Check("colour_drift", furthest <= MOST, words, round(furthest, 4))


def _apart(colour: tuple[float, float], path: list[tuple[float, float]]) -> float:
    """How far a colour is from the way between the pictures' colours."""
    steps = [i / STEPS for i in range(STEPS + 1)]
    (blue, red), (last_blue, last_red) = path[0], path[-1]
    return min(
        math.dist(colour, (blue + (last_blue - blue) * t, red + (last_red - red) * t))
        for t in steps
    )
