"""A project folder, an API of its own in its own process, and the real command: what
tests with real processes share.

What it may not do: import anything of the engine. The API's books are the truth about
money, the ledger is the command's word; both are read from disk.

How it works: the emulator runs apart from the command, so that a killed run does not
take it away; a profile of kind ``gateway`` in a configuration of the scene's own leads
to it over a ``RoughRoad``. Every job has its own seed, by which books and ledger are
compared.
"""

from __future__ import annotations

import hashlib
import json
import sqlite3
import subprocess
from collections import defaultdict
from contextlib import ExitStack, closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import command
from PIL import Image
from rough_road import Choose, RoughRoad, smooth

from wanbatch.emulator.process import start_emulator

MANIFEST = """\
wanbatch: 1
name: scene
jobs:
  - id: job
    prompt: A harbour
    prompt_extend: false
    seconds: 2
    media: {{first_frame: picture.png}}
    seeds: {{start: 0, count: {jobs}}}
"""
CONFIG = """\
[backends.rough]
kind = "gateway"
base_url = "{base_url}"
api_key_env = "ROUGH_KEY"
poll_interval = 0.2
rate = {rate}
max_in_flight = {in_flight}
submit_concurrency = {submit_concurrency}
price = {{720P = 0.10, 1080P = 0.15, currency = "USD"}}
"""
KEY = "sk-canary-0123456789"
FILE = "scene.wanbatch.yaml"
KILLED = "the process ended after the intent"
"""How the evidence of an attempt begins that a killed process left behind."""


@dataclass(frozen=True, slots=True)
class Row:
    """One attempt as the ledger tells it."""

    attempt_id: int
    job: str
    seed: int
    state: str
    task_id: str
    reason: str
    path: str
    sha256: str
    bytes: int


class Scene:
    """A context manager. ``emulator`` are options of the API, ``choose`` says what
    happens on the road to it."""

    def __init__(
        self,
        folder: Path,
        *,
        jobs: int,
        emulator: str = "--latency 0.4 --render cached",
        choose: Choose = smooth,
        rate: int = 200,
        in_flight: int = 50,
        submit_concurrency: int = 1,
    ) -> None:
        self.folder, self.jobs, self.submit_concurrency = (
            folder / "project",
            jobs,
            submit_concurrency,
        )
        self._books, self._config = folder / "books", folder / "config.toml"
        self._emulator, self._choose = emulator, choose
        self._settings = {
            "rate": rate,
            "in_flight": in_flight,
            "submit_concurrency": submit_concurrency,
        }
        self._stack = ExitStack()
        self.before = 0  # what was charged when a test that shares the scene began

    def __enter__(self) -> Scene:
        self.folder.mkdir(parents=True)
        Image.new("RGB", (320, 240), "teal").save(self.folder / "picture.png")
        (self.folder / FILE).write_text(MANIFEST.format(jobs=self.jobs))
        server = self._stack.enter_context(start_emulator(self._books, *self._emulator.split()))
        self.road = self._stack.enter_context(RoughRoad(server.base_url, self._choose))
        self._config.write_text(CONFIG.format(base_url=self.road.base_url, **self._settings))
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    # -- the command -------------------------------------------------------------------

    @property
    def environ(self) -> dict[str, str]:
        return command.environ(
            WANBATCH_CONFIG=str(self._config),
            ROUGH_KEY=KEY,
            PYTHONDONTWRITEBYTECODE="1",
        )

    def command(self, *words: str) -> list[str]:
        return command.line(*words)

    def run_words(self, *more: str) -> list[str]:
        return self.command("run", FILE, "--backend", "rough", "--yes", *more)

    def call(
        self, *words: str, timeout: float = 120, **given: Any
    ) -> subprocess.CompletedProcess[str]:
        """Any command, to its end."""
        return command.run(self.folder, *words, env=self.environ, timeout=timeout, **given)

    def run(self, *more: str, **given: Any) -> subprocess.CompletedProcess[str]:
        return self.call("run", FILE, "--backend", "rough", "--yes", *more, **given)

    def start(self, *more: str, **given: Any) -> subprocess.Popen[str]:
        """A run, under way."""
        streams: dict[str, Any] = {
            "stdin": subprocess.DEVNULL,
            "stdout": subprocess.PIPE,
            "stderr": subprocess.PIPE,
            **given,
        }
        return subprocess.Popen(
            self.run_words(*more), cwd=self.folder, env=self.environ, text=True, **streams
        )

    # -- what is true ------------------------------------------------------------------

    @property
    def reports(self) -> Path:
        return self.folder / "reports"

    def bought(self) -> dict[int, list[str]]:
        """The task ids that the API accepted, by seed: each was paid for."""
        log = self._books / "tasks.jsonl"
        found: dict[int, list[str]] = defaultdict(list)
        for line in log.read_text().splitlines() if log.exists() else ():
            if '"event":"accepted"' in line and line.endswith("}"):
                record = json.loads(line)
                found[record["body"]["seed"]].append(record["id"])
        return dict(found)

    def charges(self) -> int:
        return sum(len(tasks) for tasks in self.bought().values())

    def rows(self) -> list[Row]:
        """The ledger's attempts, oldest first; read as any program may, while a run
        goes on or after one was killed."""
        path = self.reports / "ledger.db"
        if not path.exists():
            return []
        with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True, timeout=10)) as ledger:
            if not ledger.execute("SELECT 1 FROM sqlite_master WHERE name = 'attempts'").fetchone():
                return []
            found = ledger.execute(
                "SELECT attempt_id, job, request, state, task_id, reason, path, sha256, bytes"
                " FROM attempts ORDER BY attempt_id"
            )
            return [
                Row(i, job, json.loads(request)["seed"], *rest) for i, job, request, *rest in found
            ]

    def report(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads((self.reports / "scene/report.json").read_text())
        return found

    # -- what must hold ----------------------------------------------------------------

    def purchases_without_intent(self) -> list[str]:
        """Accepted POSTs that the ledger has no intent for. (Each attempt sees at most
        one POST.)"""
        bought = self.bought()  # before the ledger: an intent is there before its purchase
        intents: dict[int, int] = defaultdict(int)
        for row in self.rows():
            intents[row.seed] += 1
        return [
            f"seed {seed}: {len(tasks)} bought, {intents[seed]} intents"
            for seed, tasks in bought.items()
            if len(tasks) > intents[seed]
        ]

    def half_files(self) -> list[str]:
        """Files under final names that are not, byte for byte, a video that the API
        serves."""
        whole = {_digest(path) for path in (self._books / "videos").glob("*.mp4")}
        return [
            path.name for path in self.reports.glob("*/videos/*.mp4") if _digest(path) not in whole
        ]

    def lost_videos(self) -> list[str]:
        """Paid tasks without a whole video on disk, for a scene whose jobs are all
        done."""
        homes = {row.task_id: row for row in self.rows() if row.state == "stored"}
        tasks = [task for found in self.bought().values() for task in found]
        return [task for task in tasks if task not in homes or not self._is_whole(homes[task])]

    def _is_whole(self, row: Row) -> bool:
        path = self.reports / row.path
        return path.is_file() and path.stat().st_size == row.bytes and _digest(path) == row.sha256

    def decide(self) -> int:
        """A person who can look into the API's books decides on every uncertain job:
        adopts what was bought, allows again what was not.

        Returns how many there were.
        """
        rows = self.rows()
        known = {row.task_id for row in rows if row.task_id}
        uncertain = [row for row in rows if row.state in ("uncertain", "intent")]
        bought = self.bought()
        for row in uncertain:
            unknown = [task for task in bought.get(row.seed, ()) if task not in known]
            decision = ("--adopt", unknown[0]) if unknown else ("--resubmit",)
            known.update(unknown[:1])
            done = self.call("resolve", FILE, row.job, *decision)
            assert done.returncode == 0, done.stderr
        return len(uncertain)


def _digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()
