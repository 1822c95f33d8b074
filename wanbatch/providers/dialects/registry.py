"""What every dialect can do, and where dialects are found.

What it may not do: I/O beyond reading the installed entry points, or know a wire
format.

How it works: a dialect is a small object of pure methods, one file each. Ours are named
in ``BUILT_IN``; those of others are found by an entry point of the group
``wanbatch.dialects`` whose name is the ``kind`` of a profile and whose value is a class
without arguments:

    [project.entry-points."wanbatch.dialects"]
    mykind = "mypackage.mydialect:MyDialect"
"""

from __future__ import annotations

import importlib

from wanbatch.model.lifecycle import DAY_LONG, Retention
from wanbatch.model.plan import Request
from wanbatch.model.ports import Cancelling, Cautious, Dialect, Listing
from wanbatch.words.errors import ExitCode, WanbatchError
from wanbatch.words.plugins import BUILT_IN, ENTRY_POINTS, dialect_kinds


def dialect_for(kind: str) -> Dialect:
    """The dialect that ``kind`` names. Raises ``WanbatchError`` where there is none or
    what is registered is no dialect."""
    target = BUILT_IN.get(kind)
    if target is not None:
        module, _, name = target.partition(":")
        made = getattr(importlib.import_module(module), name)()
    else:
        from importlib.metadata import entry_points  # slow to import, and seldom needed

        found = [point for point in entry_points(group=ENTRY_POINTS) if point.name == kind]
        if not found:
            known = ", ".join(dialect_kinds())
            raise WanbatchError(
                ExitCode.INVALID,
                f"no dialect is called {kind!r}",
                f"the kinds known here are: {known}",
            )
        made = found[0].load()()
    if not isinstance(made, Dialect):
        raise WanbatchError(
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


def can_cancel(kind: str) -> bool:
    """Whether this dialect's API can call a waiting task off."""
    return isinstance(dialect_for(kind), Cancelling)


def cautions_for(kind: str, request: Request) -> tuple[str, ...]:
    """The warnings that a plan owes the user about sending ``request`` by this
    dialect."""
    dialect = dialect_for(kind)
    return dialect.cautions(request) if isinstance(dialect, Cautious) else ()


def objection_for(kind: str, request: Request) -> str | None:
    """Why this dialect's API would refuse ``request`` for certain, or ``None``."""
    dialect = dialect_for(kind)
    return dialect.objection(request) if isinstance(dialect, Cautious) else None
