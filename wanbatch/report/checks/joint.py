"""``joint``: whether a continuation begins with the clip that it continues, and goes on
from it without a jump.

What it may not do: I/O.
"""

from __future__ import annotations

from collections.abc import Mapping
from statistics import median

from wanbatch.model.measures import Measures
from wanbatch.model.report import Check, Output
from wanbatch.words.canonical import Json

LEAST = 0.8
"""The clip is played again as it was: the emulator's joins have 0.97 and more, a
picture and its mirror image 0.5."""
LEAST_JUMP = 0.03
"""Eight grey levels at once, after a blur."""
MOST_TIMES = 4.0
"""How often the jump is what the video usually moves by."""


def check(request: Mapping[str, Json], output: Output, measures: Measures) -> Check | None:
    """The SSIM at the join; nothing where no clip was given."""
    joint = measures.joint
    if joint is None:
        return None
    usual = median(measures.motion_course or (0.0,))
    jumps = joint.jump > max(LEAST_JUMP, MOST_TIMES * usual)
    words = f"SSIM {joint.ssim:.2f} to the clip's last frame at {joint.at_s:.2f} s"
    if jumps:
        words += f", and {100 * joint.jump:.1f} % change at once"
    return Check("joint", joint.ssim >= LEAST and not jumps, words, joint.ssim)
