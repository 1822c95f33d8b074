"""What happens in a run, as values: what displays, JSON lines, callers and simulations
read.

What it may not do: word anything for people, or decide what happens next.

How it works: one frozen class for each thing that can happen to a job. ``kind`` is the
word that JSON lines use. ``attempt`` is the ledger's row after what happened was made
durable; ``NotPrepared`` and ``Submitting`` have none, for nothing was bought yet, and
``Unrecorded`` has the row before it. What concerns the whole run (``PaceChanged``,
``MoneyMoved``) is told when it is another than it was told last, and names no job.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import ClassVar, assert_never

from wanbatch.model.lifecycle import Attempt
from wanbatch.model.outcomes import (
    Accepted,
    Halted,
    NotAccepted,
    Rejected,
    SubmitOutcome,
    Uncertain,
)


@dataclass(frozen=True, slots=True)
class NotPrepared:
    """Its media could not be read or delivered, or there is no room for its video."""

    kind: ClassVar[str] = "unprepared"
    job: str
    text: str
    attempt: None = None
    manifest: str = ""


@dataclass(frozen=True, slots=True)
class Submitting:
    """It is about to be sent. Told before its intent is written, so that nothing stands
    between intent and POST."""

    kind: ClassVar[str] = "submitting"
    job: str
    fingerprint: str
    manifest: str
    text: str = ""
    attempt: None = None


@dataclass(frozen=True, slots=True)
class AttemptEvent:
    """Something that happened to one attempt. ``text`` is what there is to say of it
    beyond the row."""

    kind: ClassVar[str]
    attempt: Attempt
    text: str = ""

    @property
    def job(self) -> str:
        return self.attempt.job


class Submitted(AttemptEvent):
    """The API took the task, and its id is on disk."""

    __slots__ = ()
    kind = "submitted"


class RequestRejected(AttemptEvent):
    """The API refused the request for good."""

    __slots__ = ()
    kind = "rejected"


class LeftUncertain(AttemptEvent):
    """Nobody knows whether the API took it; it counts as spent."""

    __slots__ = ()
    kind = "uncertain"


class PutBack(AttemptEvent):
    """It was proven not accepted, and may go out again."""

    __slots__ = ()
    kind = "put_back"


class Unrecorded(AttemptEvent):
    """The API took it, and the ledger could not be written. ``text`` is the task's
    id."""

    __slots__ = ()
    kind = "unrecorded"


class Polled(AttemptEvent):
    """A poll told something new."""

    __slots__ = ()
    kind = "polled"


class Downloading(AttemptEvent):
    """The video of a finished task is on its way."""

    __slots__ = ()
    kind = "downloading"


class Stored(AttemptEvent):
    """The video stands under its name. ``text`` is a remark on it."""

    __slots__ = ()
    kind = "stored"


class DownloadRetried(AttemptEvent):
    """A download gave nothing and is made again later. ``text`` says why."""

    __slots__ = ()
    kind = "unfetched"


class Expired(AttemptEvent):
    """Nothing can be had of the task any more."""

    __slots__ = ()
    kind = "expired"


class Altered(AttemptEvent):
    """The provider gives other bytes than were stored before."""

    __slots__ = ()
    kind = "altered"


@dataclass(frozen=True, slots=True)
class PaceChanged:
    """How submits go from now on: at most ``per_s`` a second (``None``: no limit), at
    most ``slots`` tasks at once, none for ``hold_s`` seconds. ``text`` is the refusal
    that lowered it, or nothing."""

    kind: ClassVar[str] = "pace"
    per_s: float | None
    slots: int
    hold_s: float = 0.0
    text: str = ""
    job: str = ""
    attempt: None = None


@dataclass(frozen=True, slots=True)
class MoneyMoved:
    """What this run has spent and holds back of its ``limit`` (``None``: none)."""

    kind: ClassVar[str] = "money"
    spent: Decimal
    held: Decimal
    limit: Decimal | None
    text: str = ""
    job: str = ""
    attempt: None = None


RunEvent = (
    NotPrepared
    | Submitting
    | Submitted
    | RequestRejected
    | LeftUncertain
    | PutBack
    | Unrecorded
    | Polled
    | Downloading
    | Stored
    | DownloadRetried
    | Expired
    | Altered
    | PaceChanged
    | MoneyMoved
)


def after_submit(attempt: Attempt, outcome: SubmitOutcome) -> RunEvent:
    """What the answer to a POST became; ``attempt`` is the row that it left."""
    match outcome:
        case Accepted():
            return Submitted(attempt)
        case Rejected(message=text):
            return RequestRejected(attempt, text)
        case Uncertain(reason=text):
            return LeftUncertain(attempt, text)
        case NotAccepted(reason=text) | Halted(message=text):
            return PutBack(attempt, text)
        case _:
            assert_never(outcome)
