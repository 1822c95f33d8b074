"""The filters and tests that templates may use: pure functions whose results are
bounded.

What it may not do: reach anything but their arguments, or make a long text out of short
ones without a bound.

How it works: each takes texts, numbers or lists of them. ``replace``, ``join`` and the
like check the length of what they would make before they make it.
"""

from __future__ import annotations

from collections.abc import Callable
from decimal import ROUND_HALF_UP, Decimal

from jinja2 import Undefined

from wanbatch.words.scalars import scalar_text

LONGEST_TEXT = 20_000
"""Four times the longest prompt that the API takes."""


class Excess(Exception):
    """A bound on work or output is broken."""


def _text(value: object) -> str:
    if isinstance(value, (str, int, float, bool)) or value is None:
        return scalar_text(value)
    return str(value)  # an undefined name complains here


def _number(value: object) -> int | float:
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        text = _text(value).strip()
        if len(text) > 40:
            raise ValueError("this is not a number")
        try:
            return int(text)
        except ValueError:
            return float(text)
    return value


def _replace(value: object, old: object, new: object) -> str:
    text, out, into = _text(value), _text(old), _text(new)
    if len(text) + (text.count(out) if out else len(text) + 1) * len(into) > LONGEST_TEXT:
        raise Excess
    return text.replace(out, into)


def _join(value: object, between: object = "") -> str:
    parts = [_text(v) for v in _list(value)]
    if sum(map(len, parts)) + len(parts) * len(_text(between)) > LONGEST_TEXT:
        raise Excess
    return _text(between).join(parts)


def _list(value: object) -> list[object]:
    if isinstance(value, (list, tuple)):
        return list(value)
    return list(_text(value))


def _default(value: object, fallback: object = "", even_if_empty: object = False) -> object:
    return fallback if isinstance(value, Undefined) or (even_if_empty and not value) else value


def _round(value: object, digits: object = 0) -> int | float:
    places = int(_number(digits))
    if not 0 <= places <= 10:
        raise ValueError("round takes 0 to 10 digits")
    rounded = Decimal(str(_number(value))).quantize(Decimal(1).scaleb(-places), ROUND_HALF_UP)
    return float(rounded) if places else int(rounded)


def _truncate(value: object, length: object = 255, end: object = "…") -> str:
    text, most, tail = _text(value), int(_number(length)), _text(end)
    return text if len(text) <= most else text[: max(most - len(tail), 0)] + tail


def _zero_fill(value: object, width: object = 3) -> str:
    return _text(value).zfill(min(int(_number(width)), 40))


FILTERS: dict[str, Callable[..., object]] = {
    "abs": lambda v: abs(_number(v)),
    "capitalize": lambda v: _text(v).capitalize(),
    "d": _default,
    "default": _default,
    "first": lambda v: _list(v)[0],
    "float": lambda v: float(_number(v)),
    "int": lambda v: int(_number(v)),
    "join": _join,
    "last": lambda v: _list(v)[-1],
    "length": lambda v: len(_list(v)),
    "list": _list,
    "lower": lambda v: _text(v).lower(),
    "replace": _replace,
    "round": _round,
    "string": _text,
    "title": lambda v: _text(v).title(),
    "trim": lambda v: _text(v).strip(),
    "truncate": _truncate,
    "upper": lambda v: _text(v).upper(),
    "zfill": _zero_fill,
}

TESTS: dict[str, Callable[..., bool]] = {
    "defined": lambda v: not isinstance(v, Undefined),
    "undefined": lambda v: isinstance(v, Undefined),
    "none": lambda v: v is None,
    "string": lambda v: isinstance(v, str),
    "number": lambda v: isinstance(v, (int, float)) and not isinstance(v, bool),
    "even": lambda v: _number(v) % 2 == 0,
    "odd": lambda v: _number(v) % 2 == 1,
}
