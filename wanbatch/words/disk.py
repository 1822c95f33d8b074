"""What disks can do differently: names without hard links, folders that cannot be
synced.

What it may not do: replace a name that exists, or hide trouble that loses bytes (a full
or broken disk raises).

How it works: the usual call is tried first. Where a file system does not know it (some
FUSE, exFAT, SMB), the next best is done, and what was missing is remembered once for
the process: whoever talks to people asks ``oddities`` and tells them.
"""

from __future__ import annotations

import ctypes
import errno
import os
import shutil
from pathlib import Path

from wanbatch.words.files import create_anew

NO_LINKS = frozenset(
    {
        errno.EACCES,
        errno.EINVAL,
        errno.EMLINK,
        errno.ENOSYS,
        errno.ENOTSUP,
        errno.EOPNOTSUPP,
        errno.EPERM,
        errno.EXDEV,
    }
)
"""How file systems say that they make no hard link here. A folder that may not be
written says EACCES too: the copy then fails with it."""

NO_SYNC = frozenset(
    {
        errno.EACCES,
        errno.EBADF,
        errno.EINVAL,
        errno.EISDIR,
        errno.ENOSYS,
        errno.ENOTSUP,
        errno.EOPNOTSUPP,
        errno.EPERM,
    }
)
"""How they say that a folder cannot be opened or synced. EIO is not among them: that is
loss."""

_RENAME_NOREPLACE = 1
"""Of Linux's ``renameat2``: fail where the name exists."""
_AT_FDCWD = -100
"""Of Linux: a path is relative to the present folder."""

_oddities: dict[str, None] = {}


def oddities() -> tuple[str, ...]:
    """What this process had to do differently, each once, as sentences for people."""
    return tuple(_oddities)


def give_name(source: Path, target: Path) -> None:
    """Gives the synced file ``source`` the name ``target`` as well, whole or not at
    all.

    Raises ``FileExistsError`` where something has the name, ``OSError`` as the disk
    does.
    """
    try:
        os.link(source, target)
    except OSError as error:
        if error.errno not in NO_LINKS:
            raise
        if error.errno not in (errno.EXDEV, errno.EMLINK):
            _note(f"The disk under {target.parent} makes no hard links: videos are copied there.")
        _copy(source, target)


def _copy(source: Path, target: Path) -> None:
    """A synced copy beside the target, then a rename that replaces nothing."""
    beside = target.with_name(f".{target.name}.copy")
    try:
        with source.open("rb") as reader, create_anew(beside) as writer:
            shutil.copyfileobj(reader, writer, 1 << 20)
            writer.flush()
            os.fsync(writer.fileno())
        rename_new(beside, target)
    finally:
        beside.unlink(missing_ok=True)


def rename_new(source: Path, target: Path) -> None:
    """Renames without replacing. Raises ``FileExistsError`` where something has the
    name.

    Where the kernel or the disk cannot promise that, a name that is seen to be free is
    taken.
    """
    if _renamed_exclusively(source, target):
        return
    if os.path.lexists(target):
        raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), str(target))
    source.rename(target)


def _renamed_exclusively(source: Path, target: Path) -> bool:
    rename = getattr(ctypes.CDLL(None, use_errno=True), "renameat2", None)
    if rename is None:
        return False
    if (
        rename(_AT_FDCWD, os.fsencode(source), _AT_FDCWD, os.fsencode(target), _RENAME_NOREPLACE)
        == 0
    ):
        return True
    number = ctypes.get_errno()
    if number == errno.EEXIST:
        raise FileExistsError(number, os.strerror(number), str(target))
    return False


def sync_folder(folder: Path) -> None:
    """Makes the names in ``folder`` durable, where the disk can do that.

    Raises ``OSError`` where it can and fails.
    """
    try:
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    except OSError as error:
        _bear(error, folder)
        return
    try:
        os.fsync(descriptor)
    except OSError as error:
        _bear(error, folder)
    finally:
        os.close(descriptor)


def _bear(error: OSError, folder: Path) -> None:
    if error.errno not in NO_SYNC:
        raise error
    _note(f"The folder {folder} cannot be synced: a power cut may undo its newest names.")


def _note(sentence: str) -> None:
    _oddities.setdefault(sentence)
