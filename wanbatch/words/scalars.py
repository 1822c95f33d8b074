"""Plain scalars of YAML 1.2's core schema, and values as text.

What it may not do: know where a scalar stands (the builder knows), accept YAML 1.1's
habits.

How it works: ``on``, ``no``, ``16:9``, ``1_000`` and ``2026-01-01`` are strings here;
``0o17`` and ``0xff`` are integers, ``1e3`` is a float. Numbers that JSON or the API
could not carry (infinite, not a number, over 18 digits) raise ``BadNumber`` instead of
travelling on.
"""

from __future__ import annotations

import math
import re

_CONSTANTS: dict[str, Scalar] = {"": None, "~": None, "null": None, "Null": None, "NULL": None}
_CONSTANTS |= dict.fromkeys(("true", "True", "TRUE"), True)
_CONSTANTS |= dict.fromkeys(("false", "False", "FALSE"), False)

_INTEGER = re.compile(r"[-+]?[0-9]+\Z")
_OCTAL = re.compile(r"0o[0-7]+\Z")
_HEX = re.compile(r"0x[0-9a-fA-F]+\Z")
_FLOAT = re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?\Z")
_NOT_FINITE = re.compile(r"(?:[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN))\Z")
_STARTS = frozenset("-+.0123456789")
_MOST_DIGITS = 18
"""What fits into 64 bits in any case."""


class BadNumber(ValueError):
    """A number that cannot be carried further; the text says why."""


def resolve_plain(text: str) -> Scalar:
    """The value of an unquoted scalar. Raises ``BadNumber``."""
    if text in _CONSTANTS:
        return _CONSTANTS[text]
    if text[0] not in _STARTS:
        return text
    return _resolve_number(text)


def _resolve_number(text: str) -> Scalar:
    if len(text) <= _MOST_DIGITS and text.isascii() and text.isdigit():
        return int(text)  # as nearly all are: a third of the time of what follows
    if _INTEGER.match(text):
        return _integer(text, 10)
    if _FLOAT.match(text):
        value = float(text) if len(text) <= 400 else math.inf
        if math.isinf(value):
            raise BadNumber("it is too large")
        return value
    if _OCTAL.match(text):
        return _integer(text[2:], 8)
    if _HEX.match(text):
        return _integer(text[2:], 16)
    if _NOT_FINITE.match(text):
        raise BadNumber("it is not a finite number")
    return text


def _integer(digits: str, base: int) -> int:
    if len(digits.lstrip("+-0")) > _MOST_DIGITS:
        raise BadNumber(f"it has more than {_MOST_DIGITS} digits")
    return int(digits, base)


def scalar_text(value: Scalar) -> str:
    """A scalar as people write it and as templates print it: ``true``, ``35``, ``1.5``,
    an empty text for null."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e15:
        return str(int(value))
    return str(value)


Scalar = str | int | float | bool | None
"""What an axis, a var or a column may hold."""
