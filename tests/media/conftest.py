"""Real media files for the tests, made by the real encoders, small and quick.

How it works: each fixture is a function that writes one file and returns its path; what
a test does not name has a legal default.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import av
import pytest
from av.video.stream import VideoStream
from expecting import expect
from PIL import Image, ImageDraw


@pytest.fixture
def clip(tmp_path: Path) -> Callable[..., Path]:
    """Writes an MP4 (or what the name says) of ``frames`` frames; frame k shows k in
    its red channel."""

    def make(
        name: str = "clip.mp4",
        *,
        frames: int = 60,
        fps: int | Fraction = 30,
        width: int = 320,
        height: int = 240,
        audio_s: float = 0.0,
        options: dict[str, str] | None = None,
        gop: int = 12,
        codec: str = "libx264",
    ) -> Path:
        path = tmp_path / name
        with av.open(str(path), "w", options=options or {}) as container:
            added = container.add_stream(
                codec,
                rate=fps,
                options={"preset": "ultrafast", "qp": "0"} if codec == "libx264" else {},
            )
            track = expect(VideoStream, added)
            track.width, track.height, track.pix_fmt, track.gop_size = width, height, "yuv420p", gop
            sound = container.add_stream("aac", rate=16000, layout="mono") if audio_s else None
            for number in range(frames):
                container.mux(
                    track.encode(av.VideoFrame.from_image(numbered(number, width, height)))
                )
            container.mux(track.encode())
            if sound:
                for start in range(0, round(audio_s * 16000), 1024):
                    frame = av.AudioFrame(
                        format="fltp",
                        layout="mono",
                        samples=min(1024, round(audio_s * 16000) - start),
                    )
                    frame.planes[0].update(bytes(frame.planes[0].buffer_size))
                    frame.sample_rate, frame.pts, frame.time_base = 16000, start, Fraction(1, 16000)
                    container.mux(sound.encode(frame))
                container.mux(sound.encode())
        return path

    return make


def numbered(number: int, width: int, height: int) -> Image.Image:
    """A picture that carries its number: a bar as wide as ``number`` parts of 64, over
    a grid that makes it no flat colour."""
    picture = Image.new("RGB", (width, height), (30, 60, 90))
    draw = ImageDraw.Draw(picture)
    draw.rectangle((0, 0, width * (number + 1) // 64 - 1, height // 2), fill=(240, 240, 240))
    return picture


@pytest.fixture
def bar_of() -> Callable[[Image.Image], int]:
    """Reads the number back from a picture of ``numbered``."""

    def read(picture: Image.Image) -> int:
        row = picture.convert("L").crop(
            (0, picture.height // 4, picture.width, picture.height // 4 + 1)
        )
        bright = sum(1 for value in row.tobytes() if value > 150)
        return round(bright * 64 / picture.width) - 1

    return read


@pytest.fixture
def wav(tmp_path: Path) -> Callable[..., Path]:
    """Writes a WAV file of ``samples`` samples of 16 bits at ``rate``."""

    def make(name: str = "sound.wav", *, samples: int = 16000, rate: int = 8000) -> Path:
        path = tmp_path / name
        data = b"".join(
            struct.pack("<h", int(8000 * math.sin(k / 9))) for k in range(min(samples, 800))
        ) * (samples // 800 + 1)
        data = data[: samples * 2]
        head = (
            b"RIFF"
            + struct.pack("<I", 36 + len(data))
            + b"WAVEfmt "
            + struct.pack("<IHHIIHH", 16, 1, 1, rate, rate * 2, 2, 16)
        )
        path.write_bytes(head + b"data" + struct.pack("<I", len(data)) + data)
        return path

    return make


@pytest.fixture
def mp3(tmp_path: Path) -> Callable[..., Path]:
    """Writes an MP3 file of ``seconds`` at 22,050 Hz, with the encoder's padding marked
    as usual."""

    def make(name: str = "sound.mp3", *, seconds: float = 2.0) -> Path:
        path, rate = tmp_path / name, 22050
        with av.open(str(path), "w") as container:
            track = container.add_stream("libmp3lame", rate=rate, layout="mono")
            track.format = "s16p"
            for start in range(0, round(seconds * rate), 1152):
                frame = av.AudioFrame(
                    format="s16p", layout="mono", samples=min(1152, round(seconds * rate) - start)
                )
                frame.planes[0].update(
                    (b"\x00\x10\x00\xf0" * 1152)[: frame.planes[0].buffer_size].ljust(
                        frame.planes[0].buffer_size, b"\0"
                    )
                )
                frame.sample_rate, frame.pts, frame.time_base = rate, start, Fraction(1, rate)
                container.mux(track.encode(frame))
            container.mux(track.encode())
        return path

    return make
