"""A job's identity: the request with media by content, and the fingerprint of what
decides the pixels.

What it may not do: read files (their digests are passed in), or let anything in that
does not decide pixels: rates, retries, budgets, folders, tags, names, places.

How it works: ``identify`` walks the jobs upstream first, turns each into a ``Request``
and hashes it. The fingerprint is a version tag and the SHA-256 of canonical JSON. Here
prompts lose the white space at their ends, so that what is sent, hashed, kept and shown
is one text. Golden values are pinned by a test and never edited; a change of the rule
is a new tag, and ``history`` looks for the older ones too, so that an upgrade buys
nothing again.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import assert_never

from wanbatch.model.job import (
    FileMedia,
    Job,
    JobMedia,
    Manifest,
    MediaInput,
    MediaType,
    UrlMedia,
    trim_prompt,
)
from wanbatch.model.media import FileDigest
from wanbatch.model.plan import MediaRef, Request, Trace
from wanbatch.words.addresses import Address, QueryKind, read_address
from wanbatch.words.building import builder_of
from wanbatch.words.canonical import Json, canonical_json, quote

TAG = "wb2:"

JobKey = tuple[str, str]
"""(manifest name, job name): names are unique within a manifest."""


@dataclass(frozen=True, slots=True)
class Identified:
    """A job with what will be sent and what it is known by. ``upstream`` are the jobs
    it takes media from."""

    job: Job
    request: Request
    fingerprint: str
    upstream: tuple[JobKey, ...]


_build_request, _build_identified = builder_of(Request), builder_of(Identified)


@dataclass(frozen=True, slots=True)
class _Media:
    """What jobs with the same media share. ``family`` is the JSON in which no query
    counts, empty where no URL has one."""

    refs: tuple[MediaRef, ...]
    content: str
    family: str
    addresses: tuple[tuple[MediaType, Address], ...]
    upstream: tuple[JobKey, ...]


def identify(
    manifests: Iterable[Manifest], digests: Mapping[Path, FileDigest]
) -> dict[JobKey, Identified]:
    """Every job by key, in manifest order. ``digests`` holds each local file the jobs
    name; the references are known to be free of circles."""
    jobs = {(m.name, job.name): job for m in manifests for job in m.jobs}
    identifier = _Identifier(jobs, digests)
    return {key: identifier.identify(key) for key in jobs}


class _Identifier:
    """One pass over the jobs. The cells of a sweep mostly share their media, and jobs
    that name one file its source: those are referred to once."""

    def __init__(self, jobs: Mapping[JobKey, Job], digests: Mapping[Path, FileDigest]) -> None:
        self.jobs, self.digests = jobs, digests
        self.done: dict[JobKey, Identified] = {}
        # By the manifest, too: another's job of the same name is another video.
        self.shared: dict[tuple[str, int], _Media] = {}
        self.of_sources: dict[tuple[str, tuple[tuple[MediaType, int], ...]], _Media] = {}
        self.asked: tuple[str, str | None, str | None, str] | None = None
        self.texts: tuple[str | None, str | None, str] = (None, None, "")

    def identify(self, start: JobKey) -> Identified:
        # A chain may be longer than Python's stack: a work list instead of recursion.
        pending = [start]
        while pending:
            key = pending[-1]
            if key not in self.done:
                job = self.jobs[key]
                # Whoever has the same media found their upstream done.
                if (job.manifest, id(job.media)) not in self.shared:
                    missing = [up for up in upstream_of(job) if up not in self.done]
                    if missing:
                        pending.extend(missing)
                        continue
                self.done[key] = self._identify(job)
            pending.pop()
        return self.done[start]

    def _identify(self, job: Job) -> Identified:
        media = self._media_of(job)
        prompt, negative_prompt, head = self._texts_of(job, media.content)
        fields = (
            job.model,
            prompt,
            negative_prompt,
            media.refs,
            job.seconds,
            job.size,
            job.seed,
            job.prompt_extend,
            job.watermark,
        )
        request = _build_request(*fields)
        if media.family:
            family = _fingerprint_2(request, job.take, _head(request, media.family))
            request = Request(*fields, Trace(family, media.addresses))
        text = _fingerprint_2(request, job.take, head)
        return _build_identified(job, request, text, media.upstream)

    def _texts_of(self, job: Job, content: str) -> tuple[str | None, str | None, str]:
        """The prompts as they are sent, and the JSON from ``media`` to them: the seeds
        of a cell stand one after the other and have them in common, so those of the job
        before are kept (a sixth of the time of ``identify``)."""
        asked = (job.model, job.prompt, job.negative_prompt, content)
        if asked != self.asked:
            prompt, negative = trim_prompt(job.prompt), trim_prompt(job.negative_prompt)
            self.asked = asked
            self.texts = prompt, negative, _head_of(content, job.model, negative, prompt)
        return self.texts

    def _media_of(self, job: Job) -> _Media:
        media = job.manifest, id(job.media)
        known = self.shared.get(media)
        if known is None:
            sources = job.manifest, tuple([(item.type, id(item.source)) for item in job.media])
            known = self.of_sources.get(sources)
            if known is None:
                known = self.of_sources[sources] = self._read_media(job)
            self.shared[media] = known
        return known

    def _read_media(self, job: Job) -> _Media:
        refs = tuple(self._refer(job.manifest, item) for item in job.media)
        addresses = tuple((ref.type, ref.address) for ref in refs if ref.address is not None)
        asked = any(address.marks for _, address in addresses)
        family = _media_json(refs, family=True) if asked else ""
        return _Media(refs, _media_json(refs), family, addresses, upstream_of(job))

    def _refer(self, manifest: str, item: MediaInput) -> MediaRef:
        match item.source:
            case FileMedia(source, path):
                return MediaRef(item.type, source, sha256=self.digests[path].sha256)
            case UrlMedia(url, identity):
                address = read_address(url, identity)
                return MediaRef(item.type, address.shown, url=url, address=address)
            case JobMedia(job, frame):
                shown = f"job:{job}" if frame is None else f"job:{job} ({frame} frame)"
                return MediaRef(
                    item.type, shown, upstream=self.done[manifest, job].fingerprint, frame=frame
                )
            case _:
                assert_never(item.source)


def upstream_of(job: Job) -> tuple[JobKey, ...]:
    """The jobs whose video this one takes, each once."""
    found = [
        (job.manifest, item.source.job) for item in job.media if isinstance(item.source, JobMedia)
    ]
    return tuple(dict.fromkeys(found)) if found else ()


def upstream_first(identified: Mapping[JobKey, Identified]) -> list[JobKey]:
    """All jobs, each behind those whose video it takes."""
    ordered: dict[JobKey, None] = {}
    for start, entry in identified.items():
        if not entry.upstream:  # nearly all
            ordered.setdefault(start)
            continue
        pending = [start]
        while pending:
            key = pending[-1]
            missing = [up for up in identified[key].upstream if up not in ordered]
            if missing and key not in ordered:
                pending.extend(missing)
            else:
                ordered.setdefault(pending.pop())
    return list(ordered)


def fingerprint(request: Request, take: int) -> str:
    """The identity under the present rule: ``wb2:`` and 64 hex digits."""
    return _fingerprint_2(request, take, _head(request, _media_json(request.media)))


def _fingerprint_2(request: Request, take: int, head: str) -> str:
    """Canonical JSON by hand, keys in order: a third of the time of the general
    encoder, and a test holds it against that. ``head`` is ``_head`` of it."""
    text = (
        f'{head},"prompt_extend":{_flag(request.prompt_extend)}'
        f',"seconds":{request.seconds:d},"seed":{request.seed:d},"size":{quote(request.size)}'
        f',"take":{take:d},"watermark":{_flag(request.watermark)}}}'
    )
    return f"{TAG}{hashlib.sha256(text.encode()).hexdigest()}"


def _head(request: Request, media: str) -> str:
    return _head_of(media, request.model, request.negative_prompt, request.prompt)


def _head_of(media: str, model: str, negative_prompt: str | None, prompt: str | None) -> str:
    """The JSON up to the prompts: its keys stand first in order."""
    return (
        f'{{"media":{media},"model":{quote(model)}'
        f',"negative_prompt":{_text(negative_prompt)},"prompt":{_text(prompt)}'
    )


def _text(value: str | None) -> str:
    return "null" if value is None else quote(value)


def _flag(value: bool) -> str:
    return "true" if value else "false"


def _media_json(refs: tuple[MediaRef, ...], *, family: bool = False) -> str:
    return canonical_json({ref.type: _content(ref, family) for ref in refs}).decode()


def _content(ref: MediaRef, family: bool) -> Json:
    if ref.sha256:
        return {"sha256": ref.sha256}
    if ref.address is not None:
        return {"url": ref.address.base} if family else _url_content(ref.address)
    if ref.frame is None:
        return {"job": ref.upstream}
    return {"job": ref.upstream, "frame": ref.frame}


def _url_content(address: Address) -> Json:
    match address.kind:
        case QueryKind.WHOLE:
            return {"url": f"{address.base}?{address.query[0]}"}
        case QueryKind.DOUBTFUL:
            return {"url": address.base, "query": address.query[0]}
        case QueryKind.NAMED if address.query:
            return {"url": address.base, "named": list(address.query)}
        case _:
            return {"url": address.base}
