"""Plain values become values again only where each field fits, and a path shows no more
than its name."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import anyio
import pytest

from wanbatch.model.media import VideoFacts
from wanbatch.model.plain import as_record, read_record, read_sha256
from wanbatch.model.pool import Errand, Lane, Misfit, near, nothing_to_prove, where
from wanbatch.testing.pool import AtOnce

FACTS = VideoFacts("ab" * 32, 9, 2.0, 64, 48, 24.0, has_audio=True)


def test_a_record_comes_back_as_it_was() -> None:
    assert read_record(VideoFacts, as_record(FACTS)) == FACTS


@pytest.mark.parametrize(
    "change",
    [
        {"bytes": 9.0},
        {"bytes": True},
        {"bytes": -1},
        {"seconds": 2},
        {"seconds": float("nan")},
        {"seconds": float("inf")},
        {"has_audio": 1},
        {"sha256": b"ab"},
        {"remark": None},
        {"more": 1},
    ],
    ids=str,
)
def test_what_does_not_fit_is_refused(change: dict[str, object]) -> None:
    with pytest.raises(Misfit):
        read_record(VideoFacts, as_record(FACTS) | change)


@pytest.mark.parametrize("found", [None, [], "text", {}, {"sha256": "ab" * 32}], ids=str)
def test_what_is_no_record_is_refused(found: object) -> None:
    with pytest.raises(Misfit):
        read_record(VideoFacts, found)


def test_a_hash_is_64_digits() -> None:
    assert read_sha256("0f" * 32) == "0f" * 32
    for wrong in ("0F" * 32, "0f" * 31, "", None, 7, "0g" * 32):
        with pytest.raises(Misfit):
            read_sha256(wrong)


def test_a_place_is_absolute_and_shows_its_name_alone() -> None:
    place = where(Path("folder/v.mp4"), "ab" * 32)
    assert place.path == str(Path.cwd() / "folder/v.mp4")
    assert repr(place) == "Where(…/v.mp4)"
    assert replace(place, sha256="") != place


def test_an_errand_is_found_by_its_name_and_claims_nothing_by_itself() -> None:
    errand = near(read_sha256)
    assert errand.name == "wanbatch.model.plain:read_sha256"
    assert (errand.lane, errand.claims) == (Lane.NEAR, nothing_to_prove)
    assert errand.claims([], None) == {}


def test_at_once_is_a_pool() -> None:
    pool = AtOnce()
    pool.listen(lambda _news: None)
    assert anyio.run(pool.submit, Errand(int, lambda found: found + 1), "1") == 2
    pool.close()
