"""``wanbatch ledger check`` and ``backup`` through the real command, also while a run
goes on."""

from __future__ import annotations

import os
import resource
import shutil
import sqlite3
import stat
import time
from contextlib import closing

import pytest
from scene import Scene

from wanbatch.ledger.store import read_ledger_id, read_snapshot
from wanbatch.ledger.verify import verify_ledger


@pytest.fixture
def scene(tmp_path):
    with Scene(tmp_path, jobs=3, emulator="--latency 0.1 --render tiny") as scene:
        assert scene.run().returncode == 0
        yield scene


def test_a_sound_ledger_is_said_to_be(scene):
    done = scene.call("ledger", "check")
    assert done.returncode == 0, done.stderr
    assert "3 attempts, 3 stored videos; all is sound" in done.stderr
    assert done.stdout == ""


def first_video(scene):
    return sorted((scene.reports / "scene/videos").glob("*.mp4"))[0]


def flip(path):
    before = path.stat()
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))


def shorten(path):
    path.write_bytes(path.read_bytes()[:-1])


def put_a_link(path):
    shutil.move(path, path.with_suffix(".elsewhere"))
    path.symlink_to(path.with_suffix(".elsewhere").name)


@pytest.mark.parametrize(
    ("harm", "said"),
    [
        (os.unlink, "is missing"),
        (flip, "was changed: its SHA-256 is another"),
        (shorten, "bytes instead of"),
        (put_a_link, "is a symbolic link"),
    ],
)
def test_every_video_is_looked_at(scene, harm, said):
    video = first_video(scene)
    harm(video)
    done = scene.call("ledger", "check")
    assert done.returncode == 1, done.stderr
    assert said in done.stderr
    assert video.name in done.stderr
    assert done.stderr.splitlines()[-2:] == [
        "reports/ledger.db: 3 attempts, 3 stored videos; 1 problem.",
        "  help: wanbatch fetch downloads a missing or changed video again while the provider has"  # noqa: ISC004
        " it; else put the file back from a copy",
    ]


@pytest.mark.parametrize(
    ("sql", "said"),
    [
        ("UPDATE attempts SET task_id = 'other' WHERE attempt_id = 2", "attempt 2: the row is not"),
        ("DELETE FROM events WHERE seq = 2 AND attempt_id = 1", "attempt 1: its events are not"),
        ("UPDATE attempts SET state = 'nonsense' WHERE attempt_id = 1", "makes no sense"),
    ],
)
def test_a_ledger_that_was_written_to_by_hand_is_found_out(scene, sql, said):
    with closing(sqlite3.connect(scene.reports / "ledger.db")) as ledger:
        ledger.execute(sql)
        ledger.commit()
    done = scene.call("ledger", "check")
    assert done.returncode == 1, done.stderr
    assert said in done.stderr


def test_what_is_wrong_with_the_ledger_has_a_way_out(scene):
    with closing(sqlite3.connect(scene.reports / "ledger.db")) as ledger:
        ledger.execute("UPDATE attempts SET task_id = 'other' WHERE attempt_id = 2")
        ledger.commit()
    assert scene.call("ledger", "check").stderr.splitlines()[-1] == (
        "  help: nothing was changed; put back a sound copy of the ledger (wanbatch ledger backup"
        " makes them), or keep this one: it still knows what was paid for"
    )
    copied = scene.call("ledger", "backup", "copy.db")
    assert copied.returncode == 1
    assert copied.stderr.splitlines()[-2:] == [
        "The copy is whole; what is wrong with it is wrong with the ledger.",
        "  help: keep an earlier copy too; see all with: wanbatch ledger check",
    ]


def test_a_disk_that_is_full_is_told_by_the_name_that_was_asked_for(scene):
    def little_room():
        resource.setrlimit(resource.RLIMIT_FSIZE, (8192, 8192))

    done = scene.call("ledger", "backup", "copy.db", preexec_fn=little_room)
    assert done.returncode == 4
    assert done.stderr.startswith("error: the ledger copy.db cannot ")
    assert "  help: " in done.stderr
    assert [p.name for p in scene.folder.glob("*copy*")] == []


def test_a_trash_that_cannot_be_read_is_a_problem(scene):
    (scene.reports / "trash").mkdir()
    (scene.reports / "trash/index.json").write_text("{")
    done = scene.call("ledger", "check")
    assert done.returncode == 1
    assert "trash/index.json cannot be read: it is no list of the trash" in done.stderr


def test_a_file_that_is_damaged_is_a_finding(scene):
    path = scene.reports / "ledger.db"
    path.write_bytes(b"\0" * 8192)
    done = scene.call("ledger", "check")
    assert done.returncode == 1, done.stderr
    assert "is damaged" in done.stderr
    assert scene.call("ledger", "backup", "copy.db").returncode == 4
    assert [p.name for p in scene.folder.glob("*copy*")] == []


@pytest.mark.parametrize("words", [("check",), ("backup", "copy.db")])
def test_without_a_ledger_there_is_nothing_to_do(scene, words):
    done = scene.call("ledger", *words, "--output", "nowhere")
    assert done.returncode == 2
    assert "there is no ledger in nowhere" in done.stderr
    assert not (scene.folder / "nowhere").exists()


def test_a_backup_is_whole_private_one_file_and_replaces_nothing(scene):
    done = scene.call("ledger", "backup", "copy.db")
    assert done.returncode == 0, done.stderr
    assert done.stdout == "copy.db\n"
    copy, ledger = scene.folder / "copy.db", scene.reports / "ledger.db"
    assert stat.S_IMODE(copy.stat().st_mode) == 0o600
    assert verify_ledger(copy) == []
    assert read_snapshot(copy) == read_snapshot(ledger)
    assert read_ledger_id(copy) == read_ledger_id(ledger)
    assert [p.name for p in scene.folder.glob("*copy.db*")] == ["copy.db"]

    content = copy.read_bytes()
    (scene.folder / "link.db").symlink_to("nothing")
    for target in ("copy.db", "link.db", "reports", "reports/ledger.db"):
        done = scene.call("ledger", "backup", target)
        assert done.returncode == 2, done.stderr
        assert "never replaces anything" in done.stderr
    assert copy.read_bytes() == content
    assert scene.call("ledger", "backup", "no/folder/copy.db").returncode == 4


def test_a_backup_put_back_buys_nothing(scene):
    assert scene.call("ledger", "backup", "copy.db").returncode == 0
    for path in scene.reports.glob("ledger.*"):
        path.unlink()
    shutil.copy(scene.folder / "copy.db", scene.reports / "ledger.db")
    done = scene.run()
    assert done.returncode == 0, done.stderr
    assert scene.charges() == 3
    assert scene.call("ledger", "check").returncode == 0


def test_both_work_while_a_run_goes_on(tmp_path):
    with Scene(tmp_path, jobs=40, emulator="--latency 1 --render tiny", rate=20) as scene:
        run = scene.start()
        try:
            for _ in range(400):
                if scene.charges() >= 5:
                    break
                time.sleep(0.05)
            known = []
            for number in range(3):
                made = scene.call("ledger", "backup", f"copy{number}.db")
                assert made.returncode == 0, made.stderr
                copy = scene.folder / f"copy{number}.db"
                assert verify_ledger(copy) == []
                known.append(len(read_snapshot(copy).attempts))
                checked = scene.call("ledger", "check")
                assert checked.returncode == 0, checked.stderr
            assert known[0] >= 4
            assert known == sorted(known)
        finally:
            _, said = run.communicate(timeout=60)
        assert run.returncode == 0, said
        assert scene.charges() == 40
