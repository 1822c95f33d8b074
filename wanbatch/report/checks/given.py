"""What a request gave the provider, as the checks ask for it, and how far a video may
be from it.

What it may not do: I/O.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from wanbatch.model.report import Check
from wanbatch.words.canonical import Json

LEAST = 0.7
"""SSIM. The emulator's frames have 0.97 and more, a picture and its mirror image 0.2
to 0.5."""


def gave(request: Mapping[str, Json], kind: str) -> bool:
    """Whether media of this type are part of the request."""
    media = request.get("media")
    return isinstance(media, Sequence) and any(
        isinstance(m, Mapping) and m.get("type") == kind for m in media
    )


def distance(value: float, wanted: Sequence[float]) -> float:
    """How far ``value`` is from the range of what was wanted; 0 within it."""
    return max(min(wanted) - value, value - max(wanted), 0.0)


def compare_with_given(name: str, likeness: float | None) -> Check | None:
    """The SSIM of a frame to the picture that was given; nothing where none was."""
    if likeness is None:
        return None
    return Check(name, likeness >= LEAST, f"SSIM {likeness:.2f} to the picture given", likeness)
