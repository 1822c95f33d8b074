"""Videos on disk: from a checked ``.part`` file to its final name, copies for other folders, and whether a stored file is still whole.

What it may not do: delete or overwrite a video; talk to the ledger (the runner records what is done here).

How it works: a final name is given by a hard link, which fails where the name exists, so that it is absent or complete at every instant; the folder
and those above it are synced before the step counts as done. A name that other bytes have gets a number. (That names differ when case is folded is
the planner's work.)
"""

from __future__ import annotations

import errno
import os
import shutil
from collections.abc import Iterable
from pathlib import Path, PurePosixPath

from wanbatch.lifecycle import Attempt, Placement, Snapshot, State
from wanbatch.media.files import hash_file

PART_FOLDER = ".part"


def part_path(output: Path, attempt: Attempt) -> Path:
    """Where the bytes of an attempt gather until they are checked: in the folder they will stay in, so that the rename stays on one disk."""
    return output / attempt.manifest / "videos" / PART_FOLDER / f"{attempt.attempt_id}.part"


def rejected_path(output: Path, attempt: Attempt) -> Path:
    """Where bytes are kept that came whole and are no video as they should be."""
    return part_path(output, attempt).with_suffix(".rejected")


def early_path(output: Path, attempt: Attempt) -> Path:
    """Where a video is kept that came before the API called its task finished."""
    return part_path(output, attempt).with_suffix(".early")


def publish(output: Path, part: Path, wanted: str, sha256: str) -> str:
    """Gives the synced file ``part`` the name ``wanted`` (relative to ``output``) without replacing anything; returns the name it got.

    Raises ``OSError`` as the file system does. Runs again safely after a crash at any point.
    """
    final = _link(part, output / wanted, sha256)
    _sync_folders(output, final.parent)
    if part != final:
        part.unlink(missing_ok=True)
    return final.relative_to(output).as_posix()


def copy_video(output: Path, source: str, wanted: str, sha256: str) -> str:
    """A copy of a stored video under another name: a hard link where possible. Returns the name it got."""
    final = _link(output / source, output / wanted, sha256)
    _sync_folders(output, final.parent)
    return final.relative_to(output).as_posix()


def _link(source: Path, wanted: Path, sha256: str) -> Path:
    wanted.parent.mkdir(parents=True, exist_ok=True)
    for target in _numbered(wanted):
        try:
            _link_or_copy(source, target)
        except FileExistsError:
            if target.is_file() and hash_file(target) == sha256:
                return target
            continue
        return target
    raise AssertionError("unreachable: the numbers do not end")


def _link_or_copy(source: Path, target: Path) -> None:
    try:
        os.link(source, target)
    except OSError as error:
        if error.errno not in (
            errno.EXDEV,
            errno.EPERM,
            errno.EOPNOTSUPP,
            errno.EMLINK,
            errno.ENOSYS,
        ):
            raise
        _copy(source, target)


def _copy(source: Path, target: Path) -> None:
    """For file systems without hard links: a synced copy beside the target, then a rename into a name that was seen to be free."""
    beside = target.with_name(f".{target.name}.copy")
    with source.open("rb") as reader, beside.open("wb") as writer:
        shutil.copyfileobj(reader, writer, 1 << 20)
        writer.flush()
        os.fsync(writer.fileno())
    if target.exists():
        beside.unlink()
        raise FileExistsError(target)
    beside.rename(target)


def _numbered(wanted: Path) -> Iterable[Path]:
    yield wanted
    number = 2
    while True:
        yield wanted.with_name(f"{wanted.stem}-{number}{wanted.suffix}")
        number += 1


def _sync_folders(output: Path, folder: Path) -> None:
    """Syncs ``folder`` and those it lies in, up to ``output``: a new folder's own name is an entry of the one above, and lost with it."""
    _sync_folder(folder)
    while folder != output and folder.parent != folder:
        folder = folder.parent
        _sync_folder(folder)


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def intact_paths(output: Path, snapshot: Snapshot) -> frozenset[str]:
    """The stored videos that are whole, relative to ``output``: every placement, and the first home of every stored attempt.

    A file whose size and modification time are as recorded is trusted; any other is hashed.
    """
    stored = {a.attempt_id: a for a in snapshot.attempts if a.state is State.STORED}
    homes = [Placement(a.manifest, a.job, a.attempt_id, a.path, 0) for a in stored.values()]
    placements = {p.path: p for p in (*homes, *snapshot.placements) if p.attempt_id in stored}
    return frozenset(
        p.path for p in placements.values() if is_intact(output, p, stored[p.attempt_id])
    )


def is_intact(output: Path, placement: Placement, attempt: Attempt) -> bool:
    if not _is_inside(placement.path):
        return False
    path = output / placement.path
    try:
        status = path.lstat()
    except OSError:
        return False
    if status.st_size != attempt.bytes or not path.is_file():
        return False
    return status.st_mtime_ns == placement.mtime_ns or hash_file(path) == attempt.sha256


def _is_inside(path: str) -> bool:
    pure = PurePosixPath(path)
    return not pure.is_absolute() and ".." not in pure.parts


def modified_at_ns(output: Path, path: str) -> int:
    return (output / path).stat().st_mtime_ns
