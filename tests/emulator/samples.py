"""Original media made on the spot, and clients of an emulator, for its tests."""

from __future__ import annotations

import base64
import io
import math
import struct
import time
import wave
from typing import Any

import httpx
from PIL import Image, ImageDraw

from wanbatch.emulator.process import EmulatorProcess

Body = dict[str, Any]
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


def client_of(emulator: EmulatorProcess, headers: dict[str, str] | None = None) -> httpx.Client:
    return httpx.Client(
        base_url=emulator.base_url,
        headers=TOKEN if headers is None else headers,
        timeout=20,
        trust_env=False,
    )


def wait_for_end(client: httpx.Client, task_id: str, within_s: float = 20.0) -> Body:
    """Polls the gateway until the task has ended."""
    deadline = time.monotonic() + within_s
    while time.monotonic() < deadline:
        body: Body = client.get(f"/v1/videos/{task_id}").json()
        if body["status"] in ("completed", "failed"):
            return body
        time.sleep(0.02)
    raise AssertionError(f"{task_id} did not end within {within_s} s: {body}")
