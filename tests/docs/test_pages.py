"""Every command and every file of every page is run, in its order, by a reader with an
empty folder and an empty home; ``make test`` follows a third of the pages, and reads
the words of all."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from docs.following import Follower
from docs.lines import is_here, typed_in, unknown_in
from docs.pages import GUIDE, read_blocks

from wanbatch.emulator.process import start_emulator

KEY = "your-key"


@pytest.fixture(scope="module")
def gateway(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """What stands at the address of the pages."""
    options = ("--latency", "0.05", "--render", "tiny")
    with start_emulator(tmp_path_factory.mktemp("gateway"), *options) as server:
        yield server.base_url


def test_every_word_of_every_page_is_known() -> None:
    """Commands, options and choices, without running one."""
    lines = [
        (block.place, typed.line)
        for page in GUIDE
        for block in read_blocks(page)
        if block.language in {"sh", "console"} and (not block.needs or is_here(block.needs))
        for typed in typed_in(block.language, block.text)
    ]
    assert len(lines) > 100
    assert not [(*line, unknown) for line in lines if (unknown := unknown_in(line[1]))]


@pytest.mark.slow
@pytest.mark.parametrize("page", GUIDE, ids=lambda page: page.stem)
def test_a_page_is_true(page: Path, gateway: str, tmp_path: Path) -> None:
    blocks = list(read_blocks(page))
    chained = any("{job: " in block.text for block in blocks)
    with Follower(tmp_path, gateway, render="cached" if chained else "tiny") as reader:
        for block in blocks:
            reader.follow(block)
