"""A job's identity: the request with media by content, and the fingerprint of what decides the pixels.

What it may not do: read files (their digests are passed in), or let anything in that does not decide pixels: rates, retries, budgets, folders,
tags, names, places.

How it works: ``identify`` walks the jobs upstream first, turns each into a ``Request`` and hashes it. The fingerprint is a version tag and the
SHA-256 of canonical JSON. Golden values are pinned by a test and never edited; a change of the rule is a new tag in front of ``RULES``, and
look-ups try the older ones too, so that an upgrade buys nothing again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from wanbatch.canonical import Json, content_hash
from wanbatch.manifest.model import FileMedia, Job, JobMedia, Manifest, MediaInput, UrlMedia
from wanbatch.media.model import FileDigest
from wanbatch.media.redact import redact_url
from wanbatch.plan.model import MediaRef, Request

JobKey = tuple[str, str]
"""(manifest name, job name): names are unique within a manifest."""


@dataclass(frozen=True, slots=True)
class Identified:
    """A job with what will be sent and what it is known by. ``upstream`` are the jobs it takes media from."""

    job: Job
    request: Request
    fingerprint: str
    upstream: tuple[JobKey, ...]


def identify(manifests: Iterable[Manifest], digests: Mapping[Path, FileDigest]) -> dict[JobKey, Identified]:
    """Every job by key, in manifest order. ``digests`` holds each local file the jobs name; the references are known to be free of circles."""
    jobs = {(m.name, job.name): job for m in manifests for job in m.jobs}
    done: dict[JobKey, Identified] = {}
    for key in jobs:
        _identify_with_upstream(key, jobs, digests, done)
    return {key: done[key] for key in jobs}


def _identify_with_upstream(start: JobKey, jobs: Mapping[JobKey, Job], digests: Mapping[Path, FileDigest], done: dict[JobKey, Identified]) -> None:
    # A chain may be longer than Python's stack: a work list instead of recursion.
    pending = [start]
    while pending:
        key = pending[-1]
        if key in done:
            pending.pop()
            continue
        job = jobs[key]
        upstream = upstream_of(job)
        missing = [up for up in upstream if up not in done]
        if missing:
            pending.extend(missing)
            continue
        request = build_request(job, digests, done)
        done[key] = Identified(job, request, fingerprint(request, job.take), upstream)
        pending.pop()


def upstream_of(job: Job) -> tuple[JobKey, ...]:
    """The jobs whose video this one takes, each once."""
    sources = (item.source for item in job.media)
    return tuple(dict.fromkeys((job.manifest, s.job) for s in sources if isinstance(s, JobMedia)))


def build_request(job: Job, digests: Mapping[Path, FileDigest], done: Mapping[JobKey, Identified]) -> Request:
    return Request(
        model=job.model,
        prompt=job.prompt,
        negative_prompt=job.negative_prompt,
        media=tuple(_refer(job.manifest, item, digests, done) for item in job.media),
        seconds=job.seconds,
        size=job.size,
        seed=job.seed,
        prompt_extend=job.prompt_extend,
        watermark=job.watermark,
    )


def _refer(manifest: str, item: MediaInput, digests: Mapping[Path, FileDigest], done: Mapping[JobKey, Identified]) -> MediaRef:
    match item.source:
        case FileMedia(source, path):
            return MediaRef(item.type, source, sha256=digests[path].sha256)
        case UrlMedia(url):
            return MediaRef(item.type, redact_url(url), url=url)
        case JobMedia(job, frame):
            shown = f"job:{job}" if frame is None else f"job:{job} ({frame} frame)"
            return MediaRef(item.type, shown, upstream=done[manifest, job].fingerprint, frame=frame)


def fingerprint(request: Request, take: int) -> str:
    """The identity under the present rule: ``wb1:`` and 64 hex digits."""
    return RULES[0](request, take)


def known_fingerprints(request: Request, take: int) -> tuple[str, ...]:
    """The identity under every rule there ever was, the present one first."""
    return tuple(rule(request, take) for rule in RULES)


def _fingerprint_1(request: Request, take: int) -> str:
    parts: dict[str, Json] = {
        "model": request.model,
        "prompt": request.prompt,
        "negative_prompt": request.negative_prompt,
        "prompt_extend": request.prompt_extend,
        "watermark": request.watermark,
        "seed": request.seed,
        "seconds": request.seconds,
        "size": request.size,
        "take": take,
        "media": {ref.type: _content(ref) for ref in request.media},
    }
    return f"wb1:{content_hash(parts)}"


def _content(ref: MediaRef) -> Json:
    if ref.sha256:
        return {"sha256": ref.sha256}
    if ref.url:
        return {"url": ref.source}
    if ref.frame is None:
        return {"job": ref.upstream}
    return {"job": ref.upstream, "frame": ref.frame}


RULES: tuple[Callable[[Request, int], str], ...] = (_fingerprint_1,)


def video_name(job_name: str, fingerprint_text: str, realm: str) -> str:
    """The file name of a job's video, without a number: readable, at most 200 bytes, unique by the eight hex digits of identity and realm.

    ``opening[hour=dawn,seed=100]`` becomes ``opening.hour-dawn.seed-100.1f3a9c2e.mp4``.
    """
    digits = content_hash([fingerprint_text, realm])[:8]
    readable = job_name.rstrip("]").replace("[", ".").replace(",", ".").replace("=", "-").replace("%", "_")
    tail = f".{digits}.mp4"
    room = 200 - len(tail)
    kept = readable.encode()[:room].decode(errors="ignore")
    return kept + tail
