"""Tables: rows of cells, with the place of every cell.

What it may not do: read files (``data_files`` does), name the rows (``rows`` does).

How it works: where a cell stands is worked out only when a finding asks for it, by the
reader of its format. A row of white space is no row: spreadsheets and hands leave such
lines behind, and each would be bought.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from wanbatch.manifest.sweep import codes
from wanbatch.manifest.tables.blanks import is_blank
from wanbatch.manifest.yaml.document import Document, Value
from wanbatch.words.diagnostics import Diagnostic, Position, Severity
from wanbatch.words.quoting import escape_unsafe
from wanbatch.words.scalars import Scalar

Row = dict[str, Scalar]
_PLAIN_TEXT = re.compile(r"[^\W\d][\w./-]*(?: [\w./-]+)*")


@dataclass(frozen=True, slots=True)
class TableForm:
    """What the manifest says: a CSV file's encoding, a workbook's sheet. ``written`` is
    all of its ``rows``, for who proposes a line to write."""

    encoding: str | None = None
    sheet: str | None = None
    written: Mapping[str, str] = field(default_factory=dict, compare=False)

    def proposal(self, path: str, name: str, value: str) -> str:
        """The line to write, with ``name`` as it should be."""
        said = {"from": path, **self.written, name: value}
        pairs = ", ".join(f"{key}: {_yaml(escape_unsafe(text))}" for key, text in said.items())
        return f"rows: {{{pairs}}}"


class RowsProblem(Exception):
    """What is wrong with rows. ``found`` are findings with a place in the data file;
    without them ``message`` belongs to the manifest's ``rows``.
    """

    def __init__(
        self,
        code: str,
        message: str,
        *hints: str,
        label: str = "",
        found: Iterable[Diagnostic] = (),
    ) -> None:
        super().__init__(message)
        self.code, self.message, self.label, self.hints = code, message, label, hints
        self.found = tuple(found)


@dataclass(slots=True)
class Table:
    """Rows, and where they stand in ``document``. ``locate(row, column, key)`` is the
    place of a cell or, with ``key``, of its heading; without a column of the whole row.

    ``where`` holds what the reader notes for each row: a line, or an item's number.
    """

    document: Document
    locate: Callable[[Table, int, str | None, bool], Position]
    rows: list[Row] = field(default_factory=list)
    where: list[int] = field(default_factory=list)
    offsets: list[int] = field(default_factory=list)
    """Where the items of a JSON list begin, once somebody has asked."""
    header: int = 1
    """The first line of a CSV file's header, or a sheet's row of it."""
    delimiter: str = ","
    """What separates a CSV file's values."""
    notes: list[Diagnostic] = field(default_factory=list)
    """What the reader found out or doubts: no reason to refuse the table."""

    def columns(self) -> list[str]:
        """Every column that some row has, in order."""
        return list(dict.fromkeys(name for row in self.rows for name in row))

    def place(self, row: int, column: str | None, *, key: bool = False) -> Position:
        """Where a cell stands, or the heading that it is under; without a column the
        row."""
        return self.locate(self, row, column, key)

    def row_place(self, row: int, column: str) -> Position:
        """Where a row begins; in its first line the cell of ``column``, if it stands
        there."""
        begin, cell = self.place(row, None), self.place(row, column)
        return cell if cell.line == begin.line else begin

    def first(self, column: str) -> int:
        """The first row that has the column."""
        return next((n for n, row in enumerate(self.rows) if column in row), 0)

    def finding(
        self,
        code: str,
        message: str,
        place: Position,
        *hints: str,
        label: str = "",
        severity: Severity = Severity.ERROR,
    ) -> Diagnostic:
        """A finding about a place in the table."""
        return self.document.finding(
            code, message, place=place, label=label, hints=hints, severity=severity
        )


def _yaml(text: str) -> str:
    """A text as it may stand in a flow mapping."""
    return text if _PLAIN_TEXT.fullmatch(text) else json.dumps(text, ensure_ascii=False)


def is_blank_row(row: Row) -> bool:
    """Whether there is nothing in a row. A single cell that is written as empty is a
    choice: one video without that word.
    """
    for value in row.values():
        if value is not None and not (isinstance(value, str) and is_blank(value)):
            return False
    return len(row) > 1 or next(iter(row.values())) not in (None, "")


def inline_table(document: Document, values: list[Value], path: tuple[str | int, ...]) -> Table:
    """An inline list at ``path`` in a manifest, whose shape the schema has checked."""
    rows: list[Row] = []
    where: list[int] = []
    for number, value in enumerate(values):
        row = dict(_scalars(value)) if isinstance(value, dict) else {}
        if row and not is_blank_row(row):
            rows.append(row)
            where.append(number)

    def locate(table: Table, row: int, column: str | None, key: bool) -> Position:
        at = (*path, table.where[row])
        return document.place(at if column is None else (*at, column), key=key)

    return Table(document, locate, rows, where)


def _scalars(row: dict[str, Value]) -> Iterator[tuple[str, Scalar]]:
    for name, value in row.items():
        if not isinstance(value, (dict, list)):
            yield name, value


def fault(
    document: Document,
    line: int,
    message: str,
    *hints: str,
    label: str = "",
    column: int = 0,
    place: Position | None = None,
    code: str = codes.ROWS_CONTENT,
) -> RowsProblem:
    """A finding about a line of the data file, with ``column`` (from 1) about one
    character of it, or about ``place``.
    """
    start = document.line_start(line)
    place = place or (
        document.place_at(start + column - 1, 1)
        if column
        else document.place_at(start, max(len(document.source(line)), 1))
    )
    finding = document.finding(code, message, place=place, label=label, hints=hints)
    return RowsProblem(code, message, found=(finding,))
