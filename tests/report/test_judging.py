"""Expectations decide whether a check passed; what cannot be judged is not unmet."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import pytest

from wanbatch.model.expect import Expectation
from wanbatch.model.looked import Undecodable
from wanbatch.model.measures import Joint, Level, Measures, Sound
from wanbatch.model.report import Check, Output
from wanbatch.report.judging import Judged, judge
from wanbatch.words.canonical import Json

REQUEST: Mapping[str, Json] = {"seconds": 5, "size": "720P", "media": [{"type": "first_frame"}]}
OUTPUT = Output("videos/a.mp4", "ab" * 32, 1000, 5.0, 1280, 720, 24.0, has_audio=True)
MEASURES = Measures(
    Level.ALL,
    5.0,
    1280,
    720,
    24.0,
    120,
    frames=120,
    undecodable=0,
    missing=0,
    frozen_s=1.2,
    black_s=0.0,
    flicker=0.01,
    cuts=(1.5, 3.0),
    motion=0.05,
    first_frame=0.93,
    joint=Joint(2.0, 0.8, 0.1),
    sound=Sound(5.0, silent_s=0.4, peak_db=-6.0, full_scale=0.0),
)


def check_of(judged: Judged, name: str) -> Check:
    (found,) = [check for check in judged.checks if check.name == name]
    return found


@pytest.mark.parametrize(
    ("expected", "met"),
    [
        (Expectation("frozen", most=1.2), True),
        (Expectation("frozen", most=1.0), False),
        (Expectation("black", most=0.0), True),
        (Expectation("cut", most=2.0), True),
        (Expectation("cut", most=0.0), False),
        (Expectation("motion", 0.002, 0.2), True),
        (Expectation("motion", 0.1, 0.2), False),
        (Expectation("first_frame", least=0.9), True),
        (Expectation("first_frame", least=0.95), False),
        (Expectation("joint", least=0.9), False),
        (Expectation("silence", most=0.5), True),
        (Expectation("sound", fact=True), True),
        (Expectation("sound", fact=False), False),
        (Expectation("length", fact=True), True),
        (Expectation("size", fact=True), True),
    ],
    ids=str,
)
def test_a_video_meets_what_is_expected_or_not(expected: Expectation, met: bool) -> None:
    judged = judge(REQUEST, OUTPUT, MEASURES, [expected])
    assert judged.unmet == (() if met else (expected.check,))
    check = check_of(judged, expected.check)
    assert check.passed is met
    assert check.message.endswith("expected")
    if expected.fact is None:
        assert str(expected) in check.message, "the bound is named"


def test_without_expectations_a_check_only_remarks() -> None:
    short = judge(REQUEST, replace(OUTPUT, seconds=3.0), MEASURES)
    assert not check_of(short, "length").passed
    assert short.unmet == ()
    assert judge(REQUEST, None, MEASURES, [Expectation("cut", most=0)]) == Judged()


@pytest.mark.parametrize("name", ["frozen", "last_frame", "colour_drift"])
def test_what_was_not_measured_is_not_unmet(name: str) -> None:
    bare = Measures(Level.BASIC, 5.0, 1280, 720, 24.0, 120)
    for found in (None, bare):
        judged = judge(REQUEST, OUTPUT, found, [Expectation(name, 2.0, 3.0)])
        assert judged.unmet == ()


def test_a_video_that_cannot_be_decoded_says_so_and_meets_nothing() -> None:
    broken = Undecodable("no picture can be read from it")
    judged = judge(REQUEST, OUTPUT, broken, [Expectation("sound", fact=True)])
    assert check_of(judged, "decodes").message.endswith("no picture can be read from it")
    assert judged.unmet == ("decodes",)
    assert judge(REQUEST, OUTPUT, broken).unmet == ()


def test_a_fact_that_does_not_hold_is_unmet() -> None:
    judged = judge(REQUEST, replace(OUTPUT, seconds=3.0), None, [Expectation("length", fact=True)])
    assert judged.unmet == ("length",)
