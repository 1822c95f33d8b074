"""Findings as text: a frame for each, with the line, the caret and a way out.

What it may not do: decide what is an error, reorder, or pass on characters that a terminal would obey.

How it works: ``findings_machine`` makes the other formats of the same values. In a frame, unsafe characters of the source line become escapes
and tabs one blank, and the caret moves with them; very long lines are cut around the caret.
"""

from __future__ import annotations

from collections.abc import Sequence

from wanbatch.diagnostics import Diagnostic, Severity, format_route
from wanbatch.manifest.shown import columns, escape_unsafe

_WIDEST = 160
_RED, _YELLOW, _BLUE, _BOLD, _PLAIN = "\x1b[1;31m", "\x1b[1;33m", "\x1b[1;34m", "\x1b[1m", "\x1b[0m"


def render(diagnostics: Sequence[Diagnostic], format: str) -> str:  # noqa: A002 - the option's name
    """All findings in one of the formats: text, json, github, sarif, junit. Raises ``KeyError`` for another."""
    if format == "text":
        return render_text(diagnostics)
    from wanbatch.cli.findings_machine import FORMATS

    return FORMATS[format](diagnostics)


def render_text(diagnostics: Sequence[Diagnostic], color: bool = False) -> str:
    """The frames of all findings, a blank line between them, and a last line that counts them."""
    if not diagnostics:
        return ""
    frames = [_frame(d, _Paint(color)) for d in diagnostics]
    return "\n\n".join([*frames, _count(diagnostics)])


class _Paint:
    def __init__(self, color: bool) -> None:
        self.on = color

    def __call__(self, text: str, style: str) -> str:
        return f"{style}{text}{_PLAIN}" if self.on and text else text


def _frame(d: Diagnostic, paint: _Paint) -> str:
    loud = _RED if d.severity is Severity.ERROR else _YELLOW
    head = paint(f"{d.severity}[{d.code}]", loud) + paint(f": {escape_unsafe(d.message)}", _BOLD)
    number = str(d.place.line)
    gutter = " " * len(number)
    route = format_route(tuple(escape_unsafe(s) if isinstance(s, str) else s for s in d.route))
    where = (
        escape_unsafe(str(d.place))
        + (f"   {route}" if route else "")
        + (f"   in {escape_unsafe(d.cell)}" if d.cell else "")
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
    lines += [f"{gutter} {paint('=', _BLUE)} help: {escape_unsafe(hint)}" for hint in d.help]
    return "\n".join(lines)


def _cut(d: Diagnostic) -> tuple[str, int, int]:
    """The source line as it is shown, where the caret begins in it, and how wide it is."""
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
    errors = sum(d.severity is Severity.ERROR for d in diagnostics)
    parts = [
        f"{n} {word}{'s' * (n != 1)}"
        for n, word in ((errors, "error"), (len(diagnostics) - errors, "warning"))
        if n
    ]
    return f"{', '.join(parts)} in {_files(diagnostics)}"


def _files(diagnostics: Sequence[Diagnostic]) -> str:
    count = len({d.place.path for d in diagnostics})
    return f"{count} file{'s' * (count != 1)}"
