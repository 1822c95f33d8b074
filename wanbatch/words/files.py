"""Opening, hashing and writing files: the only ways in which ``media`` touches the
disk.

What it may not do: look at what the bytes mean (``probe`` does), block, or leave half a
file under a final name.

How it works: a file is opened first and judged by its descriptor, so that what was
judged is what is read. Pipes, devices and folders are refused without waiting for them:
the open does not block, and what is not a regular file is closed unread. New files are
written beside their target and renamed.

What stands in an output folder may have come with a cloned repository. So nothing is
written through a symbolic link: a new file is created exclusively, and a file that
stays (a lock, a log) is opened without following one.
"""

from __future__ import annotations

import errno
import hashlib
import os
import stat
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from io import BufferedReader, BufferedWriter
from pathlib import Path
from typing import BinaryIO

_KINDS = (
    (stat.S_ISDIR, "a folder"),
    (stat.S_ISFIFO, "a named pipe"),
    (stat.S_ISCHR, "a device"),
    (stat.S_ISBLK, "a device"),
    (stat.S_ISSOCK, "a socket"),
)


class NotRegular(OSError):
    """The path leads to something that is no regular file; ``kind`` says what (``a
    folder``)."""

    def __init__(self, kind: str) -> None:
        super().__init__(f"it is {kind}, not a file")
        self.kind = kind


def open_regular(path: Path) -> BufferedReader:
    """The file at ``path``, open for reading. Raises ``NotRegular`` for anything but a
    regular file, ``OSError`` where it cannot be opened.

    The look before the open spares devices that act when opened; the look after it is
    the one that counts.
    """
    if "\0" in str(path):
        raise OSError(errno.EINVAL, "a path cannot hold a NUL")
    _refuse_special(path.stat().st_mode)
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC)
    try:
        _refuse_special(os.fstat(descriptor).st_mode)
        return os.fdopen(descriptor, "rb")
    except BaseException:
        os.close(descriptor)
        raise


def _refuse_special(mode: int) -> None:
    if not stat.S_ISREG(mode):
        raise NotRegular(next((kind for test, kind in _KINDS if test(mode)), "something special"))


def open_own(path: Path, flags: int, mode: int = 0o600) -> int:
    """The descriptor of a file of ours that stays: a lock, a log. ``flags`` say how it
    is opened.

    Raises ``OSError`` for a symbolic link, which is not followed, and for anything but
    a regular file, which is not waited for.
    """
    careful = os.O_NOFOLLOW | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC
    try:
        descriptor = os.open(path, flags | careful, mode)
    except OSError as error:
        if path.is_symlink():
            raise OSError(errno.ELOOP, "it is a symbolic link", str(path)) from error
        raise
    if stat.S_ISREG(os.fstat(descriptor).st_mode):
        return descriptor
    os.close(descriptor)
    raise OSError(errno.EEXIST, f"it is {kind_of(path)}, not a file", str(path))


def kind_of(path: Path) -> str:
    """What stands at ``path`` itself, in words; empty for a regular file, and for
    nothing."""
    try:
        mode = path.lstat().st_mode
    except (FileNotFoundError, NotADirectoryError):
        return ""
    if stat.S_ISREG(mode):
        return ""
    if stat.S_ISLNK(mode):
        return "a symbolic link"
    return next((kind for test, kind in _KINDS if test(mode)), "something special")


def create_anew(path: Path, mode: int = 0o666) -> BufferedWriter:
    """An empty file at ``path``, open for writing.

    What had the name before loses it and is left as it was: a link's end is never
    written to.
    """
    path.unlink(missing_ok=True)
    flags = os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
    return os.fdopen(os.open(path, flags, mode), "wb")


def file_length(file: BinaryIO) -> int:
    """Bytes of an open file, on disk or in memory; leaves its position alone."""
    here = file.tell()
    length = file.seek(0, os.SEEK_END)
    file.seek(here)
    return length


def hash_open_file(file: BufferedReader) -> str:
    """SHA-256 of all bytes of an open file, 64 lower-case hex digits; leaves it at its
    beginning."""
    file.seek(0)
    digest = hashlib.file_digest(file, "sha256").hexdigest()
    file.seek(0)
    return digest


def hash_file(path: Path | str) -> str:
    """SHA-256 of a regular file's bytes, 64 lower-case hex digits. Raises ``OSError``
    where there is none to read."""
    with open_regular(Path(path)) as file:
        return hash_open_file(file)


@contextmanager
def written_atomically(target: Path) -> Iterator[BufferedWriter]:
    """A file to write that appears as ``target`` only when all went well, and then
    whole, even after a power cut.

    Its folder is made where it is missing. The name of the file in the making is its
    writer's own (process and thread), so that two of them never share one.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    making = target.with_name(f".{target.name}.{os.getpid()}-{threading.get_ident()}.part")
    try:
        with create_anew(making) as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        making.replace(target)
    finally:
        making.unlink(missing_ok=True)
