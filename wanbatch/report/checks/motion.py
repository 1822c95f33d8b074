"""``motion``: how much moves: too little is a still, too much is chaos.

What it may not do: I/O.
"""

from __future__ import annotations

from collections.abc import Mapping

from wanbatch.model.measures import Measures
from wanbatch.model.report import Check, Output
from wanbatch.words.canonical import Json

LEAST = 0.0001
"""Half of what 15 s of the emulator's move over a plain gradient have. What is frozen
or black for a quarter of its length is named by those checks."""
MOST = 0.08
"""20 grey levels from frame to frame after a blur: cuts all the time, or noise."""


def check(request: Mapping[str, Json], output: Output, measures: Measures) -> Check | None:
    """The mean change a frame of the blurred picture, as a part of the full range."""
    motion = measures.motion
    if motion is None:
        return None
    standing = (measures.frozen_s or 0) + (measures.black_s or 0)
    still = motion < LEAST and standing < measures.seconds / 4
    words = f"{100 * motion:.3f} % change a frame"
    if still:
        words += ": hardly anything moves"
    elif motion > MOST:
        words += ": everything changes all the time"
    return Check("motion", not still and motion <= MOST, words, motion)
