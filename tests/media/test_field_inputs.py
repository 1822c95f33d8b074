"""Files that people and programs really make: the real command takes them, and the
emulator agrees with it.

How it works: each file of ``inputs/`` stands in a manifest; ``wanbatch validate`` and a
run against the emulator, in processes and over sockets of their own, must both take it.
"""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from command import run

INPUTS = Path(__file__).parent / "inputs"
MANIFEST = """\
wanbatch: 1
name: field
run: {{backend: emulator}}
jobs:
  - id: shot
    media: {{{media}}}
    prompt_extend: false
    seconds: 4
    seed: 1
"""
TAKEN = {
    "pipe_7ffff000.wav": "",
    "tts_2000000000.wav": "",
    "zeros_before.mp3": "",
    "newlines_before.mp3": "",
    "bytes_between_markers.jpg": "",
    "audio_longer.mp4": "",
    "brand_3gp5.mp4": "",
    "rotated.mov": "",
    "tail_crlf.mp4": "2 bytes (a line end) stand behind its last box",
}
"""The remark that a file earns, empty for none."""


def media_of(name: str) -> str:
    if name.endswith((".wav", ".mp3")):
        return f"first_frame: base.png, driving_audio: {name}"
    return f"{'first_frame' if name.endswith('.jpg') else 'first_clip'}: {name}"


@pytest.fixture
def project(tmp_path: Path) -> Path:
    for path in INPUTS.iterdir():
        (tmp_path / path.name).write_bytes(path.read_bytes())
    return tmp_path


@pytest.mark.parametrize(("name", "remark"), TAKEN.items(), ids=TAKEN)
def test_what_the_field_makes_is_taken_by_the_checks_and_by_the_emulator(
    project: Path, name: str, remark: str
) -> None:
    (project / "a.wanbatch.yaml").write_text(MANIFEST.format(media=media_of(name)))
    checked = run(project, "validate", "a.wanbatch.yaml")
    assert checked.returncode == 0, checked.stderr
    assert "error" not in checked.stderr
    assert remark in checked.stderr
    assert ("WB515" in checked.stderr) == bool(remark)
    done = run(project, "run", "a.wanbatch.yaml")
    assert done.returncode == 0, done.stderr
    report = json.loads(next((project / "reports").rglob("report.json")).read_text())
    assert [job["state"] for job in report["jobs"]] == ["done"]
