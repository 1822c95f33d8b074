"""A disk that is full or broken, for real: system calls of a real run fail, by strace,
at chosen points.

What it may not do: reach beyond the output folder: only calls on its files and folders
fail, so that what fails is the disk and not Python.

How it works: a clean run in one scene tells which files there are; in a scene of its
own each ``Point`` lets one kind of system call fail, once or from then on. After it the
API's books are compared with the ledger, and a clean run must finish everything: every
job bought once, every video at home.

    python tests/torture/disk.py [--points 50]
"""

from __future__ import annotations

import argparse
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))

from scene import Scene

from wanbatch.ledger.verify import verify_ledger

JOBS = 5
EMULATOR = "--latency 0.2 --render tiny"
ENDINGS = {0, 1, 4}
"""Harmless, unfinished, environment: never a bug (70), never a death by signal."""


@dataclass(frozen=True, slots=True)
class Point:
    """The ``nth`` of these calls fails with ``error`` in each thread, and all later
    ones too where ``lasting``; ``where`` is a part of the paths meant. A ``fresh`` one
    meets an output folder that does not exist yet, any other a ledger of an earlier
    run.
    """

    calls: str
    error: str
    nth: int
    lasting: bool = False
    where: str = ""
    fresh: bool = False

    @property
    def injection(self) -> str:
        return (
            f"inject={self.calls}:error={self.error}:when={self.nth}{'+' if self.lasting else ''}"
        )

    def __str__(self) -> str:
        words = [
            self.calls.replace(",", "."),
            self.error,
            f"{self.nth}{'+' if self.lasting else ''}",
            self.where,
            "fresh" if self.fresh else "",
        ]
        return "-".join(filter(None, words))


SYNC, WRITE, LINK = "fsync,fdatasync", "write,pwrite64,writev", "link,linkat"
POINTS = [
    *(
        Point(WRITE, "ENOSPC", n, lasting=True, where="ledger.db")
        for n in (1, 9, 10, 12, 14, 17, 22, 30)
    ),
    *(Point(WRITE, "EIO", n, where="ledger.db") for n in (3, 9, 11, 16, 24)),
    *(Point(SYNC, "EIO", n, where="ledger.db") for n in (1, 2, 3, 4, 6, 8, 11)),
    *(Point(SYNC, "EIO", n, lasting=True, where="ledger.db") for n in (2, 5)),
    *(Point("openat", "EIO", n) for n in (1, 2, 3)),
    *(Point("openat", "EIO", n, where="videos") for n in (1, 2)),
    Point("openat", "ENOSPC", 1, lasting=True),
    Point("openat", "ENOSPC", 1, lasting=True, where="videos"),
    Point("openat", "EACCES", 1, lasting=True, where="ledger.db"),
    *(Point(WRITE, "ENOSPC", n, lasting=True, where="videos") for n in (1, 2)),
    Point(WRITE, "EIO", 1, where="videos"),
    *(Point(SYNC, "EIO", n, where="videos") for n in (1, 2)),
    Point(LINK, "ENOSPC", 1, lasting=True),
    *(Point(LINK, "EIO", n) for n in (1, 2)),
    Point(SYNC, "EIO", 14, where="ledger.db"),
    Point(WRITE, "EIO", 34, where="ledger.db"),
    Point("unlink,unlinkat", "EIO", 1, lasting=True),
    Point("mkdir,mkdirat", "EIO", 1, fresh=True),
    *(Point(WRITE, "ENOSPC", n, lasting=True, where="ledger.db", fresh=True) for n in (2, 14)),
    *(Point(WRITE, "EIO", n, where="ledger.db", fresh=True) for n in (3, 12)),
    *(Point(SYNC, "EIO", n, where="ledger.db", fresh=True) for n in (1, 3)),
    *(Point("openat", "ENOSPC", n, lasting=True, fresh=True) for n in (1, 3)),
    Point("mkdir,mkdirat", "ENOSPC", 1, lasting=True, fresh=True),
]
SLICE = (1, 5, 9, 14, 17, 25, 30, 35)
"""The points that every test run tries, by their place in ``POINTS``."""


def files_of_a_run(folder: Path) -> list[Path]:
    """Everything that a clean run has, or for a moment had, in its output folder,
    relative to the project."""
    with Scene(folder, jobs=JOBS, emulator=EMULATOR) as scene:
        done = scene.run()
        assert done.returncode == 0, done.stderr
        found = [scene.reports, *scene.reports.rglob("*")]
        relative = [path.relative_to(scene.folder) for path in found]
    parts = [Path(f"reports/scene/videos/.part/{n}.part") for n in range(1, 2 * JOBS)]
    return [
        *relative,
        *parts,
        Path("reports/ledger.db-wal"),
        Path("reports/ledger.db-shm"),
        Path("reports/ledger.db-journal"),
    ]


def run_with(point: Point, scene: Scene, files: list[Path]) -> subprocess.CompletedProcess[str]:
    """A run whose disk fails at ``point``."""
    # Calls with a path name it as the command does, from the project folder; those with
    # a descriptor are known by the whole path.
    meant = [path for path in files if point.where in str(path)]
    paths = [word for path in meant for word in ("-P", str(path), "-P", str(scene.folder / path))]
    strace = [
        "strace",
        "-f",
        "-qqq",
        "-o",
        str(scene.folder.parent / "strace.log"),
        "-e",
        f"trace={point.calls}",
        "-e",
        point.injection,
        *paths,
    ]
    return subprocess.run(
        [*strace, *scene.run_words()],
        cwd=scene.folder,
        env=scene.environ,
        capture_output=True,
        text=True,
        check=False,
        timeout=180,
        stdin=subprocess.DEVNULL,
    )


def hits(scene: Scene) -> int:
    """How many calls failed."""
    log = scene.folder.parent / "strace.log"
    return log.read_text(errors="replace").count("(INJECTED)") if log.exists() else 0


def try_point(point: Point, folder: Path, files: list[Path]) -> tuple[str, list[str]]:
    """One line about what happened, and what must not have."""
    with Scene(folder, jobs=JOBS, emulator=EMULATOR) as scene:
        if not point.fresh:
            first = scene.run("--select", "seed=0")
            assert first.returncode == 0, first.stderr
        done = run_with(point, scene, files)
        wrong = (
            [f"ended with {done.returncode}: {done.stderr[-500:]}"]
            if done.returncode not in ENDINGS
            else []
        )
        wrong += [
            "a traceback" for word in ("Traceback", "a bug in wanbatch") if word in done.stderr
        ]
        if done.returncode == 4 and "error: " not in done.stderr:
            wrong.append(f"nothing says what is wrong: {done.stderr[-500:]}")
        wrong += scene.purchases_without_intent()
        wrong += [f"{name} is half a file" for name in scene.half_files()]
        charges, failed = scene.charges(), hits(scene)
        wrong += finish(scene)
        said = next((line for line in done.stderr.splitlines() if line.startswith("error: ")), "")
        return (
            (
                f"{point!s:44} calls failed {failed:3}  exit {done.returncode}  bought {charges} "
                f" {said}"
            ),
            wrong,
        )


def finish(scene: Scene) -> list[str]:
    """A clean disk again: everything comes home, bought once."""
    for _ in range(3):
        scene.decide()
        done = scene.run()
        if done.returncode == 0:
            break
    wrong = (
        [f"a clean run ended with {done.returncode}: {done.stderr[-500:]}"]
        if done.returncode
        else []
    )
    wrong += [
        f"seed {seed} was bought {len(tasks)} times"
        for seed, tasks in scene.bought().items()
        if len(tasks) != 1
    ]
    wrong += [f"{task} was lost" for task in scene.lost_videos()]
    return [*wrong, *verify_ledger(scene.reports / "ledger.db")]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--points", type=int, default=len(POINTS))
    parser.add_argument(
        "--only", default="", metavar="CALL", help="points of this system call alone"
    )
    given = parser.parse_args()
    if shutil.which("strace") is None:
        sys.exit("strace is missing: install it, this test makes system calls fail with it")
    bad = reached = 0
    with tempfile.TemporaryDirectory() as name:
        files = files_of_a_run(Path(name) / "clean")
        points = [point for point in POINTS if given.only in point.calls][: given.points]
        for index, point in enumerate(points):
            line, wrong = try_point(point, Path(name) / str(index), files)
            reached += "calls failed   0" not in line
            bad += bool(wrong)
            print(line, *(f"    WRONG: {text}" for text in wrong), sep="\n", flush=True)
    print(f"points {len(points)}, reached {reached}, wrong {bad}")
    sys.exit(1 if bad else 0)


if __name__ == "__main__":
    main()
