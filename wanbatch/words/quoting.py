"""Texts of users inside messages: short, quoted, and harmless to terminals.

What it may not do: change what is sent; this is for messages only.

How it works: control characters, line ends and the marks that reverse the direction of
text are written as escapes, so that no message can move a cursor or show something else
than it says. The query of a URL is hidden, and that before the text is cut: of a cut
URL nobody could tell where its query begins. ``closest`` finds what someone probably
meant.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from difflib import get_close_matches
from unicodedata import combining, east_asian_width

from wanbatch.words.hiding import hide_in_value

_MOST_COMPARED = 300
"""Names among which a slip of the pen is looked for: 2 ms (measured)."""
UNSAFE = re.compile(
    "[\x00-\x1f\x7f-\x9f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff\ufff9-\ufffb\ud800-\udfff]"
)
"""Characters that a terminal would obey or hide."""
_SHORT = {"\n": "\\n", "\t": "\\t", "\r": "\\r"}


def escape_unsafe(text: str) -> str:
    """``text`` with control, invisible and direction-changing characters as escapes."""
    return UNSAFE.sub(
        lambda m: _SHORT.get(
            m.group(),
            f"\\u{ord(m.group()):04x}" if ord(m.group()) > 255 else f"\\x{ord(m.group()):02x}",
        ),
        text,
    )


def shown(value: object, longest: int = 60) -> str:
    """A value for a message: texts in double quotes, numbers and booleans as YAML
    writes them, long ones cut in the middle."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (int, float)):
        return str(value)
    if isinstance(value, str):
        return f'"{escape_unsafe(shortened(hide_in_value(value), longest))}"'
    return "a list" if isinstance(value, list) else "a mapping"


def shortened(text: str, longest: int) -> str:
    """``text``, where it is longer cut in the middle."""
    if len(text) <= longest:
        return text
    head = (longest - 1) * 2 // 3
    return f"{text[:head]}…{text[-(longest - 1 - head) :]}"


def columns(text: str) -> int:
    """How many columns of a terminal a text takes: two for East Asian wide characters,
    none for combining ones."""
    if text.isascii():
        return len(text)
    return sum(0 if combining(c) else 2 if east_asian_width(c) in "WF" else 1 for c in text)


def closest(word: str, known: Iterable[str]) -> str | None:
    """The known word that ``word`` is probably a slip of, or ``None``."""
    names = list(known)
    if len(names) > _MOST_COMPARED:
        names = [name for name in names if name[:1].lower() == word[:1].lower()][:_MOST_COMPARED]
    found = get_close_matches(
        word[:80].lower().replace("-", "_"),
        [n.lower().replace("-", "_") for n in names],
        n=1,
        cutoff=0.6,
    )
    if not found:
        return None
    return next(n for n in names if n.lower().replace("-", "_") == found[0])


def listed(words: Iterable[str], last: str = "or", most: int = 12) -> str:
    """``a, b or c``; beyond ``most`` the rest is counted."""
    names = list(words)
    if len(names) > most:
        names = [*names[:most], f"{len(names) - most} more"]
    if len(names) < 2:
        return "".join(names)
    return f"{', '.join(names[:-1])} {last} {names[-1]}"
