"""Tables: the rows of a data file or of an inline list, with the place of every cell.

What it may not do: render templates (data are data), name the rows (``rows`` does), recurse into nested data.

How it works: each format becomes a list of mappings of columns to scalars. Where a cell stands is worked out only when a
finding asks for it: a CSV record is scanned again from its first line, in JSON the key is looked for in its item. A row of
white space is no row: spreadsheets and hands leave such lines behind, and each would be bought.
"""

from __future__ import annotations

import csv
import io
import json
import math
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path, PurePath

from wanbatch.diagnostics import Diagnostic, Place, Severity
from wanbatch.manifest import expand_codes as codes
from wanbatch.manifest.blanks import is_blank
from wanbatch.manifest.delimiters import find_other_delimiter
from wanbatch.manifest.document import Document, Marks, Value
from wanbatch.manifest.escapes import halves_in
from wanbatch.manifest.model import Scalar
from wanbatch.manifest.shown import escape_unsafe, shown
from wanbatch.manifest.source import Unusable, decode, parse_source, read_bytes

Row = dict[str, Scalar]
_LARGEST = 64 * 1024 * 1024
_QUOTED = re.compile(r'\s*"(?:[^"]|"")*"[^,\r\n]*|[^,\r\n]*')


class RowsProblem(Exception):
    """What is wrong with rows. ``found`` are findings with a place in the data file; without them ``message`` belongs to the manifest's ``rows``."""

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
    """Rows, and where they stand in ``document``. ``locate(row, column, key)`` is the place of a cell or, with ``key``, of its heading.

    ``where`` holds what the reader notes for each row: a line, or an item's number.
    """

    document: Document
    locate: Callable[[Table, int, str, bool], Place]
    rows: list[Row] = field(default_factory=list)
    where: list[int] = field(default_factory=list)
    header: int = 1
    """The first line of a CSV file's header."""

    def columns(self) -> list[str]:
        """Every column that some row has, in order."""
        return list(dict.fromkeys(name for row in self.rows for name in row))

    def place(self, row: int, column: str, *, key: bool = False) -> Place:
        """Where a cell stands, or the heading that it is under."""
        return self.locate(self, row, column, key)

    def first(self, column: str) -> int:
        """The first row that has the column."""
        return next((n for n, row in enumerate(self.rows) if column in row), 0)

    def finding(
        self,
        code: str,
        message: str,
        place: Place,
        *hints: str,
        label: str = "",
        severity: Severity = Severity.ERROR,
    ) -> Diagnostic:
        """A finding about a place in the table."""
        return self.document.finding(
            code, message, place=place, label=label, hints=hints, severity=severity
        )


def read_table(shown_path: str, path: Path, most: int) -> Table:
    """The table of a data file, by the end of its name; more rows than ``most`` would make too many jobs. Raises ``RowsProblem``."""
    suffix = PurePath(shown_path).suffix.lower()
    if suffix not in _READERS:
        raise RowsProblem(
            codes.ROWS_FILE,
            f"{shown(shown_path)} is no data file that rows can read",
            "use .csv, .jsonl, .json or .yaml",
            *(("save it as CSV with commas",) if suffix in _OTHER_SEPARATORS else ()),
        )
    read, locate = _READERS[suffix]
    try:
        text = decode(read_bytes(path, _LARGEST, "the manifest"))
    except Unusable as problem:
        raise RowsProblem(
            codes.ROWS_FILE, f"{escape_unsafe(shown_path)}: {problem.message}", *problem.hints
        ) from None
    table = Table(Document(shown_path, text, None, Marks()), locate)
    for row, where in read(table):
        if is_blank_row(row):
            continue
        table.rows.append(row)
        table.where.append(where)
        if len(table.rows) > most:
            what = f"{escape_unsafe(shown_path)} has more than {most:,} rows, and as many jobs are allowed"
            raise RowsProblem(codes.TOO_MANY_JOBS, what, "if that is meant, raise --max-jobs")
    return table


def is_blank_row(row: Row) -> bool:
    """Whether there is nothing in a row. A single cell that is written as empty is a choice: one video without that word."""
    if not all(
        value is None or (isinstance(value, str) and is_blank(value)) for value in row.values()
    ):
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

    def locate(table: Table, row: int, column: str, key: bool) -> Place:
        return document.place((*path, table.where[row], column), key=key)

    return Table(document, locate, rows, where)


def _scalars(row: dict[str, Value]) -> Iterator[tuple[str, Scalar]]:
    for name, value in row.items():
        if not isinstance(value, (dict, list)):
            yield name, value


def _fault(
    document: Document,
    line: int,
    message: str,
    *hints: str,
    label: str = "",
    column: int = 0,
    place: Place | None = None,
    code: str = codes.ROWS_CONTENT,
) -> RowsProblem:
    """A finding about a line of the data file, with ``column`` (from 1) about one character of it, or about ``place``."""
    start = document.line_start(line)
    place = place or (
        document.place_at(start + column - 1, 1)
        if column
        else document.place_at(start, max(len(document.source(line)), 1))
    )
    finding = document.finding(code, message, place=place, label=label, hints=hints)
    return RowsProblem(code, message, found=(finding,))


# -- CSV -------------------------------------------------------------------------------------


def _read_csv(table: Table) -> Iterator[tuple[Row, int]]:
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
                raise _fault(document, line, f"this line has {len(cells)} values, the header has {len(columns)} columns",
                             'put values with a comma into double quotes: "one, two"')  # fmt: skip
            else:
                yield dict(zip(columns, cells, strict=True)), line
            line = reader.line_num + 1
    except csv.Error as error:
        raise _fault(
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
        raise _fault(
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
    def place(number: int) -> Place:
        return _csv_cell(document, line, number)

    for number, name in enumerate(columns):
        if not name:
            raise _fault(
                document,
                line,
                "a column has no name",
                "name every column in the first line, or remove the empty ones",
                label=f"column {number + 1} of {len(columns)}",
                place=place(number),
            )
        if name in columns[:number]:
            raise _fault(
                document,
                line,
                f"the column {shown(name)} stands twice",
                "rename one of the two",
                label=f"first as column {columns.index(name) + 1}",
                place=place(number),
            )


def _csv_cell(document: Document, line: int, number: int) -> Place:
    """The place of a cell in the record that begins in ``line``."""
    text, offset = document.text, document.line_start(line)
    for _ in range(number):
        found = _QUOTED.match(text, offset)
        offset = found.end() if found else offset
        if text[offset : offset + 1] != ",":
            break
        offset += 1
    found = _QUOTED.match(text, offset)
    cell = found.group() if found else ""
    return document.place_at(min(offset, max(len(text) - 1, 0)), max(len(cell.split("\n")[0]), 1))


def _locate_csv(table: Table, row: int, column: str, key: bool) -> Place:
    number = list(table.rows[row]).index(column)
    return _csv_cell(table.document, table.header if key else table.where[row], number)


# -- JSON and YAML ---------------------------------------------------------------------------


def _read_jsonl(table: Table) -> Iterator[tuple[Row, int]]:
    document = table.document
    _refuse_halves(document)
    for line, text in enumerate(document.text.split("\n"), 1):
        if text.strip():
            yield _row(document, _json(document, text, line), line), line


def _read_json(table: Table) -> Iterator[tuple[Row, int]]:
    document = table.document
    data = _json(document, document.text, 1)
    _refuse_halves(document)
    if not isinstance(data, list):
        raise _fault(document, 1, "a JSON data file is a list of mappings", "write [{…}, {…}]")
    for number, item in enumerate(data):
        wrong = _row_problem(item) is not None
        line = document.line_of(_item_offset(document.text, number)) if wrong else 1
        yield _row(document, item, line), number


def _refuse_halves(document: Document) -> None:
    if found := halves_in(document):
        raise RowsProblem(found[0].code, found[0].message, found=found)


def _item_offset(text: str, number: int) -> int:
    """Where an item of a JSON list begins that can be read."""
    decoder = json.JSONDecoder()
    offset = text.index("[") + 1
    for _ in range(number + 1):
        while text[offset] in " \t\r\n,":
            offset += 1
        begin = offset
        _, offset = decoder.raw_decode(text, offset)
    return begin


def _locate_json(table: Table, row: int, column: str, key: bool) -> Place:
    text = table.document.text
    begin = _item_offset(text, table.where[row])
    return _key_place(table.document, begin, len(text), column)


def _locate_jsonl(table: Table, row: int, column: str, key: bool) -> Place:
    begin = table.document.line_start(table.where[row])
    line = table.document.source(table.where[row])
    return _key_place(table.document, begin, begin + len(line), column)


def _key_place(document: Document, begin: int, end: int, column: str) -> Place:
    """Where the key ``column`` stands in the item that begins at ``begin``, else the item itself."""
    for written in (json.dumps(column, ensure_ascii=False), json.dumps(column)):
        if found := re.compile(re.escape(written) + r"\s*:").search(document.text, begin, end):
            return document.place_at(found.start(), len(written))
    return document.place_at(begin, 1)


def _json(document: Document, text: str, line: int) -> object:
    try:
        return json.loads(text, parse_constant=_refuse_constant, object_pairs_hook=_unique)
    except json.JSONDecodeError as error:
        hint = "texts and names are in double quotes, and nothing follows the last comma"
        raise _fault(
            document,
            line + error.lineno - 1,
            f"the JSON cannot be read: {error.msg}",
            hint,
            column=error.colno,
        ) from None
    except (ValueError, RecursionError) as error:
        reason = (
            "it is nested too deeply"
            if isinstance(error, RecursionError)
            else str(error).split(";")[0]
        )
        raise _fault(
            document,
            line,
            f"the JSON cannot be read: {escape_unsafe(reason)}",
            "write a list of mappings of columns to values",
        ) from None


def _refuse_constant(name: str) -> object:
    raise ValueError(f"{name} is no number of JSON")


def _unique(pairs: list[tuple[str, object]]) -> dict[str, object]:
    made = dict(pairs)
    if len(made) < len(pairs):
        raise ValueError("a key stands twice in one mapping")
    return made


def _read_yaml(table: Table) -> Iterator[tuple[Row, int]]:
    source = parse_source(table.document.path, table.document.text)
    errors = [f for f in source.findings if f.severity is Severity.ERROR]
    if errors or source.document is None:
        raise RowsProblem(codes.ROWS_CONTENT, "the data file cannot be read", found=errors)
    document = table.document = source.document
    data = document.data
    if not isinstance(data, list):
        raise _fault(document, 1, "a YAML data file is a list of mappings", "write - column: value")
    for number, item in enumerate(data):
        yield _row(document, item, document.place((number,)).line), number


def _locate_yaml(table: Table, row: int, column: str, key: bool) -> Place:
    return table.document.place((table.where[row], column), key=key)


def _row(document: Document, item: object, line: int) -> Row:
    problem = _row_problem(item)
    if problem is not None or not isinstance(item, dict):
        message, hint, label = problem or ("", "", "")
        raise _fault(document, line, message, hint, label=label)
    return item


def _row_problem(item: object) -> tuple[str, str, str] | None:
    if not isinstance(item, dict) or not item:
        return (
            "a row is a mapping of columns to values",
            "write {column: value}",
            f"this is {shown(item)}",
        )
    for name, value in item.items():
        if isinstance(value, (dict, list)):
            return (
                f"the column {shown(name)} holds {shown(value)}",
                "a value is a text, a number, true, false or null",
                "",
            )
        if (isinstance(value, float) and not math.isfinite(value)) or (
            isinstance(value, int) and abs(value) >= 10**18
        ):
            return (
                f"the column {shown(name)} holds a number that is too large",
                "put it in quotes if it is a text",
                "",
            )
    return None


_Reader = Callable[[Table], Iterator[tuple[Row, int]]]
_Locate = Callable[[Table, int, str, bool], Place]
_READERS: dict[str, tuple[_Reader, _Locate]] = {
    ".csv": (_read_csv, _locate_csv),
    ".jsonl": (_read_jsonl, _locate_jsonl),
    ".ndjson": (_read_jsonl, _locate_jsonl),
    ".json": (_read_json, _locate_json),
    ".yaml": (_read_yaml, _locate_yaml),
    ".yml": (_read_yaml, _locate_yaml),
}
_OTHER_SEPARATORS = frozenset({".tsv", ".tab", ".psv"})
