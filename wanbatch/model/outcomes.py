"""What the API can tell: the verdicts of a delivery, of one POST, one poll, one
download.

What it may not do: know a wire format (``providers`` reads those) or decide what
follows (``lifecycle`` and the engine do).

How it works: values, one class per verdict, so that a ``match`` over them is checked
for completeness by mypy. The table they follow is in ARCHITECTURE.md under "What one
POST can tell".
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import TypeVar, final

from wanbatch.model.job import MediaType
from wanbatch.model.media import VideoFacts


class ThrottledBy(StrEnum):
    """Which limit a 429 spoke of; each is answered differently by the pacing."""

    RATE = "rate"
    CONCURRENCY = "concurrency"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Delivered:
    """The media of a request, by type, at the URLs under which the provider reads
    them; they may be signed, or hold a file whole."""

    urls: Mapping[MediaType, str] = field(repr=False)


@dataclass(frozen=True, slots=True)
class Undeliverable:
    """The provider cannot be given a file: ``message`` says why, ``help`` what a person
    can do, a way out each."""

    message: str
    help: tuple[str, ...] = ()

    @property
    def text(self) -> str:
        """Both in one line, for the events of a run."""
        return "; ".join((self.message, *self.help))


DeliveryOutcome = Delivered | Undeliverable


@dataclass(frozen=True, slots=True)
class Accepted:
    """2xx with a valid task id.

    ``evidence`` is what the answer said beside it, such as a second id; often empty.
    """

    task_id: str
    evidence: str = ""


@dataclass(frozen=True, slots=True)
class NotAccepted:
    """Proven not taken: no byte was written, or the API said "later". ``retry_after_s``
    is what it asked for, clamped, or ``None``."""

    reason: str
    limit: ThrottledBy | None = None
    retry_after_s: float | None = None


@dataclass(frozen=True, slots=True)
class Rejected:
    """A definite refusal of this job, in the API's own words."""

    code: str
    message: str


@dataclass(frozen=True, slots=True)
class Halted:
    """A definite refusal that concerns every job (key, quota, wrong URL): the run
    stops, the job goes back to planned."""

    code: str
    message: str
    hint: str = ""


@dataclass(frozen=True, slots=True)
class Uncertain:
    """Nobody knows whether a video was bought.

    ``evidence`` is a redacted piece of the answer, at most 2 KiB. ``halt`` is set where
    the answer says that the next job would fare alike (a redirect, a refusal in a 5xx):
    buying stops, the run drains and ends with 4.
    """

    reason: str
    evidence: str = ""
    halt: Halted | None = None


SubmitOutcome = Accepted | NotAccepted | Rejected | Halted | Uncertain


@dataclass(frozen=True, slots=True)
class Running:
    """Not done yet, or a word that nobody knows.

    ``progress`` is a percentage and may fall. ``known`` is false for a word that is in
    no vocabulary of ours: it is shown to people, and the content route is asked in
    time.
    """

    word: str = ""
    progress: float | None = None
    known: bool = True


@dataclass(frozen=True, slots=True)
class Succeeded:
    """There is a result. ``urls`` are tried in order, then the content route; they may
    be signed, and are never stored.

    Instants are Unix seconds by the server's clock, or ``None`` where it does not tell.
    """

    urls: tuple[str, ...] = ()
    created_at: float | None = None
    completed_at: float | None = None
    expires_at: float | None = None


@dataclass(frozen=True, slots=True)
class Failed:
    """The provider's final word: no video, no charge.

    ``certain`` is false for words other than ``failed``, ``failure`` and ``fail``: they
    are believed after a second poll some seconds later and one try of the content
    route.
    """

    code: str
    message: str
    retryable: bool = False
    certain: bool = True


@dataclass(frozen=True, slots=True)
class Unreadable:
    """This query told nothing (network, 5xx, 429, an unknown id right after the
    submit): ask again later.

    ``denied`` is true where the API itself answered that it does not know the task
    (404, ``task_not_exist``, ``UNKNOWN``), as against a query that told nothing at all.
    """

    reason: str
    retry_after_s: float | None = None
    throttled: bool = False
    denied: bool = False


PollOutcome = Running | Succeeded | Failed | Unreadable


@final
@dataclass(frozen=True, slots=True)
class CancelTaken:
    """The API took the wish. What became of the task, its own state says."""


@dataclass(frozen=True, slots=True)
class CancelRefused:
    """The API will not call the task off: it has begun, or is over."""

    reason: str


@dataclass(frozen=True, slots=True)
class CancelUnanswered:
    """Nobody knows whether the wish arrived: no whole answer, or none of the API's
    own."""

    reason: str


CancelOutcome = CancelTaken | CancelRefused | CancelUnanswered


@dataclass(frozen=True, slots=True)
class Downloaded:
    """The whole file stands, synced, under its ``.part`` name.

    ``declared`` is false where the answer stated no length, so that a file cut between
    two fragments looks whole. ``remark`` is worth a word to people, such as bytes
    behind the last box.
    """

    facts: VideoFacts
    declared: bool = True
    remark: str = ""


@dataclass(frozen=True, slots=True)
class DownloadFailed:
    """No whole file came.

    ``gone`` means that every source says it no longer has it, ``disk`` that our own
    disk would not take it. ``refused`` is the SHA-256 of bytes that came whole and are
    no video as they should be; they stand under the ``.part`` name for the caller to
    keep. ``denied`` means that every source answered and none gave bytes, as against a
    network in trouble. ``unfit`` means that a whole video came of a task that never
    ended; it is not what was asked for, and kept.
    """

    reason: str
    gone: bool = False
    disk: bool = False
    refused: str = ""
    denied: bool = False
    unfit: bool = False


DownloadOutcome = Downloaded | DownloadFailed


@dataclass(frozen=True, slots=True)
class ProbePassed:
    """The backend speaks the protocol and knows the key. ``clock_skew_s`` is its clock
    minus ours, where it sent a ``Date``."""

    clock_skew_s: float | None = None


@dataclass(frozen=True, slots=True)
class ProbeFailed:
    reason: str
    hint: str = ""


ProbeOutcome = ProbePassed | ProbeFailed


@dataclass(frozen=True, slots=True)
class ListedTask:
    """A task as the account's list, or one query, shows it.

    Enough to recognise which intent it belongs to. Instants are Unix seconds;
    ``seconds`` and ``size`` (``720P``) are the output's, where the API tells them.
    """

    task_id: str
    status: str = ""
    model: str = ""
    prompt: str | None = None
    created_at: float | None = None
    finished_at: float | None = None
    seconds: float | None = None
    size: str = ""


@dataclass(frozen=True, slots=True)
class TaskListing:
    """The account's tasks of a span of time.

    Absence counts only where ``complete``; ``started_at`` is when the listing began, by
    our clock, ``offset_s`` the server's clock minus ours by the listing's own ``Date``.
    """

    tasks: tuple[ListedTask, ...]
    started_at: float
    complete: bool
    reason: str = ""
    offset_s: float | None = None


Outcome = TypeVar(
    "Outcome",
    DeliveryOutcome,
    SubmitOutcome,
    PollOutcome,
    CancelOutcome,
    DownloadOutcome,
    ProbeOutcome,
)


def rewrite(outcome: Outcome, change: Callable[[str], str]) -> Outcome:
    """``outcome`` with ``change`` made to every text that a server may have had a part
    in; ids and URLs stay."""
    match outcome:
        case Undeliverable():
            ways = tuple(change(way) for way in outcome.help)
            return replace(outcome, message=change(outcome.message), help=ways)
        case Accepted():
            return replace(outcome, evidence=change(outcome.evidence))
        case NotAccepted() | Unreadable() | DownloadFailed() | CancelRefused() | CancelUnanswered():
            return replace(outcome, reason=change(outcome.reason))
        case Rejected() | Failed():
            return replace(outcome, code=change(outcome.code), message=change(outcome.message))
        case Halted():
            return _rewrite_halt(outcome, change)
        case Uncertain():
            return replace(
                outcome,
                reason=change(outcome.reason),
                evidence=change(outcome.evidence),
                halt=_rewrite_halt(outcome.halt, change) if outcome.halt else None,
            )
        case Running():
            return replace(outcome, word=change(outcome.word))
        case ProbeFailed():
            return replace(outcome, reason=change(outcome.reason), hint=change(outcome.hint))
        case Delivered() | Succeeded() | Downloaded() | ProbePassed() | CancelTaken():
            return outcome


def _rewrite_halt(halt: Halted, change: Callable[[str], str]) -> Halted:
    return Halted(change(halt.code), change(halt.message), change(halt.hint))
