"""How the report's page bears many jobs: making it, opening, filtering, scrolling.

What it may not do: measure the network (there is none) or another browser than
headless Chromium. How 36 previews play in step is ``report_playback.py``, which is
called last.

How it works: 5,000 jobs without videos tell what the page itself costs, 1,000 jobs with
real small videos (300 distinct, under 1,000 names) what a gallery costs that is
scrolled from end to end while the pointer plays a card at every stop. Memory is the
proportional set size of the page's own process at its highest. ``interactive`` is from
the start of the navigation to the first picture after the page said that it is ready.

python benchmarks/report_scale.py [pages] [gallery] [playback]
"""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
import time
from collections.abc import Callable
from decimal import Decimal
from hashlib import sha256
from pathlib import Path
from typing import Any

import av
import report_playback
from PIL import Image, ImageDraw
from playwright.sync_api import Browser, Page, sync_playwright

from wanbatch.model.plan import JobState
from wanbatch.model.report import (
    Check,
    Cost,
    ManifestFacts,
    Output,
    Report,
    ReportJob,
    Timings,
    Totals,
)
from wanbatch.report.formats.json import report_document
from wanbatch.report.formats.page import render_page
from wanbatch.report.write import poster_name, write_report
from wanbatch.videos.stills import make_poster

MANY, VIDEOS, DISTINCT = 5_000, 1_000, 300
CHECKS = ("length", "size", "frozen", "black", "flicker", "cut", "motion", "blur", "exposure")
QUERIES = ("d", "dusk", "hour:dusk", "hour:dusk seed>2500", "-check:frozen", "motion>0.5", "")
READY = """addEventListener('DOMContentLoaded', () => {
  window.faults = 0;
  addEventListener('error', (event) => { window.faults += event.target.localName === 'video' },
    true);
  new MutationObserver(() => requestAnimationFrame(() => { window.readyAt ??= performance.now() }))
    .observe(document.documentElement, { attributeFilter: ['data-ready'] });
})"""
FILTER = """async (q) => {
  const field = document.querySelector('#find'), started = performance.now();
  field.value = q;
  field.dispatchEvent(new Event('input'));
  await new Promise((shown) => requestAnimationFrame(() => setTimeout(shown)));
  return performance.now() - started;
}"""


def make_job(number: int, output: Output | None) -> ReportJob:
    """A job of a sweep over hours, lenses and seeds."""
    hour, lens = ("dawn", "noon", "dusk")[number % 3], ("24mm", "50mm")[number // 3 % 2]
    name = f"harbour[hour={hour},lens={lens},seed={number}]"
    checks = tuple(
        Check(check, (number + k) % 11 != 0, f"{check} fell short", (number * 7 + k) % 997 / 997)
        for k, check in enumerate(CHECKS)
    )
    return ReportJob(
        name=name,
        id="harbour",
        axes=(("hour", hour), ("lens", lens), ("seed", number)),
        tags=("draft",) if number % 5 else ("hero",),
        fingerprint=f"wb2:{sha256(name.encode()).hexdigest()}",
        state=JobState.DONE if output or number % 4 else JobState.FAILED,
        backend="gateway",
        task_id=f"video_{number:032x}",
        request={
            "model": "wan2.7-i2v",
            "prompt": f"A harbour at {hour} through a {lens} lens, boats rocking, soft light",
            "negative_prompt": None,
            "media": [{"type": "first_frame", "source": "media/harbour.png", "sha256": None}],
            "seconds": 5,
            "size": "720P",
            "seed": number,
            "prompt_extend": False,
            "watermark": False,
        },
        timings=Timings(generation_s=40 + number % 60),
        cost=Cost(Decimal("0.50"), Decimal(0), "USD"),
        output=output,
        checks=checks,
    )


def make_report(jobs: tuple[ReportJob, ...]) -> Report:
    done = sum(job.state is JobState.DONE for job in jobs)
    totals = Totals(jobs=len(jobs), done=done, failed=len(jobs) - done)
    return Report(ManifestFacts("harbour", "harbour.wanbatch.yaml", ""), "paid", None, totals, jobs)


def write_clip(path: Path, number: int) -> None:
    """A second of a moving ball, 320 x 176."""
    with av.open(str(path), "w", format="mp4", options={"movflags": "+faststart"}) as container:
        stream = container.add_stream("libx264", rate=12, options={"preset": "ultrafast"})
        stream.width, stream.height, stream.pix_fmt = 320, 176, "yuv420p"
        for step in range(12):
            picture = Image.new("RGB", (320, 176), f"hsl({number * 37 % 360}, 40%, 40%)")
            ImageDraw.Draw(picture).ellipse((step * 24, 60, step * 24 + 40, 100), fill="white")
            frame = av.VideoFrame.from_image(picture)  # type: ignore[no-untyped-call]
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))


def make_videos(folder: Path) -> tuple[ReportJob, ...]:
    """``VIDEOS`` names for ``DISTINCT`` real files."""
    for name in ("videos", "posters"):
        (folder / name).mkdir()
    jobs = []
    for number in range(VIDEOS):
        path = folder / f"videos/{number:04}.mp4"
        first = folder / f"videos/{number % DISTINCT:04}.mp4"
        if number < DISTINCT:
            write_clip(path, number)
        else:
            os.link(first, path)
        digest = sha256(first.read_bytes()).hexdigest()
        if number < DISTINCT:
            make_poster(path, folder / poster_name(digest))
        size = path.stat().st_size
        output = Output(f"videos/{path.name}", digest, size, 1.0, 320, 176, 12.0, has_audio=False)
        jobs.append(make_job(number, output))
    return tuple(jobs)


def page_memory(browser: Browser) -> float:
    """Megabytes of the heaviest process that draws a page."""
    session = browser.new_browser_cdp_session()
    processes = session.send("SystemInfo.getProcessInfo")["processInfo"]
    session.detach()
    found = [0.0]
    for process in processes:
        if process["type"] == "renderer":
            rollup = Path(f"/proc/{process['id']}/smaps_rollup").read_text(encoding="ascii")
            line = next(line for line in rollup.splitlines() if line.startswith("Pss:"))
            found.append(int(line.split()[1]) / 1000)
    return max(found)


def open_page(browser: Browser, folder: Path, fragment: str = "") -> Page:
    page = browser.new_page(viewport={"width": 1280, "height": 900})
    page.add_init_script(READY)
    page.goto((folder / "report.html").as_uri() + fragment)
    page.wait_for_function("() => window.readyAt", timeout=120_000)
    return page


def tell(what: str, value: float, bound: float, unit: str) -> None:
    word = "ok" if value <= bound else "TOO MUCH"
    print(f"{what:44} {value:8.2f} {unit:3} at most {bound:g}   {word}", flush=True)


def measure_pages(browser: Browser, folder: Path) -> None:
    """What the page costs by itself."""
    report = make_report(tuple(make_job(number, None) for number in range(MANY)))
    document = report_document(report)
    started = time.perf_counter()
    text = render_page(report, document)
    tell(f"{MANY} jobs: page made", time.perf_counter() - started, 10, "s")
    (folder / "report.html").write_text(text, encoding="utf-8")
    page = open_page(browser, folder)
    tell(f"{MANY} jobs: interactive", page.evaluate("readyAt") / 1000, 2, "s")
    for view in ("gallery", "table"):
        page.evaluate("(view) => { location.hash = `#show=${view}` }", view)
        page.wait_for_timeout(500)
        worst = max(page.evaluate(FILTER, query) for query in QUERIES)
        tell(f"{MANY} jobs: filter, {view}, slowest of {len(QUERIES)}", worst, 200, "ms")
    tell(f"{MANY} jobs: memory of the page", page_memory(browser), 600, "MB")
    page.close()


def measure_gallery(browser: Browser, folder: Path) -> None:
    """What it costs to see every one of many videos."""
    write_report(make_report(make_videos(folder)), folder)
    page = open_page(browser, folder)
    tell(f"{VIDEOS} videos: interactive", page.evaluate("readyAt") / 1000, 1.5, "s")
    highest, seen = 0.0, 0
    while True:
        page.mouse.move(400, 300 + seen % 3 * 90)
        page.wait_for_timeout(150)
        seen += 1
        if seen % 5 == 0:
            highest = max(highest, page_memory(browser))
        before = page.evaluate("scrollY")
        if page.evaluate("scrollBy(0, innerHeight * 0.8); scrollY") == before:
            break
    highest = max(highest, page_memory(browser))
    tell(f"{VIDEOS} videos: memory, highest of {seen} stops", highest, 600, "MB")
    tell(f"{VIDEOS} videos: errors of players", page.evaluate("faults"), 0, "")
    tell(f"{VIDEOS} videos: players", page.locator("video").count(), 4, "")
    page.close()


PARTS: dict[str, Callable[[Browser, Path], Any]] = {
    "pages": measure_pages,
    "gallery": measure_gallery,
}


def main() -> None:
    wanted = sys.argv[1:] or [*PARTS, "playback"]
    chromium = os.environ.get("CHROMIUM") or shutil.which("chromium")
    with sync_playwright() as driver:
        for name in wanted:
            if name in PARTS:
                browser = driver.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
                with tempfile.TemporaryDirectory() as folder:
                    PARTS[name](browser, Path(folder))
                browser.close()
    if "playback" in wanted:
        sys.argv[1:] = []
        report_playback.main()


if __name__ == "__main__":
    main()
