"""Every link of README, the house's pages and ``docs/`` leads to a file that is there
and a heading that is in it."""

from __future__ import annotations

from pathlib import Path

import pytest
from docs.pages import GUIDE, LINKED, REFERENCE, ROOT, anchors, links, slug


@pytest.mark.parametrize("page", LINKED, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_every_link_leads_somewhere(page: Path) -> None:
    broken = []
    for link in links(page):
        if "://" in link:
            continue
        file, _, fragment = link.partition("#")
        target = (page.parent / file).resolve() if file else page
        if not target.exists() or (fragment and fragment not in anchors(target)):
            broken.append(link)
    assert not broken


def test_every_page_is_reached_from_the_first() -> None:
    seen: set[Path] = set()
    waiting = {ROOT / "docs/README.md"}
    while waiting:
        seen |= waiting
        found = {
            (page.parent / link.partition("#")[0]).resolve()
            for page in waiting
            for link in links(page)
            if link.partition("#")[0].endswith(".md") and "://" not in link
        }
        waiting = found - seen
    assert {*GUIDE, *REFERENCE} <= seen


@pytest.mark.parametrize("page", GUIDE, ids=lambda page: page.stem)
def test_every_page_says_where_to_go_next(page: Path) -> None:
    if page.name == "README.md":
        return
    end = page.read_text(encoding="utf-8").rstrip().split("\n## ")[-1]
    assert end.startswith("Next\n"), "the last heading is Next"
    assert "](" in end


def test_a_heading_becomes_the_fragment_that_a_forge_makes() -> None:
    assert slug("Two reports, side by side") == "two-reports-side-by-side"
    assert slug("`wanbatch run`: what it *does*") == "wanbatch-run-what-it-does"
    assert slug("[The grid](grid.md) at 16:9") == "the-grid-at-169"


def test_the_pictures_are_small() -> None:
    pictures = list((ROOT / "docs/pictures").iterdir())
    assert pictures
    assert not [one.name for one in pictures if one.stat().st_size > 200_000]
