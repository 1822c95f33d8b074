"""``same``: whether different seeds of one cell gave equal bytes, or nearly equal
pictures.

What it may not do: I/O.

How it works: jobs whose requests differ in nothing but the seed are a cell. Videos are
compared by their signatures, and only those whose brightness is nearly the same: sorted
by it, a thousand seeds need a few comparisons each.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from statistics import fmean

from wanbatch.model.measures import Measures
from wanbatch.model.report import Check, ReportJob
from wanbatch.model.signature import brightness, likeness
from wanbatch.words.canonical import canonical_json

LEAST = 0.998
"""SSIM of two signatures that are called nearly equal: of one video encoded twice it is
0.9995, of two seeds of the emulator over a plain picture at most 0.995 (measured)."""
NEAR, NEAR_BLOCK = 1.0, 4.0
"""Grey levels within which the mean brightness of two such videos lies, and that of
each of their blocks."""


def check_same(jobs: Sequence[ReportJob], measures: Mapping[str, Measures]) -> dict[str, Check]:
    """What is to be said, by job name; nothing of a job whose video is its own."""
    found: dict[str, Check] = {}
    for cell in cells(jobs, apart_from=("seed",)):
        for job, text, value in _twins(cell, measures):
            found.setdefault(job.name, Check("same", passed=False, message=text, value=value))
    return found


def cells(jobs: Iterable[ReportJob], apart_from: Sequence[str] = ()) -> Iterator[list[ReportJob]]:
    """Jobs with videos whose requests are equal ``apart_from`` some fields, where there
    are several. Of jobs of one identity, which share a video, the first stands for
    all."""
    groups: dict[bytes, dict[str, ReportJob]] = defaultdict(dict)
    for job in jobs:
        if job.output is not None:
            asked = {k: v for k, v in job.request.items() if k not in apart_from}
            groups[canonical_json(asked)].setdefault(job.fingerprint, job)
    return (list(group.values()) for group in groups.values() if len(group) > 1)


def _twins(
    cell: Sequence[ReportJob], measures: Mapping[str, Measures]
) -> Iterator[tuple[ReportJob, str, float]]:
    """Each job that has a twin of another seed, with the words and how alike they
    are."""
    owners: dict[str, list[ReportJob]] = defaultdict(list)
    for job in cell:
        if job.output is not None:
            owners[job.output.sha256].append(job)
    for group in owners.values():
        for job in group:
            other = next((o for o in group if _seed(o) != _seed(job)), None)
            if other is not None:
                yield job, f"the same bytes as {other.name}, which has another seed", 1.0
    seen = sorted(_with_brightness(owners, measures), key=lambda entry: entry[0])
    for i, (mean, levels, signature, job) in enumerate(seen):
        for other_mean, other_levels, other_signature, other in seen[i + 1 :]:
            if other_mean - mean > NEAR:
                break
            if any(abs(a - b) > NEAR_BLOCK for a, b in zip(levels, other_levels, strict=True)):
                continue
            value = likeness(signature, other_signature) or 0.0
            if value >= LEAST and _seed(job) != _seed(other):
                text = f"nearly the same pictures as {{}}, which has another seed: SSIM {value:.3f}"
                yield job, text.format(other.name), round(value, 4)
                yield other, text.format(job.name), round(value, 4)


def _with_brightness(
    owners: Mapping[str, Sequence[ReportJob]], measures: Mapping[str, Measures]
) -> Iterator[tuple[float, tuple[float, ...], str, ReportJob]]:
    for sha256, group in owners.items():
        known = measures.get(sha256)
        levels = brightness(known.signature) if known else None
        if known and levels:
            yield fmean(levels), levels, known.signature, group[0]


def _seed(job: ReportJob) -> object:
    return job.request.get("seed")
