"""How alike two videos are by four tiny pictures of each."""

from __future__ import annotations

import random

import pytest

from wanbatch.model.signature import PARTS, SIDE, brightness, likeness, make_signature


def noise(seed: int, low: int = 0, high: int = 255) -> str:
    chance = random.Random(seed)
    pictures = [bytes(chance.randint(low, high) for _ in range(SIDE * SIDE)) for _ in PARTS]
    return make_signature(pictures)


def test_a_video_is_wholly_like_itself():
    assert likeness(noise(1), noise(1)) == pytest.approx(1)


def test_noise_is_like_no_other_noise():
    found = likeness(noise(1), noise(2))
    assert found is not None
    assert abs(found) < 0.1


def test_one_block_that_differs_counts_as_its_part():
    """Each picture has sixteen blocks, row by row."""
    grey = [bytearray([100] * SIDE * SIDE) for _ in PARTS]
    changed = [bytearray(p) for p in grey]
    for row in range(8, 16):
        for column in range(24, 32):
            changed[2][row * SIDE + column] = 255 * ((row + column) % 2)
    one, other = (make_signature([bytes(p) for p in pictures]) for pictures in (grey, changed))
    found = likeness(one, other)
    assert found == pytest.approx(1 - 1 / 64, abs=0.002)


def test_it_fits_into_eight_kilobytes():
    assert len(noise(1)) <= 8192


def test_brightness_is_that_of_each_block():
    levels = brightness(noise(1, 90, 110))
    assert levels is not None
    assert len(levels) == 64
    assert all(90 < level < 110 for level in levels)


@pytest.mark.parametrize("broken", ["", "AAAA", "not base64!", "ä"])
def test_what_is_no_signature_is_like_nothing(broken):
    assert likeness(broken, noise(1)) is None
    assert brightness(broken) is None
