"""The same two hundred jobs by wanbatch and by what people use instead, on the same
emulator in the same run: median 3 s, fifty in flight, twenty submits a second.

Prints for each: the makespan over the bound without lag, the command over it from its
start until the last video is on disk and (wanbatch) in the ledger, requests a job,
429s, jobs without a video, seconds of CPU until then, and memory; then the seconds and
CPU seconds that it went on for: posters, checks, report. And after one SIGKILL in the
middle and the same command again: bought twice, lost, missing. Only the emulator's own
books, the files on disk and the kernel's count of CPU are taken, never what a program
says of itself.

How it works: a fresh emulator in a process of its own for each run, with a limit of
places and of submits a second. The makespan is from the first accepted task to the last
video on disk; the bound is ``zero_lag_bound`` of the very latencies that were drawn.
Each program runs once as it is, and once more to be killed when half of the jobs are
accepted. *Lost* are tasks that were paid for and whose video nobody has. The programs
stand in ``peers/`` as a person would write them, after their own documentation. Fixed
polls of 5 and 15 s are scaled as the latency is: 3 s stand for 90. wanbatch runs
thrice: as it is; without looks at videos (posters, checks), which no peer has; and in
DashScope's dialect, which has a list.

    python benchmarks/peers.py [--only NAME …] [--jobs 200] [--latency 3] [--no-kill]
"""

from __future__ import annotations

import argparse
import compileall
import json
import os
import signal
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from urllib.request import ProxyHandler, build_opener

from PIL import Image
from run_realtime import CONFIG, MANIFEST, zero_lag_bound

from wanbatch.emulator.process import EmulatorProcess, start_emulator

HERE = Path(__file__).parent
REAL_MEDIAN_S = 90.0
"""What the emulator's median stands for, where a peer polls at a fixed interval."""
KEY = "sk-local-key"


@dataclass(frozen=True)
class Program:
    """A way to make the jobs: a command, and what its environment has besides."""

    command: list[str]
    environ: dict[str, str]
    kind: str = ""


@dataclass
class Ended:
    """``samples`` are instants (Unix) and the CPU seconds used until then."""

    began_at: float = 0.0
    wall_s: float = 0.0
    cpu_s: float = 0.0
    memory_mb: float = 0.0
    code: int = 0
    samples: list[tuple[float, float]] = field(default_factory=list)

    def cpu_until(self, instant: float) -> float:
        return next((cpu_s for at, cpu_s in self.samples if at >= instant), self.cpu_s)


class Sampler(threading.Thread):
    """Reads a process's CPU seconds, all threads', twenty times a second."""

    def __init__(self, pid: int) -> None:
        super().__init__(daemon=True)
        self.pid, self.samples = pid, list[tuple[float, float]]()

    def run(self) -> None:
        ticks = os.sysconf("SC_CLK_TCK")
        while True:
            try:
                text = Path(f"/proc/{self.pid}/stat").read_text()
            except OSError:
                return
            used = text.rpartition(")")[2].split()[11:13]
            self.samples.append((time.time(), sum(map(int, used)) / ticks))
            time.sleep(0.05)


def programs(given: argparse.Namespace) -> dict[str, Program]:
    """All of them, by the name that is printed."""
    scaled = {seconds: str(seconds * given.latency / REAL_MEDIAN_S) for seconds in (5, 15)}

    def script(name: str, **environ: str) -> Program:
        return Program([sys.executable, str(HERE / "peers" / name)], environ)

    run = [sys.executable, "-m", "wanbatch", "run", "realtime.wanbatch.yaml", "--backend"]
    run += ["local", "--yes", "-q"]
    return {
        "wanbatch": Program(run, {}, "gateway"),
        "wanbatch, no looks": Program([*run, "--checks", "none"], {}, "gateway"),
        "wanbatch, list": Program(run, {}, "dashscope"),
        "openai, 1 s": script("openai_gather.py"),
        "openai, 15 s scaled": script("openai_gather.py", POLL_S=scaled[15]),
        "dashscope": script("dashscope_threads.py"),
        "aiohttp, 5 s scaled": script("aiohttp_poll.py", POLL_S=scaled[5]),
        "aiohttp, 15 s scaled": script("aiohttp_poll.py", POLL_S=scaled[15]),
    }


class Scene:
    """A folder with a project and a fresh emulator. A context manager."""

    def __init__(self, folder: Path, program: Program, given: argparse.Namespace) -> None:
        self.folder, self.program, self.given = folder, program, given

    def __enter__(self) -> Scene:
        given = self.given
        Image.new("RGB", (320, 240), "teal").save(self.folder / "picture.png")
        self.server: EmulatorProcess = start_emulator(
            self.folder / "books",
            *f"--latency {given.latency} --latency-sigma {given.sigma}".split(),
            *f"--max-running {given.in_flight} --over-limit refuse".split(),
            *f"--submits-per-second {given.rate} --render tiny".split(),
        )
        manifest = MANIFEST.format(start=0, jobs=given.jobs)
        (self.folder / "realtime.wanbatch.yaml").write_text(manifest)
        config = CONFIG.format(
            base_url=self.server.base_url,
            rate=given.rate,
            in_flight=given.in_flight,
            submit_concurrency=1,
        ).replace('"gateway"', f'"{self.program.kind or "gateway"}"')
        (self.folder / "config.toml").write_text(config)
        return self

    def __exit__(self, *_: object) -> None:
        self.server.stop()

    def start(self) -> subprocess.Popen[bytes]:
        given = self.given
        environ = {
            **os.environ,
            "NO_PROXY": "127.0.0.1",
            "WANBATCH_CONFIG": str(self.folder / "config.toml"),
            "LOCAL_KEY": KEY,
            "API_KEY": KEY,
            "BASE_URL": self.server.base_url,
            "JOBS": str(given.jobs),
            "IN_FLIGHT": str(given.in_flight),
            "RATE": str(given.rate),
            **self.program.environ,
            # A user has no trio, which httpx imports at each start; a developer has it.
            "PYTHONPATH": f"{HERE.parent}{os.pathsep}{HERE.parent / 'tests/without_trio'}",
        }
        environ.pop("PYTHONDONTWRITEBYTECODE", None)
        log = (self.folder / "log").open("ab")
        return subprocess.Popen(
            self.program.command, cwd=self.folder, env=environ, stdout=log, stderr=log
        )

    def run(self, kill_at: int | None = None) -> Ended:
        """Runs the command to its end, or until so many tasks were accepted."""
        began, began_at = time.monotonic(), time.time()
        process = self.start()
        sampler = Sampler(process.pid)
        sampler.start()
        while kill_at is not None and self.accepted() < kill_at and process.poll() is None:
            time.sleep(0.1)
        if kill_at is not None:
            process.send_signal(signal.SIGKILL)
        _, status, used = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        return Ended(
            began_at,
            time.monotonic() - began,
            used.ru_utime + used.ru_stime,
            used.ru_maxrss / 1024,
            process.returncode,
            sampler.samples,
        )

    def stored_at(self) -> float:
        """When the last video was on disk, and for wanbatch in its ledger."""
        last = max(path.stat().st_mtime for path in self.videos())
        ledger = self.folder / "reports/ledger.db"
        if ledger.exists():
            with closing(sqlite3.connect(ledger)) as rows:
                (stored,) = rows.execute("SELECT max(stored_at) FROM attempts").fetchone()
            last = max(last, float(stored))
        return last

    # -- the books ---------------------------------------------------------------------

    def books(self) -> dict[str, list[dict[str, object]]]:
        """The lines of ``tasks.jsonl`` by their event."""
        found: dict[str, list[dict[str, object]]] = {"accepted": [], "ended": []}
        for line in (self.folder / "books/tasks.jsonl").read_text().splitlines():
            record = json.loads(line)
            found.setdefault(record["event"], []).append(record)
        return found

    def accepted(self) -> int:
        path = self.folder / "books/tasks.jsonl"
        return path.read_text().count('"event":"accepted"') if path.exists() else 0

    def calls(self) -> dict[str, int]:
        """The server's own count of requests by their kind."""
        opener = build_opener(ProxyHandler({}))
        with opener.open(f"{self.server.base_url}/__books") as answer:
            calls: dict[str, int] = json.load(answer)["calls"]
        return calls

    def videos(self) -> list[Path]:
        """What is on disk under a final name."""
        places = (self.folder / "videos", self.folder / "reports/realtime/videos")
        return [
            path
            for place in places
            for path in place.rglob("*.mp4")
            if not any(part.startswith(".") for part in path.relative_to(place).parts)
        ]


def measure(program: Program, given: argparse.Namespace) -> str:
    """One undisturbed run, in words."""
    with tempfile.TemporaryDirectory() as name, Scene(Path(name), program, given) as scene:
        ended = scene.run()
        calls, tasks, videos = scene.calls(), scene.books()["accepted"], scene.videos()
        if not videos:
            return f"nothing was made, exit code {ended.code}: {log_of(scene)}"
        bound_s = zero_lag_bound(
            [float(str(task["latency_s"])) for task in tasks], given.in_flight, given.rate
        )
        first = min(float(str(task["accepted_at"])) for task in tasks)
        stored_at = scene.stored_at()
        command_s = stored_at - ended.began_at
        cpu_s = ended.cpu_until(stored_at)
        refused = calls.get("submit", 0) - len(tasks)
        return (
            f"{(stored_at - first) / bound_s:8.3f} {command_s / bound_s:7.3f}"
            f" {sum(calls.values()) / given.jobs:8.1f} {refused:5d}"
            f" {given.jobs - len(videos):5d} {cpu_s:6.1f} {ended.memory_mb:6.0f}"
            f" | {ended.wall_s - command_s:5.1f} {ended.cpu_s - cpu_s:5.1f}"
        )


def log_of(scene: Scene) -> str:
    return (scene.folder / "log").read_text(errors="replace")[-600:]


def disturb(program: Program, given: argparse.Namespace) -> str:
    """One SIGKILL when half is accepted, the same command again, in words."""
    with tempfile.TemporaryDirectory() as name, Scene(Path(name), program, given) as scene:
        scene.run(kill_at=given.jobs // 2)
        scene.run()
        twice, videos = scene.accepted() - given.jobs, len(scene.videos())
        return f"{max(0, twice):6d} {scene.accepted() - videos:5d} {given.jobs - videos:7d}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--jobs", type=int, default=200)
    parser.add_argument("--in-flight", type=int, default=50)
    parser.add_argument("--rate", type=float, default=20.0)
    parser.add_argument("--latency", type=float, default=3.0)
    parser.add_argument("--sigma", type=float, default=0.4)
    parser.add_argument("--only", nargs="*", help="names of programs, or their begin")
    parser.add_argument("--no-kill", action="store_true")
    given = parser.parse_args()
    chosen: Callable[[str], bool] = lambda name: (  # noqa: E731
        not given.only or any(name.startswith(one) for one in given.only)
    )
    # An installed package is compiled; a checkout may never have been.
    compileall.compile_dir(HERE.parent / "wanbatch", quiet=1)
    print(
        f"jobs {given.jobs}, in flight {given.in_flight}, {given.rate:g} submits/s, median"
        f" {given.latency:g} s, sigma {given.sigma:g}; load {os.getloadavg()[0]:.1f}\n"
        f"{'':22s} makespan command requests  429s  lost    CPU     MB | after   CPU |  twice"
        "  lost missing"
    )
    for name, program in programs(given).items():
        if chosen(name):
            row = measure(program, given)
            row += "" if given.no_kill else f" | {disturb(program, given)}"
            print(f"{name:22s} {row}", flush=True)


if __name__ == "__main__":
    main()
