"""Writes a film: pictures and sound to an MP4 that every player and browser plays.

What it may not do: decide what is seen, or give the file its final name (``making``
does).

How it works: H.264 (4:2:0, BT.709) and AAC, interleaved by time, the index at the
beginning. Pictures come as planes, one after the other, and are gone when the next one
comes.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import av
from av.audio.frame import AudioFrame
from av.audio.stream import AudioStream
from av.container import OutputContainer
from av.video.frame import VideoFrame
from av.video.reformatter import ColorPrimaries, ColorRange, Colorspace, ColorTrc
from av.video.stream import VideoStream

from wanbatch.videos.film.fitting import Setting
from wanbatch.videos.film.players import Planes
from wanbatch.videos.film.sound import RATE

_PRESET = "fast"
"""Of x264: "medium" takes half as long again for 3 % fewer bytes (measured on a grid of
36)."""
_KEY_EVERY_S = 2
"""A jump in a player takes at most so much decoding."""


@dataclass(frozen=True, slots=True)
class Form:
    """Size and rate of what is written."""

    width: int
    height: int
    fps: Fraction


def encode(
    path: Path,
    form: Form,
    setting: Setting,
    pictures: Iterable[Planes],
    sound: Iterator[AudioFrame] | None,
) -> int:
    """Writes the film to ``path`` and returns its bytes. Raises ``OSError`` where that
    fails."""
    with av.open(str(path), "w", format="mp4", options={"movflags": "+faststart"}) as container:
        video = _add_video(container, form, setting)
        audio = None
        if sound is not None:
            audio = container.add_stream(
                "aac", rate=RATE, layout="stereo", bit_rate=setting.sound_rate
            )
        heard = 0
        for number, planes in enumerate(pictures):
            if audio is not None and sound is not None:
                until = float((number + 1) / form.fps) * RATE
                heard = _mux_sound(container, audio, sound, heard, until)
            frame = _frame_of(planes)
            frame.pts, frame.time_base = number, 1 / form.fps
            container.mux(video.encode(frame))
        container.mux(video.encode(None))
        if audio is not None and sound is not None:
            _mux_sound(container, audio, sound, heard, float("inf"))
            container.mux(audio.encode(None))
    return path.stat().st_size


def _add_video(container: OutputContainer, form: Form, setting: Setting) -> VideoStream:
    video = container.add_stream(
        "libx264", rate=form.fps, options={"preset": _PRESET, "crf": f"{setting.crf:g}"}
    )
    video.width, video.height, video.pix_fmt = form.width, form.height, "yuv420p"
    context = video.codec_context
    context.time_base = 1 / form.fps
    context.gop_size = max(1, round(float(form.fps) * _KEY_EVERY_S))
    context.colorspace, context.color_range = Colorspace.ITU709, ColorRange.MPEG
    context.color_primaries, context.color_trc = ColorPrimaries.BT709, ColorTrc.BT709
    return video


def _mux_sound(
    container: OutputContainer,
    audio: AudioStream,
    sound: Iterator[AudioFrame],
    heard: int,
    until: float,
) -> int:
    """Muxes sound up to the sample ``until``; returns how many samples there were."""
    while heard < until and (chunk := next(sound, None)) is not None:
        chunk.pts, chunk.time_base = heard, Fraction(1, RATE)
        heard += chunk.samples
        container.mux(audio.encode(chunk))
    return heard


def _frame_of(planes: Planes) -> VideoFrame:
    width, height = planes[0].size
    frame = VideoFrame(width, height, "yuv420p")
    for plane, image in zip(frame.planes, planes, strict=True):
        data = image.tobytes()
        if plane.line_size != plane.width:
            pad = bytes(plane.line_size - plane.width)
            data = b"".join(
                data[i : i + plane.width] + pad for i in range(0, len(data), plane.width)
            )
        plane.update(data)
    return frame
