"""The values that a shell completes in a command line.

What it may not do: raise, print, use the network, or make the prompt wait: what cannot
be read at once completes to nothing.

How it works: job names and axes are those of the manifests in the line. Nothing is
imported before a shell asks.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import click
    from click.shell_completion import CompletionItem

    from wanbatch.model.job import Job

MOST = 500
"""More names than this help nobody at a prompt (chosen)."""


def complete_backend(
    _context: click.Context, _param: click.Parameter, incomplete: str
) -> list[CompletionItem]:
    """Built-in backends and the user's profiles."""
    from wanbatch.operations.naming import backend_names

    return _items(backend_names(), incomplete)


def complete_code(
    _context: click.Context, _param: click.Parameter, incomplete: str
) -> list[CompletionItem]:
    """Diagnostic codes, with their titles."""
    from click.shell_completion import CompletionItem

    from wanbatch.operations.codes import list_codes

    return [
        CompletionItem(entry.code, help=entry.title)
        for entry in list_codes()
        if entry.code.startswith(incomplete.upper())
    ]


def complete_job(
    context: click.Context, _param: click.Parameter, incomplete: str
) -> list[CompletionItem]:
    """Names of the manifest's jobs."""
    return _items((job.name for job in _jobs(context)), incomplete)


def complete_term(
    context: click.Context, _param: click.Parameter, incomplete: str
) -> list[CompletionItem]:
    """What ``--select`` takes: ids, names, ``axis=value``, ``tag:T``, ``state:S``."""
    from wanbatch.model.plan import JobState

    jobs = _jobs(context)
    axes = [f"{name}={value}" for job in jobs for name, value in job.axes]
    tags = [f"tag:{tag}" for job in jobs for tag in job.tags]
    states = [f"state:{state.value}" for state in JobState]
    names = [name for job in jobs for name in (job.id, job.name)]
    return _items((*names, *axes, *tags, *states), incomplete)


def _jobs(context: click.Context) -> tuple[Job, ...]:
    from wanbatch.operations.naming import jobs_of

    given = context.params.get("files") or context.params.get("file") or ()
    files = (given,) if isinstance(given, str | Path) else given
    # A line that ends with an option is left unread by click.
    unread = [word for word in context.args if word.endswith((".yaml", ".yml"))]
    return jobs_of([Path(path) for path in (*files, *unread)])


def _items(names: Iterable[str], incomplete: str) -> list[CompletionItem]:
    from click.shell_completion import CompletionItem

    found = [name for name in dict.fromkeys(names) if name.startswith(incomplete)]
    return [CompletionItem(name) for name in found[:MOST]]
