"""What ``wanbatch report`` writes besides the page: files of other formats, a folder
for data sets, the page of a step in CI."""

from __future__ import annotations

import io
import json

import command
import pytest
from arro3.io import read_parquet
from PIL import Image

MANIFEST = """\
wanbatch: 1
name: reel
defaults: {prompt_extend: false, seconds: 2, prompt: A boat, media: {first_frame: a.png}}
jobs:
  - {id: opening, seeds: [1, 2], tags: [hero]}
  - {id: closing}
run: {backend: emulator}
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("reel")
    Image.new("RGB", (320, 240), "teal").save(folder / "a.png")
    (folder / "m.yaml").write_text(MANIFEST)
    env = command.environ(
        WANBATCH_EMULATOR_OPTIONS="--latency 0.1 --render tiny",
        GITHUB_STEP_SUMMARY=str(folder / "step.md"),
    )
    done = command.run(folder, "run", "m.yaml", env=env)
    assert done.returncode == 0, done.stderr
    return folder


def report(folder, *words, **env):
    return command.run(folder, "report", "m.yaml", *words, env=command.environ(**env))


def test_parquet_and_the_others_side_by_side(folder):
    names = ["x.parquet", "x.csv", "x.md", "x.json", "junit.xml", "x.html"]
    done = report(folder, *(word for name in names for word in ("-o", name)))
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == ["reports/reel/report.html", *names]
    table = read_parquet(io.BytesIO((folder / "x.parquet").read_bytes())).read_all()
    assert table["name"].to_pylist() == ["opening[seed=1]", "opening[seed=2]", "closing"]
    for path in table["path"].to_pylist():
        assert (folder / path).is_file()


def test_a_video_folder_has_the_chosen_videos_and_what_is_known_of_them(folder):
    done = report(folder, "--select", "tag:hero", "--export", "videofolder", "heroes")
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1] == "heroes"
    assert "2 videos exported" in done.stderr
    lines = (folder / "heroes/metadata.jsonl").read_text().splitlines()
    found = [json.loads(line) for line in lines]
    assert [line["name"] for line in found] == ["opening[seed=1]", "opening[seed=2]"]
    names = {line["file_name"] for line in found}
    assert names == {path.name for path in (folder / "heroes").glob("*.mp4")}
    for line in found:
        original = folder / "reports/reel/videos" / line["file_name"]
        assert original.samefile(folder / "heroes" / line["file_name"]), "a hard link"
    again = report(folder, "--export", "videofolder", "heroes")
    assert again.returncode == 2
    assert "error: --export videofolder heroes: it is there, and not an empty folder" in (
        again.stderr
    )
    assert (folder / "heroes/metadata.jsonl").read_text().splitlines() == lines


def test_without_videos_nothing_is_exported(folder):
    done = report(folder, "--output", "none", "--export", "videofolder", "empty")
    assert done.returncode == 2
    assert "error: no job has a video to export" in done.stderr
    assert not (folder / "empty").exists()


def test_a_step_in_ci_gets_the_markdown_once(folder):
    step = (folder / "step.md").read_text()
    assert step.startswith("# reel\n\n3 of 3 jobs done, drawn by the emulator")
    assert "](" not in step, "no links: the videos are not there"
    page = folder / "later.md"
    page.write_text("before\n")
    for _ in range(2):
        assert report(folder, GITHUB_STEP_SUMMARY=str(page)).returncode == 0
    text = page.read_text()
    assert text.startswith("before\n\n# reel\n")
    assert text.count("# reel") == 1


@pytest.mark.parametrize("present", [1024 * 1024 - 700, 2 * 1024 * 1024])
def test_the_limit_of_a_step_is_kept(folder, present):
    page = folder / "full.md"
    page.write_bytes(b"x" * present)
    assert report(folder, GITHUB_STEP_SUMMARY=str(page)).returncode == 0
    assert page.stat().st_size <= max(present, 1024 * 1024)


def test_a_page_of_a_step_that_cannot_be_written_is_no_failure(folder):
    (folder / "loop.md").symlink_to("loop.md")
    for odd in (folder, folder / "loop.md", folder / "no/such.md"):
        assert report(folder, GITHUB_STEP_SUMMARY=str(odd)).returncode == 0
