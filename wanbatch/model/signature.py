"""A video in 4 KB: four tiny grey pictures, from which it can be told how alike two
videos are without decoding either.

What it may not do: I/O.

How it works: the pictures are a quarter, half and three quarters into the video, and
its last; its first is not among them, because all seeds of a cell share it. A picture
is 32 × 32 pixels whatever its aspect, kept as sixteen blocks of 8 × 8, one after the
other: SSIM is the mean of what the blocks say.
"""

from __future__ import annotations

import binascii
from base64 import b64decode, b64encode
from collections.abc import Sequence
from functools import lru_cache
from operator import mul
from statistics import fmean

SIDE = 32
"""Of a picture, in pixels: 4 KB for four, and still enough to tell two camera moves
apart."""
PARTS = (0.25, 0.5, 0.75, 1.0)
"""Where in the video the pictures are."""

_BLOCK = 8
"""The window that SSIM is usually taken over."""
_PIXELS = _BLOCK * _BLOCK
_LENGTH = SIDE * SIDE * len(PARTS)
_C1, _C2 = (0.01 * 255) ** 2, (0.03 * 255) ** 2
"""The constants of SSIM's authors."""

Blocks = tuple[tuple[bytes, float, float], ...]
"""Each block's pixels, their mean and the mean of their squares."""


def make_signature(pictures: Sequence[bytes]) -> str:
    """The signature of four pictures, each ``SIDE`` rows of ``SIDE`` grey pixels."""
    blocks = (
        b"".join(
            picture[row * SIDE + left : row * SIDE + left + _BLOCK]
            for row in range(top, top + _BLOCK)
        )
        for picture in pictures
        for top in range(0, SIDE, _BLOCK)
        for left in range(0, SIDE, _BLOCK)
    )
    return b64encode(b"".join(blocks)).decode("ascii")


def likeness(one: str, other: str) -> float | None:
    """The SSIM of two videos by their signatures, 1 for equal pictures; ``None`` where
    one has none."""
    first, second = _read(one), _read(other)
    if first is None or second is None:
        return None
    return fmean(map(_ssim, first, second))


def brightness(signature: str) -> tuple[float, ...] | None:
    """The mean grey of each block: two videos that are nearly equal have nearly equal
    ones."""
    blocks = _read(signature)
    return None if blocks is None else tuple(mean for _, mean, _ in blocks)


@lru_cache(1 << 14)
def _read(signature: str) -> Blocks | None:
    try:
        pixels = b64decode(signature, validate=True)
    except (binascii.Error, ValueError):
        return None
    if len(pixels) != _LENGTH:
        return None
    blocks = [pixels[i : i + _PIXELS] for i in range(0, _LENGTH, _PIXELS)]
    return tuple((b, sum(b) / _PIXELS, sum(map(mul, b, b)) / _PIXELS) for b in blocks)


def _ssim(one: tuple[bytes, float, float], other: tuple[bytes, float, float]) -> float:
    (a, mean_a, square_a), (b, mean_b, square_b) = one, other
    both: float = sum(map(mul, a, b)) / _PIXELS - mean_a * mean_b
    spread = square_a - mean_a * mean_a + square_b - mean_b * mean_b
    return ((2 * mean_a * mean_b + _C1) * (2 * both + _C2)) / (
        (mean_a * mean_a + mean_b * mean_b + _C1) * (spread + _C2)
    )
