"""Which work pool a command has: what was said for it, else what the profile says, else
threads.

What it may not do: run an errand, or take an address from a file inside a repo.
"""

from __future__ import annotations

import functools
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar

import anyio

from wanbatch.compute.threads import Threads
from wanbatch.model.pool import Errand, Pool
from wanbatch.model.workers import FORM, Workers, read_workers
from wanbatch.words.errors import ExitCode, WanbatchError
from wanbatch.words.quoting import shown

T = TypeVar("T")


def choose_workers(said: str | None, profile: Workers) -> Workers:
    """``said`` in place of the profile's, whose certificates serve it too. Raises
    ``WanbatchError`` (2)."""
    if said is None:
        return profile
    found = read_workers(said)
    if found is None:
        raise WanbatchError(
            ExitCode.INVALID, f"--workers {shown(said)} names no workers", f"it is {FORM}"
        )
    return replace(
        found,
        ca_file=profile.ca_file,
        cert_file=profile.cert_file,
        key_file=profile.key_file,
    )


def open_pool(workers: Workers, output: Path, hidden: Iterable[str]) -> Pool:
    """The pool, ready for errands on files in ``output``. Processes that it starts get
    no environment variable of ``hidden``. Raises ``WanbatchError``: 3 for workers that
    may not be used, 4 for those that cannot be reached."""
    if not workers.address:
        return Threads(workers.threads)
    from wanbatch.compute.connecting import open_cluster

    return open_cluster(workers, output, hidden)


@contextmanager
def opened_pool(workers: Workers, output: Path, hidden: Iterable[str]) -> Iterator[Pool]:
    """``open_pool``, closed at the end."""
    pool = open_pool(workers, output, hidden)
    try:
        yield pool
    finally:
        pool.close()


@contextmanager
def threads() -> Iterator[Pool]:
    """Threads of this process, for commands that look at files of any folder."""
    pool = Threads()
    try:
        yield pool
    finally:
        pool.close()


def do_all(pool: Pool, errand: Errand[T], values: Sequence[Sequence[Any]]) -> list[T]:
    """What the errand gives for each of ``values``, in their order; waits for all. For
    commands without an event loop. Raises what the first of them raises."""
    found: dict[int, T] = {}
    waiting = iter(enumerate(values))

    async def work() -> None:
        for number, one in waiting:
            found[number] = await pool.submit(errand, *one)

    async def work_side_by_side() -> None:
        async with anyio.create_task_group() as group:
            for _ in range(min(pool.width, len(values))):
                group.start_soon(work)

    anyio.run(work_side_by_side)
    return [found[number] for number in range(len(values))]


def do(errand: Errand[T], *values: Any) -> T:  # noqa: ANN401 - the errand's
    """One errand in a thread, for commands without an event loop."""
    with threads() as pool:
        return anyio.run(functools.partial(pool.submit, errand, *values))
