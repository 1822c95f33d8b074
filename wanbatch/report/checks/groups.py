"""The checks that compare the videos of a report with each other.

What it may not do: I/O.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from wanbatch.model.measures import Measures
from wanbatch.model.report import Check, ReportJob
from wanbatch.report.checks.own_bytes import check_own_bytes
from wanbatch.report.checks.reproduces import check_reproduces
from wanbatch.report.checks.same import check_same


def check_group(
    jobs: Sequence[ReportJob], measures: Mapping[str, Measures]
) -> dict[str, tuple[Check, ...]]:
    """What is to be said beside ``check_video``, by job name. ``measures`` are those of
    the videos, by the SHA-256 of their bytes; without them only bytes are compared.

    Equal bytes are told once: by ``same`` or ``reproduces`` where those know why.
    """
    same, takes = check_same(jobs, measures), check_reproduces(jobs, measures)
    outputs = {job.name: (job.fingerprint, job.output) for job in jobs if job.output}
    own = {
        name: check
        for name, check in check_own_bytes(outputs).items()
        if name not in same and name not in takes
    }
    names = dict.fromkeys((*own, *same, *takes))
    return {name: tuple(t[name] for t in (own, same, takes) if name in t) for name in names}
