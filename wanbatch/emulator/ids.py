"""Task ids: how they are made, told and found again in an address.

What it may not do: know a task, or a dialect's words.

How it works: the usual ids are the API's own. A fault script can ask for others that
public gateways give: long, numeric, or full of what an address must quote. A slash in
an id stays ``%2F`` in the path that routes see, so that one segment is one id;
``id_of_segment`` undoes that. File names in links never hold such an id, but its hash.
"""

from __future__ import annotations

import base64
import hashlib
import re
import secrets
import string
import uuid
from urllib.parse import quote, unquote

_ALPHABET = string.ascii_letters + string.digits
_PLAIN = re.compile(r"[A-Za-z0-9_-]{1,64}\Z")
_SLASH = re.compile(r"(?i)%2f")
BASE64_BYTES = 148
"""They make 200 characters with padding, as long as ids that wrap another id get."""
MADE_FORMS = frozenset({"base64", "number", "symbols"})
"""Forms that the id itself has, and not the answer around it."""
HASHED_STEM = 32
"""How long a file's stem is that is a hash."""
NUMBERS = 10**17
"""Numeric ids begin here: longer than a double holds, short of 64 bits."""


def new_id(dialect: str, form: str = "") -> str:
    """An id as the API that ``dialect`` names makes it, or of a form that a script asks
    for."""
    match form:
        case "base64":
            return _base64_id()
        case "number":
            return str(NUMBERS + secrets.randbelow(NUMBERS))
        case "symbols":
            return f"video:{secrets.token_hex(6)}/a?b=1&c=%20#d+e;@~!$*'(),[]{{}}|"
        case _:
            return str(uuid.uuid4()) if dialect == "dashscope" else new_task_id()


def new_task_id() -> str:
    """``task_`` and 32 random letters and digits, as the gateway makes them."""
    return "task_" + "".join(secrets.choice(_ALPHABET) for _ in range(32))


def _base64_id() -> str:
    """With each of the characters that an address must quote."""
    while True:
        made = base64.b64encode(secrets.token_bytes(BASE64_BYTES)).decode("ascii")
        if "/" in made and "+" in made:
            return made


def told_id(task_id: str) -> str | int:
    """The id as an answer tells it: a numeric one is a number."""
    return int(task_id) if task_id.isdigit() else task_id


def file_stem(task_id: str) -> str:
    """What the file of a task's result is called in its address."""
    if _PLAIN.match(task_id):
        return task_id
    return hashlib.sha256(task_id.encode()).hexdigest()[:HASHED_STEM]


def segment_of(task_id: str) -> str:
    """The id as one segment of an address."""
    return quote(task_id, safe="")


def id_of_segment(segment: str) -> str:
    """The id that a segment of a route's path stands for."""
    return segment.replace("%2F", "/")


def route_path(raw_path: bytes) -> str:
    """The path as routes see it: unquoted, but for slashes that belong to a segment."""
    return "%2F".join(unquote(part) for part in _SLASH.split(raw_path.decode("latin-1")))
