"""``sound_length``: whether the sound is as long as the picture.

What it may not do: I/O.
"""

from __future__ import annotations

from collections.abc import Mapping

from wanbatch.model.measures import Measures
from wanbatch.model.report import Check, Output
from wanbatch.words.canonical import Json

TOLERANCE_S = 0.2
"""AAC comes in frames of 21 ms and begins with up to three of them that are not
heard."""


def check(request: Mapping[str, Json], output: Output, measures: Measures) -> Check | None:
    """The sound's seconds; nothing where there is none."""
    sound = measures.sound
    if sound is None or sound.silent_s is None:
        return None
    words = f"{sound.seconds:.2f} s of sound to {measures.seconds:.2f} s of picture"
    apart = abs(sound.seconds - measures.seconds)
    return Check("sound_length", apart <= TOLERANCE_S, words, round(sound.seconds, 3))
