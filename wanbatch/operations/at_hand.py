"""Copies of videos that live in an object store: brought here where a look needs one,
and removed when nobody needs it any more.

What it may not do: remove anything but a copy of what the store is known to have, or
fail a look for a video that cannot be had: then nothing is known of it.

How it works: a copy lies below the output folder under the video's name in the store. A
look is wrapped: what it reads is brought first, and goes after it, unless another video
of the plan is made from one; then copies stay until the run ends. A poster that the
look has made goes to the store; where nothing but the poster was missing, it is brought
from there, and the video stays where it is.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Protocol

from wanbatch.model.archive import (
    Archive,
    NotArchived,
    Posters,
    archived_sha256,
    is_archived,
)
from wanbatch.model.lifecycle import Snapshot, State
from wanbatch.model.looked import Found
from wanbatch.model.measures import Targets
from wanbatch.model.plan import Plan
from wanbatch.model.pool import Pool, near
from wanbatch.operations.looking import Look
from wanbatch.operations.viewings import Viewing, Viewings
from wanbatch.videos.outputs import drop_copy


class RunArchive(Archive, Protocol):
    """A store of videos, as a run needs it."""

    @property
    def trouble(self) -> str:
        """What a person must mend; empty while all is well."""

    @property
    def sizes(self) -> Mapping[str, int]:
        """What is known to be there, by name, with its bytes."""

    @property
    def posters(self) -> Posters:
        """The posters beside the videos."""

    async def learn(self) -> None:
        """Asks what is there. Raises ``NotArchived``."""

    def fetch_now(self, sha256: str, target: Path) -> None:
        """As ``fetch``, once, in the caller's thread."""


def look_with_copies(look: Look, output: Path, archive: RunArchive, plan: Plan) -> Look:
    """``look`` for videos of which there may be no copy here."""
    keeps = any(ref.upstream for entry in plan.jobs for ref in entry.request.media)

    async def looked(pool: Pool, viewing: Viewing) -> Found | None:
        sha256 = archived_sha256(_name(viewing.video, output))
        if await pool.submit(near(_bring_poster), sha256, viewing, archive):
            return None
        try:
            for path in _read_by(viewing):
                await pool.submit(near(_bring), path, output, archive)
        except (NotArchived, OSError):
            return None
        found = await look(pool, viewing)
        if found is not None and not keeps:
            await pool.submit(near(_drop), viewing.video, output, archive)
        if sha256 and viewing.targets.poster is not None:
            await pool.submit(near(keep_poster), sha256, viewing.targets.poster, archive)
        return found

    return looked


def keep_poster(sha256: str, poster: Path, archive: RunArchive) -> None:
    """Puts a video's poster into the store, where that is not known to have one. What
    fails costs nothing: it is tried again by another run or report."""
    if not archive.posters.has(sha256):
        with suppress(NotArchived, OSError):
            archive.posters.keep(sha256, poster)


def drop_copies(
    output: Path, archive: RunArchive, viewings: Viewings | None, plan: Plan, snapshot: Snapshot
) -> None:
    """Removes the copies of all videos that the store has and that have been looked
    at."""
    waiting = {
        subject.path
        for subject in (viewings.subjects(plan, snapshot) if viewings is not None else ())
        if viewings is not None and viewings.needed(subject) is not None
    }
    for attempt in snapshot.attempts:
        if attempt.state is State.STORED and attempt.path not in waiting:
            _drop(output / attempt.path, output, archive)


def _read_by(viewing: Viewing) -> list[Path]:
    beside = viewing.references
    given = (beside.first_frame, beside.last_frame, beside.first_clip)
    return [viewing.video, *(path for path in given if path is not None)]


def _bring(path: Path, output: Path, archive: RunArchive) -> None:
    sha256 = archived_sha256(_name(path, output))
    if sha256 and not path.exists():
        archive.fetch_now(sha256, path)


def _bring_poster(sha256: str, viewing: Viewing, archive: RunArchive) -> bool:
    """Whether the poster was all that was missing, and is here now."""
    poster = viewing.targets.poster
    if not sha256 or not viewing.is_known:
        return False
    if poster is None or viewing.targets != Targets(poster):
        return False
    try:
        archive.posters.fetch(sha256, poster)
    except (NotArchived, OSError):
        return False
    return True


def _drop(path: Path, output: Path, archive: RunArchive) -> None:
    name = _name(path, output)
    if is_archived(name) and name in archive.sizes:
        drop_copy(output, name)


def _name(path: Path, output: Path) -> str:
    """Below the output folder; empty for what lies elsewhere."""
    return path.relative_to(output).as_posix() if path.is_relative_to(output) else ""
