"""YAML 1.2's core scalars, and values as text."""

from __future__ import annotations

import pytest

from wanbatch.words.scalars import BadNumber, Scalar, resolve_plain, scalar_text


@pytest.mark.parametrize(
    "text",
    [
        "on",
        "off",
        "yes",
        "no",
        "y",
        "16:9",
        "1:30",
        "2026-01-01",
        "1_000",
        "0b11",
        "+",
        "-",
        ".",
        "1e",
        "0x",
        "0o8",
        "12a",
        "nan",
        "TRue",
    ],
)
def test_what_yaml_1_1_would_twist_stays_text(text: str) -> None:
    assert resolve_plain(text) == text


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("", None), ("~", None), ("null", None), ("NULL", None), ("true", True), ("False", False), ("0", 0), ("-12", -12), ("+7", 7), ("012", 12),
        ("0o17", 15), ("0xFf", 255), ("1e3", 1000.0), (".5", 0.5), ("5.", 5.0), ("-1.5e-3", -0.0015), ("9" * 18, 10**18 - 1),
    ],
)  # fmt: skip
def test_core_scalars(text: str, value: Scalar) -> None:
    found = resolve_plain(text)
    assert (found, type(found)) == (value, type(value))


@pytest.mark.parametrize(
    "text",
    [".inf", "-.INF", ".nan", "1e999", "9" * 19, "9" * 5000, "1" * 500 + ".5", "0x" + "f" * 19],
)
def test_numbers_that_cannot_travel_are_refused(text: str) -> None:
    with pytest.raises(BadNumber):
        resolve_plain(text)


def test_scalars_as_text() -> None:
    assert [scalar_text(v) for v in (None, True, False, 35, 1.5, 2.0, "a")] == [
        "",
        "true",
        "false",
        "35",
        "1.5",
        "2",
        "a",
    ]
