"""The examples are what a new user runs first: each is valid without a word of warning,
and each runs to its end on the emulator.

How it works: all four manifests run in one process, once, as ``wanbatch run FILE…``
runs them, with every video really drawn; the tests then look at what is on disk. That
costs about 25 s on two idle cores, and nothing here costs more.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from expecting import expect
from PIL import Image

from wanbatch.manifest.load import load_manifests
from wanbatch.media.check import check_media
from wanbatch.media.probe import probe_video
from wanbatch.model.job import LEGAL_COMBINATIONS, JobMedia
from wanbatch.model.media import VideoFacts

ROOT = Path(__file__).parents[2]
SPECS = sorted((ROOT / "examples" / "specs").glob("*.wanbatch.yaml"))
NAMES = [spec.name.removesuffix(".wanbatch.yaml") for spec in SPECS]
NOW = 1_800_000_000.0


def manifest_of(spec):
    loaded = load_manifests([spec])
    assert loaded.diagnostics == ()
    return loaded.manifests[0]


def test_there_is_an_example_of_each_kind():
    assert NAMES == ["quickstart", "seed-sweep", "storyboard", "talking-portrait"]


@pytest.mark.parametrize("spec", SPECS, ids=NAMES)
def test_an_example_is_valid_without_a_warning(spec):
    manifest = manifest_of(spec)
    assert check_media([manifest], NOW).diagnostics == ()
    assert manifest.run.backend == "emulator"
    assert spec.read_text().startswith(
        "# yaml-language-server: $schema=../../schemas/manifest.schema.json\n"
    )
    assert (spec.parent / "../../schemas/manifest.schema.json").exists()


def test_the_quickstart_shows_everything():
    jobs = manifest_of(ROOT / "examples/specs/quickstart.wanbatch.yaml").jobs
    assert 12 <= len(jobs) <= 16
    assert {frozenset(m.type for m in job.media) for job in jobs} == LEGAL_COMBINATIONS
    axes = [dict(job.axes) for job in jobs]
    assert any("hour" in a for a in axes)
    assert any("seed" in a for a in axes)
    chained = [m.source for job in jobs for m in job.media if isinstance(m.source, JobMedia)]
    assert {source.frame for source in chained} == {None, "last"}


def test_the_media_are_small_and_all_used():
    media = ROOT / "examples" / "specs" / "media"
    assert sum(path.stat().st_size for path in media.iterdir()) < 3_000_000
    used = {path.name for spec in SPECS for path in check_media([manifest_of(spec)], NOW).digests}
    assert used == {path.name for path in media.iterdir()}


def test_the_script_draws_the_same_pictures_again(tmp_path):
    code = f"""
import sys; sys.path.insert(0, {str(ROOT / "examples")!r})
import make_media
from pathlib import Path
make_media.save_picture(make_media.PICTURES["door-closed.png"](), Path({str(tmp_path)!r}) / "door-closed.png")
make_media.save_wav(Path({str(tmp_path)!r}) / "voice.wav", make_media.voice(4.0))
"""
    subprocess.run([sys.executable, "-c", code], check=True)
    media = ROOT / "examples" / "specs" / "media"
    assert (tmp_path / "voice.wav").read_bytes() == (media / "voice.wav").read_bytes()
    with (
        Image.open(tmp_path / "door-closed.png") as again,
        Image.open(media / "door-closed.png") as kept,
    ):
        assert again.tobytes() == kept.tobytes()


@pytest.fixture
def output(tmp_path_factory):
    folder = tmp_path_factory.mktemp("reports")
    environment = {k: v for k, v in os.environ.items() if not k.startswith("WANBATCH_")}
    done = subprocess.run(
        [sys.executable, "-m", "wanbatch", "run", *map(str, SPECS), "--output", str(folder)],
        cwd=ROOT, env=environment, capture_output=True, text=True, timeout=300, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return folder


@pytest.mark.slow
def test_every_example_runs_to_its_end(output):
    for spec in SPECS:
        check_what_came(manifest_of(spec), output)


def check_what_came(manifest, output):
    folder = output / manifest.name
    report = json.loads((folder / "report.json").read_text())
    assert [(entry["name"], entry["state"]) for entry in report["jobs"]] == [
        (job.name, "done") for job in manifest.jobs
    ]
    assert (folder / "report.html").stat().st_size > 10_000
    videos = [expect(VideoFacts, probe_video(p)) for p in (folder / "videos").glob("*.mp4")]
    assert all(video.has_audio for video in videos)
    assert sorted(round(video.seconds) for video in videos) == sorted(
        job.seconds for job in manifest.jobs
    )
    assert len({video.sha256 for video in videos}) == len(manifest.jobs)

    if manifest.name == "talking-portrait":
        check_that_it_is_upright(output)


def check_that_it_is_upright(output):
    video = expect(
        VideoFacts, probe_video(next((output / "talking-portrait" / "videos").glob("*.mp4")))
    )
    assert video.height / video.width == pytest.approx(16 / 9, rel=0.03)
