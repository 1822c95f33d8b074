"""What another machine, shard or day bought is taken up, and nothing of it is bought
again. The real command against a gateway on loopback whose books count charges."""

from __future__ import annotations

import json
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from contextlib import closing

import pytest
from scene import FILE, MANIFEST, Scene

from wanbatch.ledger.merge import read_book
from wanbatch.ledger.rows import Note
from wanbatch.ledger.sqlite import open_store
from wanbatch.operations.merge import _commit
from wanbatch.videos.trash import Discarded, discard
from wanbatch.words.errors import WanbatchError

JOBS = 3
LOCK = "scene.lock.json"


@pytest.fixture(scope="module")
def bought(tmp_path_factory):
    """A scene whose three jobs are bought and locked; each test works on its folder as
    it is after ``fresh``."""
    with Scene(
        tmp_path_factory.mktemp("import"), jobs=JOBS, emulator="--latency 0.1 --render tiny"
    ) as scene:
        done = scene.run()
        assert done.returncode == 0, done.stderr
        assert scene.call("lock", FILE, "--backend", "rough").returncode == 0
        shutil.copytree(scene.folder, scene.folder.with_name("as-bought"))
        yield scene


@pytest.fixture
def scene(bought):
    """As it was bought; at the end nothing was bought beside it."""
    shutil.rmtree(bought.folder)
    shutil.copytree(bought.folder.with_name("as-bought"), bought.folder)
    yield bought
    assert bought.charges() == JOBS


def take(scene, *words, code=0):
    done = scene.call("import", *words)
    assert done.returncode == code, done.stderr
    return done.stderr


def finished(scene, *words):
    """A run that has nothing to buy and everything."""
    done = scene.run(*words)
    assert done.returncode == 0, done.stderr
    assert "to generate" not in done.stderr
    assert states(scene) == ["done"] * JOBS
    assert scene.half_files() == []
    assert scene.lost_videos() == []
    check = scene.call("ledger", "check")
    assert check.returncode == 0, check.stderr


def states(scene):
    return [job["state"] for job in scene.report()["jobs"]]


def away(scene):
    """Another machine's output folder, and none here."""
    scene.reports.rename(scene.folder.with_name("artifact"))
    return scene.folder.with_name("artifact")


@pytest.fixture(autouse=True)
def no_artifact(bought):
    yield
    shutil.rmtree(bought.folder.with_name("artifact"), ignore_errors=True)


# -- another ledger --------------------------------------------------------------------


def test_another_folders_ledger_is_taken_up_with_its_videos(scene):
    artifact = away(scene)
    (scene.folder / LOCK).unlink()
    said = take(scene, str(artifact))
    assert "3 attempts: 3 new, 0 continued, 0 known; videos: 3 brought, 0 here already." in said
    finished(scene)
    videos = sorted((artifact / "scene/videos").glob("*.mp4"))
    assert [p.stat().st_nlink for p in videos] == [2] * JOBS  # one file, two names


def test_twice_does_no_harm_and_both_ways(scene):
    artifact = away(scene)
    take(scene, str(artifact))
    before = dump(scene.reports / "ledger.db")
    said = take(scene, str(artifact), str(artifact / "ledger.db"))
    assert "0 new, 0 continued, 3 known; videos: 0 brought, 3 here already." in said
    assert dump(scene.reports / "ledger.db") == before
    take(scene, str(scene.reports), "--output", str(artifact))
    take(scene, str(artifact))
    assert dump(scene.reports / "ledger.db") == before
    finished(scene)


def dump(path):
    """Attempts, events and placements."""
    with closing(sqlite3.connect(path)) as ledger:
        return [
            ledger.execute(f"SELECT * FROM {table} ORDER BY 1, 2, 3").fetchall()
            for table in ("attempts", "events", "placements", "runs", "authorisations")
        ]


def test_a_copy_that_stayed_behind_changes_nothing(scene):
    """The same ledger, a day older and a day younger."""
    artifact = away(scene)
    shutil.copytree(artifact, scene.reports)
    said = take(scene, str(artifact))
    assert "0 new, 0 continued, 3 known" in said
    finished(scene)


def test_a_video_that_is_missing_there_or_altered_is_known_as_bought_and_fetched(scene):
    artifact = away(scene)
    first, second, _ = sorted((artifact / "scene/videos").glob("*.mp4"))
    first.unlink()
    second.write_bytes(second.read_bytes()[:-1] + b"x")
    said = take(scene, str(artifact), code=1)
    assert "videos: 1 brought, 0 here already, 1 missing, 1 altered" in said
    assert "its video is not there; known as bought; task " in said
    finished(scene)  # while the provider has it


def test_videos_in_the_others_trash_come_home(scene):
    """Whoever throws the other folder away then loses nothing."""
    rows = scene.rows()
    discard(
        scene.reports,
        [
            Discarded(r.path, r.path, r.attempt_id, "scene", r.job, r.sha256, r.bytes, 1.0)
            for r in rows
        ],
    )
    artifact = away(scene)
    said = take(scene, str(artifact))
    assert "3 attempts: 3 new, 0 continued, 0 known; videos: 3 brought, 0 here already." in said
    assert len(list((artifact / "trash").rglob("*.mp4"))) == JOBS
    shutil.rmtree(artifact)
    finished(scene)


def test_a_trash_that_cannot_be_read_stops_no_import(scene):
    artifact = away(scene)
    (artifact / "trash").mkdir()
    (artifact / "trash/index.json").write_text("{")
    take(scene, str(artifact))
    finished(scene)


def test_a_lost_video_comes_back_with_the_import(scene):
    artifact = scene.folder.with_name("artifact")
    shutil.copytree(scene.reports, artifact)
    for path in (scene.reports / "scene/videos").glob("*.mp4"):
        path.unlink()
    said = take(scene, str(artifact))
    assert "3 known; videos: 3 brought" in said
    finished(scene)


def test_a_name_that_other_bytes_have_gets_a_number(scene):
    artifact = away(scene)
    name = sorted((artifact / "scene/videos").glob("*.mp4"))[0].name
    mine = scene.reports / "scene/videos" / name
    mine.parent.mkdir(parents=True)
    mine.write_bytes(b"my own")
    take(scene, str(artifact))
    assert mine.read_bytes() == b"my own"
    mine.unlink()
    assert mine.with_name(mine.name.replace(".mp4", "-2.mp4")).exists()
    finished(scene)


def test_what_names_a_place_elsewhere_is_put_where_it_belongs(scene):
    artifact = away(scene)
    with closing(sqlite3.connect(artifact / "ledger.db")) as ledger, ledger:
        for table, column in (("attempts", "path"), ("placements", "path")):
            ledger.execute(f"UPDATE {table} SET {column} = '../' || {column}")
        ledger.execute(
            "UPDATE events SET facts = replace(facts, 'scene/videos', '../scene/videos')"
        )
    take(scene, str(artifact), code=1)
    assert not (scene.folder / "scene").exists()
    finished(scene)


def test_other_manifests_of_the_artifact_come_too(scene):
    artifact = away(scene)
    text = (scene.folder / FILE).read_text()
    (scene.folder / FILE).write_text(text.replace("name: scene", "name: renamed"))
    take(scene, str(artifact))
    done = scene.run()
    assert done.returncode == 0, done.stderr
    assert len(list((scene.reports / "renamed/videos").glob("*.mp4"))) == JOBS


# -- reports ---------------------------------------------------------------------------


def test_a_report_folder_alone_rebuilds_the_rows(scene):
    artifact = away(scene)
    (scene.folder / LOCK).unlink()
    said = take(scene, str(artifact / "scene"))
    assert "3 attempts: 3 new" in said
    assert "3 brought" in said
    finished(scene)
    said = take(scene, str(artifact / "scene"), str(artifact / "scene/report.json"))
    assert "0 new" in said
    finished(scene)


def test_the_ledger_after_its_report_is_the_same(scene):
    artifact = away(scene)
    take(scene, str(artifact / "scene"))
    said = take(scene, str(artifact))
    assert "0 new" in said
    finished(scene)


def test_reports_beside_a_lost_ledger(scene):
    """``reports`` is its own source: the ledger was lost and a run made another."""
    (scene.folder / LOCK).unlink()
    for path in scene.reports.glob("ledger.*"):
        path.unlink()
    refused = scene.run()
    assert refused.returncode == 3
    assert "help: take up what was bought: wanbatch import reports/scene" in refused.stderr
    said = take(scene, "reports")
    assert "3 new" in said
    assert "0 brought, 3 here already" in said
    finished(scene)


def test_a_report_without_its_videos(scene):
    artifact = away(scene)
    shutil.rmtree(artifact / "scene/videos")
    said = take(scene, str(artifact / "scene"), code=1)
    assert "3 missing" in said
    finished(scene)


def test_a_report_of_running_tasks_goes_on(scene):
    artifact = away(scene)
    shutil.rmtree(artifact / "scene/videos")
    shutil.rmtree(artifact / "scene/runs")
    path = artifact / "scene/report.json"
    report = json.loads(path.read_text())
    for job in report["jobs"]:
        job.update(state="running", output=None)
        job["attempts"][0].update(state="accepted")
    path.write_text(json.dumps(report))
    said = take(scene, str(artifact / "scene"))
    assert "3 tasks not on disk yet" in said
    done = scene.call("fetch", FILE, "--backend", "rough")
    assert done.returncode == 0, done.stderr
    finished(scene)


def test_tasks_of_a_backend_that_is_not_known_here_ask_which_it_is(scene):
    artifact = away(scene)
    path = artifact / "scene/report.json"
    shutil.rmtree(artifact / "scene/runs")
    path.write_text(
        path.read_text().replace('"stored"', '"accepted"').replace('"rough"', '"other"')
    )
    said = take(scene, str(path), code=2)
    assert (
        " is a task of backend 'other', whose address is not configured here; nothing was imported"
    ) in said
    assert "--backend NAME" in said
    assert not (scene.reports / "ledger.db").exists()
    take(scene, str(path), "--backend", "rough")
    finished(scene)


# -- locks -----------------------------------------------------------------------------


def test_a_fresh_clone_buys_nothing_and_takes_up_its_lock(scene):
    shutil.rmtree(scene.reports)
    for edit in (lambda text: text, lambda text: text.replace("id: job", "id: renamed")):
        (scene.folder / FILE).write_text(edit((scene.folder / FILE).read_text()))
        refused = scene.run()
        assert refused.returncode == 3, refused.stderr
        assert "wanbatch import scene.lock.json" in refused.stderr
    (scene.folder / FILE).write_text(MANIFEST.format(jobs=JOBS))
    said = take(scene, LOCK, code=1)
    assert "3 new" in said
    assert "3 missing" in said
    done = scene.call("fetch", FILE, "--backend", "rough")
    assert done.returncode == 0, done.stderr
    finished(scene)
    assert "0 new, 0 continued, 3 known" in take(scene, LOCK)


def test_a_lock_finds_the_videos_that_are_here(scene):
    for path in scene.reports.glob("ledger.*"):
        path.unlink()
    (scene.reports / "scene/report.json").unlink()
    shutil.rmtree(scene.reports / "scene/runs")
    assert "3 here already" in take(scene, LOCK)
    finished(scene)


def test_a_lock_whose_tasks_are_gone_stays_known_as_bought(scene):
    shutil.rmtree(scene.reports)
    path = scene.folder / LOCK
    lock = json.loads(path.read_text())
    for number, job in enumerate(lock["jobs"].values()):
        job.update(task_id=f"task_gone_{number}")
    path.write_text(json.dumps(lock))
    take(scene, LOCK, code=1)
    path.unlink()
    for _ in range(2):
        assert scene.run("--wait", "3").returncode in (1, 3)


def test_a_lock_that_does_not_know_a_task_leaves_it_to_a_person(scene):
    shutil.rmtree(scene.reports)
    path = scene.folder / LOCK
    lock = json.loads(path.read_text())
    for job in lock["jobs"].values():
        job.update(task_id=None, state="uncertain", output=None)
    path.write_text(json.dumps(lock))
    assert "3 jobs to decide" in take(scene, LOCK)
    assert "0 new" in take(scene, LOCK)
    path.unlink()
    assert scene.run().returncode in (1, 3)
    assert [row.state for row in scene.rows()] == ["uncertain"] * JOBS


def test_the_ledger_after_its_lock_is_the_same(scene):
    artifact = away(scene)
    take(scene, LOCK, code=1)
    said = take(scene, str(artifact))
    assert "0 new" in said
    assert "3 brought" in said
    finished(scene)


# -- what is refused -------------------------------------------------------------------


def damaged(place):
    shutil.copytree("artifact", place)
    path = place / "ledger.db"
    path.write_bytes(path.read_bytes()[:4096] + b"\xff" * 9000)


def foreign(place):
    place.mkdir()
    with closing(sqlite3.connect(place / "ledger.db")) as other, other:
        other.execute("CREATE TABLE things (name)")


def newer(place):
    shutil.copytree("artifact", place)
    with closing(sqlite3.connect(place / "ledger.db")) as ledger, ledger:
        ledger.execute("PRAGMA user_version = 99")


def torn(place):
    shutil.copytree("artifact/scene", place)
    shutil.rmtree(place / "runs")
    (place / "report.json").write_text("{")


NOTHING = (
    "holds nothing to import: no ledger.db, no report.json, and it is no lock; nothing was imported"
)


@pytest.mark.parametrize(
    ("make", "said", "code"),
    [
        (lambda place: None, "there is nothing at", 2),
        (lambda place: place.mkdir(), NOTHING, 2),
        (lambda place: place.write_text("text"), NOTHING, 2),
        (damaged, "is damaged", 2),
        (foreign, "is an SQLite database, but no ledger of wanbatch", 2),
        (newer, "was written by a newer wanbatch", 4),
        (torn, "is not JSON", 2),
        (lambda place: shutil.copytree("as-bought", place), "wanbatch import", 2),
    ],
)
def test_what_cannot_be_imported_changes_nothing(scene, monkeypatch, make, said, code):
    monkeypatch.chdir(scene.folder.parent)
    artifact = away(scene)
    place = scene.folder.with_name("odd")
    try:
        make(place)
        heard = take(scene, str(artifact), str(place), code=code)
    finally:
        shutil.rmtree(place, ignore_errors=True)
        place.unlink(missing_ok=True)
    assert said in heard
    assert "nothing was imported" in heard
    assert "help: " in heard
    assert not scene.reports.exists()
    take(scene, str(artifact))
    finished(scene)


def test_events_that_contradict_their_row_are_refused(scene):
    artifact = away(scene)
    with closing(sqlite3.connect(artifact / "ledger.db")) as ledger, ledger:
        ledger.execute("UPDATE attempts SET state = 'rejected' WHERE attempt_id = 2")
    assert "contradicts itself: attempt 2" in take(scene, str(artifact), code=2)
    assert not scene.reports.exists()


def test_the_folder_itself_is_no_other(scene):
    assert take(scene, "reports/ledger.db", code=2) == (
        "error: reports/ledger.db is the ledger of reports itself; nothing was imported\n"
        "  help: name another output folder, or say with --output whereto\n"
    )


def test_a_run_on_the_folder_keeps_an_import_out(scene):
    artifact = away(scene)
    scene.reports.mkdir()
    holder = "import sys, time; from pathlib import Path; from wanbatch.ledger.lock import RunLock"
    code = f"{holder}\nwith RunLock(Path('reports')): print(1, flush=True); time.sleep(60)"
    with subprocess.Popen(
        [sys.executable, "-c", code],
        cwd=scene.folder,
        env=scene.environ,
        stdout=subprocess.PIPE,
        text=True,
    ) as other:
        assert other.stdout
        assert other.stdout.readline()
        try:
            take(scene, str(artifact), code=4)
        finally:
            other.kill()
    take(scene, str(artifact))


# -- interrupted -----------------------------------------------------------------------


@pytest.mark.parametrize("where", ["open_store", "bring", "commit"])
def test_a_killed_import_goes_on(scene, where):
    """SIGKILL at the first, or the second, of what it does there."""
    artifact = away(scene)
    code = (
        "import os, sys\n"
        "from wanbatch.operations import merge\n"
        "from wanbatch.videos import outputs\n"
        "from wanbatch.ledger.sqlite import SqliteStore\n"
        "seen = []\n"
        "def deadly(real):\n"
        "    def call(*words):\n"
        "        found = real(*words) if seen or WHERE != 'bring' else real(*words)\n"
        "        seen.append(1)\n"
        "        if WHERE != 'bring' or len(seen) == 2:\n"
        "            os.kill(os.getpid(), 9)\n"
        "        return found\n"
        "    return call\n"
        f"WHERE = {where!r}\n"
        "place = {'open_store': merge, 'bring': outputs, 'commit': SqliteStore}[WHERE]\n"
        "setattr(place, WHERE, deadly(getattr(place, WHERE)))\n"
        "from wanbatch.cli.main import main\n"
        "main()\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, "import", str(artifact)],
        cwd=scene.folder,
        env=scene.environ,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == -signal.SIGKILL, done.stderr
    known = len(scene.rows())
    assert known == (JOBS if where == "commit" else 0)
    refused = scene.run()
    assert refused.returncode == (0 if where == "commit" else 3), refused.stderr
    take(scene, str(artifact))
    finished(scene)


# -- what goes on ----------------------------------------------------------------------


def test_a_task_in_flight_there_is_in_flight_here(tmp_path):
    with Scene(tmp_path, jobs=2, emulator="--latency 3 --render tiny") as scene:
        run = scene.start(stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        while scene.charges() < 2 or len([r for r in scene.rows() if r.task_id]) < 2:
            time.sleep(0.05)
        run.kill()
        run.wait()
        artifact = away(scene)
        said = take(scene, str(artifact))
        assert "2 tasks not on disk yet: 'wanbatch fetch FILE' goes on" in said
        done = scene.call("fetch", FILE, "--backend", "rough")
        assert done.returncode == 0, done.stderr
        assert [row.state for row in scene.rows()] == ["stored"] * 2
        # ... and the folder it came from hears of it.
        said = take(scene, str(scene.reports), "--output", str(artifact))
        assert "0 new, 2 continued" in said
        assert "2 brought" in said
        shutil.rmtree(scene.reports)
        artifact.rename(scene.reports)
        done = scene.run()
        assert done.returncode == 0, done.stderr
        assert scene.charges() == 2


def test_two_copies_that_both_went_on_are_one_again(tmp_path):
    """Both fetch the same tasks, and each buys a job of its own."""
    with Scene(tmp_path, jobs=1, emulator="--latency 2 --render tiny") as scene:
        run = scene.start(stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        while not [r for r in scene.rows() if r.task_id]:
            time.sleep(0.05)
        run.kill()
        run.wait()
        artifact = scene.folder.with_name("artifact")
        shutil.copytree(scene.reports, artifact)
        for place in ("reports", str(artifact)):
            done = scene.call("fetch", FILE, "--backend", "rough", "--output", place)
            assert done.returncode == 0, done.stderr
        said = take(scene, str(artifact))
        assert "0 new" in said
        assert [row.state for row in scene.rows()] == ["stored"]
        done = scene.run()
        assert done.returncode == 0, done.stderr
        assert scene.charges() == 1


def test_the_emulators_videos_come_and_its_tasks_do_not(scene):
    artifact = away(scene)
    shutil.rmtree(artifact)
    drawn = scene.call("run", FILE, "--backend", "emulator")
    assert drawn.returncode == 0, drawn.stderr
    artifact = away(scene)
    with closing(sqlite3.connect(artifact / "ledger.db")) as ledger, ledger:
        (events,) = ledger.execute(
            "SELECT count(*) FROM events WHERE attempt_id = 1 AND kind = 'stored'"
        ).fetchone()
        assert events == 1
    assert "3 new" in take(scene, str(artifact))
    again = scene.call("run", FILE, "--backend", "emulator")
    assert again.returncode == 0, again.stderr
    assert "No changes." in again.stderr


# -- shards ----------------------------------------------------------------------------


def test_shards_are_remembered_until_they_are_together(tmp_path):
    jobs = 6
    with Scene(tmp_path, jobs=jobs, emulator="--latency 0.1 --render tiny") as scene:
        for part in (1, 2):
            done = scene.run("--shard", f"{part}/2", "--output", f"out/shard-{part}")
            assert done.returncode in (0, 1), done.stderr
        assert scene.charges() == jobs
        for words in ((), ("--shard", "1/3"), ("--shard", "2/3")):
            done = scene.run(*words, "--output", "out/shard-1")
            assert done.returncode == 3, done.stderr
            asked = f"--shard {words[1]}" if words else "no shard"
            assert (
                f"error: the ledger out/shard-1/ledger.db holds shard 1/2, and {asked} was asked"
                " for; what the other shards bought would be bought again; nothing was sent\n"
                "  help: bring the other shards together first (2/2), each by its output folder: "
            ) in done.stderr
            assert "wanbatch import" in done.stderr
            assert scene.charges() == jobs
        done = scene.run("--shard", "1/2", "--output", "out/shard-1")
        assert done.returncode == 0, done.stderr
        done = scene.call("import", "out/shard-1", "out/shard-2")
        assert done.returncode == 0, done.stderr
        assert "had not ended" not in done.stderr
        done = scene.run()
        assert done.returncode == 0, done.stderr
        assert states(scene) == ["done"] * jobs
        assert scene.run("--shard", "1/3").returncode == 0
        assert scene.charges() == jobs


def test_a_shard_that_goes_on_is_imported_with_a_warning(tmp_path):
    """Its ledger was copied in the middle: what it buys later is not known here."""
    with Scene(tmp_path, jobs=2, emulator="--latency 0.1 --render tiny") as scene:
        scene.run("--shard", "1/1", "--output", "out/shard-1")
        with closing(sqlite3.connect(scene.folder / "out/shard-1/ledger.db")) as ledger:
            ledger.execute("UPDATE runs SET finished_at = 0")
            ledger.commit()
        done = scene.call("import", "out/shard-1")
        assert done.returncode == 0
        assert "the last run of this shard had not ended: where it goes on," in done.stderr


def test_a_shard_asks_its_siblings(tmp_path):
    """Somebody divides anew, in new folders: what the others bought is seen."""
    with Scene(tmp_path, jobs=4, emulator="--latency 0.1 --render tiny") as scene:
        for part in (1, 2):
            scene.run("--shard", f"{part}/2", "--output", f"elsewhere/shard-{part}")
        assert scene.charges() == 4
        for part in (1, 2, 3):
            done = scene.run("--shard", f"{part}/3", "--output", f"elsewhere/third-{part}")
            assert done.returncode in (0, 3), done.stderr
        assert scene.charges() == 4


def test_one_shard_alone_does_not_lift_the_refusal(tmp_path):
    with Scene(tmp_path, jobs=6, emulator="--latency 0.1 --render tiny") as scene:
        done = scene.run("--shard", "1/2", "--output", "out/shard-1")
        assert done.returncode == 0, done.stderr
        charges = scene.charges()
        assert 0 < charges < 6
        assert scene.call("import", "out/shard-1").returncode == 0
        done = scene.run()
        assert done.returncode == 3, done.stderr
        assert scene.charges() == charges
        done = scene.run("--shard", "2/2")
        assert done.returncode == 0, done.stderr
        assert scene.run().returncode == 0
        assert scene.charges() == 6


def test_a_ledger_that_somebody_holds_takes_nothing(tmp_path, monkeypatch):
    monkeypatch.setattr("wanbatch.operations.merge.PATIENCE_STEPS", 1)
    path = tmp_path / "ledger.db"
    store, _ = open_store(path)
    with closing(sqlite3.connect(path)) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(WanbatchError) as caught:
            _commit(store, [Note("shard 1/2", "")])
    store.close()
    assert caught.value.exit_code == 4
    assert caught.value.message == (
        f"the ledger {path} is locked by another program; nothing was imported of this"
    )
    assert caught.value.hints == ("close whatever has it open, then import again",)
    assert "shard 1/2" not in read_book(path).contents.notes
