"""Opening and writing: nothing that is not a file is read, nothing half-written is ever
seen."""

from __future__ import annotations

import hashlib
import os
import socket
import stat
from pathlib import Path

import pytest

from wanbatch.words.files import NotRegular, hash_file, open_regular, written_atomically


def test_the_hash_is_that_of_the_bytes(tmp_path):
    path = tmp_path / "a"
    content = os.urandom(3_000_000)
    path.write_bytes(content)
    assert hash_file(path) == hash_file(str(path)) == hashlib.sha256(content).hexdigest()


def test_a_named_pipe_is_refused_without_waiting(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(NotRegular, match="a named pipe"):
        open_regular(tmp_path / "pipe")


def test_folders_devices_and_sockets_are_refused(tmp_path):
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(tmp_path / "socket"))
        for path, kind in (
            (tmp_path, "a folder"),
            (Path("/dev/zero"), "a device"),
            (tmp_path / "socket", "a socket"),
        ):
            with pytest.raises(NotRegular, match=kind):
                open_regular(path)


def test_a_link_to_a_device_is_refused(tmp_path):
    (tmp_path / "innocent.png").symlink_to("/dev/zero")
    with pytest.raises(NotRegular, match="a device"):
        hash_file(tmp_path / "innocent.png")


def test_no_descriptor_leaks_when_a_path_is_refused(tmp_path):
    before = len(list(Path("/proc/self/fd").iterdir()))
    for _ in range(20):
        with pytest.raises(NotRegular):
            open_regular(tmp_path)
    assert len(list(Path("/proc/self/fd").iterdir())) == before


def test_a_written_file_appears_whole_or_not_at_all(tmp_path):
    target = tmp_path / "out.bin"
    target.write_bytes(b"old")
    with pytest.raises(TypeError), written_atomically(target) as file:
        file.writelines([b"half", None])  # type: ignore[list-item]
    assert target.read_bytes() == b"old"
    with written_atomically(target) as file:
        file.write(b"new")
        assert target.read_bytes() == b"old"
    assert target.read_bytes() == b"new"
    assert [path.name for path in tmp_path.iterdir()] == ["out.bin"]


def test_a_written_file_has_the_usual_mode(tmp_path):
    (tmp_path / "usual").touch()
    with written_atomically(tmp_path / "out") as file:
        file.write(b"x")
    assert stat.S_IMODE((tmp_path / "out").stat().st_mode) == stat.S_IMODE(
        (tmp_path / "usual").stat().st_mode
    )
