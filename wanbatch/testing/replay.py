"""Replays what a scheduler was told: the same notices at the same instants must give
the same actions.

What it may not do: perform an action, or know where the record came from.

How it works: a ``Scheduler`` with ``record`` keeps what went through its two doors. A
fresh one, built alike, is told the same; its own works and tasks take the place of the
recorded ones.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from wanbatch.engine.notices import (
    FetchFailed,
    IntentRecorded,
    MediaFailed,
    MediaReady,
    NoPermit,
    NoRoom,
    Notice,
    PollAnswered,
    SubmitAnswered,
    VideoStored,
)
from wanbatch.engine.scheduler import Asked, Scheduler, Told
from wanbatch.engine.work_items import (
    Fetch,
    Finish,
    ListTasks,
    NextAction,
    Poll,
    Prepare,
    Submit,
    Wait,
)


class ReplayDiffers(Exception):
    """The scheduler decided otherwise than the recorded one. ``number`` is the place in
    the record."""

    def __init__(self, number: int, recorded: str, found: str) -> None:
        super().__init__(f"entry {number}: recorded {recorded}, and now {found}")
        self.number = number


def replay(record: Sequence[Told | Asked], scheduler: Scheduler) -> None:
    """Raises ``ReplayDiffers`` at the first action that differs."""
    for number, entry in enumerate(record):
        match entry:
            case Told(now, notice):
                scheduler.handle(_moved(notice, scheduler), now)
            case Asked(now, action):
                recorded, found = describe(action), describe(scheduler.next_action(now))
                if recorded != found:
                    raise ReplayDiffers(number, recorded, found)


def _moved(notice: Notice, scheduler: Scheduler) -> Notice:
    """The notice about the other scheduler's works and tasks."""
    match notice:
        case (
            MediaReady()
            | MediaFailed()
            | NoRoom()
            | NoPermit()
            | IntentRecorded()
            | SubmitAnswered()
        ):
            return replace(notice, work=scheduler.works[notice.work.index])
        case PollAnswered() | VideoStored() | FetchFailed():
            return replace(notice, task=scheduler.tasks[notice.task.attempt.attempt_id])
        case _:
            return notice


def describe(action: NextAction) -> str:
    """An action in words that mean the same in every scheduler built alike."""
    match action:
        case Prepare(work):
            return f"prepare {work.index}"
        case Submit(work):
            return f"submit {work.index}"
        case Poll(task) | Fetch(task):
            return f"{type(action).__name__.lower()} {task.attempt.attempt_id}"
        case ListTasks(since):
            return f"list since {since}"
        case Wait(until):
            return f"wait until {until}"
        case Finish():
            return "finish"
