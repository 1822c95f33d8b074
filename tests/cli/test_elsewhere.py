"""Bought once, wherever the ledger went: a lost, emptied, older or other ledger makes a
run ask, and never buy again. The real command against a gateway on loopback whose books
count charges."""

from __future__ import annotations

import json
import os
import shutil
import sqlite3
import subprocess
import time
from contextlib import closing
from pathlib import Path

import pytest
from scene import FILE, MANIFEST, Scene

JOBS = 3


@pytest.fixture
def scene(tmp_path):
    with Scene(tmp_path, jobs=JOBS, emulator="--latency 0.1 --render tiny") as scene:
        done = scene.run()
        assert done.returncode == 0, done.stderr
        assert scene.charges() == JOBS
        yield scene


def lose_ledger(scene):
    for path in scene.reports.glob("ledger.*"):
        path.unlink()


def more_jobs(scene, jobs=JOBS + 1):
    (scene.folder / FILE).write_text(MANIFEST.format(jobs=jobs))


def states(scene):
    return [job["state"] for job in scene.report()["jobs"]]


def refused(scene, *words, **given):
    done = scene.run(*words, **given)
    assert done.returncode == 3, done.stderr
    assert "nothing was sent" in done.stderr
    assert scene.charges() == JOBS
    return done.stderr


def only_videos(scene):
    (scene.reports / "scene/report.json").unlink()
    shutil.rmtree(scene.reports / "scene/runs")


def only_the_report(scene):
    shutil.rmtree(scene.reports / "scene/videos")
    shutil.rmtree(scene.reports / "scene/runs")


def only_the_run_record(scene):
    shutil.rmtree(scene.reports / "scene/videos")
    (scene.reports / "scene/report.json").unlink()


def another_name(scene):
    (scene.reports / "scene").rename(scene.reports / "harbour")


def an_older_form(scene):
    """As 0.1.0 wrote reports: they do not name their ledger."""
    only_the_report(scene)
    report = scene.report()
    del report["ledger"]
    (scene.reports / "scene/report.json").write_text(json.dumps(report))


def pretty_printed(scene):
    only_the_report(scene)
    (scene.reports / "scene/report.json").write_text(json.dumps(scene.report(), indent=4))


def torn(scene):
    only_the_report(scene)
    path = scene.reports / "scene/report.json"
    path.write_bytes(path.read_bytes()[:-20])


def numbered_videos(scene):
    only_videos(scene)
    for path in (scene.reports / "scene/videos").glob("*.mp4"):
        path.rename(path.with_name(f"{path.stem}-2.mp4"))


def unfinished(scene):
    """Tasks that run at the provider: no video, and no end of the run."""
    only_the_report(scene)
    report = scene.report()
    for job in report["jobs"]:
        job.update(state="running", output=None)
    (scene.reports / "scene/report.json").write_text(json.dumps(report))


@pytest.mark.parametrize(
    "what_is_left",
    [
        lambda scene: None,
        only_videos,
        only_the_report,
        only_the_run_record,
        another_name,
        an_older_form,
        pretty_printed,
        torn,
        numbered_videos,
        unfinished,
    ],
)
def test_a_lost_ledger_beside_what_it_bought_buys_nothing(scene, what_is_left):
    lose_ledger(scene)
    what_is_left(scene)
    plan = scene.call("plan", FILE, "--backend", "rough")
    assert plan.returncode == 0, plan.stderr
    assert f"Plan: {JOBS} to decide." in plan.stderr
    said = refused(scene)
    assert "--regenerate" in said
    assert "reports/ledger.db" in said
    refused(scene)
    assert scene.call("status", FILE, "--backend", "rough").stderr.count("elsewhere") >= JOBS


def test_an_emptied_ledger_is_a_lost_one(scene):
    (scene.reports / "ledger.db").write_bytes(b"")
    refused(scene)


def test_the_others_go_on_and_the_evidence_outlives_the_report_that_takes_its_place(scene):
    lose_ledger(scene)
    only_the_report(scene)
    more_jobs(scene)
    done = scene.run()
    assert done.returncode == 1, done.stderr
    assert scene.charges() == JOBS + 1
    assert states(scene) == ["elsewhere"] * JOBS + ["done"]
    assert all(job["task_id"] for job in scene.report()["jobs"])
    for _ in range(2):
        again = scene.run()
        assert again.returncode == 3, again.stderr
    shutil.rmtree(scene.reports / "scene/runs")
    more_jobs(scene, JOBS + 2)
    assert scene.run().returncode == 1
    assert scene.charges() == JOBS + 2
    assert states(scene) == ["elsewhere"] * JOBS + ["done"] * 2


def test_what_is_lost_again_is_still_known(scene):
    """The ledger is lost twice, and what the first one bought stands only as
    ``elsewhere``."""
    lose_ledger(scene)
    only_the_report(scene)
    more_jobs(scene)
    assert scene.run().returncode == 1
    shutil.rmtree(scene.reports / "scene/runs")
    lose_ledger(scene)
    done = scene.run()
    assert done.returncode == 3, done.stderr
    assert scene.charges() == JOBS + 1


def test_the_record_of_an_own_run_is_enough(scene):
    """Power was lost: of all that told of the lost ledger's purchases the record of a
    later run is left."""
    lose_ledger(scene)
    only_the_report(scene)
    more_jobs(scene)
    assert scene.run().returncode == 1
    own = scene.report()["run"]["id"]
    (scene.reports / "scene/report.json").unlink()
    for path in (scene.reports / "scene/runs").iterdir():
        if path.stem != own:
            path.unlink()
    done = scene.run()
    assert done.returncode == 3, done.stderr
    assert scene.charges() == JOBS + 1


@pytest.mark.parametrize("backend", ["rough", "emulator"])
def test_a_report_made_anew_and_a_rehearsal_leave_the_evidence(scene, backend):
    lose_ledger(scene)
    only_the_report(scene)
    made = scene.call("report", FILE, "--backend", backend)
    assert made.returncode == 0, made.stderr
    refused(scene)
    if backend == "emulator":
        drawn = scene.call("run", FILE, "--backend", backend)
        assert drawn.returncode == 0, drawn.stderr  # the emulator is free, and not guarded
        refused(scene)


def test_bytes_that_gathered_under_a_lost_ledger_are_not_begun_anew(scene):
    lose_ledger(scene)
    more_jobs(scene)
    part = scene.reports / "scene/videos/.part/1.part"
    part.write_bytes(b"a video that was paid for")
    assert scene.run().returncode == 1
    assert scene.charges() == JOBS + 1
    assert part.with_name("lost-1.part").read_bytes() == b"a video that was paid for"
    assert scene.run().returncode == 3


def test_regenerate_buys_again(scene):
    lose_ledger(scene)
    done = scene.run("--regenerate", "--select", "seed=0")
    assert done.returncode == 0, done.stderr
    assert scene.charges() == JOBS + 1
    assert states(scene) == ["done", "elsewhere", "elsewhere"]
    assert scene.run("--select", "seed=0").returncode == 0
    assert scene.charges() == JOBS + 1


def test_a_job_that_nobody_bought_is_no_evidence(scene):
    more_jobs(scene)
    assert scene.call("report", FILE, "--backend", "rough").returncode == 0
    assert states(scene)[-1] == "planned"
    lose_ledger(scene)
    shutil.rmtree(scene.reports / "scene/runs")
    assert scene.run().returncode == 1
    assert scene.charges() == JOBS + 1


# -- another output folder -------------------------------------------------------------


@pytest.mark.parametrize("way", ["working folder", "--output", "below", "its name"])
def test_another_output_folder_asks_the_ledgers_beside_and_above_the_manifest(scene, tmp_path, way):
    words, given = ["--output", str(tmp_path / "other")], {}
    file = scene.folder / FILE
    if way == "below":
        (scene.folder / "sub/deep").mkdir(parents=True)
        shutil.copy(scene.folder / "picture.png", scene.folder / "sub/deep")
        file = file.rename(scene.folder / "sub/deep" / FILE)
    if way == "its name":
        scene.reports.rename(scene.folder / "finished")
    if way == "working folder":
        (tmp_path / "desk").mkdir()
        words, given = [], {"cwd": tmp_path / "desk"}
    done = call_from(scene, "run", str(file), "--backend", "rough", "--yes", *words, **given)
    assert done.returncode == 3, done.stderr
    assert "bought before" in done.stderr
    assert "ledger.db" in done.stderr
    assert "--output" in done.stderr
    assert scene.charges() == JOBS


def call_from(scene, *words, cwd=None):
    return subprocess.run(
        scene.command(*words),
        cwd=cwd or scene.folder,
        env={**scene.environ, "PYTHONPATH": str(Path.cwd())},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
        stdin=subprocess.DEVNULL,
    )


def test_a_report_that_repeats_another_ledgers_word_proves_nothing_when_that_is_gone(scene):
    assert scene.run("--output", "other").returncode == 3
    more_jobs(scene)
    assert scene.run("--output", "other").returncode == 1
    assert scene.charges() == JOBS + 1
    shutil.rmtree(scene.reports)
    assert scene.run("--output", "other").returncode == 0
    assert scene.charges() == 2 * JOBS + 1


@pytest.mark.parametrize("damage", [b"\0" * 4096, b"", b"SQLite format 3\0 and no more"])
def test_a_broken_ledger_beside_the_manifest_may_know_anything(scene, damage):
    path = scene.reports / "ledger.db"
    path.write_bytes(damage or path.read_bytes()[:5000] + b"\xff" * 9000)
    for end in ("-wal", "-shm"):
        path.with_name(path.name + end).unlink(missing_ok=True)
    done = scene.run("--output", "other")
    assert done.returncode == 3, done.stderr
    assert "reports/ledger.db may know it as bought and is damaged" in done.stderr
    assert scene.charges() == JOBS


def test_another_programs_database_says_nothing(scene):
    path = scene.folder / "ledger.db"
    with closing(sqlite3.connect(path)) as other:
        other.execute("CREATE TABLE accounts (name TEXT)")
    (scene.folder / "docs").mkdir()
    (scene.folder / "docs/ledger.db").write_text("2026-01-01 * Opening balance\n")
    os.mkfifo(scene.folder.parent / "ledger.db")
    more_jobs(scene)
    assert scene.run().returncode == 0
    assert scene.charges() == JOBS + 1


# -- an older ledger -------------------------------------------------------------------


def back_up(scene, name="old.db"):
    done = scene.call("ledger", "backup", name)
    assert done.returncode == 0, done.stderr
    return scene.folder / name


def test_an_old_backup_is_refused_with_the_ways_out(scene):
    old = back_up(scene)
    more_jobs(scene)
    assert scene.run().returncode == 0
    lose_ledger(scene)
    shutil.copy(old, scene.reports / "ledger.db")
    (scene.reports / "scene/videos").rename(scene.folder / "videos")
    for command in ("run", "plan", "report"):
        words = ("--yes",) if command == "run" else ()
        done = scene.call(command, FILE, "--backend", "rough", *words)
        assert done.returncode == 3, (command, done.stderr)
        assert "older than its own reports" in done.stderr
        assert "put the newest copy" in done.stderr
        assert "mv reports/ledger.db" in done.stderr
    status = scene.call("status", FILE, "--backend", "rough")
    assert status.returncode == 0
    assert "older than its own reports" in status.stderr
    check = scene.call("ledger", "check")
    assert check.returncode == 1
    assert "it is older" in check.stderr
    assert scene.charges() == JOBS + 1

    lose_ledger(scene)  # the last way out: then they are asked about
    done = scene.run()
    assert done.returncode == 3
    assert "bought before" in done.stderr
    assert scene.charges() == JOBS + 1


def test_an_emulators_report_alone_makes_no_ledger_old(scene):
    old = back_up(scene)
    assert scene.call("run", FILE, "--backend", "emulator").returncode == 0
    lose_ledger(scene)
    shutil.copy(old, scene.reports / "ledger.db")
    assert scene.run().returncode == 0
    assert scene.charges() == JOBS


def test_a_report_folder_of_another_ledger_makes_this_one_no_older(scene, tmp_path):
    more_jobs(scene, 1)
    (scene.folder / FILE).write_text(
        (scene.folder / FILE).read_text().replace("A harbour", "A port")
    )
    assert scene.run("--output", "other").returncode == 0
    shutil.copytree(scene.folder / "other/scene", scene.reports / "copied")
    shutil.rmtree(scene.folder / "other")
    said = scene.run()
    assert said.returncode == 3, said.stderr
    assert "bought before" in said.stderr
    assert "older" not in said.stderr
    assert scene.charges() == JOBS + 1


def test_a_copy_of_the_ledger_alone_knows_what_was_bought_some_seconds_ago(tmp_path):
    with Scene(tmp_path, jobs=2, emulator="--latency 8 --render tiny") as scene:
        run = scene.start()
        try:
            wait_until(lambda: scene.charges() == 2)
            copy = tmp_path / "copy.db"
            wait_until(lambda: known_in_a_copy(scene, copy) == 2)
            assert not list(scene.reports.glob("scene/videos/*.mp4")), "its run had ended"
        finally:
            run.kill()
            run.communicate()
        lose_ledger(scene)
        shutil.copy(copy, scene.reports / "ledger.db")
        done = scene.run()
        assert done.returncode == 0, done.stderr
        assert scene.charges() == 2


def known_in_a_copy(scene, copy):
    shutil.copy(scene.reports / "ledger.db", copy)
    with closing(sqlite3.connect(copy)) as ledger:
        if not ledger.execute("SELECT 1 FROM sqlite_master WHERE name = 'attempts'").fetchone():
            return 0
        return ledger.execute("SELECT count(*) FROM attempts WHERE task_id != ''").fetchone()[0]


def wait_until(holds):
    for _ in range(300):
        if holds():
            return
        time.sleep(0.05)
    raise AssertionError("it did not come true")
