"""``joint``: whether a continuation begins with the clip that it continues, and goes on
from it without a jump.

What it may not do: I/O.
"""

from __future__ import annotations

from collections.abc import Mapping

from wanbatch.model.measures import Measures
from wanbatch.model.report import Check, Output
from wanbatch.words.canonical import Json

LEAST = 0.6
"""As for ``first_frame``."""
LEAST_JUMP = 0.03
"""Eight grey levels at once, after a blur."""
MOST_TIMES = 3.0
"""How often the jump is what the liveliest sixteenth of the video moves by."""


def check(request: Mapping[str, Json], output: Output, measures: Measures) -> Check | None:
    """The SSIM at the join; nothing where no clip was given."""
    joint = measures.joint
    if joint is None:
        return None
    usual = max(measures.motion_course, default=0.0)
    jumps = joint.jump > max(LEAST_JUMP, MOST_TIMES * usual)
    words = f"SSIM {joint.ssim:.2f} to the clip's last frame at {joint.at_s:.2f} s"
    if jumps:
        words += f", and {100 * joint.jump:.1f} % change at once"
    return Check("joint", joint.ssim >= LEAST and not jumps, words, joint.ssim)
