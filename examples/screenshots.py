"""Makes the pictures of the README: ``python examples/screenshots.py [FOLDER]``, by
default into ``docs/pictures``.

What it may not do: need an account or the network, or show anything that the shipped
command did not make.

How it works: a sweep of the examples' pictures runs on the emulator, in a folder that
is gone afterwards. The system's Chromium (or the one that ``CHROMIUM`` names) opens the
report from disk, light and 1,280 px wide, and each view is saved as WebP. A view that
the page does not have is named and left out.
"""

from __future__ import annotations

import io
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from PIL import Image
from playwright.sync_api import Page, sync_playwright

ROOT = Path(__file__).parents[1]
WIDTH, HEIGHT = 1280, 860
"""A laptop's window: what stands below it in a view is more of the same."""
QUALITY = 82
"""Text stays sharp, and four pictures take less than half a megabyte."""

MANIFEST = """\
wanbatch: 1
name: harbour
description: One shot at three hours through two lenses, three seeds each

defaults: {size: 720P, seconds: 3, prompt_extend: false}

jobs:
  - id: harbour
    prompt: >-
      {{ hour | capitalize }} over a fishing harbour, seen through a {{ lens }} lens; mist
      lifts from the water and the first gulls call.
    negative_prompt: text, people
    media: {first_frame: "media/harbour-{{ hour }}.jpg"}
    matrix: {hour: [dawn, noon, dusk], lens: [35mm, 85mm]}
    seeds: {start: 100, count: 3}

  - id: night
    prompt: The last light goes; lamps are lit along the quay.
    media: {first_frame: {job: harbour, where: {hour: dusk, lens: 35mm, seed: 101}, frame: last}}
    seed: 7

run: {backend: emulator}
"""


@dataclass(frozen=True)
class Shot:
    """A view of the page: the fragment of its address, and what is scrolled to the top
    of the window."""

    name: str
    fragment: str
    top: str = ".toolbar"


def main(words: Sequence[str]) -> None:
    """Makes the report and its pictures."""
    target = Path(words[0]) if words else ROOT / "docs" / "pictures"
    target.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        report = make_report(Path(folder))
        for name, size in take_pictures(report, target):
            print(f"{name}: {size // 1000} kB")


def make_report(folder: Path) -> Path:
    """Runs the sweep on the emulator; the folder of its report."""
    shutil.copytree(ROOT / "examples" / "specs" / "media", folder / "media")
    (folder / "harbour.wanbatch.yaml").write_text(MANIFEST)
    command = [sys.executable, "-m", "wanbatch", "run", "harbour.wanbatch.yaml"]
    subprocess.run(command, cwd=folder, check=True, stdout=subprocess.DEVNULL)
    return folder / "reports" / "harbour"


def shots_of(report: Path) -> tuple[Shot, ...]:
    """The grid, two hours under a wipe, a duel, a job that another goes on from."""
    names = [job["name"] for job in json.loads((report / "report.json").read_text())["jobs"]]
    dusk = [name for name in names if "dusk" in name and "35mm" in name]
    pair = quote(",".join([names[0], dusk[0]]), safe="")
    return (
        Shot("grid", "#show=grid"),
        Shot("compare", f"#show=compare&how=wipe&with={pair}"),
        Shot("duel", "#show=duel"),
        Shot("job", f"#job={quote(dusk[1], safe='')}", top="body"),
    )


def take_pictures(report: Path, target: Path) -> list[tuple[str, int]]:
    """Each picture's name and size in bytes."""
    taken = []
    with sync_playwright() as driver:
        browser = driver.chromium.launch(
            executable_path=os.environ.get("CHROMIUM") or shutil.which("chromium"),
            args=["--no-sandbox", "--disable-gpu"],
        )
        page = browser.new_page(
            viewport={"width": WIDTH, "height": HEIGHT},
            color_scheme="light",
            reduced_motion="reduce",
        )
        for shot in shots_of(report):
            if show(page, report, shot):
                path = target / f"{shot.name}.webp"
                Image.open(io.BytesIO(page.screenshot())).save(path, quality=QUALITY, method=6)
                taken.append((path.name, path.stat().st_size))
            else:
                print(f"the page has no view {shot.name}", file=sys.stderr)
        browser.close()
    return taken


def show(page: Page, report: Path, shot: Shot) -> bool:
    """Opens the view and waits until its pictures are there. ``False`` where the page
    does not have it."""
    page.goto("about:blank")
    page.goto((report / "report.html").as_uri() + shot.fragment)
    page.wait_for_selector("html[data-ready]")
    wanted = shot.fragment.removeprefix("#show=").partition("&")[0]
    if shot.fragment.startswith("#show=") and not page.query_selector(f"[data-show={wanted}]"):
        return False
    page.wait_for_timeout(1500)
    page.evaluate("top => document.querySelector(top).scrollIntoView()", shot.top)
    page.evaluate(
        "() => { for (const v of document.querySelectorAll('video'))"
        " v.currentTime = v.duration / 3 || 0 }"
    )
    page.wait_for_timeout(1500)
    return True


if __name__ == "__main__":
    main(sys.argv[1:])
