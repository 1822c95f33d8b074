"""``wanbatch resolve`` through the real command and real sockets: the API takes a
submit, and its answer never comes."""

from __future__ import annotations

import pytest
from rough_road import Mishap, once_for_seed
from scene import FILE, Scene

from wanbatch.ledger.verify import verify_ledger

UNSURE = "job[seed=1]"
NONSENSE = {
    ("--adopt", "a task"): "not a task id",
    ("--adopt", ".."): "not a task id",
    ("--adopt", "undefined"): "not a task id",
    ("--adopt", ""): "not a task id",
    ("--adopt", "task_1", "--abandon"): "one decision at a time",
    ("--resubmit", "--output", "elsewhere"): "there is no ledger in elsewhere",
}


@pytest.fixture
def scene(tmp_path):
    """Three jobs were bought; two are at home, the API's answer for ``UNSURE`` was
    lost."""
    with Scene(
        tmp_path,
        jobs=3,
        emulator="--latency 0.1 --render tiny",
        choose=once_for_seed(1, Mishap.SWALLOWED),
    ) as scene:
        done = scene.run()
        assert done.returncode == 1, done.stderr
        assert scene.charges() == 3
        assert {row.job: row.state for row in scene.rows()} == {
            "job[seed=0]": "stored",
            UNSURE: "uncertain",
            "job[seed=2]": "stored",
        }
        assert f"uncertain {UNSURE}" in done.stderr
        assert "wanbatch resolve" in done.stderr
        yield scene
        assert verify_ledger(scene.reports / "ledger.db") == []


def lost_task(scene):
    """The task that was paid for and whose id nobody was told."""
    known = {row.task_id for row in scene.rows()}
    return next(task for tasks in scene.bought().values() for task in tasks if task not in known)


def row_of(scene, job=UNSURE):
    return [row for row in scene.rows() if row.job == job][-1]


def resolve(scene, *words):
    return scene.call("resolve", FILE, *words)


def test_without_a_decision_it_shows_time_price_and_evidence_and_changes_nothing(scene):
    shown = resolve(scene, UNSURE)
    assert shown.returncode == 0, shown.stderr
    for text in (
        f"{UNSURE} is uncertain",
        "to rough (http://127.0.0.1:",
        "$0.20, counted as spent",
        "broke off",
        "--adopt TASK_ID",
        "--resubmit",
        "--abandon",
    ):
        assert text in shown.stderr, text
    assert row_of(scene).state == "uncertain"


def test_the_commands_it_shows_name_the_same_folder(scene):
    scene.reports.rename(scene.folder / "else where")
    shown = resolve(scene, UNSURE, "--output", "else where")
    (scene.folder / "else where").rename(scene.reports)
    assert shown.stderr.count("--output 'else where'") == 3, shown.stderr


def test_running_again_sends_nothing_for_it(scene):
    again = scene.run()
    assert again.returncode == 1
    assert scene.charges() == 3
    assert "1 to decide" in again.stderr


@pytest.mark.parametrize(
    "words",
    [("run", FILE, "--backend", "rough", "--yes"), ("fetch", FILE, "--backend", "rough")],
    ids=["run", "fetch"],
)
def test_adopting_the_right_task_brings_the_video_home_for_one_charge(scene, words):
    task = lost_task(scene)
    decided = resolve(scene, UNSURE, "--adopt", task)
    assert decided.returncode == 0, decided.stderr
    assert "Continue with: wanbatch run" in decided.stderr
    posts = scene.road.seen["POST"]
    done = scene.call(*words)
    assert done.returncode == 0, done.stderr
    assert scene.road.seen["POST"] == posts
    assert scene.charges() == 3
    assert (row_of(scene).state, row_of(scene).task_id) == ("stored", task)
    assert scene.lost_videos() == []


def test_resubmitting_buys_once_more_and_no_more(scene):
    assert resolve(scene, UNSURE, "--resubmit").returncode == 0
    assert scene.run().returncode == 0
    assert scene.charges() == 4
    assert scene.run().returncode == 0
    assert scene.charges() == 4
    assert scene.report()["totals"]["done"] == 3


def test_abandoning_keeps_the_price_counted_and_sends_nothing(scene):
    assert resolve(scene, UNSURE, "--abandon").returncode == 0
    posts = scene.road.seen["POST"]
    done = scene.run()
    assert done.returncode == 1, done.stderr
    assert scene.road.seen["POST"] == posts
    report = scene.report()
    assert report["totals"]["skipped"] == 1
    assert report["totals"]["cost"]["spent"] == "0.60"


def test_a_wrong_job_name_lists_those_that_wait(scene):
    wrong = resolve(scene, "job[seed=7]", "--resubmit")
    assert wrong.returncode == 2
    assert "job[seed=7]" in wrong.stderr
    assert f"that do: {UNSURE}" in wrong.stderr
    assert row_of(scene).state == "uncertain"


def test_a_job_that_is_done_cannot_be_bought_again_this_way(scene):
    wrong = resolve(scene, "job[seed=0]", "--resubmit")
    assert wrong.returncode == 2
    assert row_of(scene, "job[seed=0]").state == "stored"


def test_nonsense_is_refused_and_nothing_recorded(scene):
    for words, told in NONSENSE.items():
        wrong = resolve(scene, UNSURE, *words)
        assert wrong.returncode == 2, words
        assert told in wrong.stderr
        assert "Traceback" not in wrong.stderr
    assert row_of(scene).state == "uncertain"
    assert not (scene.folder / "elsewhere").exists()


def test_adopting_a_task_that_the_api_does_not_know_buys_nothing(scene):
    assert resolve(scene, UNSURE, "--adopt", "task_that_never_was").returncode == 0
    done = scene.run("--wait", "1")
    assert done.returncode == 1, done.stderr
    assert scene.charges() == 3
    assert row_of(scene).state == "accepted"


def test_a_task_of_another_job_is_not_adopted(scene):
    taken = row_of(scene, "job[seed=0]").task_id
    wrong = resolve(scene, UNSURE, "--adopt", taken)
    assert wrong.returncode == 2, wrong.stderr
    assert "job[seed=0]" in wrong.stderr
    assert row_of(scene).state == "uncertain"


def test_a_run_that_holds_the_folder_keeps_resolve_out(scene):
    assert resolve(scene, UNSURE, "--resubmit").returncode == 0
    scene.road.choose = lambda *_: Mishap.SLOW
    process = scene.start()
    try:
        while "{" not in (scene.reports / "ledger.lock").read_text():
            assert process.poll() is None
        out = resolve(scene, UNSURE, "--abandon")
        assert out.returncode == 4, out.stderr
        assert "another run works in" in out.stderr
    finally:
        process.communicate(timeout=30)
    assert process.returncode == 0
