"""The values of a lock file: what a manifest's jobs were bought as, for those who have
no ledger.

What it may not do: I/O, or know how the file is written (``plan.lock`` does).

How it works: one entry for each job that was, or may have been, paid for. The
fingerprint counts; the name under which an entry stands only explains it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

LOCK_SCHEMA = "wanbatch/lock@1"
LOCK_SUFFIX = ".lock.json"
"""A lock stands beside its manifest as ``NAME.lock.json``."""


@dataclass(frozen=True, slots=True)
class LockedOutput:
    """A stored video, as it was measured when it was stored."""

    sha256: str
    bytes: int
    seconds: float
    width: int
    height: int


@dataclass(frozen=True, slots=True)
class LockEntry:
    """``request`` has the API's fields, ``inputs`` the SHA-256 of each local file by
    its path. ``origin`` and ``task_id`` are whom to ask for the task. ``amount`` is
    decimal text, empty where no price was known."""

    fingerprint: str
    state: str
    request: Mapping[str, object]
    inputs: Mapping[str, str] = field(default_factory=dict)
    seed: int = 0
    origin: str = ""
    task_id: str = ""
    output: LockedOutput | None = None
    amount: str = ""
    currency: str = ""


@dataclass(frozen=True, slots=True)
class Lock:
    """A lock file's content: the id of the ledger that wrote it, entries by name."""

    ledger: str
    jobs: Mapping[str, LockEntry] = field(default_factory=dict)
