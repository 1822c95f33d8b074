"""Real schedulers and workers of Dask, as processes on loopback or in a network
namespace, started and ended by a test."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).parent.parent.parent
WITHIN_S = 60.0


PRELOAD = "compute.preload"


def environment(**more: str) -> dict[str, str]:
    """Workers find the product and what tests bring; they know no key."""
    known = {name: text for name, text in os.environ.items() if not name.startswith("WANBATCH")}
    return {**known, "PYTHONPATH": os.pathsep.join([str(ROOT), str(ROOT / "tests")]), **more}


@dataclass
class Processes:
    """A scheduler and its workers. ``address`` is how it names itself."""

    folder: Path
    misbehave: str = ""
    tls: Sequence[str] = ()
    scheduler: subprocess.Popen[bytes] | None = None
    workers: list[subprocess.Popen[bytes]] = field(default_factory=list)
    address: str = ""

    @property
    def url(self) -> str:
        """As ``--workers`` says it."""
        return self.address.replace("tcp://", "dask://")

    def start_scheduler(self, host: str = "127.0.0.1", within: Sequence[str] = ()) -> None:
        file = self.folder / "scheduler.json"
        words = ["--host", host, "--port", "0", "--no-dashboard", "--scheduler-file", str(file)]
        self.scheduler = self._start("dask_scheduler", [*words, *self.tls], within)
        until = time.monotonic() + WITHIN_S
        while not self.address:
            assert self.scheduler.poll() is None, self.log()
            assert time.monotonic() < until, self.log()
            time.sleep(0.05)
            if file.exists() and file.read_text().endswith("}"):
                self.address = json.loads(file.read_text())["address"]

    def start_worker(
        self, *options: str, host: str = "127.0.0.1", within: Sequence[str] = ()
    ) -> subprocess.Popen[bytes]:
        words = [self.address, "--host", host, "--no-dashboard", "--no-nanny", "--nthreads", "1"]
        local = ["--local-directory", str(self.folder / f"w{len(self.workers)}")]
        preload = ["--preload", PRELOAD]
        all_words = [*words, *local, *preload, *self.tls, *options]
        worker = self._start("dask_worker", all_words, within)
        self.workers.append(worker)
        return worker

    def wait_for_workers(self, count: int) -> None:
        until = time.monotonic() + WITHIN_S
        while self.log().count("Registered to:") < count:
            assert time.monotonic() < until, self.log()
            time.sleep(0.05)

    def _start(
        self, module: str, words: Sequence[str], within: Sequence[str]
    ) -> subprocess.Popen[bytes]:
        log = (self.folder / "dask.log").open("ab")
        command = [*within, sys.executable, "-m", f"distributed.cli.{module}", *words]
        with log:
            return subprocess.Popen(
                command, stdout=log, stderr=log, env=self._environment(), cwd=self.folder
            )

    def _environment(self) -> dict[str, str]:
        return environment(MISBEHAVE=self.misbehave, MISBEHAVE_IN=str(self.folder))

    def log(self) -> str:
        path = self.folder / "dask.log"
        return path.read_text(errors="replace") if path.exists() else ""

    def end(self) -> None:
        for process in [*self.workers, *filter(None, [self.scheduler])]:
            if process.poll() is None:
                process.send_signal(signal.SIGCONT)
                process.kill()
            process.wait()


@contextmanager
def processes(folder: Path, workers: int = 2, misbehave: str = "") -> Iterator[Processes]:
    """A scheduler and so many workers on loopback, that misbehave as ``preload``
    says."""
    folder.mkdir(parents=True, exist_ok=True)
    made = Processes(folder, misbehave)
    try:
        made.start_scheduler()
        for _ in range(workers):
            made.start_worker()
        made.wait_for_workers(workers)
        yield made
    finally:
        made.end()
