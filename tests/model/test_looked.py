"""A look at a video comes back from the ledger as it was kept, or not at all."""

from __future__ import annotations

from dataclasses import replace

import pytest

from wanbatch.model.looked import Looked, Undecodable, compared_with, record_look
from wanbatch.model.measures import MEASURES_VERSION, Level, Measures

MEASURES = Measures(Level.ALL, 5.0, 1280, 720, 24.0, 120, frozen_s=0.5, cuts=(1.5,))


@pytest.mark.parametrize("found", [MEASURES, Undecodable("no frame\nat all: é")], ids=type)
def test_what_was_found_comes_back(found: Measures | Undecodable) -> None:
    look = record_look("ab" * 32, "", Level.ALL, found)
    assert look.found() == found
    assert look.version == MEASURES_VERSION
    assert look.is_readable()


@pytest.mark.parametrize("facts", ["", "[]", "{", "[" * 100_000, "{}", '{"undecodable": 5}'])
def test_what_cannot_be_read_is_measured_anew(facts: str) -> None:
    assert Looked("ab" * 32, "", MEASURES_VERSION, "all", facts).found() is None


def test_another_version_is_measured_anew() -> None:
    look = record_look("ab" * 32, "", Level.ALL, MEASURES)
    assert replace(look, version=MEASURES_VERSION + 1).found() is None
    assert replace(look, version=MEASURES_VERSION + 1).is_readable()


@pytest.mark.parametrize(
    ("level", "serves"),
    [
        ("all", {Level.ALL, Level.BASIC, Level.NONE}),
        ("basic", {Level.BASIC, Level.NONE}),
        ("none", {Level.NONE}),
    ],
)
def test_a_deeper_look_serves_a_shallower_wish(level: str, serves: set[Level]) -> None:
    look = Looked("ab" * 32, "", MEASURES_VERSION, level, "{}")
    assert {wanted for wanted in Level if look.serves(wanted)} == serves


def test_what_it_was_compared_with_has_one_order() -> None:
    given = {"last_frame": "02", "first_frame": "01"}
    assert compared_with(given) == "first_frame=01 last_frame=02"
    assert compared_with({}) == ""
