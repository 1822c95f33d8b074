"""``wanbatch film`` as it is typed: over a real run, with what it says and refuses."""

from __future__ import annotations

import json

import av
import command
import pytest
from PIL import Image

MANIFEST = """\
wanbatch: 1
name: reel
defaults: {prompt_extend: false, seconds: 2}
jobs:
  - id: opening
    prompt: "{{ hour }}"
    media: {first_frame: a.png}
    matrix: {hour: [dawn, dusk]}
    seeds: [1, 2]
  - id: sequel
    prompt: on
    media: {first_clip: {job: opening, where: {hour: dawn}}}
    seeds: [1]
    seconds: 3
run: {backend: emulator}
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("reel")
    Image.new("RGB", (320, 240), "teal").save(folder / "a.png")
    (folder / "m.yaml").write_text(MANIFEST)
    env = command.environ(WANBATCH_EMULATOR_OPTIONS="--latency 0.1 --render cached")
    done = command.run(folder, "run", "m.yaml", env=env)
    assert done.returncode == 0, done.stderr
    return folder


def film(folder, *words):
    return command.run(folder, "film", "m.yaml", *words)


def measured(path):
    with av.open(str(path)) as container:
        video = container.streams.video[0]
        frames = sum(1 for _ in container.decode(video=0))
        return video.width, video.height, frames, bool(container.streams.audio)


def test_a_grid_with_the_sound_of_one_job(folder):
    done = film(
        folder, "--select", "opening*", "-o", "grid.mp4", "--sound", "opening[hour=dusk,seed=2]"
    )
    assert (done.returncode, done.stdout) == (0, "grid.mp4\n"), done.stderr
    width, height, frames, sound = measured(folder / "grid.mp4")
    assert (frames, sound) == (48, True)
    assert (
        f"2 × 2 cells, 2.0 s, {width} × {height} at 24 frames a second, with sound" in done.stderr
    )
    assert "crf 20, " in done.stderr


def test_a_sequence_drops_what_a_chain_repeats(folder):
    done = film(folder, "--select", "*seed=1*", "--sequence", "-o", "seq.mp4")
    assert done.returncode == 0, done.stderr
    assert "3 videos in order, 5.0 s, " in done.stderr
    assert measured(folder / "seq.mp4")[2:] == (120, True)


def test_a_job_without_a_video_is_told(folder):
    report = json.loads((folder / "reports/reel/report.json").read_text())
    (path,) = [j["output"]["path"] for j in report["jobs"] if j["name"] == "sequel[seed=1]"]
    video = folder / "reports/reel" / path
    away = video.rename(folder / "away.mp4")
    try:
        done = film(folder, "-o", "holes.mp4")
    finally:
        away.rename(video)
    assert done.returncode == 0, done.stderr
    assert "  grey: sequel[seed=1] (" in done.stderr
    assert measured(folder / "holes.mp4")[2] == 48


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["-o", "x.mov"], "error: -o x.mov: a film is an MP4"),
        (["-o", "no/x.mp4"], "error: -o no/x.mp4: there is no folder no"),
        (["-o", "taken.mp4"], "error: taken.mp4 is there already, and is left as it is"),
        (["-o", "x.mp4", "--max-bytes", "many"], "error: --max-bytes 'many' is no size"),
        (["-o", "x.mp4", "--columns", "sed"], 'error: --columns "sed": no selected job'),
        (["-o", "x.mp4", "--sequence", "--rows", "seed"], "error: --rows is for a grid"),
        (["-o", "x.mp4", "--sound", "openin"], 'error: --sound "openin": no selected job'),
        (["-o", "x.mp4", "--select", "nothing"], "error: --select: "),
        ([], "Missing option '-o'"),
    ],
)
def test_what_cannot_be_is_refused_before_a_file_is_there(folder, words, said):
    (folder / "taken.mp4").write_text("mine")
    done = film(folder, *words)
    assert (done.returncode, done.stdout) == (2, ""), done.stderr
    assert said in done.stderr
    assert (folder / "taken.mp4").read_text() == "mine"
    assert not (folder / "x.mp4").exists()


def test_before_a_run_there_is_nothing_to_film(folder):
    done = film(folder, "--output", "elsewhere", "-o", "x.mp4")
    assert done.returncode == 2
    assert "error: none of the selected jobs has a video yet" in done.stderr


def test_force_replaces_a_film_but_never_one_of_the_videos(folder):
    (video, *_) = sorted((folder / "reports/reel/videos").glob("*.mp4"))
    before = video.read_bytes()
    done = film(folder, "--force", "-o", str(video.relative_to(folder)))
    assert done.returncode == 2
    assert "is one of the videos that the film is made of" in done.stderr
    assert video.read_bytes() == before
    (folder / "old.mp4").write_text("mine")
    assert film(folder, "--force", "--select", "*seed=2*", "-o", "old.mp4").returncode == 0
    assert measured(folder / "old.mp4")[2] == 48


def test_its_help_has_examples(folder):
    text = command.run(folder, "film", "--help").stdout
    assert text.count("wanbatch film ") == 3
