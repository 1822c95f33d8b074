"""What is tried to keep a limit: quality first, then size, then sound, and an end."""

from __future__ import annotations

import pytest

from wanbatch.videos.film.fitting import (
    FAIR_CRF,
    MOST_TRIES,
    SMALLEST_SCALE,
    WORST_CRF,
    Setting,
    next_setting,
    parse_size,
)
from wanbatch.words.errors import WanbatchError


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("10MB", 10_000_000),
        ("8MiB", 8 << 20),
        ("900k", 900_000),
        ("1.5 mb", 1_500_000),
        ("123", 123),
        ("2G", 2_000_000_000),
        ("64KiB", 65536),
    ],
)
def test_sizes_are_read_as_people_write_them(text, size):
    assert parse_size(text) == size


@pytest.mark.parametrize("text", ["", "0", "-5", "ten", "10XB", "1e6", "nan", "5iB", "٣MB", "1MBs"])
def test_what_is_no_size_is_refused(text):
    with pytest.raises(WanbatchError) as told:
        parse_size(text)
    assert (told.value.exit_code, "10MB" in told.value.hints[0]) == (2, True)


def test_a_little_too_much_costs_quality_alone():
    found = next_setting(Setting(), 2_000_000, 1_500_000, 8.0, has_audio=False)
    assert found is not None
    assert (found.scale, found.crf) == (1.0, 23.5)


def test_far_too_much_costs_size_too_and_the_sound_last():
    found = next_setting(Setting(), 20_000_000, 500_000, 8.0, has_audio=True)
    assert found is not None
    assert found.crf >= FAIR_CRF
    assert SMALLEST_SCALE <= found.scale < 0.5
    assert found.sound_rate == 64_000


@pytest.mark.parametrize("limit", [10**6, 10**5, 10**4, 10])
@pytest.mark.parametrize("grain", [0.7, 1.0, 1.4])
def test_an_encoder_that_behaves_otherwise_is_still_brought_below_the_limit(limit, grain):
    """``grain`` bends how the size follows the setting; where nothing is found, the
    worst setting weighs too much."""

    def weigh(one: Setting) -> float:
        return float(5e6 * 2 ** (-(one.crf - 20) / 6 * grain) * one.scale ** (1.6 * grain))

    setting: Setting | None = Setting()
    seen: list[Setting] = []
    for _ in range(MOST_TRIES):
        assert setting not in seen
        if setting is None:
            break
        seen.append(setting)
        if weigh(setting) <= limit:
            return
        setting = next_setting(setting, int(weigh(setting)), limit, 5.0, has_audio=False)
    assert weigh(Setting(WORST_CRF, SMALLEST_SCALE)) > limit, f"{seen}"
