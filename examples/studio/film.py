"""A clip of the harbour: the camera pushes slowly toward the light tower while the
water moves and the boats rock.

What it may not do: repaint the picture for each frame (it takes a second).

How it works: the water is painted once without boats and its rows are shifted a little
from frame to frame; the boats are the difference between the picture with and without
them, pasted with a small bob; the camera is a window that shrinks.
"""

from __future__ import annotations

import math
from collections.abc import Iterator

from PIL import Image, ImageChops, ImageFilter

from studio.canvas import SCALE
from studio.harbour import HEIGHT, HORIZON, LIGHTS, WIDTH, harbour_canvas


def harbour_film(hour: str, frames: int) -> Iterator[Image.Image]:
    """The frames, 1280 x 720 px each."""
    plate = harbour_canvas(LIGHTS[hour], boats=False).image
    full = harbour_canvas(LIGHTS[hour]).image
    cover = (
        ImageChops.difference(plate, full)
        .convert("L")
        .point([255 if v > 2 else 0 for v in range(256)])
    )
    cover = cover.filter(ImageFilter.GaussianBlur(1))
    for k in range(frames):
        picture = _moved_water(plate, k)
        picture.paste(full, (0, round(2.2 * SCALE * math.sin(k / 11))), cover)
        yield _window(picture, k / (frames - 1))


def _moved_water(plate: Image.Image, k: int) -> Image.Image:
    picture = plate.copy()
    for y in range(HORIZON * SCALE, plate.height, 2):
        depth = (y / SCALE - HORIZON) / (HEIGHT - HORIZON)
        shift = round((1 + 9 * depth) * math.sin(k / 6 + 22 * math.log(depth + 0.03)))
        picture.paste(plate.crop((0, y, plate.width, y + 2)), (shift, y))
    return picture


def _window(picture: Image.Image, part: float) -> Image.Image:
    eased = part * part * (3 - 2 * part)
    scale = 1 - 0.24 * eased
    width, height = WIDTH * SCALE * scale, HEIGHT * SCALE * scale
    left, top = (picture.width - width) * 0.72, (picture.height - height) * 0.45
    return picture.resize(
        (WIDTH, HEIGHT),
        Image.Resampling.BICUBIC,
        box=(left, top, left + width, top + height),
        reducing_gap=2.0,
    )
