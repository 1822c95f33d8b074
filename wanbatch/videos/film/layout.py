"""The geometry of a film: its size, the box of every cell, where headings stand.

What it may not do: I/O, draw, or know what a cell shows.

How it works: everything is laid out within ``BOX``; cells have the shape of most of the
videos and are never larger than those. A film of many cells takes ``LARGE_BOX``, so
that each can still be seen. All sides and places are even, as 4:2:0 asks for.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from wanbatch.model.film import Footage, Grid
from wanbatch.words.errors import ExitCode, WanbatchError

BOX = (1920, 1080)
"""What every screen and every player takes."""
LARGE_BOX = (3840, 2160)
"""The largest that common H.264 decoders take in hardware."""
NARROW = 160
"""Below so many pixels across a cell the larger box is taken."""
NARROWEST = 48
"""Of a cell below this nobody sees what it shows."""
MOST_CELLS = 400
"""Each holds an open decoder of about 8 MB for 720P (measured): some 3 GB in all."""
GAP = 4  # between cells, in pixels: seen as a line, and little is lost

MOST_HEADING = 0.22
"""The part of the width that headings of rows may take."""


@dataclass(frozen=True, slots=True)
class Box:
    """A rectangle in pixels; all four are even."""

    left: int
    top: int
    width: int
    height: int


@dataclass(frozen=True, slots=True)
class Layout:
    """A film's size and the place of all that it shows. ``cells`` are row by row, as
    those of the grid; ``letters`` is the height of the font."""

    width: int
    height: int
    cells: tuple[Box, ...]
    columns: tuple[Box, ...]
    rows: tuple[Box, ...]
    captions: tuple[Box, ...]
    letters: int


def lay_out(grid: Grid, shape: tuple[int, int], heading_letters: int = 0) -> Layout:
    """The layout of ``grid`` for videos of ``shape``.

    ``heading_letters`` is how many letters the longest heading of a row has. Raises
    ``WanbatchError`` (2) where the cells are too many to be seen.
    """
    if len(grid.cells) > MOST_CELLS:
        raise WanbatchError(
            ExitCode.INVALID,
            f"a film of {len(grid.cells)} cells is more than can be seen or made",
            f"--select fewer than {MOST_CELLS + 1}, or other --columns and --rows",
        )
    found = lay_out_within(grid, shape, heading_letters, BOX)
    if found.cells[0].width < min(NARROW, shape[0]):
        found = lay_out_within(grid, shape, heading_letters, LARGE_BOX)
    if found.cells[0].width < min(NARROWEST, shape[0]):
        raise WanbatchError(
            ExitCode.INVALID,
            f"{grid.width} columns and {grid.height} rows leave {found.cells[0].width} pixels"
            " for each video",
            "--select fewer jobs, or place other axes with --columns and --rows",
        )
    return found


def lay_out_within(
    grid: Grid, shape: tuple[int, int], heading_letters: int, box: tuple[float, float]
) -> Layout:
    """The layout in a film of at most the size of ``box``."""
    letters = max(11, min(28, round(box[0] / 90)))
    strip = _even(letters * 1.7)
    top = strip if grid.column_headings else 0
    left = 0
    if grid.row_headings:
        left = _even(min(box[0] * MOST_HEADING, (heading_letters + 2) * letters * 0.6))
    caption = 0 if grid.column_headings or grid.row_headings else strip
    room = (
        (box[0] - left - (grid.width - 1) * GAP) / grid.width,
        (box[1] - top - (grid.height - 1) * GAP) / grid.height - caption,
    )
    scale = min(room[0] / shape[0], room[1] / shape[1], 1.0)
    wide, high = max(2, _even(shape[0] * scale)), max(2, _even(shape[1] * scale))
    places = [
        Box(left + x * (wide + GAP), top + y * (high + caption + GAP), wide, high)
        for y in range(grid.height)
        for x in range(grid.width)
    ]
    return Layout(
        width=left + grid.width * (wide + GAP) - GAP,
        height=top + grid.height * (high + caption + GAP) - GAP,
        cells=tuple(places),
        columns=tuple(Box(p.left, 0, wide, top) for p in places[: grid.width]) if top else (),
        rows=tuple(Box(0, p.top, left, high) for p in places[:: grid.width]) if left else (),
        captions=tuple(Box(p.left, p.top + high, wide, caption) for p in places) if caption else (),
        letters=letters,
    )


def fit(width: int, height: int, box: Box) -> Box:
    """The largest place of that shape in the middle of ``box``; never larger than the
    video itself."""
    scale = min(box.width / width, box.height / height, 1.0)
    wide = min(box.width, max(2, _even(width * scale + 0.5)))
    high = min(box.height, max(2, _even(height * scale + 0.5)))
    return Box(
        box.left + _even((box.width - wide) / 2),
        box.top + _even((box.height - high) / 2),
        wide,
        high,
    )


def common_shape(footage: Iterable[Footage]) -> tuple[int, int]:
    """The size that most of the videos have; of several the largest."""
    counted = Counter((one.width, one.height) for one in footage)
    return max(counted, key=lambda size: (counted[size], size[0] * size[1]))


MOST_FPS = 60.0
"""What players and x264's level take at this size."""
USUAL_FPS = 24.0
"""Of a video whose rate is not known."""


def common_fps(footage: Iterable[Footage]) -> float:
    """The frame rate that most of the videos have; of several the highest."""
    counted = Counter(round(one.fps, 3) for one in footage if one.fps > 0)
    if not counted:
        return USUAL_FPS
    return min(MOST_FPS, max(counted, key=lambda fps: (counted[fps], fps)))


def _even(number: float) -> int:
    return int(number) // 2 * 2
