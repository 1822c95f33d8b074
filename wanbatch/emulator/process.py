"""Starts an emulator as a process of its own, for ``wanbatch run`` and for tests.

What it may not do: know what the emulator answers.

How it works: ``python -m wanbatch emulator`` in a session of its own, so that a Ctrl-C
meant for the run does not take the server away under it. It holds the other end of the
child's stdin: when this process dies in whatever way, the child sees the end of its
input and leaves. Its stderr goes to a log in the store.
"""

from __future__ import annotations

import contextlib
import json
import os
import selectors
import subprocess
import sys
import time
from pathlib import Path
from types import TracebackType
from typing import IO, Self

from wanbatch.words.errors import ExitCode, WanbatchError
from wanbatch.words.files import open_own

READY_WITHIN_S = 30.0
"""A start takes a second, and some more where ten start on one busy core."""
STOP_WITHIN_S = 5.0
"""After that it is killed; all that it promised is on disk already."""


class EmulatorProcess:
    """A running emulator. ``base_url`` is where it listens; ``stop`` it, or use it as a
    context manager, sync or async."""

    def __init__(self, process: subprocess.Popen[bytes], base_url: str) -> None:
        self.process = process
        self.base_url = base_url

    def stop(self) -> None:
        """Ends the process; twice is fine."""
        for stream in (self.process.stdin, self.process.stdout):
            if stream is not None:
                with contextlib.suppress(OSError):
                    stream.close()
        try:
            self.process.wait(STOP_WITHIN_S)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        import anyio

        with anyio.CancelScope(shield=True):
            await anyio.to_thread.run_sync(self.stop)


def start_emulator(store: Path, *options: str) -> EmulatorProcess:
    """Starts an emulator on a free port over ``store`` and waits until it listens.
    Raises ``WanbatchError`` where it does not."""
    store.mkdir(parents=True, exist_ok=True)
    log = store / "emulator.log"
    command = [
        sys.executable,
        "-m",
        "wanbatch",
        "emulator",
        "--port",
        "0",
        "--store",
        str(store),
        "--exit-on-stdin-eof",
        *options,
    ]
    with os.fdopen(open_own(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND), "ab") as errors:
        begin = log.stat().st_size
        process = subprocess.Popen(  # noqa: S603 - ourselves
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=errors,
            start_new_session=True,
            bufsize=0,
        )
    assert process.stdout is not None  # noqa: S101 - a pipe was asked for
    line = _first_line(process.stdout, READY_WITHIN_S)
    try:
        return EmulatorProcess(process, str(json.loads(line)["base_url"]))
    except (ValueError, KeyError, TypeError):
        EmulatorProcess(process, "").stop()
        raise WanbatchError(
            ExitCode.ENVIRONMENT,
            f"the emulator did not start: {_last_words(log, begin)}",
            f"all that it said stands in {log}",
        ) from None


def _first_line(stream: IO[bytes], within_s: float) -> bytes:
    """What the child prints until a line ends, the stream ends, or time is up."""
    deadline, line = time.monotonic() + within_s, b""
    with selectors.DefaultSelector() as selector:
        selector.register(stream, selectors.EVENT_READ)
        while not line.endswith(b"\n") and (left := deadline - time.monotonic()) > 0:
            if selector.select(left):
                piece = os.read(stream.fileno(), 4096)
                if not piece:
                    break
                line += piece
    return line


def _last_words(log: Path, begin: int) -> str:
    with log.open("rb") as file:
        file.seek(begin)
        lines = file.read().decode("utf-8", "replace").splitlines()
    errors = [line.removeprefix("error: ") for line in lines if line.startswith("error: ")]
    return ((errors or lines)[-1] if lines else "it said nothing")[:400]
