"""Small real videos for the tests of the checks: a clean one, and one for each thing
that can be wrong with a video, otherwise as clean.

How it works: a camera pans over a picture with texture, 320 × 180 at 24 frames a second
for two seconds, with a tone beside it. A defect changes the frames, the sound, or the
bytes of the finished file. Nothing is random that is not seeded.
"""

from __future__ import annotations

import math
import random
from array import array
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from functools import cache
from pathlib import Path
from typing import Any

import av
from av.audio.stream import AudioStream
from av.video.stream import VideoStream
from expecting import expect
from PIL import Image, ImageChops, ImageDraw, ImageFilter, ImageOps

from wanbatch.model.measures import References

WIDTH, HEIGHT, FPS, FRAMES, RATE = 320, 180, 24, 48, 48_000
"""A fifth of 720P's sides: two seconds take a twentieth of a second to look at."""

Frames = list[Image.Image]


@dataclass(frozen=True)
class Sample:
    """A video on disk, what was asked for, and what it was made from."""

    video: Path
    request: dict[str, Any] = field(default_factory=dict)
    references: References = field(default_factory=References)


@cache
def landscape(seed: int = 1) -> Image.Image:
    """A picture twice as wide as a frame, with shapes and fine texture."""
    chance = random.Random(seed)
    size = WIDTH * 2, HEIGHT + 40
    sky = Image.linear_gradient("L").resize(size)
    picture = Image.merge("RGB", (sky, ImageOps.invert(sky), sky.rotate(180)))
    draw = ImageDraw.Draw(picture)
    for _ in range(80):
        x, y, r = chance.randrange(size[0]), chance.randrange(size[1]), chance.randrange(4, 40)
        draw.ellipse((x - r, y - r, x + r, y + r), fill=tuple(chance.choices(range(256), k=3)))
    return picture.filter(ImageFilter.GaussianBlur(0.6))


def pan(seed: int = 1, count: int = FRAMES, start: int = 0) -> Frames:
    """The clean frames: the camera moves two pixels a frame."""
    picture = landscape(seed)
    corners = [(2 * (start + i), 10 + (start + i) // 4) for i in range(count)]
    return [picture.crop((x, y, x + WIDTH, y + HEIGHT)) for x, y in corners]


def tone(seconds: float = FRAMES / FPS, loudness: float = 0.3) -> array[float]:
    """A chord that swells; what is louder than 1 is cut off, as a converter does."""
    count = round(seconds * RATE)
    found = array("f")
    for i in range(count):
        t = i / RATE
        value = math.sin(2 * math.pi * 220 * t) + 0.5 * math.sin(2 * math.pi * 331 * t)
        found.append(max(-1.0, min(1.0, loudness * value * (0.6 + 0.4 * math.sin(3 * t)))))
    return found


def write_video(
    path: Path,
    frames: Iterable[Image.Image],
    sound: array[float] | None = None,
    *,
    times: Sequence[int] | None = None,
    **options: str,
) -> Path:
    """An MP4 of ``frames``; ``times`` are their instants in frames."""
    with av.open(str(path), "w", options={"fflags": "+bitexact"}) as container:
        coding = {"preset": "veryfast", "crf": "20", "threads": "1", **options}
        video = expect(VideoStream, container.add_stream("libx264", rate=FPS, options=coding))
        audio = expect(AudioStream, container.add_stream("aac", rate=RATE)) if sound else None
        for number, picture in enumerate(frames):
            if number == 0:
                video.width, video.height, video.pix_fmt = *picture.size, "yuv420p"
                video.codec_context.time_base = Fraction(1, FPS)
            frame = av.VideoFrame.from_image(picture)
            frame.pts = times[number] if times else number
            frame.time_base = Fraction(1, FPS)
            container.mux(video.encode(frame))
        container.mux(video.encode(None))
        for begin in range(0, len(sound or ()), 1024):
            if audio is not None and sound is not None:
                container.mux(audio.encode(sound_frame(sound[begin : begin + 1024], begin)))
        if audio is not None:
            container.mux(audio.encode(None))
    return path


def sound_frame(values: array[float], begin: int) -> av.AudioFrame:
    frame = av.AudioFrame(format="fltp", layout="stereo", samples=len(values))
    for plane in frame.planes:
        data = values.tobytes()
        plane.update(data + bytes(plane.buffer_size - len(data)))
    frame.sample_rate, frame.pts, frame.time_base = RATE, begin, Fraction(1, RATE)
    return frame


def picture_file(folder: Path, picture: Image.Image, name: str = "first") -> Path:
    path = folder / f"{name}.png"
    picture.save(path)
    return path


def driven(**fields: Any) -> dict[str, Any]:
    """A request with driving audio."""
    return {"media": [{"type": "driving_audio", "source": "a.wav"}], **fields}


# -- what can be wrong -----------------------------------------------------------------


def clean(folder: Path) -> Sample:
    frames = pan()
    first, last = picture_file(folder, frames[0]), picture_file(folder, frames[-1], "last")
    video = write_video(folder / "a.mp4", frames, tone())
    return Sample(video, driven(seconds=2), References(first, last))


def _of(frames: Frames, **options: Any) -> Callable[[Path], Sample]:
    return lambda folder: Sample(write_video(folder / "a.mp4", frames, tone(), **options))


def _from_first(change: Callable[[Image.Image, float], Image.Image]) -> Callable[[Path], Sample]:
    """The picture given is the first frame; what ``change`` does with the others grows
    from 0 to 1 within a third of the video."""

    def make(folder: Path) -> Sample:
        frames = pan()
        changed = [change(f, min(1.0, 3 * i / len(frames))) for i, f in enumerate(frames)]
        video = write_video(folder / "a.mp4", changed, tone())
        return Sample(video, {}, References(first_frame=picture_file(folder, frames[0])))

    return make


def shape(folder: Path) -> Sample:
    first = picture_file(folder, pan()[0].resize((HEIGHT, HEIGHT)))
    video = write_video(folder / "a.mp4", pan(), tone())
    return Sample(video, {}, References(first_frame=first))


def decodes(folder: Path) -> Sample:
    """The middle of one frame late in the file is overwritten."""
    path = write_video(folder / "a.mp4", pan(), tone(), bf="0")
    with av.open(str(path)) as container:
        packets = [(p.pos, p.size) for p in container.demux(video=0) if p.size and p.pos]
    position, size = packets[-2]
    data = bytearray(path.read_bytes())
    data[position + size * 3 // 4 : position + size] = bytes(size - size * 3 // 4)
    path.write_bytes(data)
    return Sample(path)


def gaps() -> Callable[[Path], Sample]:
    """Every sixth frame is left out; the others are shown when they should be."""
    kept = [i for i in range(FRAMES) if i % 6 != 5]
    frames = pan()
    return _of([frames[i] for i in kept], times=kept)


def flickering() -> Frames:
    return [f.point(lambda v, k=i: max(0, v - 14 * (k % 2))) for i, f in enumerate(pan())]


def shimmering(folder: Path) -> Sample:
    """A still, a sixteenth of whose pixels are in turn a little lighter and darker: not
    frozen, and nothing moves."""
    picture = pan()[0]
    row = bytes([0, 2] * (WIDTH // 32)) + bytes(WIDTH - WIDTH // 16)
    board = Image.frombytes("L", picture.size, (row + row[::-1]) * (HEIGHT // 2))
    boards = [b.convert("RGB") for b in (board, ImageChops.offset(board, 1, 0))]
    frames = [ImageChops.add(picture, boards[i % 2]) for i in range(FRAMES)]
    return Sample(write_video(folder / "a.mp4", frames, tone(), crf="1"))


def other_picture(which: str) -> Callable[[Path], Sample]:
    """The picture given is the mirror image of the frame: as bright, as sharp, and
    another."""

    def make(folder: Path) -> Sample:
        frames = pan()
        frame = frames[0] if which == "first_frame" else frames[-1]
        given = picture_file(folder, ImageOps.mirror(frame))
        video = write_video(folder / "a.mp4", frames, tone())
        return Sample(video, {}, References(**{which: given}))

    return make


def continuation(*, clip_seed: int = 1, skip: int = 0) -> Callable[[Path], Sample]:
    """The first half is the clip of ``clip_seed``; ``skip`` frames are left out after
    it."""

    def make(folder: Path) -> Sample:
        half = FRAMES // 2
        clip = write_video(folder / "clip.mp4", pan(clip_seed, half), tone(1))
        frames = [*pan(1, half), *pan(1, half, half + skip)]
        video = write_video(folder / "a.mp4", frames, tone())
        return Sample(video, {}, References(first_clip=clip))

    return make


def sounding(
    sound: array[float] | None, request: dict[str, Any] | None = None
) -> Callable[[Path], Sample]:
    return lambda folder: Sample(write_video(folder / "a.mp4", pan(), sound), request or {})


def _softer(frame: Image.Image, part: float) -> Image.Image:
    return frame.filter(ImageFilter.GaussianBlur(4 * part))


def _brighter(frame: Image.Image, part: float) -> Image.Image:
    return Image.blend(frame, Image.new("RGB", frame.size, (255, 255, 255)), 0.5 * part)


def _redder(frame: Image.Image, part: float) -> Image.Image:
    red, green, blue = frame.split()
    strength = 55 * part
    return Image.merge(
        "RGB",
        (
            red.point(lambda v: v + strength),
            green.point(lambda v: v - strength * 0.1),
            blue.point(lambda v: v - strength),
        ),
    )


_BLACK = Image.new("RGB", (WIDTH, HEIGHT))

DEFECTS: dict[str, Callable[[Path], Sample]] = {
    "length": lambda folder: Sample(write_video(folder / "a.mp4", pan(), tone()), {"seconds": 3}),
    "size": lambda folder: Sample(write_video(folder / "a.mp4", pan(), tone()), {"size": "720P"}),
    "frames": gaps(),
    "decodes": decodes,
    "shape": shape,
    "frozen": _of([*pan()[:20], *[pan()[19]] * 28]),
    "black": _of([*pan()[:20], *[_BLACK] * 10, *pan()[30:]]),
    "flicker": _of(flickering()),
    "cut": _of([*pan(1)[:24], *pan(2)[24:]]),
    "motion": shimmering,
    "blur": _from_first(_softer),
    "exposure": _from_first(_brighter),
    "colour_drift": _from_first(_redder),
    "first_frame": other_picture("first_frame"),
    "last_frame": other_picture("last_frame"),
    "joint": continuation(clip_seed=2),
    "sound": sounding(None, driven()),
    "silence": sounding(array("f", bytes(4 * RATE * 2))),
    "clipping": sounding(tone(loudness=4)),
    "sound_length": sounding(tone(1.2)),
}
"""A maker for each check, of the video that fires it alone."""

MORE: dict[str, Callable[[Path], Sample]] = {
    "joint": continuation(skip=40),
    "exposure": _of([f.point(lambda v: v // 12) for f in pan()]),
    "cut": _of([*pan(1)[:12], *pan(2)[12:30], *pan(3)[30:]]),
    "black": _of([_BLACK] * FRAMES),
    "frozen": _of([pan()[0]] * FRAMES),
}
"""The same by other ways."""
