"""Which videos must be looked at, beside what, and which files are wanted of each.

What it may not do: decode, write, or touch the ledger.

How it works: a *subject* is a stored video in the folder of one manifest. What was
found before (``Looked``) serves where it was compared with the same media and looked
deep enough, and where the files that the report shows are there; else there is a
``Viewing`` to be done. It asks the disk for those files, so it belongs into a thread.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from wanbatch.model.job import FileMedia, JobMedia, MediaType
from wanbatch.model.lifecycle import Attempt, Snapshot, State
from wanbatch.model.looked import Found, Looked, Undecodable, compared_with
from wanbatch.model.measures import MEASURES_VERSION, Level, References, Targets
from wanbatch.model.plan import JobState, Plan, PlannedJob
from wanbatch.model.report import is_inside
from wanbatch.report.write import frames_name, poster_name, preview_name

Key = tuple[str, str]
"""A video by its bytes, and what it is compared with."""


@dataclass(frozen=True, slots=True)
class Subject:
    """A stored video as one manifest has it; ``entry`` is the job that it was made
    for, ``None`` for one that the manifest no longer has."""

    manifest: str
    attempt: Attempt
    path: str
    entry: PlannedJob | None = None


@dataclass(frozen=True, slots=True)
class Viewing:
    """One video to be looked at: ``key`` says what is found out, ``targets`` what is
    written. ``is_known``: nothing is to be found out, only files are missing."""

    key: Key
    video: Path
    references: References
    targets: Targets
    level: Level
    is_known: bool = False


class Viewings:
    """The videos of a plan, what is known of them, and what is not."""

    def __init__(self, output: Path, level: Level, plan: Plan, looks: Iterable[Looked]) -> None:
        self._output, self.level = output, level
        self._entries: dict[str, list[PlannedJob]] = defaultdict(list)
        self._stored: dict[tuple[str, str], Attempt] = {}
        self._known: dict[Key, Looked] = {}
        for entry in plan.jobs:
            self._entries[entry.fingerprint].append(entry)
            if entry.state is JobState.DONE and entry.attempt is not None:
                self._stored[entry.job.manifest, entry.name] = entry.attempt
        for look in looks:
            self.note(look)

    def note(self, look: Looked) -> None:
        """From now on this is known."""
        if look.version == MEASURES_VERSION:
            self._known[look.sha256, look.compared] = look

    # -- subjects ----------------------------------------------------------------------

    def take(self, attempt: Attempt) -> list[Subject]:
        """A video was stored: it is the one of every job that asks for the same."""
        entries = self._entries.get(attempt.fingerprint, [])
        for entry in entries:
            self._stored[entry.job.manifest, entry.name] = attempt
        first = {entry.job.manifest: entry for entry in reversed(entries)}
        return [Subject(name, attempt, attempt.path, entry) for name, entry in first.items()]

    def subjects(self, plan: Plan, snapshot: Snapshot) -> list[Subject]:
        """Every stored video that a report of ``plan`` shows, each once a manifest:
        those of the present jobs, also what came since the plan was made, then those of
        former ones."""
        placed = {(p.manifest, p.attempt_id): p.path for p in snapshot.placements}
        found: dict[tuple[str, int], Subject] = {}
        for entry in plan.jobs:
            name, is_done = entry.job.manifest, entry.state is JobState.DONE
            attempt = entry.attempt if is_done else self._stored.get((name, entry.name))
            if attempt is not None:
                path = placed.get((name, attempt.attempt_id)) or attempt.path
                found.setdefault((name, attempt.attempt_id), Subject(name, attempt, path, entry))
        manifests = {entry.job.manifest for entry in plan.jobs}
        for attempt in snapshot.attempts:
            is_former = attempt.state is State.STORED and attempt.realm == plan.realm
            if is_former and attempt.manifest in manifests:
                name = attempt.manifest
                path = placed.get((name, attempt.attempt_id)) or attempt.path
                found.setdefault((name, attempt.attempt_id), Subject(name, attempt, path))
        return list(found.values())

    # -- what is known, and what is not ------------------------------------------------

    def found(self, subject: Subject) -> Found | None:
        """What is known of a video, deep enough for the level."""
        look = self._known.get(self._beside(subject)[0])
        return look.found() if look is not None and look.serves(self.level) else None

    def by_attempt(self, plan: Plan, snapshot: Snapshot) -> Mapping[int, Found]:
        """What is known of the videos of a report, by attempt; nothing where nobody
        wants checks."""
        if self.level is Level.NONE:
            return {}
        found = {one.attempt.attempt_id: self.found(one) for one in self.subjects(plan, snapshot)}
        return {number: known for number, known in found.items() if known is not None}

    def needed(self, subject: Subject) -> Viewing | None:
        """What must be done to know a video and to show it; ``None`` where nothing
        is."""
        if not is_inside(subject.path):
            return None
        key, references = self._beside(subject)
        known = self.found(subject)
        if isinstance(known, Undecodable):
            return None
        targets = self._missing(subject)
        is_known = known is not None or self.level is Level.NONE
        if is_known and targets == Targets():
            return None
        video = self._output / subject.path
        return Viewing(key, video, references, targets, self.level, is_known)

    def _missing(self, subject: Subject) -> Targets:
        folder, sha256 = self._output / subject.manifest, subject.attempt.sha256
        poster, preview, frames = (
            folder / name(sha256) for name in (poster_name, preview_name, frames_name)
        )
        missing = Targets(None if poster.exists() else poster)
        if self.level is not Level.ALL:
            return missing
        return replace(
            missing,
            preview=None if preview.exists() else preview,
            frames=None if frames.exists() else frames,
        )

    def _beside(self, subject: Subject) -> tuple[Key, References]:
        """What a video is compared with: the media of its job that lie on this disk."""
        digests: dict[str, str] = {}
        paths: dict[MediaType, Path] = {}
        for kind, digest, path in self._given(subject.entry) if subject.entry else ():
            digests[kind], paths[kind] = digest, path
        return (subject.attempt.sha256, compared_with(digests)), References(**paths)

    def _given(self, entry: PlannedJob) -> Iterator[tuple[MediaType, str, Path]]:
        refs = {ref.type: ref for ref in entry.request.media}
        for medium in entry.job.media:
            ref = refs[medium.type]
            match medium.source:
                case FileMedia(_, path):
                    yield medium.type, ref.sha256, path
                case JobMedia(job, frame):
                    made = self._stored.get((entry.job.manifest, job))
                    if made is None:
                        continue
                    if frame is None:
                        yield medium.type, made.sha256, self._output / made.path
                        continue
                    still = f"{made.sha256[:16]}.{frame}.png"
                    where = self._output / entry.job.manifest / "stills" / still
                    yield medium.type, f"{made.sha256}.{frame}", where
                case _:
                    continue  # a URL: nobody has it here
