"""What is said of videos, by what was asked for and what was measured."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

from wanbatch.model.measures import Level, Measures
from wanbatch.model.report import Check, Output
from wanbatch.report.checks.own_bytes import check_own_bytes
from wanbatch.report.checks.registry import check_video

MADE = Output("videos/a.mp4", "5e" * 32, 1000, 5.0, 1280, 720, 24.0, has_audio=True)
SEEN = Measures(Level.BASIC, 5.0, 1280, 720, 24.0, 120)


def all_of(request: Mapping[str, Any], **changes: Any) -> dict[str, Check]:
    found = check_video(request, dataclasses.replace(MADE, **changes), SEEN)
    return {check.name: check for check in found}


def test_nothing_is_said_of_no_video():
    assert check_video({"seconds": 5}, None) == ()


def test_length_and_tier_are_held_against_what_was_asked_for():
    whole = all_of({"seconds": 5})["length"]
    assert (whole.passed, whole.message, whole.value) == (True, "5 s asked for, 5.00 s made", 5)
    assert not all_of({"seconds": 5}, seconds=4.4)["length"].passed
    assert "length" not in all_of({})
    assert all_of({"size": "720P"}, width=816, height=1104)["size"].passed
    assert not all_of({"size": "1080P"})["size"].passed
    assert "size" not in all_of({"size": "4K"})


def test_sound_must_be_there_where_audio_drove_the_video():
    driven = {"media": [{"type": "driving_audio", "source": "a.wav"}]}
    assert all_of(driven)["sound"].passed
    assert not all_of(driven, has_audio=False)["sound"].passed
    assert all_of({}, has_audio=False)["sound"].value == "absent"


def test_without_a_look_only_what_the_request_asks_is_said():
    assert [c.name for c in check_video({"seconds": 5, "size": "720P"}, MADE)] == ["length", "size"]


def test_two_requests_with_one_video_are_named():
    found = check_own_bytes({"a": ("wb2:1", MADE), "b": ("wb2:2", MADE), "c": ("wb2:1", MADE)})
    assert set(found) == {"a", "b", "c"}
    assert found["a"].message == "the same bytes as b, which is another request"
