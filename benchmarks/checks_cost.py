"""What looking at a video costs: the checks, and poster, preview and strip, beside
decoding alone; and whether two of them run side by side on two cores.

    python benchmarks/checks_cost.py [--clips 8]

The clip is 5 s of 720P, drawn by the emulator. CPU seconds are those of the thread
that looks (``time.thread_time``), the least of three runs: the machine may be shared.
Scaling is clips a second with as many threads as cores, over clips a second with one.
What is to be had at best is measured in the same run with processes, which share no
lock: on a machine that others use, the ratio of both is what tells.
"""

from __future__ import annotations

import argparse
import io
import multiprocessing
import os
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import Executor, ProcessPoolExecutor, ThreadPoolExecutor
from pathlib import Path

import av
from PIL import Image, ImageDraw, ImageFilter

from wanbatch.emulator.video.animatic import Scene, render
from wanbatch.model.measures import Level, References, Targets
from wanbatch.videos.looking import look_at

CHECKS_AT_MOST_S, FILES_AT_MOST_S, SCALING_AT_LEAST = 1.1, 0.6, 1.7
"""The bounds of the report's contract."""


def draw(folder: Path) -> tuple[Path, Path]:
    """A busy picture, and the clip that begins with it."""
    noise = Image.effect_noise((1280, 720), 60).filter(ImageFilter.GaussianBlur(1))
    picture = Image.blend(Image.radial_gradient("L").resize((1280, 720)), noise, 0.3).convert("RGB")
    pen = ImageDraw.Draw(picture)
    for i in range(60):
        x, y, r = (i * 397) % 1280, (i * 211) % 720, 10 + (i * 37) % 110
        pen.ellipse((x - r, y - r, x + r, y + r), fill=(i * 4, 255 - i * 4, (i * 53) % 256))
    first, clip = folder / "first.png", folder / "clip.mp4"
    picture.save(first)
    content = io.BytesIO()
    picture.save(content, "PNG")
    render(Scene(5, "720P", 7, "dawn", first_frame=content.getvalue()), clip)
    return first, clip


def decode(clip: Path) -> None:
    with av.open(str(clip)) as container:
        stream = container.streams.video[0]
        stream.codec_context.thread_count = 1
        for _ in container.decode(stream):
            pass


def cpu_s(work: Callable[[], object]) -> float:
    """The least CPU seconds of this thread in three runs."""
    found = []
    for _ in range(3):
        begun = time.thread_time()
        work()
        found.append(time.thread_time() - begun)
    return min(found)


def look(first: Path, clip: Path, number: int, *, files: bool = True) -> None:
    names = [clip.with_name(f"{number}{end}") for end in (".webp", ".mp4", "-5.webp")]
    look_at(clip, References(first), Targets(*names) if files else Targets(), Level.ALL)


def look_all(pool: Executor, first: Path, clip: Path, clips: int) -> float:
    """Wall seconds until ``clips`` have been looked at."""
    begun = time.monotonic()
    for done in [pool.submit(look, first, clip, number) for number in range(clips)]:
        done.result()
    return time.monotonic() - begun


def scaling(first: Path, clip: Path, clips: int, cores: int) -> tuple[float, float]:
    """How much sooner all are done with a thread, and with a process, for each core.
    The best of three rounds, in turn."""
    found: dict[str, list[float]] = {"one": [], "threads": [], "processes": []}
    fresh = multiprocessing.get_context("spawn")
    with (
        ThreadPoolExecutor(1) as one,
        ThreadPoolExecutor(cores) as threads,
        ProcessPoolExecutor(cores, mp_context=fresh) as processes,
    ):
        pools: dict[str, Executor] = {"one": one, "threads": threads, "processes": processes}
        for pool in pools.values():
            look_all(pool, first, clip, cores)
        for _ in range(3):
            for name, pool in pools.items():
                found[name].append(look_all(pool, first, clip, clips))
    best = {name: min(walls) for name, walls in found.items()}
    return best["one"] / best["threads"], best["one"] / best["processes"]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--clips", type=int, default=8)
    clips = parser.parse_args().clips
    cores = os.cpu_count() or 1
    with tempfile.TemporaryDirectory() as folder:
        first, clip = draw(Path(folder))

        look(first, clip, 0, files=True)  # imports, and the picture that is kept
        alone = cpu_s(lambda: decode(clip))
        checks = cpu_s(lambda: look(first, clip, 0, files=False))
        whole = cpu_s(lambda: look(first, clip, 0, files=True))
        files = whole - checks
        print(f"5 s of 720P, {clip.stat().st_size / 1e6:.1f} MB")
        print(f"decoding alone           {alone:.2f} CPU s")
        print(f"with checks              {checks:.2f} CPU s, {checks / alone:.1f} of decoding")
        print(f"  at most {CHECKS_AT_MOST_S}:          {_verdict(checks <= CHECKS_AT_MOST_S)}")
        print(f"poster, preview, strip   {files:.2f} CPU s more, {files / alone:.1f} of decoding")
        print(f"  at most {FILES_AT_MOST_S}:          {_verdict(files <= FILES_AT_MOST_S)}")
        sizes = [
            f"{p.name} {p.stat().st_size / 1024:.0f} KB" for p in sorted(Path(folder).glob("0*"))
        ]
        print(f"  {', '.join(sizes)}")
        threads, processes = scaling(first, clip, clips, cores)
        share = threads / processes
        print(f"{clips} clips on {cores} cores: {threads:.2f} times one thread")
        print(f"  processes {processes:.2f} times, threads {100 * share:.0f} % of that")
        print(f"  at least {SCALING_AT_LEAST} of 2:    {_verdict(share >= SCALING_AT_LEAST / 2)}")


def _verdict(held: bool) -> str:
    return "held" if held else "NOT HELD"


if __name__ == "__main__":
    main()
