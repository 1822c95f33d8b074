"""How many tasks one process can hold: five thousand in flight at once, on one core,
against a server in a process of its own.

Prints the highest resident memory (target: at most 300 MB), the event loop's lag at the
99th percentile (target: under 100 ms), how many tasks were in flight at most, and the
share of the core that was used. The real command runs in this process, pinned to one
core; a task beside it sleeps 10 ms again and again and notes how much longer it took.
The server's latency decides how many tasks gather. The run is told that the disk has
room for all of them: it keeps 30 MB for a video whose size it has not learnt, and the
videos here have 2 kB.

With ``--store`` the videos go into an object store as they come: moto's S3 server, a
process of its own that takes one request at a time.

    python benchmarks/in_flight.py [--tasks 5000] [--latency 120] [--rate 100] [--store]
    python benchmarks/in_flight.py --tasks 1000 --latency 20          # the quick mode
"""

from __future__ import annotations

import argparse
import os
import resource
import sys
import tempfile
import time
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

import anyio
from PIL import Image

from wanbatch.cli import main as command_line
from wanbatch.emulator.process import start_emulator
from wanbatch.operations.run import Run, RunResult

MANIFEST = """\
wanbatch: 1
name: crowd
jobs:
  - id: job
    prompt: A harbour
    prompt_extend: false
    seconds: 2
    media: {{first_frame: picture.png}}
    seeds: {{start: 0, count: {tasks}}}
"""
CONFIG = """\
[backends.local]
kind = "gateway"
base_url = "{base_url}"
api_key_env = "LOCAL_KEY"
poll_interval = {poll_interval}
rate = {rate}
max_in_flight = {tasks}
submit_concurrency = 4
{store}
"""
STORE = """\
[backends.local.store]
url = "s3://{bucket}/videos"
endpoint = "{endpoint}"
region = "us-east-1"
path_style = true
"""
BUCKET = "crowd"
STEP_S = 0.01


class Watch:
    """What was seen while the command ran."""

    def __init__(self) -> None:
        self.lags_s: list[float] = []
        self.most_in_flight = 0

    async def sample(self) -> None:
        while True:
            begin = time.monotonic()
            await anyio.sleep(STEP_S)
            self.lags_s.append(time.monotonic() - begin - STEP_S)

    async def count(self, running: Run) -> None:
        while True:
            await anyio.sleep(0.5)
            if running.runner is not None:
                self.most_in_flight = max(
                    self.most_in_flight, running.runner.scheduler.pacer.in_flight
                )

    def percentile_ms(self, share: float) -> float:
        return sorted(self.lags_s)[int(share * (len(self.lags_s) - 1))] * 1000


def watched(watch: Watch) -> None:
    """Lets ``watch`` look on while a run goes on, for which the disk has room."""
    original = Run.execute

    async def execute(self: Run) -> RunResult:
        self.context = replace(self.context, free_bytes=None)
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(watch.sample)
            tasks.start_soon(watch.count, self)
            result = await original(self)
            tasks.cancel_scope.cancel()
        return result

    Run.execute = execute  # type: ignore[method-assign]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--tasks", type=int, default=5000)
    parser.add_argument("--latency", type=float, default=120.0)
    parser.add_argument("--rate", type=float, default=100.0)
    parser.add_argument("--poll-interval", type=float, default=15.0)
    parser.add_argument("--store", action="store_true", help="videos go to an object store")
    parser.add_argument("--profile", action="store_true", help="say where the time went")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        Image.new("RGB", (320, 240), "teal").save(folder / "picture.png")
        (folder / "crowd.wanbatch.yaml").write_text(MANIFEST.format(tasks=given.tasks))
        with ExitStack() as stack:
            options = f"--latency {given.latency} --latency-sigma 0.2 --render tiny".split()
            server = stack.enter_context(start_emulator(folder / "books", *options))
            store = open_store(stack) if given.store else ""
            config = CONFIG.format(
                base_url=server.base_url,
                rate=given.rate,
                tasks=given.tasks,
                poll_interval=given.poll_interval,
                store=store,
            )
            (folder / "config.toml").write_text(config)
            os.environ |= {
                "WANBATCH_CONFIG": str(folder / "config.toml"),
                "LOCAL_KEY": "sk-local-key",
            }
            os.chdir(folder)
            os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
            code, watch, wall_s, cpu_s = run_here(profile=given.profile)
    peak_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(
        f"tasks {given.tasks}, latency {given.latency:g} s, exit code {code}; at most"
        f" {watch.most_in_flight} in flight"
    )
    lags = ", ".join(
        f"{name} {watch.percentile_ms(share):.1f} ms"
        for name, share in (("p50", 0.5), ("p99", 0.99), ("max", 1.0))
    )
    print(f"peak memory {peak_mb:.0f} MB; loop lag {lags}")
    print(f"took {wall_s:.1f} s, {100 * cpu_s / wall_s:.0f} % of a core")


def open_store(stack: ExitStack) -> str:
    """Starts the server, makes a bucket; the lines of the configuration for it."""
    sys.path.insert(0, str(Path(__file__).parent.parent / "tests"))
    from stores.s3_server import ACCESS_KEY, SECRET_KEY, started_s3

    os.environ |= {"AWS_ACCESS_KEY_ID": ACCESS_KEY, "AWS_SECRET_ACCESS_KEY": SECRET_KEY}
    server = stack.enter_context(started_s3())
    server.bucket(BUCKET)
    return STORE.format(bucket=BUCKET, endpoint=server.url)


def run_here(*, profile: bool) -> tuple[int, Watch, float, float]:
    """The command in this process: its exit code, what was seen, and the seconds of
    wall and CPU time."""
    watch = Watch()
    watched(watch)
    sys.argv = ["wanbatch", "run", "crowd.wanbatch.yaml", "--backend", "local", "--yes", "-q"]
    begin, cpu = time.monotonic(), time.process_time()
    if profile:
        import cProfile
        import pstats

        profiler = cProfile.Profile()
        code = profiler.runcall(command_line._guarded)
        pstats.Stats(profiler).sort_stats("tottime").print_stats(30)
    else:
        code = command_line._guarded()
    return int(code), watch, time.monotonic() - begin, time.process_time() - cpu


if __name__ == "__main__":
    main()
