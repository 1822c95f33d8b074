"""CSV files as tables: one line of column names, a record for each row, commas between.

What it may not do: guess another separator; it is named and refused.

How it works: Python's ``csv`` reads the records. The place of a cell is found by
scanning its record again from its first line, quotes and all.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator

from wanbatch.manifest.sweep import codes
from wanbatch.manifest.tables.blanks import is_blank
from wanbatch.manifest.tables.delimiters import find_other_delimiter
from wanbatch.manifest.tables.tables import Row, Table, fault
from wanbatch.manifest.yaml.document import Document
from wanbatch.words.diagnostics import Position
from wanbatch.words.quoting import shown

_CELL = re.compile(r'\s*"(?:[^"]|"")*"[^,\r\n]*|[^,\r\n]*')


def read_csv(table: Table) -> Iterator[tuple[Row, int]]:
    """The rows of a CSV text, each with its first line. Raises ``RowsProblem``."""
    document = table.document
    _refuse_delimiter(document)
    reader = csv.reader(io.StringIO(document.text, newline=""), strict=True)
    columns: list[str] = []
    line = 1
    try:
        for cells in reader:
            if all(map(is_blank, cells)) or (not columns and _is_separator_line(cells, line)):
                pass
            elif not columns:
                columns, table.header = [c.strip() for c in cells], line
                _check_header(document, columns, line)
            elif len(cells) != len(columns):
                raise fault(
                    document,
                    line,
                    f"this line has {len(cells)} values, the header has {len(columns)} columns",
                    'put values with a comma into double quotes: "one, two"',
                )
            else:
                yield dict(zip(columns, cells, strict=True)), line
            line = reader.line_num + 1
    except csv.Error as error:
        raise fault(
            document,
            max(reader.line_num, 1),
            f"the CSV cannot be read: {error}",
            "close every double quote; write two for one inside",
        ) from None


def _is_separator_line(cells: list[str], line: int) -> bool:
    """A first line ``sep=,``, which tells a spreadsheet what is so anyway: a comma."""
    return line == 1 and [c.lower() for c in cells] == ["sep=", ""]


def _refuse_delimiter(document: Document) -> None:
    found = find_other_delimiter(document.text)
    if found is not None:
        raise fault(
            document,
            1,
            f"the values are separated by {found.name}, not by commas",
            "save the file as CSV with commas; in a spreadsheet choose the comma as separator",
            'put values that have a comma of their own into double quotes: "a boat, at dawn"',
            label="commas are read as separators, and nothing else",
            place=document.place_at(found.offset, found.width),
            code=codes.DELIMITER,
        )


def _check_header(document: Document, columns: list[str], line: int) -> None:
    def place(number: int) -> Position:
        return _csv_cell(document, line, number)

    for number, name in enumerate(columns):
        if not name:
            raise fault(
                document,
                line,
                "a column has no name",
                "name every column in the first line, or remove the empty ones",
                label=f"column {number + 1} of {len(columns)}",
                place=place(number),
            )
        if name in columns[:number]:
            raise fault(
                document,
                line,
                f"the column {shown(name)} stands twice",
                "rename one of the two",
                label=f"first as column {columns.index(name) + 1}",
                place=place(number),
            )


def _csv_cell(document: Document, line: int, number: int) -> Position:
    """The place of a cell in the record that begins in ``line``."""
    text, offset = document.text, document.line_start(line)
    for _ in range(number):
        found = _CELL.match(text, offset)
        offset = found.end() if found else offset
        if text[offset : offset + 1] != ",":
            break
        offset += 1
    found = _CELL.match(text, offset)
    cell = found.group() if found else ""
    return document.place_at(min(offset, max(len(text) - 1, 0)), max(len(cell.split("\n")[0]), 1))


def locate_csv(table: Table, row: int, column: str | None, key: bool) -> Position:
    """The place of a cell, or with ``key`` of its heading; without a column of the
    first."""
    number = 0 if column is None else list(table.rows[row]).index(column)
    return _csv_cell(table.document, table.header if key else table.where[row], number)
