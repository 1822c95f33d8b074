"""Values for tests, built short: jobs, manifests, attempts. Everything has a default; a
test names only what it is about."""

from __future__ import annotations

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


def attempt(one: Job | None = None, number: int = 1, **changes: Any) -> Attempt:
    one = one or job()
    fingerprint = changes.pop("fingerprint", None) or fingerprint_of(one)
    identified = (
        next(iter(identify([manifest(one)], DIGESTS).values()))
        if not any(isinstance(m.source, JobMedia) for m in one.media)
        else None
    )
    opening = Opening(
        fingerprint=fingerprint,
        realm="paid",
        backend="gateway",
        origin="https://api.test",
        manifest=one.manifest,
        job=one.name,
        run_id="run-1",
        authority=changes.pop("authority", Authority.FIRST),
        request=identified.request.describe() if identified else "{}",
        length_s=one.seconds,
        size=one.size,
        price=Decimal("0.50"),
        currency="USD",
        at=1000.0,
    )
    from dataclasses import replace

    return replace(open_attempt(number, opening), **changes)
