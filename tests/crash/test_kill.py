"""Real processes, really killed: SIGKILL at random points of a run, then the same
command again, until it is done.

The emulator's books are the truth: a task that it accepted was paid for. After every
job is done, each was paid once, but for those that a kill left uncertain and a person
allowed again; and what was paid is on disk.
"""

from __future__ import annotations

import json
import os
import random
import signal
import sqlite3
import subprocess
import time
from collections import Counter
from contextlib import closing
from pathlib import Path

import command
import pytest
from PIL import Image

JOBS = 24
MANIFEST = f"""\
wanbatch: 1
name: kill
jobs:
  - id: job
    prompt: A harbour
    prompt_extend: false
    seconds: 2
    media: {{first_frame: picture.png}}
    seeds: {{start: 0, count: {JOBS}}}
  - id: next
    prompt: It goes on
    prompt_extend: false
    seconds: 4
    media: {{first_clip: {{job: job, where: {{seed: 0}}}}}}
run: {{backend: emulator, max_in_flight: 8}}
"""
ENVIRON = {**os.environ, "WANBATCH_EMULATOR_OPTIONS": "--latency 0.4 --render cached"}


@pytest.fixture
def folder(tmp_path):
    Image.new("RGB", (320, 240), "teal").save(tmp_path / "picture.png")
    (tmp_path / "kill.wanbatch.yaml").write_text(MANIFEST)
    return tmp_path


def run(folder, *words):
    return command.run(folder, *words, env=ENVIRON)


def kill_after(folder, seconds):
    """Starts a run, kills it with SIGKILL, and returns whether it was still running
    then."""
    process = subprocess.Popen(
        command.line("run", "kill.wanbatch.yaml"),
        cwd=folder,
        env=ENVIRON,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        process.wait(seconds)
    except subprocess.TimeoutExpired:
        process.send_signal(signal.SIGKILL)
        process.wait()
        return True
    return False


def paid_tasks(folder: Path) -> Counter[tuple[int, str]]:
    """What the emulator accepted, by seed and prompt."""
    lines = (folder / "reports/.emulator/tasks.jsonl").read_text().splitlines()
    events = [json.loads(line) for line in lines if line.endswith("}")]
    return Counter(
        (e["body"]["seed"], e["body"]["prompt"]) for e in events if e["event"] == "accepted"
    )


def states(folder):
    with sqlite3.connect(folder / "reports/ledger.db") as ledger:
        return ledger.execute("SELECT job, state, task_id, authority FROM attempts").fetchall()


def resolve_uncertain(folder):
    """A person's part: what is uncertain is allowed again, and counted. Returns how
    many there were."""
    uncertain = [job for job, state, _, _ in states(folder) if state == "uncertain"]
    for job in uncertain:
        done = run(folder, "resolve", "kill.wanbatch.yaml", job, "--resubmit")
        assert done.returncode == 0, done.stderr
    return len(uncertain)


@pytest.mark.parametrize("seed", range(3))
def test_a_run_that_is_killed_again_and_again_pays_for_every_job_once(folder, seed):
    chance = random.Random(seed)
    kills = allowed = 0
    for _ in range(6):
        if not kill_after(folder, chance.uniform(0.5, 2.0)):
            break
        kills += 1
    for _ in range(10):
        done = run(folder, "run", "kill.wanbatch.yaml")
        assert done.returncode in (0, 1), done.stderr
        assert "Traceback" not in done.stderr
        if done.returncode == 0:
            break
        found = resolve_uncertain(folder)
        assert found, done.stderr
        allowed += found
    assert done.returncode == 0, done.stderr
    assert kills >= 2
    assert allowed <= kills, "one kill leaves at most one uncertain job (submit_concurrency is 1)"
    paid = paid_tasks(folder)
    assert len(paid) == JOBS + 1
    assert sum(paid.values()) - len(paid) <= allowed, paid
    assert_every_paid_video_is_on_disk(folder)


def assert_every_paid_video_is_on_disk(folder):
    report = json.loads((folder / "reports/kill/report.json").read_text())
    assert report["totals"]["done"] == JOBS + 1
    for job in report["jobs"]:
        path = folder / "reports/kill" / job["output"]["path"]
        assert path.stat().st_size == job["output"]["bytes"]


def test_running_a_finished_manifest_again_sends_nothing_and_says_so(folder):
    assert run(folder, "run", "kill.wanbatch.yaml").returncode == 0
    before = paid_tasks(folder)
    again = run(folder, "run", "kill.wanbatch.yaml")
    assert again.returncode == 0
    assert "No changes." in again.stderr
    assert paid_tasks(folder) == before
    report = json.loads((folder / "reports/kill/report.json").read_text())
    assert report["totals"]["http_requests"] > 0, "it is about the run that had work"
    with closing(sqlite3.connect(folder / "reports/ledger.db")) as ledger:
        (sent,) = ledger.execute(
            "SELECT http_requests FROM runs WHERE run_id = ?", [report["last_run"]["id"]]
        ).fetchone()
    assert sent == 0


def test_a_second_run_on_the_same_folder_makes_no_call_and_exits_4(folder):
    first = subprocess.Popen(
        command.line("run", "kill.wanbatch.yaml"),
        cwd=folder,
        env=ENVIRON,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        until = time.monotonic() + 10
        while not (folder / "reports/.emulator/tasks.jsonl").exists() and time.monotonic() < until:
            time.sleep(0.05)
        second = run(folder, "run", "kill.wanbatch.yaml")
        assert second.returncode == 4, second.stderr
        assert "Traceback" not in second.stderr
    finally:
        assert first.wait(60) == 0


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_polite_stop_keeps_what_was_paid_and_says_how_to_go_on(folder, number, code):
    environ = {**ENVIRON, "WANBATCH_EMULATOR_OPTIONS": "--latency 30 --render tiny"}
    process = subprocess.Popen(
        command.line("run", "kill.wanbatch.yaml"),
        cwd=folder,
        env=environ,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stderr is not None
    for line in process.stderr:
        if "submitted" in line:
            break
    process.send_signal(number)
    _, said = process.communicate(timeout=30)
    assert process.returncode == code, said
    assert "Continue with: wanbatch run kill.wanbatch.yaml" in said
    rows = states(folder)
    assert rows
    assert all(state == "accepted" and task_id for _, state, task_id, _ in rows)
    assert sum(paid_tasks(folder).values()) == len(rows)
