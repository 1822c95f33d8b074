"""Findings as text: a frame for each, with the line, the caret and a way out.

What it may not do: decide what is an error, reorder, or pass on characters that a
terminal would obey.

How it works: ``findings_machine`` makes the other formats of the same values. In a
frame, unsafe characters of the source line become escapes and tabs one blank, and the
caret moves with them; very long lines are cut around the caret. Of many findings the
first errors are shown, then warnings, then notes; what is left out is counted.
"""

from __future__ import annotations

from collections.abc import Sequence

from wanbatch.words.diagnostics import Diagnostic, Position, Severity, format_route
from wanbatch.words.quoting import columns, escape_unsafe, listed

MOST_IN_TEXT = 50
"""Frames that are printed: some 300 lines, which a terminal can still scroll back."""
MOST_NAMED = 3
"""Cells, rows and messages of one finding that are named; the rest are counted."""
_WIDEST = 160
"""Columns of a drawn line of the manifest: a wide terminal. Of longer ones the piece
around the caret is shown."""
_WEIGHTS = (Severity.ERROR, Severity.WARNING, Severity.NOTE)
_RED, _YELLOW, _BLUE, _BOLD, _PLAIN = "\x1b[1;31m", "\x1b[1;33m", "\x1b[1;34m", "\x1b[1m", "\x1b[0m"

_PAINTS = dict(zip(_WEIGHTS, (_RED, _YELLOW, _BLUE), strict=True))


def render(diagnostics: Sequence[Diagnostic], format: str) -> str:  # noqa: A002 - the option's name
    """All findings in one of the formats: text, json, github, sarif, junit,
    markdown. Raises ``KeyError`` for another."""
    if format == "text":
        return render_text(diagnostics)
    from wanbatch.cli.findings_machine import FORMATS

    return FORMATS[format](diagnostics)


def render_text(diagnostics: Sequence[Diagnostic], color: bool = False) -> str:
    """The frames of the findings, a blank line between them, and a last line that
    counts all."""
    if not diagnostics:
        return ""
    first, rest = cut(diagnostics, MOST_IN_TEXT)
    frames = [_frame(d, _Paint(color)) for d in first]
    return "\n\n".join([*frames, *([rest] if rest else []), _count(diagnostics)])


def cut(diagnostics: Sequence[Diagnostic], most: int) -> tuple[list[Diagnostic], str]:
    """At most ``most`` findings in their order, no warning in the place of an error;
    and a line that counts the others, empty where there are none.
    """
    if len(diagnostics) <= most:
        return list(diagnostics), ""
    by_weight = sorted(
        range(len(diagnostics)), key=lambda n: _WEIGHTS.index(diagnostics[n].severity)
    )
    shown, left = sorted(by_weight[:most]), by_weight[most:]
    counts = _counted([diagnostics[n] for n in left])
    rest = f"and {len(left):,} more ({counts}): wanbatch validate --format json prints all"
    return [diagnostics[n] for n in shown], rest


def describe_cells(d: Diagnostic) -> str:
    """``in NAME`` for one job, ``in 24 cells: `` with three of their names for more."""
    names = [cell.name for cell in d.cells] or ([d.cell] if d.cell else [])
    if len(names) < 2:
        return f"in {escape_unsafe(names[0])}" if names else ""
    noun = "cells" if any("[" in name for name in names) else "jobs"
    return f"in {len(names):,} {noun}: {_few(names)}"


def describe_rows(d: Diagnostic) -> str:
    """``row: shots.csv:7:12``; of several the first three. Empty where no row of data
    is known."""
    rows = rows_of(d)
    if not rows:
        return ""
    places = list(dict.fromkeys(map(str, rows)))
    return f"row{'s' * (len(places) > 1)}: {_few(places)}"


def describe_places(d: Diagnostic) -> str:
    """``also at: a.yaml:12``: the other places of a finding that is said at its
    first."""
    places = [str(place) for place in other_places(d)]
    return f"also at: {_few(places)}" if places else ""


def other_places(d: Diagnostic) -> list[Position]:
    """Where the finding stands too, each once."""
    return list(dict.fromkeys(cell.place for cell in d.cells if cell.place is not None))


def rows_of(d: Diagnostic) -> list[Position]:
    """The rows of data that the finding's cells are made with, each once."""
    rows = [cell.row for cell in d.cells] if d.cells else [d.row]
    return list(dict.fromkeys(row for row in rows if row is not None))


def _few(words: Sequence[str]) -> str:
    shown = [escape_unsafe(word) for word in words[:MOST_NAMED]]
    rest = f" and {len(words) - MOST_NAMED:,} more" if len(words) > MOST_NAMED else ""
    return (", ".join(shown) + rest) if rest else listed(shown, "and")


def other_messages(d: Diagnostic) -> list[str]:
    """What the finding says in other cells, where the words differ: the first few, with
    what to do where that differs too, and how many more there are.
    """
    others = [
        f"{message} ({'; '.join(hints)})" if hints not in (d.help, ()) else message
        for message, hints in dict.fromkeys((cell.message, cell.help) for cell in d.cells)
        if message != d.message
    ]
    shown = others[: MOST_NAMED - 1]
    more = len(others) - len(shown)
    return [*shown, *([f"{more:,} more, in other cells"] if more else [])]


class _Paint:
    def __init__(self, color: bool) -> None:
        self.on = color

    def __call__(self, text: str, style: str) -> str:
        return f"{style}{text}{_PLAIN}" if self.on and text else text


def _frame(d: Diagnostic, paint: _Paint) -> str:
    loud = _PAINTS[d.severity]
    head = paint(f"{d.severity}[{d.code}]", loud) + paint(f": {escape_unsafe(d.message)}", _BOLD)
    number = str(d.place.line)
    gutter = " " * len(number)
    route = format_route(tuple(escape_unsafe(s) if isinstance(s, str) else s for s in d.route))
    cells = describe_cells(d)
    where = (
        escape_unsafe(str(d.place))
        + (f"   {route}" if route else "")
        + (f"   {cells}" if cells and len(d.cells) < 2 else "")
    )
    lines = [head, f"{gutter}{paint('-->', _BLUE)} {where}"]
    bar = paint("|", _BLUE)
    if d.source:
        source, start, width = _cut(d)
        label = f" {escape_unsafe(d.label)}" if d.label else ""
        lines += [
            f"{gutter} {bar}",
            f"{paint(number, _BLUE)} {bar} {source}".rstrip(),
            f"{gutter} {bar} {' ' * start}{paint('^' * width + label, loud)}",
        ]
    elif d.label:
        lines.append(f"{gutter} {paint('=', _BLUE)} note: {escape_unsafe(d.label)}")
    more = [cells] if len(d.cells) > 1 else []
    more += [f"also: {escape_unsafe(message)}" for message in other_messages(d)]
    more += [line for line in (describe_places(d), describe_rows(d)) if line]
    more += [f"help: {escape_unsafe(hint)}" for hint in d.help]
    return "\n".join([*lines, *(f"{gutter} {paint('=', _BLUE)} {line}" for line in more)])


def _cut(d: Diagnostic) -> tuple[str, int, int]:
    """The source line as it is shown, where the caret begins in it, and how wide it
    is."""
    column, end = d.place.column - 1, max(d.place.end_column - 1, d.place.column)
    before, marked, after = d.source[:column], d.source[column:end], d.source[end:]
    if len(before) > _WIDEST // 2:
        before = "…" + before[-_WIDEST // 2 :]
    if len(marked) > _WIDEST:
        marked, after = marked[:_WIDEST], "…"
    after = after if len(after) <= _WIDEST else after[:_WIDEST] + "…"
    shown = [escape_unsafe(part.replace("\t", " ")) for part in (before, marked, after)]
    return "".join(shown), columns(shown[0]), max(columns(shown[1]), 1)


def _count(diagnostics: Sequence[Diagnostic]) -> str:
    return f"{_counted(diagnostics)} in {_files(diagnostics)}"


def _counted(diagnostics: Sequence[Diagnostic]) -> str:
    errors = sum(d.severity is Severity.ERROR for d in diagnostics)
    notes = sum(d.severity is Severity.NOTE for d in diagnostics)
    warnings = len(diagnostics) - errors - notes
    counts = ((errors, "error"), (warnings, "warning"), (notes, "note"))
    return ", ".join(f"{n} {word}{'s' * (n != 1)}" for n, word in counts if n)


def _files(diagnostics: Sequence[Diagnostic]) -> str:
    count = len({d.place.path for d in diagnostics})
    return f"{count} file{'s' * (count != 1)}"
