"""How objects of a shared ledger are written: a first line that says what they are, and
what follows it.

What it may not do: I/O, or read what a newer version wrote.

How it works: the first line is a JSON object with kind, version, and the SHA-256 of all
that follows; an object that was cut or changed is told from one that is whole. A hash
is always that of the object's own bytes, first line and all.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from wanbatch.words.errors import ExitCode, WanbatchError

VERSION = 1
"""Of all documents of a shared ledger; a newer one is refused."""
_ENCODER = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), allow_nan=False)


class SharedDamaged(WanbatchError):
    """The store holds something that is no object of a shared ledger, or not whole."""


def encode(value: object) -> str:
    """One line of JSON."""
    return _ENCODER.encode(value)


def write_document(kind: str, head: Mapping[str, object], body: bytes = b"") -> bytes:
    first = {"wanbatch": kind, "version": VERSION, **head, "sha256": hash_of(body)}
    return encode(first).encode() + b"\n" + body


def read_document(kind: str, name: str, data: bytes) -> tuple[dict[str, Any], bytes]:
    """The first line and the rest. Raises ``SharedDamaged``, and ``WanbatchError``
    (ENVIRONMENT) for a newer version."""
    line, _, body = data.partition(b"\n")
    try:
        head = json.loads(line)
        is_ours = head["wanbatch"] == kind
        version = int(head["version"])
    except (ValueError, KeyError, TypeError):
        raise damaged(name, f"it is no {kind} of wanbatch") from None
    if version > VERSION:
        raise WanbatchError(
            ExitCode.ENVIRONMENT,
            f"{name} of the shared ledger was written by a newer wanbatch (version {version};"
            f" this one reads up to {VERSION})",
            "install the newer wanbatch from its checkout: pip install .",
        )
    if not is_ours or head["sha256"] != hash_of(body):
        raise damaged(name, "it is not whole")
    return head, body


def damaged(name: str, what: str) -> SharedDamaged:
    return SharedDamaged(
        ExitCode.ENVIRONMENT,
        f"{name} of the shared ledger cannot be read: {what}",
        "put the object back from the store's older versions, or from a copy of the bucket;"
        " nothing is bought before that",
    )


def hash_of(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()
