"""``last_frame``: whether the video ends with the picture that was given.

What it may not do: I/O.
"""

from __future__ import annotations

from collections.abc import Mapping

from wanbatch.model.measures import Measures
from wanbatch.model.report import Check, Output
from wanbatch.words.canonical import Json

LEAST = 0.7
"""The emulator's frames have 0.97 and more, a picture and its mirror image 0.2 to
0.5."""


def check(request: Mapping[str, Json], output: Output, measures: Measures) -> Check | None:
    """The SSIM of the frame to the picture; nothing where none was given."""
    likeness = measures.last_frame
    if likeness is None:
        return None
    words = f"SSIM {likeness:.2f} to the picture given"
    return Check("last_frame", likeness >= LEAST, words, likeness)
