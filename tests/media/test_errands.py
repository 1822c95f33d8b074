"""What the pool says of files: an answer is held to its form, and that a paid file is
no video is believed of this machine alone."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from wanbatch.media.errands import HASH, HASH_IF_THERE, PROBE, SYNC
from wanbatch.media.probe import probe_video
from wanbatch.model.media import UnreadableFile, VideoFacts
from wanbatch.model.pool import Lane, Misfit, where


def test_hashes(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_bytes(b"a")
    digest = hashlib.sha256(b"a").hexdigest()
    for errand in (HASH, HASH_IF_THERE):
        assert errand.read(errand.function(where(file))) == digest
        assert errand.lane is Lane.NEAR
    assert HASH_IF_THERE.function(where(tmp_path / "gone")) == ""
    with pytest.raises(FileNotFoundError):
        HASH.function(where(tmp_path / "gone"))
    SYNC.function(file)


def test_a_video_comes_back_with_its_hash_as_proof(clip) -> None:
    path = clip()
    found = PROBE.function(where(path))
    assert PROBE.read(found) == probe_video(path)
    assert PROBE.claims([where(path)], found) == {str(path): found["sha256"]}


def test_a_page_comes_back_with_its_reason_and_proves_nothing(tmp_path: Path) -> None:
    page = tmp_path / "page.mp4"
    page.write_text("<html>")
    found = PROBE.function(where(page))
    assert PROBE.read(found) == probe_video(page)
    assert isinstance(PROBE.read(found), UnreadableFile)
    assert PROBE.claims([where(page)], found) is None


@pytest.mark.parametrize("change", [{"bytes": 0}, {"sha256": "zz"}, {"width": 0}, {"extra": 1}])
def test_what_is_no_video_is_refused(clip, change: dict[str, object]) -> None:
    found = PROBE.function(where(clip()))
    assert isinstance(PROBE.read(found), VideoFacts)
    with pytest.raises(Misfit):
        PROBE.read(found | change)
