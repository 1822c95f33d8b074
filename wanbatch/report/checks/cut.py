"""``cut``: the moments at which the picture becomes another one.

What it may not do: I/O.

How it works: a request makes a single take, which has no cut.
"""

from __future__ import annotations

from collections.abc import Mapping

from wanbatch.model.measures import Measures
from wanbatch.model.report import Check, Output
from wanbatch.words.canonical import Json

JOINT_S = 0.15
"""A clip's end is known to two or three of its frames."""


def check(request: Mapping[str, Json], output: Output, measures: Measures) -> Check | None:
    """How many cuts there are, and when."""
    if measures.cuts is None:
        return None
    found = [at_s for at_s in measures.cuts if not _is_joint(at_s, measures)]
    words = "no cut" if not found else "cut at " + ", ".join(f"{at_s:.2f} s" for at_s in found[:8])
    if len(found) > 8:
        words += f" and {len(found) - 8} more"
    return Check("cut", not found, words, len(found))


def _is_joint(at_s: float, measures: Measures) -> bool:
    """Whether this is where a continuation leaves its clip: ``joint`` tells of that."""
    return measures.joint is not None and abs(at_s - measures.joint.at_s) <= JOINT_S
