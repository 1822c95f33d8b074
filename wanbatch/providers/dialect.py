"""What every dialect can do, and where dialects are found.

What it may not do: I/O beyond reading the installed entry points, or know a wire format.

How it works: a dialect is a small object of pure methods, one file each. Ours are named in ``_BUILT_IN``; those of others are found by an entry
point of the group ``wanbatch.dialects`` whose name is the ``kind`` of a profile and whose value is a class without arguments:

    [project.entry-points."wanbatch.dialects"]
    mykind = "mypackage.mydialect:MyDialect"
"""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from typing import Protocol, runtime_checkable

from wanbatch.engine.outcomes import PollOutcome, ProbeOutcome, SubmitOutcome
from wanbatch.errors import ExitCode, Refusal
from wanbatch.lifecycle import DAY_LONG, Retention
from wanbatch.manifest.model import MediaType
from wanbatch.plan.model import Request
from wanbatch.providers.model import ListedTask, Seen, TaskPage, WireRequest

ENTRY_POINTS = "wanbatch.dialects"

_BUILT_IN = {
    "emulator": "wanbatch.providers.gateway:Gateway",
    "gateway": "wanbatch.providers.gateway:Gateway",
    "gateway-metadata": "wanbatch.providers.gateway_metadata:GatewayMetadata",
    "dashscope": "wanbatch.providers.dashscope:DashScope",
}


@runtime_checkable
class Dialect(Protocol):
    """A wire format. Every ``read_*`` takes whatever the network gave and raises nothing; every other method is strict in what it sends."""

    kind: str
    # ``retention: Retention`` may be declared beside it, where it is not a day for all.

    def submit(self, request: Request, urls: Mapping[MediaType, str]) -> WireRequest:
        """The one POST that buys. ``urls`` holds the URL of each of the request's media."""

    def read_submit(self, seen: Seen) -> SubmitOutcome: ...

    def status(self, task_id: str) -> WireRequest: ...

    def read_status(self, seen: Seen, submitted_at: float, now: float) -> PollOutcome:
        """Both instants are Unix seconds; a task that the API does not know yet right after its submit is no failure."""

    # ``read_task_status(seen, task_id, submitted_at, now)`` may stand beside it: then it is
    # called instead, and can tell another task's answer by its id.

    def content(self, task_id: str) -> WireRequest | None:
        """The route that gives the bytes with the key, or ``None`` where there is none."""

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
    """A dialect whose API can list the account's tasks, so that an uncertain submit can be cleared up."""

    def list_tasks(self, since: float, until: float, page: int) -> WireRequest: ...

    def read_list(self, seen: Seen) -> TaskPage | None: ...

    def read_task(self, seen: Seen) -> ListedTask | None:
        """A status reply, read for what tells whose task it is."""


@runtime_checkable
class Cancelling(Protocol):
    """A dialect whose API can call a waiting task off."""

    def cancel(self, task_id: str) -> WireRequest: ...

    def read_cancel(self, seen: Seen) -> bool: ...


@runtime_checkable
class Cautious(Protocol):
    """A dialect that knows requests which its API refuses or bends."""

    def cautions(self, request: Request) -> tuple[str, ...]:
        """What the API will quietly do otherwise than asked: warnings of a plan."""

    def objection(self, request: Request) -> str | None:
        """Why the API would refuse the request: an error of a plan."""


def is_dialect_kind(kind: str) -> bool:
    """Whether a profile may name ``kind``; looks at installed packages only where it is none of ours."""
    return kind in _BUILT_IN or kind in dialect_kinds()


def dialect_kinds() -> tuple[str, ...]:
    """Every ``kind`` that a profile may name, ours first."""
    from importlib.metadata import entry_points  # slow to import, and seldom needed

    return (
        *_BUILT_IN,
        *sorted({point.name for point in entry_points(group=ENTRY_POINTS)} - _BUILT_IN.keys()),
    )


def dialect_for(kind: str) -> Dialect:
    """The dialect that ``kind`` names. Raises ``Refusal`` where there is none or what is registered is no dialect."""
    target = _BUILT_IN.get(kind)
    if target is not None:
        module, _, name = target.partition(":")
        made = getattr(importlib.import_module(module), name)()
    else:
        from importlib.metadata import entry_points  # as above

        found = [point for point in entry_points(group=ENTRY_POINTS) if point.name == kind]
        if not found:
            known = ", ".join(dialect_kinds())
            raise Refusal(
                ExitCode.INVALID,
                f"no dialect is called {kind!r}",
                f"the kinds known here are: {known}",
            )
        made = found[0].load()()
    if not isinstance(made, Dialect):
        raise Refusal(
            ExitCode.ENVIRONMENT,
            f"what is registered as the dialect {kind!r} lacks some of the methods of one",
            "see docs/backends.md",
        )
    return made


def retention_of(kind: str) -> Retention:
    """How long this dialect's provider keeps results, tasks and lists."""
    declared = getattr(dialect_for(kind), "retention", DAY_LONG)
    return declared if isinstance(declared, Retention) else DAY_LONG


def can_list(kind: str) -> bool:
    """Whether this dialect's API can list the account's tasks."""
    return isinstance(dialect_for(kind), Listing)


def cautions_for(kind: str, request: Request) -> tuple[str, ...]:
    """The warnings that a plan owes the user about sending ``request`` by this dialect."""
    dialect = dialect_for(kind)
    return dialect.cautions(request) if isinstance(dialect, Cautious) else ()


def objection_for(kind: str, request: Request) -> str | None:
    """Why this dialect's API would refuse ``request`` for certain, or ``None``."""
    dialect = dialect_for(kind)
    return dialect.objection(request) if isinstance(dialect, Cautious) else None
