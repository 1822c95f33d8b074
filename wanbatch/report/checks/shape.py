"""``shape``: whether the video has the aspect ratio of its first picture.

What it may not do: I/O.
"""

from __future__ import annotations

from collections.abc import Mapping

from wanbatch.model.measures import Measures
from wanbatch.model.report import Check, Output
from wanbatch.words.canonical import Json

TOLERANCE = 0.06
"""Both sides are rounded down to multiples of 16: near 8:1 that is 5 % of the shorter
one."""


def check(request: Mapping[str, Json], output: Output, measures: Measures) -> Check | None:
    """The aspect ratio; nothing where no picture was given."""
    given = measures.first_picture
    if given is None or not given.height or not output.height:
        return None
    made, asked = output.width / output.height, given.width / given.height
    sides = f"{output.width} × {output.height} of {given.width} × {given.height}"
    return Check("shape", abs(made / asked - 1) <= TOLERANCE, sides, round(made, 4))
