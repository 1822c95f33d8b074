"""Selections, shards and the files that ``-o`` names, with the real command."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest
from PIL import Image

MANIFEST = """\
wanbatch: 1
name: harbor
defaults: {prompt_extend: false, seconds: 2, media: {first_frame: picture.png}}
jobs:
  - {id: one, prompt: A harbour}
  - {id: two, prompt: A lighthouse}
run: {backend: emulator}
"""


@pytest.fixture
def folder(tmp_path):
    Image.new("RGB", (320, 240), "teal").save(tmp_path / "picture.png")
    (tmp_path / "harbor.wanbatch.yaml").write_text(MANIFEST)
    return tmp_path


def call(folder, command, *words, **variables):
    environ = {**os.environ, "WANBATCH_EMULATOR_OPTIONS": "--render tiny", **variables}
    return subprocess.run(
        [sys.executable, "-m", "wanbatch", command, "harbor.wanbatch.yaml", *words],
        cwd=folder,
        env=environ,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
        stdin=subprocess.DEVNULL,
    )


def test_a_part_of_a_selection_may_be_empty_but_no_selection(folder):
    chosen = []
    for part in ("1/2", "2/2"):
        done = call(folder, "plan", "--json", "--select", "one", "--shard", part)
        assert done.returncode == 0, done.stderr
        chosen += [job["name"] for job in json.loads(done.stdout)["jobs"] if job["selected"]]
    assert chosen == ["one"]
    assert call(folder, "plan", "--select", "none", "--shard", "1/2").returncode == 2


def test_an_empty_part_runs_to_nothing(folder):
    for part in ("1/2", "2/2"):
        done = call(
            folder, "run", "--select", "one", "--shard", part, "--output", part.replace("/", "of")
        )
        assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("command", ["plan", "report"])
def test_a_file_that_cannot_be_written_is_told(folder, command):
    done = call(folder, command, "-o", "missing/x.json")
    assert done.returncode == 4, done.stderr
    assert "missing/x.json cannot be written" in done.stderr


@pytest.mark.parametrize(
    ("words", "variables", "colored"),
    [
        ((), {}, False),
        ((), {"FORCE_COLOR": "1"}, True),
        ((), {"FORCE_COLOR": "1", "NO_COLOR": "1"}, False),
        (("--color", "always"), {"NO_COLOR": "1"}, True),
        (("--color", "never"), {"FORCE_COLOR": "1"}, False),
    ],
)
def test_colours_follow_the_option_and_the_environment(folder, words, variables, colored):
    done = call(folder, "plan", *words, **variables)
    assert ("\x1b[" in done.stderr) is colored
    assert "\x1b[" not in done.stdout


def test_one_name_for_two_manifests_is_refused_also_one_after_the_other(folder):
    assert call(folder, "run").returncode == 0
    (folder / "copy.wanbatch.yaml").write_text(MANIFEST)
    words = [sys.executable, "-m", "wanbatch", "run", "copy.wanbatch.yaml"]
    done = subprocess.run(
        words,
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
        stdin=subprocess.DEVNULL,
    )
    assert (done.returncode, "both have the name 'harbor'" in done.stderr) == (2, True), done.stderr
    (folder / "harbor.wanbatch.yaml").unlink()
    moved = subprocess.run(
        words,
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
        stdin=subprocess.DEVNULL,
    )
    assert (moved.returncode, "No changes. 2 up to date." in moved.stderr) == (0, True), (
        moved.stderr
    )


def test_the_command_that_continues_buys_nothing_again(folder):
    assert call(folder, "run").returncode == 0
    done = call(
        folder, "run", "--regenerate", "--wait", "0", WANBATCH_EMULATOR_OPTIONS="--latency 60"
    )
    assert done.returncode == 1, done.stderr
    assert "Continue with: wanbatch run harbor.wanbatch.yaml --wait 0\n" in done.stderr


def test_a_media_root_that_does_not_exist_is_told(folder):
    done = call(folder, "validate", "--media-root", "nowhere")
    assert (done.returncode, "'nowhere' does not exist" in done.stderr) == (2, True)


def test_without_a_command_the_help_is_shown(folder):
    done = subprocess.run(
        [sys.executable, "-m", "wanbatch"],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert (done.returncode, done.stdout, done.stderr[:15]) == (2, "", "Usage: wanbatch")


def test_a_working_folder_that_is_gone_is_no_bug(folder):
    script = f"rmdir ../gone; exec '{sys.executable}' -m wanbatch validate x.yaml"
    (folder / "gone").mkdir()
    done = subprocess.run(
        ["sh", "-c", script],
        cwd=folder / "gone",
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert (done.returncode, "does not exist any more" in done.stderr) == (4, True), done.stderr


@pytest.mark.parametrize(
    "words",
    [
        ("--rate", "nan"),
        ("--rate", "inf"),
        ("--poll-interval", "inf"),
        ("--submit-timeout", "nan"),
        ("--wait", "nan"),
    ],
)
def test_what_is_no_number_is_bad_usage(folder, words):
    done = call(folder, "run", *words)
    assert (done.returncode, words[0] in done.stderr) == (2, True), done.stderr
    assert not (folder / "reports").exists()


@pytest.mark.parametrize("words", [("--var", "a=\udcff"), ("--output", "o\udcff")])
def test_arguments_that_are_no_text_are_bad_usage(folder, words):
    done = call(folder, "run", *words)
    assert (done.returncode, "is not UTF-8 text" in done.stderr) == (2, True), done.stderr


@pytest.mark.parametrize(
    "taken", ["harbor", "harbor/videos", "harbor/posters", "harbor/runs", ".emulator"]
)
def test_a_file_in_the_place_of_a_folder_is_told(folder, taken):
    path = folder / "reports" / taken
    path.parent.mkdir(parents=True)
    path.write_text("mine")
    done = call(folder, "run")
    assert (done.returncode, taken.rpartition("/")[2] in done.stderr) == (4, True), done.stderr
    assert "a bug" not in done.stderr
    if taken in ("harbor", "harbor/videos"):
        assert "submitted" not in done.stderr
    assert path.read_text() == "mine"


def test_a_run_without_work_does_not_wipe_what_the_report_says(folder):
    """Times, cost and run are those of the run that made the videos."""
    assert call(folder, "run").returncode == 0
    report = folder / "reports/harbor/report.json"
    first = json.loads(report.read_text())
    assert first["time"]["wall_s"] > 0
    assert first["last_run"] is None
    assert call(folder, "run").returncode == 0
    again = json.loads(report.read_text())
    assert again["last_run"]["id"] != first["run"]["id"]
    assert again["last_run"]["exit_code"] == 0
    told = [{**one, "last_run": None, "ledger": None} for one in (first, again)]
    assert told[0] == told[1]
    page = (folder / "reports/harbor/report.html").read_text()
    assert "nothing was left to do" in page
    assert "this run" in page
    records = {path.stem for path in (folder / "reports/harbor/runs").iterdir()}
    assert records == {first["run"]["id"], again["last_run"]["id"]}
    assert call(folder, "report").returncode == 0
    assert json.loads(report.read_text())["run"] == first["run"]


@pytest.mark.parametrize(
    ("name", "content", "what"),
    [
        ("kept.sqlite", b"SQLite format 3\0" + bytes(84), "a database"),
        ("hero.mp4", b"\0\0\0\x20ftypisom", "a video"),
        ("picture.png", None, "a picture"),
        ("harbor.wanbatch.yaml", None, "a manifest"),
        ("harbor.lock.json", b"{}", "a lock"),
        ("ledger.db", b"", "a ledger's file"),
    ],
)
def test_what_cannot_be_made_again_for_nothing_is_never_written_over(folder, name, content, what):
    place = folder / name
    if content is not None:
        place.write_bytes(content)
    before = place.read_bytes()
    done = call(folder, "plan", "-o", name)
    assert done.returncode == 2, done.stderr
    assert f"error: -o {name} is {what}, and was not touched" in done.stderr
    assert place.read_bytes() == before


def test_what_was_saved_before_is_replaced(folder):
    assert [call(folder, "plan", "-o", "plan.json").returncode for _ in range(2)] == [0, 0]
