"""What was spent and is held back, by the values of each axis.

What it may not do: draw, or add up what ``collect`` has not.

How it works: an axis with more than one value divides the jobs' cost among its values,
in the order of the manifest. Without such an axis the job ids do. So every group adds
up to the same total. Of many values the dearest are shown, and the rest as one.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, replace
from decimal import Decimal

from wanbatch.model.report import Report, ReportJob
from wanbatch.report.charts.scale import percent, short_name

MOST_BARS = 8
"""They are about as high as the charts beside them; all values stand in
``report.json``."""
MOST_VALUES = 5
"""Of one axis: two axes then find room."""
SHORTEST = 16
"""Letters of a value that fit beside its bar in a column of 300 px."""

NOTHING = Decimal(0)


@dataclass(frozen=True, slots=True)
class Bar:
    """One value of an axis; ``width`` and ``held_width`` in percent of the dearest of
    the chart, ``short`` is the label beside the bar."""

    label: str
    short: str
    jobs: int
    spent: Decimal
    held: Decimal
    width: float = 0.0
    held_width: float = 0.0


@dataclass(frozen=True, slots=True)
class Group:
    """An axis with its bars."""

    axis: str
    bars: tuple[Bar, ...]


@dataclass(frozen=True, slots=True)
class Spend:
    """The groups, and how many axes with more than one value were left out."""

    groups: tuple[Group, ...]
    left_out: int
    currency: str


def spend_of(report: Report) -> Spend | None:
    """``None`` where nothing was paid, a price is unknown, or one bar would say what
    the figures above say."""
    paid = [job for job in report.jobs if job.cost.spent is not None]
    if report.realm == "emulator" or not any(_sum(job) for job in paid):
        return None
    axes = _axes(paid)
    if not axes:
        return None
    groups = _fitting([(name, _bars(values)) for name, values in axes])
    most = float(max(bar.spent + bar.held for _, bars in groups for bar in bars))
    return Spend(
        groups=tuple(
            Group(short_name(name), tuple(_measured(bar, most) for bar in bars))
            for name, bars in groups
        ),
        left_out=len(axes) - len(groups),
        currency=report.totals.cost.currency,
    )


def _fitting(groups: list[tuple[str, list[Bar]]]) -> list[tuple[str, list[Bar]]]:
    """The first, and each further one that finds room below it."""
    kept, bars = groups[:1], len(groups[0][1])
    for group in groups[1:]:
        if bars + len(group[1]) <= MOST_BARS:
            kept.append(group)
            bars += len(group[1])
    return kept


def _measured(bar: Bar, most: float) -> Bar:
    return replace(
        bar,
        width=percent(float(bar.spent), most),
        held_width=percent(float(bar.held), most),
    )


def _axes(jobs: Iterable[ReportJob]) -> list[tuple[str, dict[str, list[ReportJob]]]]:
    """Each axis with its jobs by value, the ids in their place where no axis varies.
    An axis with a value for each job divides nothing, and comes last."""
    found: dict[str, dict[str, list[ReportJob]]] = defaultdict(lambda: defaultdict(list))
    ids: dict[str, list[ReportJob]] = defaultdict(list)
    total = 0
    for job in jobs:
        total += 1
        ids[job.id].append(job)
        for name, value in job.axes:
            found[name][str(value)].append(job)
    axes = [(name, values) for name, values in found.items() if len(values) > 1]
    axes.sort(key=lambda axis: len(axis[1]) == total)
    return [("job", ids), *axes] if len(ids) > 1 else axes


def _bars(values: dict[str, list[ReportJob]]) -> list[Bar]:
    bars = [_bar(value, jobs) for value, jobs in values.items()]
    if len(bars) <= MOST_VALUES:
        return bars
    ordered = sorted(bars, key=lambda bar: bar.spent + bar.held, reverse=True)
    kept = set(map(id, ordered[: MOST_VALUES - 1]))
    rest = [bar for bar in bars if id(bar) not in kept]
    together = Bar(
        f"{len(rest)} others",
        f"{len(rest)} others",
        sum(bar.jobs for bar in rest),
        sum((bar.spent for bar in rest), NOTHING),
        sum((bar.held for bar in rest), NOTHING),
    )
    return [*(bar for bar in bars if id(bar) in kept), together]


def _bar(label: str, jobs: list[ReportJob]) -> Bar:
    return Bar(
        short_name(label),
        short_name(label, SHORTEST),
        len(jobs),
        sum((job.cost.spent or NOTHING for job in jobs), NOTHING),
        sum((job.cost.reserved or NOTHING for job in jobs), NOTHING),
    )


def _sum(job: ReportJob) -> Decimal:
    return (job.cost.spent or NOTHING) + (job.cost.reserved or NOTHING)
