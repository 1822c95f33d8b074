"""``wanbatch status``: what the ledger knows, without a key, without the network, while
a run goes on."""

from __future__ import annotations

import json
import subprocess

import pytest
from rough_road import Mishap, once_for_seed
from scene import FILE, Scene


@pytest.fixture
def scene(tmp_path):
    with Scene(tmp_path, jobs=3, emulator="--latency 0.1 --render tiny") as scene:
        yield scene


def status(scene, *words):
    return scene.call("status", FILE, "--backend", "rough", *words)


def standing(scene):
    shown = status(scene, "--json")
    assert shown.returncode == 0, shown.stderr
    document = json.loads(shown.stdout)
    assert document["schema"] == "wanbatch/plan@1"
    return {job["name"]: (job["state"], job["action"]) for job in document["jobs"]}


def test_before_the_first_run_everything_is_planned_and_nothing_is_written_or_asked(scene):
    assert standing(scene) == {f"job[seed={n}]": ("planned", "generate") for n in range(3)}
    assert not scene.reports.exists()
    assert not scene.road.seen


def test_it_needs_no_key(scene):
    environ = {k: v for k, v in scene.environ.items() if k != "ROUGH_KEY"}
    shown = subprocess.run(
        scene.command("status", FILE, "--backend", "rough"),
        cwd=scene.folder,
        env=environ,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert shown.returncode == 0, shown.stderr
    assert "3 planned" in shown.stderr


def test_done_failed_and_uncertain_are_told_apart(scene):
    scene.road.choose = once_for_seed(1, Mishap.SWALLOWED)
    assert scene.run().returncode == 1
    assert standing(scene) == {
        "job[seed=0]": ("done", "reuse"),
        "job[seed=1]": ("uncertain", "ask"),
        "job[seed=2]": ("done", "reuse"),
    }
    text = status(scene)
    assert text.returncode == 0
    assert not text.stdout
    assert "uncertain  job[seed=1]" in text.stderr
    assert "2 done, 1 uncertain" in text.stderr


def test_during_a_run_it_neither_waits_nor_disturbs(tmp_path):
    with Scene(tmp_path, jobs=6, emulator="--latency 2 --render tiny") as scene:
        process = scene.start()
        while sum(row.state == "accepted" for row in scene.rows()) < 6:
            assert process.poll() is None, process.communicate()[1]
        seen = scene.road.seen["POST"]
        assert set(standing(scene).values()) == {("running", "resume")}
        assert process.wait(60) == 0, process.communicate()[1]
        process.communicate()
        assert scene.road.seen["POST"] == seen
        assert set(standing(scene).values()) == {("done", "reuse")}


def test_jobs_that_left_the_manifest_are_listed_while_they_are_unsettled(scene):
    scene.road.choose = once_for_seed(1, Mishap.SWALLOWED)
    assert scene.run().returncode == 1
    manifest = scene.folder / FILE
    manifest.write_text(manifest.read_text().replace("start: 0", "start: 100"))
    shown = status(scene)
    assert "uncertain  job[seed=1]  (no longer in the manifest" in shown.stderr
