"""Parts of a plan that can run apart: ``--shard I/N``.

What it may not do: part a job from what it takes media from, or two jobs that share an
attempt.

How it works: shards take whole connected components of the job graph; jobs of equal
identity count as connected. A component's shard follows from its smallest job name
(with its manifest's, for names are unique within one), and so from nothing that an edit
of a prompt, or another order, changes.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from wanbatch.plan.identity import Identified, JobKey
from wanbatch.words.errors import ExitCode, WanbatchError


@dataclass(frozen=True, slots=True)
class Shard:
    """Part ``index`` (from 1) of ``count``."""

    index: int
    count: int


def parse_shard(text: str) -> Shard:
    """``I/N`` with 1 ≤ I ≤ N. Raises ``WanbatchError`` (2)."""
    found = re.fullmatch(r"([0-9]{1,6})/([0-9]{1,6})", text)
    if not found or not 1 <= int(found[1]) <= int(found[2]):
        raise WanbatchError(
            ExitCode.INVALID,
            f"--shard {text!r} is not I/N with 1 ≤ I ≤ N",
            "for example: --shard 2/5",
        )
    return Shard(int(found[1]), int(found[2]))


def in_shard(identified: Mapping[JobKey, Identified], shard: Shard) -> frozenset[JobKey]:
    """The jobs of one shard: disjoint and complete over all shards."""
    return frozenset(
        key
        for members in _components(identified)
        if _home(members, shard.count) == shard.index - 1
        for key in members
    )


def _home(members: Iterable[JobKey], count: int) -> int:
    smallest = "\0".join(min(members))
    return int.from_bytes(hashlib.sha256(smallest.encode()).digest()[:8]) % count


def _components(identified: Mapping[JobKey, Identified]) -> list[list[JobKey]]:
    parent: dict[JobKey, JobKey] = {key: key for key in identified}

    def root(key: JobKey) -> JobKey:
        while parent[key] != key:
            parent[key] = parent[parent[key]]
            key = parent[key]
        return key

    first_of: dict[str, JobKey] = {}
    for key, entry in identified.items():
        for other in (*entry.upstream, first_of.setdefault(entry.fingerprint, key)):
            parent[root(key)] = root(other)
    groups: dict[JobKey, list[JobKey]] = {}
    for key in identified:
        groups.setdefault(root(key), []).append(key)
    return list(groups.values())
