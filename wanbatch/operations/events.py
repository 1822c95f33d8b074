"""What an operation has to tell while it goes on, as values; a terminal, a log or a
caller reads them.

What it may not do: word anything, or decide.

How it works: one frozen class for each thing. What happens to a job in a run is an
event of ``engine.events``, which are named here too, so that a reader needs one room.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from wanbatch.engine.events import Altered as Altered
from wanbatch.engine.events import AttemptEvent as AttemptEvent
from wanbatch.engine.events import Downloading as Downloading
from wanbatch.engine.events import DownloadRetried as DownloadRetried
from wanbatch.engine.events import Expired as Expired
from wanbatch.engine.events import LeftUncertain as LeftUncertain
from wanbatch.engine.events import MoneyMoved as MoneyMoved
from wanbatch.engine.events import NotPrepared as NotPrepared
from wanbatch.engine.events import PaceChanged as PaceChanged
from wanbatch.engine.events import Polled as Polled
from wanbatch.engine.events import PutBack as PutBack
from wanbatch.engine.events import RequestRejected as RequestRejected
from wanbatch.engine.events import RunEvent as RunEvent
from wanbatch.engine.events import Stored as Stored
from wanbatch.engine.events import Submitted as Submitted
from wanbatch.engine.events import Submitting as Submitting
from wanbatch.engine.events import Unrecorded as Unrecorded
from wanbatch.engine.polling.forecast import Forecast as Forecast
from wanbatch.engine.reconcile import Absent as Absent
from wanbatch.engine.reconcile import Adopt as Adopt
from wanbatch.engine.reconcile import Undecided as Undecided
from wanbatch.engine.reconcile import Verdict as Verdict
from wanbatch.model.lifecycle import Attempt
from wanbatch.model.period import Allowance
from wanbatch.model.plan import Doubt, Plan, PlannedJob
from wanbatch.model.pool import PoolNews
from wanbatch.words.diagnostics import Diagnostic


@dataclass(frozen=True, slots=True)
class FindingsMade:
    """Every finding of one look at the input, in order; none at all is told too."""

    findings: tuple[Diagnostic, ...]


@dataclass(frozen=True, slots=True)
class SelectionDoubted:
    """A part of a selection that cannot have been meant, and that does not stop the
    command."""

    doubt: Doubt


@dataclass(frozen=True, slots=True)
class SharedLedgerRead:
    """A ledger that machines share was looked at: in what hands it is, or as of when
    (Unix seconds) the copy is that was shown, because the store was silent."""

    url: str
    holder: str = ""
    as_of: float | None = None


@dataclass(frozen=True, slots=True)
class Reconciled:
    """What an account's list told of a job that was uncertain."""

    verdict: Verdict


@dataclass(frozen=True, slots=True)
class Planned:
    """What a run is about to do.

    ``in_flight`` are the tasks of this backend that it watches, ``strangers`` those of
    them that the plan does not name, ``elsewhere`` tasks that only another backend can
    be asked for. ``failed`` is how many failed tasks are asked once more, ``left`` what
    may still be spent in this day and month.
    """

    plan: Plan
    in_flight: int
    failed: int
    strangers: tuple[Attempt, ...]
    elsewhere: tuple[Attempt, ...]
    left: tuple[Allowance, ...] = ()


@dataclass(frozen=True, slots=True)
class HeldElsewhere:
    """These jobs were bought before where this ledger does not see it; the run is
    refused."""

    jobs: tuple[PlannedJob, ...]


@dataclass(frozen=True, slots=True)
class ClockDiffers:
    """This machine's clock is ahead of the server's by so many seconds (negative:
    behind)."""

    ahead_s: float


@dataclass(frozen=True, slots=True)
class RunBegins:
    """Everything was checked and allowed: from now on requests go out."""

    run_id: str
    backend: str
    realm: str
    manifests: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class WorkBegins:
    """Jobs by fingerprint: all that are to come home, and those that run at the
    provider. ``tasks`` are the rows of the latter."""

    expected: frozenset[str]
    running: frozenset[str]
    currency: str
    tasks: tuple[Attempt, ...] = ()


@dataclass(frozen=True, slots=True)
class Estimated:
    """How long the rest of the run will take (``None``: nothing is left), and how many
    seconds a task usually takes, by length and size, where that was seen."""

    forecast: Forecast | None
    usual: Mapping[tuple[int, str], float]


@dataclass(frozen=True, slots=True)
class Looking:
    """So many videos are being looked at, or wait for it."""

    videos: int


@dataclass(frozen=True, slots=True)
class JournalBroken:
    """Why what happens is no longer written down; the run goes on."""

    reason: str


@dataclass(frozen=True, slots=True)
class WorkEnds:
    """Nothing more happens to a job in this run."""


@dataclass(frozen=True, slots=True)
class LookingAtRest:
    """All videos are here, and so many are still being looked at."""

    videos: int


@dataclass(frozen=True, slots=True)
class BuyingStopped:
    """Why no new jobs were submitted, though the run went on."""

    reason: str


@dataclass(frozen=True, slots=True)
class NotifyFailed:
    """The user's command for notices did not do its work; the run goes on as it was."""

    trouble: str


@dataclass(frozen=True, slots=True)
class MayFallAsleep:
    """Nothing keeps this machine awake during the run, and why."""

    reason: str


@dataclass(frozen=True, slots=True)
class PoolChanged:
    """What became of the workers; the run goes on without them."""

    news: PoolNews


@dataclass(frozen=True, slots=True)
class Stopping:
    """The first wish to stop: what is under way is waited for."""


@dataclass(frozen=True, slots=True)
class RunEnds:
    """How a run ended: its exit code, and how many selected jobs are in each state."""

    code: int
    states: Mapping[str, int]


StageEvent = (
    FindingsMade
    | SelectionDoubted
    | SharedLedgerRead
    | Reconciled
    | Planned
    | HeldElsewhere
    | ClockDiffers
    | RunBegins
    | WorkBegins
    | Estimated
    | Looking
    | JournalBroken
    | WorkEnds
    | LookingAtRest
    | BuyingStopped
    | NotifyFailed
    | MayFallAsleep
    | PoolChanged
    | Stopping
    | RunEnds
)
Event = StageEvent | RunEvent
Observer = Callable[[Event], None]


def ignore(_event: Event) -> None:
    """For callers that want the result alone."""
