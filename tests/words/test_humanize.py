"""Ranges of time in words: never finer than they can mean, and always holding what was
given."""

from __future__ import annotations

import re

import pytest

from wanbatch.words.humanize import duration_range

UNITS = {"s": 1.0, "min": 60.0, "h": 3600.0}


@pytest.mark.parametrize(
    ("low_s", "high_s", "said"),
    [
        (0.0, 0.2, "1 s"),
        (0.0, 5.0, "1 to 5 s"),
        (12.0, 12.0, "12 s"),
        (12.2, 17.1, "12 to 18 s"),
        (21.0, 73.0, "20 to 75 s"),
        (70.0, 130.0, "1 to 3 min"),
        (361.0, 539.0, "6 to 9 min"),
        (10.0, 500.0, "1 to 9 min"),
        (3000.0, 8000.0, "0.5 to 2.5 h"),
        (7200.0, 7200.0, "2 h"),
    ],
)
def test_a_range_is_told_in_one_unit(low_s: float, high_s: float, said: str) -> None:
    assert duration_range(low_s, high_s) == said


@pytest.mark.parametrize("high_s", [1.0, 1.5, 19.9, 20.1, 99.9, 100.0, 5999.0, 6000.0, 90_000.0])
@pytest.mark.parametrize("share", [0.0, 0.4, 0.99, 1.0])
def test_the_words_hold_the_range(high_s: float, share: float) -> None:
    *_, high, unit = re.split(r" to | ", duration_range(share * high_s, high_s))
    assert float(high) * UNITS[unit] >= high_s
    assert float(high) * UNITS[unit] <= max(2 * high_s, 2.0)
