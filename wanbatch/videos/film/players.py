"""A video as a film's clock asks for it: the planes that are on screen at an instant.

What it may not do: hold more than one frame, or trust a file: it is opened the one
careful way of ``media``.

How it works: frames are decoded as the clock goes on and never back; only the one that
is shown is scaled. What does not decode is passed over, and after its end a video shows
its last frame. Planes are 4:2:0, limited range, BT.709.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import av.error
from av.packet import Packet
from av.video.frame import VideoFrame
from av.video.reformatter import ColorRange, Colorspace, Interpolation
from av.video.stream import VideoStream
from PIL import Image

from wanbatch.media.clips import opened_video
from wanbatch.media.container import Undecodable
from wanbatch.media.turning import turn, turned_size
from wanbatch.videos.film.layout import Box, fit
from wanbatch.words.files import open_regular

Planes = tuple[Image.Image, Image.Image, Image.Image]

_EARLY_S = 0.002
"""A frame counts as begun so much before its time: rates are not exact in a file's
ticks."""


class Player:
    """A context manager. ``box`` is where the video is shown; ``place`` is then what it
    takes of it."""

    def __init__(self, video: Path, box: Box, threads: int) -> None:
        """Raises ``Undecodable`` where no frame can be shown, ``OSError`` where the
        file cannot be read."""
        self._stack = ExitStack()
        try:
            source = self._stack.enter_context(open_regular(video))
            opened = self._stack.enter_context(opened_video(source))
            opened.stream.codec_context.thread_count = threads
            self._orientation = opened.orientation
            self._frames = _frames(opened.container.demux(opened.stream))
            first = next(self._frames, None)
            if first is None:
                raise Undecodable("no frame of it can be decoded")
        except BaseException:
            self._stack.close()
            raise
        self._next: VideoFrame | None = first
        self._start_s = first.time or 0.0
        shown = turned_size(first.width, first.height, self._orientation)
        self.place = fit(*shown, box)

    def __enter__(self) -> Player:
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def at(self, instant_s: float) -> Planes | None:
        """The planes from ``instant_s`` of the video on; ``None`` where they are still
        those of before. Instants only go on."""
        shown = None
        while self._next is not None and self._begins_s(self._next) <= instant_s + _EARLY_S:
            shown = self._next
            self._next = next(self._frames, None)
        return None if shown is None else self._scaled(shown)

    def _begins_s(self, frame: VideoFrame) -> float:
        return (frame.time or 0.0) - self._start_s

    def _scaled(self, frame: VideoFrame) -> Planes:
        width, height = turned_size(self.place.width, self.place.height, self._orientation)
        scaled = frame.reformat(
            width,
            height,
            format="yuv420p",
            dst_colorspace=Colorspace.ITU709,
            dst_color_range=ColorRange.MPEG,
            interpolation=Interpolation.AREA if width < frame.width else Interpolation.BICUBIC,
        )
        luma, blue, red = (
            turn(
                Image.frombuffer("L", (p.width, p.height), bytes(p), "raw", "L", p.line_size, 1),
                self._orientation,
            )
            for p in scaled.planes
        )
        return luma, blue, red


def _frames(packets: Iterator[Packet[VideoStream]]) -> Iterator[VideoFrame]:
    """Every frame in the order of showing; what does not decode is left out, and a file
    that cannot be read on ends."""
    while True:
        try:
            packet = next(packets, None)
            if packet is None:
                return
            yield from packet.decode()
        except av.error.InvalidDataError:
            continue
        except av.error.FFmpegError:
            return
