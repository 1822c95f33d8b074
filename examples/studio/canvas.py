"""A canvas for painted landscapes: gradients, glows, silhouettes, reflections, film
grain.

What it may not do: know what a harbour or a door is; draw anything by chance (every
random source is seeded by its caller).

How it works: everything is drawn at twice the size and shrunk at the end, which smooths
all edges. Coordinates are those of the finished picture.
"""

from __future__ import annotations

import itertools
import math
import random
from collections.abc import Callable, Sequence

from PIL import Image, ImageChops, ImageDraw, ImageFilter

Colour = tuple[int, int, int]
Point = tuple[float, float]
SCALE = 2


def rgb(text: str) -> Colour:
    """``"#f4a261"`` as three numbers."""
    return int(text[1:3], 16), int(text[3:5], 16), int(text[5:7], 16)


def mix(a: Colour, b: Colour, part: float) -> Colour:
    """``a`` with ``part`` (0 to 1) of ``b``."""
    return tuple(round(x + (y - x) * part) for x, y in zip(a, b, strict=True))  # type: ignore[return-value]


class Canvas:
    """A picture in the making, ``width`` x ``height`` px when finished."""

    def __init__(self, width: int, height: int, colour: Colour = (0, 0, 0)) -> None:
        self.width, self.height = width, height
        self.image = Image.new("RGB", (width * SCALE, height * SCALE), colour)

    def gradient(
        self, stops: Sequence[tuple[float, Colour]], top: float = 0, bottom: float | None = None
    ) -> None:
        """Fills the rows from ``top`` to ``bottom`` with colours; a stop is (0 to 1,
        colour)."""
        bottom = self.height if bottom is None else bottom
        rows = round((bottom - top) * SCALE)
        column = Image.new("RGB", (1, rows))
        for y in range(rows):
            column.putpixel((0, y), _colour_at(stops, y / max(1, rows - 1)))
        self.image.paste(column.resize((self.image.width, rows)), (0, round(top * SCALE)))

    def glow(
        self,
        centre: Point,
        radius: float,
        colour: Colour,
        strength: float = 1.0,
        squash: float = 1.0,
    ) -> None:
        """Adds light around ``centre`` that fades to nothing at ``radius`` (``squash``
        below 1 makes it flat)."""
        w, h = round(radius * 2 * SCALE), round(radius * 2 * squash * SCALE)
        mask = Image.radial_gradient("L").resize((w, h), Image.Resampling.BICUBIC)
        mask = mask.point(
            [round(strength * 255 * max(0.0, 1 - v / 181) ** 2.2) for v in range(256)]
        )
        light = Image.new("RGB", self.image.size)
        light.paste(
            colour, (round(centre[0] * SCALE - w / 2), round(centre[1] * SCALE - h / 2)), mask
        )
        self.image = ImageChops.screen(self.image, light)

    def polygon(self, points: Sequence[Point], colour: Colour) -> None:
        ImageDraw.Draw(self.image).polygon([(x * SCALE, y * SCALE) for x, y in points], fill=colour)

    def rectangle(
        self,
        left: float,
        top: float,
        right: float,
        bottom: float,
        colour: Colour,
        radius: float = 0,
    ) -> None:
        box = (left * SCALE, top * SCALE, right * SCALE, bottom * SCALE)
        ImageDraw.Draw(self.image).rounded_rectangle(box, radius * SCALE, fill=colour)

    def ellipse(self, centre: Point, rx: float, ry: float, colour: Colour) -> None:
        x, y = centre
        ImageDraw.Draw(self.image).ellipse(
            ((x - rx) * SCALE, (y - ry) * SCALE, (x + rx) * SCALE, (y + ry) * SCALE), fill=colour
        )

    def dome(self, centre: Point, rx: float, ry: float, colour: Colour) -> None:
        """The upper half of an ellipse."""
        x, y = centre
        box = ((x - rx) * SCALE, (y - ry) * SCALE, (x + rx) * SCALE, (y + ry) * SCALE)
        ImageDraw.Draw(self.image).pieslice(box, 180, 360, fill=colour)

    def line(self, points: Sequence[Point], colour: Colour, width: float = 1) -> None:
        ImageDraw.Draw(self.image).line(
            [(x * SCALE, y * SCALE) for x, y in points],
            fill=colour,
            width=max(1, round(width * SCALE)),
            joint="curve",
        )

    def shade_line(
        self, start: Point, end: Point, colour: Colour, width: float, opacity: float
    ) -> None:
        """A line of see-through colour."""
        draw = ImageDraw.Draw(self.image, "RGBA")
        draw.line(
            [(x * SCALE, y * SCALE) for x, y in (start, end)],
            fill=(*colour, round(255 * opacity)),
            width=max(1, round(width * SCALE)),
        )

    def shade(
        self, colour: Colour, paint: Callable[[Canvas], None], blur: float = 0, opacity: float = 1.0
    ) -> None:
        """Lays ``colour`` where ``paint`` draws white on a black canvas, blurred by
        ``blur`` px, ``opacity`` from 0 to 1."""
        cover = Canvas(self.width, self.height)
        paint(cover)
        mask = cover.image.convert("L")
        if blur:
            mask = mask.filter(ImageFilter.GaussianBlur(blur * SCALE))
        self.image.paste(colour, (0, 0), mask.point([round(v * opacity) for v in range(256)]))

    def reflect(self, horizon: float, tint: Colour, strength: float, seed: int) -> None:
        """Mirrors what is above ``horizon`` into the rows below, tinted, its rows
        shifted as by small waves."""
        top = round(horizon * SCALE)
        rows = self.image.height - top
        above = self.image.crop((0, 0, self.image.width, top)).transpose(
            Image.Transpose.FLIP_TOP_BOTTOM
        )
        mirror = above.resize((self.image.width, round(top * 1.15))).crop(
            (0, 0, self.image.width, rows)
        )
        mirror = Image.blend(
            mirror.filter(ImageFilter.GaussianBlur(1.5 * SCALE)),
            Image.new("RGB", mirror.size, tint),
            strength,
        )
        chance = random.Random(seed)
        phases = [chance.uniform(0, math.tau) for _ in range(3)]
        for y in range(rows):
            depth = y / rows
            wave = sum(
                math.sin(phase + k * 26 * math.log(depth + 0.02)) / k
                for k, phase in enumerate(phases, start=1)
            )
            shift = round(
                (wave * (1 + 16 * depth) + chance.uniform(-1, 1) * (0.5 + 3 * depth)) * SCALE
            )
            row = mirror.crop((0, y, self.image.width, y + 1))
            self.image.paste(row, (0, top + y))  # what the shift leaves free at an edge
            self.image.paste(row, (shift, top + y))

    def finished(self, grain: int = 0, seed: int = 0, vignette: float = 0.0) -> Image.Image:
        """The picture at its size, with ``vignette`` (0 to 1, darker corners) and film
        ``grain`` (steps of 255)."""
        picture = self.image.resize((self.width, self.height), Image.Resampling.LANCZOS)
        if vignette:
            mask = Image.radial_gradient("L").resize(picture.size, Image.Resampling.BICUBIC)
            mask = mask.point(
                [round(255 * vignette * max(0.0, (v - 90) / 165) ** 1.6) for v in range(256)]
            )
            picture.paste((0, 0, 0), (0, 0), mask)
        if grain:
            noise = Image.frombytes(
                "L", picture.size, random.Random(seed).randbytes(self.width * self.height)
            ).filter(ImageFilter.GaussianBlur(0.6))
            noise = noise.point(
                [round(max(-1.0, min(1.0, (v - 128) / 64)) * grain) + 128 for v in range(256)]
            )
            picture = ImageChops.add(picture, Image.merge("RGB", (noise,) * 3), 1, -128)
        return picture


def near(chance: random.Random, spread: float) -> float:
    """A number about 0, most within ``spread``, none beyond 1.7 times that."""
    return max(-1.7, min(1.7, chance.gauss(0, 1))) * spread


def ridge(
    seed: int,
    left: float,
    right: float,
    base: float,
    height: float,
    roughness: float = 0.55,
    steps: int = 6,
) -> list[Point]:
    """The outline of hills from ``left`` to ``right``, at most about ``height`` px
    above ``base``, by midpoint displacement."""
    chance = random.Random(seed)
    heights = [chance.random() for _ in range(4)]
    spread = 0.5
    for _ in range(steps):
        between = [
            (a + b) / 2 + chance.uniform(-spread, spread) for a, b in itertools.pairwise(heights)
        ]
        heights = [
            value for pair in zip(heights, between, strict=False) for value in pair
        ] + heights[-1:]
        spread *= roughness
    low, high = min(heights), max(heights)
    width = (right - left) / (len(heights) - 1)
    return [
        (left + width * k, base - height * (h - low) / (high - low)) for k, h in enumerate(heights)
    ]


def _colour_at(stops: Sequence[tuple[float, Colour]], part: float) -> Colour:
    for (low, a), (high, b) in itertools.pairwise(stops):
        if part <= high:
            return mix(a, b, max(0.0, (part - low) / (high - low)))
    return stops[-1][1]
