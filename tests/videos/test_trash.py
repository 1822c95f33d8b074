"""The trash: what its list says and what stands there, whatever happens between the
two."""

from __future__ import annotations

import errno
import hashlib
import json
import os
from dataclasses import replace
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
from builders import attempt

from wanbatch.model.lifecycle import Snapshot, State
from wanbatch.videos import trash
from wanbatch.videos.trash import (
    Discarded,
    discard,
    empty,
    lies_there,
    put_back,
    read_trash,
    trashed_paths,
    write_trash,
)
from wanbatch.words.disk import rename_new
from wanbatch.words.errors import ExitCode, WanbatchError

CONTENT = b"a video"
HOME = "m/videos/one.mp4"
SHA = hashlib.sha256(CONTENT).hexdigest()
ENTRY = Discarded(HOME, HOME, 1, "m", "one", SHA, len(CONTENT), 10.0)


def make(output: Path, path: str = HOME, content: bytes = CONTENT) -> Path:
    (output / path).parent.mkdir(parents=True, exist_ok=True)
    (output / path).write_bytes(content)
    return output / path


def stored(**changes: Any) -> Snapshot:
    given = {"state": State.STORED, "sha256": SHA, "path": HOME, "bytes": len(CONTENT)}
    return Snapshot((attempt(number=1, **{**given, **changes}),))


def test_there_is_none_before_something_was_moved(tmp_path: Path) -> None:
    assert read_trash(tmp_path) == []
    assert put_back(tmp_path, [1]) == []
    assert empty(tmp_path, [ENTRY], 1.0) == []
    assert trashed_paths(tmp_path, stored()) == frozenset()
    assert list(tmp_path.iterdir()) == []


def test_a_file_goes_and_comes_back_byte_for_byte(tmp_path: Path) -> None:
    home = make(tmp_path)
    assert discard(tmp_path, [ENTRY]) == [ENTRY] == read_trash(tmp_path)
    assert not home.exists()
    assert (tmp_path / "trash" / HOME).read_bytes() == CONTENT
    assert trashed_paths(tmp_path, stored()) == {HOME}
    assert put_back(tmp_path, [2]) == []
    assert put_back(tmp_path, [1]) == [ENTRY]
    assert home.read_bytes() == CONTENT
    assert read_trash(tmp_path) == []


@pytest.mark.parametrize("back", [False, True])
def test_power_that_is_lost_leaves_one_of_the_two_names(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, back: bool
) -> None:
    """The new name is durable, with every folder above it, before the old one's end."""
    make(tmp_path)
    if back:
        discard(tmp_path, [ENTRY])
        (tmp_path / HOME).parent.rmdir()
    synced: list[str] = []

    def sync(folder: Path) -> None:
        synced.append(folder.relative_to(tmp_path).as_posix())

    monkeypatch.setattr(trash, "sync_folder", sync)
    assert put_back(tmp_path, [1]) if back else discard(tmp_path, [ENTRY])
    home, away = [".", "m", "m/videos"], [".", "trash", "trash/m", "trash/m/videos"]
    expected = [*home, *away] if back else [*away, *home]
    assert [f for f in synced if f != "trash"] == [f for f in expected if f != "trash"]


def test_what_is_thrown_away_while_something_is_taken_back_stays_on_the_list(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A report takes videos back without the run lock, and ``clean`` may go on."""
    make(tmp_path)
    make(tmp_path, "m/videos/two.mp4")
    two = replace(ENTRY, path="m/videos/two.mp4", trash="m/videos/two.mp4", attempt_id=2)
    discard(tmp_path, [ENTRY])
    others: list[Thread] = []

    def slow(source: Path, target: Path) -> None:
        if not others:
            others.append(Thread(target=discard, args=(tmp_path, [two])))
            others[0].start()
            others[0].join(0.5)  # it waits for us, or has written its list
        rename_new(source, target)

    monkeypatch.setattr(trash, "rename_new", slow)
    assert put_back(tmp_path, [1]) == [ENTRY]
    others[0].join()
    assert read_trash(tmp_path) == [two]
    assert lies_there(tmp_path, two)


def test_a_name_that_is_taken_in_the_trash_gets_a_number(tmp_path: Path) -> None:
    make(tmp_path, "trash/m/videos/one.mp4", b"in the way")
    make(tmp_path)
    (first,) = discard(tmp_path, [ENTRY])
    make(tmp_path)
    (second,) = discard(tmp_path, [ENTRY])
    assert [first.trash, second.trash] == ["m/videos/one-2.mp4", "m/videos/one-3.mp4"]
    assert (tmp_path / "trash/m/videos/one.mp4").read_bytes() == b"in the way"


def test_a_crash_between_list_and_move_loses_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = make(tmp_path)

    def dies(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as broken:
        broken.setattr(trash, "rename_new", dies)
        with pytest.raises(KeyboardInterrupt):
            discard(tmp_path, [ENTRY])
    assert read_trash(tmp_path) == [ENTRY]
    assert not lies_there(tmp_path, ENTRY)
    assert trashed_paths(tmp_path, stored()) == frozenset()
    assert empty(tmp_path, [ENTRY], 1.0) == []
    assert home.read_bytes() == CONTENT


def test_what_stands_at_home_is_not_replaced(tmp_path: Path) -> None:
    make(tmp_path)
    discard(tmp_path, [ENTRY])
    home = make(tmp_path, content=b"another")
    assert trashed_paths(tmp_path, stored()) == frozenset()
    assert put_back(tmp_path, [1]) == []
    assert home.read_bytes() == b"another"


def test_what_was_changed_in_the_trash_is_neither_taken_back_nor_deleted(tmp_path: Path) -> None:
    make(tmp_path)
    discard(tmp_path, [ENTRY])
    (tmp_path / "trash" / HOME).write_bytes(b"A VIDEO")
    assert put_back(tmp_path, [1]) == []
    assert empty(tmp_path, [ENTRY], 1.0) == []
    assert (tmp_path / "trash" / HOME).read_bytes() == b"A VIDEO"


def test_emptying_deletes_what_was_chosen_and_the_list_remembers_it(tmp_path: Path) -> None:
    other = replace(ENTRY, path="m/videos/two.mp4", trash="m/videos/two.mp4", attempt_id=2)
    left = replace(ENTRY, path="m/videos/.part/1.early", trash="m/videos/.part/1.early", sha256="")
    for one in (ENTRY, other, left):
        make(tmp_path, one.path)
    discard(tmp_path, [ENTRY, other, left])
    assert empty(tmp_path, [ENTRY, left], 99.0) == [ENTRY, left]
    assert [e.emptied_at for e in read_trash(tmp_path)] == [99.0, 0.0, 99.0]
    assert [lies_there(tmp_path, e) for e in read_trash(tmp_path)] == [False, True, False]
    assert put_back(tmp_path, [1]) == []


@pytest.mark.parametrize(
    "changes", [{"sha256": "cd" * 32}, {"state": State.REMOTE_OK}], ids=["other bytes", "no end"]
)
def test_only_the_bytes_that_the_ledger_knows_count(tmp_path: Path, changes: Any) -> None:
    make(tmp_path)
    discard(tmp_path, [ENTRY])
    assert trashed_paths(tmp_path, stored(**changes)) == frozenset()


def test_a_link_in_the_trash_is_no_video(tmp_path: Path) -> None:
    make(tmp_path)
    discard(tmp_path, [ENTRY])
    place = tmp_path / "trash" / HOME
    place.unlink()
    place.symlink_to(make(tmp_path, "own.mp4"))
    assert put_back(tmp_path, [1]) == []


def listed(**changes: object) -> str:
    values = {name: getattr(ENTRY, name) for name in ENTRY.__slots__} | changes
    return json.dumps({"schema": "wanbatch/trash@1", "videos": [values]})


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("{", "it is no list of the trash"),
        ("[]", "it is no list of the trash"),
        ('{"schema": "wanbatch/trash@1", "videos": [{}]}', "it is no list of the trash"),
        ('{"videos": [1]}', "it is no list of the trash"),
        (listed(bytes="7"), "it is no list of the trash"),
        (listed(job=7), "it is no list of the trash"),
        (listed(path="../../etc/passwd"), "it names a place outside of the folder"),
        (listed(trash="/etc/passwd"), "it names a place outside of the folder"),
        (listed(trash=""), "it names a place outside of the folder"),
    ],
)
def test_a_list_that_is_none_moves_and_deletes_nothing(tmp_path: Path, text: str, why: str) -> None:
    make(tmp_path)
    (tmp_path / "trash").mkdir()
    (tmp_path / "trash/index.json").write_text(text)
    for act in (
        lambda: read_trash(tmp_path),
        lambda: discard(tmp_path, [ENTRY]),
        lambda: put_back(tmp_path, [1]),
        lambda: empty(tmp_path, [ENTRY], 1.0),
    ):
        with pytest.raises(WanbatchError) as caught:
            act()
        assert caught.value.exit_code is ExitCode.ENVIRONMENT
        assert caught.value.message == f"{tmp_path}/trash/index.json cannot be read: {why}"
        (hint,) = caught.value.hints
        assert hint == (
            f"nothing is moved or deleted while that is so; look at it, and move {tmp_path}/trash"
            " away if it is not wanbatch's"
        )
    assert (tmp_path / "trash/index.json").read_text() == text


def test_a_list_that_is_no_file_is_told(tmp_path: Path) -> None:
    (tmp_path / "trash/index.json").mkdir(parents=True)
    with pytest.raises(WanbatchError, match=r"cannot be read: it is a folder, not a file"):
        read_trash(tmp_path)


@pytest.mark.parametrize("kind", ["a symbolic link", "a file"])
def test_a_trash_that_is_no_folder_is_refused(tmp_path: Path, kind: str) -> None:
    output = tmp_path / "reports"
    output.mkdir()
    if kind == "a file":
        (output / "trash").write_text("")
    else:
        (output / "trash").symlink_to(tmp_path)
    with pytest.raises(WanbatchError) as caught:
        read_trash(output)
    assert caught.value.message == (
        f"{output}/trash is {kind} where wanbatch keeps a folder: nothing was moved"
    )
    assert caught.value.hints == ("move it away, or choose another output folder with --output",)


def test_the_list_is_written_whole(tmp_path: Path) -> None:
    write_trash(tmp_path, [ENTRY])
    assert [p.name for p in (tmp_path / "trash").iterdir()] == ["index.json"]
    assert read_trash(tmp_path) == [ENTRY]


def test_where_the_disk_opens_no_folders_there_is_no_lock(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make(tmp_path)

    def refuse(*_: object) -> int:
        raise OSError(errno.EACCES, "no folders")

    with monkeypatch.context() as patched:
        patched.setattr(os, "open", refuse)
        with trash._alone(tmp_path):
            pass
    discard(tmp_path, [ENTRY])
    assert put_back(tmp_path, [1]) == [ENTRY]
