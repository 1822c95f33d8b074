"""The pages of README and ``docs/`` as blocks, links and anchors.

What it may not do: run anything.

How it works: fences are read line by line. What a reader does not see stands in
comments right above a block: ``<!-- file: shots.csv -->`` names the file that the block
is, where its language has no comments, and ``<!-- needs: import -->`` or ``<!-- needs:
run --plan -->`` says what a block waits for. What a reader sees is in the block itself:
the name of a file in its first line, ``# not run: why``, ``# exit 3``.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
GUIDE = tuple(sorted(p for p in (ROOT / "docs").glob("*.md")))
REFERENCE = tuple(sorted((ROOT / "docs/reference").glob("*.md")))
LINKED = (
    *(ROOT / name for name in ("README.md", "ARCHITECTURE.md", "CONTRIBUTING.md", "SECURITY.md")),
    *GUIDE,
    *REFERENCE,
)
"""Whose links are followed."""

FENCE = re.compile(r"^(?P<indent> *)```(?P<language>\S*)\s*$")
MARK = re.compile(r"<!-- (file|needs): (.+?) -->")
NAMED = re.compile(r"^(?:#|//) (~?[\w./-]+\.\w+)$")
"""The first line of a block that is a file."""


@dataclass(frozen=True)
class Block:
    """A fenced block, where it stands, and what is said about it."""

    page: str
    line: int
    language: str
    text: str
    file: str = ""
    needs: str = ""

    @property
    def place(self) -> str:
        return f"{self.page}:{self.line}"

    @property
    def name(self) -> str:
        """The file that it is, empty where it is none."""
        found = NAMED.match(self.text.partition("\n")[0])
        return self.file or (found[1] if found else "")

    @property
    def not_run(self) -> str:
        """Why nobody can run it here, in the words that the reader sees."""
        found = re.match(r"# not run: (.+)", self.text)
        return found[1] if found else ""


def read_blocks(page: Path) -> Iterator[Block]:
    """Every block of a page, in its order. Raises ``ValueError`` for one without an
    end, and for a mark with no block."""
    lines = page.read_text(encoding="utf-8").splitlines()
    marks: dict[str, str] = {}
    number = 0
    while number < len(lines):
        opening = FENCE.match(lines[number])
        marks |= dict(MARK.findall(lines[number]))
        number += 1
        if opening is None:
            if marks and lines[number - 1].strip() and not MARK.search(lines[number - 1]):
                raise ValueError(f"{page.name}:{number}: a mark stands right above its block")
            continue
        indent, begin = len(opening["indent"]), number
        while lines[number].strip() != "```":
            number += 1
        body = "".join(line[indent:] + "\n" for line in lines[begin:number])
        number += 1
        yield Block(page.name, begin, opening["language"], body, **marks)
        marks = {}


def prose(page: Path) -> str:
    """A page without its blocks and code."""
    text = page.read_text(encoding="utf-8")
    text = re.sub(r"^ *```.*?^ *```$", "", text, flags=re.MULTILINE | re.DOTALL)
    return re.sub(r"`[^`\n]*`", lambda found: "`" + "x" * (len(found[0]) - 2) + "`", text)


def links(page: Path) -> Iterator[str]:
    """Where it leads, as it is written."""
    yield from re.findall(r"\]\(([^)\s]+)\)", prose(page))


def anchors(page: Path) -> set[str]:
    """The fragments that a forge makes of a page's headings."""
    text = page.read_text(encoding="utf-8")
    text = re.sub(r"^ *```.*?^ *```$", "", text, flags=re.MULTILINE | re.DOTALL)
    found: set[str] = set()
    for heading in re.findall(r"^#{1,6} +(.+?) *#*$", text, re.MULTILINE):
        name = slug(heading)
        number = 1
        while name in found:
            name, number = f"{slug(heading)}-{number}", number + 1
        found.add(name)
    return found


def slug(heading: str) -> str:
    """As GitHub and GitLab make it: letters and digits of any script, hyphens."""
    words = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading).replace("\\", "")
    return re.sub(r"[^\w\- ]", "", words.replace("`", "").strip().lower()).replace(" ", "-")
