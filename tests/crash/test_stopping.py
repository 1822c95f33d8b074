"""How a run is stopped: signals, closed streams, the first failure, a second process,
clocks that jump. Real processes over real sockets."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import time
from contextlib import closing
from pathlib import Path

import pytest
from rough_road import Mishap, once_for_seed
from scene import FILE, Scene

from wanbatch.ledger.verify import verify_ledger


@pytest.fixture
def slow_scene(tmp_path):
    """Tasks that take longer than the test waits for them."""
    with Scene(tmp_path, jobs=4, emulator="--latency 20 --render tiny") as scene:
        yield scene


@pytest.fixture
def quick_scene(tmp_path):
    with Scene(tmp_path, jobs=4, emulator="--latency 0.3 --render tiny") as scene:
        yield scene


def wait_until(true, process, within_s=30.0):
    until = time.monotonic() + within_s
    while not true():
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < until, "it never came to that"
        time.sleep(0.01)


def all_accepted(scene):
    return lambda: [row.state for row in scene.rows()] == ["accepted"] * 4


def holds_a_post(scene):
    """A road on which the answer to the second submit takes very long; returns how to
    tell that it is out."""
    submits = []

    def choose(method, _path, _body):
        if method == "POST":
            submits.append(1)
            if len(submits) == 2:
                time.sleep(3.0)
        return Mishap.NONE

    scene.road.choose = choose
    return lambda: len(submits) >= 2


@pytest.mark.parametrize(
    ("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 130)]
)
def test_the_first_signal_waits_for_the_post_that_is_out_and_records_its_answer(
    slow_scene, number, code
):
    out = holds_a_post(slow_scene)
    process = slow_scene.start()
    wait_until(out, process)
    process.send_signal(number)
    _, said = process.communicate(timeout=30)
    assert process.returncode == code, said
    assert [row.state for row in slow_scene.rows()] == ["accepted"] * 2
    assert slow_scene.charges() == 2
    assert "Continue with: wanbatch run" in said
    assert "Do so before" in said
    assert "Traceback" not in said


def test_the_second_signal_leaves_at_once_and_the_ledger_tells_the_truth(slow_scene):
    out = holds_a_post(slow_scene)
    process = slow_scene.start()
    wait_until(out, process)
    process.send_signal(signal.SIGINT)
    time.sleep(0.3)
    begin = time.monotonic()
    process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=30)
    assert time.monotonic() - begin < 2.5, "it waited for the answer"
    assert process.returncode == 130, said
    assert "Traceback" not in said
    states = [row.state for row in slow_scene.rows()]
    assert states[0] == "accepted"
    assert states[1:] in (["intent"], ["uncertain"])
    assert slow_scene.purchases_without_intent() == []
    assert verify_ledger(slow_scene.reports / "ledger.db") == []


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_while_the_backend_is_asked_whether_it_is_there_sends_nothing(slow_scene, number):
    asked = []

    def choose(_method, _path, _body):
        asked.append(1)
        time.sleep(2.0)
        return Mishap.NONE

    slow_scene.road.choose = choose
    process = slow_scene.start()
    wait_until(lambda: asked, process)
    process.send_signal(number)
    _, said = process.communicate(timeout=30)
    assert process.returncode == (143 if number == signal.SIGTERM else 130), said
    assert "Continue with" in said
    assert slow_scene.charges() == 0
    assert slow_scene.rows() == []


def test_a_stopped_run_goes_on_where_it_was(quick_scene):
    process = quick_scene.start()
    wait_until(quick_scene.rows, process)
    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=30)
    done = quick_scene.run()
    assert done.returncode == 0, done.stderr
    assert quick_scene.charges() == 4
    assert quick_scene.lost_videos() == []


@pytest.mark.parametrize("stream", ["stdout", "stderr"])
def test_a_reader_who_leaves_ends_no_run(quick_scene, stream):
    """``wanbatch run … | head -0``, and the same with the messages."""
    reader, writer = os.pipe()
    process = quick_scene.start(**{stream: writer})
    os.close(writer)
    os.close(reader)
    process.communicate(timeout=60)
    assert process.returncode == 0
    assert quick_scene.charges() == 4
    assert quick_scene.lost_videos() == []
    assert quick_scene.report()["totals"]["done"] == 4


def test_a_reader_who_leaves_does_not_hide_a_failure(quick_scene):
    quick_scene.road.choose = once_for_seed(2, Mishap.REFUSED)
    reader, writer = os.pipe()
    process = quick_scene.start(stdout=writer, stderr=subprocess.DEVNULL)
    os.close(writer)
    os.close(reader)
    assert process.wait(60) == 1


@pytest.mark.parametrize("closed", ["2>&-", ">&- 2>&-", "<&- >&- 2>&-", ">/dev/full 2>/dev/full"])
def test_closed_and_full_streams_end_no_run_and_harm_no_ledger(quick_scene, closed):
    line = " ".join(quick_scene.run_words()) + " " + closed
    done = subprocess.run(
        ["sh", "-c", f"exec {line}"],
        cwd=quick_scene.folder,
        env=quick_scene.environ,
        check=False,
        timeout=60,
    )
    assert done.returncode == 0
    assert quick_scene.charges() == 4
    assert quick_scene.lost_videos() == []
    assert verify_ledger(quick_scene.reports / "ledger.db") == []


def test_a_terminal_that_hangs_up_stops_a_run_politely(slow_scene):
    terminal, theirs = os.openpty()
    process = subprocess.Popen(
        ["setsid", "-c", *slow_scene.run_words()],
        cwd=slow_scene.folder,
        env={**slow_scene.environ, "TERM": "xterm"},
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
    )
    os.close(theirs)
    os.set_blocking(terminal, False)
    wait_until(all_accepted(slow_scene), process)
    os.close(terminal)
    assert process.wait(30) == 130
    assert all_accepted(slow_scene)()
    assert verify_ledger(slow_scene.reports / "ledger.db") == []


def test_on_failure_stop_stops_only_what_was_not_submitted(tmp_path):
    with Scene(tmp_path, jobs=12, emulator="--latency 0.5 --render tiny") as scene:
        (scene.folder / FILE).write_text(
            (scene.folder / FILE).read_text() + "run: {on_failure: stop}\n"
        )
        submits = []

        def choose(method, _path, _body):
            if method == "POST":
                submits.append(1)
            return Mishap.REFUSED if method == "POST" and len(submits) == 4 else Mishap.NONE

        scene.road.choose = choose
        done = scene.run()
        assert done.returncode == 1, done.stderr
        assert sorted(row.state for row in scene.rows()) == [
            "rejected",
            "stored",
            "stored",
            "stored",
        ]
        assert scene.lost_videos() == []
        assert "on_failure: stop" in done.stderr
        totals = scene.report()["totals"]
        assert (totals["done"], totals["failed"], totals["planned"]) == (3, 1, 8)


def test_a_second_process_asks_nobody_and_exits_4(slow_scene):
    process = slow_scene.start()
    try:
        wait_until(all_accepted(slow_scene), process)
        slow_scene.road.choose = lambda *_: (
            Mishap.LOST
        )  # what the first one asks from now on is not answered
        for words in (
            ("run", FILE, "--backend", "rough", "--yes"),
            ("fetch", FILE, "--backend", "rough"),
            ("resolve", FILE, "job[seed=0]", "--abandon"),
        ):
            # Where nothing answers at all, a call over the network would not end in the
            # way that is told here.
            elsewhere = {**slow_scene.environ, "WANBATCH_CONFIG": str(dead_end(slow_scene))}
            second = subprocess.run(
                slow_scene.command(*words),
                cwd=slow_scene.folder,
                env=elsewhere,
                capture_output=True,
                text=True,
                timeout=30,
                check=False,
            )
            assert second.returncode == 4, second.stderr
            assert "another run works in reports" in second.stderr
            assert "--lock-timeout" in second.stderr
    finally:
        process.kill()
        process.communicate()


def dead_end(scene):
    """The scene's configuration with an address at which nobody listens."""
    path = scene.folder / "dead.toml"
    path.write_text(
        (scene.folder.parent / "config.toml")
        .read_text()
        .replace(scene.road.base_url, "http://127.0.0.1:9")
    )
    return path


SHIFTED_CLOCK = """\
import os, time
real = time.time
def shifted():
    with open(os.environ["CLOCK_AHEAD"]) as file:
        return real() + float(file.read() or 0)
time.time = shifted
"""


class WallClock:
    """The wall clock of every command that is started with its ``environ_of``; it moves
    also while they run."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir()
        (folder / "sitecustomize.py").write_text(SHIFTED_CLOCK)
        self._ahead = folder / "ahead"
        self._ahead.write_text("0")

    def environ_of(self, scene: Scene) -> dict[str, str]:
        more = {"PYTHONPATH": str(self._ahead.parent), "CLOCK_AHEAD": str(self._ahead)}
        return {**scene.environ, **more}

    def move(self, seconds: float) -> None:
        beside = self._ahead.with_suffix(".new")
        beside.write_text(str(seconds))
        beside.replace(self._ahead)


@pytest.fixture
def clock(tmp_path: Path) -> WallClock:
    return WallClock(tmp_path / "clock")


def test_a_clock_that_jumps_while_tasks_run_expires_nothing(tmp_path, clock):
    with Scene(tmp_path, jobs=4, emulator="--latency 2 --render tiny") as scene:
        process = subprocess.Popen(
            scene.run_words(),
            cwd=scene.folder,
            env=clock.environ_of(scene),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        )
        wait_until(all_accepted(scene), process)
        clock.move(40 * 3600)
        _, said = process.communicate(timeout=30)
        assert process.returncode == 0, said
        assert scene.lost_videos() == []


def test_a_clock_that_was_wrong_all_along_is_named_and_expires_nothing(tmp_path, clock):
    with Scene(tmp_path, jobs=2, emulator="--latency 0.3 --render tiny") as scene:
        clock.move(-90 * 3600)
        done = subprocess.run(
            scene.run_words(),
            cwd=scene.folder,
            env=clock.environ_of(scene),
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )
        assert done.returncode == 0, done.stderr
        assert "clock is 90 h 00 min behind the server's" in done.stderr
        assert scene.lost_videos() == []


def make_older(ledger: Path, seconds: float) -> None:
    """As if the tasks had been accepted so much earlier by this machine's clock."""
    with closing(sqlite3.connect(ledger)) as connection, connection:
        connection.execute("UPDATE attempts SET accepted_at = accepted_at - ?", (seconds,))


def test_what_never_came_by_both_clocks_expires_and_a_person_can_still_adopt_it(tmp_path):
    """The server's clock alone, a day ahead all at once, expires nothing."""
    with Scene(tmp_path, jobs=1, emulator="--latency 20 --render tiny") as scene:
        process = scene.start()
        wait_until(lambda: [row.state for row in scene.rows()] == ["accepted"], process)
        process.kill()
        process.communicate()
        scene.road.ahead_s = 26 * 3600
        early = scene.call("fetch", FILE, "--backend", "rough", "--wait", "1s")
        assert [row.state for row in scene.rows()] == ["accepted"], early.stderr
        make_older(scene.reports / "ledger.db", 26 * 3600)
        done = scene.call("fetch", FILE, "--backend", "rough")
        assert done.returncode == 1, done.stderr
        (row,) = scene.rows()
        assert (row.state, row.reason) == ("expired", "no final word within 25 hours of the submit")
        assert scene.report()["totals"]["cost"]["spent"] == "0.20"
        again = scene.run()
        assert (again.returncode, scene.charges()) == (1, 1), again.stderr
        shown = scene.call("resolve", FILE, row.job)
        assert f"{row.job} is expired" in shown.stderr
        assert row.task_id in shown.stderr
        assert scene.call("resolve", FILE, row.job, "--adopt", row.task_id).returncode == 0
        scene.road.ahead_s = 0.0
        assert scene.run().returncode == 0
        assert scene.charges() == 1
        assert scene.lost_videos() == []
