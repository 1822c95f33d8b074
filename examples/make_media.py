"""Makes the media of the examples again: ``python examples/make_media.py [FOLDER]``, by
default into ``examples/specs/media``.

What it may not do: need anything but what wanbatch itself installs, or make different
pictures on different days.

How it works: ``studio`` paints and plays; here each work gets its name and its format.
All of it is original and comes under the project's licence.
"""

from __future__ import annotations

import sys
import wave
from collections.abc import Callable, Sequence
from fractions import Fraction
from pathlib import Path

import av
from PIL import Image

sys.path.insert(0, str(Path(__file__).parent))

from studio.door import door
from studio.film import harbour_film
from studio.harbour import harbour
from studio.lighthouse import lighthouse
from studio.portrait import portrait
from studio.sound import RATE, as_pcm, voice, waves

FILM_RATE, FILM_FRAMES = 24, 72

PICTURES: dict[str, Callable[[], Image.Image]] = {
    "harbour-dawn.jpg": lambda: harbour("dawn"),
    "harbour-noon.jpg": lambda: harbour("noon"),
    "harbour-dusk.jpg": lambda: harbour("dusk"),
    "harbour-night.jpg": lambda: harbour("night"),
    "lighthouse-evening.jpg": lambda: lighthouse("evening"),
    "lighthouse-night.webp": lambda: lighthouse("night"),
    "door-closed.png": lambda: door(is_open=False, grain=0),
    "door-open.jpg": lambda: door(is_open=True),
    "portrait.jpg": portrait,
}


def main(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for name, paint in PICTURES.items():
        save_picture(paint(), folder / name)
    save_wav(folder / "voice.wav", voice(4.0))
    save_mp3(folder / "waves.mp3", waves(4.0))
    save_film(folder / "harbour-dusk.mp4")
    total = sum(path.stat().st_size for path in folder.iterdir())
    print(f"{len(list(folder.iterdir()))} files, {total / 1e6:.1f} MB in {folder}")


def save_picture(picture: Image.Image, path: Path) -> None:
    if path.suffix == ".png":
        picture.save(path, optimize=True)
    elif path.suffix == ".webp":
        picture.save(path, quality=84, method=6)
    else:
        picture.save(path, quality=84, optimize=True, progressive=True, subsampling=0)


def save_wav(path: Path, samples: Sequence[float]) -> None:
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(RATE)
        file.writeframes(as_pcm(samples).tobytes())


def save_mp3(path: Path, samples: Sequence[float]) -> None:
    pcm = as_pcm(samples)
    with av.open(str(path), "w", options={"fflags": "+bitexact"}) as container:
        track = container.add_stream("libmp3lame", rate=RATE, layout="mono")
        track.bit_rate = 64_000
        track.format = "s16p"
        for start in range(0, len(pcm), 1152):
            part = pcm[start : start + 1152]
            frame = av.AudioFrame(format="s16p", layout="mono", samples=len(part))
            frame.planes[0].update(part.tobytes().ljust(frame.planes[0].buffer_size, b"\0"))
            frame.sample_rate, frame.pts, frame.time_base = RATE, start, Fraction(1, RATE)
            container.mux(track.encode(frame))
        container.mux(track.encode())


def save_film(path: Path) -> None:
    options = {"movflags": "+faststart", "fflags": "+bitexact"}
    with av.open(str(path), "w", options=options) as container:
        track = container.add_stream(
            "libx264",
            rate=FILM_RATE,
            options={"crf": "24", "preset": "slow", "threads": "1", "flags": "+bitexact"},
        )
        track.width, track.height, track.pix_fmt = 1280, 720, "yuv420p"
        for picture in harbour_film("dusk", FILM_FRAMES):
            container.mux(track.encode(av.VideoFrame.from_image(picture)))
        container.mux(track.encode())


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parent / "specs" / "media")
