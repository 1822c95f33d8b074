"""A terminal in which somebody follows a page: one bash, a pseudo-terminal, a home of
its own.

What it may not do: know a page.

How it works: the shell reads the name of a file from a pipe of ours, sources it, and
writes its exit code between two marks behind all else on the terminal; so folder,
variables and background jobs last from line to line, and whatever a command asks is
asked on the terminal.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import pty
import re
import selectors
import signal
import struct
import subprocess
import termios
import time
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

COLUMNS = 100
WITHIN_S = 120.0
LOOP = (
    "code=0; exec 4>&1; while IFS= read -r -u 3 it; do"
    ' (exit $code); . "$it"; code=$?; printf "\\036%s\\036" $code >&4; done'
)
END = re.compile(rb"\x1e(\d+)\x1e$")


@dataclass(frozen=True)
class Shown:
    """What a command left on the terminal, and what it ended with."""

    text: str
    code: int


class Terminal:
    """A context manager; ``close`` ends what still runs in it."""

    def __init__(self, folder: Path, cwd: Path, environ: dict[str, str]) -> None:
        self._typed = folder / "typed.sh"
        self._screen, theirs = pty.openpty()
        _make_plain(theirs)
        read_names, self._names = os.pipe()
        self._shell = subprocess.Popen(
            [
                *("bash", "--noprofile", "--norc", "-c"),
                f"exec 3<&{read_names}; {LOOP}",
            ],
            cwd=cwd,
            env=environ,
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
            pass_fds=(read_names,),
            start_new_session=True,
        )
        for ours in (theirs, read_names):
            os.close(ours)

    def enter(self, line: str, answers: tuple[str, ...] = ()) -> Shown:
        """The line to its end; each question (``[y/N]``) gets the next answer."""
        self._typed.write_text(line + "\n", encoding="utf-8")
        os.write(self._names, f"{self._typed}\n".encode())
        heard, waiting = b"", list(answers)
        deadline = time.monotonic() + WITHIN_S
        with selectors.DefaultSelector() as selector:
            selector.register(self._screen, selectors.EVENT_READ)
            while time.monotonic() < deadline:
                if selector.select(1.0):
                    heard += os.read(self._screen, 65536)
                if ended := END.search(heard):
                    return Shown(_as_read(heard[: ended.start()]), int(ended[1]))
                if waiting and heard.endswith(b"[y/N]: "):
                    answer = waiting.pop(0).encode() + b"\n"
                    heard += answer
                    os.write(self._screen, answer)
        raise AssertionError(f"no end within {WITHIN_S:.0f} s: {line}\n{_as_read(heard)}")

    def close(self) -> None:
        """Ends the shell with all that it started."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._shell.pid, signal.SIGKILL)
        self._shell.wait()
        for ours in (self._screen, self._names):
            os.close(ours)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


def _make_plain(terminal: int) -> None:
    """No echo of what is typed, and a width."""
    settings = termios.tcgetattr(terminal)
    settings[3] &= ~termios.ECHO
    termios.tcsetattr(terminal, termios.TCSANOW, settings)
    fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", 40, COLUMNS, 0, 0))


def _as_read(heard: bytes) -> str:
    """Without line ends of terminals, colours, and what a carriage return wiped out."""
    text = heard.decode("utf-8", "replace").replace("\r\n", "\n")
    text = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", text)
    return "\n".join(line.rpartition("\r")[2] for line in text.split("\n"))
