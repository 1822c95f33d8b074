"""Texts of users inside Markdown: shown as they are, and without effect.

What it may not do: lay a document out.

How it works: a text stands in a code span, on one line, cut in its middle. Inside of
one nothing is markup, a mention, a reference or a link: hosts turn those into links
after the Markdown was read, everywhere but in code. The fence is longer than any run of
backticks in the text. Queries of URLs are hidden before the text is cut.
"""

from __future__ import annotations

import re
import unicodedata

from wanbatch.words.hiding import hide_queries

MOST_CHARACTERS = 65_000
"""What a comment of a pull request takes (GitHub: 65,536), with room for a caller's own
words."""
_RUNS = re.compile("`+")
_SILENT = ("Cc", "Cf", "Cs", "Co", "Zl", "Zp")
"""Control, invisible, half and private characters, and line ends."""


def code_span(text: str, longest: int = 160) -> str:
    """``text`` as code; at most ``longest`` of its characters, and the fence."""
    flat = cut_middle(flatten(hide_queries(text)), longest)
    if not flat:
        return "(empty)"
    fence = "`" * (max(map(len, _RUNS.findall(flat)), default=0) + 1)
    pad = " " if flat[0] in "` " or flat[-1] in "` " else ""
    return f"{fence}{pad}{flat}{pad}{fence}"


def flatten(text: str) -> str:
    """``text`` on one line, without characters that are not seen."""
    seen = (c if unicodedata.category(c) not in _SILENT else " " for c in text)
    return " ".join("".join(seen).split())


def cut_middle(text: str, longest: int) -> str:
    """``text`` of at most ``longest`` characters, ``…`` for what was cut."""
    if len(text) <= longest:
        return text
    head = (longest - 1) * 2 // 3
    return f"{text[:head]}…{text[len(text) - (longest - 1 - head) :]}"


def length(text: str) -> int:
    """How long ``text`` is to a host that counts UTF-16 units, as some do."""
    return len(text.encode("utf-16-le", "surrogatepass")) // 2


def fit(head: list[str], lines: list[str], most: int, rest: str) -> str:
    """``head`` and as many ``lines`` as ``most`` characters take; where some are left
    out, ``rest`` says how many (``{left}``)."""
    room = most - sum(length(line) + 1 for line in head) - length(rest) - 20
    kept: list[str] = []
    for line in lines:
        room -= length(line) + 1
        if room < 0:
            break
        kept.append(line)
    left = len(lines) - len(kept)
    return "\n".join([*head, *kept, *([rest.format(left=f"{left:,}")] if left else [])]) + "\n"
