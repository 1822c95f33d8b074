"""The geometry of films: even, within the box, nothing upon another."""

from __future__ import annotations

from pathlib import Path

import pytest

from wanbatch.model.film import Footage, Grid, Shot
from wanbatch.videos.film.layout import (
    BOX,
    LARGE_BOX,
    Box,
    common_fps,
    common_shape,
    fit,
    lay_out,
    lay_out_within,
)
from wanbatch.words.errors import WanbatchError


def grid(columns: int, rows: int, *, headed: bool = True) -> Grid:
    cells = tuple(Shot(f"j{i}", (), None) for i in range(columns * rows))
    if not headed:
        return Grid(cells, columns)
    return Grid(cells, columns, ("c",) * columns, ("r",) * rows)


def footage(width: int, height: int, fps: float = 24.0) -> Footage:
    return Footage(Path("x"), 2.0, width, height, fps, has_audio=False)


def overlap(a: Box, b: Box) -> bool:
    return (
        a.left < b.left + b.width
        and b.left < a.left + a.width
        and a.top < b.top + b.height
        and b.top < a.top + a.height
    )


@pytest.mark.parametrize("shape", [(1280, 720), (720, 1280), (64, 48), (1920, 1080)])
@pytest.mark.parametrize("size", [(1, 1), (4, 3), (12, 3), (3, 12), (15, 15)])
@pytest.mark.parametrize("headed", [True, False])
def test_all_is_even_inside_and_apart(shape, size, headed):
    layout = lay_out(grid(*size, headed=headed), shape, 20)
    boxes = [*layout.cells, *layout.columns, *layout.rows, *layout.captions]
    assert len(layout.cells) == size[0] * size[1]
    assert (layout.width, layout.height) <= LARGE_BOX
    assert layout.width % 2 == layout.height % 2 == 0
    for box in boxes:
        assert box.left % 2 == box.top % 2 == box.width % 2 == box.height % 2 == 0
        assert box.left + box.width <= layout.width
        assert box.top + box.height <= layout.height
    if len(boxes) < 60:
        pairs = [(a, b) for i, a in enumerate(boxes) for b in boxes[:i]]
        assert not [pair for pair in pairs if overlap(*pair)]


def test_cells_are_never_larger_than_their_videos_and_keep_their_shape():
    small = lay_out(grid(2, 1), (320, 176)).cells[0]
    assert (small.width, small.height) == (320, 176)
    cell = lay_out(grid(6, 4), (1280, 720)).cells[0]
    assert cell.width / cell.height == pytest.approx(16 / 9, rel=0.02)


def test_a_large_sweep_takes_the_large_box_and_a_huge_one_is_refused():
    assert lay_out(grid(6, 3), (1280, 720)).width <= BOX[0]
    assert BOX[0] < lay_out(grid(16, 16), (1280, 720)).width <= LARGE_BOX[0]
    for columns, rows in ((21, 20), (100, 2)):
        with pytest.raises(WanbatchError) as told:
            lay_out(grid(columns, rows), (1280, 720))
        assert "--select" in told.value.hints[0]


def test_a_smaller_box_makes_all_smaller():
    whole = lay_out(grid(4, 3), (1280, 720))
    half = lay_out_within(grid(4, 3), (1280, 720), 1, (whole.width / 2, whole.height / 2))
    assert half.width <= whole.width / 2
    assert half.cells[0].width < whole.cells[0].width


def test_an_odd_video_stands_in_the_middle_of_its_cell():
    assert fit(1280, 720, Box(100, 50, 320, 320)) == Box(100, 120, 320, 180)
    assert fit(100, 50, Box(0, 0, 320, 320)) == Box(110, 134, 100, 50)
    assert fit(7, 7001, Box(0, 0, 320, 320)).width == 2


def test_most_videos_decide_shape_and_rate():
    mixed = [footage(1280, 720), footage(1280, 720), footage(720, 1280, 30.0), footage(64, 48, 0)]
    assert common_shape(mixed) == (1280, 720)
    assert common_fps(mixed) == 24.0
    assert common_fps([footage(2, 2, 24.0), footage(2, 2, 30.0)]) == 30.0
    assert common_fps([footage(2, 2, 0.0)]) == 24.0
    assert common_fps([footage(2, 2, 240.0)]) == 60.0
