"""Videos on disk: names are given without replacing anything, copies share bytes, and
what was altered is noticed."""

from __future__ import annotations

import errno
import hashlib
import os
from dataclasses import replace

import pytest
from builders import attempt

from wanbatch.model.lifecycle import Placement, Snapshot, State
from wanbatch.videos import outputs

BYTES = b"a video" * 100
SHA = hashlib.sha256(BYTES).hexdigest()


@pytest.fixture
def part(tmp_path):
    path = tmp_path / "m" / "videos" / ".part" / "1.part"
    path.parent.mkdir(parents=True)
    path.write_bytes(BYTES)
    return path


def test_publishing_gives_the_name_and_takes_the_part_away(tmp_path, part):
    assert outputs.publish(tmp_path, part, "m/videos/one.mp4", SHA) == "m/videos/one.mp4"
    assert (tmp_path / "m/videos/one.mp4").read_bytes() == BYTES
    assert not part.exists()


def test_a_name_that_other_bytes_have_gets_a_number_and_keeps_its_file(tmp_path, part):
    (tmp_path / "m/videos/one.mp4").write_bytes(b"bought before")
    (tmp_path / "m/videos/one-2.mp4").write_bytes(b"and this")
    assert outputs.publish(tmp_path, part, "m/videos/one.mp4", SHA) == "m/videos/one-3.mp4"
    assert (tmp_path / "m/videos/one.mp4").read_bytes() == b"bought before"


def test_publishing_again_after_a_crash_finds_its_own_file(tmp_path, part):
    os.link(part, tmp_path / "m/videos/one.mp4")
    assert outputs.publish(tmp_path, part, "m/videos/one.mp4", SHA) == "m/videos/one.mp4"
    final = tmp_path / "m/videos/one.mp4"
    assert outputs.publish(tmp_path, final, "m/videos/one.mp4", SHA) == "m/videos/one.mp4"
    assert final.read_bytes() == BYTES


def test_a_copy_shares_the_bytes_where_the_disk_allows_it(tmp_path, part):
    outputs.publish(tmp_path, part, "m/videos/one.mp4", SHA)
    path = outputs.copy_video(tmp_path, "m/videos/one.mp4", "other/videos/two.mp4", SHA)
    assert (tmp_path / path).samefile(tmp_path / "m/videos/one.mp4")


def test_where_hard_links_are_not_to_be_had_the_bytes_are_copied(tmp_path, part, monkeypatch):
    def refuse(*_):
        raise OSError(errno.EXDEV, "not on this disk")

    outputs.publish(tmp_path, part, "m/videos/one.mp4", SHA)
    monkeypatch.setattr(os, "link", refuse)
    path = tmp_path / outputs.copy_video(tmp_path, "m/videos/one.mp4", "other/videos/two.mp4", SHA)
    assert path.read_bytes() == BYTES
    assert not path.samefile(tmp_path / "m/videos/one.mp4")
    assert [p.name for p in path.parent.iterdir()] == ["two.mp4"]
    path.write_bytes(b"other bytes")
    assert (
        outputs.copy_video(tmp_path, "m/videos/one.mp4", "other/videos/two.mp4", SHA)
        == "other/videos/two-2.mp4"
    )


def stored(tmp_path, part):
    outputs.publish(tmp_path, part, "m/videos/one.mp4", SHA)
    row = attempt(state=State.STORED, path="m/videos/one.mp4", sha256=SHA, bytes=len(BYTES))
    placement = Placement("m", "one", 1, row.path, outputs.modified_at_ns(tmp_path, row.path))
    return row, placement


def test_whole_files_are_intact_and_trusted_by_their_time(tmp_path, part):
    row, placement = stored(tmp_path, part)
    assert outputs.intact_paths(tmp_path, Snapshot((row,), (placement,))) == {"m/videos/one.mp4"}
    os.utime(tmp_path / row.path, ns=(1, 1))
    assert outputs.is_intact(tmp_path, placement, row)


@pytest.mark.parametrize("harm", ["missing", "short", "altered", "folder"])
def test_what_is_missing_or_altered_is_not_intact(tmp_path, part, harm):
    row, placement = stored(tmp_path, part)
    path = tmp_path / row.path
    if harm == "altered":
        path.write_bytes(bytes(len(BYTES)))
    elif harm == "short":
        path.write_bytes(BYTES[:-1])
    else:
        path.unlink()
        if harm == "folder":
            path.mkdir()
    os.utime(path, ns=(7, 7)) if path.exists() else None
    assert outputs.intact_paths(tmp_path, Snapshot((row,), (placement,))) == frozenset()


@pytest.mark.parametrize("path", ["../outside.mp4", "/etc/hostname"])
def test_a_ledger_that_names_files_elsewhere_is_not_followed(tmp_path, path):
    row = replace(attempt(state=State.STORED), path=path, sha256=SHA, bytes=len(BYTES))
    (tmp_path / "outside.mp4").write_bytes(BYTES)
    assert outputs.intact_paths(tmp_path / "sub", Snapshot((row,), ())) == frozenset()
