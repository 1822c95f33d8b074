"""The values of a review: what people thought of a report's videos, as it stands in
``review.json``.

What it may not do: read or write a file, or decide who has won (``report.review`` and
``report.ranking`` do).

How it works: frozen dataclasses in the words of ``schemas/review.schema.json``. A job
is known by its name and its fingerprint together; where one of the two differs, the
opinion is about something else. Instants are texts in ISO 8601 and UTC, as a browser
writes them: their order as texts is that of time.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Verdict(StrEnum):
    """``NONE`` is a pick with stars or a note alone."""

    KEEP = "keep"
    REJECT = "reject"
    NONE = ""


class DuelOutcome(StrEnum):
    LEFT = "left"
    RIGHT = "right"
    SAME = "same"
    BOTH_BAD = "both_bad"


@dataclass(frozen=True, slots=True, order=True)
class JobRef:
    """Which job, and which version of it."""

    name: str
    fingerprint: str


@dataclass(frozen=True, slots=True)
class Pick:
    """What one person (``by``) thinks of one video. ``stars`` from 0 (none given) to 5,
    ``video`` the SHA-256 of the file that was looked at, where there was one."""

    job: JobRef
    video: str | None
    verdict: Verdict
    stars: int
    note: str
    by: str
    at: str


@dataclass(frozen=True, slots=True)
class Duel:
    """One showing of a pair of a group, sides as they were shown. ``swapped`` is the
    second showing, with the sides exchanged."""

    group: str
    left: JobRef
    right: JobRef
    outcome: DuelOutcome
    swapped: bool
    by: str
    at: str


@dataclass(frozen=True, slots=True)
class Review:
    """One file, or several merged: ``reviewers`` are all who have an opinion in it."""

    manifest: str
    manifest_sha256: str
    realm: str
    reviewers: tuple[str, ...]
    picks: tuple[Pick, ...]
    duels: tuple[Duel, ...]
    exported_at: str
