"""A harbour town, one composition in four lights: dawn, noon, dusk, night.

What it may not do: move anything between the lights, so that two of them make a first
and a last frame.

How it works: sky, sun or moon, hills, town and breakwater are painted above the
horizon, mirrored into the water, and the boats laid over it.
"""

from __future__ import annotations

import random
from dataclasses import dataclass

from PIL import Image

from studio.canvas import Canvas, Point, mix, rgb, ridge

WIDTH, HEIGHT, HORIZON = 1280, 720, 424


@dataclass(frozen=True, slots=True)
class Light:
    """The colours of an hour. ``lit`` is the part of the windows with a lamp behind
    them, ``stars`` their number."""

    sky: tuple[tuple[float, str], ...]
    disc: str
    disc_at: Point
    disc_radius: float
    glow: str
    glow_strength: float
    cloud: str
    far: str
    near: str
    town: str
    roof: str
    water: str
    water_strength: float
    glitter: str
    boat: str
    trim: str
    lit: float
    stars: int = 0


LIGHTS = {
    "dawn": Light(
        sky=(
            (0, "#2b3a67"),
            (0.35, "#6d6a9c"),
            (0.62, "#d98c8f"),
            (0.82, "#f6b483"),
            (1, "#ffe0a8"),
        ),
        disc="#fff3cf",
        disc_at=(842, 372),
        disc_radius=30,
        glow="#ffb46b",
        glow_strength=0.85,
        cloud="#f3a48c",
        far="#8d7ba0",
        near="#5b557f",
        town="#3b3a5c",
        roof="#57415f",
        water="#3d4a75",
        water_strength=0.34,
        glitter="#ffe6b5",
        boat="#2a2b47",
        trim="#c9705a",
        lit=0.10,
    ),
    "noon": Light(
        sky=((0, "#2f7fc1"), (0.5, "#7db8de"), (1, "#dceef2")),
        disc="#ffffff",
        disc_at=(842, 92),
        disc_radius=26,
        glow="#fff4d6",
        glow_strength=0.7,
        cloud="#ffffff",
        far="#8fb0bf",
        near="#5d8a86",
        town="#e6d8c3",
        roof="#b5543f",
        water="#1d6f93",
        water_strength=0.5,
        glitter="#f4fbff",
        boat="#23445c",
        trim="#d9533b",
        lit=0.0,
    ),
    "dusk": Light(
        sky=(
            (0, "#1b2148"),
            (0.4, "#4a3a75"),
            (0.66, "#a44a7c"),
            (0.84, "#ee7b5f"),
            (1, "#ffc069"),
        ),
        disc="#ffd9a0",
        disc_at=(842, 408),
        disc_radius=34,
        glow="#ff7d4d",
        glow_strength=0.8,
        cloud="#c75b7f",
        far="#5f4577",
        near="#3d3260",
        town="#292447",
        roof="#372a4a",
        water="#2a2a58",
        water_strength=0.36,
        glitter="#ffc98b",
        boat="#1b1a35",
        trim="#8c3f52",
        lit=0.55,
        stars=40,
    ),
    "night": Light(
        sky=((0, "#070b1f"), (0.55, "#12204a"), (1, "#2c4675")),
        disc="#f4f1df",
        disc_at=(842, 150),
        disc_radius=24,
        glow="#8fb0e8",
        glow_strength=0.55,
        cloud="#2d4475",
        far="#1b2c55",
        near="#131f40",
        town="#0d1530",
        roof="#111a38",
        water="#0a1230",
        water_strength=0.45,
        glitter="#cfe0ff",
        boat="#070c1d",
        trim="#33405f",
        lit=0.7,
        stars=220,
    ),
}


def harbour(hour: str) -> Image.Image:
    """The harbour at ``hour``, 1280 x 720 px."""
    return harbour_canvas(LIGHTS[hour]).finished(grain=4, seed=11, vignette=0.4)


def harbour_canvas(light: Light, *, boats: bool = True) -> Canvas:
    """The painting before its finish, with or without what floats on the water."""
    canvas = Canvas(WIDTH, HEIGHT)
    _sky(canvas, light)
    _land(canvas, light)
    canvas.reflect(HORIZON, rgb(light.water), light.water_strength, seed=5)
    _glitter(canvas, light)
    if boats:
        _boat(canvas, light, (640, 492), 0.62)
        _boat(canvas, light, (318, 590), 1.15)
    _birds(canvas, light)
    return canvas


def _sky(canvas: Canvas, light: Light) -> None:
    canvas.gradient([(at, rgb(colour)) for at, colour in light.sky], 0, HORIZON + 2)
    chance = random.Random(3)
    for _ in range(light.stars):
        x, y, size = (
            chance.uniform(0, WIDTH),
            chance.uniform(0, HORIZON * 0.75) * chance.random() ** 0.4,
            chance.uniform(0.4, 1.1),
        )
        canvas.ellipse(
            (x, y), size, size, mix(rgb(light.sky[0][1]), (255, 255, 255), chance.uniform(0.3, 0.9))
        )
    canvas.glow(light.disc_at, 620, rgb(light.glow), light.glow_strength, squash=0.6)
    canvas.glow(light.disc_at, 190, rgb(light.glow), light.glow_strength)
    canvas.ellipse(light.disc_at, light.disc_radius, light.disc_radius, rgb(light.disc))
    _clouds(canvas, light, chance)


def _clouds(canvas: Canvas, light: Light, chance: random.Random) -> None:
    """Flat banks of cloud, thinner toward the horizon."""
    for bank in range(9):
        y = 70 + bank * 36 + chance.uniform(-12, 12)
        x, length = chance.uniform(-100, WIDTH - 200), chance.uniform(260, 560)
        thickness = 17 - bank * 1.5

        def paint(
            mask: Canvas,
            x: float = x,
            y: float = y,
            length: float = length,
            thickness: float = thickness,
        ) -> None:
            for _ in range(16):
                along = chance.random()
                mask.ellipse(
                    (x + along * length, y + chance.uniform(-5, 5)),
                    chance.uniform(40, 95),
                    thickness * chance.uniform(0.3, 1),
                    (255,) * 3,
                )

        canvas.shade(rgb(light.cloud), paint, blur=6, opacity=0.42)


def _land(canvas: Canvas, light: Light) -> None:
    far = ridge(21, -10, WIDTH + 10, HORIZON, 92)
    canvas.polygon([(-10, HORIZON), *far, (WIDTH + 10, HORIZON)], rgb(light.far))
    near = ridge(8, -10, 640, HORIZON, 118)
    canvas.polygon(
        [
            (-10, HORIZON),
            *[(x, y + max(0, (x - 380) / 260) ** 2 * 90) for x, y in near],
            (640, HORIZON),
        ],
        rgb(light.near),
    )
    _town(canvas, light)
    _breakwater(canvas, light)


def _town(canvas: Canvas, light: Light) -> None:
    """A row of gabled houses on the quay at the left, with a church among them."""
    chance = random.Random(14)
    x = -14.0
    while x < 500:
        width, height = chance.uniform(34, 62), chance.uniform(40, 84) * (1.15 - x / 900)
        wall = mix(
            rgb(light.town),
            chance.choice([rgb(light.far), rgb(light.trim), (255, 255, 255)]),
            chance.uniform(0, 0.16),
        )
        top = HORIZON - 8 - height
        canvas.rectangle(x, top, x + width, HORIZON, wall)
        canvas.polygon(
            [(x - 3, top), (x + width / 2, top - chance.uniform(16, 30)), (x + width + 3, top)],
            rgb(light.roof),
        )
        if chance.random() < 0.5:
            canvas.rectangle(
                x + width * 0.68, top - 24, x + width * 0.68 + 6, top - 6, rgb(light.roof)
            )
        _windows(canvas, light, chance, x, top, width, height)
        x += width + chance.choice([0, 0, 2, 5])
    canvas.rectangle(236, HORIZON - 150, 262, HORIZON, mix(rgb(light.town), rgb(light.near), 0.3))
    canvas.polygon(
        [(232, HORIZON - 150), (249, HORIZON - 216), (266, HORIZON - 150)], rgb(light.roof)
    )
    canvas.rectangle(-10, HORIZON - 9, 560, HORIZON + 1, mix(rgb(light.town), (0, 0, 0), 0.35))


def _windows(
    canvas: Canvas,
    light: Light,
    chance: random.Random,
    x: float,
    top: float,
    width: float,
    height: float,
) -> None:
    rows, columns = int(height // 22), int(width // 15)
    for row in range(rows):
        for column in range(columns):
            left, upper = x + (column + 0.5) * width / columns - 3, top + 8 + row * 21
            dark = mix(rgb(light.town), (10, 14, 30), 0.55)
            if chance.random() < light.lit:
                canvas.rectangle(left, upper, left + 6, upper + 9, rgb("#ffd98a"))
                canvas.glow((left + 3, upper + 4), 15, rgb("#ffb04d"), 0.5)
            else:
                canvas.rectangle(left, upper, left + 6, upper + 9, dark)


def _breakwater(canvas: Canvas, light: Light) -> None:
    """A mole from the right, and at its head a small light tower."""
    stone = mix(rgb(light.near), (0, 0, 0), 0.2)
    canvas.polygon(
        [
            (968, HORIZON + 1),
            (980, HORIZON - 12),
            (WIDTH + 5, HORIZON - 22),
            (WIDTH + 5, HORIZON + 1),
        ],
        stone,
    )
    tower = mix(rgb(light.town), rgb(light.far), 0.35)
    canvas.polygon(
        [(993, HORIZON - 12), (998, HORIZON - 92), (1012, HORIZON - 92), (1017, HORIZON - 12)],
        tower,
    )
    canvas.polygon(
        [(995.6, HORIZON - 52), (997, HORIZON - 72), (1013, HORIZON - 72), (1014.4, HORIZON - 52)],
        rgb(light.trim),
    )
    canvas.rectangle(995, HORIZON - 95, 1015, HORIZON - 91, stone)
    canvas.rectangle(
        999, HORIZON - 108, 1011, HORIZON - 95, rgb("#ffe9b0") if light.lit else rgb(light.disc)
    )
    canvas.polygon([(997, HORIZON - 108), (1005, HORIZON - 119), (1013, HORIZON - 108)], stone)
    if light.lit:
        canvas.glow((1005, HORIZON - 101), 30 + 90 * light.lit, rgb("#ffd27a"), 0.5 + light.lit / 2)


def _glitter(canvas: Canvas, light: Light) -> None:
    """The sun's (or moon's) path: short strokes, few and wide near, many and narrow
    far."""
    chance = random.Random(31)
    for _ in range(520):
        depth = chance.random() ** 1.7
        y = HORIZON + 3 + depth * (HEIGHT - HORIZON)
        x = light.disc_at[0] + chance.gauss(0, 1) * (16 + 74 * depth)
        length, thick = chance.uniform(4, 16) * (0.5 + 2.2 * depth), 0.6 + 1.9 * depth
        canvas.shade_line(
            (x - length, y),
            (x + length, y),
            rgb(light.glitter),
            thick,
            chance.uniform(0.25, 0.85) * (1 - depth * 0.5),
        )


def _boat(canvas: Canvas, light: Light, at: Point, size: float) -> None:
    """A fishing boat with a mast and furled sail, and its dark reflection."""
    x, y = at
    hull, trim = rgb(light.boat), rgb(light.trim)

    def p(dx: float, dy: float) -> Point:
        return x + dx * size, y + dy * size

    def shadow(mask: Canvas) -> None:
        mask.polygon([p(-104, 2), p(104, 2), p(74, 34), p(-70, 34)], (255,) * 3)
        mask.polygon([p(-4, 30), p(5, 30), p(9, 132), p(3, 132)], (150,) * 3)

    canvas.shade(mix(hull, rgb(light.water), 0.25), shadow, blur=3.5 * size, opacity=0.72)
    canvas.line([p(0, -28), p(2, -188)], hull, 4.2 * size)
    canvas.line([p(2, -184), p(112, -34)], hull, 1.1 * size)
    canvas.line([p(2, -184), p(-98, -30)], hull, 1.1 * size)
    canvas.line([p(1, -62), p(-86, -72)], hull, 3 * size)
    canvas.polygon(
        [p(0, -68), p(-84, -77), p(-80, -66), p(-40, -58), p(0, -56)],
        mix(trim, (255, 255, 255), 0.28),
    )
    canvas.polygon(
        [p(24, -24), p(28, -62), p(66, -62), p(74, -24)], mix(hull, (255, 255, 255), 0.18)
    )
    canvas.rectangle(
        *p(34, -55),
        *p(58, -41),
        rgb("#ffd98a") if light.lit > 0.3 else mix(hull, (255, 255, 255), 0.45),
    )
    if light.lit > 0.3:
        canvas.glow(p(46, -48), 60 * size, rgb("#ffb04d"), 0.7)
    canvas.polygon(
        [
            p(-112, -34),
            p(-60, -24),
            p(60, -26),
            p(122, -42),
            p(100, 6),
            p(84, 9),
            p(-84, 9),
            p(-96, 4),
        ],
        hull,
    )
    canvas.polygon(
        [
            p(-112, -34),
            p(-60, -24),
            p(60, -26),
            p(122, -42),
            p(119, -34),
            p(60, -18),
            p(-60, -16),
            p(-109, -26),
        ],
        trim,
    )


def _birds(canvas: Canvas, light: Light) -> None:
    colour = mix(rgb(light.boat), rgb(light.sky[1][1]), 0.25)
    for x, y, size in (
        (470, 168, 11),
        (512, 146, 8),
        (548, 182, 9),
        (1096, 232, 8),
        (1130, 214, 6),
    ):
        canvas.line(
            [
                (x - size, y - size * 0.42),
                (x - size * 0.4, y - size * 0.5),
                (x, y),
                (x + size * 0.4, y - size * 0.5),
                (x + size, y - size * 0.35),
            ],
            colour,
            1.4,
        )
