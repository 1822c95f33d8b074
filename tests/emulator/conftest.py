"""Shared by the emulator's tests: original media made on the spot, and emulators as
real processes on loopback."""

from __future__ import annotations

import base64
import io
import math
import struct
import time
import wave
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest
from PIL import Image, ImageDraw

from wanbatch.emulator.process import EmulatorProcess, start_emulator

TOKEN = {"authorization": "Bearer test-token"}


def make_picture(width: int = 640, height: int = 360, hue: int = 140, form: str = "PNG") -> bytes:
    """A gradient with hills: something that a camera move visibly changes."""
    slope, glow = (
        Image.linear_gradient("L").resize((width, height)),
        Image.radial_gradient("L").resize((width, height)),
    )
    hues = slope.point([(v // 6 + hue) % 256 for v in range(256)])
    image = Image.merge(
        "HSV",
        (
            hues,
            glow.point([90 + v // 3 for v in range(256)]),
            slope.point([250 - v // 2 for v in range(256)]),
        ),
    ).convert("RGB")
    draw = ImageDraw.Draw(image)
    for i in range(5):
        draw.polygon(
            [
                (width * i / 5, height),
                (width * (i + 0.5) / 5, height * (0.4 + 0.1 * (i % 3))),
                (width * (i + 1) / 5, height),
            ],
            fill=(30 + i * 20, 50, 70),
        )
    out = io.BytesIO()
    image.save(out, form)
    return out.getvalue()


def make_tone(seconds: float) -> bytes:
    """A mono WAV with a loud sine."""
    out = io.BytesIO()
    with wave.open(out, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(22_050)
        file.writeframes(
            b"".join(
                struct.pack("<h", int(12_000 * math.sin(i / 8)))
                for i in range(int(22_050 * seconds))
            )
        )
    return out.getvalue()


def data_url(data: bytes, mime: str = "image/png") -> str:
    return f"data:{mime};base64,{base64.b64encode(data).decode()}"


@pytest.fixture(scope="session")
def picture() -> bytes:
    return make_picture()


@pytest.fixture(scope="session")
def tone() -> bytes:
    return make_tone(3)


@pytest.fixture(scope="session")
def body(picture: bytes) -> dict[str, object]:
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


def client_of(emulator: EmulatorProcess, headers: dict[str, str] | None = None) -> httpx.Client:
    return httpx.Client(
        base_url=emulator.base_url,
        headers=TOKEN if headers is None else headers,
        timeout=20,
        trust_env=False,
    )


def wait_for_end(client: httpx.Client, task_id: str, within_s: float = 20.0) -> dict[str, object]:
    """Polls the gateway until the task has ended."""
    deadline = time.monotonic() + within_s
    while time.monotonic() < deadline:
        body: dict[str, object] = client.get(f"/v1/videos/{task_id}").json()
        if body["status"] in ("completed", "failed"):
            return body
        time.sleep(0.02)
    raise AssertionError(f"{task_id} did not end within {within_s} s: {body}")


@pytest.fixture(scope="session")
def emulator_kit() -> type:
    """The helpers above, for test modules (they cannot import a conftest)."""

    class Kit:
        picture = staticmethod(make_picture)
        tone = staticmethod(make_tone)
        data_url = staticmethod(data_url)
        client = staticmethod(client_of)
        wait = staticmethod(wait_for_end)
        token = TOKEN

    return Kit
