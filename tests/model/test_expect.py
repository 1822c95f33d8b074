"""What a manifest expects: a bare number is the most of amounts and the least of
likenesses."""

from __future__ import annotations

import pytest

from wanbatch.model.expect import AMOUNTS, EXPECTABLE, FACTS, LIKENESSES, Expectation
from wanbatch.model.expect import read_expectations as read
from wanbatch.words.schemas import load_schema


def test_a_bare_number_is_the_most_of_an_amount_and_the_least_of_a_likeness() -> None:
    assert read({"frozen": 0.5, "joint": 1}) == (
        Expectation("frozen", most=0.5),
        Expectation("joint", least=1.0),
    )


def test_a_mapping_bounds_any_number_on_both_sides() -> None:
    assert read({"motion": {"min": 0.1, "max": 2}, "first_frame": {"max": 0.99}}) == (
        Expectation("motion", 0.1, 2.0),
        Expectation("first_frame", most=0.99),
    )


def test_only_of_sound_false_expects_something() -> None:
    assert read({"sound": False, "length": False, "decodes": True}) == (
        Expectation("sound", fact=False),
        Expectation("decodes", fact=True),
    )


def test_what_expects_nothing_is_left_out() -> None:
    assert read({"frozen": None, "motion": {}, "black": {"min": None}}) == ()


@pytest.mark.parametrize(
    ("one", "said"),
    [
        (Expectation("frozen", most=0.5), "at most 0.5"),
        (Expectation("joint", least=0.9), "at least 0.9"),
        (Expectation("motion", 0.002, 0.2), "at least 0.002 and at most 0.2"),
        (Expectation("sound", fact=True), "yes"),
        (Expectation("sound", fact=False), "no"),
    ],
    ids=str,
)
def test_it_is_said_in_words(one: Expectation, said: str) -> None:
    assert str(one) == said


@pytest.mark.parametrize("name", ["manifest", "job"])
def test_the_schemas_know_the_same_checks_of_the_same_kinds(name: str) -> None:
    schema = load_schema(name)
    definitions, properties = schema["definitions"], schema["properties"]
    assert isinstance(definitions, dict)
    assert isinstance(properties, dict)
    shown = (definitions if name == "manifest" else properties)["expect"]["properties"]
    kinds = {check: one["allOf"][0]["$ref"].rpartition("_")[2] for check, one in shown.items()}
    assert kinds == {
        **dict.fromkeys(AMOUNTS, "amount"),
        "clipping": "level",  # in dBFS, which are below zero
        **dict.fromkeys(LIKENESSES, "likeness"),
        **dict.fromkeys(FACTS, "fact"),
    }
    assert tuple(kinds) == EXPECTABLE
