"""What other parts are asked to be, as types: a dialect, and what it may be able to do
beside; a check of videos.

What it may not do: do anything. A package that brings its own dialect imports this room
alone."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Protocol, runtime_checkable

from wanbatch.model.job import MediaType
from wanbatch.model.measures import Measures
from wanbatch.model.outcomes import CancelOutcome, PollOutcome, ProbeOutcome, SubmitOutcome
from wanbatch.model.plan import Request
from wanbatch.model.report import Check, Output
from wanbatch.model.wire import ListedTask, Seen, TaskPage, WireRequest
from wanbatch.words.canonical import Json

VideoCheck = Callable[[Mapping[str, Json], Output, Measures], Check | None]
"""A check of videos: from the job's request, its output and what was measured to what
is to be said; ``None`` where it does not apply."""


@runtime_checkable
class Dialect(Protocol):
    """A wire format. Every ``read_*`` takes whatever the network gave and raises
    nothing; every other method is strict in what it sends."""

    kind: str
    # ``retention: Retention`` may be declared beside it, where it is not a day for all.

    def submit(self, request: Request, urls: Mapping[MediaType, str]) -> WireRequest:
        """The one POST that buys. ``urls`` holds the URL of each of the request's
        media."""

    def read_submit(self, seen: Seen) -> SubmitOutcome: ...

    def status(self, task_id: str) -> WireRequest: ...

    def read_status(self, seen: Seen, submitted_at: float, now: float) -> PollOutcome:
        """Both instants are Unix seconds; a task that the API does not know yet right
        after its submit is no failure."""

    # ``read_task_status(seen, task_id, submitted_at, now)`` may stand beside it: then
    # it is called instead, and can tell another task's answer by its id.

    def content(self, task_id: str) -> WireRequest | None:
        """The route that gives the bytes with the key, or ``None`` where there is
        none."""

    def probe(self) -> WireRequest:
        """A GET of a task that cannot exist."""

    def read_probe(self, seen: Seen) -> ProbeOutcome: ...


@runtime_checkable
class Discerning(Protocol):
    """A dialect that knows whose answer it reads."""

    def read_task_status(
        self, seen: Seen, task_id: str, submitted_at: float, now: float
    ) -> PollOutcome: ...


@runtime_checkable
class Listing(Protocol):
    """A dialect whose API can list the account's tasks, so that an uncertain submit can
    be cleared up."""

    def list_tasks(self, since: float, until: float, page: int) -> WireRequest: ...

    def read_list(self, seen: Seen) -> TaskPage | None: ...

    def read_task(self, seen: Seen) -> ListedTask | None:
        """A status reply, read for what tells whose task it is."""


@runtime_checkable
class Cancelling(Protocol):
    """A dialect whose API can call a waiting task off."""

    def cancel(self, task_id: str) -> WireRequest: ...

    def read_cancel(self, seen: Seen) -> CancelOutcome:
        """What the API said to the wish. It ends no task: the next poll says what
        became of it."""


@runtime_checkable
class Cautious(Protocol):
    """A dialect that knows requests which its API refuses or bends."""

    def cautions(self, request: Request) -> tuple[str, ...]:
        """What the API will quietly do otherwise than asked: warnings of a plan."""

    def objection(self, request: Request) -> str | None:
        """Why the API would refuse the request: an error of a plan."""
