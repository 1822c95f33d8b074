"""A portrait: a woman at a window in the evening, 720 x 1280 px, drawn flat with soft
shadows.

What it may not do: look like anybody.

How it works: from back to front: the room and the window, hair behind, body, neck,
face, hair before. Faces are kind to few shapes.
"""

from __future__ import annotations

import math
import random

from PIL import Image

from studio.canvas import Canvas, Point, mix, rgb

WIDTH, HEIGHT = 720, 1280
SKIN, SKIN_DARK, HAIR = rgb("#e8b08d"), rgb("#c98567"), rgb("#3a2530")
WOOL = rgb("#d99a3d")
WHITE = (255, 255, 255)


def portrait() -> Image.Image:
    """The portrait, 720 x 1280 px."""
    canvas = Canvas(WIDTH, HEIGHT)
    _room(canvas)
    _hair_behind(canvas)
    _body(canvas)
    _head(canvas)
    _features(canvas)
    _hair_before(canvas)
    canvas.glow((120, 300), 700, rgb("#ffb978"), 0.28)
    return canvas.finished(grain=4, seed=14, vignette=0.5)


def _room(canvas: Canvas) -> None:
    canvas.gradient([(0, rgb("#3d4a63")), (1, rgb("#56586b"))])
    canvas.rectangle(36, 90, 684, 830, rgb("#2b3247"), radius=10)
    view = Canvas(WIDTH, HEIGHT)
    view.gradient(
        [(0, rgb("#39508c")), (0.45, rgb("#c17d92")), (0.75, rgb("#f5ad7c")), (1, rgb("#ffd99a"))],
        100,
        640,
    )
    view.gradient([(0, rgb("#a77d8f")), (1, rgb("#3d4b74"))], 640, 830)
    view.glow((170, 610), 330, rgb("#ffc27a"), 0.9, squash=0.7)
    view.ellipse((170, 606), 34, 34, rgb("#fff0c9"))
    view.polygon(
        [
            (40, 640),
            (150, 612),
            (260, 626),
            (420, 588),
            (540, 616),
            (690, 596),
            (690, 642),
            (40, 642),
        ],
        rgb("#6f5f85"),
    )
    chance = random.Random(4)
    for _ in range(120):
        depth = chance.random() ** 1.4
        x, y = 170 + chance.gauss(0, 20 + 60 * depth), 646 + depth * 180
        view.shade_line((x - 18, y), (x + 18, y), rgb("#ffdca6"), 0.8 + depth, 0.5)
    canvas.image.paste(view.image.crop((96, 200, 1344, 1660)), (96, 200))
    canvas.rectangle(345, 100, 359, 830, rgb("#2b3247"))
    canvas.rectangle(40, 440, 680, 452, rgb("#2b3247"))
    canvas.rectangle(10, 822, 710, 862, rgb("#6a5f68"), radius=6)
    canvas.rectangle(10, 846, 710, 866, rgb("#4a4453"), radius=6)


def _hair_behind(canvas: Canvas) -> None:
    canvas.ellipse((360, 500), 176, 196, HAIR)
    canvas.rectangle(186, 500, 534, 716, HAIR, radius=70)


def _body(canvas: Canvas) -> None:
    """A thick pullover with a roll neck."""
    canvas.polygon(
        [
            (262, 800),
            (200, 838),
            (120, 880),
            (66, 960),
            (34, 1120),
            (20, 1290),
            (700, 1290),
            (686, 1120),
            (654, 960),
            (600, 880),
            (520, 838),
            (458, 800),
        ],
        WOOL,
    )
    canvas.ellipse((146, 966), 84, 100, WOOL)
    canvas.ellipse((574, 966), 84, 100, WOOL)

    def shadow(mask: Canvas) -> None:
        mask.polygon(
            [(470, 800), (620, 900), (700, 1000), (700, 1290), (560, 1290), (540, 1040)], WHITE
        )
        mask.polygon([(160, 1040), (190, 1040), (200, 1290), (150, 1290)], WHITE)
        mask.polygon([(536, 1040), (560, 1040), (566, 1290), (520, 1290)], WHITE)

    canvas.shade(rgb("#8c4f2a"), shadow, blur=22, opacity=0.5)
    for k in range(-17, 18):
        x = 360 + k * 19
        canvas.shade_line((x * 0.94 + 20, 905 + abs(k) * 3), (x, HEIGHT), rgb("#8c5a26"), 2.2, 0.2)
    canvas.rectangle(288, 640, 432, 800, SKIN_DARK, radius=40)
    canvas.rectangle(254, 758, 466, 872, mix(WOOL, WHITE, 0.07), radius=40)
    for k in range(-7, 8):
        canvas.shade_line((360 + k * 14, 764), (360 + k * 14.6, 866), rgb("#8c5a26"), 2.4, 0.3)

    def fold(mask: Canvas) -> None:
        mask.rectangle(262, 848, 458, 884, WHITE, radius=18)

    canvas.shade(rgb("#7a4422"), fold, blur=9, opacity=0.42)


def _head(canvas: Canvas) -> None:
    canvas.ellipse((232, 560), 24, 38, SKIN_DARK)
    canvas.ellipse((488, 560), 24, 38, SKIN_DARK)
    canvas.ellipse((360, 500), 134, 150, SKIN)
    canvas.polygon(
        [
            (227, 500),
            (232, 590),
            (258, 656),
            (306, 706),
            (360, 724),
            (414, 706),
            (462, 656),
            (488, 590),
            (493, 500),
        ],
        SKIN,
    )
    canvas.ellipse((360, 664), 72, 62, SKIN)

    _eyes(canvas)

    def side(mask: Canvas) -> None:
        mask.polygon(
            [
                (444, 400),
                (520, 430),
                (520, 640),
                (470, 690),
                (420, 740),
                (372, 740),
                (428, 650),
                (450, 540),
            ],
            WHITE,
        )

    def fringe(mask: Canvas) -> None:
        mask.line(
            [(246, 560), (262, 510), (300, 486), (366, 454), (430, 412), (462, 450), (478, 520)],
            WHITE,
            20,
        )

    def blush(mask: Canvas) -> None:
        mask.ellipse((284, 612), 32, 21, WHITE)
        mask.ellipse((438, 612), 30, 21, WHITE)

    outline = Canvas(WIDTH, HEIGHT)
    outline.ellipse((360, 500), 134, 150, WHITE)
    outline.polygon(
        [
            (227, 500),
            (232, 590),
            (258, 656),
            (306, 706),
            (360, 724),
            (414, 706),
            (462, 656),
            (488, 590),
            (493, 500),
        ],
        WHITE,
    )
    outline.ellipse((360, 664), 72, 62, WHITE)
    shaded = Canvas(WIDTH, HEIGHT)
    shaded.image = canvas.image.copy()
    shaded.shade(SKIN_DARK, side, blur=16, opacity=0.6)
    shaded.shade(SKIN_DARK, fringe, blur=9, opacity=0.55)
    shaded.shade(rgb("#e0705f"), blush, blur=13, opacity=0.42)
    canvas.image.paste(shaded.image, (0, 0), outline.image.convert("L"))


def _eyes(canvas: Canvas) -> None:
    for x in (302, 418):
        canvas.ellipse((x, 558), 29, 13, rgb("#f7efe6"))
        canvas.ellipse((x - 2, 556), 13.5, 13.5, rgb("#547a72"))
        canvas.ellipse((x - 2, 556), 7, 7, rgb("#1d1a22"))
        canvas.ellipse((x - 7, 552), 3.2, 3.4, WHITE)
        canvas.polygon([*_arc((x, 559), 32, 12.5, 0), (x + 34, 528), (x - 34, 528)], SKIN)
        canvas.polygon(
            [
                (x - 30, 566),
                (x - 14, 570.5),
                (x + 14, 570.5),
                (x + 30, 566),
                (x + 26, 580),
                (x - 26, 580),
            ],
            SKIN,
        )


def _features(canvas: Canvas) -> None:
    for x, turn in ((302, -1), (418, 1)):
        canvas.polygon(
            [*_arc((x, 523), 37, 13, turn * 1), *reversed(_arc((x, 524), 36, 6.5, turn * 1))], HAIR
        )
        canvas.line(_arc((x, 559), 31.5, 13, 0), HAIR, 4.6)
        canvas.line([(x + turn * 29, 553), (x + turn * 37, 547)], HAIR, 3.4)
        canvas.line(
            [(x - turn * 8 - 20, 541), (x - turn * 8 + 20, 539)], mix(SKIN, SKIN_DARK, 0.7), 1.8
        )
        canvas.shade_line((x - 18, 572), (x + 18, 572), SKIN_DARK, 2, 0.7)

    def nose(mask: Canvas) -> None:
        mask.polygon([(364, 560), (386, 622), (362, 632), (352, 626)], WHITE)

    canvas.shade(SKIN_DARK, nose, blur=5, opacity=0.75)
    canvas.line(
        [(344, 624), (350, 630), (360, 632), (370, 630), (377, 624)], mix(SKIN_DARK, HAIR, 0.3), 3
    )
    lips = rgb("#b9504f")
    canvas.polygon(
        [
            (318, 668),
            (342, 658),
            (360, 663),
            (378, 658),
            (402, 668),
            (378, 673),
            (360, 675),
            (342, 673),
        ],
        lips,
    )
    canvas.polygon(
        [
            (322, 669),
            (345, 673),
            (360, 675),
            (375, 673),
            (398, 669),
            (382, 685),
            (360, 690),
            (338, 685),
        ],
        mix(lips, WHITE, 0.16),
    )
    canvas.line(
        [(314, 666), (342, 672), (360, 674), (378, 672), (406, 666)], mix(lips, HAIR, 0.55), 2.4
    )
    canvas.ellipse((226, 606), 6, 6, rgb("#ffe6a8"))
    canvas.ellipse((494, 606), 6, 6, rgb("#ffe6a8"))


def _hair_before(canvas: Canvas) -> None:
    """A fringe parted at the side, and locks beside the face."""
    crown = [
        (360 + 172 * math.cos(k / 20 * math.pi), 500 - 194 * math.sin(k / 20 * math.pi))
        for k in range(20, -1, -1)
    ]
    parting = [(478, 520), (462, 450), (430, 410), (366, 452), (300, 484), (262, 508), (246, 556)]
    canvas.polygon([*crown, *parting], HAIR)
    canvas.polygon(
        [(188, 500), (188, 640), (204, 706), (246, 716), (252, 640), (244, 560), (262, 508)], HAIR
    )
    canvas.polygon(
        [(532, 500), (532, 640), (516, 706), (474, 716), (468, 640), (476, 560), (478, 508)], HAIR
    )

    def shine(mask: Canvas) -> None:
        mask.line([(232, 470), (258, 408), (314, 364), (390, 350)], WHITE, 12)
        mask.line([(504, 480), (496, 436), (470, 394)], WHITE, 8)

    canvas.shade(rgb("#c07a5e"), shine, blur=9, opacity=0.5)
    chance = random.Random(8)
    for _ in range(60):
        x = chance.choice([chance.uniform(196, 240), chance.uniform(482, 526)])
        canvas.shade_line(
            (x, chance.uniform(470, 560)),
            (x + chance.uniform(-3, 3), chance.uniform(600, 704)),
            mix(HAIR, rgb("#c07a5e"), 0.5),
            1.2,
            0.2,
        )


def _arc(centre: Point, rx: float, ry: float, tilt: float) -> list[Point]:
    """The upper part of an ellipse as a line, its outer end lower by ``tilt``."""
    x, y = centre
    steps = [k / 8 for k in range(-8, 9)]
    return [(x + rx * s, y - ry * (1 - s * s) ** 0.5 + tilt * s) for s in steps]
