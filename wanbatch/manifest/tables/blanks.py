"""White space: what counts as it, and where it stands at the edge of a text.

What it may not do: change a text that is sent.
"""

from __future__ import annotations

import unicodedata

_INVISIBLE = "\u200b\u2060\ufeff"
"""Characters without width that are no part of any word: a text of them looks empty."""
_BLANK = frozenset(
    " \t\n\r\v\f\x1c\x1d\x1e\x1f\x85\xa0\u1680\u2028\u2029\u202f\u205f\u3000"
    + "".join(map(chr, range(0x2000, 0x200B)))
    + _INVISIBLE
)
_COMMON = {" ": "a blank", "\t": "a tab", "\n": "a line end", "\r": "a line end"}


def is_blank(text: str) -> bool:
    """Whether there is nothing to see in ``text``."""
    return not text or (text[0] in _BLANK and _BLANK.issuperset(text))


def blank_edge(text: str) -> str:
    """Which white space stands at an edge of ``text``, in words; nothing where there is
    none, or nothing else.
    """
    if not text or not (text[0] in _BLANK or text[-1] in _BLANK) or is_blank(text):
        return ""
    if text[0] == text[-1]:
        return f"begins and ends with {_called(text[0])}"
    ends = (("begins", text[0]), ("ends", text[-1]))
    return " and ".join(f"{verb} with {_called(c)}" for verb, c in ends if c in _BLANK)


def _called(character: str) -> str:
    name = unicodedata.name(character, "a control character")
    return _COMMON.get(character, f"U+{ord(character):04X} {name}")
