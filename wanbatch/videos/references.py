"""What a video was made from, as its frames are compared with it.

What it may not do: raise because a reference cannot be read: then there is none.

How it works: a picture is brought to the video's size once and kept for the videos of
the same sweep. Where its aspect differs, it is fitted both ways, cropped about its
centre and stretched: providers do the one or the other. Pictures are compared in grey,
their longer side at most ``COMPARED_AT`` pixels: grain that no encoder keeps is gone
there, and a shift by two pixels of 720P still shows.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from PIL import Image, ImageOps, ImageStat

from wanbatch.media.clips import opened_video
from wanbatch.media.container import Undecodable, count_packets
from wanbatch.media.images import decode_picture, read_image
from wanbatch.model.measures import Look
from wanbatch.model.media import UnreadableFile
from wanbatch.videos.filters import edge_width, ssim
from wanbatch.videos.stills import read_still
from wanbatch.words.files import open_regular

COMPARED_AT = 640
"""The longer side of pictures that are compared, in pixels: a player's half size."""

Weights = tuple[float, float, float]
"""What red, green and blue weigh in the brightness of a video's colour matrix."""
Size = tuple[int, int]
BT709: Weights = (0.2126, 0.7152, 0.0722)
"""What nearly every video is coded with, the emulator's among them."""
BT601: Weights = (0.299, 0.587, 0.114)
"""FFmpeg's default for a video that does not say."""
MATRICES = {1: BT709, 9: (0.2627, 0.678, 0.0593)}
"""By FFmpeg's numbers of colour matrices; every other is ``BT601``."""

_KEPT = 8
"""Pictures that are kept at the video's size, about 3 MB each: a run works on a few at
a time."""


@dataclass(frozen=True, slots=True)
class Given:
    """A picture that was given: how it looks at the video's size, and in grey to be
    compared with a frame, fitted both ways."""

    look: Look
    fitted: tuple[Image.Image, ...]

    def likeness(self, frame: Image.Image) -> float:
        """SSIM of a frame, as ``comparable`` makes it, to the better of both fits."""
        return max(ssim(picture, frame) for picture in self.fitted)


@dataclass(frozen=True, slots=True)
class Continued:
    """A clip that was given: how long it plays, and its last frame in grey."""

    seconds: float
    fitted: tuple[Image.Image, ...]

    def likeness(self, frame: Image.Image) -> float:
        return max(ssim(picture, frame) for picture in self.fitted)


def comparable(picture: Image.Image) -> Image.Image:
    """A frame as it is compared."""
    return picture.convert("L").resize(_compared_size(picture.size), Image.Resampling.BICUBIC)


def read_picture(path: Path | None, size: Size, weights: Weights) -> Given | None:
    """The picture at ``path`` at a video's ``size``; ``None`` where there is none that
    can be read."""
    try:
        status = path.stat() if path else None
        if path is None or status is None:
            return None
        return _read_picture(path, status.st_mtime_ns, status.st_size, size, weights)
    except (OSError, ValueError):
        return None


@lru_cache(_KEPT)
def _read_picture(path: Path, _changed: int, _bytes: int, size: Size, weights: Weights) -> Given:
    with open_regular(path) as file:
        facts = read_image(file)
        if isinstance(facts, UnreadableFile):
            raise ValueError(facts.problem)
        picture = decode_picture(file, facts).convert("RGB")
    sides = picture.size
    picture.thumbnail((2 * size[0], 2 * size[1]), reducing_gap=2.0)
    return Given(_look_of(picture, sides, size, weights), _fit(picture, size))


def _look_of(picture: Image.Image, sides: Size, size: Size, weights: Weights) -> Look:
    red, green, blue = (value / 255 for value in ImageStat.Stat(picture).mean)
    luma = red * weights[0] + green * weights[1] + blue * weights[2]
    shown = ImageOps.fit(picture.convert("L"), size)
    return Look(
        *sides,
        round(luma, 4),
        round(0.5 + (blue - luma) / (2 * (1 - weights[2])), 4),
        round(0.5 + (red - luma) / (2 * (1 - weights[0])), 4),
        round(edge_width(shown), 3),
    )


@lru_cache(_KEPT)
def _read_clip(path: Path, _changed: int, _bytes: int, size: Size) -> Continued:
    with open_regular(path) as file, opened_video(file) as opened:
        played = count_packets(opened.container, opened.stream, opened.end, edited=opened.edited)
    return Continued(played.seconds, _fit(read_still(path, "last"), size))


def read_clip(path: Path | None, size: Size) -> Continued | None:
    """The clip at ``path``; ``None`` where there is none that can be read."""
    try:
        status = path.stat() if path else None
        if path is None or status is None:
            return None
        return _read_clip(path, status.st_mtime_ns, status.st_size, size)
    except (OSError, Undecodable):
        return None


def _fit(picture: Image.Image, size: Size) -> tuple[Image.Image, ...]:
    grey, target = picture.convert("L"), _compared_size(size)
    cropped = ImageOps.fit(grey, target)
    stretched = grey.resize(target, Image.Resampling.BICUBIC)
    return (cropped,) if cropped == stretched else (cropped, stretched)


def _compared_size(size: Sequence[int]) -> Size:
    scale = min(1.0, COMPARED_AT / max(size))
    return max(16, round(size[0] * scale)), max(16, round(size[1] * scale))
