"""``decodes``: whether every frame can be decoded.

What it may not do: I/O.
"""

from __future__ import annotations

from collections.abc import Mapping

from wanbatch.model.measures import Measures
from wanbatch.model.report import Check, Output
from wanbatch.words.canonical import Json


def check(request: Mapping[str, Json], output: Output, measures: Measures) -> Check | None:
    """How many packets gave an error, or a frame that the decoder had to fill in."""
    if measures.undecodable is None:
        return None
    count = measures.undecodable
    if count == 0:
        return Check("decodes", passed=True, message="every frame decodes", value=0)
    packets = "packet does" if count == 1 else "packets do"
    return Check("decodes", passed=False, message=f"{count} {packets} not decode", value=count)
