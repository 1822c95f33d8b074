"""``wanbatch fetch`` through the real command and real sockets: brings home what was
paid for, and never submits."""

from __future__ import annotations

import signal

import pytest
from rough_road import Mishap, rough
from scene import FILE, Scene

from wanbatch.ledger.verify import verify_ledger

JOBS = 4


@pytest.fixture
def scene(tmp_path):
    """Four jobs; some tasks were submitted and are running when the run is killed, at
    least one job was not submitted."""
    with Scene(tmp_path, jobs=JOBS, emulator="--latency 1.5 --render tiny", in_flight=3) as scene:
        process = scene.start()
        while sum(row.state == "accepted" for row in scene.rows()) < 3:
            assert process.poll() is None, process.communicate()[1]
        process.send_signal(signal.SIGKILL)
        process.communicate()
        yield scene
        assert verify_ledger(scene.reports / "ledger.db") == []


def fetch(scene, *words):
    return scene.call("fetch", FILE, "--backend", "rough", *words)


def test_it_brings_everything_home_that_was_paid_for_and_sends_no_post(scene):
    posts, charges = scene.road.seen["POST"], scene.charges()
    done = fetch(scene)
    assert done.returncode == 1, done.stderr  # one job was never submitted
    assert (scene.road.seen["POST"], scene.charges()) == (posts, charges)
    assert sorted(row.state for row in scene.rows()) == ["stored"] * 3
    assert scene.lost_videos() == []
    assert (scene.report()["totals"]["done"], scene.report()["totals"]["planned"]) == (3, 1)
    assert done.stdout.strip() == "reports/scene/report.html"


def test_it_needs_no_consent_and_a_second_one_asks_nobody(scene):
    assert fetch(scene).returncode == 1
    seen = dict(scene.road.seen)
    again = fetch(scene)
    assert again.returncode == 1
    assert dict(scene.road.seen) == seen, "there was nothing to fetch, and somebody was asked"


def test_a_rough_road_delays_and_loses_nothing(scene):
    scene.road.choose = rough(5)
    done = fetch(scene)
    assert done.returncode == 1, done.stderr
    assert scene.lost_videos() == []
    assert scene.half_files() == []


def test_what_the_manifest_no_longer_names_is_fetched_too(scene):
    manifest = scene.folder / FILE
    manifest.write_text(manifest.read_text().replace("start: 0", "start: 100"))
    done = fetch(scene)
    assert "3 videos that the manifest no longer names" in done.stderr
    assert sorted(row.state for row in scene.rows()) == ["stored"] * 3
    assert scene.lost_videos() == []


def test_it_gives_up_waiting_in_time_and_loses_nothing(scene):
    scene.road.choose = lambda _method, path, _body: (
        Mishap.PAGE if "/task_" in path and "asks_whether" not in path else Mishap.NONE
    )
    done = fetch(scene, "--wait", "1")
    assert done.returncode == 1, done.stderr
    assert sorted(row.state for row in scene.rows()) == ["accepted"] * 3
    assert "Continue with: wanbatch fetch" in done.stderr
    scene.road.choose = lambda *_: Mishap.NONE
    assert fetch(scene).returncode == 1
    assert scene.lost_videos() == []


def test_an_unreachable_backend_is_exit_4_and_loses_nothing(scene):
    scene.road.choose = lambda *_: Mishap.LOST
    done = fetch(scene)
    assert done.returncode == 4
    assert "did not answer" in done.stderr
    assert sorted(row.state for row in scene.rows()) == ["accepted"] * 3


def test_a_video_that_was_deleted_by_hand_comes_back(scene):
    assert scene.run().returncode == 0
    lost = scene.reports / scene.rows()[0].path
    whole = lost.read_bytes()
    lost.unlink()
    posts = scene.road.seen["POST"]
    done = fetch(scene)
    assert done.returncode == 0, done.stderr
    assert lost.read_bytes() == whole
    assert scene.road.seen["POST"] == posts
