"""Selections, shards and the files that ``-o`` names, with the real command."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest
from PIL import Image

MANIFEST = """\
wanbatch: 1
name: harbor
defaults: {prompt_extend: false, seconds: 2, media: {first_frame: picture.png}}
jobs:
  - {id: one, prompt: A harbour}
  - {id: two, prompt: A lighthouse}
run: {backend: emulator}
"""


@pytest.fixture
def folder(tmp_path):
    Image.new("RGB", (320, 240), "teal").save(tmp_path / "picture.png")
    (tmp_path / "harbor.wanbatch.yaml").write_text(MANIFEST)
    return tmp_path


def call(folder, command, *words):
    environ = {**os.environ, "WANBATCH_EMULATOR_OPTIONS": "--render tiny"}
    return subprocess.run(
        [sys.executable, "-m", "wanbatch", command, "harbor.wanbatch.yaml", *words],
        cwd=folder, env=environ, capture_output=True, text=True, check=False, timeout=60, stdin=subprocess.DEVNULL,
    )  # fmt: skip


def test_a_part_of_a_selection_may_be_empty_but_no_selection(folder):
    chosen = []
    for part in ("1/2", "2/2"):
        done = call(folder, "plan", "--json", "--select", "one", "--shard", part)
        assert done.returncode == 0, done.stderr
        chosen += [job["name"] for job in json.loads(done.stdout)["jobs"] if job["selected"]]
    assert chosen == ["one"]
    assert call(folder, "plan", "--select", "none", "--shard", "1/2").returncode == 2


def test_an_empty_part_runs_to_nothing(folder):
    for part in ("1/2", "2/2"):
        done = call(folder, "run", "--select", "one", "--shard", part, "--output", part.replace("/", "of"))
        assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("command", ["plan", "report"])
def test_a_file_that_cannot_be_written_is_told(folder, command):
    done = call(folder, command, "-o", "missing/x.json")
    assert done.returncode == 4, done.stderr
    assert "missing/x.json cannot be written" in done.stderr
