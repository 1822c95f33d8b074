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


@pytest.mark.parametrize("wanted", ["../outside.mp4", "/tmp/outside.mp4", "m/../../outside.mp4"])
def test_no_video_is_given_a_name_outside_the_folder(tmp_path, part, wanted):
    with pytest.raises(OSError, match="outside the folder"):
        outputs.publish(tmp_path, part, wanted, SHA)
    with pytest.raises(OSError, match="outside the folder"):
        outputs.copy_video(tmp_path, wanted, "m/videos/two.mp4", SHA)
    assert part.read_bytes() == BYTES


@pytest.mark.parametrize("way", ["link", "folder"])
def test_a_name_that_is_no_plain_file_is_never_taken_for_the_video(tmp_path, part, way):
    """A link may lead to the very bytes today, and to others tomorrow."""
    taken = tmp_path / "m/videos/one.mp4"
    if way == "link":
        (tmp_path / "same.mp4").write_bytes(BYTES)
        taken.symlink_to(tmp_path / "same.mp4")
    else:
        taken.mkdir()
    assert outputs.publish(tmp_path, part, "m/videos/one.mp4", SHA) == "m/videos/one-2.mp4"


def test_bytes_of_a_ledger_that_was_lost_are_set_aside_and_those_of_this_one_are_not(
    tmp_path, part
):
    folder = part.parent
    for name, content in {
        "2.part": b"half a video",
        "2.rejected": b"a page",
        "3.part": b"",
        "lost-2.part": b"from the time before",
        "notes.txt": b"a person's",
    }.items():
        (folder / name).write_bytes(content)
    outputs.set_aside_strangers(tmp_path, ["m", "never run"], Snapshot((attempt(),), ()))
    assert {p.name: p.read_bytes() for p in folder.iterdir()} == {
        "1.part": BYTES,
        "lost-2-2.part": b"half a video",
        "lost-2.rejected": b"a page",
        "3.part": b"",
        "lost-2.part": b"from the time before",
        "notes.txt": b"a person's",
    }


def deny(path):
    raise PermissionError(errno.EACCES, "Permission denied")


@pytest.mark.parametrize(
    ("harm", "fault"),
    [
        (lambda path: None, []),
        (lambda path: path.unlink(), ["one: m/videos/one.mp4 is missing"]),
        (
            lambda path: path.write_bytes(b"short"),
            ["one: m/videos/one.mp4 has 5 bytes instead of 700"],
        ),
        (
            lambda path: path.write_bytes(bytes(len(BYTES))),
            ["one: m/videos/one.mp4 was changed: its SHA-256 is another"],
        ),
        (
            lambda path: (path.unlink(), path.mkdir()),
            ["one: m/videos/one.mp4 is a folder, not a file"],
        ),
    ],
    ids=["whole", "missing", "short", "changed", "folder"],
)
def test_every_video_is_hashed_when_faults_are_looked_for(tmp_path, part, harm, fault):
    """Whatever its size and time say."""
    row, placement = stored(tmp_path, part)
    path = tmp_path / row.path
    times = path.stat()
    harm(path)
    if path.exists():
        os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))
    assert outputs.find_faults(tmp_path, Snapshot((row,), (placement,))) == fault
    assert outputs.find_faults(tmp_path, Snapshot((row,), ())) == fault, "its first home counts"


def test_a_video_that_cannot_be_read_is_a_fault_and_what_is_not_stored_is_none(
    tmp_path, part, monkeypatch
):
    row, placement = stored(tmp_path, part)
    running = replace(row, attempt_id=2, state=State.ACCEPTED, path="")
    old = Placement("m", "gone", 2, "m/videos/gone.mp4", 0)
    monkeypatch.setattr(outputs, "hash_file", deny)
    snapshot = Snapshot((row, running), (placement, old))
    assert outputs.find_faults(tmp_path, snapshot) == [
        "one: m/videos/one.mp4 cannot be read: Permission denied"
    ]


def test_each_name_of_a_video_that_lies_outside_is_a_fault(tmp_path, part):
    row, placement = stored(tmp_path, part)
    strayed = replace(placement, job="two", path="../two.mp4")
    assert outputs.find_faults(tmp_path, Snapshot((row,), (placement, strayed))) == [
        "two: ../two.mp4 lies outside the output folder"
    ]


def test_a_placement_of_an_attempt_that_is_not_stored_is_not_whole(tmp_path, part):
    _, placement = stored(tmp_path, part)
    assert outputs.intact_paths(tmp_path, Snapshot((), (placement,))) == frozenset()


def test_a_video_of_another_folder_is_brought_once_and_replaces_nothing(tmp_path):
    source = tmp_path / "artifact" / "one.mp4"
    source.parent.mkdir()
    source.write_bytes(BYTES)
    output = tmp_path / "reports"
    (output / "m/videos").mkdir(parents=True)
    (output / "m/videos/one.mp4").write_bytes(b"bought before")
    assert outputs.bring(output, source, "m/videos/one.mp4", SHA) == ("m/videos/one-2.mp4", True)
    assert outputs.bring(output, source, "m/videos/one.mp4", SHA) == ("m/videos/one-2.mp4", False)
    assert (output / "m/videos/one.mp4").read_bytes() == b"bought before"
    assert (output / "m/videos/one-2.mp4").read_bytes() == BYTES
    assert source.exists()
    with pytest.raises(OSError, match="outside the folder"):
        outputs.bring(output, source, "../one.mp4", SHA)


# -- videos that live in a store -------------------------------------------------------

IN_STORE = "sha256/ab/" + "c" * 62 + ".mp4"


def test_what_a_store_holds_is_whole_without_a_file(tmp_path):
    row = replace(attempt(), state=State.STORED, path=IN_STORE, bytes=7)
    placement = Placement("m", "one", row.attempt_id, IN_STORE, 0)
    asked = []

    def holds(path, size):
        asked.append((path, size))
        return True

    snapshot = Snapshot((row,), (placement,))
    assert outputs.intact_paths(tmp_path, snapshot, holds) == {IN_STORE}
    assert asked == [(IN_STORE, row.bytes)]
    assert outputs.intact_paths(tmp_path, snapshot, lambda *_: False) == frozenset()
    assert outputs.intact_paths(tmp_path, snapshot) == frozenset()
    local = Snapshot((replace(row, path="m/videos/one.mp4"),), ())
    assert outputs.intact_paths(tmp_path, local, holds) == frozenset()
    assert len(asked) == 1, "nobody asks a store for what was never there"


def test_a_copy_may_be_missing_and_goes_where_it_is_one(tmp_path):
    row = replace(attempt(), state=State.STORED, path=IN_STORE, bytes=7)
    assert outputs.find_faults(tmp_path, Snapshot((row,), ())) == []
    (tmp_path / IN_STORE).parent.mkdir(parents=True)
    (tmp_path / IN_STORE).write_bytes(b"no")
    assert len(outputs.find_faults(tmp_path, Snapshot((row,), ()))) == 1
    assert outputs.modified_at_ns(tmp_path, IN_STORE) == 0
    outputs.drop_copy(tmp_path, IN_STORE)
    outputs.drop_copy(tmp_path, IN_STORE)
    assert not (tmp_path / IN_STORE).exists()
    (tmp_path / "own.mp4").write_bytes(b"mine")
    outputs.drop_copy(tmp_path, "own.mp4")
    assert (tmp_path / "own.mp4").exists()
