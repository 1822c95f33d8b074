"""``wanbatch clean`` as people use it, with a clock that tests set ahead: list, move,
take back, empty; and what other commands say meanwhile."""

from __future__ import annotations

import os
from pathlib import Path
from subprocess import CompletedProcess

import command
import pytest
from PIL import Image

FILE = "m.wanbatch.yaml"
MANIFEST = """\
wanbatch: 1
name: m
jobs:
  - id: one
    prompt: A harbour
    prompt_extend: false
    seconds: 2
    media: {first_frame: picture.png}
run: {backend: emulator}
"""
NOTHING = MANIFEST.replace("A harbour", "A lake")
AHEAD = """\
import os, time
ahead_s, wall = float(os.environ["AHEAD_DAYS"]) * 86400, time.time
time.time = lambda: wall() + ahead_s
"""


class Days:
    """A project, and commands on a later day."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        Image.new("RGB", (320, 240), "teal").save(folder / "picture.png")
        (folder / "clock").mkdir()
        (folder / "clock/sitecustomize.py").write_text(AHEAD)
        self.write(MANIFEST)
        assert self.call(0, "run", FILE).returncode == 0
        (self.video,) = (folder / "reports/m/videos").glob("*.mp4")
        self.name = self.video.name

    def write(self, text: str) -> None:
        (self.folder / FILE).write_text(text)

    def call(self, day: float, *words: str) -> CompletedProcess[str]:
        path = os.pathsep.join([str(self.folder / "clock"), os.environ["PYTHONPATH"]])
        environ = command.environ(
            PYTHONPATH=path, AHEAD_DAYS=str(day), WANBATCH_EMULATOR_OPTIONS="--render tiny"
        )
        return command.run(self.folder, *words, env=environ)


@pytest.fixture
def days(tmp_path: Path) -> Days:
    return Days(tmp_path)


def told(done: CompletedProcess[str], code: int = 0) -> list[str]:
    assert done.returncode == code, done.stderr
    return done.stderr.splitlines()


def test_from_a_list_to_the_trash_and_back_and_for_good(days: Days) -> None:
    assert (
        told(days.call(1, "clean"))[-1] == "No video is unneeded before it has done so for 30 days."
    )
    days.write(NOTHING)
    waiting = told(days.call(35, "clean"))
    assert waiting[0] == "No video is unneeded: each was referred to in the last 30 days."
    assert waiting[1].startswith("1 video that nothing refers to now will be, the first on 20")

    listed = days.call(66, "clean")
    assert listed.stdout == f"reports/m/videos/{days.name}\n"
    first, total, way = told(listed)
    assert first.startswith("  m: one  needed last 20")
    assert total.startswith("1 video that nobody has referred to for 30 days: ")
    assert way == "Move them to reports/trash with: wanbatch clean --yes"
    assert days.video.exists()

    moved = told(days.call(66, "clean", "--yes"))
    assert moved[1].startswith(
        "Moved 1 video that nobody has referred to for 30 days to reports/trash ("
    )
    assert moved[2:] == [
        "A run whose manifest refers to one again takes it back. By hand:",
        f"  mv reports/trash/m/videos/{days.name} reports/m/videos/{days.name}",
        "Pages that may show them until wanbatch report writes them anew: reports/m/report.html",
        "Delete them for good with: wanbatch clean --yes --now",
    ]
    assert not days.video.exists()
    sound = told(days.call(66, "ledger", "check"))
    assert sound == [
        "reports/ledger.db: 1 attempt, 1 stored video, 1 of them in the trash; all is sound."
    ]

    days.write(MANIFEST)
    assert told(days.call(67, "plan", FILE)) == ["No changes. 1 up to date."]
    kept = told(days.call(67, "clean", "--yes", "--now"))
    assert kept == [
        f"  kept  reports/trash/m/videos/{days.name}: somebody refers to it, or may",
        "Deleted 0 files for good (0 bytes).",
    ]
    told(days.call(67, "run", FILE))
    assert days.video.exists(), "a run takes back what it needs, and buys nothing"

    days.write(NOTHING)
    told(days.call(68, "clean"))
    told(days.call(99, "clean", "--yes"))
    shown = days.call(99, "clean", "--now")
    assert shown.stdout == f"reports/trash/m/videos/{days.name}\n"
    assert told(shown)[0].startswith("  one  in the trash since 20")
    assert told(shown)[-1] == "Delete them for good with: wanbatch clean --yes --now"
    gone = days.call(99, "clean", "--yes", "--now")
    assert gone.stdout == f"reports/trash/m/videos/{days.name}\n"
    assert told(gone)[-1].startswith("Deleted 1 file for good (")
    assert not list(days.folder.glob("reports/trash/m/videos/*"))
    assert told(days.call(99, "clean", "--now")) == ["Nothing in reports/trash is to be deleted."]
    sound = told(days.call(99, "ledger", "check"))
    assert sound == [
        "reports/ledger.db: 1 attempt, 1 stored video, 1 of them deleted by clean; all is sound."
    ]
    days.write(MANIFEST)
    (lost, *_) = told(days.call(99, "plan", FILE))
    assert lost.startswith("  ? one  (its video file is missing"), "and not bought again by itself"


def test_refusals_move_nothing(days: Days) -> None:
    assert days.call(0, "clean", "--output", "nowhere").stderr == (
        "error: there is no ledger in nowhere: without it nobody knows which video is needed;"
        " nothing was moved\n"
        "  help: name the folder with --output, or put the ledger back from a copy\n"
    )
    assert not (days.folder / "nowhere").exists()
    back = told(days.call(-2, "clean", "--yes"), 4)
    assert back[0].startswith("error: by this machine's clock it is 20")
    assert back[0].endswith("one of them is wrong; nothing was moved")
    assert back[1] == "  help: set the clock, then run the same command again"


def test_a_manifest_that_cannot_be_read_is_told(days: Days) -> None:
    days.write("wanbatch: 1\njobs: [")
    (warning, *_) = told(days.call(300, "clean"))
    assert warning.startswith("warning: ../m.wanbatch.yaml: ")
    assert warning.endswith("; all that it may refer to is kept")
