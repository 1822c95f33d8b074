"""Writes ``docs/reference/``; ``make reference`` calls it. With ``--check`` it writes
nothing, and ends with 1 where a page is not what it should be;
``tests/docs/test_reference.py`` holds that."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from make_reference.pages import make_pages

FOLDER = Path(__file__).parents[1] / "reference"


def differing(pages: Mapping[str, str]) -> list[str]:
    """The files that are not as they should be: changed, missing, or too many."""
    here = {path.name: path.read_text(encoding="utf-8") for path in FOLDER.glob("*.md")}
    return sorted(name for name in {*pages, *here} if pages.get(name) != here.get(name))


def main(words: Sequence[str]) -> int:
    """Writes the folder, or with ``--check`` compares it."""
    pages = make_pages()
    names = differing(pages)
    if "--check" in words:
        for name in names:
            print(f"docs/reference/{name} is not up to date: make reference", file=sys.stderr)
        return 1 if names else 0
    FOLDER.mkdir(exist_ok=True)
    for name in names:
        if name in pages:
            (FOLDER / name).write_text(pages[name], encoding="utf-8")
        else:
            (FOLDER / name).unlink()
    print(f"docs/reference: {len(names)} of {len(pages)} pages written")
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
