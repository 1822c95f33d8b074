"""Values for tests, built short: jobs, manifests, attempts. Everything has a default; a
test names only what it is about."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

from wanbatch.model.job import (
    FileMedia,
    Job,
    JobMedia,
    Manifest,
    MediaInput,
    MediaSource,
    MediaType,
    RunSettings,
)
from wanbatch.model.lifecycle import Attempt, Authority, Opening, open_attempt
from wanbatch.model.media import FileDigest
from wanbatch.plan.identity import identify
from wanbatch.words.diagnostics import Position

PLACE = Position("m.wanbatch.yaml", 3, 5, 9)
PICTURE = Path("/m/a.png")
DIGESTS = {PICTURE: FileDigest("ab" * 32, 1000, "image/png")}
OPENING = Opening(
    fingerprint="ab" * 32,
    realm="paid",
    backend="gateway",
    origin="https://api.test",
    manifest="harbor",
    job="opening[hour=dawn]",
    run_id="run-1",
    authority=Authority.FIRST,
    request='{"model":"wan2.7-i2v","prompt":"a harbour, 夜明け"}',
    length_s=5,
    size="720P",
    price=Decimal("0.50"),
    currency="USD",
    at=1_700_000_000.25,
)


def media(type_: MediaType = "first_frame", source: MediaSource | None = None) -> MediaInput:
    return MediaInput(type_, source or FileMedia("a.png", PICTURE), PLACE)


def job(name: str = "one", **changes: Any) -> Job:
    given: dict[str, Any] = {
        "name": name,
        "id": name.split("[")[0],
        "manifest": "m",
        "axes": (),
        "tags": (),
        "model": "wan2.7-i2v",
        "prompt": "a harbour",
        "negative_prompt": None,
        "media": (media(),),
        "seconds": 5,
        "size": "720P",
        "seed": 7,
        "take": 1,
        "prompt_extend": False,
        "watermark": False,
        "place": PLACE,
    }
    return Job(**{**given, **changes})


def follow(upstream: str, type_: MediaType = "first_clip") -> tuple[MediaInput, ...]:
    return (media(type_, JobMedia(upstream)),)


def manifest(*jobs: Job, **run: Any) -> Manifest:
    return Manifest("m.wanbatch.yaml", "m", "cd" * 32, jobs, run=RunSettings(**run))


def fingerprint_of(one: Job) -> str:
    return next(iter(identify([manifest(one)], DIGESTS).values())).fingerprint


def opening(**changes: Any) -> Opening:
    """The intent of a paid attempt, for no job of these builders."""
    return replace(OPENING, **changes)


def attempt(one: Job | None = None, number: int = 1, **changes: Any) -> Attempt:
    """An attempt for a job, as its intent left it; ``changes`` is what became of it."""
    one = one or job()
    identified = (
        next(iter(identify([manifest(one)], DIGESTS).values()))
        if not any(isinstance(m.source, JobMedia) for m in one.media)
        else None
    )
    opened = opening(
        fingerprint=changes.pop("fingerprint", None) or fingerprint_of(one),
        manifest=one.manifest,
        job=one.name,
        authority=changes.pop("authority", Authority.FIRST),
        request=identified.request.describe() if identified else "{}",
        length_s=one.seconds,
        size=one.size,
        at=1000.0,
    )
    return replace(open_attempt(number, opened), **changes)
