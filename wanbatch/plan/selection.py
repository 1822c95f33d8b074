"""Which jobs a command is about: ``--select`` terms and ``--shard``.

What it may not do: change what a job costs or how it stands; a selection only leaves jobs out.

How it works: a term is any of its comma-separated alternatives; all terms must hold. An alternative is ``tag:NAME``, ``state:WORD``,
``axis=VALUE`` (``seed=100..103`` for a range of integers) or a pattern over job names in which ``*`` and ``?`` alone are wildcards. Commas inside
brackets belong to a name. Shards take whole connected components of the job graph, so that no job and its upstream are ever parted; jobs of equal
identity count as connected, for they share one attempt.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from wanbatch.errors import ExitCode, Refusal
from wanbatch.manifest.model import Job
from wanbatch.plan.identity import Identified, JobKey
from wanbatch.plan.model import JobState

Predicate = Callable[[Job, JobState], bool]


@dataclass(frozen=True, slots=True)
class Shard:
    """Part ``index`` (from 1) of ``count``."""

    index: int
    count: int


def parse_selection(terms: Sequence[str]) -> Predicate:
    """One predicate for all terms. Raises ``Refusal`` (2) for an empty term or an unknown state."""
    parsed = [[_parse_alternative(text, term) for text in _split(term)] for term in terms]
    return lambda job, state: all(
        any(alternative(job, state) for alternative in term) for term in parsed
    )


def parse_shard(text: str) -> Shard:
    """``I/N`` with 1 ≤ I ≤ N. Raises ``Refusal`` (2)."""
    found = re.fullmatch(r"([0-9]{1,6})/([0-9]{1,6})", text)
    if not found or not 1 <= int(found[1]) <= int(found[2]):
        raise Refusal(
            ExitCode.INVALID,
            f"--shard {text!r} is not I/N with 1 ≤ I ≤ N",
            "for example: --shard 2/5",
        )
    return Shard(int(found[1]), int(found[2]))


def _split(term: str) -> list[str]:
    parts = [part.strip() for part in re.split(r",(?![^\[]*\])", term)]
    if not all(parts):
        raise Refusal(
            ExitCode.INVALID,
            f"--select {term!r} has an empty part",
            "for example: --select 'opening*,tag:hero'",
        )
    return parts


def _parse_alternative(text: str, term: str) -> Predicate:
    if text.startswith("tag:"):
        tag = _wildcards(text[4:])
        return lambda job, _: any(tag(t) for t in job.tags)
    if text.startswith("state:"):
        return _parse_state(text[6:], term)
    axis, equals, value = text.partition("=")
    if equals and "[" not in axis:
        return _parse_axis(axis, value)
    name = _wildcards(text)
    return lambda job, _: name(job.name) or (("[" not in text) and name(job.id))


def _parse_state(word: str, term: str) -> Predicate:
    if word not in set(JobState):
        raise Refusal(
            ExitCode.INVALID,
            f"--select {term!r}: there is no state {word!r}",
            "states: " + ", ".join(JobState),
        )
    return lambda _, state: state == word


def _parse_axis(axis: str, value: str) -> Predicate:
    bounds = re.fullmatch(r"(-?[0-9]{1,18})\.\.(-?[0-9]{1,18})", value)
    if bounds:
        low, high = int(bounds[1]), int(bounds[2])

        def within(job: Job, _: JobState) -> bool:
            found = dict(job.axes).get(axis)
            return isinstance(found, int) and not isinstance(found, bool) and low <= found <= high

        return within
    pattern = _wildcards(value)
    return lambda job, _: any(name == axis and pattern(_show(v)) for name, v in job.axes)


def _show(value: object) -> str:
    if value is None:
        return "null"
    return str(value).lower() if isinstance(value, bool) else str(value)


def _wildcards(pattern: str) -> Callable[[str], bool]:
    """A matcher in which ``*`` and ``?`` alone are special: brackets stand in every name of a sweep."""
    regex = re.compile(
        "".join(".*" if c == "*" else "." if c == "?" else re.escape(c) for c in pattern), re.DOTALL
    )
    return lambda text: regex.fullmatch(text) is not None


def in_shard(identified: Mapping[JobKey, Identified], shard: Shard) -> frozenset[JobKey]:
    """The jobs of one shard: disjoint and complete over all shards, and stable when jobs are reordered."""
    components = _components(identified)
    return frozenset(
        key
        for members in components
        for key in members
        if _home(identified, members, shard.count) == shard.index - 1
    )


def _home(identified: Mapping[JobKey, Identified], members: Iterable[JobKey], count: int) -> int:
    smallest = min(identified[key].fingerprint for key in members)
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
