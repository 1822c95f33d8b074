"""A run in real time against the bound of its own latencies: two hundred jobs, fifty in
flight, twenty submits a second, median 3 s, σ 0.4.

Prints makespan, bound and their ratio, the 429s that the server sent, and what was
lost. The emulator runs in a process of its own and refuses what is over its limits; a
profile of kind ``gateway`` leads to it. The bound is a simulation with the very
latencies that the server drew: a server with that many places and that many submits a
second, no lag at all. ``cold`` knows no latencies; ``warm`` follows it, with the same
ledger.

    python benchmarks/run_realtime.py [--jobs 200] [--in-flight 50] [--rate 20]
        [--latency 3] [--sigma 0.4] [--repeat 1]
"""

from __future__ import annotations

import argparse
import heapq
import json
import os
import sqlite3
import subprocess
import sys
import tempfile
import time
from contextlib import closing
from pathlib import Path

from PIL import Image

from wanbatch.emulator.process import start_emulator

MANIFEST = """\
wanbatch: 1
name: realtime
jobs:
  - id: job
    prompt: A harbour
    prompt_extend: false
    seconds: 2
    media: {{first_frame: picture.png}}
    seeds: {{start: {start}, count: {jobs}}}
"""
CONFIG = """\
[backends.local]
kind = "gateway"
base_url = "{base_url}"
api_key_env = "LOCAL_KEY"
poll_interval = 0.5
rate = {rate}
max_in_flight = {in_flight}
submit_concurrency = {submit_concurrency}
"""


def zero_lag_bound(latencies: list[float], in_flight: int, rate: float) -> float:
    """Seconds from the first submit to the last result where every free place is filled
    at once, in the order given, at ``rate`` submits a second."""
    places = [0.0] * in_flight
    last = 0.0
    for index, latency in enumerate(latencies):
        begin = max(index / rate, heapq.heappop(places))
        heapq.heappush(places, begin + latency)
        last = max(last, begin + latency)
    return last


class Yard:
    """A project folder and a server with limits. A context manager."""

    def __init__(self, folder: Path, given: argparse.Namespace) -> None:
        self.folder, self.given = folder, given
        options = (
            f"--latency {given.latency} --latency-sigma {given.sigma} --max-running"
            f" {given.in_flight} --over-limit refuse"
        )
        self.options = [
            *options.split(),
            "--submits-per-second",
            str(given.rate),
            "--render",
            "tiny",
        ]

    def __enter__(self) -> Yard:
        given = self.given
        Image.new("RGB", (320, 240), "teal").save(self.folder / "picture.png")
        self.server = start_emulator(self.folder / "books", *self.options)
        config = CONFIG.format(
            base_url=self.server.base_url,
            rate=given.rate,
            in_flight=given.in_flight,
            submit_concurrency=given.submit_concurrency,
        )
        (self.folder / "config.toml").write_text(config)
        return self

    def __exit__(self, *_: object) -> None:
        self.server.stop()

    def run(self, start: int, jobs: int) -> float:
        """A run of ``jobs`` seeds from ``start`` on; returns the seconds that the
        command took."""
        (self.folder / "realtime.wanbatch.yaml").write_text(MANIFEST.format(start=start, jobs=jobs))
        environ = {
            **os.environ,
            "WANBATCH_CONFIG": str(self.folder / "config.toml"),
            "LOCAL_KEY": "sk-local-key",
        }
        command = [
            sys.executable,
            "-m",
            "wanbatch",
            "run",
            "realtime.wanbatch.yaml",
            "--backend",
            "local",
            "--yes",
            "-q",
        ]
        begin = time.monotonic()
        done = subprocess.run(
            command, cwd=self.folder, env=environ, check=False, capture_output=True, text=True
        )
        wall_s = time.monotonic() - begin
        if done.returncode != 0:
            sys.exit(f"the run ended with {done.returncode}:\n{done.stderr[-3000:]}")
        return wall_s

    def latencies(self, start: int) -> list[float]:
        """What the server drew for the jobs from seed ``start`` on, in the order of
        their submits."""
        records = [
            json.loads(line)
            for line in (self.folder / "books/tasks.jsonl").read_text().splitlines()
        ]
        return [
            r["latency_s"]
            for r in records
            if r["event"] == "accepted" and r["body"]["seed"] >= start
        ]

    def print_result(self, name: str, start: int, wall_s: float) -> None:
        given = self.given
        with closing(sqlite3.connect(self.folder / "reports/ledger.db")) as ledger:
            first, last, done = ledger.execute(
                "SELECT min(intent_at), max(stored_at), sum(state = 'stored') FROM attempts"
                " WHERE json_extract(request, '$.seed') >= ?",
                (start,),
            ).fetchone()
            (refused,) = ledger.execute(
                "SELECT count(*) FROM attempts WHERE state = 'planned' AND"
                " json_extract(request, '$.seed') >= ?",
                (start,),
            ).fetchone()
        report = json.loads((self.folder / "reports/realtime/report.json").read_text())
        bound_s, makespan_s = (
            zero_lag_bound(self.latencies(start), given.in_flight, given.rate),
            last - first,
        )
        print(
            f"{name}: bound {bound_s:.2f} s, makespan {makespan_s:.2f} s, ratio"
            f" {makespan_s / bound_s:.3f}; whole command {wall_s:.2f} s; "
            f"429s {refused}; lost {given.jobs - done};"
            f" {report['totals']['http_requests'] / given.jobs:.1f} requests a job"
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--jobs", type=int, default=200)
    parser.add_argument("--in-flight", type=int, default=50)
    parser.add_argument("--rate", type=float, default=20.0)
    parser.add_argument("--latency", type=float, default=3.0)
    parser.add_argument("--sigma", type=float, default=0.4)
    parser.add_argument("--repeat", type=int, default=1)
    parser.add_argument("--submit-concurrency", type=int, default=1)
    given = parser.parse_args()
    print(
        f"jobs {given.jobs}, in flight {given.in_flight}, {given.rate:g} submits/s, median"
        f" {given.latency:g} s, sigma {given.sigma:g}"
    )
    for _ in range(given.repeat):
        with tempfile.TemporaryDirectory() as name, Yard(Path(name), given) as yard:
            for which, start in (("cold", 0), ("warm", 1_000_000)):
                yard.print_result(which, start, yard.run(start, given.jobs))


if __name__ == "__main__":
    main()
