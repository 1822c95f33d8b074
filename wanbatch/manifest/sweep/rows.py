"""Rows: every row of a table gets the value of its axis.

What it may not do: read files (``data_files`` does), render templates.

How it works: a row is named by the key column, else by a unique ``id`` or ``name``,
else by 8 digits of the hash of its content, so that inserting a row renames no other.
"""

from __future__ import annotations

from dataclasses import dataclass

from wanbatch.manifest.sweep import codes
from wanbatch.manifest.tables.tables import Row, RowsProblem
from wanbatch.words.canonical import content_hash
from wanbatch.words.quoting import closest, listed, shown
from wanbatch.words.scalars import Scalar, scalar_text


@dataclass(frozen=True, slots=True)
class Rows:
    """The rows and, beside each, the value of the axis ``row``; ``column`` is the one
    that names them, if any.
    """

    rows: tuple[Row, ...]
    keys: tuple[Scalar, ...]
    column: str | None = None


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
    return Rows(tuple(rows), tuple(values), column)


def _natural_key(rows: list[Row]) -> str | None:
    for name in ("id", "name"):
        texts = [scalar_text(row.get(name)) for row in rows]
        if all(texts) and len(set(texts)) == len(texts):
            return name
    return None


def _content_key(row: Row) -> str:
    return content_hash({name: scalar_text(value) for name, value in row.items()})[:8]
