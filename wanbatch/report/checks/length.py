"""``length``: whether the video is as long as was asked for.

What it may not do: I/O.

How it works: lengths are whole seconds at the API and whole frames in the file.
"""

from __future__ import annotations

from collections.abc import Mapping

from wanbatch.model.measures import Measures
from wanbatch.model.report import Check, Output
from wanbatch.words.canonical import Json

TOLERANCE_S = 0.5
"""A container rounds to whole frames, and sound may end later than the picture."""


def check(request: Mapping[str, Json], output: Output, measures: Measures) -> Check | None:
    """The length in seconds against that of the request; nothing where none was asked
    for."""
    asked = request.get("seconds")
    if not isinstance(asked, int):
        return None
    return Check(
        "length",
        abs(output.seconds - asked) <= TOLERANCE_S,
        f"{asked} s asked for, {output.seconds:.2f} s made",
        round(output.seconds, 3),
    )
