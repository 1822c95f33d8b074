"""Diagnostics: findings about a user's files, each with a code, a place, what is wrong
and what to do.

What it may not do: print, read files, or know any particular rule. Rules live where
they are checked; printing lives in ``cli``.

How it works: a check returns ``Diagnostic`` values; a ``Position`` is mandatory, so
that no finding can exist without one. ``order`` sorts the findings of all files by
place, and makes one finding of those that the cells of a sweep share. Lines and columns
count from 1, columns in code points, as editors do.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from enum import StrEnum

Route = tuple[str | int, ...]
"""The way from a document's root to a value: ``("jobs", 1, "media",
"driving_audio")``."""


class Severity(StrEnum):
    ERROR = "error"
    WARNING = "warning"
    NOTE = "note"
    """What was found out, and is no reason to change anything."""


@dataclass(frozen=True, slots=True)
class Position:
    """A span in one line of a file: ``path`` as the user named it, ``line`` and
    ``column`` from 1, ``end_column`` exclusive.

    In a workbook the line is the sheet's row, drawn as a line of text, and ``cell`` is
    how people call the place: ``Tabelle1!C5``.
    """

    path: str
    line: int = 1
    column: int = 1
    end_column: int = 1
    cell: str = ""

    def __str__(self) -> str:
        return f"{self.path}:{self.cell or f'{self.line}:{self.column}'}"


@dataclass(frozen=True, slots=True)
class Cell:
    """A job, by its name, that has a finding: in the words that are its own, with the
    row of data that they come from, and where it stands if not at the finding's own
    place.
    """

    name: str
    message: str
    label: str = ""
    help: tuple[str, ...] = ()
    row: Position | None = None
    place: Position | None = None


@dataclass(frozen=True, slots=True)
class Diagnostic:
    """One finding.

    ``message`` says what is wrong, ``label`` stands beside the caret and says why,
    ``help`` says what to do. ``source`` is the text of the line at ``place`` (empty
    where the file has none). ``cell`` names the job that has it, ``row`` is where its
    data stand.

    ``cells`` are all jobs that have the finding, once ``merge`` has made one of theirs;
    the other texts are then those of the first.
    """

    code: str
    message: str
    place: Position
    route: Route = ()
    label: str = ""
    help: tuple[str, ...] = ()
    source: str = ""
    cell: str = ""
    severity: Severity = Severity.ERROR
    row: Position | None = None
    cells: tuple[Cell, ...] = ()


def format_route(route: Route) -> str:
    """The route as people write it: ``jobs[1].media.driving_audio``."""
    text = ""
    for step in route:
        if isinstance(step, int):
            text += f"[{step}]"
        else:
            text += f".{step}" if text else step
    return text


def order(findings: Iterable[Diagnostic]) -> list[Diagnostic]:
    """All findings sorted by file, line, column and code, each thing once."""
    return sorted(
        merge(findings),
        key=lambda d: (d.place.path, d.place.line, d.place.column, d.code, d.cell, d.message),
    )


def merge(findings: Iterable[Diagnostic]) -> Iterator[Diagnostic]:
    """Equal findings once, and one finding of each code and place for all cells that
    have it.

    What a cell has twice at one place, in other words, stays two findings.
    """
    groups: dict[object, list[_Group]] = {}
    for finding in findings:
        if not finding.cell:
            groups.setdefault(finding, [_Group(finding, {})])
            continue
        alike = groups.setdefault((finding.code, finding.place, finding.severity), [])
        for cell in finding.cells or (_cell(finding),):
            for group in alike:
                if group.cells.setdefault(cell.name, cell).message == cell.message:
                    break
            else:
                alike.append(_Group(finding, {cell.name: cell}))
    for alike in groups.values():
        for group in alike:
            yield group.whole()


@dataclass(slots=True)
class _Group:
    first: Diagnostic
    cells: dict[str, Cell]

    def whole(self) -> Diagnostic:
        return replace(self.first, cells=tuple(self.cells.values()))


def _cell(finding: Diagnostic) -> Cell:
    return Cell(finding.cell, finding.message, finding.label, finding.help, finding.row)


def change_texts(finding: Diagnostic, change: Callable[[str], str]) -> Diagnostic:
    """The finding with ``change`` made to everything that may quote a user's file."""

    def changed(part: Cell | Diagnostic) -> dict[str, object]:
        return {
            "message": change(part.message),
            "label": change(part.label),
            "help": tuple(map(change, part.help)),
        }

    cells = tuple(replace(cell, **changed(cell)) for cell in finding.cells)  # type: ignore[arg-type]
    return replace(
        finding,
        source=change(finding.source),
        cells=cells,
        **changed(finding),  # type: ignore[arg-type]
    )


def has_errors(findings: Iterable[Diagnostic]) -> bool:
    return any(d.severity is Severity.ERROR for d in findings)
