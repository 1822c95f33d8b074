"""``clipping``: whether the sound is louder than its track can hold.

What it may not do: I/O.
"""

from __future__ import annotations

from collections.abc import Mapping

from wanbatch.model.measures import Measures
from wanbatch.model.report import Check, Output
from wanbatch.words.canonical import Json

MOST = 0.005
"""The part of the samples at full scale: a limited master touches it for an instant, a
clipped one stays there."""


def check(request: Mapping[str, Json], output: Output, measures: Measures) -> Check | None:
    """The peak in dBFS; nothing where there is no sound, or only zeros."""
    sound = measures.sound
    if sound is None or sound.peak_db is None or sound.full_scale is None:
        return None
    words = f"peak {sound.peak_db:.1f} dBFS"
    if sound.full_scale > MOST:
        words += f", {100 * sound.full_scale:.1f} % of the samples at full scale"
    return Check("clipping", sound.full_scale <= MOST, words, sound.peak_db)
