"""Videos on disk: from a checked ``.part`` file to its final name, copies for other
folders, and whether a stored file is still whole.

What it may not do: delete or overwrite a video; talk to the ledger (the runner records
what is done here).

How it works: a final name is given by a hard link (or ``disk``'s next best), which
fails where the name exists, so that it is absent or complete at every instant; the
folder and those above it are synced before the step counts as done. A name that other
bytes have gets a number. (That names differ when case is folded is the planner's work.)
"""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Callable, Collection, Iterable
from contextlib import suppress
from pathlib import Path, PurePosixPath

from wanbatch.model.archive import is_archived
from wanbatch.model.lifecycle import Attempt, Placement, Snapshot, State
from wanbatch.words.disk import give_name, rename_new, sync_folder
from wanbatch.words.files import hash_file, kind_of

PART_FOLDER = ".part"


def part_path(output: Path, attempt: Attempt) -> Path:
    """Where the bytes of an attempt gather until they are checked: in the folder they
    will stay in, so that the rename stays on one disk."""
    return output / attempt.manifest / "videos" / PART_FOLDER / f"{attempt.attempt_id}.part"


def rejected_path(output: Path, attempt: Attempt) -> Path:
    """Where bytes are kept that came whole and are no video as they should be."""
    return part_path(output, attempt).with_suffix(".rejected")


def early_path(output: Path, attempt: Attempt) -> Path:
    """Where a video is kept that came before the API called its task finished."""
    return part_path(output, attempt).with_suffix(".early")


def set_aside_strangers(output: Path, manifests: Iterable[str], snapshot: Snapshot) -> None:
    """Bytes that gathered under another ledger's attempts, which was lost, keep a name
    of their own: an attempt of this ledger with the same number would begin them anew.

    Raises ``OSError`` as the file system does.
    """
    known = {str(a.attempt_id) for a in snapshot.attempts}
    for manifest in manifests:
        folder = output / manifest / "videos" / PART_FOLDER
        for path in sorted(folder.iterdir()) if folder.is_dir() else ():
            number = path.name.partition(".")[0]
            if number.isdecimal() and number not in known and path.lstat().st_size:
                rename_new(path, _free_name(folder / f"lost-{path.name}"))


def _free_name(wanted: Path) -> Path:
    return next(path for path in _numbered(wanted) if not os.path.lexists(path))


def publish(output: Path, part: Path, wanted: str, sha256: str) -> str:
    """Gives the synced file ``part`` the name ``wanted`` (relative to ``output``)
    without replacing anything; returns the name it got.

    Raises ``OSError`` as the file system does. Runs again safely after a crash at any
    point.
    """
    final = _link(part, _inside(output, wanted), sha256)
    _sync_folders(output, final.parent)
    if part != final:
        part.unlink(missing_ok=True)
    return final.relative_to(output).as_posix()


def copy_video(output: Path, source: str, wanted: str, sha256: str) -> str:
    """A copy of a stored video under another name: a hard link where possible. Returns
    the name it got."""
    final = _link(_inside(output, source), _inside(output, wanted), sha256)
    _sync_folders(output, final.parent)
    return final.relative_to(output).as_posix()


def bring(output: Path, source: Path, wanted: str, sha256: str) -> tuple[str, bool]:
    """A video of another folder, whose bytes are known to have that hash: a hard link
    where possible. Returns the name it got, and whether it was not there before.

    Raises ``OSError`` as the file system does. Runs again safely after a crash at any
    point.
    """
    target = _inside(output, wanted)
    target.parent.mkdir(parents=True, exist_ok=True)
    path, is_new = next(
        (path, is_free)
        for path in _numbered(target)
        for is_free in (_is_free(path, source),)
        if _takes(path, source, sha256)
    )
    _sync_folders(output, path.parent)
    return path.relative_to(output).as_posix(), is_new


def _is_free(path: Path, source: Path) -> bool:
    """Whether nothing has the name; then ``source``, which is about to get it, is made
    durable first."""
    if os.path.lexists(path):
        return False
    _sync_file(source)
    return True


def _sync_file(path: Path) -> None:
    """Who wrote it, an archiver maybe, need not have."""
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _inside(output: Path, path: str) -> Path:
    """A ledger may have come with a repository: no row of it names a place
    elsewhere."""
    if not is_inside(path):
        raise OSError(errno.EEXIST, f"the ledger names {path!r}, which is outside the folder")
    return output / path


def _link(source: Path, wanted: Path, sha256: str) -> Path:
    wanted.parent.mkdir(parents=True, exist_ok=True)
    return next(path for path in _numbered(wanted) if _takes(path, source, sha256))


def _takes(target: Path, source: Path, sha256: str) -> bool:
    """Whether ``target`` is a name of the bytes of ``source`` now, or was already."""
    try:
        _link_or_copy(source, target)
    except FileExistsError:
        return _is_plain(target) and hash_file(target) == sha256
    return True


def _link_or_copy(source: Path, target: Path) -> None:
    """Raises ``FileExistsError`` where something has the name."""
    give_name(source, target)


def _numbered(wanted: Path) -> Iterable[Path]:
    yield wanted
    number = 2
    while True:
        yield wanted.with_name(f"{wanted.stem}-{number}{wanted.suffix}")
        number += 1


def _sync_folders(output: Path, folder: Path) -> None:
    """Syncs ``folder`` and those it lies in, up to ``output``: a new folder's own name
    is an entry of the one above, and lost with it."""
    _sync_folder(folder)
    while folder != output and folder.parent != folder:
        folder = folder.parent
        _sync_folder(folder)


def _sync_folder(folder: Path) -> None:
    sync_folder(folder)


def intact_paths(
    output: Path, snapshot: Snapshot, holds: Callable[[str, int], bool] | None = None
) -> frozenset[str]:
    """The stored videos that are whole, relative to ``output``: every placement, and
    the first home of every stored attempt.

    A file whose size and modification time are as recorded is trusted; any other is
    hashed. ``holds`` says whether an object store has a video, by its name and its
    bytes; ``None`` where there is no store.
    """
    stored = {a.attempt_id: a for a in snapshot.attempts if a.state is State.STORED}
    homes = [Placement(a.manifest, a.job, a.attempt_id, a.path, 0) for a in stored.values()]
    placements = {p.path: p for p in (*homes, *snapshot.placements) if p.attempt_id in stored}
    return frozenset(
        p.path
        for p in placements.values()
        for attempt in (stored[p.attempt_id],)
        if (holds is not None and is_archived(p.path) and holds(p.path, attempt.bytes))
        or is_intact(output, p, attempt)
    )


def is_intact(output: Path, placement: Placement, attempt: Attempt) -> bool:
    if not is_inside(placement.path):
        return False
    path = output / placement.path
    try:
        status = path.lstat()
    except OSError:
        return False
    if status.st_size != attempt.bytes or not stat.S_ISREG(status.st_mode):
        return False
    return status.st_mtime_ns == placement.mtime_ns or hash_file(path) == attempt.sha256


def _is_plain(path: Path) -> bool:
    """A regular file by itself, not at the end of a link."""
    return stat.S_ISREG(path.lstat().st_mode)


def is_inside(path: str) -> bool:
    """Whether a path of the ledger stays in the output folder."""
    pure = PurePosixPath(path)
    return not pure.is_absolute() and ".." not in pure.parts


def find_faults(
    output: Path, snapshot: Snapshot, discarded: Collection[str] = frozenset()
) -> list[str]:
    """What is wrong with the stored videos, as sentences; every one is hashed, none
    trusted. Those at ``discarded`` paths may be missing.

    A video with several names is gone only where all of them are: each fault names one.
    """
    stored = {a.attempt_id: a for a in snapshot.attempts if a.state is State.STORED}
    places = {(p.path, p.attempt_id): p.job for p in snapshot.placements}
    placed = {attempt_id for _, attempt_id in places}
    for attempt in stored.values():
        if attempt.attempt_id not in placed:
            places[attempt.path, attempt.attempt_id] = attempt.job
    found = []
    for (path, attempt_id), job in places.items():
        fault = _fault_of(output, path, stored[attempt_id]) if attempt_id in stored else ""
        if fault and not (path in discarded and fault == _MISSING):
            found.append(f"{job}: {path} {fault}")
    return found


_MISSING = "is missing"


def _fault_of(output: Path, path: str, attempt: Attempt) -> str:
    if not is_inside(path):
        return "lies outside the output folder"
    try:
        facts = (output / path).lstat()
        if not stat.S_ISREG(facts.st_mode):
            return f"is {kind_of(output / path)}, not a file"
        if facts.st_size != attempt.bytes:
            return f"has {facts.st_size} bytes instead of {attempt.bytes}"
        if hash_file(output / path) != attempt.sha256:
            return "was changed: its SHA-256 is another"
    except FileNotFoundError:
        return "" if is_archived(path) else _MISSING  # it lives in a store
    except OSError as error:
        return f"cannot be read: {error.strerror or error}"
    return ""


def drop_copy(output: Path, path: str) -> None:
    """Removes the copy of a video that lives in a store, and of no other; a copy that
    cannot be removed is in nobody's way."""
    if is_archived(path):
        with suppress(OSError):
            (output / path).unlink()


def modified_at_ns(output: Path, path: str) -> int:
    """When a file was written last; 0, which no file has, of one in a store: a copy of
    it is hashed before it is believed."""
    return 0 if is_archived(path) else (output / path).stat().st_mtime_ns
