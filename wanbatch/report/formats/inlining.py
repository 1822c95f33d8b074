"""Joins the files of ``web/`` into the page's one script and one style, without their
comments, and packs the script.

What it may not do: understand a script, or change a line that it keeps.

How it works: comments are for those who read the files; a page that is opened from disk
carries them for nothing, and script and style have a bound. A line that holds nothing
but a comment goes, and so does a block that begins a line and ends one. What stands
behind code stays, and so does everything within a line: a text or a pattern that looks
like a comment is never touched. That no text goes over a line end is what a test holds.

The script travels deflated and in base 64, a third of its size, and ``web/loader.js``
unpacks it. The page's policy names both by hash, so what is unpacked runs only where it
is, to the byte, what was packed.
"""

from __future__ import annotations

import zlib
from base64 import b64encode
from collections.abc import Iterable


def join_scripts(texts: Iterable[str]) -> str:
    """One closure of all scripts, in their order."""
    return '"use strict";\n(() => {\n' + "".join(map(strip_comments, texts)) + "})();\n"


def join_styles(texts: Iterable[str]) -> str:
    """All styles, in their order."""
    return "".join(map(strip_comments, texts))


def pack(text: str) -> str:
    """``text`` deflated and in base 64: what ``DecompressionStream("deflate")``
    reads."""
    return b64encode(zlib.compress(text.encode("utf-8", "backslashreplace"), 9)).decode("ascii")


def strip_comments(text: str) -> str:
    """``text`` without whole-line comments and empty lines."""
    kept = []
    lines = iter(text.splitlines())
    for line in lines:
        begins = line.lstrip()
        if begins.startswith("/*") and _ends_block(begins, lines):
            continue
        if begins and not begins.startswith("//"):
            kept.append(line)
    return "\n".join(kept) + "\n" if kept else ""


def _ends_block(first: str, lines: Iterable[str]) -> bool:
    """Reads on to the line that ends the comment which ``first`` begins. ``False``
    where code stands behind it in its first line."""
    if "*/" in first:
        return first.rstrip().endswith("*/") and first.count("*/") == 1
    for line in lines:
        if "*/" in line:
            if not line.rstrip().endswith("*/"):
                raise ValueError(f"code stands behind the end of a comment: {line!r}")
            return True
    raise ValueError(f"a comment has no end: {first!r}")
