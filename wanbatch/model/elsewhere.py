"""What was found of purchases that this ledger has never heard of, and what it says of
one job.

What it may not do: look for anything (``report.evidence`` does), or decide what a job
becomes (``planner`` does).

How it works: a ``Sighting`` is one piece of evidence with its place. Sightings are kept
by fingerprint, those of videos by the eight digits of their names. All of them are of
the paid realm: the emulator is free and not guarded.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from wanbatch.model.reason import Reason, ReasonCode, because


class Source(StrEnum):
    """Where a trace was found."""

    REPORT = "report"
    VIDEO = "video"
    LEDGER = "ledger"
    LOCK = "lock"


_CODES = {
    Source.REPORT: ReasonCode.SEEN_IN_REPORT,
    Source.VIDEO: ReasonCode.SEEN_VIDEO,
    Source.LEDGER: ReasonCode.SEEN_IN_LEDGER,
    Source.LOCK: ReasonCode.SEEN_IN_LOCK,
}


@dataclass(frozen=True, slots=True)
class Sighting:
    """``place`` is the file, as people find it; ``state`` the word that stands there
    for the job.

    ``trouble`` says why the file cannot be read: then it may know the job, and nobody
    can tell.
    """

    source: Source
    place: str
    state: str = ""
    task_id: str = ""
    backend: str = ""
    trouble: str = ""

    def reason(self, asked: str = "") -> Reason:
        """Why the job is not bought, or, where a person ``asked`` for that, what is
        bought in spite of."""
        code = ReasonCode.MAYBE_SEEN if self.trouble else _CODES[self.source]
        return because(
            code,
            place=self.place,
            state=self.state,
            task=self.task_id,
            trouble=self.trouble,
            asked=asked,
        )


@dataclass(frozen=True, slots=True)
class Elsewhere:
    """All but ``videos`` are by fingerprint, those by the digits of their names.
    ``locks`` are another ledger's, ``own_locks`` this one's.

    ``unreadable`` is a ledger that may know any job.
    """

    reports: Mapping[str, Sighting] = field(default_factory=dict)
    videos: Mapping[str, Sighting] = field(default_factory=dict)
    ledgers: Mapping[str, Sighting] = field(default_factory=dict)
    locks: Mapping[str, Sighting] = field(default_factory=dict)
    own_locks: Mapping[str, Sighting] = field(default_factory=dict)
    unreadable: Sighting | None = None

    def __bool__(self) -> bool:
        return any(
            (
                self.reports,
                self.videos,
                self.ledgers,
                self.locks,
                self.own_locks,
                self.unreadable,
            )
        )

    def find(self, fingerprints: Iterable[str], *, heard: bool) -> Sighting | None:
        """The trace of a job by all fingerprints that it has had.

        Of a job that this ledger has ``heard`` of, its own reports, videos and locks
        say nothing new.
        """
        for text in fingerprints:
            found = self.ledgers.get(text) or self.locks.get(text)
            if found is None and not heard:
                found = (
                    self.reports.get(text)
                    or (self.videos.get(video_digits(text, "paid")) if self.videos else None)
                    or self.own_locks.get(text)
                )
            if found is not None:
                return found
        return self.unreadable


NOTHING = Elsewhere()


_READABLE = str.maketrans("[,=%", "..-_")


def video_digits(fingerprint_text: str, realm: str) -> str:
    """The eight hex digits in the name of a job's video."""
    return hashlib.sha256(f"{fingerprint_text} {realm}".encode()).hexdigest()[:8]


def video_name(job_name: str, fingerprint_text: str, realm: str) -> str:
    """The file name of a job's video, without a number: readable, at most 200 bytes,
    unique by the eight hex digits of identity and realm.

    ``opening[hour=dawn,seed=100]`` becomes ``opening.hour-dawn.seed-100.1f3a9c2e.mp4``.
    """
    digits = video_digits(fingerprint_text, realm)
    readable = job_name.rstrip("]").translate(_READABLE)
    tail = f".{digits}.mp4"
    room = 200 - len(tail)
    if len(readable) * 4 > room:
        readable = readable.encode()[:room].decode(errors="ignore")
    return readable + tail
