"""``flicker``: how strongly the brightness of the whole picture goes there and back.

What it may not do: I/O.
"""

from __future__ import annotations

from collections.abc import Mapping

from wanbatch.model.measures import Measures
from wanbatch.model.report import Check, Output
from wanbatch.words.canonical import Json

MOST = 0.004
"""One grey level a frame: where people begin to see it. The emulator's clips have
none."""


def check(request: Mapping[str, Json], output: Output, measures: Measures) -> Check | None:
    """The mean swing a frame, as a part of the full range."""
    if measures.flicker is None:
        return None
    words = f"brightness swings by {100 * measures.flicker:.2f} % a frame"
    return Check("flicker", measures.flicker <= MOST, words, measures.flicker)
