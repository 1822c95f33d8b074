"""Checks and posters of 200 videos: one thread against two, and two workers of a Dask
cluster against two threads.

Asked: two threads are at least 1.7 times as fast as one, the cluster is within 10 % of
them. Beside it stands what a second machine would add: how many bytes of video a second
of one core looks at, and so how many cores a network of 1 Gbit/s feeds.

How it works: the videos are looked at in slices, each slice by every pool in turn and
in changing order. On a machine that others use no pool can be twice as fast as another:
so the kernel is asked how long each working thread stood in line for a core
(``schedstat``), and a second ratio leaves that out. What a thread waited for the
interpreter's lock, for the disk or for us stays in it. The load is printed.

    python benchmarks/work_pool.py [--videos 200] [--slices 5]
"""

from __future__ import annotations

import argparse
import os
import resource
import tempfile
import threading
import time
from contextlib import ExitStack
from pathlib import Path
from statistics import median

import av
from PIL import Image

from wanbatch.compute.threads import Threads
from wanbatch.model.measures import Level, References, Targets
from wanbatch.model.pool import Pool, where
from wanbatch.model.workers import Workers
from wanbatch.operations.pools import do_all, open_pool
from wanbatch.videos.errands import LOOK, look_values
from wanbatch.words.files import hash_file

SECONDS, DISTINCT, SIZE = 2, 8, (1280, 720)
GIGABIT_BYTES_S = 125e6


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--videos", type=int, default=200)
    parser.add_argument("--slices", type=int, default=5)
    asked = parser.parse_args()
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        videos = draw(folder, asked.videos)
        print(
            f"{len(videos)} videos of {SECONDS} s, {SIZE[0]}×{SIZE[1]}, on {os.cpu_count()} cores;"
        )
        print(f"load at the start: {load()}")
        pools: dict[str, Pool] = {
            "one thread": Threads(1),
            "two threads": Threads(2),
            "two workers": open_pool(Workers(2, "dask"), folder, ()),
        }
        for pool in pools.values():
            stack.callback(pool.close)
        took = measure(pools, videos, asked.slices, folder)
    report(took)


class Took:
    """Seconds of each slice by pool: as they passed, and without those in which its
    threads stood in line. ``cpu_s`` are those of one thread."""

    def __init__(self) -> None:
        self.wall: dict[str, list[float]] = {}
        self.own: dict[str, list[float]] = {}
        self.cpu_s = 0.0
        self.bytes = 0


def measure(pools: dict[str, Pool], videos: list[Path], slices: int, folder: Path) -> Took:
    took = Took()
    parts = [videos[number::slices] for number in range(slices)]
    workers: dict[str, list[int]] = {}
    for name, pool in pools.items():  # what is loaded once is not measured
        known = set(lookers())
        look(pool, videos[:4], folder / f"warm {name}")
        workers[name] = [*set(lookers()) - known]
    names = list(pools)
    for number, part in enumerate(parts):
        order = names[number % len(names) :] + names[: number % len(names)]
        for name in order:
            pids = workers[name] or [one.pid for one in pools[name]._local.workers]  # type: ignore[attr-defined]
            before, began, cpu = stood(pids), time.perf_counter(), cpu_s()
            look(pools[name], part, folder / f"{number} {name}")
            wall = time.perf_counter() - began
            took.wall.setdefault(name, []).append(wall)
            took.own.setdefault(name, []).append(wall - in_line_s(before, stood(pids)))
            if name == "one thread":
                took.cpu_s += cpu_s() - cpu
                took.bytes += sum(video.stat().st_size for video in part)
        shown = ", ".join(f"{n} {took.wall[n][-1]:.1f} s ({took.own[n][-1]:.1f})" for n in names)
        print(f"slice {number + 1} of {len(part)} videos: {shown}; load {load()}", flush=True)
    return took


def lookers() -> list[int]:
    return [
        t.native_id for t in threading.enumerate() if t.name == "wanbatch looks" and t.native_id
    ]


Standing = dict[int, dict[str, tuple[int, int]]]


def stood(pids: list[int]) -> Standing:
    """Nanoseconds that each thread of ours, or of a worker's process, ran and stood in
    line."""
    found: Standing = {}
    for pid in pids:
        own = Path(f"/proc/self/task/{pid}/schedstat")
        paths = [own] if own.exists() else Path(f"/proc/{pid}/task").glob("*/schedstat")
        texts = {str(path): path.read_text().split() for path in paths}
        found[pid] = {name: (int(text[0]), int(text[1])) for name, text in texts.items()}
    return found


def in_line_s(before: Standing, after: Standing) -> float:
    """The mean of what the busiest thread of each stood in line."""
    waits = []
    for pid, tasks in after.items():
        moved = [
            (ran - before[pid].get(name, (0, 0))[0], stood - before[pid].get(name, (0, 0))[1])
            for name, (ran, stood) in tasks.items()
        ]
        waits.append(max(moved)[1])
    return sum(waits) / len(waits) / 1e9


def look(pool: Pool, videos: list[Path], folder: Path) -> None:
    values = [
        look_values(
            where(video, hash_file(video)),
            References(),
            Targets(folder / f"{video.stem}.webp"),
            Level.ALL,
        )
        for video in videos
    ]
    found = do_all(pool, LOOK, values)
    assert all(hasattr(one, "frames") for one in found)
    assert len([*folder.iterdir()]) == len(videos)


def report(took: Took) -> None:
    for title, found in (("as it passed", took.wall), ("without standing in line", took.own)):
        one, two, cluster = (found[name] for name in ("one thread", "two threads", "two workers"))
        rows = [row for row in zip(one, two, cluster, strict=True) if min(row) > 0]
        print(f"{title}, the median of {len(rows)} slices:")
        twice = median(a / b for a, b, _ in rows)
        print(f"  two threads are {twice:.2f} times as fast as one (asked: 1.7)")
        ratio = median(c / b for _, b, c in rows)
        print(f"  two workers take {ratio:.2f} of the time of two threads (asked: 1.1)")
    rate = took.bytes / took.cpu_s
    print(
        f"a second machine: {rate / 1e6:.2f} MB of video a CPU second,"
        f" {took.cpu_s:.1f} CPU seconds; 1 Gbit/s feeds {GIGABIT_BYTES_S / rate:.0f} cores"
    )


def cpu_s() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def load() -> str:
    return f"{os.getloadavg()[0]:.1f}"


def draw(folder: Path, count: int) -> list[Path]:
    """So many files, of a few that differ: reading them again costs a decode all the
    same."""
    drawn = [_draw(folder / f"drawn-{number}.mp4", number) for number in range(DISTINCT)]
    videos = []
    for number in range(count):
        path = folder / f"{number:03}.mp4"
        path.write_bytes(drawn[number % DISTINCT].read_bytes())
        videos.append(path)
    return videos


def frame_of(picture: Image.Image) -> av.VideoFrame:
    frame: av.VideoFrame = av.VideoFrame.from_image(picture)  # type: ignore[no-untyped-call]
    return frame


def _draw(path: Path, number: int) -> Path:
    ground = Image.effect_noise((SIZE[0] + 200, SIZE[1]), 30 + 5 * number).convert("RGB")
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=24, options={"preset": "fast", "crf": "30"})
        stream.width, stream.height, stream.pix_fmt = *SIZE, "yuv420p"
        for frame in range(24 * SECONDS):
            picture = ground.crop((frame * 4, 0, frame * 4 + SIZE[0], SIZE[1]))
            for packet in stream.encode(frame_of(picture)):
                container.mux(packet)
        for packet in stream.encode():
            container.mux(packet)
    return path


if __name__ == "__main__":
    main()
