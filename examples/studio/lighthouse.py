"""A lighthouse on a headland, one composition in two lights: evening, and night with
the lamp burning.

What it may not do: move anything between the lights, so that the two make a first and a
last frame.

How it works: sky and sea first, then the headland from far to near, the tower, the
cottage, the surf, and the beam over all.
"""

from __future__ import annotations

import random
from dataclasses import dataclass

from PIL import Image

from studio.canvas import Canvas, Colour, mix, near, rgb, ridge

WIDTH, HEIGHT, HORIZON = 1280, 720, 470
LAMP = (872.0, 152.0)


@dataclass(frozen=True, slots=True)
class Light:
    sky: tuple[tuple[float, str], ...]
    glow: str
    cloud: str
    sea: tuple[str, str]
    rock: tuple[str, str, str]
    tower: str
    shade: str
    band: str
    foam: str
    shine: str
    lamp: bool
    stars: int


LIGHTS = {
    "evening": Light(
        sky=((0, "#31508a"), (0.45, "#8a83b4"), (0.75, "#eaa292"), (1, "#ffd9a1")),
        glow="#ffbf7a",
        cloud="#f7c1a6",
        sea=("#c98f93", "#2c4470"),
        rock=("#6f6288", "#4c4a6b", "#2f3450"),
        tower="#f6ead9",
        shade="#a58ea5",
        band="#c8513f",
        foam="#fbe3d2",
        shine="#c0809a",
        lamp=False,
        stars=0,
    ),
    "night": Light(
        sky=((0, "#050a1c"), (0.6, "#10234d"), (1, "#2b4a78")),
        glow="#3f68a8",
        cloud="#243b68",
        sea=("#24416d", "#060d22"),
        rock=("#16244a", "#0e1936", "#080f24"),
        tower="#6f7fa3",
        shade="#26355c",
        band="#5a2f45",
        foam="#7f9cc9",
        shine="#243b68",
        lamp=True,
        stars=260,
    ),
}


def lighthouse(hour: str) -> Image.Image:
    """The lighthouse at ``hour``, 1280 x 720 px."""
    light = LIGHTS[hour]
    canvas = Canvas(WIDTH, HEIGHT)
    _sky(canvas, light)
    _sea(canvas, light)
    _headland(canvas, light)
    _cottage(canvas, light)
    _tower(canvas, light)
    if light.lamp:
        _beam(canvas)
    return canvas.finished(grain=4, seed=12, vignette=0.45)


def _sky(canvas: Canvas, light: Light) -> None:
    canvas.gradient([(at, rgb(colour)) for at, colour in light.sky], 0, HORIZON + 2)
    chance = random.Random(6)
    for _ in range(light.stars):
        size = chance.uniform(0.4, 1.1)
        canvas.ellipse(
            (chance.uniform(0, WIDTH), chance.uniform(0, HORIZON - 60)),
            size,
            size,
            mix(rgb(light.sky[1][1]), (255, 255, 255), chance.uniform(0.2, 0.9)),
        )
    canvas.glow((260, HORIZON), 640, rgb(light.glow), 0.75, squash=0.55)
    for bank in range(8):
        x, y, length = (
            chance.uniform(-200, 900),
            90 + bank * 42 + chance.uniform(-14, 14),
            chance.uniform(300, 640),
        )

        def paint(
            mask: Canvas,
            x: float = x,
            y: float = y,
            length: float = length,
            thickness: float = 20 - bank * 2.0,
        ) -> None:
            for _ in range(18):
                mask.ellipse(
                    (x + chance.random() * length, y + chance.uniform(-6, 6)),
                    chance.uniform(40, 110),
                    thickness * chance.uniform(0.25, 1),
                    (255,) * 3,
                )

        canvas.shade(rgb(light.cloud), paint, blur=8, opacity=0.5)


def _sea(canvas: Canvas, light: Light) -> None:
    canvas.gradient(
        [
            (0, rgb(light.sea[0])),
            (0.35, mix(rgb(light.sea[0]), rgb(light.sea[1]), 0.6)),
            (1, rgb(light.sea[1])),
        ],
        HORIZON,
    )
    chance = random.Random(40)
    for _ in range(900):
        depth = chance.random() ** 1.5
        y, length = (
            HORIZON + 2 + depth * (HEIGHT - HORIZON),
            chance.uniform(8, 34) * (0.3 + 2 * depth),
        )
        x = chance.uniform(-40, WIDTH)
        near_glow = max(0.0, 1 - abs(x - 260) / (240 + 300 * depth))
        colour = (
            mix(rgb(light.sea[1]), rgb(light.glow), near_glow)
            if chance.random() < 0.55
            else rgb(light.sea[1])
        )
        canvas.shade_line(
            (x, y), (x + length, y), colour, 0.6 + 1.8 * depth, chance.uniform(0.2, 0.6)
        )


def _headland(canvas: Canvas, light: Light) -> None:
    far, middle, close = (rgb(colour) for colour in light.rock)
    distant = ridge(4, -10, 700, HORIZON, 40)
    canvas.polygon(
        [(-10, HORIZON), *distant, (700, HORIZON)], mix(far, rgb(light.sky[-1][1]), 0.45)
    )
    _cliff(canvas, 17, 500, 372, 150, far, rgb(light.shine))
    _surf(canvas, light, 498, 618)
    _cliff(canvas, 23, 590, 424, 190, middle, rgb(light.shine))
    _surf(canvas, light, 580, 668)
    _cliff(canvas, 29, 690, 560, 240, close, rgb(light.shine))
    _surf(canvas, light, 672, 704)


def _cliff(
    canvas: Canvas,
    seed: int,
    left: float,
    top: float,
    steepness: float,
    colour: Colour,
    shine: Colour,
) -> None:
    """Rock that rises from the sea at ``left`` to ``top`` and goes on to the right; its
    face catches the light, its foot lies in the dark."""
    edge = [(x, y) for x, y in ridge(seed, left + steepness * 0.7, WIDTH + 10, top + 26, 46)]
    face = ridge(seed + 1, 0, 1, 0, 1)
    slope = [
        (left + steepness * 0.7 * k / 11 + face[k * 3][1] * 22, 700 - (700 - top) * (k / 11) ** 0.8)
        for k in range(12)
    ]
    lit, dark = mix(colour, shine, 0.3), mix(colour, (0, 0, 12), 0.35)

    def face(mask: Canvas) -> None:
        mask.polygon(
            [*slope, (left + steepness, top + 10), (left + steepness * 0.62, HEIGHT)], (255,) * 3
        )

    def foot(mask: Canvas) -> None:
        mask.polygon(
            [
                (left + steepness * 1.6, HEIGHT),
                (left + steepness * 2, top + 130),
                (WIDTH + 40, top + 90),
                (WIDTH + 40, HEIGHT + 40),
            ],
            (255,) * 3,
        )

    stone = Canvas(WIDTH, HEIGHT)
    stone.polygon([*slope, *edge, (WIDTH + 10, HEIGHT + 5), (left - 40, HEIGHT + 5)], (255,) * 3)
    painted = Canvas(WIDTH, HEIGHT, colour)
    painted.shade(lit, face, blur=16)
    painted.shade(dark, foot, blur=46, opacity=0.8)
    canvas.image.paste(painted.image, (0, 0), stone.image.convert("L"))


def _surf(canvas: Canvas, light: Light, left: float, y: float) -> None:
    """Thin lines of foam where the rock meets the sea."""
    chance = random.Random(round(left))
    for _ in range(150):
        away = abs(near(chance, 1)) ** 1.4
        x, at = left - away * 70 + chance.uniform(-70, 2), y + near(chance, 9) + away * 7
        canvas.shade_line(
            (x, at),
            (x + chance.uniform(8, 46) / (0.6 + away), at + near(chance, 1)),
            rgb(light.foam),
            chance.uniform(0.8, 2.4),
            0.5 / (0.7 + away),
        )


def _tower(canvas: Canvas, light: Light) -> None:
    x, base, top = LAMP[0], 392.0, 176.0

    def half(y: float) -> float:
        return 19 + 13 * (y - top) / (base - top)

    for upper, lower, colour in (
        (top, 230, light.tower),
        (230, 284, light.band),
        (284, 338, light.tower),
        (338, base + 8, light.band),
    ):
        canvas.polygon(
            [
                (x - half(upper), upper),
                (x + half(upper), upper),
                (x + half(lower), lower),
                (x - half(lower), lower),
            ],
            rgb(colour),
        )

    def shadow(mask: Canvas) -> None:
        mask.polygon(
            [(x + 4, top), (x + half(top), top), (x + half(base), base + 8), (x + 8, base + 8)],
            (255,) * 3,
        )

    canvas.shade(rgb(light.shade), shadow, blur=3, opacity=0.55)
    for y in (214, 268, 322):
        canvas.rectangle(x - 5, y, x + 3, y + 15, rgb(light.rock[2]), radius=4)
    iron = rgb(light.rock[2])
    canvas.rectangle(x - 31, top - 4, x + 31, top + 4, iron)
    for post in range(-28, 29, 8):
        canvas.line([(x + post, top - 4), (x + post, top - 17)], iron, 1.2)
    canvas.line([(x - 30, top - 17), (x + 30, top - 17)], iron, 1.6)
    canvas.rectangle(
        x - 14,
        138,
        x + 14,
        top - 4,
        rgb("#fff2c4") if light.lamp else mix(rgb(light.sky[1][1]), (255, 255, 255), 0.35),
    )
    for post in (-14, -5, 5, 14):
        canvas.line([(x + post, 138), (x + post, top - 4)], iron, 1.6)
    canvas.polygon(
        [(x - 19, 139), (x - 12, 122), (x, 112), (x + 12, 122), (x + 19, 139)], rgb(light.band)
    )
    canvas.ellipse((x, 109), 3.4, 3.4, iron)


def _cottage(canvas: Canvas, light: Light) -> None:
    wall, roof = rgb(light.tower), mix(rgb(light.band), rgb(light.rock[2]), 0.45)
    canvas.rectangle(914, 352, 1046, 404, mix(wall, rgb(light.shade), 0.25))
    canvas.polygon([(906, 354), (932, 318), (1028, 318), (1054, 354)], roof)
    canvas.rectangle(1008, 302, 1022, 330, mix(wall, rgb(light.shade), 0.5))
    pane = rgb("#ffd98a") if light.lamp else mix(rgb(light.rock[2]), rgb(light.sky[1][1]), 0.3)
    for left in (930, 1014):
        canvas.rectangle(left, 366, left + 17, 384, pane)
        if light.lamp:
            canvas.glow((left + 8, 375), 46, rgb("#ffb04d"), 0.7)
    canvas.rectangle(972, 364, 990, 404, roof)
    grass = mix(rgb(light.rock[1]), rgb("#3f6b52"), 0.35 if not light.lamp else 0.1)
    canvas.polygon(
        [
            (790, 420),
            (830, 396),
            (900, 398),
            (1060, 400),
            (WIDTH + 5, 392),
            (WIDTH + 5, 450),
            (800, 440),
        ],
        grass,
    )


def _beam(canvas: Canvas) -> None:
    """Two cones of light, in slices that thin out with the distance."""
    x, y = LAMP

    def cones(mask: Canvas) -> None:
        for far, upper, lower in ((-100 - x, -18, 186), (WIDTH + 60 - x, -104, -30)):
            for k in range(90):
                near_end, far_end, grey = k / 90, (k + 1.5) / 90, round(255 * (1 - k / 90) ** 1.3)
                corners = [
                    (x + far * p, y + edge * p + side)
                    for p, edge, side in (
                        (near_end, upper, -4),
                        (far_end, upper, -4),
                        (far_end, lower, 4),
                        (near_end, lower, 4),
                    )
                ]
                mask.polygon(corners, (grey, grey, grey))

    canvas.shade(rgb("#ffe9b5"), cones, blur=5, opacity=0.62)
    canvas.glow(LAMP, 230, rgb("#ffdf9a"), 0.85)
    canvas.glow(LAMP, 60, rgb("#fff6df"), 1.0)
