"""A board as lines of a terminal. Pure.

What it may not do: print, colour, or read a clock.

How it works: ``layout`` makes lines no wider than the terminal, and fewer of them than
it is high. A line is a row of ``Span``: a text and what it means. Widths are counted in
cells, of which an ideograph or an emoji takes two. What is named too long loses its
middle, for names of one sweep differ at their ends.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice

from rich.cells import cell_len

from wanbatch.cli.progress.board import Board, Stage
from wanbatch.cli.progress.words import left_words, money_words, pace_words
from wanbatch.words.humanize import duration

NARROW, WIDE = 60, 100
"""Columns from which there is room for the bar, and for names beside reasons."""
OLDEST, FAILURES = 4, 3
"""So many tasks and failures are named: with what is above them half of 24 rows."""
LATE = 2.0
"""A task this many times as old as usual is worth a look: at a shape of 0.4 one in
twenty-five is (chosen)."""
GAP = "   "
LEAST_BAR = 10  # a shorter bar says nothing that the numbers do not


@dataclass(frozen=True, slots=True)
class Span:
    """A piece of a line and its style, by meaning; empty is plain."""

    text: str
    style: str = ""


Line = tuple[Span, ...]

STYLES = {
    Stage.WAITING: "quiet",
    Stage.SUBMITTING: "busy",
    Stage.RUNNING: "busy",
    Stage.DOWNLOADING: "busy",
    Stage.DONE: "good",
    Stage.FAILED: "bad",
    Stage.UNCERTAIN: "odd",
}


def layout(board: Board, width: int, height: int, now: float, *, marks: str = "━─…") -> list[Line]:
    """The board in at most ``height`` - 1 lines of at most ``width`` - 1 cells: in the
    last column some terminals break a line. ``marks`` are the bar's two parts and the
    sign of what was cut."""
    width, most = max(10, width - 1), max(1, height - 1)
    parts = [
        _head(board, width, now, marks),
        _counts(board, width),
        _money(board, width, now),
        _failed(board, width),
        _oldest(board, width, now),
    ]
    return [_cut(line, width, marks[2]) for line in islice((x for p in parts for x in p), most)]


def _head(board: Board, width: int, now: float, marks: str) -> Iterator[Line]:
    done, total = board.count(Stage.DONE), board.total
    ended = done + board.count(Stage.FAILED) + board.count(Stage.UNCERTAIN)
    front, left = f"{done} of {total} done", left_words(board.time_left(now))
    if board.is_stopping:
        left = "stopping: what is under way is waited for"
    room = width - len(front) - len(left) - 2 * len(GAP)
    if width < NARROW or room < LEAST_BAR:
        yield (Span(front, "strong"),)
        if left:
            yield (Span(left),)
        return
    room = min(room, width // 2)
    filled = room * ended // max(1, total)
    good = room * done // max(1, total)
    bar = (
        Span(marks[0] * good, "good"),
        Span(marks[0] * (filled - good), "bad"),
        Span(marks[1] * (room - filled), "quiet"),
    )
    yield (Span(front, "strong"), Span(GAP), *bar, Span(GAP), Span(left))


def _counts(board: Board, width: int) -> Iterator[Line]:
    """How many are in each stage; ``checking`` is about videos that are done."""
    always = () if width < NARROW else (Stage.WAITING, Stage.RUNNING, Stage.DOWNLOADING)
    shown = [s for s in Stage if s is not Stage.DONE and (s in always or board.count(s))]
    items = [Span(f"{stage.value} {board.count(stage)}", STYLES[stage]) for stage in shown]
    if board.checking:
        at = next((i for i, s in enumerate(shown) if s in (Stage.FAILED, Stage.UNCERTAIN)), None)
        items.insert(len(items) if at is None else at, Span(f"checking {board.checking}", "busy"))
    yield from _pack(items, width)


def _money(board: Board, width: int, now: float) -> Iterator[Line]:
    items = [Span(money_words(board))] if money_words(board) else []
    pace, best = board.pace, board.best_pace
    if pace is not None and best is not None:
        rest_s = pace.hold_s - (now - board.paced_at)
        if is_slowed := _is_slower(pace.per_s, best.per_s) or pace.slots < best.slots:
            items.append(Span(f"slowed to {pace_words(pace)}", "odd"))
        if pace.text and (is_slowed or rest_s > 0):
            items.append(Span(pace.text, "odd"))
        if rest_s >= 1:
            items.append(Span(f"next in {duration(rest_s)}", "odd"))
    yield from _pack(items, width)


def _is_slower(now: float | None, at_best: float | None) -> bool:
    return now is not None and (at_best is None or now < at_best)


def _failed(board: Board, width: int) -> Iterator[Line]:
    if not board.failures:
        return
    codes = board.failure_codes.most_common()
    items = [Span(f"{count} × {code}", "bad") for code, count in codes]
    yield from list(_pack(items, width))[:2]
    front = _fronts("last")
    for failure in list(board.failures)[: -FAILURES - 1 : -1]:
        why = f"{failure.code}: {failure.message}" if failure.message else failure.code
        yield _named(next(front), failure.job, why, width, "bad")


def _oldest(board: Board, width: int, now: float) -> Iterator[Line]:
    front = _fronts("oldest")
    for attempt in board.oldest(OLDEST):
        age_s, usual_s = max(0.0, now - attempt.accepted_at), board.usual_s(attempt)
        usual = f", usually {duration(usual_s)}" if usual_s and width >= NARROW else ""
        if attempt.status_word and width >= WIDE:
            usual += f"; the provider says {attempt.status_word!r}"
        style = "odd" if usual_s and age_s > LATE * usual_s else "quiet"
        yield _named(next(front), attempt.job, f"{duration(age_s)}{usual}", width, style)


def _fronts(word: str) -> Iterator[str]:
    """``word`` before the first line, as much room before the others."""
    yield f"  {word:8}"
    while True:
        yield " " * 10


def _named(front: str, name: str, what: str, width: int, style: str) -> Line:
    """A job and what there is to say of it. The name has a third of the line at least,
    and what the other leaves."""
    what = _printable(what)
    room = width - len(front) - len(GAP)
    share = max(room // 3, room - cell_len(what))
    name = shorten(name, min(share, room))
    rest = room - cell_len(name)
    return (Span(front, "quiet"), Span(name), Span(GAP), Span(_cut_text(what, rest, "…"), style))


def _pack(items: Sequence[Span], width: int) -> Iterator[Line]:
    """Items side by side, in as many lines as it takes."""
    line: list[Span] = []
    used = 0
    for item in items:
        cells = cell_len(item.text)
        if line and used + len(GAP) + cells > width:
            yield tuple(line)
            line, used = [], 0
        if line:
            line.append(Span(GAP))
            used += len(GAP)
        line.append(item)
        used += cells
    if line:
        yield tuple(line)


def shorten(name: str, cells: int) -> str:
    """A name in at most so many cells, its end whole rather than its middle."""
    name = _printable(name)
    if cell_len(name) <= cells:
        return name
    if cells < 2:
        return "…"[:cells]
    tail = _take(name[::-1], (cells - 1) * 2 // 3)[::-1]
    return f"{_take(name, cells - 1 - cell_len(tail))}…{tail}"


def _take(text: str, cells: int) -> str:
    """As much of the beginning as fits."""
    used = 0
    for number, letter in enumerate(text):
        used += cell_len(letter)
        if used > cells:
            return text[:number]
    return text


def _cut_text(text: str, cells: int, sign: str) -> str:
    if cell_len(text) <= cells:
        return text
    return f"{_take(text, cells - 1)}{sign}" if cells > 0 else ""


def _cut(line: Line, width: int, sign: str) -> Line:
    """A line that is no wider than the terminal."""
    kept: list[Span] = []
    room = width
    for span in line:
        text = _cut_text(_printable(span.text), room, sign)
        kept.append(Span(text, span.style))
        room -= cell_len(text)
        if text != span.text:
            break
    return tuple(kept)


def _printable(text: str) -> str:
    """Nothing that moves a cursor, whoever said it."""
    return "".join(c if c.isprintable() else " " for c in text)
