"""Nothing is bought without consent or beyond the limit: the real command against a
gateway on loopback, whose books say what it was sent."""

from __future__ import annotations

import json
import os
import pty
import subprocess
import sys

import command
import pytest
from PIL import Image

from wanbatch.emulator.process import start_emulator

MANIFEST = """\
wanbatch: 1
name: money
jobs:
  - id: one
    prompt: A harbour
    prompt_extend: false
    seconds: 2
    media: {first_frame: picture.png}
    seeds: [1, 2, 3]
"""
CONFIG = """\
[backends.priced]
kind = "gateway"
base_url = "%s"
api_key_env = "PRICED_KEY"
poll_interval = 0.1
rate = 50
price = {720P = 0.10, 1080P = 0.15, currency = "USD"}
"""


@pytest.fixture
def server(tmp_path):
    with start_emulator(tmp_path / "books", "--render", "tiny") as server:
        yield server


@pytest.fixture
def folder(tmp_path, server):
    folder = tmp_path / "project"
    folder.mkdir()
    Image.new("RGB", (320, 240), "teal").save(folder / "picture.png")
    (folder / "money.wanbatch.yaml").write_text(MANIFEST)
    (tmp_path / "config.toml").write_text(CONFIG % server.base_url)
    return folder


@pytest.fixture
def environ(tmp_path, server):
    return command.environ(
        WANBATCH_CONFIG=str(tmp_path / "config.toml"),
        PRICED_KEY="sk-canary-1234567890",
        WANBATCH_BASE_URL=server.base_url,
        WANBATCH_API_KEY="sk-canary-1234567890",
    )


def run(folder, environ, *words, **given):
    return command.run(folder, *words, env=environ, **given)


def bought(tmp_path):
    books = tmp_path / "books" / "tasks.jsonl"
    return (
        [line for line in books.read_text().splitlines() if '"event":"accepted"' in line]
        if books.exists()
        else []
    )


@pytest.mark.parametrize("backend", ["gateway", "priced"])
def test_without_consent_nothing_is_sent(folder, environ, tmp_path, backend):
    done = run(folder, environ, "run", "money.wanbatch.yaml", "--backend", backend)
    assert done.returncode == 3
    assert "nobody approved it" in done.stderr
    assert "--yes" in done.stderr
    assert not bought(tmp_path)


def test_a_gateway_run_inlines_the_picture_and_brings_the_videos_home(folder, environ, tmp_path):
    done = run(
        folder,
        environ,
        "run",
        "money.wanbatch.yaml",
        "--backend",
        "gateway",
        "--yes",
        "--rate",
        "50",
        "--poll-interval",
        "0.1",
    )
    assert done.returncode == 0, done.stderr
    sent = [json.loads(line)["body"] for line in bought(tmp_path)]
    assert len(sent) == 3
    assert all(
        body["media"][0]["url"].startswith("data:image/png;base64,")
        or len(body["media"][0]["url"]) < 200
        for body in sent
    )
    assert all(
        body["seconds"] == "2" and body["size"] == "720P" and body["watermark"] is False
        for body in sent
    )
    report = json.loads((folder / "reports/money/report.json").read_text())
    assert report["totals"]["done"] == 3
    assert done.stdout.strip() == "reports/money/report.html"
    for path in folder.rglob("*"):
        if path.is_file():
            assert b"sk-canary" not in path.read_bytes(), path
    assert "sk-canary" not in done.stderr


def test_the_plan_says_the_price_and_max_cost_is_kept(folder, environ, tmp_path):
    plan = run(
        folder, environ, "plan", "money.wanbatch.yaml", "--backend", "priced", "--detailed-exitcode"
    )
    assert plan.returncode == 5
    assert "Plan: 3 to generate ($0.60)." in plan.stderr
    low = run(
        folder, environ, "run", "money.wanbatch.yaml", "--backend", "priced", "--max-cost", "0.59"
    )
    assert low.returncode == 3
    assert "would spend $0.60, and the limit is $0.59" in low.stderr
    assert not bought(tmp_path)
    enough = run(
        folder, environ, "run", "money.wanbatch.yaml", "--backend", "priced", "--max-cost", "0.60"
    )
    assert enough.returncode == 0, enough.stderr
    assert "spent $0.60" in enough.stderr
    assert len(bought(tmp_path)) == 3
    after = run(
        folder, environ, "plan", "money.wanbatch.yaml", "--backend", "priced", "--detailed-exitcode"
    )
    assert (after.returncode, "No changes. 3 up to date." in after.stderr) == (0, True)


def test_a_manifests_limit_lowers_and_approves_nothing(folder, environ, tmp_path):
    (folder / "money.wanbatch.yaml").write_text(MANIFEST + "run: {max_cost: 0.30}\n")
    done = run(
        folder, environ, "run", "money.wanbatch.yaml", "--backend", "priced", "--max-cost", "5"
    )
    assert done.returncode == 3
    assert "run.max_cost" in done.stderr
    (folder / "money.wanbatch.yaml").write_text(MANIFEST + "run: {max_cost: 3.00}\n")
    assert run(folder, environ, "run", "money.wanbatch.yaml", "--backend", "priced").returncode == 3
    assert not bought(tmp_path)


def test_without_a_price_a_limit_cannot_be_kept_and_says_how_to_set_one(folder, environ, tmp_path):
    done = run(
        folder, environ, "run", "money.wanbatch.yaml", "--backend", "gateway", "--max-cost", "5"
    )
    assert done.returncode == 3
    assert "has no price" in done.stderr
    assert "price =" in done.stderr
    assert not bought(tmp_path)


@pytest.mark.parametrize(("answer", "code", "count"), [(b"y\n", 0, 3), (b"n\n", 3, 0)])
def test_a_person_at_a_terminal_is_asked(folder, environ, tmp_path, answer, code, count):
    terminal, theirs = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "wanbatch", "run", "money.wanbatch.yaml", "--backend", "priced"],
        cwd=folder,
        env=environ,
        stdin=theirs,
        stderr=theirs,
        stdout=subprocess.PIPE,
    )
    os.close(theirs)
    said = b""
    while b"[y/N]" not in said:
        said += os.read(terminal, 1024)
    assert b"Buy 3 videos on priced ($0.60)?" in said
    os.write(terminal, answer)
    try:
        while chunk := os.read(terminal, 4096):
            said += chunk
    except OSError:
        pass
    os.close(terminal)
    assert process.stdout is not None
    process.stdout.close()
    assert process.wait(30) == code, said.decode()
    assert len(bought(tmp_path)) == count


def test_a_wrong_key_ends_with_4_and_mending_it_is_enough(folder, environ, tmp_path):
    wrong = run(
        folder,
        {**environ, "WANBATCH_BASE_URL": "http://127.0.0.1:9"},
        "run",
        "money.wanbatch.yaml",
        "--backend",
        "gateway",
        "--yes",
    )
    assert wrong.returncode == 4
    assert "nothing was spent" in wrong.stderr
    none = run(
        folder,
        {k: v for k, v in environ.items() if k != "WANBATCH_API_KEY"},
        "run",
        "money.wanbatch.yaml",
        "--backend",
        "gateway",
        "--yes",
    )
    assert none.returncode == 4
    assert "WANBATCH_API_KEY" in none.stderr
    assert not bought(tmp_path)
    assert (
        run(
            folder,
            environ,
            "run",
            "money.wanbatch.yaml",
            "--backend",
            "gateway",
            "--yes",
            "--rate",
            "50",
            "--poll-interval",
            "0.1",
        ).returncode
        == 0
    )


def test_media_that_cannot_reach_the_backend_are_an_error_with_a_place(folder, environ, tmp_path):
    import wave

    with wave.open(str(folder / "voice.wav"), "wb") as sound:
        sound.setnchannels(1)
        sound.setsampwidth(2)
        sound.setframerate(8000)
        sound.writeframes(bytes(2 * 8000 * 2))
    (folder / "money.wanbatch.yaml").write_text(
        MANIFEST.replace("picture.png}", "picture.png, driving_audio: voice.wav}")
    )
    done = run(folder, environ, "run", "money.wanbatch.yaml", "--backend", "gateway", "--yes")
    assert done.returncode == 2, done.stderr
    assert "money.wanbatch.yaml:8:" in done.stderr
    assert "only images travel inline" in done.stderr
    assert not bought(tmp_path)


def test_what_stock_new_api_loses_is_a_warning_and_what_it_refuses_an_error(
    folder, environ, tmp_path
):
    plan = run(folder, environ, "plan", "money.wanbatch.yaml", "--backend", "gateway-metadata")
    assert plan.returncode == 0
    assert "warning[WB603]: prompt_extend: false is lost" in plan.stderr
    assert plan.stderr.count("WB603") == 1, "once for all cells"
    (folder / "money.wanbatch.yaml").write_text(MANIFEST.replace("    prompt: A harbour\n", ""))
    bare = run(
        folder, environ, "run", "money.wanbatch.yaml", "--backend", "gateway-metadata", "--yes"
    )
    assert bare.returncode == 2
    assert "error[WB602]" in bare.stderr
    assert "money.wanbatch.yaml:4:9" in bare.stderr
    assert not bought(tmp_path)


@pytest.mark.parametrize("code", ["WB601", "WB602", "WB603"])
def test_every_code_of_a_backends_fit_is_explained(folder, environ, code):
    told = run(folder, environ, "explain", code)
    assert told.returncode == 0
    assert told.stdout.startswith(f"{code}: ")


def test_the_first_are_a_trial_before_all(folder, environ, tmp_path):
    words = ("run", "money.wanbatch.yaml", "--backend", "priced", "--yes")
    trial = run(folder, environ, *words, "--first", "1")
    assert trial.returncode == 0, trial.stderr
    assert "Plan: 1 to generate ($0.20)" in trial.stderr
    assert len(bought(tmp_path)) == 1
    assert run(folder, environ, *words, "--first", "1").returncode == 0
    assert len(bought(tmp_path)) == 1
    rest = run(folder, environ, *words)
    assert "Plan: 2 to generate ($0.40), 1 up to date." in rest.stderr
    assert len(bought(tmp_path)) == 3
