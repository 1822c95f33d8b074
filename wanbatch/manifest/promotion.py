"""From chosen jobs to the entries of a new manifest: each explicit, its seed frozen,
the jobs that it takes media from beside it.

What it may not do: decide whom to choose, read or write files.

How it works: the chosen and all upstream of them are gathered, takes of one request
together, for a take is known by its number alone. A request that stays as it is keeps
its takes from the first to the last that was chosen, so that the chosen one is the same
job again; one that a change makes new gets as many takes as were chosen.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass, field
from hashlib import sha256

from wanbatch.manifest.compose import Entry, Reference
from wanbatch.manifest.overrides import Overrides, override
from wanbatch.model.job import Job, JobMedia, MediaType
from wanbatch.words.names import name_job
from wanbatch.words.quoting import listed

LONGEST_ID = 100
"""As the manifest's schema says."""
_LISTED = 5
"""So many jobs a remark names."""


@dataclass(frozen=True, slots=True)
class Promotion:
    """The entries in the manifest's order, and what is worth saying of them."""

    entries: tuple[Entry, ...]
    remarks: tuple[str, ...]


def promote_jobs(jobs: Sequence[Job], chosen: Set[str], changes: Overrides) -> Promotion:
    """The entries of the ``chosen`` among all ``jobs`` of a manifest."""
    by_name = {job.name: job for job in jobs}
    needed = _with_upstream(by_name, chosen)
    gathering = _Gathering(by_name, changes)
    for name in _upstream_first(by_name, needed):
        gathering.add(name)
    order = {name: number for number, name in enumerate(by_name)}
    groups = sorted(gathering.groups.values(), key=lambda group: order[group[0].name])
    for group in groups:
        gathering.place(group)
    entries = tuple(map(gathering.write, groups))
    added = [job.name for job in jobs if job.name in needed - chosen]
    remarks = [f"{_some(added)} written too: chosen ones take media from them"] if added else []
    return Promotion(entries, (*remarks, *gathering.remarks))


def _with_upstream(jobs: Mapping[str, Job], chosen: Set[str]) -> Set[str]:
    needed, waiting = set(chosen), list(chosen)
    while waiting:
        for name in _sources(jobs[waiting.pop()]):
            if name not in needed:
                needed.add(name)
                waiting.append(name)
    return needed


def _sources(job: Job) -> tuple[str, ...]:
    return tuple(m.source.job for m in job.media if isinstance(m.source, JobMedia))


def _upstream_first(jobs: Mapping[str, Job], needed: Set[str]) -> list[str]:
    ordered: dict[str, None] = {}
    for start in (name for name in jobs if name in needed):
        waiting = [start]
        while waiting:
            missing = [name for name in _sources(jobs[waiting[-1]]) if name not in ordered]
            if missing and waiting[-1] not in ordered:
                waiting += missing
            else:
                ordered.setdefault(waiting.pop())
    return list(ordered)


Group = list[Job]
"""Takes of one request, the first first."""


@dataclass(slots=True)
class _Gathering:
    """Jobs by request, upstream first, so that it is known of each whether it is new.

    ``places`` says under which id and as which take each job is written.
    """

    jobs: Mapping[str, Job]
    changes: Overrides
    groups: dict[str, Group] = field(default_factory=dict)
    new: set[str] = field(default_factory=set)
    places: dict[str, Reference] = field(default_factory=dict)
    ids: set[str] = field(default_factory=set)
    remarks: list[str] = field(default_factory=list)

    def add(self, name: str) -> None:
        job = self.jobs[name]
        if override(job, self.changes) != job or any(up in self.new for up in _sources(job)):
            self.new.add(name)
        # A change parts takes whose upstream differs: they are no takes of one request.
        key = f"{_without_take(job)}\n{_sources(job)}" if name in self.new else _without_take(job)
        self.groups.setdefault(key, []).append(job)
        self.groups[key].sort(key=lambda one: one.take)

    def place(self, group: Group) -> None:
        """Gives a group its id, and each of its jobs a number."""
        is_new = group[0].name in self.new
        repeat, new_id = self._repeat(group), self._id(group)
        for number, job in enumerate(group, 1):
            take = number if is_new else job.take
            self.places[job.name] = Reference(new_id, take if repeat > 1 else None)
        if repeat > len(group):
            self.remarks.append(
                f"{new_id} is written with takes 1 to {repeat}, of which"
                f" {_some([job.name for job in group])} chosen: a take is known by its number"
            )

    def write(self, group: Group) -> Entry:
        first, new_id = group[0], self.places[group[0].name].id
        upstream = {
            medium.type: self._refer(group, medium.type, medium.source.job)
            for medium in first.media
            if isinstance(medium.source, JobMedia)
        }
        more = f" and {len(group) - 1} more" if len(group) > 1 else ""
        return Entry(
            new_id,
            override(first, self.changes),
            self._repeat(group),
            upstream,
            f"{first.name}{more}",
        )

    def _repeat(self, group: Group) -> int:
        return len(group) if group[0].name in self.new else group[-1].take

    def _refer(self, group: Group, kind: MediaType, upstream: str) -> Reference:
        """Takes of which each goes on from another one match by their number."""
        place = self.places[upstream]
        alike = _without_take(group[0])
        sources = {
            medium.source
            for job in self.jobs.values()
            if job.id == group[0].id and _without_take(job) == alike
            for medium in job.media
            if medium.type == kind
        }
        matches = group[0].name not in self.new and len(sources) > 1
        return Reference(place.id) if matches else place

    def _id(self, group: Group) -> str:
        name = group[0].name if len(group) == 1 else _without_take(group[0])
        slug = re.sub(r"[^a-z0-9_]+", "-", name.lower()).strip("-_") or "job"
        if len(slug) > LONGEST_ID:
            slug = f"{slug[: LONGEST_ID - 9]}-{sha256(name.encode()).hexdigest()[:8]}"
        number, found = 1, slug
        while found in self.ids:
            number += 1
            found = f"{slug[: LONGEST_ID - 1 - len(str(number))]}-{number}"
        self.ids.add(found)
        return found


def _without_take(job: Job) -> str:
    return name_job(job.id, [axis for axis in job.axes if axis[0] != "take"])


def _some(names: Sequence[str]) -> str:
    verb = "is" if len(names) == 1 else "are"
    return f"{listed(names, 'and', _LISTED)} {verb}"
