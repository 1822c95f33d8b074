"""``expect:`` and the guards on what was delivered, with the real command."""

from __future__ import annotations

import json
from pathlib import Path
from xml.etree import ElementTree as ET

import command
import pytest
from PIL import Image

MANIFEST = """\
wanbatch: 1
name: m
defaults: {prompt_extend: false, seconds: 2, media: {first_frame: picture.png}}
jobs:
  - {id: one, prompt: A harbour}
  - {id: two, prompt: A pier, expect: {sound: false, decodes: true}}
run: {backend: emulator}
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    Image.linear_gradient("L").resize((320, 240)).convert("RGB").save(tmp_path / "picture.png")
    (tmp_path / "m.wanbatch.yaml").write_text(MANIFEST)
    return tmp_path


def call(folder: Path, *words: str) -> tuple[int, str, str]:
    environ = command.environ(
        WANBATCH_EMULATOR_OPTIONS="--latency 0.2", WANBATCH_CONFIG="/dev/null"
    )
    done = command.run(folder, *words, env=environ)
    return done.returncode, done.stdout, done.stderr


def test_a_video_that_falls_short_stays_done_and_ends_the_run_with_1(folder: Path) -> None:
    code, said, told = call(folder, "run", "m.wanbatch.yaml")
    assert (code, said) == (1, "reports/m/report.html\n"), told
    assert "2 jobs: 2 done" in told
    assert "1 video falls short of what the manifest expects.\n" in told
    assert "  short     two  (sound: sound track present; none expected)\n" in told
    assert "not what was asked for" not in told
    shown = json.loads((folder / "reports/m/report.json").read_text())
    assert [(job["state"], job["unmet"]) for job in shown["jobs"]] == [
        ("done", []),
        ("done", ["sound"]),
    ]
    assert shown["run"]["exit_code"] == 1
    assert all((folder / "reports/m" / job["poster"]).is_file() for job in shown["jobs"])
    code, _, _ = call(folder, "report", "m.wanbatch.yaml", "-o", "m.xml", "--checks", "basic")
    assert code == 0
    cases = ET.parse(folder / "m.xml").getroot().findall(".//testcase")
    failures = [[f.get("message") for f in case.findall("failure")] for case in cases]
    assert failures == [[], ["sound: sound track present; none expected"]]
    manifest = folder / "m.wanbatch.yaml"
    manifest.write_text(MANIFEST.replace("sound: false", "sound: true"))
    code, _, told = call(folder, "run", "m.wanbatch.yaml")
    assert code == 0, told
    assert "No changes" in told or "0 to generate" in told


def test_how_deep_to_look_is_one_of_three_words(folder: Path) -> None:
    code, _, told = call(folder, "run", "m.wanbatch.yaml", "--checks", "some")
    assert code == 2
    assert "all" in told
