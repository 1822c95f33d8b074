"""Seeds and names: pure functions that identities rest on."""

from __future__ import annotations

import hashlib

from hypothesis import given
from hypothesis import strategies as st

from wanbatch.manifest.sweep.seeds import count_seeds, draw_seed, draw_seeds
from wanbatch.words.names import encode_value, name_job


def test_a_drawn_seed_is_the_hash_of_key_and_number() -> None:
    for k in range(3):
        digest = hashlib.sha256(f'["harbor",{k}]'.encode()).hexdigest()
        assert draw_seed("harbor", k) == int(digest, 16) % 2**31


def test_drawn_seeds_are_pinned() -> None:
    """Changing these would buy every drawn seed again."""
    assert draw_seeds("opening", 3) == [1442766651, 67845565, 2056523024]


def test_a_longer_draw_begins_with_the_shorter_and_repeats_nothing() -> None:
    many = draw_seeds("a", 20_000)
    assert many[:100] == draw_seeds("a", 100)
    assert len(set(many)) == 20_000


def test_counted_seeds() -> None:
    assert count_seeds(100, 3) == [100, 101, 102]
    assert count_seeds(100, 3, -50) == [100, 50, 0]
    assert count_seeds(100, 3, -51) is None
    assert count_seeds(2**31 - 1, 1) == [2**31 - 1]
    assert count_seeds(2**31 - 1, 2) is None


def test_names() -> None:
    assert name_job("opening", ()) == "opening"
    assert (
        name_job("opening", (("hour", "dawn"), ("lens", "35mm"), ("seed", 100)))
        == "opening[hour=dawn,lens=35mm,seed=100]"
    )


def test_values_in_names() -> None:
    assert encode_value("a.b_c-1") == "a.b_c-1"
    assert encode_value("港の夜") == "港の夜"
    assert encode_value("a b,=[]%~") == "a%20b%2C%3D%5B%5D%25%7E"
    assert encode_value("👍") == "%F0%9F%91%8D"
    forty = "x" * 40
    assert encode_value(forty) == forty
    digest = hashlib.sha256(b"x" * 41).hexdigest()[:8]
    assert encode_value("x" * 41) == "x" * 24 + "~" + digest


@given(st.text(), st.text())
def test_different_values_have_different_names_of_safe_characters(one: str, other: str) -> None:
    encoded = encode_value(one)
    assert len(encoded) <= 40
    assert all(c.isalnum() or c in "._-%~" for c in encoded)
    assert (encoded == encode_value(other)) == (one == other)
