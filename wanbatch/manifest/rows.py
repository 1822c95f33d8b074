"""Rows: the data files and lists that give a job one cell per row.

What it may not do: render templates (data are data), follow a path out of the tree, recurse into nested data.

How it works: each format becomes a list of mappings of columns to scalars; then every row gets the value of its axis: the key column, else a
unique ``id`` or ``name``, else 8 digits of the hash of its content, so that inserting a row renames no other.
"""

from __future__ import annotations

import csv
import io
import json
import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path, PurePath

from wanbatch.canonical import content_hash
from wanbatch.diagnostics import Diagnostic, Severity
from wanbatch.manifest import expand_codes as codes
from wanbatch.manifest.document import Document, Marks, Value
from wanbatch.manifest.model import Scalar
from wanbatch.manifest.scalars import scalar_text
from wanbatch.manifest.shown import closest, escape_unsafe, listed, shown
from wanbatch.manifest.source import Unusable, decode, parse_source, read_bytes

Row = dict[str, Scalar]
_LARGEST = 64 * 1024 * 1024


class RowsProblem(Exception):
    """What is wrong with rows. ``found`` are findings with a place in the data file; without them ``message`` belongs to the manifest's ``rows``."""

    def __init__(
        self, code: str, message: str, *hints: str, found: Iterable[Diagnostic] = ()
    ) -> None:
        super().__init__(message)
        self.code, self.message, self.hints, self.found = code, message, hints, tuple(found)


@dataclass(frozen=True, slots=True)
class Rows:
    """The rows and, beside each, the value of the axis ``row``."""

    rows: tuple[Row, ...]
    keys: tuple[Scalar, ...]


def name_rows(rows: list[Row], key: str | None) -> Rows:
    """Give every row its axis value. Raises ``RowsProblem``."""
    if not rows:
        raise RowsProblem(
            codes.ROWS_EMPTY,
            "there are no rows",
            "add a row below the column names, or remove rows",
        )
    column = key or _natural_key(rows)
    if key is not None and not any(key in row for row in rows):
        columns = list(dict.fromkeys(name for row in rows for name in row))
        near = closest(key, columns)
        raise RowsProblem(
            codes.ROWS_KEY,
            f"no row has the key column {shown(key)}",
            f"did you mean {near}?" if near else f"the columns are {listed(columns, 'and')}",
        )
    values: list[Scalar] = []
    first: dict[str, int] = {}
    for number, row in enumerate(rows, 1):
        value = row.get(column) if column else _content_key(row)
        text = scalar_text(value)
        if not text:
            raise RowsProblem(
                codes.ROWS_KEY,
                f"row {number} has no value in the key column {shown(column)}",
                "give every row one",
            )
        if text in first:
            what = f"have the same {column}: {shown(text)}" if column else "are the same"
            raise RowsProblem(
                codes.ROWS_SAME,
                f"rows {first[text]} and {number} {what}",
                "make them differ, or remove one; for several takes use repeat",
            )
        first[text] = number
        values.append(value)
    return Rows(tuple(rows), tuple(values))


def _natural_key(rows: list[Row]) -> str | None:
    for name in ("id", "name"):
        texts = [scalar_text(row.get(name)) for row in rows]
        if all(texts) and len(set(texts)) == len(texts):
            return name
    return None


def _content_key(row: Row) -> str:
    return content_hash({name: scalar_text(value) for name, value in row.items()})[:8]


def read_rows(shown_path: str, path: Path, most: int) -> list[Row]:
    """The rows of a data file, by the end of its name; more than ``most`` would make too many jobs. Raises ``RowsProblem``."""
    reader = _READERS.get(PurePath(shown_path).suffix.lower())
    if reader is None:
        raise RowsProblem(
            codes.ROWS_FILE,
            f"{shown(shown_path)} is no data file that rows can read",
            "use .csv, .jsonl, .json or .yaml",
        )
    try:
        text = decode(read_bytes(path, _LARGEST, "the manifest"))
    except Unusable as problem:
        raise RowsProblem(
            codes.ROWS_FILE, f"{escape_unsafe(shown_path)}: {problem.message}", *problem.hints
        ) from None
    rows = []
    document = Document(shown_path, text, None, Marks())
    for row in reader(document):
        rows.append(row)
        if len(rows) > most:
            what = f"{escape_unsafe(shown_path)} has more than {most:,} rows, and as many jobs are allowed"
            raise RowsProblem(codes.TOO_MANY_JOBS, what, "if that is meant, raise --max-jobs")
    return rows


def _fault(
    document: Document, line: int, message: str, *hints: str, label: str = "", column: int = 0
) -> RowsProblem:
    """A finding about a line of the data file, or with ``column`` (from 1) about one character of it."""
    start = document.line_start(line)
    place = (
        document.place_at(start + column - 1, 1)
        if column
        else document.place_at(start, max(len(document.source(line)), 1))
    )
    finding = document.finding(codes.ROWS_CONTENT, message, place=place, label=label, hints=hints)
    return RowsProblem(codes.ROWS_CONTENT, message, found=(finding,))


def _read_csv(document: Document) -> Iterator[Row]:
    reader = csv.reader(io.StringIO(document.text, newline=""), strict=True)
    columns: list[str] = []
    try:
        for cells in reader:
            if not any(cells):
                continue
            if not columns:
                columns = [c.strip() for c in cells]
                _check_header(document, columns, reader.line_num)
            elif len(cells) != len(columns):
                raise _fault(document, reader.line_num, f"this line has {len(cells)} values, the header has {len(columns)} columns",
                             'put values with a comma into double quotes: "one, two"')  # fmt: skip
            else:
                yield dict(zip(columns, cells, strict=True))
    except csv.Error as error:
        raise _fault(
            document,
            max(reader.line_num, 1),
            f"the CSV cannot be read: {error}",
            "close every double quote; write two for one inside",
        ) from None


def _check_header(document: Document, columns: list[str], line: int) -> None:
    if not all(columns):
        raise _fault(document, line, "a column has no name", "name every column in the first line")
    if len(set(columns)) < len(columns):
        twice = next(c for c in columns if columns.count(c) > 1)
        raise _fault(
            document, line, f"the column {shown(twice)} stands twice", "rename one of the two"
        )


def _read_jsonl(document: Document) -> Iterator[Row]:
    for line, text in enumerate(document.text.split("\n"), 1):
        if text.strip():
            yield _row(document, _json(document, text, line), line)


def _read_json(document: Document) -> Iterator[Row]:
    data = _json(document, document.text, 1)
    if not isinstance(data, list):
        raise _fault(document, 1, "a JSON data file is a list of mappings", "write [{…}, {…}]")
    for item in data:
        yield _row(document, item, 1)


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


def _read_yaml(document: Document) -> Iterator[Row]:
    source = parse_source(document.path, document.text)
    errors = [f for f in source.findings if f.severity is Severity.ERROR]
    if errors or source.document is None:
        raise RowsProblem(codes.ROWS_CONTENT, "the data file cannot be read", found=errors)
    data = source.document.data
    if not isinstance(data, list):
        raise _fault(document, 1, "a YAML data file is a list of mappings", "write - column: value")
    for number, item in enumerate(data):
        yield _row(document, item, source.document.place((number,)).line)


def _row(document: Document, item: object, line: int) -> Row:
    if not isinstance(item, dict) or not item:
        raise _fault(
            document,
            line,
            "a row is a mapping of columns to values",
            "write {column: value}",
            label=f"this is {shown(item)}",
        )
    for name, value in item.items():
        if isinstance(value, (dict, list)):
            raise _fault(
                document,
                line,
                f"the column {shown(name)} holds {shown(value)}",
                "a value is a text, a number, true, false or null",
            )
        if (isinstance(value, float) and not math.isfinite(value)) or (
            isinstance(value, int) and abs(value) >= 10**18
        ):
            raise _fault(
                document,
                line,
                f"the column {shown(name)} holds a number that is too large",
                "put it in quotes if it is a text",
            )
    return item


def rows_of(values: list[Value]) -> list[Row]:
    """An inline list, whose shape the schema has checked."""
    return [dict(_scalars(value)) for value in values if isinstance(value, dict)]


def _scalars(row: dict[str, Value]) -> Iterator[tuple[str, Scalar]]:
    for name, value in row.items():
        if not isinstance(value, (dict, list)):
            yield name, value


_READERS = {
    ".csv": _read_csv,
    ".jsonl": _read_jsonl,
    ".ndjson": _read_jsonl,
    ".json": _read_json,
    ".yaml": _read_yaml,
    ".yml": _read_yaml,
}
