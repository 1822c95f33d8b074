"""All errors of all files at once: what is wrong with one thing hides nothing that is
wrong with another."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest
from PIL import Image

SOUND = "media: {first_frame: picture.png}"


@pytest.fixture
def folder(tmp_path):
    Image.new("RGB", (320, 240), "teal").save(tmp_path / "picture.png")
    return tmp_path


def findings(folder, *texts):
    files = []
    for number, text in enumerate(texts):
        files.append(f"m{number}.wanbatch.yaml")
        (folder / files[-1]).write_text(text)
    done = subprocess.run(
        [sys.executable, "-m", "wanbatch", "validate", *files, "--format", "json"],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == (2 if done.stdout and '"error"' in done.stdout else 0), done.stderr
    return [(d["code"], d["line"]) for d in json.loads(done.stdout)["findings"]]


def test_errors_of_every_kind_come_together(folder):
    text = f"""\
wanbatch: 1
jobs:
  - {{id: shape, promt: x, {SOUND}}}
  - {{id: template, prompt: "{{{{ nope }}}}", {SOUND}}}
  - {{id: template, prompt: x, {SOUND}}}
  - {{id: file, prompt: x, media: {{first_frame: missing.png}}}}
  - {{id: reference, prompt: x, media: {{first_clip: {{job: none}}}}}}
  - {{id: axis, prompt: x, {SOUND}, matrix: {{a: [1], exclude: [{{b: 1}}]}}}}
"""
    found = findings(
        folder, text, "wanbatch: 1\nnam: x\njobs:\n  - {id: a, media: {first_frame: lost.png}}\n"
    )
    assert found == [
        ("WB201", 3),
        ("WB302", 4),
        ("WB401", 5),
        ("WB501", 6),
        ("WB420", 7),
        ("WB405", 8),
        ("WB201", 2),
        ("WB501", 4),
    ]


def test_errors_of_one_job_come_together(folder):
    text = """\
wanbatch: 1
jobs:
  - id: one
    prompt: "{{ nope }}"
    negative_prompt: {file: none.txt}
    seconds: 99
    media: {first_frame: missing.png, last_frame: "{{ lost }}"}
  - id: two
    prompt: {file: missing.j2}
    media: {first_frame: missing.png}
"""
    assert {
        ("WB302", 4),
        ("WB203", 5),
        ("WB208", 6),
        ("WB302", 7),
        ("WB308", 9),
        ("WB501", 10),
    } <= set(findings(folder, text))


def test_an_error_in_the_defaults_leaves_the_jobs_to_be_looked_at(folder):
    text = f"""\
wanbatch: 1
defaults: {{sise: 720P, seconds: 99, {SOUND}}}
jobs:
  - {{id: one, prompt: "{{{{ nope }}}}"}}
run: {{backnd: emulator}}
"""
    assert findings(folder, text) == [("WB201", 2), ("WB208", 2), ("WB302", 4), ("WB201", 5)]


@pytest.mark.parametrize("line", ["varz: {style: noir}", "vars: [style]"])
def test_one_error_in_the_variables_is_not_made_one_of_every_job(folder, line):
    text = f'wanbatch: 1\n{line}\njobs:\n  - {{id: one, prompt: "{{{{ style }}}}", {SOUND}}}\n'
    assert [place for _, place in findings(folder, text)] == [2]


def test_a_null_that_removes_a_default_is_where_the_error_is(folder):
    text = f"wanbatch: 1\ndefaults: {{{SOUND}}}\njobs:\n  - id: one\n    media: null\n"
    assert findings(folder, text) == [("WB206", 5)]


@pytest.mark.parametrize(
    "field", ["rows: nothing-like-it.csv", "prompt: {file: nothing-like-it.j2}"]
)
def test_paths_in_a_manifest_are_said_to_be_relative_to_it(folder, field):
    (folder / "m.wanbatch.yaml").write_text(
        f"wanbatch: 1\njobs:\n  - id: one\n    {field}\n    {SOUND}\n"
    )
    done = subprocess.run(
        [sys.executable, "-m", "wanbatch", "validate", "m.wanbatch.yaml"],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert "paths are relative to the manifest" in done.stderr
