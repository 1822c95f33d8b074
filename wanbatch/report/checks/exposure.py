"""``exposure``: whether the video keeps the brightness of its first picture.

What it may not do: I/O.

How it works: where pictures were given, the mean brightness of each sixteenth lies
between theirs, or not far from it; without a first one, that of the beginning stands in
its place. Without any, a video so dark or so light that nothing can be seen is named.
"""

from __future__ import annotations

from collections.abc import Mapping

from wanbatch.model.measures import Measures
from wanbatch.model.report import Check, Output
from wanbatch.report.checks.given import distance
from wanbatch.words.canonical import Json

LEAST_LIGHT, MOST_DARK = 0.12, 0.92
"""Nine tenths of the picture are darker, or lighter: a night has its lamps."""
MOST_APART = 0.18
"""A move of the emulator's from the light into the dark half of a picture changes the
mean by 0.12 (measured), a cloud before the sun by 0.1."""


def check(request: Mapping[str, Json], output: Output, measures: Measures) -> Check | None:
    """The mean brightness that is furthest from the picture given."""
    course = measures.luma_course
    if not course or measures.dark is None or measures.light is None:
        return None
    if measures.black_s is not None and measures.black_s >= measures.seconds / 2:
        return None
    first, last = measures.first_picture, measures.last_picture
    wanted = [first.luma if first else course[0], *([last.luma] if last else [])]
    furthest = max(course, key=lambda luma: distance(luma, wanted))
    words = f"mean brightness {100 * wanted[0]:.0f} %, where it is furthest {100 * furthest:.0f} %"
    passed = distance(furthest, wanted) <= MOST_APART
    if not (first or last) and measures.light < LEAST_LIGHT:
        passed, words = False, f"{words}; nearly everything is dark"
    elif not (first or last) and measures.dark > MOST_DARK:
        passed, words = False, f"{words}; nearly everything is white"
    return Check("exposure", passed, words, round(furthest, 4))
