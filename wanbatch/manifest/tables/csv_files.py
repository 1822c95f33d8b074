"""CSV files as tables: one line of column names, a record for each row.

What it may not do: change a value; whatever separates them, values are texts.

How it works: the first line tells the separator (``delimiters``), Python's ``csv``
reads the records. The place of a cell is found by scanning its record again from its
first line, quotes and all.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator, Sequence

from wanbatch.manifest.sweep import codes
from wanbatch.manifest.tables.blanks import is_blank
from wanbatch.manifest.tables.delimiters import COMMA, READ, Delimiter, find_delimiter
from wanbatch.manifest.tables.tables import Row, RowsProblem, Table, fault
from wanbatch.manifest.yaml.document import Document
from wanbatch.words.diagnostics import Position, Severity
from wanbatch.words.quoting import listed, shown

_CELLS = {
    sign: re.compile(rf'[^\S\t]*"(?:[^"]|"")*"[^{sign}\r\n]*|[^{sign}\r\n]*') for sign in READ
}


def read_csv(table: Table) -> Iterator[tuple[Row, int]]:
    """The rows of a CSV text, each with its first line. Raises ``RowsProblem``."""
    document = table.document
    found = _take_delimiter(table)
    table.delimiter = sign = found.sign
    reader = csv.reader(io.StringIO(document.text, newline=""), strict=True, delimiter=sign)
    columns: list[str] = []
    uneven: list[tuple[int, int]] = []
    line = 1
    try:
        for cells in reader:
            if all(map(is_blank, cells)) or (found.is_said and line == 1):
                pass
            elif not columns:
                columns, table.header = [c.strip() for c in cells], line
                _check_header(table, columns, line)
            elif len(cells) != len(columns):
                uneven.append((line, len(cells)))
            elif not uneven:
                yield dict(zip(columns, cells, strict=True)), line
            line = reader.line_num + 1
    except csv.Error as error:
        if "unexpected end" in str(error):
            raise _unclosed(table, line, "all that follows is read as this value") from None
        if reader.line_num > line:
            until = f"it goes on to the next double quote, in line {reader.line_num}"
            raise _unclosed(table, line, until) from None
        raise fault(
            document,
            max(reader.line_num, 1),
            f"the CSV cannot be read: {error}",
            "close every double quote; write two for one inside",
        ) from None
    if uneven:
        raise _uneven(table, found, len(columns), uneven)


def _uneven(
    table: Table, found: Delimiter, columns: int, uneven: Sequence[tuple[int, int]]
) -> RowsProblem:
    """Lines that have more or fewer values than the header has columns."""
    (line, count), *others = uneven
    have = "value" if count == 1 else "values"
    more = [str(number) for number, _ in others]
    return fault(
        table.document,
        line,
        f"this line has {count} {have}, the header has {columns} columns",
        _quoting_hint(found)
        if count > columns
        else "add what is missing: an empty value, too, has its separator",
        *([f"so it is with line{'s' * (len(more) > 1)} {listed(more, 'and')}"] if more else []),
        place=_csv_cell(table.document, line, columns, found.sign) if count > columns else None,
    )


def _unclosed(table: Table, line: int, label: str) -> RowsProblem:
    """A double quote that nothing closes: where it is opened, not where that is
    noticed."""
    document, sign = table.document, table.delimiter
    offset = document.line_start(line)
    while (cell := _CELLS[sign].match(document.text, offset)) is not None:
        if cell.group().lstrip().startswith('"') and not _CLOSED.fullmatch(cell.group()):
            break
        offset = cell.end() + 1
        if document.text[cell.end() : offset] != sign:
            break
    return fault(
        document,
        line,
        "a double quote is opened and not closed at the end of its value",
        "close it; write two for one inside",
        label=label,
        place=document.place_at(min(offset, len(document.text) - 1), 1),
    )


_CLOSED = re.compile(r'\s*"(?:[^"]|"")*"\s*')


def _quoting_hint(found: Delimiter) -> str:
    if found.sign == ",":
        return 'put values with a comma into double quotes: "one, two"'
    return f"put values that have the separator ({found.name}) in them into double quotes"


def _take_delimiter(table: Table) -> Delimiter:
    """The separator, with a note where it is not the comma. Raises ``RowsProblem``."""
    document = table.document
    found = find_delimiter(document.text)
    if found == COMMA or (found.is_said and found.sign in READ):
        return found
    place = document.place_at(found.offset, found.width)
    if found.sign not in READ:
        raise fault(
            document,
            1,
            f"the values are separated by {found.name}",
            "save the file as CSV; in a spreadsheet choose comma or semicolon as separator",
            'put values that have a separator in them into double quotes: "a boat, at dawn"',
            label="commas, semicolons and tabs are read as separators, and nothing else",
            place=place,
            code=codes.DELIMITER,
        )
    table.notes.append(
        table.finding(
            codes.DELIMITER,
            f"the values are separated by {found.name}",
            place,
            "if that is wrong, say what does in a first line: sep=,",
            label="as the first line has them",
            severity=Severity.NOTE,
        )
    )
    return found


def _check_header(table: Table, columns: list[str], line: int) -> None:
    document = table.document

    def place(number: int) -> Position:
        return _csv_cell(document, line, number, table.delimiter)

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


def _csv_cell(document: Document, line: int, number: int, sign: str) -> Position:
    """The place of a cell in the record that begins in ``line``."""
    text, offset, pattern = document.text, document.line_start(line), _CELLS[sign]
    for _ in range(number):
        found = pattern.match(text, offset)
        offset = found.end() if found else offset
        if text[offset : offset + 1] != sign:
            break
        offset += 1
    found = pattern.match(text, offset)
    cell = found.group() if found else ""
    return document.place_at(min(offset, max(len(text) - 1, 0)), max(len(cell.split("\n")[0]), 1))


def locate_csv(table: Table, row: int, column: str | None, key: bool) -> Position:
    """The place of a cell, or with ``key`` of its heading; without a column of the
    first."""
    number = 0 if column is None else list(table.rows[row]).index(column)
    line = table.header if key else table.where[row]
    return _csv_cell(table.document, line, number, table.delimiter)
