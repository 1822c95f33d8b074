"""What a request gave the provider, as the checks ask for it, and how far a video may
be from it.

What it may not do: I/O.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from wanbatch.words.canonical import Json


def gave(request: Mapping[str, Json], kind: str) -> bool:
    """Whether media of this type are part of the request."""
    media = request.get("media")
    return isinstance(media, Sequence) and any(
        isinstance(m, Mapping) and m.get("type") == kind for m in media
    )


def distance(value: float, wanted: Sequence[float]) -> float:
    """How far ``value`` is from the range of what was wanted; 0 within it."""
    return max(min(wanted) - value, value - max(wanted), 0.0)
