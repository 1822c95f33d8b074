"""Each check is fired by the fault it is for, and by no other; clean videos fire none.

How it works: the videos are made, looked at and checked as the product does it. Ten
clean ones: six of the emulator's at full size, four of the same camera as the faults.
"""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from report import defects
from report.defects import Sample

from wanbatch.emulator.video.animatic import Scene, render
from wanbatch.model.measures import Level, Measures, References, Targets
from wanbatch.model.report import Check, Output
from wanbatch.report.checks.registry import CHECKS, check_video
from wanbatch.videos.looking import look_at


def look(sample: Sample) -> Measures:
    return look_at(sample.video, sample.references, Targets(), Level.ALL)


def checks_of(sample: Sample) -> tuple[Check, ...]:
    seen = look(sample)
    sides = seen.width, seen.height
    output = Output("a.mp4", "5e" * 32, 1, seen.seconds, *sides, seen.fps, seen.sound is not None)
    return check_video(sample.request, output, seen)


def fired_by(sample: Sample) -> list[str]:
    return [check.name for check in checks_of(sample) if not check.passed]


@pytest.mark.parametrize("name", defects.DEFECTS)
def test_a_fault_fires_its_own_check_and_no_other(name, tmp_path):
    assert fired_by(defects.DEFECTS[name](tmp_path)) == [name]


@pytest.mark.parametrize("name", defects.MORE)
def test_so_do_other_faults_of_its_kind(name, tmp_path):
    assert fired_by(defects.MORE[name](tmp_path)) == [name]


def test_every_check_of_a_video_has_its_fault():
    assert list(defects.DEFECTS) == [name.rpartition(".")[2] for name in CHECKS]


# -- clean -----------------------------------------------------------------------------

SCENES: dict[str, dict[str, Any]] = {
    "plain": {"seed": 1},
    "tinted": {"seed": 2, "prompt": "Harbour at dawn, 35mm film", "first": "portrait"},
    "another seed": {"seed": 7, "prompt": "Harbour at dawn, 35mm film"},
    "to a last frame": {"seed": 4, "first": "day", "last": "night"},
    "at night": {"seed": 5, "first": "night"},
    "continued": {"seed": 6, "clip": True},
}


@pytest.fixture(scope="module")
def pictures(tmp_path_factory):
    folder = tmp_path_factory.mktemp("pictures")
    day = defects.landscape(1).resize((960, 540))
    portrait = defects.landscape(3).rotate(90, expand=True).resize((600, 900))
    night = day.point(lambda v: v // 4)
    made = {"day": day, "portrait": portrait, "night": night}
    return {name: defects.picture_file(folder, image, name) for name, image in made.items()}


@pytest.mark.parametrize("name", SCENES)
def test_what_the_emulator_draws_fires_none(name, tmp_path, pictures):
    scene = SCENES[name]
    first = pictures[str(scene.get("first", "day"))]
    last = pictures["night"] if "last" in scene else None
    clip = defects.write_video(tmp_path / "clip.mp4", defects.pan(), defects.tone())
    references = References(first, last)
    drawn = Scene(
        2,
        "720P",
        int(scene["seed"]),
        str(scene.get("prompt", "")),
        first_frame=first.read_bytes(),
        last_frame=last.read_bytes() if last else None,
    )
    if "clip" in scene:
        references = References(first_clip=clip)
        drawn = replace(drawn, seconds=3, first_frame=None, first_clip=clip.read_bytes())
    render(drawn, tmp_path / "a.mp4")
    request = {"seconds": drawn.seconds, "size": "720P"}
    assert fired_by(Sample(tmp_path / "a.mp4", request, references)) == []


@pytest.mark.parametrize(
    "make",
    [
        defects.clean,
        defects.continuation(),
        lambda folder: Sample(defects.write_video(folder / "a.mp4", defects.pan(5))),
        lambda folder: Sample(defects.write_video(folder / "a.mp4", defects.pan()[::-1], crf="34")),
    ],
    ids=["driven", "continued", "silent film", "coarse"],
)
def test_a_clean_pan_fires_none(make, tmp_path):
    assert fired_by(make(tmp_path)) == []


# -- what is told ----------------------------------------------------------------------


def test_a_check_tells_what_was_measured(tmp_path):
    found = {c.name: c for c in checks_of(defects.DEFECTS["cut"](tmp_path))}
    assert (found["cut"].value, found["cut"].message) == (1, "cut at 1.00 s")
    assert found["frames"].value == 48
    assert isinstance(found["motion"].value, float)
    assert 0.005 < found["motion"].value < 0.05
    assert all(not isinstance(c.value, float) or math.isfinite(c.value) for c in found.values())


def test_a_freeze_is_told_in_seconds(tmp_path):
    seen = look(defects.DEFECTS["frozen"](tmp_path))
    assert seen.frozen_s == pytest.approx(28 / 24, abs=0.1)


def test_what_is_black_is_told_in_seconds(tmp_path: Path) -> None:
    seen = look(defects.DEFECTS["black"](tmp_path))
    assert seen.black_s == pytest.approx(10 / 24, abs=0.05)
    assert seen.frozen_s == 0
