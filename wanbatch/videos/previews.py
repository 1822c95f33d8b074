"""The small files of a video that the report shows beside its poster: a copy that many
can play at once, and a strip of five frames.

What it may not do: choose where files go, or decode.

How it works: the small pictures of the filters are encoded as they come, in memory. A
key frame every half second lets a player begin anywhere and many of them keep in step;
no frame waits for a later one, and no filter smooths the edges of blocks, so that
decoding costs least. Room for the index is set aside at the file's beginning, which is
where players look first.
"""

from __future__ import annotations

import io
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path

import av
from av.video.frame import VideoFrame
from av.video.stream import VideoStream
from PIL import Image

from wanbatch.words.files import written_atomically

_KEY_FRAME_EVERY_S = 0.5
"""The contract of the report."""
_X264 = {
    "preset": "veryfast",
    "tune": "fastdecode",
    "crf": "28",
    "bf": "0",
    "threads": "1",
    "sc_threshold": "0",
    "forced-idr": "1",
}
"""100 KB for 5 s of a busy picture, 0.04 CPU s; ``ultrafast`` is a half quicker and
three times as big (measured)."""
_INDEX_BYTES, _INDEX_BYTES_A_FRAME = 2500, 32
"""Room for an MP4's index: its boxes, and at most 28 bytes a frame in its tables."""

TICKS = 90_000
"""Of a second, in which frames count while they are looked at: the clock of MPEG, which
every usual frame rate divides."""
_TICK = Fraction(1, TICKS)
_NEVER = 100_000  # frames: key frames are asked for by time, not by count

STRIP_PARTS = (0.0, 0.25, 0.5, 0.75, 1.0)
"""Where in the video the five frames of a strip are; the last is the last there is."""
_STRIP_WIDTH, _STRIP_HEIGHT = 192, 256
"""The box of one frame, in pixels: five stand side by side on a page of 960."""

_CODEC_PICTURE_KEY = 1
"""FFmpeg's number of a picture that needs no other."""


class Preview:
    """A small copy in the making. It has no sound."""

    def __init__(self, frames: int, rate: Fraction) -> None:
        room = _INDEX_BYTES + _INDEX_BYTES_A_FRAME * frames
        self._buffer = io.BytesIO()
        self._container = av.open(self._buffer, "w", format="mp4", options={"moov_size": str(room)})
        self._rate = rate
        self._stream: VideoStream | None = None
        self._next_key_s = 0.0

    def add(self, frame: VideoFrame) -> None:
        """The next small frame; its ``pts`` count in ``TICKS`` a second."""
        stream = self._stream or self._begin(frame)
        frame.time_base = _TICK
        at_s = (frame.pts or 0) / TICKS
        is_key = at_s >= self._next_key_s - 1e-6
        frame.pict_type = _CODEC_PICTURE_KEY if is_key else 0
        if is_key:
            self._next_key_s = at_s + _KEY_FRAME_EVERY_S
        self._container.mux(stream.encode(frame))

    def _begin(self, frame: VideoFrame) -> VideoStream:
        added = self._container.add_stream("libx264", rate=self._rate, options=dict(_X264))
        added.width, added.height, added.pix_fmt = frame.width, frame.height, "yuv420p"
        context = added.codec_context
        context.time_base, context.gop_size = _TICK, _NEVER
        context.colorspace, context.color_range = frame.colorspace, 1
        self._stream = added
        return added

    def save(self, target: Path) -> None:
        """Ends the copy and writes it, whole or not at all."""
        if self._stream is not None:
            self._container.mux(self._stream.encode(None))
        self._container.close()
        with written_atomically(target) as file:
            file.write(self._buffer.getbuffer())


def save_strip(pictures: Sequence[Image.Image], target: Path) -> None:
    """Writes ``pictures`` side by side as WebP, whole or not at all."""
    scale = min(1.0, _STRIP_WIDTH / pictures[0].width, _STRIP_HEIGHT / pictures[0].height)
    size = tuple(max(1, round(side * scale)) for side in pictures[0].size)
    strip = Image.new("RGB", (size[0] * len(pictures), size[1]))
    for number, picture in enumerate(pictures):
        strip.paste(picture.resize(size, Image.Resampling.LANCZOS), (number * size[0], 0))
    with written_atomically(target) as file:
        strip.save(file, "WEBP", quality=74, method=3)
