"""What is made of the filters' numbers, frame by frame."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pytest

from wanbatch.videos.series import Series, part_at

FPS = 24


def series(
    luma: Sequence[float] = (),
    change: Sequence[float] = (),
    marks: Mapping[str, Mapping[int, str]] | None = None,
) -> Series:
    """A series of frames with these levels (0 to 1) and changes; ``marks`` are further
    words of a filter, by its name and the frame's number."""
    count = max(len(luma), len(change))
    made = Series()
    for i in range(count):
        level = luma[i] if luma else 0.5
        said = {
            "lavfi.signalstats.YAVG": str(16 + 219 * level),
            "lavfi.scd.mafd": str(100 * (change[i] if change else 0.01)),
            "lavfi.vmafmotion.score": str(255 * (change[i] if change else 0.01)),
        }
        for name, by_frame in (marks or {}).items():
            if i in by_frame:
                said[f"lavfi.{name}"] = by_frame[i]
        made.add(i / FPS, said)
    made.finish(count / FPS)
    return made


def test_one_change_that_stands_out_is_a_cut():
    assert series(change=[0.01] * 20 + [0.3] + [0.02] * 20).cuts() == pytest.approx((20 / FPS,))


@pytest.mark.parametrize(
    "change",
    [
        [0.01] * 40,
        [0.05 + 0.03 * (i % 2) for i in range(40)],  # a camera that shakes
        [0.01] * 20 + [0.05] + [0.01] * 20,
        [0.01] * 20 + [0.3] + [0.01, 0.01] + [0.3] + [0.01] * 20,  # a flash
    ],
)
def test_others_are_none(change):
    assert series(change=change).cuts() == ()


def test_brightness_that_goes_there_and_back_flickers():
    assert series([0.5, 0.6] * 24).flicker() == pytest.approx(0.1, abs=0.01)
    assert series([0.5, 0.5, 0.5, 0.6, 0.6, 0.6] * 8).flicker() > 0.02


@pytest.mark.parametrize(
    "luma",
    [
        [0.5] * 48,
        [0.2 + i / 100 for i in range(48)],  # it grows light
        [0.5] * 24 + [0.9] * 24,  # a cut
        [0.5 + 0.001 * (i % 2) for i in range(48)],  # rounding
        [0.5 + 0.2 * abs((i % 48) - 24) / 24 for i in range(96)],  # a slow lamp
    ],
)
def test_light_that_changes_is_no_flicker(luma):
    assert series(luma).flicker() < 0.001


def test_what_lasts_to_the_end_counts_to_the_end():
    found = series([0.0] * 48, marks={"black_start": {12: "0.5"}})
    assert found.black_s == pytest.approx(1.5)


def test_what_is_black_is_not_frozen_too():
    found = series(
        [0.0] * 48,
        marks={
            "black_start": {0: "0"},
            "black_end": {24: "1"},
            "freezedetect.freeze_start": {12: "0"},
        },
    )
    assert (found.black_s, found.frozen_s) == pytest.approx((1, 1))


def test_a_course_has_at_most_sixteen_parts():
    found = series([i / 160 for i in range(160)]).course("luma")
    assert len(found) == 16
    assert found[0] == pytest.approx(4.5 / 160, abs=1e-4)
    assert len(series([0.1, 0.2]).course("luma")) == 2


def test_nothing_is_made_of_no_frames():
    empty = series()
    assert (empty.flicker(), empty.cuts(), empty.motion(), empty.missing_frames()) == (0, (), 0, 0)
    assert empty.course("luma") == ()


@pytest.mark.parametrize("word", ["nan", "inf", "?", ""])
def test_a_word_that_is_no_number_is_nothing(word):
    assert (
        series([0.5] * 4, marks={"scd.mafd": {1: word}, "vmafmotion.score": {1: word}}).cuts() == ()
    )


def test_parts_of_the_length_are_reached_in_their_order():
    assert [part_at(t, (0.0, 0.5, 1.0), 4) for t in (0, 1.9, 2, 3.9, 4)] == [1, 1, 2, 2, 3]
