"""``sound``: whether a video that was driven by audio has a sound track.

What it may not do: I/O.
"""

from __future__ import annotations

from collections.abc import Mapping

from wanbatch.model.measures import Measures
from wanbatch.model.report import Check, Output
from wanbatch.report.checks.given import gave
from wanbatch.words.canonical import Json


def check(request: Mapping[str, Json], output: Output, measures: Measures) -> Check | None:
    """``present`` or ``absent``; nothing where no driving audio was given and the video
    was not looked at."""
    value = "present" if output.has_audio else "absent"
    words = "sound track present" if output.has_audio else "no sound track"
    if gave(request, "driving_audio"):
        return Check("sound", output.has_audio, f"driving audio given, {words}", value)
    if measures.packets:
        return Check("sound", passed=True, message=words, value=value)
    return None
