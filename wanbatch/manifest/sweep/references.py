"""References between jobs: ``{job: ID, where: …}`` becomes the name of one cell.

What it may not do: build jobs, read files.

How it works: a reference takes the cells of the other job that have the values of
``where`` and agree on every axis that both have; exactly one must be left. The other
job's cells are indexed by the axes in question, so that a long chain costs one look-up
per cell. Then the graph of cells is checked for circles, and clips for their length.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from wanbatch.manifest.sweep import codes
from wanbatch.manifest.sweep.entry import JobSpec
from wanbatch.model.job import Job, JobMedia, MediaType
from wanbatch.words.addresses import show_scalar
from wanbatch.words.diagnostics import Severity
from wanbatch.words.quoting import closest, listed, shown
from wanbatch.words.scalars import Scalar, scalar_text

_MOST_SUGGESTED = 200
"""Unknown ids for which a similar one is looked for: with thousands of jobs each look
takes milliseconds.
"""
LONGEST_CLIP = 10
"""Seconds that a first_clip may last (docs: 2 to 10 s)."""


@dataclass(frozen=True, slots=True)
class Pending:
    """A reference to resolve: in which job (by index), which media, to what."""

    entry: JobSpec
    job: int
    type: MediaType
    target: str
    where: Mapping[str, Scalar]


Axes = Mapping[str, str]


@dataclass(slots=True)
class _Targets:
    """The cells of one job id, findable by values of axes."""

    jobs: list[Job]
    axes: list[dict[str, str]]
    indexes: dict[tuple[str, ...], dict[tuple[str, ...], list[int]]] = field(default_factory=dict)
    _names: frozenset[str] = frozenset()

    def names(self) -> frozenset[str]:
        """Every axis that some cell has."""
        if not self._names:
            self._names = frozenset(name for axes in self.axes for name in axes)
        return self._names

    def find(self, fixed: Axes, shared: Axes) -> list[Job]:
        """Cells that have all of ``fixed`` and, of ``shared``, agree on the axes they
        have."""
        groups: dict[tuple[str, ...], None] = {}
        for names in self._shapes():
            if all(name in names for name in fixed):
                groups[names] = None
        found: list[int] = []
        for names in groups:
            key_names = tuple(name for name in names if name in fixed or name in shared)
            wanted = tuple(fixed[name] if name in fixed else shared[name] for name in key_names)
            found += self._index(names, key_names).get(wanted, ())
        return [self.jobs[number] for number in sorted(found)]

    def _shapes(self) -> Iterable[tuple[str, ...]]:
        if () not in self.indexes:
            shapes: dict[tuple[str, ...], list[int]] = defaultdict(list)
            for number, axes in enumerate(self.axes):
                shapes[tuple(axes)].append(number)
            self.indexes[()] = shapes
        return self.indexes[()]

    def _index(
        self, shape: tuple[str, ...], names: tuple[str, ...]
    ) -> dict[tuple[str, ...], list[int]]:
        label = ("shape", *shape, "by", *names)
        index = self.indexes.get(label)
        if index is None:
            index = self.indexes[label] = defaultdict(list)
            for number in self.indexes[()][shape]:
                index[tuple(self.axes[number][name] for name in names)].append(number)
        return index


def resolve_references(
    jobs: Sequence[Job],
    pending: Sequence[Pending],
    known_ids: Iterable[str],
    silent_ids: Iterable[str],
) -> list[Job]:
    """The jobs with every reference resolved. References to ``silent_ids`` (jobs that
    have errors of their own) are passed over.

    What is wrong is noted in the entries of the jobs concerned.
    """
    result = list(jobs)
    if not pending:
        return result
    by_id: dict[str, _Targets] = {}
    wanted = {p.target for p in pending}
    for job in jobs:
        if job.id in wanted:
            targets = by_id.setdefault(job.id, _Targets([], []))
            targets.jobs.append(job)
            targets.axes.append({name: scalar_text(value) for name, value in job.axes})
    known, silent = _Ids(frozenset(known_ids)), set(silent_ids)
    upstream: dict[str, list[tuple[str, Pending]]] = defaultdict(list)
    for reference in pending:
        if reference.target in silent and reference.target not in by_id:
            continue
        before = len(reference.entry.findings)
        found = _match(reference, result[reference.job], by_id.get(reference.target), known)
        if found is not None:
            result[reference.job] = _with_reference(
                result[reference.job], reference.type, found.name
            )
            upstream[result[reference.job].name].append((found.name, reference))
            _check_length(reference, result[reference.job], found)
        _add_row(reference, result[reference.job], before)
    _check_circles(upstream)
    return result


def _add_row(reference: Pending, job: Job, before: int) -> None:
    """The findings since ``before`` say which row of data the reference was made
    with."""
    findings = reference.entry.findings
    find_row = next((m.row for m in job.media if m.type == reference.type), None)
    if find_row is not None:
        findings[before:] = [replace(f, row=find_row()) for f in findings[before:]]


@dataclass(slots=True)
class _Ids:
    """The ids of all jobs, and what was worked out about others."""

    known: frozenset[str]
    near: dict[str, str | None] = field(default_factory=dict)
    listed: str = ""

    def hint(self, target: str, own: str) -> str:
        """What ``own`` may have meant by ``target``."""
        if target not in self.near and len(self.near) < _MOST_SUGGESTED:
            self.near[target] = closest(target, self.known - {own})
        near = self.near.get(target)
        if near is not None and near != own:
            return f"did you mean {near}?"
        self.listed = self.listed or listed(sorted(self.known), "and")
        return f"the jobs are {self.listed}"


def _match(reference: Pending, job: Job, targets: _Targets | None, ids: _Ids) -> Job | None:
    entry, kind, target = reference.entry, reference.type, reference.target
    cell = job.name
    if targets is None:
        if target not in ids.known:
            entry.report(
                codes.UNKNOWN_JOB,
                f"there is no job {shown(target)}",
                "media",
                kind,
                "job",
                hints=(ids.hint(target, job.id),),
                cell=cell,
            )
        return None
    all_axes = targets.names()
    for name in reference.where:
        if name not in all_axes:
            near = closest(name, all_axes)
            hint = (
                f"did you mean {near}?"
                if near
                else f"its axes are {listed(sorted(all_axes), 'and')}"
                if all_axes
                else "it is a single job without axes"
            )
            entry.report(
                codes.UNKNOWN_WHERE,
                f"the job {target} has no axis {shown(name)}",
                "media",
                kind,
                "where",
                name,
                key=True,
                hints=(hint,),
                cell=cell,
            )
            return None
    fixed = {name: scalar_text(show_scalar(value)) for name, value in reference.where.items()}
    shared = {name: scalar_text(value) for name, value in job.axes if name not in fixed}
    found = targets.find(fixed, shared)
    if len(found) == 1:
        return found[0]
    if found:
        _report_several(reference, found, cell)
    else:
        _report_none(reference, fixed, shared, all_axes, cell)
    return None


def _report_several(reference: Pending, found: list[Job], cell: str) -> None:
    values: dict[str, set[str]] = defaultdict(set)
    for job in found:
        for name, value in job.axes:
            values[name].add(scalar_text(value))
    open_axes = [name for name, texts in values.items() if len(texts) > 1] or sorted(values)
    axis = open_axes[0]
    example = sorted(values[axis])[0]
    reference.entry.report(
        codes.SEVERAL_MATCHES,
        f"{len(found)} cells of {reference.target} match, which differ in"
        f" {listed(open_axes, 'and')}",
        "media",
        reference.type,
        "job",
        cell=cell,
        label=f"{found[0].name}, {found[1].name}{', …' if len(found) > 2 else ''}",
        hints=(f"{_where(reference, axis, example)}, or give this job the axis {axis}",),
    )


def _where(reference: Pending, axis: str, example: str) -> str:
    return (
        f"add {axis}: {example} to where"
        if reference.where
        else f"add where: {{{axis}: {example}}}"
    )


def _report_none(
    reference: Pending, fixed: Axes, shared: Axes, all_axes: Collection[str], cell: str
) -> None:
    asked = [
        f"{name}={text}"
        for name, text in {**fixed, **{n: t for n, t in shared.items() if n in all_axes}}.items()
    ]
    reference.entry.report(
        codes.NO_MATCH,
        f"no cell of {reference.target} has {listed(asked, 'and') or 'the same axes'}",
        "media",
        reference.type,
        "job",
        cell=cell,
        label=f"the axes of {reference.target} are {listed(sorted(all_axes), 'and')}"
        if all_axes
        else "",
        hints=("make the values of both jobs agree, or fix one with where",),
    )


def _with_reference(job: Job, kind: MediaType, name: str) -> Job:
    media = tuple(
        replace(m, source=JobMedia(name, m.source.frame))
        if m.type == kind and isinstance(m.source, JobMedia)
        else m
        for m in job.media
    )
    return replace(job, media=media)


def _check_length(reference: Pending, job: Job, upstream: Job) -> None:
    if reference.type != "first_clip":
        return
    if upstream.seconds > LONGEST_CLIP:
        reference.entry.report(
            codes.CLIP_TOO_LONG,
            f"{upstream.name} is {upstream.seconds} s long, a first_clip may be {LONGEST_CLIP} s",
            "media",
            "first_clip",
            "job",
            cell=job.name,
            hints=(f"set seconds of {upstream.id} to {LONGEST_CLIP} or less",),
        )
    elif upstream.seconds >= job.seconds:
        reference.entry.report(
            codes.NOTHING_NEW,
            f"the clip is {upstream.seconds} s long and the whole video {job.seconds} s:"
            " nothing new is made",
            "media",
            "first_clip",
            "job",
            cell=job.name,
            severity=Severity.WARNING,
            hints=(f"set seconds to more than {upstream.seconds}",),
        )


def _check_circles(upstream: Mapping[str, list[tuple[str, Pending]]]) -> None:
    """Walk the graph of cells without recursion; each circle is reported once, at the
    reference that closes it."""
    done: set[str] = set()
    for start in upstream:
        if start in done:
            continue
        path: list[str] = [start]
        on_path = {start: 0}
        stack = [iter(upstream[start])]
        while stack:
            step = next(stack[-1], None)
            if step is None:
                stack.pop()
                name = path.pop()
                on_path.pop(name)
                done.add(name)
                continue
            name, reference = step
            if name in on_path:
                circle = [*path[on_path[name] :], name]
                reference.entry.report(
                    codes.CIRCLE,
                    "these jobs wait for each other",
                    "media",
                    reference.type,
                    "job",
                    cell=path[-1],
                    label=_arrow(circle),
                    hints=("take the media of one of them from a file",),
                )
            elif name not in done and name in upstream:
                path.append(name)
                on_path[name] = len(path) - 1
                stack.append(iter(upstream[name]))


def _arrow(circle: list[str]) -> str:
    return " → ".join(circle if len(circle) <= 6 else [*circle[:3], "…", *circle[-2:]])
