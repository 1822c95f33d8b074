"""Fixtures of the emulator's tests: original media, and emulators as real processes on
loopback."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest
from emulator.samples import Body, client_of, data_url, make_picture, make_tone

from wanbatch.emulator.process import EmulatorProcess, start_emulator


@pytest.fixture(scope="session")
def picture() -> bytes:
    return make_picture()


@pytest.fixture(scope="session")
def tone() -> bytes:
    return make_tone(3)


@pytest.fixture(scope="session")
def body(picture: bytes) -> Body:
    """The smallest request that is right."""
    return {
        "model": "wan2.7-i2v",
        "media": [{"type": "first_frame", "url": data_url(picture)}],
        "seconds": "2",
        "size": "720P",
        "seed": 7,
    }


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[..., EmulatorProcess]]:
    """Starts emulators over a store of this test, and stops them."""
    running: list[EmulatorProcess] = []

    def begin(*options: str, store: Path | None = None) -> EmulatorProcess:
        running.append(start_emulator(store or tmp_path / "store", *options))
        return running[-1]

    yield begin
    for emulator in running:
        emulator.stop()


@pytest.fixture(scope="session")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    """A client of one emulator for all tests that look at answers and not at videos."""
    with (
        start_emulator(tmp_path_factory.mktemp("tiny"), "--render", "tiny") as emulator,
        client_of(emulator) as client,
    ):
        yield client
