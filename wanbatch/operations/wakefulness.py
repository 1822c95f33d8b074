"""Keeps the machine from falling asleep while tasks that cost money are under way.

What it may not do: outlive this process, fail or delay a run, keep the screen on.

How it works: a child of ours holds the system's own lock: ``systemd-inhibit`` on Linux,
``caffeinate`` on macOS. It reads from a pipe that only this process writes to, so that
it ends with us, also where we are killed. On Windows the lock is a state of the thread.
Where there is no way, ``trouble`` says so.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, suppress
from types import TracebackType
from typing import Protocol, Self

_SETTLES_S = 1.0
"""A child that has lost its pipe ends in milliseconds."""
_UNTIL_PIPE_CLOSES = ("sh", "-c", "cat >/dev/null")
_WHY = "videos that are paid for are under way"


class Wakeful(Protocol):
    """Why the machine may fall asleep after all; empty where it may not."""

    @property
    def trouble(self) -> str: ...


Awake = Callable[[], AbstractContextManager[Wakeful]]


def choose_command(
    platform: str, which: Callable[[str], str | None], pid: int
) -> tuple[tuple[str, ...], str]:
    """The command that holds the lock until its input ends; or what is missing."""
    if platform == "darwin":
        path = which("caffeinate")
        # Its own -w ends it with us; it reads no input.
        command = (path, "-i", "-w", str(pid)) if path else ()
        return command, "" if path else "there is no caffeinate"
    if platform.startswith("linux"):
        path = which("systemd-inhibit")
        if path:
            words = ("--what=idle:sleep", "--who=wanbatch", f"--why={_WHY}", "--mode=block")
            return (path, *words, *_UNTIL_PIPE_CLOSES), ""
        return (), "there is no systemd-inhibit"
    return (), f"no way is known on {platform}"


class StayAwake:
    """A context manager that holds the lock; ``trouble`` is known at its end."""

    def __init__(
        self, command: Sequence[str], missing: str = "", environ: Mapping[str, str] | None = None
    ) -> None:
        self._command, self._environ = command, environ
        self._child: subprocess.Popen[bytes] | None = None
        self.trouble = missing

    def __enter__(self) -> Self:
        if self._command:
            try:
                self._child = subprocess.Popen(  # noqa: S603 - named above, no value in it
                    self._command,
                    stdin=subprocess.PIPE,
                    stdout=subprocess.DEVNULL,
                    stderr=subprocess.DEVNULL,
                    env=self._environ,
                    start_new_session=True,  # Ctrl-C is for us; the lock stays until we end
                )
            except OSError as error:
                self.trouble = f"{self._command[0]} cannot be started: {error.strerror}"
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        child, self._child = self._child, None
        if child is None:
            return
        if child.poll() is not None:
            self.trouble = f"{self._command[0]} ended with exit code {child.returncode}"
        with suppress(OSError):
            if child.stdin is not None:
                child.stdin.close()
        if self._command[0].endswith("caffeinate"):
            child.terminate()
        try:
            child.wait(_SETTLES_S)
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait()


class WindowsAwake:
    """The state of this thread; it ends with the process."""

    trouble = ""

    def __enter__(self) -> Self:
        self._set(0x80000000 | 0x00000001)  # ES_CONTINUOUS | ES_SYSTEM_REQUIRED
        return self

    def __exit__(self, *_: object) -> None:
        self._set(0x80000000)

    def _set(self, state: int) -> None:
        import ctypes

        system = getattr(ctypes, "windll", None)
        if system is None or not system.kernel32.SetThreadExecutionState(state):
            self.trouble = "Windows refused"


def let_it_sleep() -> AbstractContextManager[Wakeful]:
    """For runs that cost nothing, and for those that nobody pays for."""
    return StayAwake(())


def stay_awake(environ: Mapping[str, str], pid: int) -> AbstractContextManager[Wakeful]:
    """The way of this system."""
    if sys.platform == "win32":
        return WindowsAwake()
    command, missing = choose_command(sys.platform, shutil.which, pid)
    return StayAwake(command, missing, environ)
