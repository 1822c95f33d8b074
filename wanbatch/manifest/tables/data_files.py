"""Data files as tables: CSV, workbooks, JSON lines, JSON and YAML.

What it may not do: render templates (data are data), recurse into nested data.

How it works: each format becomes a list of mappings of columns to scalars. In JSON,
whose parser tells no places, the item is parsed again and the key looked for in it when
a finding asks for one.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path, PurePath

from wanbatch.manifest.sweep import codes
from wanbatch.manifest.tables.csv_files import locate_csv, read_csv
from wanbatch.manifest.tables.encodings import decode_table
from wanbatch.manifest.tables.tables import (
    Row,
    RowsProblem,
    Table,
    TableForm,
    fault,
    is_blank_row,
)
from wanbatch.manifest.yaml.document import Document, Marks
from wanbatch.manifest.yaml.escapes import halves_in
from wanbatch.manifest.yaml.source import Unusable, decode, parse_source, read_bytes
from wanbatch.words.diagnostics import Position, Severity
from wanbatch.words.quoting import escape_unsafe, shown

_LARGEST = 64 * 1024 * 1024
"""As of a manifest: a hundred thousand rows of some hundred bytes are ten."""

_PLAIN = TableForm()


def read_table(shown_path: str, path: Path, most: int, form: TableForm = _PLAIN) -> Table:
    """The table of a data file, by the end of its name; more rows than ``most`` would
    make too many jobs. Raises ``RowsProblem``.
    """
    suffix = PurePath(shown_path).suffix.lower()
    _check_form(shown_path, suffix, form)
    try:
        data = read_bytes(path, _LARGEST, "the manifest")
        table, rows = _open(data, shown_path, suffix, form)
    except Unusable as problem:
        raise RowsProblem(
            codes.ROWS_FILE, f"{escape_unsafe(shown_path)}: {problem.message}", *problem.hints
        ) from None
    for row, where in rows:
        if is_blank_row(row):
            continue
        table.rows.append(row)
        table.where.append(where)
        if len(table.rows) > most:
            what = (
                f"{escape_unsafe(shown_path)} has more than {most:,} rows, and as many jobs are"
                " allowed"
            )
            raise RowsProblem(codes.TOO_MANY_JOBS, what, "if that is meant, raise --max-jobs")
    return table


def _check_form(path: str, suffix: str, form: TableForm) -> None:
    if suffix not in (*_READERS, *_WORKBOOKS):
        raise RowsProblem(
            codes.ROWS_FILE,
            f"{shown(path)} is no data file that rows can read",
            "use .csv, .xlsx, .jsonl, .json or .yaml",
            *(("save it as .xlsx, or as CSV",) if suffix in _OTHER_FORMATS else ()),
        )
    if form.encoding is not None and suffix not in _CSV:
        raise RowsProblem(
            codes.ROWS_FILE,
            f"encoding is for CSV files, and {shown(path)} is none",
            "remove encoding: JSON and YAML are UTF-8, a workbook says its own",
        )
    if form.sheet is not None and suffix not in _WORKBOOKS:
        raise RowsProblem(
            codes.ROWS_FILE, f"sheet is for workbooks, and {shown(path)} is none", "remove sheet"
        )


def _open(
    data: bytes, path: str, suffix: str, form: TableForm
) -> tuple[Table, Iterable[tuple[Row, int]]]:
    if suffix in _WORKBOOKS:
        from wanbatch.manifest.tables.workbooks import read_workbook

        return read_workbook(data, path, form)
    read, locate = _READERS[suffix]
    text = decode_table(data, path, form) if suffix in _CSV else decode(data)
    table = Table(Document(path, text, None, Marks()), locate)
    return table, read(table)


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
        raise fault(document, 1, "a JSON data file is a list of mappings", "write [{…}, {…}]")
    for number, item in enumerate(data):
        wrong = _row_problem(item) is not None
        line = document.line_of([*_item_offsets(document.text, number + 1)][-1]) if wrong else 1
        yield _row(document, item, line), number


def _refuse_halves(document: Document) -> None:
    if found := halves_in(document):
        raise RowsProblem(found[0].code, found[0].message, found=found)


def _item_offsets(text: str, count: int) -> Iterator[int]:
    """Where the first ``count`` items of a JSON list begin that can be read."""
    decoder = json.JSONDecoder()
    offset = text.index("[") + 1
    for _ in range(count):
        while text[offset] in " \t\r\n,":
            offset += 1
        yield offset
        _, offset = decoder.raw_decode(text, offset)


def _locate_json(table: Table, row: int, column: str | None, key: bool) -> Position:
    text = table.document.text
    if not table.offsets:
        table.offsets.extend(_item_offsets(text, table.where[-1] + 1))
    begin = table.offsets[table.where[row]]
    return _key_place(table.document, begin, len(text), column)


def _locate_jsonl(table: Table, row: int, column: str | None, key: bool) -> Position:
    begin = table.document.line_start(table.where[row])
    line = table.document.source(table.where[row])
    return _key_place(table.document, begin, begin + len(line), column)


def _key_place(document: Document, begin: int, end: int, column: str | None) -> Position:
    """Where the key ``column`` stands in the item that begins at ``begin``, else the
    item itself.
    """
    forms = () if column is None else (json.dumps(column, ensure_ascii=False), json.dumps(column))
    for written in forms:
        if found := re.compile(re.escape(written) + r"\s*:").search(document.text, begin, end):
            return document.place_at(found.start(), len(written))
    return document.place_at(begin, 1)


def _json(document: Document, text: str, line: int) -> object:
    try:
        return json.loads(text, parse_constant=_refuse_constant, object_pairs_hook=_unique)
    except json.JSONDecodeError as error:
        hint = "texts and names are in double quotes, and nothing follows the last comma"
        raise fault(
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
        raise fault(
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
        raise fault(document, 1, "a YAML data file is a list of mappings", "write - column: value")
    for number, item in enumerate(data):
        yield _row(document, item, document.place((number,)).line), number


def _locate_yaml(table: Table, row: int, column: str | None, key: bool) -> Position:
    number = table.where[row]
    return table.document.place((number,) if column is None else (number, column), key=key)


def _row(document: Document, item: object, line: int) -> Row:
    problem = _row_problem(item)
    if problem is not None or not isinstance(item, dict):
        message, hint, label = problem or ("", "", "")
        raise fault(document, line, message, hint, label=label)
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
_Locate = Callable[[Table, int, str | None, bool], Position]
_CSV = (".csv", ".tsv", ".tab")
_WORKBOOKS = (".xlsx", ".xlsm")
_READERS: dict[str, tuple[_Reader, _Locate]] = {
    **dict.fromkeys(_CSV, (read_csv, locate_csv)),
    ".jsonl": (_read_jsonl, _locate_jsonl),
    ".ndjson": (_read_jsonl, _locate_jsonl),
    ".json": (_read_json, _locate_json),
    ".yaml": (_read_yaml, _locate_yaml),
    ".yml": (_read_yaml, _locate_yaml),
}
_OTHER_FORMATS = frozenset({".xls", ".xlsb", ".ods", ".numbers", ".psv", ".txt"})
