"""``first_frame``: whether the video begins with the picture that was given.

What it may not do: I/O.
"""

from __future__ import annotations

from collections.abc import Mapping

from wanbatch.model.measures import Measures
from wanbatch.model.report import Check, Output
from wanbatch.report.checks.given import compare_with_given
from wanbatch.words.canonical import Json


def check(request: Mapping[str, Json], output: Output, measures: Measures) -> Check | None:
    """The SSIM of the frame to the picture; nothing where none was given."""
    return compare_with_given("first_frame", measures.first_frame)
