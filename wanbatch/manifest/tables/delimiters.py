"""Which character separates the values of a CSV file: comma, semicolon or tab.

What it may not do: read values; it looks at the first line, outside of quotes.

How it works: a first line ``sep=;``, as spreadsheets write it, is believed. Else the
character that stands most often in the first line is taken; of those that stand as
often, the comma. Another separator is named and refused.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

_NAMES = {
    ";": "semicolons",
    "\t": "tabs",
    "|": "vertical bars",
    "^": "carets",
    "~": "tildes",
    "\uff0c": "full-width commas (U+FF0C)",
    "\uff1b": "full-width semicolons (U+FF1B)",
    "\u3001": "ideographic commas (U+3001)",
    "\u060c": "Arabic commas (U+060C)",
}
READ = (",", ";", "\t")
"""The separators that are read."""
_SEPARATOR_LINE = re.compile(
    r'[ \t]*"?sep=(?P<sign>[^\r\n"])"?[,;\t ]*(?:\r?\n|\r|\Z)', re.IGNORECASE
)
_EMPTY_LINES = re.compile(r"(?:[ \t;,]*(?:\r\n|\n|\r))*")
_LINE = re.compile(r"[^\r\n]*")
_QUOTED = re.compile(r'"(?:[^"]|"")*"')


@dataclass(frozen=True, slots=True)
class Delimiter:
    """A separator: its name in the plural, and where it first stands. ``is_said``:
    a first line says it."""

    sign: str
    name: str
    offset: int = 0
    width: int = 1
    is_said: bool = False


COMMA = Delimiter(",", "commas")


def find_delimiter(text: str) -> Delimiter:
    """The separator that the first line uses, or says that it uses."""
    said = _SEPARATOR_LINE.match(text)
    if said is not None and (sign := said.group("sign")):
        return Delimiter(sign, _called(sign), said.start("sign"), is_said=True)
    begin = found.end() if (found := _EMPTY_LINES.match(text)) else 0
    written = found.group() if (found := _LINE.match(text, begin)) else ""
    line = _QUOTED.sub(lambda m: "\0" * len(m.group()), written)
    counts = {sign: line.count(sign) for sign in _NAMES if sign in line}
    if not counts:
        return COMMA
    sign = max(counts, key=lambda s: counts[s])
    if counts[sign] <= line.count(","):
        return COMMA
    return Delimiter(sign, _called(sign), begin + line.index(sign))


def _called(sign: str) -> str:
    name = "commas" if sign == "," else _NAMES.get(sign, "")
    if not name:
        return f'"{sign}"'
    return f'{name} "{sign}"' if sign in ";|^~" else name
