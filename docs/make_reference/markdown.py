"""Words as Markdown: code, cells of tables, and text that must make no marks.

What it may not do: know what it writes.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

MADE = "*Made from the program itself by `make reference`; changed there, not here.*"


def joined(parts: Iterable[str]) -> str:
    return "\n\n".join(part for part in parts if part) + "\n"


def coded(text: str) -> str:
    return "`" + text.replace("|", "\\|") + "`"


def cell(text: str) -> str:
    """In a table: one line, and a bar that is no border."""
    return re.sub(r"(?<!\\)\|", r"\\|", " ".join(text.split()))


def escaped(text: str) -> str:
    """As it stands, where Markdown would make marks or tags of it; code stays code."""
    pieces = re.split(r"(`[^`]*`)", text)
    return "".join(
        piece if piece.startswith("`") else re.sub(r"([*_<\[\]])", r"\\\1", piece)
        for piece in pieces
    )
