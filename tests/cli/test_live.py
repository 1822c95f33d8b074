"""A run on a terminal: the real command on a pseudo-terminal, read by a terminal of our
own; and what it is where there is none, or one that can do nothing."""

from __future__ import annotations

import fcntl
import io
import os
import pty
import re
import select
import signal
import struct
import subprocess
import termios
import threading
import time
from dataclasses import replace
from decimal import Decimal

import command
import pytest
from builders import attempt, job
from PIL import Image
from rich.cells import cell_len
from rich.console import Console
from terminal import Terminal

from wanbatch.cli.progress.board import Board
from wanbatch.cli.progress.choose import choose_display
from wanbatch.cli.progress.live import SCROLLED, LiveDisplay
from wanbatch.cli.progress.plain import PlainDisplay, SilentDisplay
from wanbatch.model.lifecycle import State
from wanbatch.operations.events import MoneyMoved, Stored, Submitted, Unrecorded
from wanbatch.words.errors import ExitCode

MANIFEST = """\
wanbatch: 1
name: live
jobs:
  - id: opening
    prompt: A harbour, {{ mood }}
    prompt_extend: false
    seconds: 2
    media: {first_frame: picture.png}
    matrix: {mood: [霧の夜明け and a very very long mood that goes on and on, wild]}
    seeds: {start: 0, count: 5}
run: {backend: emulator}
"""


@pytest.fixture
def folder(tmp_path):
    Image.new("RGB", (320, 240), "teal").save(tmp_path / "picture.png")
    (tmp_path / "live.wanbatch.yaml").write_text(MANIFEST)
    return tmp_path


class Sitting:
    """The command with its stderr on a pseudo-terminal."""

    def __init__(self, folder, *words, width=80, **variables):
        self.terminal = Terminal(width)
        self.ours, theirs = pty.openpty()
        self.resize(width)
        environ = command.environ(
            WANBATCH_EMULATOR_OPTIONS="--latency 1.5 --latency-sigma 0.3 --render tiny",
            TERM="xterm-256color",
        )
        for name in ("CI", "NO_COLOR", "FORCE_COLOR", "COLUMNS", "LINES"):
            environ.pop(name, None)
        self.process = subprocess.Popen(
            command.line("run", "live.wanbatch.yaml", "--checks", "none", *words),
            cwd=folder,
            env=environ | variables,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=theirs,
            text=True,
        )
        os.close(theirs)

    def resize(self, width):
        fcntl.ioctl(self.ours, termios.TIOCSWINSZ, struct.pack("HHHH", 24, width, 0, 0))

    def read(self, until=None, wait_s=60.0):
        """Reads until a text was shown, or to the end."""
        ends_at = time.monotonic() + wait_s
        while time.monotonic() < ends_at:
            if not select.select([self.ours], [], [], 0.2)[0]:
                if self.process.poll() is not None:
                    return
                continue
            try:
                data = os.read(self.ours, 65536)
            except OSError:
                return
            if not data:
                return
            self.terminal.feed(data.decode())
            if until is not None and any(until in row for row in self.terminal.shown):
                return
        raise AssertionError(self.terminal.shown)

    def end(self):
        self.read()
        out = self.process.communicate(timeout=60)[0]
        os.close(self.ours)
        return self.process.returncode, out


@pytest.mark.parametrize("width", [40, 80, 120])
def test_a_run_is_watched_in_its_columns_and_leaves_only_its_lines(folder, width):
    sitting = Sitting(folder, width=width)
    code, out = sitting.end()
    terminal = sitting.terminal
    assert code == ExitCode.DONE, terminal.rows
    assert not terminal.unknown
    boards = [frame for frame in terminal.frames if any(" of 10 done" in row for row in frame)]
    assert len(boards) > 3
    seen = "\n".join(row for frame in boards for row in frame)
    assert "at the provider 10" in seen
    assert re.search(r"about .* left", seen)
    assert ("━" in seen) is (width > 40)
    assert all(cell_len(row) <= width for frame in boards for row in frame)
    # One board at a time, and none of it is left at the end.
    assert max(sum(" of 10 done" in row for row in frame) for frame in boards) == 1
    assert not any(" of 10 done" in row or "at the provider" in row for row in terminal.rows)
    assert sum(row.startswith("done ") for row in terminal.rows) == 10
    assert out.strip() == "reports/live/report.html"


def test_a_terminal_that_is_made_narrower_keeps_one_board(folder):
    sitting = Sitting(folder, width=120)
    sitting.read(until=" of 10 done")
    sitting.terminal.reflow(40)
    sitting.resize(40)
    code, _ = sitting.end()
    assert code == ExitCode.DONE
    assert not any(" of 10 done" in row for row in sitting.terminal.rows), sitting.terminal.rows


@pytest.mark.parametrize(
    ("words", "variables", "colored"),
    [
        ((), {}, True),
        ((), {"NO_COLOR": "1"}, False),
        (("--color", "never"), {}, False),
        (("--color", "always"), {"NO_COLOR": "1"}, False),
    ],
)
def test_colours_follow_the_environment(folder, words, variables, colored):
    sitting = Sitting(folder, *words, **variables)
    assert sitting.end()[0] == ExitCode.DONE
    assert any(" of 10 done" in row for frame in sitting.terminal.frames for row in frame)
    if "always" not in words:
        assert sitting.terminal.colored is colored


@pytest.mark.parametrize(
    ("words", "variables"),
    [
        ((), {"TERM": "dumb"}),
        (("--progress", "rich"), {"TERM": "dumb"}),
        ((), {"CI": "1"}),
        (("--progress", "plain"), {}),
    ],
)
def test_where_nothing_can_be_painted_there_are_lines(folder, words, variables):
    sitting = Sitting(folder, *words, **variables)
    assert sitting.end()[0] == ExitCode.DONE
    assert not any(" of 10 done" in row for row in sitting.terminal.rows)
    assert sum("] done " in row for row in sitting.terminal.rows) == 10


def test_nothing_is_painted_where_stderr_is_no_terminal(folder):
    environ = command.environ(WANBATCH_EMULATOR_OPTIONS="--render tiny", FORCE_COLOR="1")
    words = ("run", "live.wanbatch.yaml", "--checks", "none", "--progress", "rich")
    done = command.run(folder, *words, env=environ)
    assert done.returncode == 0, done.stderr
    moves = re.sub(r"\x1b\[[\d;]*m", "", done.stderr)  # colours were asked for, and no more
    assert "\x1b" not in moves
    assert "[10/10] done" in done.stderr


def test_ctrl_c_says_the_numbers_and_how_to_go_on_and_names_no_job(folder):
    sitting = Sitting(folder, WANBATCH_EMULATOR_OPTIONS="--latency 60 --render tiny")
    sitting.read(until="at the provider 10")
    sitting.process.send_signal(signal.SIGINT)
    code, _ = sitting.end()
    rows = sitting.terminal.rows
    assert code == ExitCode.INTERRUPTED, rows
    assert any(row.startswith("Stopping") for row in rows), rows
    after = rows[next(i for i, row in enumerate(rows) if row.startswith("Stopping")) :]
    assert "10 jobs: 10 running" in after
    assert any(row.startswith("Continue with: wanbatch run live.wanbatch.yaml") for row in after)
    assert not any("opening" in row for row in after)


def test_a_terminal_that_hangs_up_costs_the_run_nothing(folder):
    sitting = Sitting(folder, WANBATCH_EMULATOR_OPTIONS="--latency 2 --render tiny")
    sitting.read(until="at the provider 10")
    os.close(sitting.ours)
    out = sitting.process.communicate(timeout=60)[0]
    assert sitting.process.returncode == ExitCode.DONE
    assert out.strip() == "reports/live/report.html"
    assert len(list((folder / "reports/live/videos").glob("*.mp4"))) == 10


# -- the display by itself -------------------------------------------------------------


def stored(count, first=0):
    for n in range(first, first + count):
        yield Stored(
            replace(
                attempt(job(f"job {n}"), n + 1, fingerprint=f"f{n}"),
                state=State.STORED,
                stored_at=1010.0,
                seconds=5.0,
            )
        )


def test_done_lines_stop_at_a_sensible_number_and_sums_go_on():
    file = io.StringIO()
    console = Console(
        file=file, force_terminal=True, force_interactive=True, width=80, height=24,
        color_system=None, _environ={"TERM": "xterm"},
    )  # fmt: skip
    display = LiveDisplay(Board({f"f{n}" for n in range(100)}), color=False, console=console)
    display.begin()
    for number, event in enumerate(stored(60)):
        display.board.take(event, 1000.0)
        display.happened(event, 1000.0 + number / 100)
    for passed in (10.0, 29.0, 31.0, 45.0, 62.0):
        display.pass_time(1000.0 + passed)
    display.end()
    terminal = Terminal(80)
    terminal.feed(file.getvalue().replace("\n", "\r\n"))  # as a terminal's driver does
    assert sum(row.startswith("done ") for row in terminal.rows) == SCROLLED
    assert sum("and so on" in row for row in terminal.rows) == 1
    assert sum("60 of 100 done" in row for row in terminal.rows) == 2


class Stuck(PlainDisplay):
    """A display whose terminal takes nothing."""

    def __init__(self):
        super().__init__(Board({"f0"}), every_s=0.01)
        self.free = threading.Event()
        self.seen = []

    def happened(self, event, at):
        self.free.wait(10)
        self.seen.append(event)


def test_a_terminal_that_is_stopped_holds_nothing_up():
    events = list(stored(500))
    display = Stuck()
    with display:
        for event in events:
            display.show(event)  # with a display that waited this would take an hour
        assert not display.seen
        display.free.set()
    assert display.seen == events, "all is shown before the end"


class Gone(PlainDisplay):
    def happened(self, event, at):
        raise OSError("gone")


def test_a_terminal_that_is_gone_ends_nothing(capfd):
    with Gone(Board({"f0"})) as display:
        for event in stored(3):
            display.show(event)
    assert capfd.readouterr().err == ""


def test_a_log_gets_a_sum_while_nothing_happens_and_while_much_happens(capfd):
    with PlainDisplay(Board({"f0", "f1"}, (), "USD"), every_s=0.05) as display:
        display.show(MoneyMoved(Decimal(6), Decimal(0), Decimal(25)))
        time.sleep(0.3)
    assert "0 of 2 done, $6.00 of $25.00" in capfd.readouterr().err.splitlines()
    with PlainDisplay(Board({"f0", "f1"}), every_s=0.0) as display:
        for event in stored(2):
            display.show(event)
    assert "2 of 2 done" in capfd.readouterr().err.splitlines()


def test_what_must_not_be_missed_is_said_by_every_display(capfd):
    row = replace(attempt(job("one"), 1), state=State.INTENT)
    for kind in (PlainDisplay, SilentDisplay):
        with kind(Board({"f0"})) as display:
            display.show(Submitted(row))
            display.show(Unrecorded(row, "task-1"))
        said = capfd.readouterr().err
        assert "WRITE THIS DOWN: one was accepted as task task-1" in said
        assert ("submitted" in said) is (kind is PlainDisplay)


@pytest.mark.parametrize(
    ("choice", "quiet", "kind"),
    [
        ("auto", True, SilentDisplay),
        ("auto", False, PlainDisplay),
        ("rich", False, PlainDisplay),
        ("rich", True, PlainDisplay),
        ("json", False, SilentDisplay),
        ("none", False, SilentDisplay),
    ],
)
def test_the_display_that_is_chosen_without_a_terminal(choice, quiet, kind):
    assert type(choose_display(choice, Board(set()), quiet=quiet, color=True)) is kind
