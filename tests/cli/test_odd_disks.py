"""Disks that know no hard links, no folder syncs or no locks: the real command, its
system calls answered as such a disk answers them."""

from __future__ import annotations

import subprocess

import pytest
from scene import Scene

ANSWERS = """\
import errno, fcntl, os, stat
def refuse(*_, **__):
    raise OSError(errno.{number}, os.strerror(errno.{number}))
def is_folder(descriptor):
    return stat.S_ISDIR(os.fstat(descriptor).st_mode)
real_open, real_fsync = os.open, os.fsync
def open_(path, flags, *more, **given):
    if flags & os.O_DIRECTORY or os.path.isdir(path):
        refuse()
    return real_open(path, flags, *more, **given)
def fsync(descriptor):
    if is_folder(descriptor):
        refuse()
    real_fsync(descriptor)
{assignment}
"""
LINK, SYNC, OPEN = "os.link = refuse", "os.fsync = fsync", "os.open = open_"
LOCK = "fcntl.flock = refuse"


@pytest.fixture
def scene(tmp_path):
    with Scene(tmp_path, jobs=2, emulator="--latency 0.1 --render tiny") as scene:
        yield scene


def on_disk(scene, assignment, number):
    """A run on a disk that answers ``number`` where ``assignment`` says."""
    disk = scene.folder / "disk"
    disk.mkdir(exist_ok=True)
    (disk / "sitecustomize.py").write_text(ANSWERS.format(number=number, assignment=assignment))
    return subprocess.run(
        scene.run_words(),
        cwd=scene.folder,
        env={**scene.environ, "PYTHONPATH": str(disk)},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
        stdin=subprocess.DEVNULL,
    )


@pytest.mark.parametrize(
    "number",
    ["EACCES", "EINVAL", "EPERM", "ENOTSUP", "EOPNOTSUPP", "ENOSYS", "EMLINK", "EXDEV"],
)
def test_without_hard_links_videos_are_copied_and_it_is_noted_once(scene, number):
    taken = scene.reports / "scene/videos"
    done = on_disk(scene, LINK, number)
    assert done.returncode == 0, done.stderr
    assert scene.lost_videos() == []
    assert scene.half_files() == []
    names = [path.name for path in taken.iterdir()]
    assert sorted(names) == sorted([".part", *(n for n in names if n.endswith(".mp4"))])
    assert list((taken / ".part").iterdir()) == []
    noted = 0 if number in ("EMLINK", "EXDEV") else 1
    assert done.stderr.count("makes no hard links") == noted
    assert on_disk(scene, LINK, number).returncode == 0
    assert scene.charges() == 2


@pytest.mark.parametrize("call", [SYNC, OPEN])
@pytest.mark.parametrize("number", ["EINVAL", "ENOTSUP", "EBADF", "EPERM", "EACCES"])
def test_folders_that_cannot_be_synced_are_noted(scene, call, number):
    done = on_disk(scene, call, number)
    assert done.returncode == 0, done.stderr
    assert "cannot be synced" in done.stderr
    assert scene.lost_videos() == []
    assert scene.charges() == 2


@pytest.mark.parametrize("number", ["ENOLCK", "ENOTSUP", "EINVAL", "ENOSYS"])
def test_a_disk_without_locks_is_refused_with_the_way_out(scene, number):
    done = on_disk(scene, LOCK, number)
    assert done.returncode == 4, done.stderr
    assert "keeps no locks" in done.stderr
    assert "--output" in done.stderr
    assert scene.charges() == 0


def test_a_broken_disk_is_not_borne(scene):
    done = on_disk(scene, SYNC, "EIO")
    assert done.returncode == 4, done.stderr
    assert scene.charges() == 0


def test_a_copy_takes_no_name_that_exists(scene):
    assert scene.run().returncode == 0
    videos = sorted((scene.reports / "scene/videos").glob("*.mp4"))
    for video in videos:
        video.write_bytes(b"a bought video, altered since")
    done = on_disk(scene, LINK, "EACCES")
    assert done.returncode == 0, done.stderr
    assert scene.charges() == 2
    assert all(video.read_bytes() == b"a bought video, altered since" for video in videos)
    assert all(video.with_name(f"{video.stem}-2.mp4").is_file() for video in videos)
