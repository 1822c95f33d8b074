"""``blur``: whether the video is softer than its first picture.

What it may not do: I/O.
"""

from __future__ import annotations

from collections.abc import Mapping

from wanbatch.model.measures import Measures
from wanbatch.model.report import Check, Output
from wanbatch.words.canonical import Json

MOST_PX = 12.0
"""Without a picture to compare with: out of focus as a whole."""
MOST_TIMES = 1.6
"""Encoding and a camera that comes nearer widen edges by up to a third (measured on the
emulator's clips)."""
LEAST_PX = 5.0
"""Edges up to here are sharp, whatever the picture's are."""


def check(request: Mapping[str, Json], output: Output, measures: Measures) -> Check | None:
    """How wide edges are in pixels, against those of the picture given."""
    if measures.blur is None:
        return None
    given = measures.first_picture
    words = f"edges are {measures.blur:.1f} px wide"
    if given is None or not given.blur:
        return Check("blur", measures.blur <= MOST_PX, words, measures.blur)
    words += f", {given.blur:.1f} px in the picture given"
    most = max(LEAST_PX, MOST_TIMES * given.blur)
    return Check("blur", measures.blur <= most, words, measures.blur)
