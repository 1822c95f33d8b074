"""The values of a run's memory: works, the tasks they became, and the actions of a run.

What it may not do: decide anything (``scheduler`` does), or know a socket or a file.

How it works: a ``WorkItem`` is one identity to bring to done, a ``RunningTask`` one
task at the provider. Both belong to the scheduler; ``runner`` reads them and performs
the actions.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from wanbatch.model.job import MediaType
from wanbatch.model.lifecycle import DAY_LONG, Attempt, Authority, Retention
from wanbatch.model.outcomes import Failed, Succeeded
from wanbatch.model.plan import PlannedJob

Urls = Mapping[MediaType, str]


class Phase(StrEnum):
    """Where a work stands in this run."""

    WAITING = "waiting"
    READY = "ready"
    ASKING = "asking"
    PREPARING = "preparing"
    PREPARED = "prepared"
    SUBMITTING = "submitting"
    RUNNING = "running"
    DONE = "done"
    STUCK = "stuck"


@dataclass(slots=True)
class WorkItem:
    """One identity and the jobs that share its video.

    ``attempts`` are all there ever were, oldest first. ``reopens`` is one of them that
    was proven not accepted and goes out again; ``authorisation_id`` the recorded word
    of a person that the next purchase uses up, or 0.
    """

    index: int
    entries: list[PlannedJob]
    upstream: frozenset[str]
    phase: Phase
    authority: Authority
    retries: int
    attempts: list[Attempt] = field(default_factory=list)
    urls: Urls = field(default_factory=dict)
    reason: str = ""
    reopens: Attempt | None = None
    authorisation_id: int = 0
    origin: str = ""

    @property
    def entry(self) -> PlannedJob:
        return self.entries[0]

    @property
    def fingerprint(self) -> str:
        return self.entries[0].fingerprint


@dataclass(slots=True)
class RunningTask:
    """A task that was paid for and is not yet on disk, or failed and is asked once
    more.

    ``since`` is when this run began to watch it, ``submitted_at`` when it was
    submitted; both monotonic. ``busy`` is true while it is asked, or its bytes are out
    of turn; ``fetching`` while a download is under way. ``doubts`` counts failures in a
    row that are not certain, ``early`` is true once the content route was asked before
    the task was called finished. ``failed`` marks a task that the ledger calls failed,
    ``last_look`` one that is asked at the run's end, ``unasked`` one of before that
    this run waited for and could not ask, ``denied`` one that the API did not know when
    it was asked last.
    """

    attempt: Attempt
    work: WorkItem | None
    since: float
    submitted_at: float = 0.0
    polls: int = 0
    not_done_at: float = 0.0
    fetches: int = 0
    busy: bool = False
    fetching: bool = False
    holds_slot: bool = True
    watched: bool = True
    doubts: int = 0
    early: bool = False
    failed: bool = False
    last_look: bool = False
    unasked: bool = False
    denied: bool = False


@dataclass(frozen=True, slots=True)
class Prepare:
    work: WorkItem


@dataclass(frozen=True, slots=True)
class Submit:
    work: WorkItem


@dataclass(frozen=True, slots=True)
class Poll:
    task: RunningTask


@dataclass(frozen=True, slots=True)
class Fetch:
    """Download a result.

    ``readable`` is whether the API itself answered the poll before. ``failed`` is a
    failure that is believed only where this download gives nothing.
    """

    task: RunningTask
    result: Succeeded
    readable: bool = True
    failed: Failed | None = None


@dataclass(frozen=True, slots=True)
class ListTasks:
    """Ask for the account's tasks that were submitted from ``since`` on (Unix
    seconds)."""

    since: float


@dataclass(frozen=True, slots=True)
class Wait:
    """Nothing to do before ``until`` (monotonic), or before something that is being
    done ends (``None``)."""

    until: float | None


@dataclass(frozen=True, slots=True)
class Finish:
    pass


NextAction = Prepare | Submit | Poll | Fetch | ListTasks | Wait | Finish


@dataclass(frozen=True, slots=True)
class RunPolicy:
    """How long running tasks are waited for (two hours, as the commands do unless told
    otherwise), and whether the first failure stops buying, by manifest name."""

    wait_s: float = 7200.0
    stop_on_failure: frozenset[str] = frozenset()
    retention: Retention = DAY_LONG
