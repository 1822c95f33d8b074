"""``black``: seconds in which the picture is black.

What it may not do: I/O.
"""

from __future__ import annotations

from collections.abc import Mapping

from wanbatch.model.measures import Measures
from wanbatch.model.report import Check, Output
from wanbatch.words.canonical import Json

MOST_S = 0.1
"""Two frames at 24 a second: an encoder's start, and hardly seen."""


def check(request: Mapping[str, Json], output: Output, measures: Measures) -> Check | None:
    """Seconds that are black."""
    if measures.black_s is None:
        return None
    words = f"{measures.black_s:.2f} s are black" if measures.black_s else "nothing is black"
    return Check("black", measures.black_s <= MOST_S, words, measures.black_s)
