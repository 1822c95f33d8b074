"""``reproduces``: whether takes of one seed gave the same video, and if not, how far
apart they are.

What it may not do: I/O.

How it works: jobs whose requests are equal, seed included, are takes of one another.
Each is compared with the first: by its bytes, else by the signatures.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from wanbatch.model.measures import Measures
from wanbatch.model.report import Check, ReportJob
from wanbatch.model.signature import likeness
from wanbatch.report.checks.same import cells

LEAST = 0.98
"""SSIM from which on two takes are called the same picture: what another encoder run
makes of it."""


def check_reproduces(
    jobs: Sequence[ReportJob], measures: Mapping[str, Measures]
) -> dict[str, Check]:
    """What is to be said, by job name; nothing of a job that was taken once."""
    found: dict[str, Check] = {}
    for takes in cells(jobs):
        first, *others = takes
        alike = {job.name: _alike(first, job, measures) for job in others}
        for name, value in alike.items():
            found[name] = _said(f"{first.name}", [value])
        words = others[0].name if len(others) == 1 else f"{len(others)} other takes"
        found[first.name] = _said(words, list(alike.values()))
    return found


def _alike(one: ReportJob, other: ReportJob, measures: Mapping[str, Measures]) -> float | None:
    """1 for equal bytes, else the SSIM; ``None`` where it is not known."""
    if one.output is None or other.output is None:
        return None
    if one.output.sha256 == other.output.sha256:
        return 1.0
    known = [measures.get(job.output.sha256) for job in (one, other) if job.output]
    signatures = [m.signature for m in known if m]
    value = likeness(*signatures) if len(signatures) == 2 else None
    return None if value is None else min(round(value, 4), 0.9999)


def _said(others: str, alike: Sequence[float | None]) -> Check:
    known = [value for value in alike if value is not None]
    if len(known) < len(alike):
        text = f"the same seed as {others}, and other bytes"
        return Check("reproduces", passed=False, message=text)
    least = min(known)
    if least == 1:
        text = f"the same bytes as {others}, of the same seed"
    else:
        most = f" to {max(known):.2f}" if f"{max(known):.2f}" != f"{least:.2f}" else ""
        text = f"the same seed as {others}, and other bytes: SSIM {least:.2f}{most}"
    return Check("reproduces", least >= LEAST, text, least)
