"""``--notify``: what the user's command is told, what it is not, and that no run ends
otherwise for it."""

from __future__ import annotations

import json
import re
import signal
import sys
import time
from decimal import Decimal
from pathlib import Path
from typing import Any

import command
import pytest
from builders import attempt
from PIL import Image

from wanbatch.config.profiles import load_profiles
from wanbatch.emulator.process import start_emulator
from wanbatch.model.lifecycle import State
from wanbatch.operations.notifying import (
    VANISHES_S,
    Ended,
    end_facts,
    find_vanishing,
    run_command,
    vanishing_facts,
)
from wanbatch.operations.others import without_secrets

HOUR = 3600.0
MANIFEST = """\
wanbatch: 1
name: told
jobs:
  - id: one
    prompt: A harbour
    prompt_extend: false
    seconds: 2
    seeds: [1, 2]
    media: {first_frame: picture.png}
"""
CONFIG = """\
[backends.priced]
kind = "gateway"
base_url = "%s"
api_key_env = "PRICED_KEY"
poll_interval = 0.1
rate = 50
price = {720P = 0.10, 1080P = 0.15, currency = "USD"}

[backends.other]
kind = "gateway"
base_url = "https://api.example.com"
api_key_env = "OTHER_WORD"
media = {way = "s3", bucket = "b", region = "r"}
"""
KEY = "sk-canary-1234567890"


# -- what it is told -------------------------------------------------------------------


def test_a_run_without_a_plan_still_tells_its_end() -> None:
    facts = end_facts(Ended(4, "run-1", trouble="the ledger is locked"))
    assert facts["WANBATCH_EXIT_CODE"] == "4"
    assert facts["WANBATCH_TROUBLE"] == "the ledger is locked"
    assert facts["WANBATCH_REPORT"] == ""


def test_what_vanishes_is_finished_paid_late_and_soon_gone() -> None:
    now = 100 * HOUR
    common: dict[str, Any] = {"state": State.REMOTE_OK, "finished_at": now - 23 * HOUR}
    soon = attempt(number=1, available_until=now + HOUR, **common)
    sooner = attempt(number=2, available_until=now + HOUR / 2, **common)
    others = [
        attempt(number=3, available_until=now + VANISHES_S + 1, **common),
        attempt(number=4, available_until=now - 1, **common),
        attempt(number=5, available_until=now + HOUR, state=State.STORED, finished_at=1.0),
        attempt(number=6, available_until=now + HOUR, state=State.REMOTE_OK, finished_at=now - 60),
        attempt(number=7, available_until=now + HOUR, realm="emulator", **common),
    ]
    assert find_vanishing([soon, *others, sooner], now) == [sooner, soon]
    facts = vanishing_facts("run-1", [sooner, soon])
    assert (facts["WANBATCH_EVENT"], facts["WANBATCH_LEFT"]) == ("vanishing", "2")
    assert facts["WANBATCH_DEADLINE"] == "1970-01-05T04:30:00Z"


# -- what it is not told ---------------------------------------------------------------


def test_no_key_of_any_backend_is_handed_on(tmp_path: Path) -> None:
    config = tmp_path / "config.toml"
    config.write_text(CONFIG % "http://127.0.0.1:1")
    names = load_profiles({"WANBATCH_CONFIG": str(config)}).secret_names()
    environ = {
        "WANBATCH_API_KEY": "a", "DASHSCOPE_API_KEY": "b", "PRICED_KEY": KEY, "OTHER_WORD": "c",
        "AWS_SECRET_ACCESS_KEY": "d", "COPY": f"Bearer {KEY}", "PATH": "/bin", "EMPTY": "",
    }  # fmt: skip
    assert without_secrets(environ, names, [KEY, ""]) == {"PATH": "/bin", "EMPTY": ""}


# -- how it is run ---------------------------------------------------------------------


def test_values_travel_by_the_environment_and_are_never_commands(tmp_path: Path) -> None:
    value = "$(touch evil); `touch evil` \"'\n&& touch evil"
    out = tmp_path / "out"
    trouble = run_command(
        f'cd "{tmp_path}" && printf %s "$WANBATCH_TROUBLE" > out',
        {"WANBATCH_TROUBLE": f"{value}\0"},
        {"PATH": "/usr/bin:/bin"},
    )
    assert (trouble, out.read_text(), (tmp_path / "evil").exists()) == ("", value, False)


def test_a_command_that_fails_says_its_last_line() -> None:
    assert run_command("echo one; echo two >&2; exit 3", {}, {}) == "exit code 3: two"
    assert run_command("no-such-command-here", {}, {}).startswith("exit code 127: ")
    assert run_command("kill -9 $$", {}, {}) == f"signal {int(signal.SIGKILL)}"


def test_a_command_that_hangs_is_ended_with_its_children(tmp_path: Path) -> None:
    mark = tmp_path / "mark"
    begun = time.monotonic()
    trouble = run_command(
        f"(sleep 1.5; touch {mark}) & sleep 600", {}, {"PATH": "/usr/bin:/bin"}, 0.3
    )
    assert trouble == "it took longer than 0.3 s, and was ended"
    assert time.monotonic() - begun < 60
    time.sleep(2)
    assert not mark.exists()


# -- the real command ------------------------------------------------------------------


@pytest.fixture
def project(tmp_path: Path):
    with start_emulator(tmp_path / "books", "--render", "tiny") as server:
        Image.new("RGB", (320, 240), "teal").save(tmp_path / "picture.png")
        (tmp_path / "told.wanbatch.yaml").write_text(MANIFEST)
        (tmp_path / "config.toml").write_text(CONFIG % server.base_url)
        yield tmp_path


def run(project: Path, *words: str):
    environ = command.environ(
        WANBATCH_CONFIG=str(project / "config.toml"),
        WANBATCH_API_KEY="sk-canary-other",
        PRICED_KEY=KEY,
        COPIED=KEY,
    )
    return command.run(
        project, "run", "told.wanbatch.yaml", "--backend", "priced", *words, env=environ
    )


def test_the_end_of_a_run_is_told_with_facts_and_without_keys(project: Path) -> None:
    code = "import json, os; json.dump(dict(os.environ), open('facts.json', 'w'))"
    done = run(project, "--yes", "--notify", f'"{sys.executable}" -c "{code}"; echo noise')
    assert done.returncode == 0, done.stderr
    assert done.stdout == "reports/told/report.html\n"
    facts = json.loads((project / "facts.json").read_text())
    told = {name: value for name, value in facts.items() if name.startswith("WANBATCH_")}
    told.pop("WANBATCH_CONFIG")
    assert Decimal(told.pop("WANBATCH_SPENT")) == Decimal("0.40")
    assert told.pop("WANBATCH_RUN")
    assert told == {
        "WANBATCH_EVENT": "end", "WANBATCH_EXIT_CODE": "0", "WANBATCH_JOBS": "2",
        "WANBATCH_DONE": "2", "WANBATCH_FAILED": "0", "WANBATCH_LEFT": "0",
        "WANBATCH_BACKEND": "priced", "WANBATCH_CURRENCY": "USD", "WANBATCH_TROUBLE": "",
        "WANBATCH_REPORT": "reports/told/report.html",
    }  # fmt: skip
    assert "sk-canary" not in (project / "facts.json").read_text()


def test_a_command_that_fails_changes_no_exit_code(project: Path) -> None:
    done = run(project, "--yes", "--notify", "echo broken; exit 9")
    assert done.returncode == 0, done.stderr
    assert "warning: the command of --notify failed: exit code 9: broken" in done.stderr


def test_a_refusal_is_told_too(project: Path) -> None:
    said = "echo $WANBATCH_EVENT $WANBATCH_EXIT_CODE > told.txt"
    done = run(project, "--max-cost", "0.01", "--notify", said)
    assert done.returncode == 3
    assert (project / "told.txt").read_text() == "end 3\n"


def test_a_run_that_cannot_go_on_is_told_too(project: Path) -> None:
    """Found out in the midst of it, where other tasks are under way."""
    config = project / "config.toml"
    config.write_text(re.sub(r"127\.0\.0\.1:\d+", "127.0.0.1:9", config.read_text()))
    said = "echo $WANBATCH_EVENT $WANBATCH_EXIT_CODE $WANBATCH_TROUBLE > told.txt"
    done = run(project, "--yes", "--notify", said)
    assert done.returncode == 4
    told = (project / "told.txt").read_text()
    assert told.startswith("end 4 backend priced did not answer as it should: ")
