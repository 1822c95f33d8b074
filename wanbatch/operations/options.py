"""What a caller asks of an operation, as values.

What it may not do: read a command line, the environment or a file.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path

from wanbatch.model.measures import Level
from wanbatch.model.retrying import Retrying
from wanbatch.plan.saved import SavedPlan

DEFAULT_OUTPUT = Path("reports")
MOST_JOBS = 100_000
"""A manifest of more jobs is refused unless the caller raises this (contract:
``--max-jobs``)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanningOptions:
    """Which manifests, which of their jobs, whose backend, and where the output lies.

    ``None`` for ``backend`` leaves the choice to manifests, projects and the user's
    default. ``first`` keeps so many of the selected jobs, in manifest order.
    ``checks`` is how deep finished videos are looked at. ``workers`` is where the work
    on their bytes is done; ``None`` leaves that to the profile.
    """

    files: tuple[Path, ...]
    backend: str | None = None
    select: tuple[str, ...] = ()
    with_upstream: bool = False
    shard: str | None = None
    first: int | None = None
    variables: dict[str, str] = field(default_factory=dict)
    output: Path = DEFAULT_OUTPUT
    media_root: Path | None = None
    max_jobs: int = MOST_JOBS
    checks: Level = Level.ALL
    workers: str | None = None

    @property
    def ledger(self) -> Path:
        return self.output / "ledger.db"


@dataclass(frozen=True, slots=True, kw_only=True)
class RunOptions:
    """What a run may do. ``buys`` is false for a fetch.

    ``None`` leaves a limit to the profile and the manifests. ``max_cost`` is an amount
    of the backend's currency and approves spending up to it; ``yes`` approves the plan
    as it stands. ``approved`` is a plan that was saved, or that a program has in hand:
    the run buys what that buys, up to its total, and nothing else
    (``operations.approved`` takes it up). ``locked`` refuses where a manifest and its
    lock disagree. ``retry_failed`` is all failed jobs, or those that failed by these
    codes. ``notify`` is a command of the user's, for the shell.
    """

    buys: bool = True
    yes: bool = False
    max_cost: Decimal | None = None
    max_in_flight: int | None = None
    rate: float | None = None
    poll_interval_s: float | None = None
    submit_timeout_s: float | None = None
    wait_s: float = 7200.0
    lock_timeout_s: float = 0.0
    locked: bool = False
    retry_failed: Retrying = False
    regenerate: bool = False
    approved: SavedPlan | None = None
    notify: str = ""
