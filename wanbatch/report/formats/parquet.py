"""A report as a Parquet file, for DuckDB, pandas, Polars and data sets.

What it may not do: import its library before a file is asked for: it is an extra of
wanbatch.

How it works: the columns of ``records`` with real types: instants in UTC milliseconds,
amounts as decimals of six places, tags and media as lists of texts. arro3 writes it:
two wheels of 12 MB without NumPy, where pyarrow and Polars are 54 MB each.
"""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

from wanbatch.model.report import Report
from wanbatch.report.formats.records import Column, Kind, make_columns
from wanbatch.words.errors import ExitCode, WanbatchError

if TYPE_CHECKING:
    from arro3.core import Array

_PLACES = 6
"""Of an amount: prices of a second of video have two to four."""


def require_parquet() -> None:
    """Raises ``WanbatchError`` (2) where the extra is not installed."""
    try:
        import arro3.core
        import arro3.io  # noqa: F401 - only whether it is there
    except ImportError:
        raise WanbatchError(
            ExitCode.INVALID,
            "a Parquet file needs a library that is not installed",
            "install wanbatch with its extra: pip install '.[parquet]' in a checkout",
            "or take -o jobs.csv",
        ) from None


def render_parquet(report: Report, base: str = "") -> bytes:
    """The file's bytes. Raises ``WanbatchError`` as ``require_parquet`` does."""
    require_parquet()
    from arro3.core import Table
    from arro3.io import write_parquet

    columns = make_columns(report, base)
    arrays = [_array(column) for column in columns]
    table = Table.from_arrays(arrays, names=[column.name for column in columns])
    file = io.BytesIO()
    write_parquet(table, file, compression="zstd(3)", created_by="wanbatch")
    return file.getvalue()


def _array(column: Column) -> Array:
    from arro3.core import Array, DataType, list_array

    values = column.values
    match column.kind:
        case Kind.TEXT:
            return Array([_text(v) for v in values], DataType.utf8())
        case Kind.WHOLE:
            return Array(list(values), DataType.int64())
        case Kind.NUMBER:
            return Array(list(values), DataType.float64())
        case Kind.FLAG:
            return Array(list(values), DataType.bool())
        case Kind.INSTANT:
            ticks = [round(v * 1000) if isinstance(v, (int, float)) else None for v in values]
            return Array(ticks, DataType.int64()).cast(DataType.timestamp("ms", tz="UTC"))
        case Kind.AMOUNT:
            amounts = [None if v is None else f"{v:.{_PLACES}f}" for v in values]
            return Array(amounts, DataType.utf8()).cast(DataType.decimal128(24, _PLACES))
        case Kind.TEXTS:
            lists = [v if isinstance(v, tuple) else () for v in values]
            ends = [0]
            for texts in lists:
                ends.append(ends[-1] + len(texts))
            flat = [_text(text) for texts in lists for text in texts]
            return list_array(Array(ends, DataType.int32()), Array(flat, DataType.utf8()))


def _text(value: object) -> str | None:
    """Half a character, which a provider's reply may hold, is no UTF-8."""
    if value is None:
        return None
    return str(value).encode("utf-8", "backslashreplace").decode("utf-8")
