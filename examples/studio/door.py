"""A blue door in a whitewashed wall at nightfall, closed and open.

What it may not do: move anything but the door and the light that falls through it, so
that the two make a first and a last frame.

How it works: wall and ground, the frame, what is in it, then pots, lamp and the light
on all of it.
"""

from __future__ import annotations

import math
import random

from PIL import Image

from studio.canvas import Canvas, Point, mix, near, rgb

WIDTH, HEIGHT, GROUND = 1280, 720, 610
LEFT, RIGHT, TOP = 540.0, 740.0, 190.0
BLUE = rgb("#2f6f9f")


def door(*, is_open: bool, grain: int = 3) -> Image.Image:
    """The door, 1280 x 720 px."""
    canvas = Canvas(WIDTH, HEIGHT)
    _wall(canvas)
    _frame(canvas)
    if is_open:
        _inside(canvas)
    else:
        _leaf(canvas)
    _step(canvas)
    _shutters(canvas)
    _lamp(canvas)
    for x, size, seed in ((455, 1.0, 1), (838, 1.15, 2), (905, 0.72, 3)):
        _pot(canvas, (x, GROUND + 34), size, seed)
    _vine(canvas)
    if is_open:
        _spill(canvas)
    return canvas.finished(grain=grain, seed=13, vignette=0.55)


def _wall(canvas: Canvas) -> None:
    canvas.gradient([(0, rgb("#7d86a8")), (0.6, rgb("#a9a7b8")), (1, rgb("#c0b3b4"))], 0, GROUND)
    canvas.gradient([(0, rgb("#5b5767")), (1, rgb("#37384c"))], GROUND)
    chance = random.Random(9)
    for _ in range(70):
        x, y, tone = (
            chance.uniform(0, WIDTH),
            chance.uniform(0, GROUND),
            chance.choice([(255, 255, 255), (70, 70, 100)]),
        )

        def patch(mask: Canvas, x: float = x, y: float = y) -> None:
            for _ in range(4):
                mask.ellipse(
                    (x + chance.uniform(-60, 60), y + chance.uniform(-20, 20)),
                    chance.uniform(20, 90),
                    chance.uniform(8, 34),
                    (255,) * 3,
                )

        canvas.shade(tone, patch, blur=14, opacity=0.06)
    for row, y in enumerate((628, 652, 684, 730)):
        for k in range(-1, 12):
            x = k * 132 + (row % 2) * 66 + chance.uniform(-10, 10)
            canvas.rectangle(
                x,
                y - 20 + row * 2,
                x + 120,
                y + row * 3,
                mix(rgb("#6b6675"), rgb("#3c3c50"), chance.uniform(0.1, 0.8)),
                radius=7,
            )


def _frame(canvas: Canvas) -> None:
    """Dressed stones round the opening, with an arch above."""
    chance = random.Random(5)
    centre = (LEFT + RIGHT) / 2
    canvas.dome((centre, TOP + 6), 144, 98, rgb("#bcaea2"))
    for side in (LEFT - 44, RIGHT):
        for k in range(9):
            y = TOP + 6 + k * 46
            tone = mix(rgb("#d8c9b4"), rgb("#a08f86"), chance.random())
            canvas.rectangle(
                side + (2 if k % 2 else 8), y, side + (42 if k % 2 else 38), y + 44, tone, radius=3
            )
    for k in range(-4, 5):
        angle = math.pi / 2 + k * math.pi / 9.5
        inner, outer = (
            (math.cos(angle), -math.sin(angle)),
            (144 * math.cos(angle), -98 * math.sin(angle)),
        )
        canvas.line(
            [
                (centre + 98 * inner[0], TOP + 6 + 58 * inner[1]),
                (centre + outer[0], TOP + 6 + outer[1]),
            ],
            rgb("#8c8083"),
            1.4,
        )
    canvas.ellipse((centre, TOP + 6), 100, 58, rgb("#1b2338"))
    canvas.rectangle(LEFT, TOP, RIGHT, GROUND, rgb("#1b2338"))
    for k in (-2, -1, 0, 1, 2):
        canvas.line(
            [(centre, TOP + 6), (centre + k * 44, TOP - 50 + abs(k) * 12)], rgb("#39486b"), 2.4
        )
    canvas.line([(LEFT, TOP + 5), (RIGHT, TOP + 5)], rgb("#39486b"), 8)


def _leaf(canvas: Canvas) -> None:
    top, bottom = TOP + 10, GROUND - 2
    canvas.rectangle(LEFT + 3, top, RIGHT - 3, bottom, BLUE)
    chance = random.Random(2)
    for k in range(6):
        x = LEFT + 3 + k * 32.4
        canvas.rectangle(
            x,
            top,
            x + 30,
            bottom,
            mix(BLUE, chance.choice([(255, 255, 255), (10, 20, 50)]), chance.uniform(0.02, 0.14)),
        )
        canvas.line([(x + 31, top), (x + 31, bottom)], mix(BLUE, (0, 0, 20), 0.5), 1.6)
        for _ in range(7):
            y = chance.uniform(top + 10, bottom - 60)
            at = x + chance.uniform(4, 26)
            canvas.shade_line((at, y), (at, y + chance.uniform(20, 70)), (10, 25, 50), 0.8, 0.22)
    for y in (top + 46, bottom - 74):
        canvas.rectangle(LEFT + 3, y, RIGHT - 3, y + 22, mix(BLUE, (10, 20, 50), 0.22))
        canvas.line([(LEFT + 3, y), (RIGHT - 3, y)], mix(BLUE, (255, 255, 255), 0.25), 1.4)
        for k in range(6):
            canvas.ellipse((LEFT + 18 + k * 32.4, y + 11), 2.6, 2.6, rgb("#1a2c44"))
    brass = rgb("#d9a94e")
    canvas.rectangle(RIGHT - 36, 396, RIGHT - 22, 446, mix(brass, (60, 40, 20), 0.45), radius=6)
    canvas.ellipse((RIGHT - 29, 412), 8, 8, brass)
    canvas.ellipse((RIGHT - 31, 409), 3, 3, rgb("#ffeeb8"))
    canvas.ellipse((LEFT + 100, 330), 17, 17, mix(brass, (60, 40, 20), 0.4))
    canvas.ellipse((LEFT + 100, 330), 10, 10, mix(BLUE, (10, 20, 50), 0.2))


def _inside(canvas: Canvas) -> None:
    """A lit hall: warm wall, floor tiles, a table with a candle, and the leaf of the
    door swung inward at the left."""
    top, bottom = TOP + 10, GROUND - 2
    for k in range(200):
        y = top + (bottom - top) * k / 200
        canvas.rectangle(
            LEFT + 3,
            y,
            RIGHT - 3,
            y + (bottom - top) / 200 + 1,
            mix(rgb("#ffdf9a"), rgb("#c9783f"), abs(k / 200 - 0.42) * 1.5),
        )
    canvas.polygon(
        [(LEFT + 3, bottom), (LEFT + 52, 520), (RIGHT - 40, 520), (RIGHT - 3, bottom)],
        rgb("#b4643a"),
    )
    for k in range(5):
        y = 520 + (bottom - 520) * (k / 5) ** 1.6
        canvas.line([(LEFT + 3, y), (RIGHT - 3, y)], rgb("#8f4a2c"), 1.5)
    for k in range(-2, 3):
        canvas.line([(642 + k * 24, 520), (642 + k * 44, bottom)], rgb("#8f4a2c"), 1.5)
    canvas.rectangle(640, 462, 718, 472, rgb("#6b3a24"))
    for x in (648, 706):
        canvas.rectangle(x, 472, x + 6, 540, rgb("#5a2f1e"))
    canvas.rectangle(672, 432, 680, 462, rgb("#fff4dc"))
    canvas.ellipse((676, 423), 4, 9, rgb("#fff7d0"))
    canvas.rectangle(640, 300, 706, 372, rgb("#7a4127"))
    canvas.rectangle(646, 306, 700, 366, rgb("#8fb3b5"))
    canvas.polygon([(646, 366), (662, 330), (676, 350), (688, 338), (700, 366)], rgb("#4f7d78"))
    canvas.polygon(
        [(LEFT + 3, top), (LEFT + 62, top + 26), (LEFT + 62, 532), (LEFT + 3, bottom)],
        mix(BLUE, rgb("#ffb866"), 0.22),
    )
    for k in range(1, 4):
        x = LEFT + 3 + k * 15
        canvas.line([(x, top + k * 6.5), (x, bottom - k * 19)], mix(BLUE, (10, 20, 50), 0.35), 1.4)
    canvas.ellipse((LEFT + 55, 420), 4.5, 6, rgb("#f2c766"))
    canvas.glow((676, 420), 190, rgb("#ffcf7a"), 0.9)


def _step(canvas: Canvas) -> None:
    canvas.rectangle(LEFT - 58, GROUND - 4, RIGHT + 58, GROUND + 20, rgb("#cdbfb0"), radius=4)
    canvas.rectangle(LEFT - 58, GROUND + 12, RIGHT + 58, GROUND + 24, rgb("#8d8287"), radius=4)


def _shutters(canvas: Canvas) -> None:
    """A small window at each side of the picture, its shutters half shut."""
    for x in (176.0, 1010.0):
        canvas.rectangle(x - 12, 222, x + 122, 402, rgb("#c6b8a9"), radius=3)
        canvas.rectangle(x, 232, x + 110, 392, rgb("#26304c"))
        canvas.rectangle(x + 52, 232, x + 58, 392, rgb("#d9cfc2"))
        canvas.rectangle(x, 306, x + 110, 312, rgb("#d9cfc2"))
        for side in (x - 58, x + 112):
            canvas.rectangle(side, 228, side + 56, 396, mix(BLUE, (10, 20, 50), 0.12), radius=2)
            for k in range(13):
                canvas.line(
                    [(side + 7, 240 + k * 12), (side + 49, 240 + k * 12)],
                    mix(BLUE, (10, 20, 50), 0.45),
                    2.4,
                )
        canvas.rectangle(x - 18, 398, x + 128, 410, rgb("#b3a59b"))


def _lamp(canvas: Canvas) -> None:
    x, y = 812.0, 236.0
    iron = rgb("#20222f")
    canvas.rectangle(x + 26, y - 34, x + 34, y + 2, iron, radius=3)
    canvas.line([(x + 30, y - 22), (x + 4, y - 34), (x, y - 18)], iron, 4)
    canvas.polygon(
        [(x - 15, y - 16), (x + 15, y - 16), (x + 10, y + 24), (x - 10, y + 24)], rgb("#ffe6a8")
    )
    canvas.polygon([(x - 20, y - 14), (x, y - 32), (x + 20, y - 14)], iron)
    canvas.rectangle(x - 12, y + 23, x + 12, y + 28, iron)
    canvas.line([(x, y - 14), (x, y + 24)], iron, 1.6)
    canvas.glow((x, y), 330, rgb("#ffb45c"), 0.75)
    canvas.glow((x, y), 60, rgb("#fff0c8"), 0.9)


def _pot(canvas: Canvas, at: Point, size: float, seed: int) -> None:
    """A clay pot with geraniums, standing on ``at``."""
    x, y = at
    chance = random.Random(seed)
    clay = rgb("#b8613f")

    def shadow(mask: Canvas) -> None:
        mask.ellipse((x + 8 * size, y), 54 * size, 9 * size, (255,) * 3)

    canvas.shade((20, 20, 40), shadow, blur=5, opacity=0.6)
    canvas.polygon(
        [
            (x - 36 * size, y - 66 * size),
            (x + 36 * size, y - 66 * size),
            (x + 26 * size, y),
            (x - 26 * size, y),
        ],
        clay,
    )
    canvas.polygon(
        [
            (x + 12 * size, y - 66 * size),
            (x + 36 * size, y - 66 * size),
            (x + 26 * size, y),
            (x + 8 * size, y),
        ],
        mix(clay, (40, 20, 40), 0.28),
    )
    canvas.rectangle(
        x - 40 * size,
        y - 76 * size,
        x + 40 * size,
        y - 60 * size,
        mix(clay, (255, 230, 200), 0.12),
        radius=3,
    )
    for _ in range(90):
        dx, dy = near(chance, 26) * size, (-92 + near(chance, 16)) * size
        r = chance.uniform(5, 10) * size
        canvas.ellipse(
            (x + dx, y + dy), r, r * 0.8, mix(rgb("#2f5a45"), rgb("#6f9a5f"), chance.random())
        )
    for _ in range(10):
        dx, dy = near(chance, 25) * size, (-106 + near(chance, 14)) * size
        for _ in range(8):
            bloom = mix(rgb("#d2405a"), rgb("#ff9aa0"), chance.random())
            canvas.ellipse(
                (x + dx + chance.gauss(0, 5) * size, y + dy + chance.gauss(0, 4) * size),
                4 * size,
                3.6 * size,
                bloom,
            )


def _vine(canvas: Canvas) -> None:
    """Leaves and blossoms that hang from the top left corner to the arch."""
    chance = random.Random(77)
    for _ in range(620):
        along = chance.random() ** 1.3
        x = 380 + along * 470 + near(chance, 16)
        y = 30 + abs(along - 0.42) ** 1.5 * 90 + abs(near(chance, 1)) * (34 + 26 * (1 - along))
        tone = mix(rgb("#24483d"), rgb("#6d9660"), chance.random() ** 1.4)
        size = chance.uniform(5, 11)
        canvas.polygon(
            [
                (x, y),
                (x + size * 0.7, y + size * 0.8),
                (x, y + size * 1.9),
                (x - size * 0.7, y + size * 0.8),
            ],
            tone,
        )
        if chance.random() < 0.2:
            canvas.ellipse((x, y + 6), 5, 5, mix(rgb("#b84a8f"), rgb("#f3a6cf"), chance.random()))


def _spill(canvas: Canvas) -> None:
    """The light of the hall on step and ground."""

    def floor(mask: Canvas) -> None:
        mask.polygon(
            [(LEFT + 10, GROUND), (RIGHT - 10, GROUND), (RIGHT + 96, HEIGHT), (LEFT - 96, HEIGHT)],
            (255,) * 3,
        )

    canvas.shade(rgb("#ffc878"), floor, blur=10, opacity=0.62)
    canvas.glow(((LEFT + RIGHT) / 2, GROUND - 120), 420, rgb("#ff9f4a"), 0.5)
