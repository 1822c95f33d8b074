"""What a reader must know of a whole manifest's videos before looking at one.

What it may not do: I/O, or say again what the advice says: videos that fall short are
``done``.

How it works: a video that falls short is one ``Shortfall`` for each check: either the
manifest expects it (``expect:``), or it was ordered and paid for (length, size, sound
where driven). Remarks are sentences about all of them, about takes of one seed, and
about prompts that the provider rewrote. Amounts count each purchase once.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from decimal import Decimal

from wanbatch.model.report import Remark, ReportJob, Shortfall
from wanbatch.report import wording
from wanbatch.report.judging import Judged

DELIVERED = ("length", "size", "sound")
"""The checks that say whether what came is what was ordered."""
NAMED = 3
"""Jobs that a sentence names; of the rest it says how many they are."""


def find_shortfalls(
    name: str, judged: Judged, paid: Decimal | None, currency: str
) -> list[Shortfall]:
    """Those of one job: first what is expected of it, then what was ordered."""
    return [
        Shortfall(name, check, paid, currency, check.name in judged.unmet)
        for check in sorted(judged.checks, key=lambda check: check.name not in judged.unmet)
        if check.name in judged.unmet or (check.name in DELIVERED and not check.passed)
    ]


def remark_on(jobs: Sequence[ReportJob], unjudged: int = 0) -> tuple[Remark, ...]:
    """The most pressing first. ``unjudged`` is how many videos have expectations that
    nobody looked at."""
    shortfalls = [
        one
        for job in jobs
        for one in find_shortfalls(
            job.name, Judged(job.checks, job.unmet), job.cost.spent, job.cost.currency
        )
    ]
    return (
        *remark_on_shortfalls(shortfalls),
        *_unjudged(unjudged),
        *_on_takes(jobs),
        *_on_rewriting(jobs),
    )


def remark_on_shortfalls(
    found: Sequence[Shortfall], *, with_names: bool = True
) -> tuple[Remark, ...]:
    """What falls short of the manifest, and what is not what was ordered;
    ``with_names`` of the first few."""
    unmet = [one for one in found if one.expected]
    delivered = [one for one in found if not one.expected]
    remarks = []
    if unmet:
        names = _names(unmet)
        many = "falls" if len(names) == 1 else "fall"
        text = f"{wording.count(len(names), 'video')} {many} short of what the manifest expects"
        listed = f": {_listed(unmet)}" if with_names else ""
        remarks.append(Remark("expected", f"{text}{listed}.", names))
    if delivered:
        names = _names(delivered)
        many = "is" if len(names) == 1 else "are"
        text = f"{wording.count(len(names), 'video')} {many} not what was asked for"
        listed = f": {_listed(delivered)}" if with_names else ""
        remarks.append(Remark("delivered", f"{text} ({_paid(delivered)}){listed}.", names))
    return tuple(remarks)


def _names(found: Sequence[Shortfall]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(one.job for one in found))


def _listed(found: Sequence[Shortfall]) -> str:
    """The first few by name, with what is wrong."""
    by_job: dict[str, list[str]] = defaultdict(list)
    for one in found:
        by_job[one.job].append(f"{one.check.name}: {one.check.message}")
    said = [f"{job} ({'; '.join(texts)})" for job, texts in list(by_job.items())[:NAMED]]
    more = len(by_job) - NAMED
    return ", ".join(said) + (f", and {more} more" if more > 0 else "")


def _paid(found: Sequence[Shortfall]) -> str:
    amounts = {one.job: one.paid for one in found}
    if any(amount is None for amount in amounts.values()):
        return "at a price that is not known"
    total = sum((amount for amount in amounts.values() if amount), Decimal(0))
    return f"{wording.money(total, found[0].currency)} paid" if total else "nothing paid"


def _unjudged(count: int) -> Iterator[Remark]:
    if count:
        videos = wording.count(count, "video")
        yield Remark(
            "unjudged", f"What the manifest expects of {videos} was not looked at in full.", ()
        )


# -- takes of one seed -----------------------------------------------------------------


def _on_takes(jobs: Sequence[ReportJob]) -> Iterator[Remark]:
    """Does the seed reproduce? In one sentence."""
    groups: dict[tuple[object, ...], list[ReportJob]] = defaultdict(list)
    for job in jobs:
        axes = dict(job.axes)
        if job.output is not None and "take" in axes:
            rest = tuple(axis for axis in job.axes if axis[0] != "take")
            groups[job.id, rest].append(job)
    several = [group for group in groups.values() if len(group) > 1]
    if not several:
        return
    same = sum(len({job.output.sha256 for job in group if job.output}) == 1 for group in several)
    names = tuple(job.name for group in several for job in group)
    seeds = wording.count(len(several), "seed")
    if same == len(several):
        yield Remark("reproduces", f"{same} of {seeds} gave the same bytes in every take.", names)
        return
    start = f"{same} of {seeds} gave the same bytes; takes" if same else "Takes"
    yield Remark("reproduces", f"{start} of one seed differ{_how_far(several)}.", names)


def _how_far(groups: Sequence[Sequence[ReportJob]]) -> str:
    values = sorted(
        float(check.value)
        for group in groups
        for job in group
        for check in job.checks
        if check.name == "reproduces" and isinstance(check.value, float | int) and check.value < 1
    )
    if not values:
        return ""
    low, high = f"{values[0]:.2f}", f"{values[-1]:.2f}"
    return f": SSIM {low}" if low == high else f": SSIM {low} to {high}"


def _on_rewriting(jobs: Sequence[ReportJob]) -> Iterator[Remark]:
    """A sweep compares nothing but its axes only where prompts go out as written."""
    sweeps: dict[str, list[str]] = defaultdict(list)
    for job in jobs:
        if job.axes and job.request.get("prompt_extend") is True:
            sweeps[job.id].append(job.name)
    rewritten = {name: cells for name, cells in sweeps.items() if len(cells) > 1}
    if rewritten:
        text = (
            f"The provider rewrote the prompts of {', '.join(list(rewritten)[:NAMED])}"
            f"{' and others' if len(rewritten) > NAMED else ''} (prompt_extend: true): cells"
            " may differ by more than their axes."
        )
        yield Remark("rewritten", text, tuple(n for cells in rewritten.values() for n in cells))
