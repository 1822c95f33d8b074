"""Scales of charts: round steps of seconds, ticks along an axis, percentiles, and names
short enough for a table.

What it may not do: know what is measured, or draw.

How it works: places are percent of a chart's width, so that a chart is as wide as its
column and its texts keep their size.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil, floor

from wanbatch.report.wording import duration
from wanbatch.words.quoting import escape_unsafe

STEPS_S = (0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14400)
"""Seconds between ticks that people count by; longer ones are whole days."""

DAY_S = 86_400
"""Seconds of a day."""
LONGEST_NAME = 60
"""So many letters of a name stand in a table: what varies is at its end, and shown."""


@dataclass(frozen=True, slots=True)
class Mark:
    """A text at a place of an axis. ``anchor`` is where the text lies: its ``start``,
    ``middle`` or ``end`` is at the place."""

    at: float
    text: str
    anchor: str = "middle"


def step_for(span_s: float, most: int) -> float:
    """The smallest round step that divides ``span_s`` into ``most`` parts or fewer."""
    for step in STEPS_S:
        if span_s <= step * most:
            return step
    return ceil(span_s / (DAY_S * most)) * DAY_S


def percent(part: float, whole: float) -> float:
    """A place or a width, to a hundredth of a percent."""
    return round(100 * part / whole, 2) if whole else 0.0


def time_marks(low_s: float, high_s: float, most: int) -> tuple[Mark, ...]:
    """Ticks at round seconds from ``low_s`` to ``high_s``; the outermost texts stay
    inside of the chart."""
    span = high_s - low_s
    step = step_for(span, most)
    marks, number = [], ceil(low_s / step)
    while number * step <= high_s and span > 0:
        at = percent(number * step - low_s, span)
        anchor = "start" if at < 6 else "end" if at > 94 else "middle"
        marks.append(Mark(at, duration(number * step) if number else "0", anchor))
        number += 1
    return tuple(marks)


def percentile(ordered: Sequence[float], share: float) -> float:
    """The value below which ``share`` of ``ordered`` lies, between two neighbours in
    proportion."""
    place = share * (len(ordered) - 1)
    low = floor(place)
    high = min(low + 1, len(ordered) - 1)
    return ordered[low] + (ordered[high] - ordered[low]) * (place - low)


def short_name(value: object, longest: int = LONGEST_NAME) -> str:
    """A name without marks that hide or turn text, cut in the middle where it is
    long."""
    text = escape_unsafe(str(value))
    if len(text) <= longest:
        return text
    head = (longest - 1) // 2
    return f"{text[:head]}…{text[head + 1 - longest :]}"
