"""How a run is watched: a live display on a terminal, plain lines elsewhere, JSON lines for programs, or nothing.

What it may not do: write to stdout, or hold the run up: a notice is printed and forgotten.

How it works: ``Progress`` keeps the few counts that a person wants and hands each notice to one of four displays. The words come from the notice
kinds that ``engine.runner`` sends.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable, Collection
from types import TracebackType
from typing import TYPE_CHECKING, Protocol

from wanbatch.cli.console import duration, say, wants_animation
from wanbatch.engine.runner import Notice
from wanbatch.model.lifecycle import Attempt, State

if TYPE_CHECKING:
    from rich.progress import Progress as Bar
    from rich.progress import TaskID


HUNG_UP = (OSError, ValueError, SystemExit)
"""What a write to a terminal that is gone may raise; rich makes ``SystemExit`` of a broken pipe. No run ends for that."""


class Display(Protocol):
    def __enter__(self) -> Display: ...
    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None: ...
    def show(self, notice: Notice, counts: Counts) -> None: ...


class Counts:
    """What has happened so far to the jobs that are to come home.

    Jobs are told apart by their fingerprints: ``expected`` are all of them, ``running`` those
    that run at the provider at the start. A failed task that is asked again and turns was
    not expected: it makes the total larger.
    """

    def __init__(self, expected: Collection[str], running: Collection[str], currency: str) -> None:
        self._total, self.currency = len(expected), currency
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

    def take(self, notice: Notice) -> None:
        attempt = notice.attempt
        if attempt is None:
            self._unprepared += notice.kind == "unprepared"
            return
        one = attempt.fingerprint
        if notice.kind == "submitted" and attempt.state is State.ACCEPTED:
            self._running.add(one)
            self._failed.discard(one)
        elif notice.kind == "submitted" and attempt.state in (State.REJECTED, State.UNCERTAIN):
            self._failed.add(one)
        elif notice.kind == "stored":
            self._done.add(one)
            self._running.discard(one)
            self._failed.discard(one)
        elif one in self._running and attempt.state in (State.REMOTE_FAILED, State.EXPIRED):
            self._running.discard(one)
            self._failed.add(one)


def describe(notice: Notice) -> str:
    """The notice as one line; empty where it is not worth one."""
    attempt = notice.attempt
    if attempt is None:
        return f"not sent   {notice.job}: {notice.text}"
    return _describe_submit(notice, attempt) or _describe_task(notice, attempt)


def _describe_submit(notice: Notice, attempt: Attempt) -> str:
    match notice.kind, attempt.state:
        case "submitted", State.ACCEPTED:
            return f"submitted  {attempt.job}  task {attempt.task_id}"
        case "submitted", State.REJECTED:
            return f"rejected   {attempt.job}  {attempt.error_code}: {attempt.error_message}"
        case "submitted", State.UNCERTAIN:
            return f"uncertain  {attempt.job}  {attempt.reason}; see 'wanbatch resolve'"
        case "submitted", _:
            return f"put back   {attempt.job}  {notice.text}"
    return ""


def _describe_task(notice: Notice, attempt: Attempt) -> str:
    match notice.kind, attempt.state:
        case "polled", State.REMOTE_FAILED:
            return f"failed     {attempt.job}  {attempt.error_code}: {attempt.error_message}"
        case "polled", State.ACCEPTED if attempt.status_word:
            return (
                f"running    {attempt.job}  the provider says {attempt.status_word!r},"
                " a word that is not known; it is watched on"
            )
        case "stored", _:
            return f"done       {attempt.job}  {attempt.seconds:g} s video after {duration(attempt.stored_at - attempt.intent_at)}"
        case (("polled" | "expired"), State.EXPIRED):
            return f"expired    {attempt.job}  {attempt.reason}"
        case "unfetched", _:
            return f"retrying   {attempt.job}  download: {notice.text}"
        case "unrecorded", _:
            return f"WRITE THIS DOWN: {attempt.job} was accepted as task {notice.text}, and the ledger could not be written"
        case "altered", _:
            return f"altered    {attempt.job}  {notice.text}"
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

    def show(self, notice: Notice, counts: Counts) -> None:
        line = describe(notice)
        if line:
            say(f"[{counts.done}/{counts.total}] {line}")


class SilentDisplay(PlainDisplay):
    """Nothing but what must not be missed."""

    def show(self, notice: Notice, counts: Counts) -> None:
        if notice.kind == "unrecorded":
            say(describe(notice))


class JsonDisplay(PlainDisplay):
    """One JSON object a line on stderr; stdout stays the report's path alone."""

    def show(self, notice: Notice, counts: Counts) -> None:
        attempt = notice.attempt
        shown = {
            "event": notice.kind,
            "job": notice.job,
            "done": counts.done,
            "total": counts.total,
            "text": notice.text,
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

    def show(self, notice: Notice, counts: Counts) -> None:
        line = describe(notice)
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
