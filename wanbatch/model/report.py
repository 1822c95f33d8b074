"""The values of a report: what stands in ``report.json``, and what every other format
is made from.

What it may not do: I/O, or know where the values come from (``collect`` builds them) or
how they are written (``json``, ``page``, ``tables``).

How it works: frozen dataclasses in the words of ``report.json``. ``None`` means *not
known* or *not yet*, never zero. Instants are Unix seconds, durations end in ``_s`` and
count seconds, amounts are decimal, paths are relative to the manifest's folder
(``videos/…``).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path, PurePosixPath

from wanbatch.model.plan import JobState
from wanbatch.words.canonical import Json
from wanbatch.words.scalars import Scalar


@dataclass(frozen=True, slots=True)
class Cost:
    """What was spent, and what is held back for tasks without a final word. ``None``
    where a price is unknown or currencies differ."""

    spent: Decimal | None = Decimal(0)
    reserved: Decimal | None = Decimal(0)
    currency: str = ""


@dataclass(frozen=True, slots=True)
class ManifestFacts:
    """``path`` as the user named it, ``sha256`` that of the file's bytes."""

    name: str
    path: str
    sha256: str


@dataclass(frozen=True, slots=True)
class RunFacts:
    """A run; without ``finished_at`` and ``exit_code`` while it is going on, or after
    it was killed."""

    id: str
    backend: str
    started_at: float
    finished_at: float | None
    wanbatch_version: str
    exit_code: int | None


@dataclass(frozen=True, slots=True)
class LedgerFacts:
    """Which ledger the report was made from, and how many events of the realm it then
    had."""

    id: str
    events: int


@dataclass(frozen=True, slots=True)
class Totals:
    """Jobs by state, and what all attempts of this manifest cost, each counted once.
    ``http_requests`` are those of the run."""

    jobs: int = 0
    done: int = 0
    failed: int = 0
    blocked: int = 0
    uncertain: int = 0
    expired: int = 0
    running: int = 0
    planned: int = 0
    skipped: int = 0
    finished: int = 0
    elsewhere: int = 0
    cost: Cost = field(default_factory=Cost)
    http_requests: int = 0

    def of(self, state: JobState) -> int:
        """How many jobs are in ``state``."""
        counts = {
            JobState.DONE: self.done,
            JobState.FAILED: self.failed,
            JobState.BLOCKED: self.blocked,
            JobState.UNCERTAIN: self.uncertain,
            JobState.EXPIRED: self.expired,
            JobState.RUNNING: self.running,
            JobState.PLANNED: self.planned,
            JobState.SKIPPED: self.skipped,
            JobState.FINISHED: self.finished,
            JobState.ELSEWHERE: self.elsewhere,
        }
        return counts[state]


@dataclass(frozen=True, slots=True)
class Fault:
    """Why a job or an attempt is not done, in the provider's code and words where it
    gave any."""

    code: str
    message: str
    retryable: bool = False


@dataclass(frozen=True, slots=True)
class Timings:
    """One attempt's way through the house.

    ``queue_s`` runs from the start of its run (or the end of the attempt before it) to
    the intent: waiting for a slot, for the pace, for the jobs that it takes media from.
    ``submit_s`` is the POST, ``generation_s`` the provider's time from acceptance to
    its final word, ``download_s`` from there to the file on disk.
    """

    submitted_at: float | None = None
    accepted_at: float | None = None
    finished_at: float | None = None
    stored_at: float | None = None
    queue_s: float | None = None
    submit_s: float | None = None
    generation_s: float | None = None
    download_s: float | None = None


@dataclass(frozen=True, slots=True)
class Output:
    """The stored video, as it was measured when it was stored."""

    path: str
    sha256: str
    bytes: int
    seconds: float
    width: int
    height: int
    fps: float
    has_audio: bool


@dataclass(frozen=True, slots=True)
class Check:
    """Something that was found in a video, or compared between request and result.

    ``value`` is what was measured, ``None`` where a word says it all.
    """

    name: str
    passed: bool
    message: str
    value: float | str | None = None


@dataclass(frozen=True, slots=True)
class Shortfall:
    """A video that is ``done`` and not as it should be, by one check. ``expected``:
    the manifest says so (``expect``); else it is not what was ordered. ``paid`` is
    ``None`` where a price is unknown."""

    job: str
    check: Check
    paid: Decimal | None
    currency: str
    expected: bool


@dataclass(frozen=True, slots=True)
class Remark:
    """A sentence about the videos of a manifest. ``kind`` is ``expected``,
    ``delivered``, ``unjudged``, ``reproduces`` or ``rewritten``; ``jobs`` are those
    that it speaks of."""

    kind: str
    text: str
    jobs: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ReportAttempt:
    """One intent to buy. ``manifest`` and ``job`` are whose it was; its cost counts
    there."""

    id: int
    state: str
    authority: str
    manifest: str
    job: str
    run_id: str
    backend: str
    task_id: str | None
    timings: Timings
    give_up_at: float | None
    available_until: float | None
    status_word: str | None
    polls: int
    cost: Cost
    reason: str | None
    error: Fault | None


@dataclass(frozen=True, slots=True)
class ReportJob:
    """A job and all that is known of it. ``axes`` are (name, value) in axis order;
    ``request`` has the API's fields. ``poster`` is a still, beside the report or at an
    address; ``preview`` is a small copy of the video that many can play at once,
    ``frames`` a strip of five of its frames. ``unmet`` names the checks that fall short
    of what the manifest expects."""

    name: str
    id: str
    axes: tuple[tuple[str, Scalar], ...]
    tags: tuple[str, ...]
    fingerprint: str
    state: JobState
    backend: str
    task_id: str | None
    request: Mapping[str, Json]
    attempts: tuple[ReportAttempt, ...] = ()
    timings: Timings = field(default_factory=Timings)
    cost: Cost = field(default_factory=Cost)
    output: Output | None = None
    poster: str | None = None
    preview: str | None = None
    frames: str | None = None
    checks: tuple[Check, ...] = ()
    unmet: tuple[str, ...] = ()
    error: Fault | None = None


@dataclass(frozen=True, slots=True)
class TimeSpent:
    """Where the time of a run went. The first five are exact: ``wall_s`` is the sum of
    the four after it.

    ``generating_s``: the provider worked on at least one task; ``downloading_s``:
    nothing but downloads; ``submitting_s``: nothing but POSTs; ``waiting_s``: nothing
    of this manifest was under way. ``in_flight`` is the mean number of tasks at the
    provider while any was there.
    """

    wall_s: float
    generating_s: float
    downloading_s: float
    submitting_s: float
    waiting_s: float
    in_flight: float
    median_generation_s: float | None
    longest_generation_s: float | None


@dataclass(frozen=True, slots=True)
class Report:
    """Everything a report shows of one manifest in one realm (``paid`` or
    ``emulator``), its jobs in manifest order.

    ``former`` are attempts that no present job stands for: of jobs that the manifest no
    longer has, and of earlier versions of those that it has, under their old names.
    ``run`` is the last run that had something to do, ``last_run`` a later one without
    work. ``pictures`` are where the pictures are that jobs were given, by SHA-256, and
    ``thumbnails`` the small copies of them beside the report. ``folder`` is where it
    lies, and what its paths are relative to. ``description``, ``limit`` (what the
    manifest lets a run spend), ``options`` (the command-line options that printed
    commands repeat), ``pictures``, ``thumbnails``, ``remarks`` and ``folder`` are not
    part of ``report.json``.
    """

    manifest: ManifestFacts
    realm: str
    run: RunFacts | None
    totals: Totals
    jobs: tuple[ReportJob, ...]
    former: tuple[ReportJob, ...] = ()
    time: TimeSpent | None = None
    description: str = ""
    options: tuple[str, ...] = ()
    ledger: LedgerFacts | None = None
    last_run: RunFacts | None = None
    limit: Decimal | None = None
    pictures: Mapping[str, Path] = field(default_factory=dict)
    thumbnails: Mapping[str, str] = field(default_factory=dict)
    remarks: tuple[Remark, ...] = ()
    folder: Path | None = None

    def job(self, name: str) -> ReportJob:
        """The job of this name. Raises ``KeyError`` where there is none."""
        for job in self.jobs:
            if job.name == name:
                return job
        raise KeyError(name)

    def video(self, job: ReportJob | str) -> Path | None:
        """Where the video of a job, or of the job of this name, stands: a path that can
        be opened. ``None`` where there is no video (yet), or it lives in a store."""
        output = (self.job(job) if isinstance(job, str) else job).output
        if output is None or not is_inside(output.path):
            return None
        return (self.folder or Path()) / output.path


def is_inside(path: str) -> bool:
    """Whether a relative path stays inside the folder that it is relative to; the
    address of a video in a store is no path."""
    parts = PurePosixPath(path).parts
    return bool(parts) and not path.startswith("/") and ".." not in parts and "://" not in path
