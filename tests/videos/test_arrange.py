"""Which shot stands where: in a grid by its axes, in a sequence behind what it goes on
from."""

from __future__ import annotations

from dataclasses import replace
from itertools import product
from pathlib import Path

import pytest

from wanbatch.model.film import Footage, Shot
from wanbatch.videos.film.arrange import arrange, put_in_order
from wanbatch.words.errors import WanbatchError


def shot(name: str, follows: str = "", seconds: float = 2.0, **axes: str) -> Shot:
    footage = Footage(Path(f"{name}.mp4"), seconds, 1280, 720, 24.0, has_audio=True)
    return Shot(name, tuple(axes.items()), footage, "", follows, bool(follows))


def sweep(**axes: list[str]) -> list[Shot]:
    return [
        replace(shot("-".join(values)), axes=tuple(zip(axes, values, strict=True)))
        for values in product(*axes.values())
    ]


def rows_of(grid):
    names = [cell.name if cell else "" for cell in grid.cells]
    return [names[i : i + grid.width] for i in range(0, len(names), grid.width)]


def test_the_axis_with_most_values_goes_across_and_the_next_one_down():
    grid = arrange(sweep(hour=["dawn", "dusk"], seed=["1", "2", "3"]), None, None)
    assert grid.column_headings == ("seed=1", "seed=2", "seed=3")
    assert grid.row_headings == ("hour=dawn", "hour=dusk")
    assert rows_of(grid) == [["dawn-1", "dawn-2", "dawn-3"], ["dusk-1", "dusk-2", "dusk-3"]]


def test_a_person_chooses_the_axes_and_the_others_go_down():
    shots = sweep(hour=["dawn", "dusk"], lens=["35", "85"], seed=["1", "2", "3"])
    grid = arrange(shots, "hour", "lens")
    assert grid.column_headings == ("hour=dawn", "hour=dusk")
    assert grid.row_headings[:2] == ("lens=35, seed=1", "lens=35, seed=2")
    assert rows_of(grid)[0] == ["dawn-35-1", "dusk-35-1"]
    assert {cell.name for cell in grid.cells if cell} == {one.name for one in shots}
    assert arrange(shots, None, "seed").column_headings == ("hour=dawn", "hour=dusk")


def test_a_job_without_the_axis_keeps_its_place_and_holes_stay_open():
    shots = [*sweep(hour=["dawn", "dusk"], seed=["1", "2"])[:3], shot("bare", hour="dawn")]
    grid = arrange(shots, "hour", "seed")
    assert rows_of(grid) == [["dawn-1", "dusk-1"], ["dawn-2", ""], ["bare", ""]]


def test_jobs_of_different_axes_stand_on_a_contact_sheet():
    shots = [shot("a", job="a", hour="1"), shot("b", job="b", lens="1"), shot("c", job="c", x="1")]
    grid = arrange(shots, None, None)
    assert (grid.column_headings, grid.row_headings, grid.width) == ((), (), 2)
    assert rows_of(grid) == [["a", "b"], ["c", ""]]
    assert rows_of(arrange([shot("one")], None, None)) == [["one"]]


@pytest.mark.parametrize(
    ("columns", "rows", "said"),
    [
        ("hours", None, '--columns "hours": no selected job has such an axis'),
        (None, "\u202elens\n", '--rows "\\u202elens\\n"'),
        ("hour", "hour", "both name hour"),
    ],
)
def test_an_unknown_axis_is_named(columns, rows, said):
    with pytest.raises(WanbatchError) as told:
        arrange(sweep(hour=["dawn", "dusk"]), columns, rows)
    assert said in told.value.message
    assert told.value.exit_code == 2


# -- sequences -------------------------------------------------------------------------


def order(*shots: Shot):
    return [(p.shot.name, p.start_s, p.seconds) for p in put_in_order(shots)]


def test_a_continuation_stands_behind_its_clip_without_it():
    one, two = shot("one"), shot("two")
    later = shot("later", follows="one", seconds=5.0)
    assert order(one, two, later) == [("one", 0, 2), ("later", 2, 3), ("two", 0, 2)]


def test_a_chain_of_three_shows_each_second_once():
    a, b, c = shot("a"), shot("b", "a", 5.0), shot("c", "b", 9.0)
    assert order(c, b, a) == [("a", 0, 2), ("b", 2, 3), ("c", 5, 4)]
    without = shot("b", "a", 5.0)
    missing = Shot("b", (), None, "Failed", "a", continues=True)
    assert order(a, missing, c) == [("a", 0, 2), ("c", 2, 7)]
    assert order(without, c) == [("b", 0, 5), ("c", 5, 4)]


def test_two_continuations_of_one_clip_do_not_show_it_again():
    found = order(shot("a"), shot("b", "a", 4.0), shot("c", "a", 6.0))
    assert found == [("a", 0, 2), ("b", 2, 2), ("c", 2, 4)]


def test_a_shot_that_begins_with_a_last_frame_leaves_that_frame_out():
    follower = Shot("b", (), shot("b").footage, "", "a", continues=False)
    (_, start, seconds) = order(shot("a"), follower)[1]
    assert (start, seconds) == (pytest.approx(1 / 24), pytest.approx(2 - 1 / 24))


def test_what_has_no_video_is_left_out_and_what_follows_a_stranger_stays_whole():
    grey = Shot("grey", (), None, "Failed")
    assert order(grey, shot("x", "elsewhere", 3.0)) == [("x", 0, 3)]
