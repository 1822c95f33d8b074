"""Bad input: exit code 2 and a place, no traceback, nothing sent, nothing written."""

from __future__ import annotations

import pytest
from command import run

GOOD = """\
wanbatch: 1
name: bad
jobs:
  - id: one
    prompt: A harbour
    media: {first_frame: picture.png}
run: {backend: emulator}
"""
CASES = {
    "a missing medium": (GOOD, "bad.wanbatch.yaml:6:"),
    "a wrong key": (GOOD.replace("prompt:", "promt:"), "bad.wanbatch.yaml:5:5"),
    "unreadable yaml": (GOOD.replace("media: {", "media: {{"), "bad.wanbatch.yaml:6:"),
    "an illegal combination": (
        GOOD.replace("{first_frame: picture.png}", "{last_frame: picture.png}"),
        "bad.wanbatch.yaml:6:",
    ),
    "an empty file": ("", "bad.wanbatch.yaml:1:1"),
    "no text": ("\x00\x01", "bad.wanbatch.yaml:1:"),
}


@pytest.mark.parametrize("command", ["validate", "plan", "run"])
@pytest.mark.parametrize("case", CASES)
def test_bad_manifests_get_a_place_and_exit_code_2(tmp_path, command, case):
    text, place = CASES[case]
    (tmp_path / "bad.wanbatch.yaml").write_text(text)
    done = run(tmp_path, command, "bad.wanbatch.yaml")
    assert done.returncode == 2, done.stderr
    assert place in done.stderr
    assert "Traceback" not in done.stderr
    assert not (tmp_path / "reports").exists()


@pytest.mark.parametrize("name", ["missing.wanbatch.yaml", "."])
def test_files_that_cannot_be_read(tmp_path, name):
    done = run(tmp_path, "validate", name)
    assert done.returncode == 2
    assert name in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["run"], "FILE"),
        (["run", "x.yaml", "--max-cost", "lots"], "lots"),
        (["plan", "x.yaml", "--var", "novalue"], "--var"),
        (["explain", "WB999999"], "there is no code"),
        (["plan", "x.yaml", "--no-such-option"], "--no-such-option"),
    ],
)
def test_bad_usage(tmp_path, words, said):
    done = run(tmp_path, *words)
    assert done.returncode == 2
    assert said in done.stderr
    assert "Traceback" not in done.stderr


def test_an_unknown_backend_lists_those_there_are(tmp_path):
    from PIL import Image

    Image.new("RGB", (320, 240), "teal").save(tmp_path / "picture.png")
    (tmp_path / "bad.wanbatch.yaml").write_text(GOOD.replace("emulator", "emulater"))
    done = run(tmp_path, "run", "bad.wanbatch.yaml")
    assert done.returncode == 2
    assert "dashscope" in done.stderr
    none = run(tmp_path, "plan", "bad.wanbatch.yaml", "--backend", "")
    assert none.returncode == 2


@pytest.mark.parametrize("form", ["text", "json", "github", "sarif", "junit"])
def test_a_signature_in_the_manifest_is_shown_to_nobody(tmp_path, form):
    url = "https://bucket.example.com/a.png?Expires=1&OSSAccessKeyId=LTAIkey&Signature=s3cretSIGNATURE"
    (tmp_path / "bad.wanbatch.yaml").write_text(
        GOOD.replace("{first_frame: picture.png}", f'{{first_fram: "{url}"}}')
    )
    done = run(tmp_path, "validate", "bad.wanbatch.yaml", "--format", form)
    assert done.returncode == 2
    assert "first_fram" in done.stdout + done.stderr
    assert "s3cretSIGNATURE" not in done.stdout + done.stderr
