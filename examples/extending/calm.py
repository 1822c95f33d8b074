"""A check of videos of one's own: whether the second half moves as much as the first.

It imports ``wanbatch.model`` and nothing else of wanbatch; ``pyproject.toml`` beside
this file registers it under the name ``calm``.
"""

from __future__ import annotations

from collections.abc import Mapping
from statistics import fmean

from wanbatch.model.measures import Measures
from wanbatch.model.report import Check, Output

LEAST = 0.3
"""The part of the first half's motion that the second half must have."""


def check_calm(request: Mapping[str, object], output: Output, measures: Measures) -> Check | None:
    """The second half's motion as a part of the first half's; nothing of a video that
    was not looked at, or that never moved."""
    course = measures.motion_course
    half = len(course) // 2
    if not half or not fmean(course[:half]):
        return None
    part = fmean(course[half:]) / fmean(course[:half])
    return Check("calm", part >= LEAST, f"{100 * part:.0f} % of its motion is left", round(part, 3))
