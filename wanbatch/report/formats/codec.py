"""Turns the report's dataclasses into JSON values and back, by their type hints.

What it may not do: I/O, or know any particular class.

How it works: the names in ``model`` say what a number is, so one rule per type is
enough. An amount becomes a string with a decimal number, a float whose name ends in
``_at`` or ``_until`` an ISO 8601 instant in UTC with milliseconds, any other float is
rounded to thousandths, pairs become an object, ``None`` becomes ``null``. The
converters of a class are built once and kept, for a report may hold ten thousand jobs.
"""

from __future__ import annotations

import types
from collections.abc import Callable, Mapping
from dataclasses import MISSING, dataclass, fields, is_dataclass, replace
from datetime import UTC, datetime
from decimal import Decimal
from enum import StrEnum
from math import isfinite
from typing import TypeVar, cast, get_args, get_origin, get_type_hints

from wanbatch.words.canonical import Json

T = TypeVar("T")
Convert = Callable[[object], object]


@dataclass(frozen=True, slots=True)
class _Codec:
    """Both directions of one type. ``None`` for a value that JSON holds as it is.
    ``is_optional`` for a field that has a default."""

    encode: Convert | None
    decode: Convert | None
    is_optional: bool = False


_KNOWN: dict[type, tuple[tuple[str, _Codec], ...]] = {}


def encode(value: object) -> dict[str, Json]:
    """The JSON object of a dataclass instance, its fields in order."""
    shown: dict[str, object] = {}
    for name, codec in _codecs(type(value)):
        found = getattr(value, name)
        shown[name] = found if codec.encode is None or found is None else codec.encode(found)
    return cast("dict[str, Json]", shown)


def decode(kind: type[T], entry: Mapping[str, Json]) -> T:
    """The ``kind`` that ``encode`` made ``entry`` of; keys that it does not know are
    passed over, and one that an older wanbatch did not write has its default. Raises
    ``KeyError`` where one without a default is missing."""
    values: dict[str, object] = {}
    for name, codec in _codecs(kind):
        if name not in entry and codec.is_optional:
            continue
        found = entry[name]
        values[name] = found if codec.decode is None or found is None else codec.decode(found)
    return kind(**values)


def amount(value: Decimal) -> str:
    """A decimal number without an exponent."""
    return format(value, "f")


def instant(at: float) -> str:
    """Unix seconds as ``2026-02-28T23:59:59.250Z``."""
    return datetime.fromtimestamp(at, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def read_instant(text: str) -> float:
    """The Unix seconds of an ISO 8601 instant."""
    return datetime.fromisoformat(text).timestamp()


def _codecs(kind: type) -> tuple[tuple[str, _Codec], ...]:
    known = _KNOWN.get(kind)
    if known is None:
        if not is_dataclass(kind):
            raise TypeError(f"{kind.__name__} is no dataclass")
        hints = get_type_hints(kind)
        known = tuple(
            (
                field.name,
                replace(
                    _codec(hints[field.name], is_instant=field.name.endswith(("_at", "_until"))),
                    is_optional=field.default is not MISSING,
                ),
            )
            for field in fields(kind)
        )
        _KNOWN[kind] = known
    return known


def _codec(hint: object, *, is_instant: bool = False) -> _Codec:
    if get_origin(hint) is types.UnionType:
        inner = [choice for choice in get_args(hint) if choice is not type(None)]
        return _codec(inner[0], is_instant=is_instant) if len(inner) == 1 else _Codec(None, None)
    if get_origin(hint) is tuple:
        return _tuple_codec(get_args(hint)[0])
    if hint is float:
        return _Codec(instant, read_instant) if is_instant else _Codec(_thousandths, None)  # type: ignore[arg-type]
    if hint is Decimal:
        return _Codec(amount, Decimal)  # type: ignore[arg-type]
    if isinstance(hint, type) and issubclass(hint, StrEnum):
        return _Codec(str, hint)
    if isinstance(hint, type) and is_dataclass(hint):
        return _Codec(encode, lambda entry: decode(hint, cast("Mapping[str, Json]", entry)))
    return _Codec(None, None)


def _tuple_codec(item: object) -> _Codec:
    if get_origin(item) is tuple:
        return _Codec(_pairs, lambda entry: tuple(cast("Mapping[str, Json]", entry).items()))
    inner = _codec(item)
    if inner.encode is None or inner.decode is None:
        return _Codec(
            lambda values: list(cast("tuple[object, ...]", values)),
            lambda entry: tuple(cast("list[object]", entry)),
        )
    out, back = inner.encode, inner.decode
    return _Codec(
        lambda values: [out(value) for value in cast("tuple[object, ...]", values)],
        lambda entry: tuple(back(value) for value in cast("list[object]", entry)),
    )


def _thousandths(value: object) -> float:
    return round(cast("float", value), 3)


def axis_value(item: T) -> T | str:
    """JSON has no infinity; such a value is shown as its text."""
    return str(item) if isinstance(item, float) and not isfinite(item) else item


def _pairs(value: object) -> dict[str, object]:
    pairs = cast("tuple[tuple[str, object], ...]", value)
    return {name: axis_value(item) for name, item in pairs}
