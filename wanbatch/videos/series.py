"""What the filters said of each frame, brought together: seconds that are frozen or
black, flicker, cuts, motion, brightness and colours.

What it may not do: I/O, or see a picture; it reads texts of numbers.

How it works: one ``Moment`` a frame, in seconds from the first one. A cut is a change
that stands out from those around it; changes that come back within a quarter of a
second are flicker, and what borders on black is black, so that one fault has one name.
"""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from statistics import fmean, median

from wanbatch.model.measures import COURSE

_CUT = 0.06
"""The least change, as a part of the full range, that may be a cut: two shots of one
room differ by 0.1 and more, a fast pan by 0.05 from frame to frame."""
_STANDS_OUT = 4.0
"""How often a cut is what the frames around it change by."""
_AROUND = 6
"""Frames before and after that are looked at: a quarter of a second at 24 a second."""
_QUICK_S = 0.25
"""A swing of brightness that takes longer is light that changes, not flicker."""
_NOISE = 0.002
"""Half a grey level of mean brightness: smaller swings are rounding."""

Span = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Moment:
    """A frame: its instant, brightness (mean, and what a tenth is below and above),
    colours, the change from the frame before, and that of the blurred pictures
    (``motion``)."""

    at_s: float
    luma: float
    dark: float
    light: float
    blue: float
    red: float
    change: float
    motion: float


class Series:
    """Gathers what is said of the frames, in the order of showing."""

    def __init__(self) -> None:
        self.moments: list[Moment] = []
        self._frozen: list[Span] = []
        self._black: list[Span] = []
        self._frozen_since: float | None = None
        self._black_since: float | None = None
        self.black_frames: set[int] = set()

    def add(self, at_s: float, said: Mapping[str, str]) -> None:
        """A frame with the metadata that the filters left on it."""
        self._mark_frozen(at_s, said)
        self._mark_black(at_s, said)
        if self._black_since is not None:
            self.black_frames.add(len(self.moments))
        self.moments.append(
            Moment(
                at_s,
                luma=_level(said, "YAVG", 219),
                dark=_level(said, "YLOW", 219),
                light=_level(said, "YHIGH", 219),
                blue=_level(said, "UAVG", 224),
                red=_level(said, "VAVG", 224),
                change=_number(said, "scd.mafd") / 100,
                motion=_number(said, "vmafmotion.score") / 255,
            )
        )

    def _mark_frozen(self, at_s: float, said: Mapping[str, str]) -> None:
        """A freeze is told half a second after it began."""
        if "lavfi.freezedetect.freeze_start" in said:
            self._frozen_since = _number(said, "freezedetect.freeze_start")
        if "lavfi.freezedetect.freeze_end" in said and self._frozen_since is not None:
            self._frozen.append((self._frozen_since, at_s))
            self._frozen_since = None

    def _mark_black(self, at_s: float, said: Mapping[str, str]) -> None:
        if "lavfi.black_start" in said:
            self._black_since = at_s
        if "lavfi.black_end" in said and self._black_since is not None:
            self._black.append((self._black_since, at_s))
            self._black_since = None

    def finish(self, seconds: float) -> None:
        """Ends what lasts to the video's end."""
        if self._frozen_since is not None:
            self._frozen.append((self._frozen_since, max(seconds, self._frozen_since)))
        if self._black_since is not None:
            self._black.append((self._black_since, max(seconds, self._black_since)))

    @property
    def black_s(self) -> float:
        return _length(self._black)

    @property
    def frozen_s(self) -> float:
        """Without what is black: a black picture always stands still."""
        both = [
            (max(a, c), min(b, d))
            for a, b in self._frozen
            for c, d in self._black
            if max(a, c) < min(b, d)
        ]
        return max(0.0, _length(self._frozen) - _length(both))

    @property
    def shown(self) -> list[Moment]:
        """The frames that are not black; all of them where there is no other."""
        found = [m for i, m in enumerate(self.moments) if i not in self.black_frames]
        return found or self.moments

    def missing_frames(self) -> int:
        """How many frames the time stamps leave out, if all were as far apart as most
        are."""
        steps = [b.at_s - a.at_s for a, b in pairwise(self.moments)]
        usual = median(steps) if steps else 0.0
        if usual <= 0:
            return 0
        return sum(round(step / usual) - 1 for step in steps if step > 1.5 * usual)

    def flicker(self) -> float:
        """The mean swing of brightness, a frame, that comes back at once."""
        turns = list(_turns([(m.at_s, m.luma) for m in self.moments]))
        swings = [
            abs(b - a) if later - earlier <= _QUICK_S else 0.0
            for (earlier, a), (later, b) in pairwise(turns)
        ]
        back = sum(min(pair) for pair in pairwise(swings) if min(pair) > _NOISE)
        return back / max(1, len(self.moments))

    def cuts(self) -> tuple[float, ...]:
        """The instants of the first frame after each cut."""
        changes = [m.change for m in self.moments]
        found = [i for i, change in enumerate(changes) if i and self._is_cut(changes, i)]
        at_s = [self.moments[i].at_s for i in found]
        quick = {
            i for i, (a, b) in enumerate(pairwise(at_s)) if b - a <= _QUICK_S
        }  # there and back
        return tuple(at for i, at in enumerate(at_s) if i not in quick and i - 1 not in quick)

    def _is_cut(self, changes: Sequence[float], i: int) -> bool:
        around = [*changes[max(1, i - _AROUND) : i], *changes[i + 1 : i + 1 + _AROUND]]
        usual = median(around) if around else 0.0
        black = i in self.black_frames or i - 1 in self.black_frames
        return changes[i] >= max(_CUT, _STANDS_OUT * usual) and not black

    def motion(self) -> float:
        """The mean change from frame to frame; nothing comes before the first."""
        shown = [m.motion for m in self.shown if m is not self.moments[0]]
        return fmean(shown) if shown else 0.0

    def jump(self, at_s: float, around_s: float) -> float:
        """The greatest motion near an instant."""
        near = [m.motion for m in self.moments[1:] if abs(m.at_s - at_s) <= around_s]
        return max(near, default=0.0)

    def course(self, name: str) -> tuple[float, ...]:
        """The means of one of a moment's numbers over equal parts of the shown
        frames."""
        values = [float(getattr(moment, name)) for moment in self.shown]
        parts = min(COURSE, len(values))
        edges = [round(k * len(values) / parts) for k in range(parts + 1)] if parts else []
        return tuple(round(fmean(values[a:b]), 5) for a, b in pairwise(edges))

    def mean(self, name: str) -> float:
        """The mean of one of a moment's numbers over the shown frames."""
        values = [float(getattr(moment, name)) for moment in self.shown]
        return fmean(values) if values else 0.0


def part_at(at_s: float, parts: Sequence[float], seconds: float) -> int:
    """How many of ``parts`` of the length have been reached at an instant."""
    return bisect_left([part * seconds for part in parts], at_s + 1e-6)


def _turns(points: Sequence[tuple[float, float]]) -> Iterator[tuple[float, float]]:
    """The first point, those where the values turn from rising to falling or back, and
    the last."""
    yield from points[:1]
    rising: bool | None = None
    for before, now in pairwise(points):
        if now[1] != before[1]:
            if rising is not None and rising is not (now[1] > before[1]):
                yield before
            rising = now[1] > before[1]
    yield from points[1:][-1:]


def _length(spans: Iterable[Span]) -> float:
    return sum(end - begin for begin, end in spans)


def _level(said: Mapping[str, str], name: str, reach: int) -> float:
    """A limited-range code value, which begins at 16, as a part of its range."""
    return (_number(said, f"signalstats.{name}") - 16) / reach


def _number(said: Mapping[str, str], name: str) -> float:
    """What a filter said; 0 where it said nothing that is a number."""
    try:
        value = float(said.get(f"lavfi.{name}", 0))
    except ValueError:
        return 0.0
    return value if math.isfinite(value) else 0.0
