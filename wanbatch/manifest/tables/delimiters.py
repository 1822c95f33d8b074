"""Which character separates the values of a CSV file, where it is not the comma.

What it may not do: read values; it looks at the first line, outside of quotes.
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
_SEPARATOR_LINE = re.compile(r'\s*"?sep=(?P<sign>[^\r\n"])"?[,;\t ]*(?:\r?\n|\r|\Z)', re.IGNORECASE)
_QUOTED = re.compile(r'"(?:[^"]|"")*"')


@dataclass(frozen=True, slots=True)
class Delimiter:
    """A separator: its name in the plural, and where it first stands."""

    name: str
    offset: int
    width: int = 1


def find_other_delimiter(text: str) -> Delimiter | None:
    """The separator that the first line uses in the place of the comma, or says that it
    uses; ``None`` where it is the comma.
    """
    said = _SEPARATOR_LINE.match(text)
    if said is not None and (sign := said.group("sign")) != ",":
        return Delimiter(_called(sign), said.start("sign"))
    begin = said.end() if said is not None else 0
    header = re.compile(r"[ \t\r\n,]*([^\r\n]*)").match(text, begin)
    if header is None:
        return None
    line = _QUOTED.sub(lambda m: "\0" * len(m.group()), header.group(1))
    counts = {sign: line.count(sign) for sign in _NAMES if sign in line}
    if not counts:
        return None
    sign = max(counts, key=lambda s: counts[s])
    if counts[sign] <= line.count(","):
        return None
    return Delimiter(_called(sign), header.start(1) + line.index(sign))


def _called(sign: str) -> str:
    name = _NAMES.get(sign, "")
    if not name:
        return f'"{sign}"'
    return f'{name} "{sign}"' if sign in ";|^~" else name
