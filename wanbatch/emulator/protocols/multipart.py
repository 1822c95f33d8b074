"""Reads a ``multipart/form-data`` body: fields and one file, as browsers, SDKs and HTTP
clients write it.

What it may not do: accept half a form.

How it works: the boundary cannot occur inside a part, so the body is cut at it. The
whole body is in memory; its size was capped before.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from email.message import Message

_NAME = re.compile(rb'[;\s]name="((?:[^"\\]|\\.)*)"')
_FILE_NAME = re.compile(rb"[;\s]filename\*?=")


@dataclass(slots=True)
class Form:
    """Fields in order, and the file's bytes; ``file`` is ``None`` where there is none,
    ``file_is_last`` tells whether anything followed it."""

    fields: dict[str, str] = field(default_factory=dict)
    file: bytes | None = None
    file_is_last: bool = False


def read_form(content_type: str, body: bytes) -> Form | None:
    """The form, or ``None`` where this is not a whole one."""
    header = Message()
    header["content-type"] = content_type
    boundary = header.get_param("boundary")
    if header.get_content_type() != "multipart/form-data" or not isinstance(boundary, str):
        return None
    mark = b"--" + boundary.encode("latin-1", "replace")
    pieces = (b"\r\n" + body).split(b"\r\n" + mark)
    if len(pieces) < 3 or not pieces[-1].startswith(b"--"):
        return None
    form = Form()
    for piece in pieces[1:-1]:
        head, separator, content = piece.partition(b"\r\n\r\n")
        name = _NAME.search(head)
        if not separator or name is None:
            return None
        form.file_is_last = _FILE_NAME.search(head) is not None
        if form.file_is_last:
            form.file = content
        else:
            form.fields[name[1].decode("utf-8", "replace")] = content.decode("utf-8", "replace")
    return form
