"""How the picture moves and what light it is in: the part of a rendering that seed and
prompt decide.

What it may not do: touch pixels, read a clock, draw from any source but the hash of its
arguments.

How it works: the seed chooses a slow push towards a point of the picture, the prompt a
slight tint. At the beginning the view is the whole picture, untouched: a video begins
with its first frame. Times run from 0 (first frame) to 1 (last frame).
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

Box = tuple[float, float, float, float]
"""Left, top, right, bottom as fractions of the picture."""


@dataclass(frozen=True, slots=True)
class Move:
    """A push towards (``focus_x``, ``focus_y``), by the fraction ``depth`` of the
    picture."""

    focus_x: float
    focus_y: float
    depth: float

    def view(self, t: float) -> Box:
        """What is seen at time ``t``, from the whole picture at 0 to the closest at
        1."""
        span = 1.0 - self.depth * ease(t)
        left, top = (1.0 - span) * self.focus_x, (1.0 - span) * self.focus_y
        return left, top, left + span, top + span


@dataclass(frozen=True, slots=True)
class Look:
    """A tint: what is added to luma and to the two chroma planes at full strength."""

    luma: int
    blue: int
    red: int


def choose_moves(seed: int) -> tuple[Move, Move]:
    """The move over the opening picture, and the one (played backwards) that settles on
    the closing picture."""
    digest = hashlib.sha256(b"move %d" % seed).digest()
    return _move(digest[0:6]), _move(digest[6:12])


def choose_look(prompt: str, negative_prompt: str, prompt_extend: bool) -> Look:
    """The tint of a prompt, between cool and warm (green or magenta would look like a
    fault); none without a prompt."""
    if not prompt and not negative_prompt:
        return Look(0, 0, 0)
    digest = hashlib.sha256(
        f"look {prompt}\0{negative_prompt}\0{prompt_extend}".encode("utf-8", "surrogatepass")
    ).digest()
    warmth = _spread(digest[1], 9)
    return Look(luma=_spread(digest[0], 6), blue=-warmth, red=warmth)


def ease(t: float) -> float:
    """Smooth start and stop (3t² − 2t³), clamped to 0..1."""
    t = min(1.0, max(0.0, t))
    return t * t * (3.0 - 2.0 * t)


def _move(digest: bytes) -> Move:
    x, y, z = (int.from_bytes(digest[i : i + 2]) / 0xFFFF for i in (0, 2, 4))
    return Move(focus_x=0.05 + 0.9 * x, focus_y=0.05 + 0.9 * y, depth=0.12 + 0.12 * z)


def _spread(byte: int, reach: int) -> int:
    return round((byte / 127.5 - 1.0) * reach)
