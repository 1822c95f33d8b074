"""The upstream's limits on media, one example on each side."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path

import av
import pytest
from av.audio.stream import AudioStream
from emulator import samples
from expecting import expect
from PIL import Image

from wanbatch.emulator.examine import MB, clip_length, examine
from wanbatch.emulator.video.animatic import Scene, render


def image(form: str, size: tuple[int, int] = (320, 240), mode: str = "RGB") -> bytes:
    out = io.BytesIO()
    Image.new(mode, size, 90).save(out, form)
    return out.getvalue()


def sound(codec: str, form: str, seconds: float) -> bytes:
    out = io.BytesIO()
    with av.open(out, "w", format=form) as container:
        stream = expect(AudioStream, container.add_stream(codec, rate=44_100, layout="mono"))
        for i in range(int(seconds * 44_100 / 1152)):
            frame = av.AudioFrame(format=stream.format.name, layout="mono", samples=1152)
            frame.sample_rate, frame.pts = 44_100, i * 1152
            for plane in frame.planes:
                plane.update(bytes(plane.buffer_size))
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return out.getvalue()


@pytest.fixture(scope="module")
def clip_of(tmp_path_factory: pytest.TempPathFactory, picture: bytes) -> Callable[[int], bytes]:
    def make(seconds: int) -> bytes:
        path: Path = tmp_path_factory.mktemp("clip") / "a.mp4"
        from wanbatch.emulator.video.animatic import render_tiny

        render_tiny(seconds, path)
        return path.read_bytes()

    return make


@pytest.mark.parametrize("form", ["PNG", "JPEG", "BMP", "WEBP"])
def test_the_four_formats_pass_under_their_own_name(form: str) -> None:
    assert examine("first_frame", image(form), f"image/{form.lower()}") is None
    fault = examine("first_frame", image(form), "image/png" if form != "PNG" else "image/bmp")
    assert fault is not None
    assert fault.code == "InvalidParameter"


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (image("PNG", mode="RGBA"), "InvalidImage.FileFormat"),
        (image("PNG", mode="LA"), "InvalidImage.FileFormat"),
        (image("GIF", mode="L"), "InvalidImage.FileFormat"),
        (image("TIFF"), "InvalidImage.FileFormat"),
        (b"", "InvalidImage.FileFormat"),
        (image("PNG", (239, 400)), "InvalidFile.Resolution"),
        (image("PNG", (8001, 1200), "L"), "InvalidFile.Resolution"),
        (image("PNG", (240, 1921), "L"), "InvalidFile.AspectRatio"),
        (image("BMP", (240, 240)) + bytes(20 * MB), "InvalidFile.Size"),
    ],
)
def test_pictures_beyond_the_limits(data: bytes, code: str) -> None:
    fault = examine("last_frame", data)
    assert fault is not None
    assert fault.code == code


@pytest.mark.parametrize("size", [(240, 240), (240, 1920), (8000, 1000)])
def test_pictures_at_the_limits_pass(size: tuple[int, int]) -> None:
    assert examine("first_frame", image("PNG", size, "L")) is None


def test_sounds(tone: bytes) -> None:
    assert examine("driving_audio", tone) is None
    assert examine("driving_audio", sound("libmp3lame", "mp3", 3)) is None
    for data, code in (
        (samples.make_tone(1.5), "InvalidFile.Duration"),
        (samples.make_tone(31), "InvalidFile.Duration"),
        (sound("flac", "flac", 3), "InvalidFile.Format"),
        (b"no sound", "InvalidFile.Format"),
        (bytes(15 * MB + 1), "InvalidFile.Size"),
    ):
        fault = examine("driving_audio", data)
        assert fault is not None
        assert fault.code == code


def test_clips(
    clip_of: Callable[[int], bytes], tmp_path: Path, tone: bytes, picture: bytes
) -> None:
    render(Scene(2, "720P", 1, first_frame=picture), tmp_path / "a.mp4")
    good = (tmp_path / "a.mp4").read_bytes()
    assert examine("first_clip", good) is None
    assert clip_length(good) == 2.0
    for data, code in (
        (clip_of(3), "InvalidFile.Resolution"),
        (clip_of(11), "InvalidFile.Duration"),
        (tone, "InvalidFile.Format"),
        (good[:300], "InvalidFile.Format"),
        (b"no clip", "InvalidFile.Openerror"),
    ):
        fault = examine("first_clip", data)
        assert fault is not None
        assert fault.code == code
