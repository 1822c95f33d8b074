"""Brings videos home that live in an object store: each job's under its own name, as
without a store.

What it may not do: talk to the API, buy, or take a byte that is not the one that was
paid for: every video is hashed on its way.

How it works: with the run lock held it plans from the ledger, fetches each selected
job's video once into the folder where it will stay, gives it its name without replacing
anything, and records the place. What cannot be had is told, and the rest goes on,
unless the store itself is silent. A poster that is not here comes along.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager, closing, suppress
from dataclasses import dataclass
from pathlib import Path

import anyio

from wanbatch.compute.threads import Threads
from wanbatch.ledger.lock import RunLock
from wanbatch.ledger.store import Ledger
from wanbatch.model.archive import NotArchived, is_archived
from wanbatch.model.elsewhere import video_name
from wanbatch.model.lifecycle import Attempt, Placement
from wanbatch.model.plan import JobState, Plan, PlannedJob
from wanbatch.model.pool import Pool, near
from wanbatch.operations.archives import open_archive, shelf_of
from wanbatch.operations.at_hand import RunArchive
from wanbatch.operations.check import check
from wanbatch.operations.choose import choose_backend
from wanbatch.operations.events import Observer
from wanbatch.operations.options import PlanningOptions
from wanbatch.operations.planning import look_and_plan
from wanbatch.operations.posters import ask_for_posters
from wanbatch.operations.reporting import viewings_of, write_reports
from wanbatch.operations.shared import ledger_opener
from wanbatch.operations.wiring import shared_ports
from wanbatch.report.write import poster_name
from wanbatch.videos import outputs
from wanbatch.videos.errands import MODIFIED, PUBLISH
from wanbatch.words.errors import ExitCode, WanbatchError


@dataclass(frozen=True, slots=True)
class Homecoming:
    """``brought`` videos came; ``failed`` says by job why one did not. ``pages`` are
    the reports, which now link to what is here."""

    brought: int
    failed: tuple[tuple[str, str], ...]
    pages: tuple[Path, ...]


def bring_home(
    options: PlanningOptions, observe: Observer, lock_timeout_s: float = 0.0
) -> Homecoming:
    """The videos of the selected jobs. Raises ``WanbatchError``: no store (2), another
    run holds the folder or the store is silent (4)."""
    checked = check(options, observe)
    profile = choose_backend(options, checked.manifests, offline=True).profile
    archive = open_archive(profile)
    if archive is None:
        raise WanbatchError(
            ExitCode.INVALID,
            f"backend {profile.name!r} has no store: its videos are at home",
            "leave --store out to fetch what the provider still has",
        )
    pool = Threads()
    ports = shared_ports(options.output, lock_timeout_s)
    open_ledger = ledger_opener(options, profile, ports, pool, archive, buys=False)
    with RunLock(options.output, lock_timeout_s, command="fetch --store"), closing(pool):
        plan, _, _ = look_and_plan(options, checked, profile, observe)
        brought, failed = anyio.run(_bring, options.output, archive, plan, open_ledger, pool)
        plan, snapshot, _ = look_and_plan(options, checked, profile, observe)
        viewings = viewings_of(options, plan, snapshot)
        ask_for_posters(archive, viewings.subjects(plan, snapshot))
        shelf = shelf_of(profile, archive)
        written = write_reports(
            options, checked.manifests, plan, snapshot, viewings=viewings, shelf=shelf
        )
        pages = tuple(page for page, _ in written)
    return Homecoming(brought, tuple(failed), pages)


async def _bring(
    output: Path,
    archive: RunArchive,
    plan: Plan,
    open_ledger: Callable[[], AbstractAsyncContextManager[Ledger]],
    pool: Pool,
) -> tuple[int, list[tuple[str, str]]]:
    brought, failed = 0, list[tuple[str, str]]()
    async with open_ledger() as ledger:
        for entry in plan.selected():
            attempt = entry.attempt
            if attempt is None or not _lives_there(output, ledger, entry):
                continue
            try:
                path = await _bring_one(output, archive, entry, attempt, pool)
            except NotArchived as error:
                if archive.trouble:
                    raise _silent(archive.trouble) from None
                failed.append((entry.name, str(error)))
                continue
            modified = await pool.submit(MODIFIED, output, path)
            place = Placement(entry.job.manifest, entry.name, attempt.attempt_id, path, modified)
            await ledger.place(place)
            poster = output / entry.job.manifest / poster_name(attempt.sha256)
            await pool.submit(near(_bring_poster), archive, attempt.sha256, poster)
            brought += 1
    return brought, failed


def _bring_poster(archive: RunArchive, sha256: str, poster: Path) -> None:
    """What cannot be had is made by the next report."""
    if not poster.exists():
        with suppress(NotArchived, OSError):
            archive.posters.fetch(sha256, poster)


def _silent(trouble: str) -> WanbatchError:
    return WanbatchError(
        ExitCode.ENVIRONMENT, trouble, "what came is kept; run the same command again"
    )


def _lives_there(output: Path, ledger: Ledger, entry: PlannedJob) -> bool:
    """Whether a job's video is in the store and not here."""
    attempt = entry.attempt
    if attempt is None or entry.state is not JobState.DONE:
        return False
    here = [
        p
        for p in ledger.snapshot.placements
        if (p.manifest, p.job, p.attempt_id) == (entry.job.manifest, entry.name, attempt.attempt_id)
        and not is_archived(p.path)
    ]
    return is_archived(attempt.path) and not any(
        outputs.is_intact(output, place, attempt) for place in here
    )


async def _bring_one(
    output: Path, archive: RunArchive, entry: PlannedJob, attempt: Attempt, pool: Pool
) -> str:
    folder = f"{entry.job.manifest}/videos"
    part = output / folder / outputs.PART_FOLDER / f"{attempt.attempt_id}.home"
    await archive.fetch(attempt.sha256, part)
    wanted = f"{folder}/{video_name(entry.name, attempt.fingerprint, attempt.realm)}"
    return await pool.submit(PUBLISH, output, part, wanted, attempt.sha256)
