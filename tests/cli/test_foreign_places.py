"""An output folder that came with somebody's repository: no link, pipe or folder in it
leads a write astray or holds a run up. The real command; what lies outside keeps every
byte."""

from __future__ import annotations

import os
import shutil
import sqlite3
from contextlib import closing

import pytest
from scene import FILE, Scene

PRECIOUS = b"# my shell, my rules\n" * 500


@pytest.fixture
def scene(tmp_path):
    with Scene(tmp_path, jobs=1, emulator="--latency 0.1 --render tiny") as scene:
        scene.reports.mkdir()
        yield scene


@pytest.fixture
def outside(tmp_path):
    """A folder and a file of the user's that nothing may touch."""
    folder = tmp_path / "home"
    folder.mkdir()
    (folder / "precious").write_bytes(PRECIOUS)
    before = {p.name: p.read_bytes() for p in folder.iterdir()}
    yield folder
    assert {p.name: p.read_bytes() for p in folder.iterdir()} == before


FILES = [
    "ledger.lock",
    "ledger.db",
    "ledger.db-wal",
    "ledger.db-shm",
    "ledger.db-journal",
    "scene/report.html",
    "scene/report.json",
    "scene/videos/.part/1.part",
    "scene/stills/0123.last.png",
    "scene/posters/0123.webp",
    "scene/runs/0123.json",
    ".emulator/emulator.log",
    ".emulator/lock",
    ".emulator/tasks.jsonl",
    ".emulator/secret",
]
FOLDERS = [
    "scene",
    "scene/videos",
    "scene/videos/.part",
    "scene/stills",
    "scene/posters",
    "scene/runs",
    ".emulator",
    ".emulator/media",
    ".emulator/videos",
    ".emulator/parts",
]


def place(scene, name):
    path = scene.reports / name
    path.parent.mkdir(parents=True, exist_ok=True)
    return path


@pytest.mark.parametrize("name", FILES)
def test_no_file_is_written_through_a_link(scene, outside, name):
    place(scene, name).symlink_to(outside / "precious")
    done = scene.run()
    assert done.returncode == 4, done.stderr
    assert f"reports/{name} is a symbolic link" in done.stderr
    assert f"rm reports/{name}" in done.stderr
    assert scene.charges() == 0
    place(scene, name).unlink()
    assert scene.run().returncode == 0


@pytest.mark.parametrize("name", FOLDERS)
def test_no_folder_is_entered_through_a_link(scene, outside, name):
    place(scene, name).symlink_to(outside, target_is_directory=True)
    for words in (("run", "--yes"), ("fetch",), ("report",)):
        done = scene.call(words[0], FILE, "--backend", "rough", *words[1:])
        assert done.returncode == 4, done.stderr
        assert f"reports/{name} is a symbolic link" in done.stderr
    assert scene.charges() == 0


@pytest.mark.parametrize(
    "name", ["ledger.lock", "ledger.db", ".emulator", ".emulator/emulator.log"]
)
def test_a_rehearsal_and_a_decision_are_as_careful(scene, outside, name):
    target = outside if name == ".emulator" else outside / "precious"
    place(scene, name).symlink_to(target)
    for words in (
        ("run", FILE, "--backend", "emulator"),
        ("fetch", FILE, "--backend", "emulator"),
        ("resolve", FILE, "job[seed=0]", "--abandon"),
    ):
        done = scene.call(*words)
        assert done.returncode in (2, 4), done.stderr
        assert "Traceback" not in done.stderr


def test_a_link_into_nothing_makes_no_file_there(scene, outside):
    for name in ("ledger.lock", "ledger.db", "scene/report.html"):
        place(scene, name).symlink_to(outside / "new")
        assert scene.run().returncode == 4
        assert not (outside / "new").exists()
        place(scene, name).unlink()


def test_the_emulators_own_store_is_careful_too(scene, outside):
    store = scene.folder / "store"
    store.mkdir()
    for name, target in (("parts", outside), ("lock", outside / "precious")):
        (store / name).symlink_to(target)
        done = scene.call("emulator", "--port", "0", "--store", "store", timeout=20)
        assert done.returncode == 4, done.stderr
        assert "symbolic link" in done.stderr
        (store / name).unlink()


@pytest.mark.parametrize("name", ["ledger.lock", "ledger.db", "scene/report.json", "scene/posters"])
def test_a_pipe_holds_nothing_up(scene, name):
    os.mkfifo(place(scene, name))
    done = scene.run(timeout=30)
    assert done.returncode == 4, done.stderr
    assert "a named pipe" in done.stderr
    assert scene.charges() == 0
    for words in (("plan",), ("status",), ("report",)):
        assert scene.call(*words, FILE, "--backend", "rough", timeout=30).returncode in (0, 4)


@pytest.mark.parametrize("name", ["scene/runs", "scene/posters", "scene/stills", "scene"])
def test_a_file_where_a_folder_belongs_is_said_before_anything_is_bought(scene, name):
    place(scene, name).write_bytes(b"notes")
    done = scene.run()
    assert done.returncode == 4, done.stderr
    assert f"reports/{name} is a file where wanbatch keeps a folder" in done.stderr
    assert scene.charges() == 0


@pytest.mark.parametrize("name", ["scene/report.html", "scene/report.json", "ledger.lock"])
def test_a_folder_where_a_file_belongs_is_said_before_anything_is_bought(scene, name):
    place(scene, name).mkdir()
    done = scene.run()
    assert done.returncode == 4, done.stderr
    assert f"reports/{name} is a folder where wanbatch keeps a file" in done.stderr
    assert scene.charges() == 0


def test_a_lock_with_somebodys_words_in_it_keeps_them(scene):
    lock = place(scene, "ledger.lock")
    lock.write_text("a list of locksmiths\n")
    done = scene.run()
    assert done.returncode == 4, done.stderr
    assert "wanbatch did not write" in done.stderr
    assert lock.read_text() == "a list of locksmiths\n"
    os.link(lock, scene.folder / "other")
    assert scene.run().returncode == 4
    assert (scene.folder / "other").read_text() == "a list of locksmiths\n"


@pytest.mark.parametrize("left", [b"", b"\0" * 90, b'{"pid": 4711, "host": "h', b'{"pid": 1}'])
def test_what_a_power_cut_left_in_the_lock_is_ours(scene, left):
    place(scene, "ledger.lock").write_bytes(left)
    assert scene.run().returncode == 0


def test_an_old_name_of_the_pages_keeps_its_bytes(scene, outside):
    """A hard link: the page is replaced, never written into."""
    for name in ("report.html", "report.json"):
        os.link(outside / "precious", place(scene, f"scene/{name}"))
    os.link(outside / "precious", place(scene, "scene/videos/.part/1.part"))
    assert scene.run().returncode in (0, 1, 3)


def test_two_folders_never_write_one_ledger(scene):
    assert scene.run().returncode == 0
    twin = scene.folder / "twin"
    twin.mkdir()
    os.link(scene.reports / "ledger.db", twin / "ledger.db")
    for output in ("reports", "twin"):
        done = scene.run("--output", output)
        assert done.returncode == 4, done.stderr
        assert "a hard link" in done.stderr
        assert "cp " in done.stderr
    assert scene.charges() == 1
    shutil.rmtree(twin)
    assert scene.run().returncode == 0


def test_a_ledger_that_is_a_link_to_another_folders_is_not_followed(scene):
    assert scene.run().returncode == 0
    twin = scene.folder / "twin"
    twin.mkdir()
    (twin / "ledger.db").symlink_to(scene.reports / "ledger.db")
    for command in ("plan", "status", "run"):
        words = ("--yes",) if command == "run" else ()
        done = scene.call(command, FILE, "--backend", "rough", "--output", "twin", *words)
        assert done.returncode == 4, (command, done.stderr)
        assert "symbolic link" in done.stderr
    assert scene.charges() == 1


def test_the_output_folder_itself_and_files_that_the_user_names_may_be_links(scene, outside):
    scene.reports.rmdir()
    (scene.folder / "disk").mkdir()
    scene.reports.symlink_to("disk")
    (scene.folder / "plan.json").symlink_to("saved.json")
    assert scene.call("plan", FILE, "--backend", "rough", "-o", "plan.json").returncode == 0
    assert (scene.folder / "saved.json").exists()
    assert scene.run().returncode == 0
    assert scene.run().returncode == 0
    assert scene.charges() == 1
    assert (scene.folder / "disk/scene/report.html").is_file()


def test_a_ledger_that_names_places_outside_writes_nothing_there(scene, outside):
    """The ledger may have come with the repository as well."""
    assert scene.run().returncode == 0
    video = next((scene.reports / "scene/videos").glob("*.mp4"))
    with closing(sqlite3.connect(scene.reports / "ledger.db")) as ledger:
        ledger.execute("DELETE FROM placements")
        ledger.execute("UPDATE attempts SET state = 'staged', path = '../../home/planted.mp4'")
        ledger.commit()
    part = scene.reports / "scene/videos/.part/1.part"
    video.rename(part)
    done = scene.run()
    assert done.returncode == 4, done.stderr
    assert "outside" in done.stderr
    assert not (outside / "planted.mp4").exists()


def test_a_folder_that_may_not_be_written_is_said(scene, tmp_path):
    if os.geteuid() == 0:
        pytest.skip("root may write anywhere")
    scene.reports.chmod(0o500)
    done = scene.run()
    assert done.returncode == 4
    assert "Permission denied" in done.stderr
    assert scene.charges() == 0
