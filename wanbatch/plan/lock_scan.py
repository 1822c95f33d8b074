"""What the text of a lock says was bought, without the rest of it.

What it may not do: I/O, or take a text for a lock that ``lock_text`` cannot have
written: what is damaged, merged by halves, edited out of its lines or of another format
is ``None``, and its reader reads it as the JSON that it may still be.

How it works: a plan asks a lock only for fingerprint, state and task of each job, and
these stand on lines of their own. One expression holds every line of a job in its place
and reads these three; the others it only counts. For a lock of 100,000 jobs (98 MB)
that takes 0.2 s, where ``json.loads`` takes 0.75 s and makes two million values.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from wanbatch.model.lock import LOCK_SCHEMA

_TEXT = rb'"[^"\\\x00-\x1f]*+"'
_WORD = rb'"[ !#-\[\]-~]*+"'
"""A text in ASCII without escapes, as ids are."""
_JOB = re.compile(
    rb"    (" + _TEXT + rb'): \{\n      "fingerprint": "(wb[0-9]++:[0-9a-f]{64})",\n'
    rb'      "inputs": \{[^\n]*+\n      "origin": "[^\n]*+\n      "output": [^\n]*+\n'
    rb'      "price": \{[^\n]*+\n      "request": \{[^\n]*+\n      "seed": [^\n]*+\n'
    rb'      "state": "([a-z]++)",\n      "task_id": (' + _WORD + rb"|null)\n    \}(,?+)\n"
)
_FIRST = b'{\n  "jobs": {\n'
_LAST = re.compile(
    rb'  \},\n  "ledger": (' + _WORD + rb'),\n  "schema": "' + LOCK_SCHEMA.encode() + rb'"\n\}\n\Z'
)


@dataclass(frozen=True, slots=True)
class Scanned:
    """The ledger that wrote a lock; of each job that it holds fingerprint, state and
    task id (empty where it has none)."""

    ledger: str
    jobs: Sequence[tuple[str, str, str]]


def scan_lock(content: bytes) -> Scanned | None:
    """``None`` where ``content`` is not, line by line, what ``lock_text`` writes of one
    job or more."""
    jobs: list[tuple[str, str, str]] = []
    position, before, more = len(_FIRST), b"", b","
    if not content.startswith(_FIRST):
        return None
    while more:
        found = _JOB.match(content, position)
        if found is None:
            return None
        name, fingerprint, state, task_id, more = found.groups()
        if name <= before:  # sorted: so none stands twice, of which JSON would keep one
            return None
        position, before = found.end(), name
        task = "" if task_id == b"null" else task_id[1:-1].decode()
        jobs.append((fingerprint.decode(), state.decode(), task))
    last = _LAST.match(content, position)
    return None if last is None else Scanned(last[1][1:-1].decode(), jobs)
