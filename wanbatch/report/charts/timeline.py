"""When each job of a run waited, was generated and was downloaded.

What it may not do: draw, or read anything but the report.

How it works: a row for each job that the run had a hand in, in the order of their first
submits. Every attempt of the run adds its three spans, cut to the run. Of very many
rows every n-th is drawn, which keeps the shape. Spans of one kind are one path of
rectangles in a box of 1,000 by ten for each row: a few bytes a span.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from math import ceil

from wanbatch.model.report import Report, ReportAttempt, ReportJob, RunFacts, Timings
from wanbatch.report.charts.scale import Mark, short_name, time_marks

MOST_ROWS = 200
"""More are thinner than half a pixel in the chart's height; their table would be most
of the page's markup."""
BOX = 1000
"""Width of the box in its own units: finer than the pixels of any column."""
ROW = 10
"""Height of a row in the same units: with a gap, whole numbers are enough."""
HEIGHT = 108
"""Of all rows at most, in pixels: as high as the charts beside it."""
ROW_HEIGHT = 9
"""Of one row at most, in pixels: a few jobs make thin bars, not blocks."""
DENSE = 40
"""From so many rows on there is no gap between two: no pixel is left for it."""
THINNEST = 2
"""In units of the box: a span that is drawn at all can be seen."""

Span = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Row:
    """What one job's attempts of the run add up to."""

    name: str
    waiting_s: float
    generating_s: float
    downloading_s: float


@dataclass(frozen=True, slots=True)
class Timeline:
    """``rows`` of the ``count`` jobs of the run; ``others`` were made before it. The
    paths are SVG path data, ``height`` is that of all rows in pixels."""

    rows: tuple[Row, ...]
    count: int
    others: int
    seconds: float
    waiting: str
    generating: str
    downloading: str
    height: int
    ticks: tuple[Mark, ...]


@dataclass(frozen=True, slots=True)
class _Track:
    """One job's spans in seconds since the run began."""

    name: str
    first: float
    waiting: tuple[Span, ...]
    generating: tuple[Span, ...]
    downloading: tuple[Span, ...]


def timeline_of(report: Report) -> Timeline | None:
    """``None`` without a run, or where it worked on nothing."""
    run = report.run
    if run is None:
        return None
    taken: set[int] = set()
    tracks = sorted(
        (track for job in report.jobs if (track := _track(job, run, taken))),
        key=lambda track: track.first,
    )
    ends = [high for track in tracks for _, high in _spans(track)]
    if not ends or max(ends) <= 0:
        return None
    end = max(ends)
    shown = tracks[:: ceil(len(tracks) / MOST_ROWS)]
    tall = ROW if len(shown) >= DENSE else ROW - 2
    return Timeline(
        rows=tuple(
            Row(
                short_name(track.name),
                *(_total(s) for s in (track.waiting, track.generating, track.downloading)),
            )
            for track in shown
        ),
        count=len(tracks),
        others=sum(1 for job in report.jobs if job.output and not _of_run(job, run)),
        seconds=end,
        waiting=_path((t.waiting for t in shown), end, tall),
        generating=_path((t.generating for t in shown), end, tall),
        downloading=_path((t.downloading for t in shown), end, tall),
        height=min(HEIGHT, ROW_HEIGHT * len(shown)),
        ticks=time_marks(0.0, end, 4),
    )


def _track(job: ReportJob, run: RunFacts, taken: set[int]) -> _Track | None:
    """The job's attempts that the run had a hand in; equal jobs share theirs, and the
    first has it."""
    waiting: list[Span] = []
    generating: list[Span] = []
    downloading: list[Span] = []
    for attempt in _of_run(job, run):
        times = attempt.timings
        if attempt.id in taken or times.submitted_at is None:
            continue
        taken.add(attempt.id)
        submitted = times.submitted_at - run.started_at
        _add(waiting, submitted - (times.queue_s or 0.0), submitted)
        if times.accepted_at and times.finished_at:
            _add(generating, submitted, times.finished_at - run.started_at)
        if times.finished_at and times.stored_at:
            _add(downloading, times.finished_at - run.started_at, times.stored_at - run.started_at)
    if not (waiting or generating or downloading):
        return None
    first = min(low for low, _ in (*generating, *downloading, *waiting[:1]))
    started = generating[0][0] if generating else first
    return _Track(job.name, started, tuple(waiting), tuple(generating), tuple(downloading))


def _of_run(job: ReportJob, run: RunFacts) -> list[ReportAttempt]:
    """The attempts that the run opened, or found under way and brought on."""
    return [
        attempt
        for attempt in job.attempts
        if attempt.run_id == run.id or _last_sight(attempt.timings) >= run.started_at
    ]


def _last_sight(times: Timings) -> float:
    return times.stored_at or times.finished_at or times.accepted_at or times.submitted_at or 0.0


def _add(spans: list[Span], low: float, high: float) -> None:
    """What of a span lies in the run."""
    if high > max(low, 0.0):
        spans.append((max(low, 0.0), high))


def _spans(track: _Track) -> tuple[Span, ...]:
    return (*track.waiting, *track.generating, *track.downloading)


def _total(spans: Iterable[Span]) -> float:
    return sum(high - low for low, high in spans)


def _path(tracks: Iterable[Iterable[Span]], end: float, tall: int) -> str:
    """Rectangles as path data: ``M12 1h40v8h-40z``, row under row."""
    parts = []
    for number, spans in enumerate(tracks):
        y = number * ROW + (ROW - tall) // 2
        for low, high in spans:
            x = round(BOX * low / end)
            width = max(round(BOX * high / end) - x, THINNEST)
            parts.append(f"M{x} {y}h{width}v{tall}h-{width}z")
    return "".join(parts)
