"""The machine stays awake while a paid run goes on, and no longer; with stand-ins for
the system's commands."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import command
import pytest
from PIL import Image

from wanbatch.emulator.process import start_emulator
from wanbatch.operations.wakefulness import StayAwake, choose_command, let_it_sleep

MANIFEST = """\
wanbatch: 1
name: awake
jobs: [{id: one, prompt: A harbour, seconds: 2, media: {first_frame: picture.png}}]
"""
STAND_IN = """\
#!/bin/sh
echo "begin $$ $* ${WANBATCH_API_KEY:-no key}" >> "$LOG"
while [ "${1#--}" != "$1" ]; do shift; done
"$@"
echo "end $$" >> "$LOG"
"""


def stand_in(folder: Path, name: str, text: str = STAND_IN) -> Path:
    folder.mkdir(exist_ok=True)
    path = folder / name
    path.write_text(text)
    path.chmod(0o755)
    return path


def wait_for(holds: Callable[[], bool]) -> None:
    until = time.monotonic() + 30
    while not holds():
        assert time.monotonic() < until, "it never came"
        time.sleep(0.02)


@pytest.mark.parametrize(
    ("platform", "present", "command_begins", "missing"),
    [
        ("linux", True, ("/bin/systemd-inhibit", "--what=idle:sleep"), ""),
        ("linux", False, (), "there is no systemd-inhibit"),
        ("darwin", True, ("/bin/caffeinate", "-i", "-w", "77"), ""),
        ("darwin", False, (), "there is no caffeinate"),
        ("freebsd14", True, (), "no way is known on freebsd14"),
    ],
)
def test_each_system_has_its_way_or_says_what_is_missing(
    platform: str, present: bool, command_begins: tuple[str, ...], missing: str
) -> None:
    found, why = choose_command(platform, lambda name: f"/bin/{name}" if present else None, 77)
    assert (found[: len(command_begins)], bool(found), why) == (
        command_begins,
        bool(command_begins),
        missing,
    )


def test_the_lock_is_held_as_long_as_the_block(tmp_path: Path) -> None:
    log = tmp_path / "log"
    path = stand_in(tmp_path / "bin", "systemd-inhibit")
    words, _ = choose_command("linux", lambda _: str(path), 1)
    with StayAwake(words, environ={**os.environ, "LOG": str(log)}) as awake:
        wait_for(log.exists)
        time.sleep(0.2)
        assert "end" not in log.read_text()
    wait_for(lambda: "end" in log.read_text())
    assert awake.trouble == ""


def test_it_ends_with_a_process_that_is_killed(tmp_path: Path) -> None:
    log = tmp_path / "log"
    path = stand_in(tmp_path / "bin", "systemd-inhibit")
    code = (
        "import sys, time; from wanbatch.operations.wakefulness import *\n"
        f"words, _ = choose_command('linux', lambda _: {str(path)!r}, 1)\n"
        "with StayAwake(words): time.sleep(600)"
    )
    child = subprocess.Popen([sys.executable, "-c", code], env={**os.environ, "LOG": str(log)})
    wait_for(log.exists)
    child.send_signal(signal.SIGKILL)
    child.wait()
    wait_for(lambda: "end" in log.read_text())


@pytest.mark.parametrize("text", ["#!/bin/sh\nexit 1\n", "#!/no/such/interpreter\n"])
def test_a_way_that_does_not_work_is_told_and_fails_nothing(tmp_path: Path, text: str) -> None:
    path = stand_in(tmp_path, "systemd-inhibit", text)
    with StayAwake([str(path)]) as awake:
        time.sleep(0.5)
    assert str(path) in awake.trouble


def test_where_nothing_is_asked_nothing_is_told() -> None:
    with let_it_sleep() as awake:
        pass
    assert awake.trouble == ""


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="the stand-in is Linux's")
def test_a_paid_run_holds_it_and_the_emulator_does_not(tmp_path: Path) -> None:
    log = tmp_path / "log"
    stand_in(tmp_path / "bin", "systemd-inhibit")
    Image.new("RGB", (320, 240), "teal").save(tmp_path / "picture.png")
    (tmp_path / "awake.wanbatch.yaml").write_text(MANIFEST)
    with start_emulator(tmp_path / "books", "--render", "tiny") as server:
        environ = command.environ(
            PATH=f"{tmp_path / 'bin'}:{os.environ['PATH']}",
            LOG=str(log),
            WANBATCH_BASE_URL=server.base_url,
            WANBATCH_API_KEY="sk-canary-1234567890",
        )
        for backend, held in (("emulator", False), ("gateway", True)):
            words = ("run", "awake.wanbatch.yaml", "--backend", backend, "--yes", "-v")
            done = command.run(tmp_path, *words, "--poll-interval", "0.1", env=environ)
            assert done.returncode == 0, done.stderr
            assert log.exists() is held
            assert "fall asleep" not in done.stderr
    told = log.read_text()
    assert told.splitlines()[0].endswith("no key")
    assert "sk-canary" not in told
    wait_for(lambda: "end" in log.read_text())
