"""``reports/NAME/events.ndjson``: what happens in every run, a line of JSON at a time.

What it may not do: hold a run up or end it. A file that cannot be written is told once,
and the run goes on without it.

How it works: a line is one ``write`` at the end of the file, at once, so that a kill
costs at most the end of the last one. Files are only ever added to: each run begins
with a line that names the schema. A line that was torn before is closed with a line
break first, and is then one that is no JSON, which readers skip. What happens to a job
goes to the file of its manifest, what concerns the run into all of them.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from pathlib import Path
from types import TracebackType

from wanbatch.operations.event_records import line_of
from wanbatch.operations.events import (
    AttemptEvent,
    Estimated,
    Event,
    Looking,
    NotPrepared,
    Reconciled,
    RunBegins,
    Submitting,
)
from wanbatch.words.files import open_own

NAME = "events.ndjson"
APART_S = 30.0
"""Estimates, and counts of what is looked at, are written so far apart at least: they
change every moment and are about the next (chosen, as the sums of a plain display)."""


class Journal:
    """The event files of one run, open from its ``RunBegins`` to the end of the
    ``with``.

    ``echo`` hears each line too; ``trouble`` says why a file is not written, once.
    ``scrub`` takes the key out of a text.
    """

    def __init__(
        self,
        output: Path,
        scrub: Callable[[str], str],
        echo: Callable[[str], None] | None = None,
    ) -> None:
        self._output, self._scrub, self._echo = output, scrub, echo
        self._files: dict[str, int] = {}
        self._began = False
        self._told: dict[type, float] = {}
        self.trouble: list[str] = []

    def __enter__(self) -> Journal:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for descriptor in self._files.values():
            os.close(descriptor)
        self._files = {}

    def take(self, event: Event, at: float) -> None:
        """Writes what happened ``at``, in Unix seconds. Raises nothing."""
        if isinstance(event, RunBegins):
            self._began = True
            self._open(event.manifests)
        if not self._began or self._is_too_soon(event, at):
            return
        try:
            line = line_of(event, at, self._scrub)
        except (ValueError, OverflowError) as error:  # no number of JSON, no instant
            self.trouble.append(f"an event could not be written: {error}")
            return
        if not line:
            return
        if self._echo is not None:
            self._echo(line)
        own = _manifest_of(event)
        for name in [own] if own in self._files else list(self._files):
            self._write(name, line.encode("utf-8", "replace") + b"\n")

    def _is_too_soon(self, event: Event, at: float) -> bool:
        if not isinstance(event, Estimated | Looking):
            return False
        if at - self._told.get(type(event), -APART_S) < APART_S:
            return True
        self._told[type(event)] = at
        return False

    def _open(self, manifests: Sequence[str]) -> None:
        for name in manifests:
            path = self._output / name / NAME
            try:
                self._files[name] = _open_whole(path)
            except OSError as error:
                self._fail(path, error)

    def _write(self, name: str, data: bytes) -> None:
        """A disk that takes half a line takes no more of them: what would follow would
        be joined to it."""
        try:
            if os.write(self._files[name], data) == len(data):
                return
            error = OSError(None, "the disk is full")
        except OSError as failed:
            error = failed
        os.close(self._files.pop(name))
        self._fail(self._output / name / NAME, error)

    def _fail(self, path: Path, error: OSError) -> None:
        self.trouble.append(f"{path} is not written: {error.strerror}")


def _manifest_of(event: Event) -> str:
    match event:
        case AttemptEvent(attempt):
            return attempt.manifest
        case NotPrepared(manifest=manifest) | Submitting(manifest=manifest):
            return manifest
        case Reconciled(verdict):
            return verdict.attempt.manifest
        case _:
            return ""


def _open_whole(path: Path) -> int:
    """The file, open at its end, where a new line begins. Raises ``OSError``."""
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor = open_own(path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o666)
    try:
        length = os.fstat(descriptor).st_size
        if length and os.pread(descriptor, 1, length - 1) != b"\n":
            os.write(descriptor, b"\n")
    except OSError:
        os.close(descriptor)
        raise
    return descriptor
