"""Measures travel as JSON and come back as they were, or not at all."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from expecting import expect

from wanbatch.model.measures import (
    MEASURES_VERSION,
    Joint,
    Level,
    Look,
    Measures,
    Sound,
    decode_measures,
    encode_measures,
)

WHOLE = Measures(
    Level.ALL,
    *(5.0, 1280, 720, 24.0, 120, 120, 0, 0, 0.5, 0.0, 0.001),
    cuts=(),
    motion=0.004,
    motion_course=(0.001, 0.007),
    blur=4.5,
    first_picture=Look(1280, 720, 0.5, 0.5, 0.5, 4.0),
    joint=Joint(2.0, 0.97, 0.01),
    sound=Sound(5.0, 0.0, -12.5, 0.0),
    signature="AAAA",
)
SILENT = replace(WHOLE, sound=Sound(5.0, 5.0, None, 0.0))
CHEAP = Measures(Level.BASIC, 5.0, 64, 48, 24.0, 120)


@pytest.mark.parametrize("measures", [WHOLE, SILENT, CHEAP])
def test_they_come_back_as_they_were(measures):
    text = json.dumps(encode_measures(measures), allow_nan=False)
    assert decode_measures(json.loads(text)) == measures


def test_what_was_measured_as_none_at_all_is_not_unmeasured():
    whole, cheap = (expect(Measures, decode_measures(encode_measures(m))) for m in (WHOLE, CHEAP))
    assert whole.cuts == ()
    assert cheap.cuts is None


@pytest.mark.parametrize(
    "change",
    [
        {"version": MEASURES_VERSION + 1},
        {"version": None},
        {"seconds": "5"},
        {"seconds": float("nan")},
        {"seconds": True},
        {"width": 1.5},
        {"cuts": 3},
        {"cuts": ["x"]},
        {"level": "some"},
        {"joint": {"at_s": 1}},
        {"joint": [1, 2, 3]},
        {"sound": {"seconds": 1, "tune": 2}},
        {"signature": 5},
        {"unheard_of": 1},
    ],
)
def test_what_does_not_fit_is_measured_anew(change):
    assert decode_measures({**encode_measures(WHOLE), **change}) is None


@pytest.mark.parametrize("found", [None, [], "x", 7, {}])
def test_what_is_no_such_thing_is_none(found):
    assert decode_measures(found) is None


def test_a_field_that_is_missing_is_not_guessed():
    found = encode_measures(CHEAP)
    del found["seconds"]
    assert decode_measures(found) is None
