"""What the pool does with stored videos: what it wrote is its proof, and bad news
proves nothing."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path

import pytest
from compute.samples import video

from wanbatch.model.looked import Undecodable
from wanbatch.model.measures import Level, Measures, References, Targets
from wanbatch.model.pool import Misfit, where
from wanbatch.videos import looking
from wanbatch.videos.errands import COPY, LOOK, MODIFIED, PUBLISH, STILL, Closed, look_values


@pytest.fixture
def clip(tmp_path: Path) -> Callable[[], Path]:
    return lambda: video(tmp_path / "clip.mp4")


def test_names_are_given(tmp_path: Path) -> None:
    part = tmp_path / "m" / "1.part"
    part.parent.mkdir()
    part.write_bytes(b"a")
    digest = hashlib.sha256(b"a").hexdigest()
    assert PUBLISH.function(tmp_path, part, "m/v.mp4", digest) == "m/v.mp4"
    assert COPY.function(tmp_path, "m/v.mp4", "n/w.mp4", digest) == "n/w.mp4"
    assert MODIFIED.function(tmp_path, "n/w.mp4") == (tmp_path / "m/v.mp4").stat().st_mtime_ns


def test_a_still_proves_itself_by_its_bytes(tmp_path: Path, clip) -> None:
    values = (where(clip()), "last", str(tmp_path / "still.png"))
    found = STILL.function(*values)
    assert STILL.read(found) == hashlib.sha256((tmp_path / "still.png").read_bytes()).hexdigest()
    assert STILL.claims(values, found) == {str(tmp_path / "still.png"): found}
    first = STILL.function(values[0], "first", str(tmp_path / "first.png"))
    assert first != found


def test_a_look_is_measures_and_files(tmp_path: Path, clip) -> None:
    poster = tmp_path / "posters" / "p.webp"
    values = look_values(where(clip()), References(), Targets(poster), Level.ALL)
    found = LOOK.function(*values)
    seen = LOOK.read(found)
    assert isinstance(seen, Measures)
    assert seen.frames == 24
    digest = hashlib.sha256(poster.read_bytes()).hexdigest()
    assert LOOK.claims(values, found) == {str(poster): digest}
    assert LOOK.claims(values, found | {"wrote": {"/etc/other": digest}}) is None
    with pytest.raises(Misfit):
        LOOK.claims(values, found | {"wrote": {str(poster): "no hash"}})


def test_bad_news_proves_nothing(tmp_path: Path, clip, monkeypatch: pytest.MonkeyPatch) -> None:
    page = tmp_path / "page.mp4"
    page.write_text("<html>")

    def look(path: Path) -> object:
        values = look_values(where(path), References(), Targets(), Level.ALL)
        found = LOOK.function(*values)
        assert LOOK.claims(values, found) is None
        return LOOK.read(found)

    assert isinstance(look(page), Undecodable)
    assert isinstance(look(tmp_path / "gone.mp4"), Closed)

    def fail(*_: object) -> Measures:
        raise MemoryError

    video = clip()
    monkeypatch.setattr(looking, "look_at", fail)
    assert look(video) == Undecodable("MemoryError: ")


@pytest.mark.parametrize(
    "found",
    [None, {}, {"measures": {}, "wrote": {}}, {"measures": 1, "wrote": {}}, {"closed": 7}, "done"],
    ids=str,
)
def test_what_is_no_look_is_refused(found: object) -> None:
    with pytest.raises(Misfit):
        LOOK.read(found)
