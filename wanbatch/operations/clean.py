"""Finds videos that nobody has needed for thirty days, moves them to the trash when it
is told so, and empties the trash when it is told that too.

What it may not do: touch a file that the ledger does not know byte for byte, work on a
ledger that is missing, damaged or older than its reports, or take what cannot be read
for a no. It sends nothing.

How it works: a video is needed by a manifest, lock or review that refers to it now
(``references``), and by a video that was made from it. When it was needed last is the
latest instant that anybody knows of it: its own events, its files' times, and the look
that first found that no referrer names it any more (the ledger's ``mentions``). Nothing
is unneeded before the ledger has kept that book for thirty days, and has met the
manifest that made it.
A clock that went backwards ends everything; one that is ahead can do no
more than fill the trash, out of which the next run takes what it needs.
"""

from __future__ import annotations

import os
import stat
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path

from wanbatch.ledger.lock import RunLock
from wanbatch.ledger.mentions import Referrer, Seen, mentioned_until, note_mentions, read_mentions
from wanbatch.ledger.sqlite import is_missing
from wanbatch.ledger.store import read_snapshot
from wanbatch.ledger.verify import verify_ledger
from wanbatch.model.lifecycle import Attempt, Snapshot, State
from wanbatch.operations.evidence import look_around
from wanbatch.operations.references import MANIFEST, read_references, with_inputs
from wanbatch.videos.folders import refuse_odd_places
from wanbatch.videos.outputs import PART_FOLDER, is_inside
from wanbatch.videos.trash import FOLDER as FOLDER
from wanbatch.videos.trash import Discarded as Discarded
from wanbatch.videos.trash import discard, empty, lies_there, read_trash
from wanbatch.words.errors import ExitCode, WanbatchError
from wanbatch.words.files import hash_file
from wanbatch.words.humanize import quoted

DAY_S = 86_400.0
"""A clock that differs by less is corrected all the time, and no other time."""
UNNEEDED_AFTER_S = 30 * DAY_S
"""Contract: thirty days."""
FIRST_INSTANT = 1_735_689_600.0
"""The year 2025. What is older was written by a clock that had lost its time, and says
nothing."""


@dataclass(frozen=True, slots=True)
class Unneeded:
    """A video that nobody has needed since ``needed_at``, Unix seconds: its names and
    leftovers below the output folder, and how many bytes they free."""

    attempt: Attempt
    needed_at: float
    paths: tuple[str, ...]
    leftovers: tuple[str, ...]
    bytes: int


@dataclass(frozen=True, slots=True)
class Cleaning:
    """What was found and done.

    ``since`` is when the ledger began to keep the book, ``None`` where it has not.
    ``waiting`` videos are needed by nobody, and the first of them is unneeded at
    ``next_at``. ``altered`` are names whose bytes are not the ledger's any more.
    ``unclear`` are files that could not be read, by path, so that what they may need is
    kept. ``trash`` is what lies there, ``needed`` those of it that somebody needs
    again. ``moved`` and ``emptied`` is what was done.
    """

    now: float
    since: float | None
    unneeded: tuple[Unneeded, ...]
    waiting: int = 0
    next_at: float = 0.0
    altered: tuple[str, ...] = ()
    unclear: Mapping[str, str] = field(default_factory=dict)
    trash: tuple[Discarded, ...] = ()
    needed: tuple[Discarded, ...] = ()
    moved: tuple[Discarded, ...] = ()
    emptied: tuple[Discarded, ...] = ()

    @property
    def is_early(self) -> bool:
        """Whether the book is too young to tell."""
        return self.since is None or self.now - self.since < UNNEEDED_AFTER_S


def look(output: Path, now: float) -> Cleaning:
    """What is unneeded, and what lies in the trash; where no run holds the lock, the
    look is written down. Raises ``WanbatchError``: (3) where the ledger cannot be
    relied upon, (4) where it cannot be read."""
    seen = _Look(output, now)
    with suppress(WanbatchError, OSError), RunLock(output):
        note_mentions(output / "ledger.db", seen.references.found, now)
    return seen.cleaning()


def move(output: Path, now: float, lock_timeout_s: float = 0.0) -> Cleaning:
    """``look``, under the run lock; what is unneeded is moved to the trash, and the
    book is kept on. Raises ``WanbatchError``, ``OSError`` as the disk does."""
    _refuse_missing(output)
    refuse_odd_places(output, ())
    with RunLock(output, timeout_s=lock_timeout_s):
        seen = _Look(output, now)
        found = seen.cleaning()
        sound, altered = seen.sort_out(found.unneeded)
        moved = discard(output, sound) if sound else []
        note_mentions(output / "ledger.db", seen.references.found, now)
        return _replaced(found, altered=altered, moved=moved)


def empty_trash(output: Path, now: float, lock_timeout_s: float = 0.0) -> Cleaning:
    """Deletes what lies in the trash and nobody needs again, under the run lock. Raises
    ``WanbatchError``, ``OSError`` as the disk does."""
    _refuse_missing(output)
    refuse_odd_places(output, ())
    with RunLock(output, timeout_s=lock_timeout_s):
        found = _Look(output, now).cleaning()
        emptied = empty(output, [e for e in found.trash if e not in found.needed], now)
        return _replaced(found, emptied=emptied)


def _replaced(
    found: Cleaning,
    *,
    altered: Sequence[str] = (),
    moved: Sequence[Discarded] = (),
    emptied: Sequence[Discarded] = (),
) -> Cleaning:
    return replace(
        found,
        altered=(*found.altered, *altered),
        moved=tuple(moved),
        emptied=tuple(emptied),
    )


# -- what may not be relied upon -------------------------------------------------------


def _refuse_missing(output: Path) -> None:
    if is_missing(output / "ledger.db"):
        raise WanbatchError(
            ExitCode.REFUSED,
            f"there is no ledger in {output}: without it nobody knows which video is needed;"
            " nothing was moved",
            "name the folder with --output, or put the ledger back from a copy",
        )


def _refuse_shared(output: Path) -> None:
    shared = sorted(output.glob("shared-*.db"))
    if shared:
        raise WanbatchError(
            ExitCode.REFUSED,
            f"{output} works with a shared store ({shared[0].name}): what others need is not known"
            " here; nothing was moved",
            "delete in a shared store by hand, when everybody has agreed",
        )


def _refuse_unsound(output: Path, snapshot: Snapshot) -> None:
    ledger = output / "ledger.db"
    problems = verify_ledger(ledger)
    if problems:
        raise WanbatchError(
            ExitCode.REFUSED,
            f"the ledger {ledger} is not sound ({problems[0]}); nothing was moved",
            f"see all with: {quoted(['wanbatch', 'ledger', 'check', '--output', str(output)])}",
        )
    newer = look_around(output, snapshot, ()).newer
    if newer:
        raise WanbatchError(
            ExitCode.REFUSED,
            f"the ledger {ledger} is older than its own reports: {newer[-1]} tells of what it does"
            " not hold; nothing was moved",
            "put the newest copy of the ledger back",
        )


def _refuse_clock(now: float, latest: float) -> None:
    if now < latest - DAY_S:
        raise WanbatchError(
            ExitCode.ENVIRONMENT,
            f"by this machine's clock it is {_day(now)}, and the ledger knows of {_day(latest)}:"
            " one of them is wrong; nothing was moved",
            "set the clock, then run the same command again",
        )


def _day(at: float) -> str:
    return time.strftime("%Y-%m-%d", time.gmtime(at))


# -- what is unneeded ------------------------------------------------------------------


class _Look:
    """One look at ledger, sources and files."""

    def __init__(self, output: Path, now: float) -> None:
        _refuse_missing(output)
        _refuse_shared(output)
        self.output = output
        self.snapshot = read_snapshot(output / "ledger.db")
        _refuse_unsound(output, self.snapshot)
        self.seen = read_mentions(output / "ledger.db")
        latest = max(_instants_of_all(self.snapshot, self.seen), default=0.0)
        _refuse_clock(now, latest)
        self.now = now
        self.met = [s for s in self.seen if s.referrer.kind == MANIFEST]
        self.since = min((s.since for s in self.met if s.since >= FIRST_INSTANT), default=None)
        self.references = read_references(output, self.snapshot, self.seen)
        self.mentioned = mentioned_until(self.seen, now)
        self.kept = self._kept()

    def cleaning(self) -> Cleaning:
        found = tuple(self._unneeded())
        is_early = self.since is None or self.now - self.since < UNNEEDED_AFTER_S
        trash = tuple(e for e in read_trash(self.output) if lies_there(self.output, e))
        unclear = {s.path: why for s, why in self.references.unclear.items()}
        waiting = self._waiting()
        return Cleaning(
            self.now,
            self.since,
            () if is_early else found,
            len(waiting),
            min(waiting, default=0.0) + UNNEEDED_AFTER_S,
            unclear=unclear,
            trash=trash,
            needed=tuple(e for e in trash if is_early or e.attempt_id in self._needed()),
        )

    def _needed(self) -> frozenset[int]:
        """Attempts that somebody refers to now, or may."""
        return with_inputs(self.references.needed() | self._unclear(), self.snapshot)

    def _unclear(self) -> frozenset[int]:
        """What sources may refer to that are there and cannot be read: all that they
        ever named; of one that nobody has met before, all."""
        named = {s.referrer: frozenset(s.attempts) for s in self.seen}
        everything = frozenset(a.attempt_id for a in self.snapshot.attempts)
        parts = [named.get(referrer, everything) for referrer in self.references.unclear]
        parts += [self._of_manifest(s) for s in self.references.unclear if s.kind == MANIFEST]
        return frozenset(number for part in parts for number in part)

    def _of_manifest(self, referrer: Referrer) -> frozenset[int]:
        """The attempts of the manifests that named what ``referrer`` named, by name."""
        own = next(
            (frozenset(s.attempts) for s in self.seen if s.referrer == referrer), frozenset()
        )
        names = {a.manifest for a in self.snapshot.attempts if a.attempt_id in own}
        names |= {p.manifest for p in self.snapshot.placements if p.attempt_id in own}
        placed = {p.attempt_id for p in self.snapshot.placements if p.manifest in names}
        opened = {a.attempt_id for a in self.snapshot.attempts if a.manifest in names}
        return frozenset(placed | opened)

    def _kept(self) -> frozenset[int]:
        """All that is needed, young, not at its end, or of a manifest that nobody has
        met since the book is kept; and what that was made from."""
        names = self._names_met()
        own = {
            a.attempt_id
            for a in self.snapshot.attempts
            if a.state is not State.STORED
            or a.manifest not in names
            or (at := self._needed_at(a)) is None
            or self.now - at < UNNEEDED_AFTER_S
        }
        return with_inputs(own | self._needed(), self.snapshot)

    def _names_met(self) -> frozenset[str]:
        """The names of the manifests that the book has met, by what they refer to."""
        found = {number for one in self.met for number in one.attempts}
        return frozenset(a.manifest for a in self.snapshot.attempts if a.attempt_id in found)

    def _waiting(self) -> list[float]:
        """When the videos were needed last that nobody needs, and that are kept for
        their age alone."""
        open_ = {a.attempt_id for a in self.snapshot.attempts if a.state is not State.STORED}
        needed = with_inputs(open_ | self._needed(), self.snapshot)
        names = self._names_met()
        kept = [a for a in self.snapshot.attempts if a.attempt_id in self.kept - needed]
        rest = [a for a in kept if a.manifest in names]
        known = [self._needed_at(a) for a in rest if self._names(a)]
        return [at for at in known if at is not None]

    def _needed_at(self, attempt: Attempt) -> float | None:
        """The latest instant that anybody knows of it; ``None`` for one whose clock had
        lost its time."""
        known = [*_instants(attempt), self.mentioned.get(attempt.attempt_id, 0.0)]
        known += [at for path in self._names(attempt) for at in _file_times(self.output / path)]
        latest = max(known)
        return latest if latest >= FIRST_INSTANT else None

    def _names(self, attempt: Attempt) -> list[str]:
        """Every name of the video, where it stands as a plain file of its length."""
        own = [p.path for p in self.snapshot.placements if p.attempt_id == attempt.attempt_id]
        names = dict.fromkeys((attempt.path, *own))
        return [n for n in names if is_inside(n) and _length(self.output / n) == attempt.bytes]

    def _unneeded(self) -> Iterator[Unneeded]:
        for attempt in self.snapshot.attempts:
            if attempt.attempt_id in self.kept:
                continue
            paths = self._names(attempt)
            if paths:
                left = self._leftovers(attempt)
                freed = _freed(self.output / path for path in (*paths, *left))
                at = self._needed_at(attempt) or 0.0
                yield Unneeded(attempt, at, tuple(paths), tuple(left), freed)

    def _leftovers(self, attempt: Attempt) -> list[str]:
        folder = self.output / attempt.manifest / "videos" / PART_FOLDER
        found = sorted(folder.glob(f"{attempt.attempt_id}.*")) if folder.is_dir() else []
        return [p.relative_to(self.output).as_posix() for p in found if _length(p) is not None]

    # -- moving ------------------------------------------------------------------------

    def sort_out(self, unneeded: Iterable[Unneeded]) -> tuple[list[Discarded], list[str]]:
        """What may be moved, and the names whose bytes are not the ledger's any more:
        those are left, and all of their video with them."""
        sound: list[Discarded] = []
        altered: list[str] = []
        for one in unneeded:
            changed = [p for p in one.paths if not self._is_own(p, one.attempt)]
            altered += changed
            if not changed:
                sound += [self._entry(p, one.attempt, one.attempt.sha256) for p in one.paths]
                sound += [self._entry(p, one.attempt, "") for p in one.leftovers]
        return sound, altered

    def _is_own(self, path: str, attempt: Attempt) -> bool:
        with suppress(OSError):
            return hash_file(self.output / path) == attempt.sha256
        return False

    def _entry(self, path: str, attempt: Attempt, sha256: str) -> Discarded:
        length = _length(self.output / path) or 0
        return Discarded(
            path, path, attempt.attempt_id, attempt.manifest, attempt.job, sha256, length, self.now
        )


def _instants(attempt: Attempt) -> tuple[float, ...]:
    return (
        attempt.intent_at,
        attempt.updated_at,
        attempt.accepted_at,
        attempt.finished_at,
        attempt.stored_at,
    )


def _instants_of_all(snapshot: Snapshot, seen: Sequence[Seen]) -> Iterator[float]:
    """Every instant that the ledger knows, by our clock or by a server's."""
    for attempt in snapshot.attempts:
        yield from _instants(attempt)
    for run in snapshot.runs:
        yield from (run.started_at, run.finished_at)
    yield from (one.at for one in snapshot.authorisations)
    yield from (one.seen_at for one in seen)


def _file_times(path: Path) -> tuple[float, ...]:
    """When a file was written, and when it got here: an import brings old videos
    home."""
    try:
        facts = path.lstat()
    except OSError:
        return ()
    return facts.st_mtime, facts.st_ctime


def _length(path: Path) -> int | None:
    """Of a plain file, and of no link."""
    try:
        facts = path.lstat()
    except OSError:
        return None
    return facts.st_size if stat.S_ISREG(facts.st_mode) else None


def _freed(paths: Iterable[Path]) -> int:
    """Bytes on disk; several names of one file count once."""
    sizes: dict[tuple[int, int], int] = {}
    for path in paths:
        with suppress(OSError):
            facts = os.lstat(path)
            sizes[facts.st_dev, facts.st_ino] = facts.st_size
    return sum(sizes.values())
