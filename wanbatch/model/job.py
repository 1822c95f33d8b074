"""The values a manifest becomes: media inputs, jobs, the manifest itself.

What it may not do: parse, check or expand anything; those who build these values have
checked them.

How it works: frozen dataclasses with slots. A ``Job`` is one cell of a sweep, fully
rendered: what stands in it is what will be sent, but for media, which are still named
as the user named them (``media/`` reads and hashes files, ``plan/`` turns references
into fingerprints).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Literal

from wanbatch.model.expect import Expectation
from wanbatch.words.diagnostics import Position, Route
from wanbatch.words.scalars import Scalar

MediaType = Literal["first_frame", "last_frame", "driving_audio", "first_clip"]
MEDIA_TYPES: tuple[MediaType, ...] = ("first_frame", "last_frame", "driving_audio", "first_clip")
"""In the order in which they are sent."""

LEGAL_COMBINATIONS: frozenset[frozenset[MediaType]] = frozenset(
    {
        frozenset({"first_frame"}),
        frozenset({"first_frame", "driving_audio"}),
        frozenset({"first_frame", "last_frame"}),
        frozenset({"first_frame", "last_frame", "driving_audio"}),
        frozenset({"first_clip"}),
        frozenset({"first_clip", "last_frame"}),
    }
)
"""Everything else is refused by the API (docs: the six combinations of wan2.7-i2v)."""

Frame = Literal["first", "last"]
Size = Literal["720P", "1080P"]


@dataclass(frozen=True, slots=True)
class FileMedia:
    """A local file: ``source`` as the manifest names it, ``path`` where it is."""

    source: str
    path: Path


@dataclass(frozen=True, slots=True)
class UrlMedia:
    """A public ``https`` URL without its fragment. It goes on the wire as it is; its
    query is written nowhere else.

    ``identity`` names the parameters that say which object it is, ``None`` where the
    manifest does not say.
    """

    url: str = field(repr=False)
    identity: tuple[str, ...] | None = None


@dataclass(frozen=True, slots=True)
class JobMedia:
    """The video of another job, or with ``frame`` a still cut from it. ``job`` is the
    name of the one cell that it refers to."""

    job: str
    frame: Frame | None = None


MediaSource = FileMedia | UrlMedia | JobMedia


@dataclass(frozen=True, slots=True)
class MediaInput:
    """``place`` and ``route`` say where it is written; ``row`` where the row of data
    stands that it was made with, worked out only when somebody asks.
    """

    type: MediaType
    source: MediaSource
    place: Position
    route: Route = ()
    row: Callable[[], Position] | None = field(default=None, compare=False, repr=False)


def trim_prompt(text: str | None) -> str | None:
    """A prompt as it is sent and identified: without white space (Unicode's, line ends
    too) at its ends; ``None`` where nothing is left."""
    return (text.strip() or None) if text else None


@dataclass(frozen=True, slots=True)
class Job:
    """One video to make. ``axes`` are (name, value) in axis order, ``seed`` and
    ``take`` among them where the manifest sweeps them.

    Prompts stand as they were written; ``trim_prompt`` makes of them what is sent.
    ``expect`` is what the finished video must satisfy: never sent, no part of identity.
    """

    name: str
    id: str
    manifest: str
    axes: tuple[tuple[str, Scalar], ...]
    tags: tuple[str, ...]
    model: str
    prompt: str | None
    negative_prompt: str | None
    media: tuple[MediaInput, ...]
    seconds: int
    size: Size
    seed: int
    take: int
    prompt_extend: bool
    watermark: bool
    place: Position
    expect: tuple[Expectation, ...] = ()


@dataclass(frozen=True, slots=True)
class RunSettings:
    """A manifest's ``run``: never part of a job's identity; it may lower limits and
    name a backend."""

    backend: str | None = None
    max_cost: Decimal | None = None
    max_in_flight: int | None = None
    rate: float | None = None
    retries: int = 1
    on_failure: Literal["continue", "stop"] = "continue"
    budget_day: Decimal | None = None
    budget_month: Decimal | None = None


@dataclass(frozen=True, slots=True)
class Manifest:
    """A checked manifest with its jobs in order. ``path`` is as the user named it,
    ``sha256`` that of the file's bytes."""

    path: str
    name: str
    sha256: str
    jobs: tuple[Job, ...]
    description: str = ""
    run: RunSettings = field(default_factory=RunSettings)
    vars: Mapping[str, Scalar] = field(default_factory=dict)
