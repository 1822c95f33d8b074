"""How long the provider took for a video, as a histogram with p50 and p95.

What it may not do: draw, or read anything but the report.

How it works: the times of all videos that are here, each task once, fall into bins of a
round width. ``web/charts.html.j2`` draws what stands here.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import floor

from wanbatch.model.report import Report
from wanbatch.report.charts.scale import Mark, percent, percentile, step_for, time_marks
from wanbatch.report.wording import duration

FEWEST = 2
"""One video has a time, but no distribution: the figures above say it."""
MOST_BINS = 24
"""More bars than this are thinner than their gaps in a column of 300 px."""
HEIGHT = 78.0
"""Of the highest bar, in pixels: with labels and ticks the chart has the height of its
neighbours."""


@dataclass(frozen=True, slots=True)
class Bin:
    """Videos that took from ``low_s`` to less than ``high_s``; place and width in
    percent, height in pixels."""

    low_s: float
    high_s: float
    count: int
    x: float
    width: float
    height: float


@dataclass(frozen=True, slots=True)
class Latency:
    """``count`` videos in ``bins`` without gaps; ``p50`` and ``p95`` are labels."""

    count: int
    fastest_s: float
    slowest_s: float
    p50_s: float
    p95_s: float
    p50: Mark
    p95: Mark
    bins: tuple[Bin, ...]
    ticks: tuple[Mark, ...]


def latency_of(report: Report) -> Latency | None:
    """``None`` where fewer than two videos have a time."""
    times = sorted(
        {
            job.task_id or job.name: job.timings.generation_s
            for job in report.jobs
            if job.output and job.timings.generation_s is not None
        }.values()
    )
    if len(times) < FEWEST:
        return None
    width = step_for(times[-1] - times[0], MOST_BINS - 1)
    first = floor(times[0] / width)
    counts = [0] * (floor(times[-1] / width) - first + 1)
    for seconds in times:
        counts[floor(seconds / width) - first] += 1
    low, high = first * width, (first + len(counts)) * width
    p50, p95 = percentile(times, 0.5), percentile(times, 0.95)
    return Latency(
        count=len(times),
        fastest_s=times[0],
        slowest_s=times[-1],
        p50_s=p50,
        p95_s=p95,
        p50=_label("p50", p50, low, high),
        p95=_label("p95", p95, low, high),
        bins=tuple(_bin(number, first, width, counts) for number in range(len(counts))),
        ticks=time_marks(low, high, 4),
    )


def _bin(number: int, first: int, width: float, counts: list[int]) -> Bin:
    return Bin(
        low_s=(first + number) * width,
        high_s=(first + number + 1) * width,
        count=counts[number],
        x=percent(number, len(counts)),
        width=percent(1, len(counts)),
        height=round(HEIGHT * counts[number] / max(counts), 1),
    )


def _label(name: str, seconds: float, low: float, high: float) -> Mark:
    """To the right of its line, or to the left where it would leave the chart."""
    at = percent(seconds - low, high - low)
    return Mark(at, f"{name} {duration(seconds)}", "start" if at < 70 else "end")
