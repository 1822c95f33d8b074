"""``frames``: whether the video has the frames that its packets and times speak of.

What it may not do: I/O.
"""

from __future__ import annotations

from collections.abc import Mapping

from wanbatch.model.measures import Measures
from wanbatch.model.report import Check, Output
from wanbatch.words.canonical import Json

MOST_MISSING = 1
"""Time stamps are rounded, and some writers leave out one frame at an end."""


def check(request: Mapping[str, Json], output: Output, measures: Measures) -> Check | None:
    """How many frames there are; nothing where they were not counted."""
    if measures.frames is None or measures.missing is None:
        return None
    lost = measures.packets - measures.frames - (measures.undecodable or 0)
    gone = max(measures.missing, lost)
    words = f"{measures.frames} frames"
    if gone > MOST_MISSING:
        words += f", {gone} more are missing by its own time stamps and packets"
    return Check("frames", gone <= MOST_MISSING, words, measures.frames)
