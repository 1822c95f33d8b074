"""What a purchase depends on is verified by hash just before it: the real command, a
chain, and somebody who changes a file and keeps its name, size and time."""

from __future__ import annotations

import hashlib
import json
import os
import shutil

import pytest
from PIL import Image
from scene import FILE, Scene

CHAIN = """\
wanbatch: 1
name: scene
jobs:
  - id: job
    prompt: A harbour
    prompt_extend: false
    seconds: 2
    media: {first_frame: picture.png}
    seed: 0
  - id: next
    prompt: It goes on
    prompt_extend: false
    seconds: 2
    media: {first_frame: {job: job, frame: last}}
    seed: 1
"""


@pytest.fixture
def scene(tmp_path):
    """The first job is at home, the second one takes its last frame and is still to be
    bought."""
    with Scene(tmp_path, jobs=1, emulator="--latency 0.1 --render full") as scene:
        (scene.folder / FILE).write_text(CHAIN)
        done = scene.run("--select", "job")
        assert done.returncode == 0, done.stderr
        yield scene


def video_of(scene):
    return next((scene.reports / "scene/videos").glob("job.*.mp4"))


def alter(path):
    """Other bytes, and all that a look can see stays as it was."""
    before = path.stat()
    content = bytearray(path.read_bytes())
    content[-40:] = bytes(byte ^ 0xFF for byte in content[-40:])
    path.write_bytes(content)
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))


def test_a_video_changed_behind_its_size_and_time_buys_no_successor(scene):
    video = video_of(scene)
    whole = video.read_bytes()
    alter(video)
    done = scene.run()
    assert done.returncode == 1, done.stderr
    assert scene.charges() == 1
    assert "is not the video that was made any more" in done.stderr
    assert video.name in done.stderr
    plan = scene.call("plan", FILE, "--backend", "rough")
    assert "its video file is missing or altered" in plan.stderr
    assert scene.run().returncode == 0
    assert scene.report()["totals"]["done"] == 2  # downloaded once more, then bought
    assert scene.charges() == 2
    assert any(p.read_bytes() == whole for p in video.parent.glob("job.*.mp4"))


def stills_of(scene):
    return scene.reports / "scene/stills"


def test_a_still_under_the_caches_name_is_not_believed(scene, tmp_path):
    honest = tmp_path / "honest"
    shutil.copytree(scene.folder, honest)
    assert scene.run().returncode == 0
    still = next(stills_of(scene).iterdir())
    wanted = still.read_bytes()
    digest = hashlib.sha256(wanted).hexdigest()
    assert sent_picture(scene, seed=1) == digest

    # The same once more, where somebody has put a picture of his own there before.
    shutil.rmtree(scene.folder)
    shutil.copytree(honest, scene.folder)
    (scene.folder / FILE).write_text(CHAIN.replace("seed: 1", "seed: 2"))
    stills_of(scene).mkdir()
    Image.new("RGB", (320, 240), "red").save(stills_of(scene) / still.name)
    assert scene.run().returncode == 0
    assert sent_picture(scene, seed=2) == digest
    assert (stills_of(scene) / still.name).read_bytes() == wanted


def sent_picture(scene, seed):
    """The SHA-256 of the first frame that the API was sent for the job with that
    seed."""
    for line in (scene._books / "tasks.jsonl").read_text().splitlines():
        record = json.loads(line)
        if record["event"] == "accepted" and record["body"]["seed"] == seed:
            return record["body"]["media"][0]["url"].rpartition("sha256:")[2]
    raise AssertionError(f"no job with seed {seed} was bought")


def test_a_video_that_is_gone_is_downloaded_before_its_successor_is_bought(scene):
    video_of(scene).unlink()
    assert scene.run().returncode == 0
    assert scene.charges() == 2
