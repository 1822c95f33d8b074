"""The values of a plan: a request with its media identified, a planned job with its
action and reason, the plan with its totals.

What it may not do: decide anything (``planner`` does), read files or the ledger.

How it works: ``Request`` is what will be sent, with media by content; it is what the
fingerprint is taken from and what reports show.
"""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass, field
from decimal import Decimal
from enum import StrEnum
from typing import TYPE_CHECKING

from wanbatch.model.job import Frame, Job, MediaType, Size
from wanbatch.model.lifecycle import Attempt
from wanbatch.model.reason import Reason
from wanbatch.words.addresses import Address
from wanbatch.words.canonical import Json

if TYPE_CHECKING:
    from wanbatch.model.elsewhere import Sighting


class Action(StrEnum):
    """What ``run`` would do with a job. It does the first three and leaves the rest."""

    GENERATE = "generate"
    RESUME = "resume"
    REUSE = "reuse"
    BLOCKED = "blocked"
    SKIP = "skip"
    ASK = "ask"


class JobState(StrEnum):
    """How a job stands, in the words of ``report.json`` and ``status``.

    ``FINISHED`` is made and paid for, and not yet on disk; ``ELSEWHERE`` bought by a
    ledger that is not this one.
    """

    PLANNED = "planned"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    BLOCKED = "blocked"
    UNCERTAIN = "uncertain"
    EXPIRED = "expired"
    SKIPPED = "skipped"
    FINISHED = "finished"
    ELSEWHERE = "elsewhere"


@dataclass(frozen=True, slots=True)
class MediaRef:
    """A media input by content.

    Exactly one of ``sha256`` (a local file), ``url`` (public, whole: it is for the wire
    alone) and ``upstream`` (the fingerprint of the job whose video, or with ``frame`` a
    still of it, is taken) is set; as an upstream's file is sent, its ``sha256`` is set
    too. ``source`` is how people read it: a path, a URL without its query, a job's
    name. ``address`` is what a URL is known by.
    """

    type: MediaType
    source: str
    sha256: str = ""
    url: str = field(default="", repr=False)
    upstream: str = ""
    frame: Frame | None = None
    address: Address | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Trace:
    """By what a request is found again whose URLs have queries: ``family`` is its
    fingerprint as if none of them counted, ``addresses`` are the URLs by media type."""

    family: str
    addresses: tuple[tuple[MediaType, Address], ...]


@dataclass(frozen=True, slots=True)
class Request:
    """The API's fields, every one explicit, as they are sent. ``trace`` is what the
    ledger keeps beside them where a URL has a query."""

    model: str
    prompt: str | None
    negative_prompt: str | None
    media: tuple[MediaRef, ...]
    seconds: int
    size: Size
    seed: int
    prompt_extend: bool
    watermark: bool
    trace: Trace | None = None

    def describe(self) -> str:
        """JSON text for the report: no query of a URL, no inline media. Absent optional
        fields stay absent."""
        return _as_json(self.shown())

    def record(self) -> str:
        """JSON text for the ledger: the description, and the trace."""
        shown = self.shown()
        if self.trace is not None:
            shown["trace"] = {
                "family": self.trace.family,
                "urls": {
                    kind: {"kind": address.kind.value, "marks": sorted(address.marks)}
                    for kind, address in self.trace.addresses
                },
            }
        return _as_json(shown)

    def shown(self) -> dict[str, Json]:
        """The description as a value."""
        shown: dict[str, Json] = {"model": self.model}
        if self.prompt is not None:
            shown["prompt"] = self.prompt
        if self.negative_prompt is not None:
            shown["negative_prompt"] = self.negative_prompt
        shown["media"] = [
            {"type": m.type, "source": m.source, "sha256": m.sha256 or None} for m in self.media
        ]
        shown |= {
            "seconds": self.seconds,
            "size": self.size,
            "seed": self.seed,
            "prompt_extend": self.prompt_extend,
            "watermark": self.watermark,
        }
        return shown


def _as_json(shown: dict[str, Json]) -> str:
    return json.dumps(shown, ensure_ascii=False, separators=(",", ":"))


@dataclass(frozen=True, slots=True)
class PlannedJob:
    """A job with its identity, its price (``None`` where the backend has none) and what
    a run would do with it.

    ``attempt`` is the one that decides how the job stands, ``attempts`` are all that
    share its identity, oldest first. ``upstream`` names the jobs that it takes media
    from. ``authorised_by`` says how a person asked for this purchase (``regenerate``,
    ``retry_failed``, or nothing), ``authorisation_id`` the record of it that the
    purchase uses up, or 0. ``path`` is where its video stands or will stand, relative
    to the output folder. ``trace`` is what was found of a purchase that this ledger
    does not know. ``old_request`` is whether a job of this name, as it was before it
    was edited, is not settled; ``before`` what it was, as JSON text, where its reason
    is that it changed. ``bought_too`` is whether somebody else knows another purchase
    of what is running here: if that fails, it is not bought anew.
    """

    job: Job
    request: Request
    fingerprint: str
    price: Decimal | None
    action: Action
    reason: Reason
    state: JobState
    selected: bool = True
    attempt: Attempt | None = None
    attempts: tuple[Attempt, ...] = ()
    upstream: tuple[str, ...] = ()
    path: str = ""
    authorised_by: str = ""
    authorisation_id: int = 0
    old_request: bool = False
    trace: Sighting | None = None
    before: str = field(default="", repr=False)
    bought_too: bool = False

    @property
    def name(self) -> str:
        return self.job.name


@dataclass(frozen=True, slots=True)
class Plan:
    """What a run of these manifests would do. ``jobs`` are in manifest order; ``total``
    is what ``generate`` would cost, ``None`` without a price."""

    backend: str
    realm: str
    origin: str
    currency: str
    jobs: tuple[PlannedJob, ...]
    total: Decimal | None
    strangers: tuple[Attempt, ...] = field(default=())
    """Unsettled attempts whose job the manifests no longer have."""
    doubts: tuple[Doubt, ...] = field(default=())
    """What the user's selection cannot have meant."""

    def selected(self) -> tuple[PlannedJob, ...]:
        return tuple(entry for entry in self.jobs if entry.selected)

    def count(self) -> Counter[Action]:
        return Counter(entry.action for entry in self.selected())


@dataclass(frozen=True, slots=True)
class Doubt:
    """Something that a selection cannot have meant. ``fatal``: going on could buy more
    than was meant, or there is nothing to go on with."""

    problem: str
    pointer: str | None = None  # the term, and a caret under the place
    hints: tuple[str, ...] = ()
    fatal: bool = False

    def describe(self) -> str:
        """As a message of its own, with a caret under the place."""
        below = f"\n{self.pointer}" if self.pointer else ""
        return f"--select: {self.problem}{below}"

    def sum_up(self) -> str:
        """In one line."""
        return " ".join((self.problem, *(f"({hint})" for hint in self.hints[:1])))
