"""The whole way over DashScope's own protocol: upload space, tasks, signed results, a
chained clip; and a lost answer found in the list."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
import urllib.request

from PIL import Image

from wanbatch.emulator.process import start_emulator

MANIFEST = """\
wanbatch: 1
name: far
jobs:
  - id: one
    prompt: A harbour
    prompt_extend: false
    seconds: 2
    media: {first_frame: picture.png}
  - id: two
    prompt: It goes on
    prompt_extend: false
    seconds: 3
    media: {first_clip: {job: one}}
"""
CONFIG = """\
[backends.far]
kind = "dashscope"
base_url = "%s"
api_key_env = "FAR_KEY"
poll_interval = 0.1
rate = 50
media = "upload"
quiet_period = 1
"""
LOST = """\
faults:
  - {route: submit, call: 1, moment: after, do: close}
"""


class Far:
    """A project folder and a DashScope on loopback."""

    def __init__(self, folder, *options):
        self.folder, self.options = folder, options
        Image.new("RGB", (320, 240), "teal").save(folder / "picture.png")
        (folder / "far.wanbatch.yaml").write_text(MANIFEST)

    def __enter__(self):
        self.server = start_emulator(
            self.folder / "books", "--dialect", "dashscope", "--render", "cached", *self.options
        )
        (self.folder / "config.toml").write_text(CONFIG % self.server.base_url)
        return self

    def __exit__(self, *_):
        self.server.stop()

    def run(self, *words):
        environ = {
            **os.environ,
            "WANBATCH_CONFIG": str(self.folder / "config.toml"),
            "FAR_KEY": "sk-canary-0987654321",
        }
        return subprocess.run(
            [sys.executable, "-m", "wanbatch", *words, "--backend", "far"],
            cwd=self.folder,
            env=environ,
            capture_output=True,
            text=True,
            check=False,
            timeout=90,
        )

    def accepted(self):
        return [
            e
            for e in map(json.loads, (self.folder / "books/tasks.jsonl").read_text().splitlines())
            if e["event"] == "accepted"
        ]


def test_a_chain_comes_home_through_the_upload_space(tmp_path):
    with Far(tmp_path) as far:
        done = far.run("run", "far.wanbatch.yaml", "--yes")
        assert done.returncode == 0, done.stderr
        assert len(far.accepted()) == 2
    report = (tmp_path / "reports/far/report.json").read_text()
    assert json.loads(report)["totals"]["done"] == 2
    for text in ("Signature=", "oss://", "sk-canary"):
        assert text not in report
        assert text.encode() not in (tmp_path / "reports/ledger.db").read_bytes()


def test_a_submit_whose_answer_was_lost_is_found_in_the_list_and_bought_once(tmp_path):
    (tmp_path / "lost.yaml").write_text(LOST)
    with Far(tmp_path, "--script", str(tmp_path / "lost.yaml")) as far:
        first = far.run("run", "far.wanbatch.yaml", "--yes")
        assert first.returncode in (0, 1), first.stderr
        for _ in range(5):
            time.sleep(1)
            again = far.run("run", "far.wanbatch.yaml", "--yes")
            if again.returncode == 0:
                break
        assert again.returncode == 0, again.stderr
        assert "the account's list shows it as task" in first.stderr + again.stderr
        assert len(far.accepted()) == 2, "one for each job, and no more"


def test_many_tasks_are_watched_with_one_query(tmp_path):
    with Far(tmp_path, "--latency", "2") as far:
        sweep = MANIFEST.split("  - id: two")[0] + "    seeds: {start: 0, count: 12}\n"
        (tmp_path / "far.wanbatch.yaml").write_text(sweep)
        done = far.run("run", "far.wanbatch.yaml", "--yes", "--max-in-flight", "12")
        assert done.returncode == 0, done.stderr
        with urllib.request.urlopen(far.server.base_url + "/__books") as reply:
            calls = json.load(reply)["calls"]
    assert calls["list"] >= 2
    assert calls["status"] <= 12 * 2, "the list says who is worth asking"
