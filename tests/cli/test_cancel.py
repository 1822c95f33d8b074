"""``wanbatch cancel`` through the real command, the emulator's DashScope and its books:
what waits is called off and costs nothing, what has begun goes on and comes home."""

from __future__ import annotations

import json
import time
import urllib.request
from pathlib import Path
from subprocess import CompletedProcess
from typing import Any

import command
import pytest
from PIL import Image

from wanbatch.emulator.process import EmulatorProcess, start_emulator
from wanbatch.ledger.lock import RunLock
from wanbatch.ledger.store import read_snapshot
from wanbatch.ledger.verify import verify_ledger
from wanbatch.model.lifecycle import State

FILE = "far.wanbatch.yaml"
KEY = "sk-canary-0987654321"
MANIFEST = """\
wanbatch: 1
name: far
jobs:
  - id: one
    prompt: A harbour
    prompt_extend: false
    seconds: 2
    media: {first_frame: picture.png}
    seeds: {start: 0, count: 3}
run: {backend: far}
"""
CONFIG = """\
[backends.far]
kind = "dashscope"
base_url = "%s"
api_key_env = "FAR_KEY"
poll_interval = 0.2
rate = 50
media = "upload"
price = {720P = 0.10, 1080P = 0.15, currency = "USD"}

[backends.near]
kind = "gateway"
base_url = "%s"
api_key_env = "FAR_KEY"
"""
ONE_AT_A_TIME = ("--latency", "20", "--max-running", "1")


class Far:
    """A project folder and a DashScope on loopback that works on one task at a time."""

    def __init__(self, folder: Path, script: str = "") -> None:
        self.folder, self.script = folder, script
        self.server: EmulatorProcess

    def __enter__(self) -> Far:
        Image.new("RGB", (320, 240), "teal").save(self.folder / "picture.png")
        (self.folder / FILE).write_text(MANIFEST)
        options = [*ONE_AT_A_TIME, "--dialect", "dashscope", "--render", "tiny"]
        if self.script:
            (self.folder / "script.yaml").write_text(self.script)
            options += ["--script", str(self.folder / "script.yaml")]
        self.server = start_emulator(self.folder / "books", *options)
        url = self.server.base_url
        (self.folder / "config.toml").write_text(CONFIG % (url, url))
        return self

    def __exit__(self, *_: object) -> None:
        self.server.stop()

    def call(self, *words: str) -> CompletedProcess[str]:
        environ = command.environ(WANBATCH_CONFIG=str(self.folder / "config.toml"), FAR_KEY=KEY)
        return command.run(self.folder, *words, env=environ)

    def buy(self) -> None:
        """Three tasks at the provider: one runs, two wait."""
        done = self.call("run", FILE, "--yes", "--wait", "0.5")
        assert done.returncode == 1, done.stderr
        assert self.states() == {State.ACCEPTED}
        for _ in range(600):
            if "RUNNING" in self.words():
                return
            time.sleep(0.05)
        raise AssertionError("no task has begun")

    def words(self) -> set[str]:
        """What the API says of the tasks that the ledger knows."""
        found = set()
        for attempt in read_snapshot(self.folder / "reports/ledger.db").attempts:
            url = f"{self.server.base_url}/api/v1/tasks/{attempt.task_id}"
            asked = urllib.request.Request(url, headers={"authorization": f"Bearer {KEY}"})
            with urllib.request.urlopen(asked) as reply:
                found.add(str(json.load(reply)["output"]["task_status"]))
        return found

    def states(self) -> set[State]:
        return {a.state for a in read_snapshot(self.folder / "reports/ledger.db").attempts}

    def books(self) -> dict[str, Any]:
        with urllib.request.urlopen(self.server.base_url + "/__books") as reply:
            found: dict[str, Any] = json.load(reply)
        return found

    def ended(self) -> list[str]:
        log = (self.folder / "books/tasks.jsonl").read_text().splitlines()
        return [e["phase"] for e in map(json.loads, log) if e["event"] == "ended"]


def lines(done: CompletedProcess[str]) -> list[str]:
    return sorted(done.stderr.splitlines())


def test_what_waits_is_called_off_and_what_has_begun_comes_home(tmp_path):
    with Far(tmp_path) as far:
        far.buy()
        done = far.call("cancel", FILE)
        assert done.returncode == 1, done.stderr
        assert done.stdout == ""
        off = "the provider says that it is called off"
        running = [line for line in lines(done) if line.startswith("  goes on")]
        assert len(running) == 1
        assert running[0].endswith(
            "it goes on, and is charged when it is made (Failed to cancel the task, please"
            " confirm if the task is in PENDING status.)"
        )
        waited = [line for line in lines(done) if line.startswith("  cancelled")]
        assert all(line.endswith(off) for line in waited)
        assert len(waited) == 2
        assert done.stderr.splitlines()[-3:] == [
            (
                "3 tasks: 2 cancelled, 1 goes on. $0.40 is held back no longer: what was not made is"
                " not charged."
            ),
            f"Bring home what goes on: wanbatch fetch {FILE} --backend far",
            f"To buy them after all: wanbatch run {FILE} --backend far --retry-failed",
        ]
        assert far.ended().count("canceled") == 2
        assert far.books()["calls"]["cancel"] == 3
        home = far.call("run", FILE, "--yes")
        assert home.returncode == 1, "called off is not done"
        assert "1 to resume ($0.00), 2 skipped." in home.stderr
        assert far.books()["calls"]["submit"] == 3, "nothing is bought again by itself"
        assert far.states() == {State.STORED, State.REMOTE_FAILED}
        assert verify_ledger(tmp_path / "reports/ledger.db") == []
        again = far.call("run", FILE, "--yes", "--retry-failed", "--wait", "0.5")
        assert again.returncode == 1, again.stderr
        assert far.books()["calls"]["submit"] == 5, "each once more, because a person said so"


def test_where_nothing_waits_nothing_is_said_to_the_provider(tmp_path):
    with Far(tmp_path) as far:
        far.buy()
        assert far.call("cancel", FILE, "--select", "seed=0..2").returncode == 1
        wishes = far.books()["calls"]["cancel"]
        assert far.call("status", FILE).stderr.count("  failed ") == 2
        nothing = far.call("cancel", FILE, "--select", "state:failed")
        assert (nothing.returncode, nothing.stderr) == (
            0,
            "No task waits at this provider: nothing was called off.\n",
        )
        assert far.books()["calls"]["cancel"] == wishes


LOST = """\
faults:
  - {route: cancel, moment: after, do: close}
"""
CONFLICT = """\
faults:
  - {route: cancel, do: answer, status: 409, envelope: dashscope, code: Conflict, message: it runs}
"""
BUSY = """\
faults:
  - {route: cancel, do: answer, status: 503, envelope: html}
"""


@pytest.mark.parametrize(
    ("script", "code", "cancelled", "told"),
    [
        (LOST, 1, 2, "(the server broke off"),
        (CONFLICT, 1, 0, "(it runs)"),
        (BUSY, 1, 0, "(HTTP 503)"),
    ],
    ids=["the answer is lost", "refused as begun", "a proxy answers"],
)
def test_whatever_is_answered_the_poll_decides(tmp_path, script, code, cancelled, told):
    with Far(tmp_path, script) as far:
        far.buy()
        done = far.call("cancel", FILE)
        assert done.returncode == code, done.stderr
        assert sum(line.startswith("  cancelled") for line in lines(done)) == cancelled
        assert sum(line.startswith("  goes on") for line in lines(done)) == 3 - cancelled
        assert far.ended().count("canceled") == cancelled
        assert far.books()["calls"]["cancel"] == 3, "a wish is sent once, whatever comes back"
        assert far.books()["calls"]["submit"] == 3
        assert told in done.stderr


def test_refusals_say_what_to_do(tmp_path):
    with Far(tmp_path) as far:
        early = far.call("cancel", FILE)
        assert (early.returncode, early.stderr) == (
            2,
            (
                "error: there is no ledger in reports, so no task is known to be ours\n"
                "  help: name the folder with --output\n"
            ),
        )
        far.buy()
        near = far.call("cancel", FILE, "--backend", "near")
        assert (near.returncode, near.stderr) == (
            2,
            (
                "error: backend near has no way to call a task off; nothing was sent\n"
                "  help: a task that it accepted runs to its end and is charged: bring the video home"
                " with wanbatch fetch\n"
                "  help: DashScope's own API can: name such a backend with --backend\n"
            ),
        )
        with RunLock(tmp_path / "reports"):
            held = far.call("cancel", FILE)
        assert held.returncode == 4
        assert "another run works in reports" in held.stderr
        assert "cancel" not in far.books()["calls"]
        far.server.stop()
        down = far.call("cancel", FILE)
        assert down.returncode == 4
        assert "backend far did not answer as it should: the connection was refused" in down.stderr
        assert "nothing was called off" in down.stderr
        assert far.states() == {State.ACCEPTED}
