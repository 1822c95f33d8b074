"""A part of an open file as a file of its own, for readers that must not see the rest.

What it may not do: write, close the file beneath, or remember bytes.

How it works: positions count from the beginning of the part; bytes of the caller's own
may stand before it, so that a reader gets a header that is right where the file's own
is not.
"""

from __future__ import annotations

import io
import os
from typing import BinaryIO


class Window(io.RawIOBase):
    """``head``, then bytes ``start`` to ``end`` of ``file``."""

    def __init__(self, file: BinaryIO, start: int, end: int, head: bytes = b"") -> None:
        self._file, self._start, self._head = file, start, head
        self._length = len(head) + max(0, end - start)
        self._at = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._at

    def seek(self, offset: int, whence: int = os.SEEK_SET, /) -> int:
        base = {os.SEEK_SET: 0, os.SEEK_CUR: self._at, os.SEEK_END: self._length}[whence]
        if base + offset < 0:
            raise OSError(22, "before the beginning")
        self._at = base + offset
        return self._at

    def read(self, size: int = -1, /) -> bytes:
        left = max(0, self._length - self._at)
        wanted = left if size < 0 else min(size, left)
        data = self._head[self._at : self._at + wanted]
        if len(data) < wanted:
            self._file.seek(self._start + self._at + len(data) - len(self._head))
            data += self._file.read(wanted - len(data))
        self._at += len(data)
        return data


Readable = BinaryIO | Window
"""What FFmpeg can be given."""
