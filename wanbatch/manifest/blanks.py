"""White space: what counts as it, and where it stands at the edge of a text.

What it may not do: change a text that is sent.
"""

from __future__ import annotations

import unicodedata

INVISIBLE = frozenset("\u200b\u2060\ufeff")
"""Characters without width that are no part of any word: a text of them looks empty."""


def is_blank(text: str) -> bool:
    """Whether there is nothing to see in ``text``."""
    return not text or text.isspace() or all(c.isspace() or c in INVISIBLE for c in text)


def blank_edge(text: str) -> str:
    """Which white space stands at an edge of ``text``, in words; nothing where there is none, or nothing else."""
    if not text or not (_counts(text[0]) or _counts(text[-1])) or is_blank(text):
        return ""
    ends = [("begins", text[0]), ("ends", text[-1])]
    if text[0] == text[-1]:
        return f"begins and ends with {_called(text[0])}"
    return " and ".join(f"{verb} with {_called(c)}" for verb, c in ends if _counts(c))


def _counts(character: str) -> bool:
    return character.isspace() or character in INVISIBLE


def _called(character: str) -> str:
    common = {" ": "a blank", "\t": "a tab", "\n": "a line end", "\r": "a line end"}
    name = unicodedata.name(character, "a control character")
    return common.get(character, f"U+{ord(character):04X} {name}")
