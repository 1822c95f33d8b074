"""``--workers``: a run on a Dask cluster gives the report of a run on threads, and one
whose scheduler nobody reaches buys nothing."""

from __future__ import annotations

import json
import re
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import command
import pytest
from compute.processes import Processes, processes
from PIL import Image
from scene import Scene

from wanbatch.words.errors import ExitCode

MANIFEST = """\
wanbatch: 1
name: m
defaults: {prompt_extend: false, seconds: 2, media: {first_frame: picture.png}}
jobs:
  - {id: one, prompt: A harbour, seeds: [1, 2]}
  - {id: base, prompt: A harbour, seed: 7}
  - {id: next, prompt: The tide goes out, media: {first_frame: {job: base, frame: last}}}
run: {backend: emulator}
"""
TIMES = re.compile(
    r"(_at|_s|^at|^in_flight|^run_id|^task_id|^polls|^http_requests|^available_until)$"
)
"""Instants, durations, ids, and what is counted by the clock."""


@pytest.fixture(scope="module")
def dask(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Processes]:
    with processes(tmp_path_factory.mktemp("dask"), 2, "mark") as made:
        yield made


def project(folder: Path) -> Path:
    folder.mkdir()
    Image.linear_gradient("L").resize((320, 240)).convert("RGB").save(folder / "picture.png")
    (folder / "m.wanbatch.yaml").write_text(MANIFEST)
    return folder


def run(folder: Path, *words: str, **env: str) -> subprocess.CompletedProcess[str]:
    given = {"WANBATCH_EMULATOR_OPTIONS": "--latency 0.2", **env}
    whole = ("run", "m.wanbatch.yaml", "--progress", "none", *words)
    return command.run(folder, *whole, env=command.environ(WANBATCH_CONFIG="/dev/null", **given))


def timeless(value: Any, name: str = "") -> Any:
    if isinstance(value, dict):
        kept = {key: timeless(one, key) for key, one in value.items()}
        return kept | {"id": "…"} if name in ("ledger", "run") else kept
    if isinstance(value, list):
        return [timeless(one, name) for one in value]
    is_number_of_attempt = name == "id" and isinstance(value, int)  # in the order of submits
    is_masked = TIMES.search(name) or is_number_of_attempt
    return "…" if is_masked and not isinstance(value, bool) else value


def report(folder: Path) -> Any:
    return timeless(json.loads((folder / "reports/m/report.json").read_text()))


def test_a_run_on_dask_gives_the_report_of_a_run_on_threads(
    dask: Processes, tmp_path: Path
) -> None:
    threads, cluster = project(tmp_path / "threads"), project(tmp_path / "cluster")
    plain = run(threads, "--workers", "2")
    done = run(cluster, "--workers", dask.url)
    assert (plain.returncode, done.returncode) == (0, 0), done.stderr
    assert "warning" not in done.stderr
    assert [*dask.folder.glob("*.begun")], "workers worked"
    ours, theirs = report(cluster), report(threads)
    text = json.dumps(ours, sort_keys=True)
    assert text == json.dumps(theirs, sort_keys=True)
    assert text.count('"poster"') == 4
    assert "\\u2026" in text, "something is masked"
    assert not [*(cluster / "reports").glob(".workers-*")]


def test_a_scheduler_that_nobody_reaches_ends_it_before_anything_is_bought(tmp_path: Path) -> None:
    with Scene(tmp_path / "scene", jobs=2) as scene, socket.socket() as unheard:
        unheard.bind(("127.0.0.1", 0))
        url = f"dask://127.0.0.1:{unheard.getsockname()[1]}"
        done = scene.run("--workers", url)
        assert done.returncode == ExitCode.ENVIRONMENT
        assert f"the scheduler at {url} cannot be reached" in done.stderr
        assert "help: start it (dask scheduler)" in done.stderr
        assert scene.bought() == {}


def test_a_scheduler_elsewhere_without_tls_is_refused(tmp_path: Path) -> None:
    done = run(project(tmp_path / "p"), "--workers", "dask://192.0.2.7:8786")
    assert done.returncode == ExitCode.REFUSED
    assert "is not encrypted; nothing was sent" in done.stderr


def test_a_scheduler_that_vanishes_does_not_end_the_run(tmp_path: Path) -> None:
    folder = project(tmp_path / "p")
    with processes(tmp_path / "dask", 1, "wait") as made:
        words = command.line("run", "m.wanbatch.yaml", "--progress", "none", "--workers", made.url)
        env = command.environ(
            WANBATCH_CONFIG="/dev/null", WANBATCH_EMULATOR_OPTIONS="--latency 0.2"
        )
        with subprocess.Popen(words, cwd=folder, env=env, stderr=subprocess.PIPE) as process:
            until = time.monotonic() + 60
            while not [*made.folder.glob("*.begun")]:
                assert time.monotonic() < until
                time.sleep(0.05)
            assert made.scheduler is not None
            made.scheduler.kill()
            said = process.communicate(timeout=120)[1].decode()
    assert process.returncode == 0, said
    assert f"warning: the scheduler at {made.url} is gone: the run goes on with threads" in said
    assert json.loads((folder / "reports/m/report.json").read_text())["totals"]["done"] == 4


@pytest.mark.parametrize("word", ["0", "many", "dask://", "http://h:1", "tls://h:0", "1025", "-1"])
def test_what_names_no_workers_is_refused(tmp_path: Path, word: str) -> None:
    done = run(project(tmp_path / "p"), f"--workers={word}")
    assert done.returncode == ExitCode.INVALID
    assert "a number of threads, dask, dask://HOST:PORT or tls://HOST:PORT" in done.stderr
