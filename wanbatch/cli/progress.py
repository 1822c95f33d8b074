"""How a run is watched: a live display on a terminal, plain lines, JSON lines, or
nothing.

What it may not do: write to stdout, or hold the run up: an event is printed and
forgotten.

How it works: ``Counts`` keeps the few numbers that a person wants; each event of
``engine.events`` goes to one of four displays.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable, Collection
from types import TracebackType
from typing import TYPE_CHECKING, Protocol

from wanbatch.cli.console import say, wants_animation
from wanbatch.model.lifecycle import Attempt, State
from wanbatch.operations.events import (
    Altered,
    DownloadRetried,
    Expired,
    LeftUncertain,
    NotPrepared,
    Polled,
    PutBack,
    RequestRejected,
    RunEvent,
    Stored,
    Submitted,
    Unrecorded,
)
from wanbatch.words.humanize import duration

if TYPE_CHECKING:
    from rich.progress import Progress as Bar
    from rich.progress import TaskID


HUNG_UP = (OSError, ValueError, SystemExit)
"""What a write to a terminal that is gone may raise; rich makes ``SystemExit`` of a
broken pipe. No run ends for that."""


class Display(Protocol):
    def __enter__(self) -> Display: ...
    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None: ...
    def show(self, event: RunEvent, counts: Counts) -> None: ...


class Counts:
    """What has happened so far to the jobs that are to come home.

    Jobs are told apart by their fingerprints: ``expected`` are all of them, ``running``
    those that run at the provider at the start. A failed task that is asked again and
    turns was not expected: it makes the total larger.
    """

    def __init__(self, expected: Collection[str], running: Collection[str]) -> None:
        self._total = len(expected)
        self._running, self._done, self._failed = set(running), set[str](), set[str]()
        self._unprepared = 0

    @property
    def total(self) -> int:
        return max(self._total, self.done + self.failed)

    @property
    def running(self) -> int:
        return len(self._running)

    @property
    def done(self) -> int:
        return len(self._done)

    @property
    def failed(self) -> int:
        return len(self._failed) + self._unprepared

    def take(self, event: RunEvent) -> None:
        match event:
            case NotPrepared():
                self._unprepared += 1
            case Submitted(attempt):
                self._running.add(attempt.fingerprint)
                self._failed.discard(attempt.fingerprint)
            case RequestRejected(attempt) | LeftUncertain(attempt):
                self._failed.add(attempt.fingerprint)
            case Altered(attempt):
                self._running.discard(attempt.fingerprint)
                self._failed.add(attempt.fingerprint)
            case Stored(attempt):
                self._done.add(attempt.fingerprint)
                self._running.discard(attempt.fingerprint)
                self._failed.discard(attempt.fingerprint)
            case _:
                self._end(event.attempt)

    def _end(self, attempt: Attempt) -> None:
        one = attempt.fingerprint
        if one in self._running and attempt.state in (State.REMOTE_FAILED, State.EXPIRED):
            self._running.discard(one)
            self._failed.add(one)


def describe(event: RunEvent) -> str:
    """The event as one line; empty where it is not worth one."""
    match event:
        case NotPrepared(job, text):
            return f"not sent   {job}: {text}"
        case Submitted(a):
            return f"submitted  {a.job}  task {a.task_id}"
        case RequestRejected(a):
            return f"rejected   {a.job}  {a.error_code}: {a.error_message}"
        case LeftUncertain(a):
            return f"uncertain  {a.job}  {a.reason}; see 'wanbatch resolve'"
        case PutBack(a, text):
            return f"put back   {a.job}  {text}"
        case Polled(a) | Expired(a):
            return _describe_task(a)
        case Stored(a):
            took = duration(a.stored_at - a.intent_at)
            return f"done       {a.job}  {a.seconds:g} s video after {took}"
        case DownloadRetried(a, text):
            return f"retrying   {a.job}  download: {text}"
        case Unrecorded(a, task_id):
            return (
                f"WRITE THIS DOWN: {a.job} was accepted as task {task_id},"
                " and the ledger could not be written"
            )
        case Altered(a, text):
            return f"altered    {a.job}  {text}"


def _describe_task(attempt: Attempt) -> str:
    match attempt.state:
        case State.REMOTE_FAILED:
            return f"failed     {attempt.job}  {attempt.error_code}: {attempt.error_message}"
        case State.ACCEPTED if attempt.status_word:
            return (
                f"running    {attempt.job}  the provider says {attempt.status_word!r},"
                " a word that is not known; it is watched on"
            )
        case State.EXPIRED:
            return f"expired    {attempt.job}  {attempt.reason}"
        case _:
            return ""


class PlainDisplay:
    """One line for each thing that happened."""

    def __enter__(self) -> PlainDisplay:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        pass

    def show(self, event: RunEvent, counts: Counts) -> None:
        line = describe(event)
        if line:
            say(f"[{counts.done}/{counts.total}] {line}")


class SilentDisplay(PlainDisplay):
    """Nothing but what must not be missed."""

    def show(self, event: RunEvent, counts: Counts) -> None:
        if isinstance(event, Unrecorded):
            say(describe(event))


class JsonDisplay(PlainDisplay):
    """One JSON object a line on stderr; stdout stays the report's path alone."""

    def show(self, event: RunEvent, counts: Counts) -> None:
        attempt = event.attempt
        shown = {
            "event": event.kind,
            "job": event.job,
            "done": counts.done,
            "total": counts.total,
            "text": event.text,
        }
        if attempt is not None:
            shown |= {
                "state": attempt.state.value,
                "task_id": attempt.task_id,
                "at": attempt.updated_at,
            }
        say(json.dumps(shown, ensure_ascii=False))


class LiveDisplay:
    """A bar that stays in place with a line above it for each thing that happened."""

    def __init__(self, counts: Counts, *, color: bool) -> None:
        from rich.console import Console
        from rich.progress import (
            BarColumn,
            MofNCompleteColumn,
            Progress,
            SpinnerColumn,
            TextColumn,
            TimeElapsedColumn,
        )

        self.bar: Bar = Progress(
            SpinnerColumn(),
            TextColumn("{task.description}"),
            BarColumn(bar_width=32),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            console=Console(stderr=True, highlight=False, color_system="auto" if color else None),
        )
        self.task: TaskID = self.bar.add_task(self._text(counts), total=counts.total)

    def __enter__(self) -> LiveDisplay:
        with contextlib.suppress(*HUNG_UP):
            self.bar.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        with contextlib.suppress(*HUNG_UP):
            self.bar.stop()

    def show(self, event: RunEvent, counts: Counts) -> None:
        line = describe(event)
        with contextlib.suppress(*HUNG_UP):
            if line and not line.startswith("submitted"):
                self.bar.console.print(line, markup=False, style=_style(line), soft_wrap=True)
            self.bar.update(
                self.task, completed=counts.done, total=counts.total, description=self._text(counts)
            )

    @staticmethod
    def _text(counts: Counts) -> str:
        failed = f", {counts.failed} not done" if counts.failed else ""
        return f"{counts.running} running{failed}"


def _style(line: str) -> str:
    word = line.split(" ", 1)[0]
    return {
        "done": "green",
        "failed": "red",
        "rejected": "red",
        "uncertain": "magenta",
        "expired": "magenta",
        "WRITE": "bold red",
    }.get(word, "default")


def choose_display(choice: str, counts: Counts, *, quiet: bool, color: bool) -> Display:
    if choice == "auto":
        choice = "none" if quiet else "rich" if wants_animation() else "plain"
    displays: dict[str, Callable[[], Display]] = {
        "rich": lambda: LiveDisplay(counts, color=color),
        "plain": PlainDisplay,
        "json": JsonDisplay,
        "none": SilentDisplay,
    }
    return displays[choice]()
