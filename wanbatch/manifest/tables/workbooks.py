"""Sheets of ``.xlsx`` workbooks as tables: one row of column names, a row for each.

What it may not do: guess a value that a cell does not have, import the library before a
workbook is read.

How it works: ``parts`` looks into the archive, python-calamine (the extra ``xlsx``)
reads the values. Each row of the sheet is drawn as a line of text, so that a finding
shows it like a line of a file; its place is the cell's, ``Tabelle1!C5``.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterator, Sequence
from dataclasses import replace

from wanbatch.manifest.sweep import codes
from wanbatch.manifest.tables.blanks import is_blank
from wanbatch.manifest.tables.parts import Archive, Sheet, SheetFacts, UnusableWorkbook, cell_name
from wanbatch.manifest.tables.tables import Row, RowsProblem, Table, TableForm
from wanbatch.manifest.yaml.document import Document, Marks
from wanbatch.words.diagnostics import Diagnostic, Position, Severity
from wanbatch.words.lookalike import similar_names
from wanbatch.words.quoting import escape_unsafe, listed, shown
from wanbatch.words.scalars import Scalar, scalar_text

_BETWEEN = " | "
_LINE_ENDS = re.compile(r"[\t\n\r\v\f]")


def read_workbook(data: bytes, path: str, form: TableForm) -> tuple[Table, list[tuple[Row, int]]]:
    """A sheet's table, still without rows, and each row with its number. Raises
    ``RowsProblem``."""
    _require_library(path)
    try:
        archive = Archive(data)
        sheet = _choose(archive.sheets, path, form.sheet)
        facts = archive.look(sheet)
        grid = _values(archive, sheet, facts)
    except UnusableWorkbook as problem:
        message = f"{escape_unsafe(path)}: {problem}"
        raise RowsProblem(codes.ROWS_FILE, message, *problem.hints) from None
    drawn = _Drawn(path, sheet.name, grid, facts.errors)
    table = Table(drawn.document, drawn.locate)
    return table, _Reading(table, drawn, facts, archive.sheets, sheet, form).rows()


def _require_library(path: str) -> None:
    try:
        import python_calamine  # noqa: F401
    except ImportError:
        raise RowsProblem(
            codes.ROWS_FILE,
            f"{escape_unsafe(path)} is a workbook, and what reads them is not installed",
            "install wanbatch with its extra: pip install '.[xlsx]' in a checkout",
            "or save the sheet as CSV",
        ) from None


def _choose(sheets: Sequence[Sheet], path: str, wanted: str | None) -> Sheet:
    if wanted is not None:
        for sheet in sheets:
            if sheet.name == wanted:
                return sheet
        names = [s.name for s in sheets]
        raise RowsProblem(
            codes.SHEET,
            f"{escape_unsafe(path)} has no sheet {shown(wanted)}",
            *similar_names(wanted, names),
            f"its sheets are {listed(map(shown, names), 'and')}",
        )
    seen = next((s for s in sheets if s.is_visible), next(iter(sheets), None))
    if seen is None:
        raise UnusableWorkbook("it has no sheet of cells", "add one, with a row of column names")
    return seen


def _values(archive: Archive, sheet: Sheet, facts: SheetFacts) -> list[list[Scalar]]:
    """The sheet from its first cell on, filled up to a rectangle."""
    from python_calamine import CalamineWorkbook

    if not facts.rows:
        return []
    try:
        with CalamineWorkbook.from_filelike(archive.pack(sheet)) as workbook:
            read = workbook.get_sheet_by_name(sheet.name).to_python(skip_empty_area=False)
    except BaseException as error:
        # What its Rust gives up on (a date in the year of 10¹⁵) is no Exception.
        if not isinstance(error, Exception) and type(error).__name__ != "PanicException":
            raise
        raise UnusableWorkbook(
            f"it cannot be read: {escape_unsafe(str(error))[:200]}",
            "open it in a spreadsheet program and save it as .xlsx, or as CSV",
        ) from None
    width = facts.columns
    return [[*map(_scalar, row), *[""] * (width - len(row))] for row in read]


def _scalar(value: object) -> Scalar:
    """A cell's value as CSV would have it: dates and times are texts in ISO 8601, and
    numbers have the 15 digits that a spreadsheet shows."""
    if isinstance(value, (bool, str)):
        return value
    if isinstance(value, float):
        short = float(f"{value:.15g}")
        return int(short) if short.is_integer() and abs(short) < 1e15 else short
    if isinstance(value, (dt.date, dt.time)):
        return value.isoformat()
    if isinstance(value, dt.timedelta):
        minutes, seconds = divmod(round(value.total_seconds()), 60)
        return f"{minutes // 60}:{minutes % 60:02}:{seconds:02}"
    return value if isinstance(value, int) else str(value)


class _Drawn:
    """A sheet as text, a line for each row, with the place of every cell."""

    def __init__(
        self, path: str, sheet: str, grid: list[list[Scalar]], errors: dict[tuple[int, int], str]
    ) -> None:
        self.sheet, self.grid = sheet, grid
        self._texts = [[_drawn(value) for value in row] for row in grid]
        for (row, column), text in errors.items():
            if row <= len(grid) and column <= len(grid[row - 1]):
                self._texts[row - 1][column - 1] = text
        lines = [_BETWEEN.join(texts).rstrip() for texts in self._texts]
        self.document = Document(path, "\n".join(lines) or " ", None, Marks())

    def place(self, row: int, column: int) -> Position:
        """Of the cell in ``row`` and ``column``, both from 1."""
        document, cell = self.document, f"{self.sheet}!{cell_name(row, column)}"
        if row > len(self._texts):
            return replace(document.place_at(0, 1), line=row, cell=cell)
        texts = self._texts[row - 1]
        before = sum(len(text) + len(_BETWEEN) for text in texts[: column - 1])
        width = len(texts[column - 1]) if column <= len(texts) else 1
        line = len(document.source(row))
        start = document.line_start(row) + min(before, max(line - 1, 0))
        return replace(document.place_at(start, max(width, 1)), cell=cell)

    def locate(self, table: Table, row: int, column: str | None, key: bool) -> Position:
        """As ``Table.locate``: ``offsets`` holds the columns' numbers."""
        names = list(table.rows[row])
        number = table.offsets[names.index(column) if column is not None else 0]
        return self.place(table.header if key else table.where[row], number)


def _drawn(value: Scalar) -> str:
    if isinstance(value, bool):
        return "TRUE" if value else "FALSE"
    return _LINE_ENDS.sub(" ", value) if isinstance(value, str) else scalar_text(value)


class _Reading:
    """One sheet: its header, its rows, and what is wrong with them."""

    def __init__(
        self,
        table: Table,
        drawn: _Drawn,
        facts: SheetFacts,
        sheets: Sequence[Sheet],
        sheet: Sheet,
        form: TableForm,
    ) -> None:
        self._table, self._drawn, self._facts = table, drawn, facts
        self._sheets, self._sheet, self._form = sheets, sheet, form
        self._grid = drawn.grid

    def rows(self) -> list[tuple[Row, int]]:
        header = next((n for n, row in enumerate(self._grid, 1) if not _is_empty(row)), 0)
        self._doubt_sheet(max(header, 1))
        if not header:
            return []
        self._table.header = header
        merges = list(self._fill(header))
        found = [*merges, *self._check_header(header), *self._check_cells(header)]
        if found:
            raise RowsProblem(codes.SHEET_CELL, found[0].message, found=found)
        columns = self._table.offsets
        names = [str(self._grid[header - 1][c - 1]).strip() for c in columns]
        made = [
            (dict(zip(names, (row[c - 1] for c in columns), strict=True)), number)
            for number, row in enumerate(self._grid[header:], header + 1)
            if not _is_empty(row)
        ]
        self._doubt_hidden([number for _, number in made])
        return made

    def _doubt_sheet(self, row: int) -> None:
        others = [s.name for s in self._sheets if s.is_visible and s is not self._sheet]
        if self._form.sheet is None and others:
            path, name = self._table.document.path, self._sheet.name
            self._table.notes.append(
                self._finding(
                    codes.SHEET,
                    f"{shown(self._sheet.name)} is read, the first of {len(others) + 1} sheets",
                    self._drawn.place(row, 1),
                    f"say which: {self._form.proposal(path, 'sheet', name)}",
                    label=f"not read: {listed(map(shown, others), 'and')}",
                    severity=Severity.WARNING,
                )
            )

    def _doubt_hidden(self, numbers: list[int]) -> None:
        hidden = [number for number in numbers if number in self._facts.hidden]
        if hidden:
            rows = "1 row is hidden" if len(hidden) == 1 else f"{len(hidden):,} rows are hidden"
            self._table.notes.append(
                self._finding(
                    codes.SHEET_HIDES,
                    f"{rows} or filtered in the sheet, and read like others",
                    self._drawn.place(hidden[0], 1),
                    "delete those rows, show them, or choose with --select row=…",
                    severity=Severity.WARNING,
                )
            )

    def _fill(self, header: int) -> Iterator[Diagnostic]:
        """Gives each row of cells that are merged downwards their value."""
        for top, left, bottom, right in self._facts.merged:
            if bottom < header or top > len(self._grid) or (top, left) == (bottom, right):
                continue
            if top <= header or left != right:
                if any(left <= c <= right for c in range(1, self._facts.columns + 1)):
                    yield self._merged(top, left, bottom, right)
                continue
            if left > self._facts.columns or self._grid[top - 1][left - 1] == "":
                continue
            value = self._grid[top - 1][left - 1]
            for row in self._grid[top:bottom]:
                row[left - 1] = value
            self._table.notes.append(
                self._finding(
                    codes.SHEET_HIDES,
                    f"{shown(value)} counts for {bottom - top + 1:,} rows",
                    self._drawn.place(top, left),
                    "unmerge the cells to give each row a value of its own",
                    label=f"{cell_name(top, left)}:{cell_name(bottom, right)} are merged",
                    severity=Severity.NOTE,
                )
            )

    def _merged(self, top: int, left: int, bottom: int, right: int) -> Diagnostic:
        ends = f"{cell_name(top, left)}:{cell_name(bottom, right)}"
        return self._finding(
            codes.SHEET_CELL,
            f"{ends} are merged: only the first of them has a value",
            self._drawn.place(top, left),
            "unmerge the cells, and give each column its own value",
            "a title above the table belongs into another sheet, or is removed",
        )

    def _check_header(self, header: int) -> Iterator[Diagnostic]:
        """Notes the columns that have a name, or any value."""
        seen: dict[str, int] = {}
        for number in range(1, self._facts.columns + 1):
            name = str(self._grid[header - 1][number - 1]).strip()
            if not name:
                below = (row[number - 1] for row in self._grid[header:])
                if any(not _is_empty([value]) for value in below):
                    yield self._finding(
                        codes.ROWS_CONTENT,
                        "a column has no name",
                        self._drawn.place(header, number),
                        "name every column in the first row, or remove the empty ones",
                        label=f"values stand below {cell_name(header, number)}",
                    )
                continue
            if name in seen:
                yield self._finding(
                    codes.ROWS_CONTENT,
                    f"the column {shown(name)} stands twice",
                    self._drawn.place(header, number),
                    "rename one of the two",
                    label=f"first in {cell_name(header, seen[name])}",
                )
            seen.setdefault(name, number)
            self._table.offsets.append(number)

    def _check_cells(self, header: int) -> Iterator[Diagnostic]:
        wrong = {
            place: (f"the cell holds the error {text}", "correct the formula, or write the value")
            for place, text in self._facts.errors.items()
        }
        for place in self._facts.uncomputed:
            wrong[place] = (
                "the formula in this cell has no stored result",
                "open the workbook in a spreadsheet program and save it, or write the value",
            )
        for (row, column), (message, hint) in sorted(wrong.items()):
            if row >= header:
                at = self._drawn.place(row, column)
                yield self._finding(codes.SHEET_CELL, message, at, hint)

    def _finding(
        self,
        code: str,
        message: str,
        place: Position,
        *hints: str,
        label: str = "",
        severity: Severity = Severity.ERROR,
    ) -> Diagnostic:
        return self._table.finding(code, message, place, *hints, label=label, severity=severity)


def _is_empty(row: Sequence[Scalar]) -> bool:
    return all(isinstance(value, str) and is_blank(value) for value in row)
