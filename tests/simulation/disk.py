"""What survives a process: the model of the ledger's store, and a file layer that knows
what was synced.

What it may not do: decide when anything fails or dies; it asks its world at every step
(``gate``, ``disk_fault``).

How it works
------------
``LedgerDisk`` keeps entries in the order of their commits and how many of them are
synced. ``ModelStore`` is one process's connection to it and stands in ``Ledger`` where
SQLite's store stands. (SQLite itself is put to the test elsewhere, under a file system
that loses power.)

``Files`` lets the engine work in a real folder, and watches the calls that change names
or sync. For each folder it remembers the names that were there when the folder was last
synced, for each file the bytes that were there when the file was. When power is lost,
each name and each file is afterwards either as last synced or as last written, and a
file may also be cut anywhere; POSIX promises no more. That holds for folders too: one
that was made in a folder that was never synced may be gone with all that is in it.
"""

from __future__ import annotations

import copy
import errno
import os
import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING, Any

from wanbatch.ledger.rows import Happened, Opened, Write, key_of
from wanbatch.ledger.sqlite import Busy, Contents
from wanbatch.model import lifecycle
from wanbatch.model.lifecycle import (
    Attempt,
    Authorisation,
    Event,
    EventKind,
    Placement,
    RunRecord,
)
from wanbatch.words.errors import ExitCode, WanbatchError

if TYPE_CHECKING:
    from simulation.process import Process
    from simulation.world import World

DIR = -1


class LedgerDisk:
    """The ledger as it is on disk. ``number`` tells one that was made anew from those
    before it."""

    def __init__(self, number: int = 1) -> None:
        self.number = number
        self.entries: list[Write] = []
        self.times: list[float] = []
        self.synced = 0
        self.rows: dict[int, Attempt] = {}
        self.events: dict[int, list[Event]] = {}
        self.happened: dict[int, list[float]] = {}
        self.opened: dict[int, int] = {}

    def write_all(self, batch: Sequence[Write], at: float) -> None:
        """One transaction: all of ``batch`` or nothing. Raises as ``write``."""
        trial = copy.copy(self)
        trial.rows, trial.entries, trial.times = dict(self.rows), [], []
        trial.events = {number: [*events] for number, events in self.events.items()}
        trial.happened = {number: [*times] for number, times in self.happened.items()}
        trial.opened = dict(self.opened)
        for one in batch:
            trial.write(one, at)
        for one in batch:
            self.write(one, at)

    def write(self, entry: Write, at: float) -> None:
        """``at`` is the true time. Raises ``WanbatchError`` for what SQLite's
        constraints would refuse."""
        match entry:
            case Opened(row):
                if row.attempt_id in self.rows:
                    raise WanbatchError(
                        ExitCode.ENVIRONMENT,
                        "the ledger was changed by another process while this one held it",
                    )
                self.rows[row.attempt_id] = row
                self.events[row.attempt_id] = [
                    Event(row.attempt_id, EventKind.INTENT, row.intent_at)
                ]
                self.happened[row.attempt_id] = [at]
                self.opened[row.attempt_id] = len(self.entries)
            case Happened(event, row, seq):
                if seq != len(self.events[row.attempt_id]) + 1:
                    raise WanbatchError(
                        ExitCode.ENVIRONMENT,
                        "the ledger was changed by another process while this one held it",
                    )
                self.rows[row.attempt_id] = row
                self.events[row.attempt_id].append(event)
                self.happened[row.attempt_id].append(at)
        self.entries.append(entry)
        self.times.append(at)

    def copied(self) -> LedgerDisk:
        """What a copy of the files holds that is made now."""
        copy = LedgerDisk(self.number)
        for entry, at in zip(self.entries, self.times, strict=True):
            copy.write(entry, at)
        copy.sync()
        return copy

    def intents_of(self, number: int) -> list[float]:
        """The true instants at which an attempt was about to be POSTed; the first tells
        it from another ledger's attempt of the same number."""
        events, times = self.events.get(number, ()), self.happened.get(number, ())
        wanted = (EventKind.INTENT, EventKind.REOPENED)
        return [at for event, at in zip(events, times, strict=True) if event.kind in wanted]

    def sync(self) -> None:
        self.synced = len(self.entries)

    def lose_power(self, chance: Random) -> None:
        """Keeps what was synced, and some of what was not."""
        number = chance.randint(self.synced, len(self.entries))
        kept = list(zip(self.entries, self.times, strict=True))[:number]
        self.entries, self.times, self.rows, self.events, self.happened, self.opened = (
            [],
            [],
            {},
            {},
            {},
            {},
        )
        for entry, at in kept:
            self.write(entry, at)
        self.sync()

    def contents(self) -> Contents:
        """What a process reads when it opens the ledger."""
        found = Contents(
            f"ledger-{self.number}",
            dict(self.rows),
            {number: len(events) for number, events in self.events.items()},
        )
        for entry in self.entries:
            match entry:
                case Placement():
                    found.placements[key_of(entry)] = entry
                case RunRecord():
                    found.runs[entry.run_id, entry.manifest] = entry
                case Authorisation():
                    found.authorisations[entry.authorisation_id] = entry
        return found

    def refold(self, number: int) -> Attempt:
        """The row that the events of an attempt make, from its opening on. Raises
        ``IllegalTransition``."""
        opening = next(
            e.row for e in self.entries if isinstance(e, Opened) and e.row.attempt_id == number
        )
        row = opening
        for event in self.events[number][1:]:
            row = lifecycle.apply(row, event)
        return row


class ModelStore:
    """One process's way to the ledger on disk."""

    def __init__(self, world: World, disk: LedgerDisk, process: Process | None = None) -> None:
        self._world, self._disk, self._process = world, disk, process
        self.failed = False

    def commit(self, batch: Sequence[Write]) -> None:
        world = self._world
        world.gate("commit")
        fault = world.disk_fault("commit")
        if fault == "commit_busy":
            raise Busy
        if fault == "commit_fails":
            self.failed = True
            world.note("a commit failed")
            raise WanbatchError(ExitCode.ENVIRONMENT, "the ledger cannot grow: the disk is full")
        torn = world.is_last("commit_torn")
        if torn and world.chance.random() < 0.5:
            world.die("commit_torn")
        try:
            self._disk.write_all(batch, world.clock.true())
        except WanbatchError:
            self.failed = True
            world.note("a commit met another process's rows")
            raise
        if torn:
            world.die("commit_torn")
        self.sync()
        world.committed(batch, self._process)
        world.gate("commit_done")

    def sync(self) -> None:
        self._disk.sync()

    def rest(self) -> None:
        """Nothing to fold into anything."""

    def close(self) -> None:
        """Nothing is held open."""


class Files:
    """The output folder: real files, and what of them would survive a loss of power."""

    def __init__(self, world: World, root: Path) -> None:
        self._world, self.root = world, root
        self._ids: dict[int, int] = {}
        self._next = 0
        self._synced: dict[int, bytes] = {}
        self._names: dict[str, dict[str, int]] = {}
        self._real: dict[str, Callable[..., Any]] = {}

    # -- watching ----------------------------------------------------------------------

    @contextmanager
    def watched(self) -> Iterator[None]:
        """Within it, the calls of ``os`` that matter go through here."""
        names = ("fsync", "link", "unlink", "rename", "replace", "mkdir")
        self._real = {name: getattr(os, name) for name in names}
        try:
            for name in names:
                setattr(os, name, getattr(self, f"_{name}"))
            yield
        finally:
            for name, real in self._real.items():
                setattr(os, name, real)

    def _change(self, what: str, path: Any, work: Callable[[], Any], fault: str = "") -> Any:
        if self.root not in Path(path).parents:
            return work()
        self._world.gate("file")
        if fault and self._world.disk_fault("file") == fault:
            self._world.note(f"{what} failed")
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        result = work()
        self._world.file_changed(what, Path(path))
        self._world.gate("file_done")
        return result

    def _link(self, source: Any, target: Any, **how: Any) -> None:
        self._change(
            "link", target, lambda: self._real["link"](source, target, **how), "link_fails"
        )

    def _mkdir(self, path: Any, mode: int = 0o777, **how: Any) -> None:
        self._change("mkdir", path, lambda: self._real["mkdir"](path, mode, **how))

    def _rename(self, source: Any, target: Any, **how: Any) -> None:
        self._change(
            "rename",
            target,
            lambda: self._over(target, lambda: self._real["rename"](source, target, **how)),
        )

    def _replace(self, source: Any, target: Any, **how: Any) -> None:
        self._change(
            "replace",
            target,
            lambda: self._over(target, lambda: self._real["replace"](source, target, **how)),
        )

    def _unlink(self, path: Any, **how: Any) -> None:
        self._change(
            "unlink", path, lambda: self._over(path, lambda: self._real["unlink"](path, **how))
        )

    def _over(self, path: Any, work: Callable[[], Any]) -> None:
        """Does what takes the name ``path`` from a file; a file without names is
        forgotten, for its number may be used again."""
        try:
            status = os.lstat(path)
        except FileNotFoundError:
            status = None
        work()
        if status is not None and status.st_nlink == 1:
            self._ids.pop(status.st_ino, None)

    def _fsync(self, handle: int) -> None:
        found = next(
            (
                p
                for p in (self.root, *sorted(self.root.rglob("*")))
                if p.lstat().st_ino == os.fstat(handle).st_ino
            ),
            None,
        )
        if found is None:
            self._real["fsync"](handle)
            return
        self._world.gate("file")
        if self._world.disk_fault("file") == "fsync_fails":
            self._world.note("a sync failed")
            raise OSError(errno.EIO, os.strerror(errno.EIO))
        if found.is_dir():
            self._names[self._key(found)] = self._listing(found)
        else:
            self._synced[self._id(found)] = found.read_bytes()
        self._world.gate("file_done")

    def _key(self, folder: Path) -> str:
        return folder.relative_to(self.root).as_posix()

    def _id(self, path: Path) -> int:
        number = path.lstat().st_ino
        if number not in self._ids:
            self._next += 1
            self._ids[number] = self._next
        return self._ids[number]

    def _listing(self, folder: Path) -> dict[str, int]:
        return {
            p.name: DIR if p.is_dir() else self._id(p)
            for p in folder.iterdir()
            if p.name != "ledger.lock"
        }

    # -- losing power ------------------------------------------------------------------

    def lose_power(self, chance: Random) -> None:
        """The folder becomes what a disk may show after power was lost at this
        instant."""
        bytes_of: dict[int, tuple[bytes, int]] = {}
        for path in self.root.rglob("*"):
            if path.is_file() and path.name != "ledger.lock":
                bytes_of[self._id(path)] = path.read_bytes(), path.stat().st_mtime_ns
        survivors: list[tuple[Path, int]] = []
        self._choose(self.root, survivors, chance)
        kept = {
            number: self._content(number, bytes_of, chance)
            for _, number in survivors
            if number != DIR
        }
        shutil.rmtree(self.root)
        self.root.mkdir()
        self._write_anew(survivors, kept)

    def _choose(self, folder: Path, survivors: list[tuple[Path, int]], chance: Random) -> None:
        present = self._listing(folder) if folder.is_dir() else {}
        synced = self._names.get(self._key(folder), {})
        for name in sorted({*present, *synced}):
            here, there = present.get(name), synced.get(name)
            chosen = here if here == there or chance.random() < 0.5 else there
            if chosen is None:
                continue
            survivors.append((folder / name, chosen))
            if chosen == DIR:
                self._choose(folder / name, survivors, chance)

    def _content(
        self, number: int, bytes_of: dict[int, tuple[bytes, int]], chance: Random
    ) -> tuple[bytes, int | None]:
        synced = self._synced.get(number)
        if number not in bytes_of:
            return synced or b"", None
        written, changed_at = bytes_of[number]
        if written == synced:
            return written, changed_at
        choice = chance.choice(("synced", "written", "cut"))
        if choice == "written":
            return written, changed_at
        return (
            (synced or b"", None)
            if choice == "synced"
            else (written[: chance.randrange(len(written) + 1)], None)
        )

    def _write_anew(
        self, survivors: list[tuple[Path, int]], kept: dict[int, tuple[bytes, int | None]]
    ) -> None:
        """What is there after the power is back has been on the disk, so all of it
        counts as synced."""
        self._ids, self._synced, self._names = {}, {}, {}
        first: dict[int, Path] = {}
        for path, number in survivors:
            if number == DIR:
                path.mkdir()
            elif number in first:
                path.hardlink_to(first[number])
            else:
                content, changed_at = kept[number]
                first[number] = path
                path.write_bytes(content)
                if changed_at is not None:
                    os.utime(path, ns=(changed_at, changed_at))
        self.all_is_synced()

    def all_is_synced(self) -> None:
        """What is there now survives."""
        for folder in (self.root, *(p for p in self.root.rglob("*") if p.is_dir())):
            self._names[self._key(folder)] = self._listing(folder)
        for path in self.root.rglob("*"):
            if path.is_file() and path.name != "ledger.lock":
                self._synced[self._id(path)] = path.read_bytes()

    def is_synced(self, path: Path) -> None:
        """This one file survives, with the folders that it lies in; nothing else
        changes."""
        self._synced[self._id(path)] = path.read_bytes()
        for inner in (path, *path.parents):
            if inner == self.root:
                return
            known = self._names.setdefault(self._key(inner.parent), {})
            known[inner.name] = DIR if inner.is_dir() else self._id(inner)
