"""How well 36 real videos of 720P play in step in the report's grid, by their previews.

What it may not do: play anything itself. It opens the report from disk in headless
Chromium, presses the page's own button, and reads the players.

How it works: the emulator's animatic draws 36 distinct videos of five seconds, into a
folder that is kept between calls if it is named; a report is made of them. In the page,
every 50 ms, each player's ``currentTime`` is compared with the clock that the page's
players follow, and with ``requestVideoFrameCallback`` each frame that was really shown:
a frame stands for as long as it lasts, so of it counts what lies outside of that. What
is within 300 ms after a loop is counted apart.

python benchmarks/report_playback.py [SECONDS] [FOLDER]
"""

from __future__ import annotations

import io
import json
import os
import shutil
import sys
import tempfile
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from decimal import Decimal
from hashlib import sha256
from pathlib import Path
from typing import Any

import av
from PIL import Image, ImageDraw
from playwright.sync_api import sync_playwright

from wanbatch.emulator.video.animatic import Scene, render
from wanbatch.model.measures import Level, References, Targets
from wanbatch.model.plan import JobState
from wanbatch.model.report import (
    Check,
    Cost,
    ManifestFacts,
    Output,
    Report,
    ReportJob,
    Totals,
)
from wanbatch.report.write import poster_name, write_report
from wanbatch.videos.looking import look_at
from wanbatch.videos.stills import make_poster

LENSES = ("24mm", "28mm", "35mm", "50mm", "85mm", "135mm")
SEEDS = tuple(range(100, 106))
SECONDS = 5
FPS = 24
VIEWPORT = {"width": 1280, "height": 1100}
"""All 36 tiles are in view."""

MEASURE = """
async seconds => {
  const bar = document.querySelector('.transport'), all = [...document.querySelectorAll('video')];
  const master = () => JSON.parse(bar.dataset.clock);
  const at = (clock, now) => {
    const moved = clock.position + (now - clock.at) / 1000 * clock.speed;
    return ((moved % clock.length) + clock.length) % clock.length;
  };
  const round = (apart, length) => apart - length * Math.round(apart / length);
  const drifts = [], frames = [], shown = new Map(all.map(v => [v, 0]));
  const begin = performance.now();
  const watch = video => video.requestVideoFrameCallback((now, frame) => {
    const clock = master(), position = at(clock, frame.expectedDisplayTime);
    let apart = round(frame.mediaTime - position, clock.length);
    apart = apart < 0 ? Math.min(0, apart + 1 / FPS) : apart;
    frames.push([position, apart]);
    shown.set(video, shown.get(video) + 1);
    watch(video);
  });
  all.forEach(watch);
  const dropped = () => all.map(v => v.getVideoPlaybackQuality().droppedVideoFrames)
    .reduce((a, b) => a + b, 0);
  const before = dropped();
  while (performance.now() - begin < seconds * 1000) {
    await new Promise(go => setTimeout(go, 50));
    const clock = master(), now = performance.now(), position = at(clock, now);
    for (const { currentTime } of all) {
      drifts.push([position, round(currentTime - position, clock.length)]);
    }
  }
  const took = (performance.now() - begin) / 1000;
  return {
    players: all.length, drifts, frames, fps: [...shown.values()].map(n => n / took),
    dropped: dropped() - before,
    previews: all.filter(v => v.src.includes('/previews/')).length,
    errors: all.filter(v => v.error).length + document.querySelectorAll('.unplayable').length,
  };
}
""".replace("FPS", str(FPS))


def picture(number: int) -> bytes:
    """A picture with much in it, another for each number."""
    ramp = Image.linear_gradient("L").resize((1280, 720))
    dark, light = (
        Image.new("RGB", ramp.size, f"hsl({(number * 10 + turn) % 360}, 50%, {glow}%)")
        for turn, glow in ((0, 25), (50, 75))
    )
    ground = Image.composite(dark, light, ramp)
    draw = ImageDraw.Draw(ground)
    for spot in range(40):
        left, top = spot * 97 * (number + 3) % 1200, spot * 53 * (number + 5) % 640
        draw.ellipse((left, top, left + 80, top + 80), f"hsl({spot * 31 % 360}, 60%, 60%)")
    file = io.BytesIO()
    ground.save(file, "JPEG")
    return file.getvalue()


def make_clip(folder: Path, number: int) -> None:
    video, preview = folder / f"videos/{number}.mp4", folder / f"previews/{number}.mp4"
    if not video.exists():
        scene = Scene(SECONDS, "720P", number, prompt=f"clip {number}", first_frame=picture(number))
        part = video.with_suffix(".part")
        render(scene, part)
        part.replace(video)
    if not preview.exists():
        look_at(video, References(), Targets(preview=preview), Level.ALL)
    if not preview.exists():
        make_preview(video, preview)


def make_preview(video: Path, preview: Path) -> None:
    """320 px wide, H.264, a key frame every half second: for an encoder that
    ``look_at`` cannot use."""
    part = preview.with_suffix(".part")
    with av.open(str(video)) as source, av.open(str(part), "w", format="mp4") as target:
        pictures = source.streams.video[0]
        options = {"crf": "28", "preset": "veryfast", "bf": "0", "sc_threshold": "0"}
        stream = target.add_stream("libx264", rate=FPS, options=options)
        stream.width, stream.height, stream.pix_fmt = 320, 180, "yuv420p"
        stream.codec_context.gop_size = FPS // 2
        for frame in source.decode(pictures):
            target.mux(stream.encode(frame.reformat(320, 180, "yuv420p")))
        target.mux(stream.encode(None))
    part.replace(preview)


def jobs(folder: Path) -> Iterator[ReportJob]:
    for number, (lens, seed) in enumerate((lens, seed) for lens in LENSES for seed in SEEDS):
        video = folder / f"videos/{number}.mp4"
        content = video.read_bytes()
        request: dict[str, Any] = {
            "model": "wan2.7-i2v",
            "prompt": f"Harbour, {lens}",
            "negative_prompt": None,
            "media": [],
            "seconds": SECONDS,
            "size": "720P",
            "seed": seed,
            "prompt_extend": False,
            "watermark": False,
        }
        yield ReportJob(
            name=f"harbour[lens={lens},seed={seed}]",
            id="harbour",
            axes=(("lens", lens), ("seed", seed)),
            tags=(),
            fingerprint=f"wb2:{sha256(content).hexdigest()}",
            state=JobState.DONE,
            backend="emulator",
            task_id=f"video_{number}",
            request=request,
            output=Output(
                f"videos/{number}.mp4",
                sha256(content).hexdigest(),
                len(content),
                float(SECONDS),
                1280,
                720,
                float(FPS),
                has_audio=True,
            ),
            preview=f"previews/{number}.mp4",
            checks=(
                Check("motion", number > 3, "", round(number * 7 % 36 / 3, 2)),
                Check("blur", number % 11 != 3, "", round(number * 5 % 36 / 40, 3)),
            ),
        )


def make_report(folder: Path) -> None:
    for name in ("videos", "previews", "posters"):
        (folder / name).mkdir(parents=True, exist_ok=True)
    count = len(LENSES) * len(SEEDS)
    with ProcessPoolExecutor(os.cpu_count()) as pool:
        list(pool.map(make_clip, [folder] * count, range(count)))
    found = tuple(jobs(folder))
    for job in found:
        if job.output is not None:
            make_poster(folder / job.output.path, folder / poster_name(job.output.sha256))
    totals = Totals(jobs=count, done=count, cost=Cost(Decimal(0), Decimal(0), "USD"))
    facts = ManifestFacts("playback", "playback.wanbatch.yaml", "0" * 64)
    write_report(Report(facts, "emulator", None, totals, found), folder)


def measure(folder: Path, seconds: float) -> dict[str, Any]:
    chromium = os.environ.get("CHROMIUM") or shutil.which("chromium")
    with sync_playwright() as driver:
        arguments = ["--no-sandbox", "--disable-gpu"]
        browser = driver.chromium.launch(executable_path=chromium, args=arguments)
        page = browser.new_page(viewport=VIEWPORT)  # type: ignore[arg-type]
        page.goto(f"{(folder / 'report.html').as_uri()}#show=grid&tile=s")
        page.wait_for_selector("html[data-ready]")
        page.locator(".matrix").scroll_into_view_if_needed()
        page.evaluate("scrollTo(0, document.querySelector('.drive').offsetTop - 8)")
        page.get_by_label("Play all in view").click()
        page.wait_for_function(
            "() => JSON.parse(document.querySelector('.transport').dataset.clock ?? '{}').isPlaying"
        )
        page.wait_for_timeout(500)
        result: dict[str, Any] = page.evaluate(MEASURE, seconds)
        if shot := os.environ.get("SCREENSHOT"):
            page.screenshot(path=shot)
        browser.close()
    return result


def percentile(values: list[float], share: float) -> float:
    """Of absolute values, in milliseconds."""
    found = sorted(abs(value) for value in values)
    return 1000 * found[min(len(found) - 1, int(share * len(found)))] if found else 0.0


def tell(result: dict[str, Any]) -> None:
    rates = sorted(result["fps"])
    print(
        f"{result['players']} players, {result['previews']} of them previews,"
        f" {result['errors']} errors, {result['dropped']} frames dropped;"
        f" {rates[len(rates) // 2]:.1f} of {FPS} frames a second shown, the least {rates[0]:.1f}"
    )
    for name, key in (("currentTime", "drifts"), ("frames shown", "frames")):
        steady = [drift for position, drift in result[key] if position > 0.3]
        after = [drift for position, drift in result[key] if position <= 0.3]
        every = [drift for _, drift in result[key]]
        print(
            f"{name}: drift p95 {percentile(every, 0.95):.0f} ms over all;"
            f" but for loops p95 {percentile(steady, 0.95):.0f}, most {percentile(steady, 1):.0f};"
            f" 300 ms after a loop p95 {percentile(after, 0.95):.0f},"
            f" most {percentile(after, 1):.0f}"
        )
    print("load (1, 5, 15 min):", *(f"{load:.1f}" for load in os.getloadavg()))


def main() -> None:
    seconds = float(sys.argv[1]) if len(sys.argv) > 1 else 20.0
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(sys.argv[2] if len(sys.argv) > 2 else scratch)
        make_report(folder)
        result = measure(folder, seconds)
    tell(result)
    if os.environ.get("RAW"):
        Path(os.environ["RAW"]).write_text(json.dumps(result))


if __name__ == "__main__":
    main()
