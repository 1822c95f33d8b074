"""Values from plain ones that came from elsewhere: each field is looked at, and what
does not fit is refused.

What it may not do: convert, guess, or take a field that nobody asked for.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, fields
from typing import Any, TypeVar

from wanbatch.model.pool import Misfit

T = TypeVar("T")

_HEX = frozenset("0123456789abcdef")
_KINDS: Mapping[str, type] = {"str": str, "int": int, "float": float, "bool": bool}


def as_record(value: Any) -> dict[str, Any]:  # noqa: ANN401 - a dataclass
    """A dataclass of texts, numbers and truth values, as plain values."""
    return asdict(value)


def read_record(kind: type[T], found: object) -> T:
    """The ``kind`` that ``as_record`` made plain. Raises ``Misfit``."""
    declared = {field.name: str(field.type) for field in fields(kind)}  # type: ignore[arg-type]
    if not isinstance(found, Mapping) or found.keys() != declared.keys():
        raise Misfit(f"the fields are not those of {kind.__name__}")
    return kind(**{name: _value(name, declared[name], found[name]) for name in declared})


def _value(name: str, declared: str, value: object) -> object:
    kind = _KINDS[declared]
    if type(value) is not kind or (isinstance(value, float) and not math.isfinite(value)):
        raise Misfit(f"{name} is no {declared}")
    if isinstance(value, int | float) and value < 0:
        raise Misfit(f"{name} is below zero")
    return value


def read_sha256(found: object) -> str:
    """64 lower-case hex digits. Raises ``Misfit``."""
    if not isinstance(found, str) or len(found) != 64 or not _HEX.issuperset(found):
        raise Misfit("it is no SHA-256")
    return found


def read_text(found: object) -> str:
    """Raises ``Misfit``."""
    if not isinstance(found, str):
        raise Misfit("it is no text")
    return found
