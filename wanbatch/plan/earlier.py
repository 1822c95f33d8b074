"""What jobs were known by in version 0.1.0: as it would take them today, and as the
ledger's rows show that it took them.

What it may not do: look into the ledger (``history`` does).

How it works: a job has a list of fingerprints under the rule ``wb1``. The first is made
from the manifest as it is now; ``add`` adds one under which it was found though the
manifest has changed in what counts no more. Jobs that take its video may have been made
from any of them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import islice, product

from wanbatch.model.job import JobMedia
from wanbatch.plan.identity import Identified, JobKey
from wanbatch.plan.likeness import Row
from wanbatch.plan.rule_1 import Asked, fingerprint_1, media_1, redact_1
from wanbatch.words.canonical import Json

_MOST_WAYS = 64
"""Combinations of upstream fingerprints that are tried: a job has at most two
upstreams, and each seldom more than one."""


class Earlier:
    """The fingerprints of a plan's jobs under ``wb1``; each is made when it is first
    asked for."""

    def __init__(self, identified: Mapping[JobKey, Identified]) -> None:
        self._identified = identified
        self._texts: dict[JobKey, list[str]] = {}
        self._shared: dict[int, str] = {}

    def of(self, start: JobKey) -> str:
        """The fingerprint that 0.1.0 would give the job."""
        pending = [start]
        while pending:
            key = pending[-1]
            if key not in self._texts:
                upstream = self._identified[key].upstream
                missing = [up for up in upstream if up not in self._texts] if upstream else None
                if missing:
                    pending.extend(missing)
                    continue
                self._texts[key] = [self._make(key, {up: self._texts[up][0] for up in upstream})]
            pending.pop()
        return self._texts[start][0]

    def add(self, key: JobKey, text: str) -> None:
        """The job was found under ``text``."""
        self.of(key)
        if text not in self._texts[key]:
            self._texts[key].append(text)

    def widen(self, key: JobKey) -> tuple[str, ...]:
        """All that the job may have been known by, once its upstream has been looked
        for."""
        self.of(key)
        for ways in self._ways(key):
            self.add(key, self._make(key, ways))
        return tuple(self._texts[key])

    def remake(self, key: JobKey, row: Row) -> frozenset[str]:
        """The fingerprints that 0.1.0 can have given a stored request whose upstream is
        the job's."""
        return frozenset(self._remake(key, row, ways) for ways in self._ways(key))

    def _ways(self, key: JobKey) -> Iterator[dict[JobKey, str]]:
        upstream = self._identified[key].upstream
        for up in upstream:
            self.of(up)
        combinations = product(*(self._texts[up] for up in upstream))
        for texts in islice(combinations, _MOST_WAYS):
            yield dict(zip(upstream, texts, strict=True))

    def _make(self, key: JobKey, ways: Mapping[JobKey, str]) -> str:
        job = self._identified[key].job
        asked = Asked(
            job.model,
            job.prompt,
            job.negative_prompt,
            job.seconds,
            job.size,
            job.seed,
            job.prompt_extend,
            job.watermark,
            job.take,
        )
        if ways:
            return fingerprint_1(asked, self._media(key, ways))
        media = self._shared.get(id(job.media))
        if media is None:
            media = self._shared[id(job.media)] = self._media(key, ways)
        return fingerprint_1(asked, media)

    def _remake(self, key: JobKey, row: Row, ways: Mapping[JobKey, str]) -> str:
        kept: dict[str, Json] = {
            item.type: {"sha256": item.sha256} if item.sha256 else {"url": item.url}
            for item in row.media
            if not item.job
        }
        return fingerprint_1(row.asked, self._media(key, ways, kept))

    def _media(
        self, key: JobKey, ways: Mapping[JobKey, str], kept: Mapping[str, Json] | None = None
    ) -> str:
        entry = self._identified[key]
        content: dict[str, Json] = {}
        for item, ref in zip(entry.job.media, entry.request.media, strict=True):
            if isinstance(item.source, JobMedia):
                made = {"job": ways[entry.job.manifest, item.source.job]}
                content[ref.type] = made if ref.frame is None else made | {"frame": ref.frame}
            elif kept is not None:
                content[ref.type] = kept[ref.type]
            else:
                content[ref.type] = (
                    {"sha256": ref.sha256} if ref.sha256 else {"url": redact_1(ref.url)}
                )
        return media_1(content.items())
