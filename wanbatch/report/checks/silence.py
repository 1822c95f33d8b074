"""``silence``: seconds in which a sound track is silent.

What it may not do: I/O.
"""

from __future__ import annotations

from collections.abc import Mapping

from wanbatch.model.measures import Measures
from wanbatch.model.report import Check, Output
from wanbatch.words.canonical import Json

MOST = 0.9
"""The part of the track: driving audio that is shorter than the video leaves the rest
silent (docs), a track of nothing is a fault."""


def check(request: Mapping[str, Json], output: Output, measures: Measures) -> Check | None:
    """Seconds of silence; nothing where there is no sound."""
    sound = measures.sound
    if sound is None or sound.silent_s is None or not sound.seconds:
        return None
    words = f"{sound.silent_s:.2f} s of {sound.seconds:.2f} s are silent"
    return Check("silence", sound.silent_s <= MOST * sound.seconds, words, sound.silent_s)
