"""Renders the stand-in for a generated video: a real MP4, deterministic in request,
media and seed.

What it may not do: fetch media, look at a clock, draw randomness; the bytes depend on
its arguments and the library versions alone.

How it works: each frame of a ``Scene`` is a view of one still, or a dissolve between
two; a continuation plays the given clip and goes on from its last frame. x264 runs on
one thread with fixed settings, so that the same scene gives the same bytes; several
renderings run side by side in threads, because scaling and encoding release the
interpreter's lock.
"""

from __future__ import annotations

import io
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import av
from av.video.reformatter import ColorPrimaries, ColorRange, Colorspace, ColorTrc
from PIL import Image, ImageDraw, ImageFont

from wanbatch.emulator.tables import Size
from wanbatch.emulator.video import camera, geometry, soundtrack, still
from wanbatch.media.clips import Video, opened_video
from wanbatch.media.images import decode_picture, read_image
from wanbatch.media.turning import turned_size
from wanbatch.model.media import UnreadableFile

FPS = 24
"""The real rate is not published; nobody may rely on this one."""

_X264 = {"preset": "ultrafast", "crf": "26", "threads": "1", "sc_threshold": "0"}
_DISSOLVE = (0.42, 0.80)
"""Parts of the length between which the first frame fades into the last: both are seen
long enough to be told apart."""
_TINTED_BY = 0.25
"""The part of the length after which the tint of the seed is whole; frame 0 has none,
as all seeds share it."""
_MARK = "AI generated"


@dataclass(frozen=True, slots=True)
class Scene:
    """What to render: the media's bytes and the fields of the request that decide the
    result. One of ``first_frame`` and ``first_clip`` is there."""

    seconds: int
    size: Size
    seed: int
    prompt: str = ""
    negative_prompt: str = ""
    prompt_extend: bool = True
    watermark: bool = False
    first_frame: bytes | None = None
    last_frame: bytes | None = None
    driving_audio: bytes | None = None
    first_clip: bytes | None = None


class Stopped(Exception):
    """The emulator is going down and the rendering was given up."""


def render(scene: Scene, path: Path, stopping: threading.Event | None = None) -> None:
    """Writes the video to ``path``. Raises ``Stopped`` once ``stopping`` is set, and
    what PyAV and Pillow raise on media that do not decode."""
    stopping = stopping or threading.Event()
    if scene.first_clip is not None:
        with opened_video(io.BytesIO(scene.first_clip)) as clip:
            shown = turned_size(clip.stream.width, clip.stream.height, clip.orientation)
            width, height = geometry.output_size(*shown, scene.size)
            _encode(
                path,
                width,
                height,
                _continued(scene, clip, width, height),
                _sound(scene, scene.first_clip),
                stopping,
            )
        return
    first = _image(scene.first_frame)
    width, height = geometry.output_size(first.width, first.height, scene.size)
    opening = still.still_from_image(first, width, height)
    frames = _shot(scene, opening, width, height, FPS * scene.seconds)
    _encode(
        path,
        width,
        height,
        _marked(scene, frames, width, height),
        _sound(scene, scene.driving_audio),
        stopping,
    )


def render_tiny(seconds: int, path: Path) -> None:
    """The smallest video of that length that still has a picture and sound: 64 × 48,
    black, silent. For load tests."""
    black = tuple(
        Image.new("L", size, value)
        for size, value in (((64, 48), 16), ((32, 24), 128), ((32, 24), 128))
    )
    silence = soundtrack.silent_frames(seconds)
    _encode(path, 64, 48, iter([black] * (seconds * FPS)), silence, threading.Event())  # type: ignore[list-item]


def _image(data: bytes | None) -> Image.Image:
    """The picture as it is shown. Raises ``ValueError`` where there is none."""
    file = io.BytesIO(data or b"")
    facts = read_image(file)
    if isinstance(facts, UnreadableFile):
        raise ValueError(facts.problem)
    return decode_picture(file, facts)


def _sound(scene: Scene, source: bytes | None) -> Iterator[av.AudioFrame]:
    return soundtrack.sound_frames(scene.seconds, source, scene.seed)


def _shot(
    scene: Scene, opening: still.Still, width: int, height: int, count: int
) -> Iterator[still.Planes]:
    """``count`` frames that begin with ``opening`` and, where there is a last frame,
    end with it."""
    move, closing_move = camera.choose_moves(scene.seed)
    look = camera.choose_look(scene.prompt, scene.negative_prompt, scene.prompt_extend)
    closing = (
        None
        if scene.last_frame is None
        else still.still_from_image(_image(scene.last_frame), width, height)
    )
    start, end = _DISSOLVE
    for i in range(count):
        t = i / max(1, count - 1)
        share = 0.0 if closing is None else camera.ease((t - start) / (end - start))
        if share < 1.0:
            planes = opening.view(move.view(t))
        if closing is not None and share > 0.0:
            arriving = closing.view(closing_move.view(1.0 - t))
            planes = arriving if share >= 1.0 else still.blend(planes, arriving, share)
        yield still.tint(
            planes,
            look,
            camera.ease(t / _TINTED_BY)
            * (1.0 if closing is None else 1.0 - camera.ease((t - 0.8) / 0.2)),
        )


def _continued(scene: Scene, clip: Video, width: int, height: int) -> Iterator[still.Planes]:
    """The clip at our frame rate, then a shot that goes on from its last frame; the
    length includes the clip (docs)."""
    count = FPS * scene.seconds
    played, last = 0, None
    for frame in _retimed(clip):
        if played == count:
            return
        last = frame
        yield still.turned_planes(frame, width, height, clip.orientation)
        played += 1
    if last is None:
        raise ValueError("the clip holds no frame")
    opening = still.still_from_frame(last, width, height, clip.orientation)
    yield from _marked(scene, _shot(scene, opening, width, height, count - played), width, height)


def _retimed(clip: Video) -> Iterator[av.VideoFrame]:
    """The clip's frames by time, each as often as it is on screen at our rate."""
    shown, current, begin = 0, None, None
    for frame in clip.container.decode(clip.stream):
        begin = frame.time if begin is None else begin
        while current is not None and shown / FPS < (frame.time or 0.0) - (begin or 0.0) - 1e-6:
            yield current
            shown += 1
        current = frame
    if current is not None:
        yield current


def _marked(
    scene: Scene, frames: Iterator[still.Planes], width: int, height: int
) -> Iterator[still.Planes]:
    """The frames with the visible mark of generated video at the bottom right, where it
    was asked for."""
    if not scene.watermark:
        yield from frames
        return
    side = max(16, height // 24)
    font = ImageFont.load_default(side)
    reach = int(font.getlength(_MARK)) + side
    mark = Image.new("L", (reach, side * 2), 0)
    ImageDraw.Draw(mark).text((reach - side // 2, side), _MARK, fill=190, font=font, anchor="rm")
    for luma, blue, red in frames:
        marked = luma.copy()
        marked.paste(235, (width - mark.width, height - mark.height), mark)
        yield marked, blue, red


def _encode(
    path: Path,
    width: int,
    height: int,
    frames: Iterator[still.Planes],
    sound: Iterator[av.AudioFrame],
    stopping: threading.Event,
) -> None:
    """Encodes and interleaves by time; ``frames`` must be as many as the length asks
    for."""
    with av.open(
        str(path), "w", format="mp4", options={"movflags": "+faststart", "fflags": "+bitexact"}
    ) as container:
        video = container.add_stream("libx264", rate=FPS, options=_X264)
        video.width, video.height, video.pix_fmt = width, height, "yuv420p"
        video.codec_context.time_base = Fraction(1, FPS)
        video.codec_context.gop_size = FPS
        video.codec_context.colorspace, video.codec_context.color_range = (
            Colorspace.ITU709,
            ColorRange.MPEG,
        )
        video.codec_context.color_primaries, video.codec_context.color_trc = (
            ColorPrimaries.BT709,
            ColorTrc.BT709,
        )
        audio = container.add_stream("aac", rate=soundtrack.RATE, layout="stereo", bit_rate=96_000)
        heard = 0
        for i, planes in enumerate(frames):
            if stopping.is_set():
                raise Stopped
            while (
                heard * FPS <= (i + 1) * soundtrack.RATE
                and (chunk := next(sound, None)) is not None
            ):
                chunk.pts, chunk.time_base = heard, Fraction(1, soundtrack.RATE)
                heard += chunk.samples
                container.mux(audio.encode(chunk))
            frame = still.frame_of(planes)
            frame.pts, frame.time_base = i, Fraction(1, FPS)
            container.mux(video.encode(frame))
        container.mux(video.encode(None))
        for chunk in sound:
            chunk.pts, chunk.time_base = heard, Fraction(1, soundtrack.RATE)
            heard += chunk.samples
            container.mux(audio.encode(chunk))
        container.mux(audio.encode(None))
