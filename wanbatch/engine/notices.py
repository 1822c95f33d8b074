"""What the shell of a run tells the scheduler: each is a thing that happened.

What it may not do: decide what follows (``Scheduler.handle`` does).

How it works: one frozen class for each thing. What they say is durable already where it
has to be: an ``attempt`` is the ledger's row after it. Instants called ``at`` are Unix
seconds; the monotonic ``now`` of a notice is given to ``handle`` beside it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from wanbatch.engine.work_items import RunningTask, Urls, WorkItem
from wanbatch.model.lifecycle import Attempt
from wanbatch.model.outcomes import DownloadFailed, PollOutcome, SubmitOutcome, TaskListing


@dataclass(frozen=True, slots=True)
class TasksResumed:
    """What is in flight at the start. ``failed`` are tasks that the ledger calls failed
    and that may yet turn."""

    attempts: Sequence[Attempt]
    at: float
    failed: Sequence[Attempt] = ()


@dataclass(frozen=True, slots=True)
class MediaReady:
    """The work's media can be reached under ``urls``."""

    work: WorkItem
    urls: Urls


@dataclass(frozen=True, slots=True)
class MediaFailed:
    """The work's media could not be made ready; nothing was sent."""

    work: WorkItem
    reason: str


@dataclass(frozen=True, slots=True)
class NoRoom:
    """The disk has no room for one more video; nothing was sent."""

    work: WorkItem
    reason: str


@dataclass(frozen=True, slots=True)
class NoPermit:
    """Another machine decides about purchases now: nothing was sent."""

    work: WorkItem
    reason: str


@dataclass(frozen=True, slots=True)
class IntentRecorded:
    """The intent is durable; the POST goes out now."""

    work: WorkItem
    attempt: Attempt


@dataclass(frozen=True, slots=True)
class SubmitAnswered:
    """A POST was answered, and what that means is durable."""

    work: WorkItem
    attempt: Attempt
    outcome: SubmitOutcome


@dataclass(frozen=True, slots=True)
class PollAnswered:
    """A poll was answered. ``age_s`` is how old the task is, ``None`` for the age that
    ``at`` tells."""

    task: RunningTask
    attempt: Attempt
    outcome: PollOutcome
    at: float
    age_s: float | None = None


@dataclass(frozen=True, slots=True)
class ListAnswered:
    """The account's list was answered; ``None``: it was not."""

    listing: TaskListing | None
    at: float


@dataclass(frozen=True, slots=True)
class VideoStored:
    """The video stands under its name, or the attempt ended otherwise."""

    task: RunningTask
    attempt: Attempt


@dataclass(frozen=True, slots=True)
class FetchFailed:
    """A download gave nothing, and is no end."""

    task: RunningTask
    attempt: Attempt
    failure: DownloadFailed


@dataclass(frozen=True, slots=True)
class ClockSet:
    """Somebody set this machine's clock."""


@dataclass(frozen=True, slots=True)
class TimeTold:
    """It is ``at`` by our clock and ``offset_s`` later by the server's (``None``: it
    has said nothing): another day than before, or another server's time."""

    at: float
    offset_s: float | None


@dataclass(frozen=True, slots=True)
class StopBuying:
    """No new purchase from now on, for this reason."""

    reason: str


@dataclass(frozen=True, slots=True)
class Drain:
    """No new request from now on, for this reason."""

    reason: str


Notice = (
    TasksResumed
    | MediaReady
    | MediaFailed
    | NoRoom
    | NoPermit
    | IntentRecorded
    | SubmitAnswered
    | PollAnswered
    | ListAnswered
    | VideoStored
    | FetchFailed
    | ClockSet
    | TimeTold
    | StopBuying
    | Drain
)
