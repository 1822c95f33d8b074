"""What becomes of a video's frames at 320 pixels: measures, the preview, the strip, and
the signature.

What it may not do: decode.

How it works: a frame goes in as it was decoded and comes out of the filters small,
upright and with what they found. Those that strip and signature want are kept: five a
video, 90 KB each.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import av.error
from av.video.frame import VideoFrame

from wanbatch.model.signature import PARTS, SIDE, make_signature
from wanbatch.videos.filters import PictureFilters
from wanbatch.videos.previews import STRIP_PARTS, TICKS, Preview, save_strip
from wanbatch.videos.series import Series, part_at
from wanbatch.videos.stills import picture_of


class SmallFrames:
    """The small frames of one video, in the order of showing."""

    def __init__(self, seconds: float, orientation: int, preview: Preview | None) -> None:
        self.series = Series()
        self._seconds, self._orientation = seconds, orientation
        self._filters: PictureFilters | None = None
        self._preview = preview
        self._five: list[VideoFrame] = []
        self._last: VideoFrame | None = None

    def add(self, frame: VideoFrame) -> None:
        """The next frame in full; its ``pts`` count in ``TICKS`` a second."""
        if self._filters is None:
            self._filters = PictureFilters(frame, self._orientation)
        self._take(self._filters.put(frame))

    def finish(self) -> None:
        """Ends what lasts to the video's end. The strip of a video that ends early has
        its last frame more than once."""
        if self._filters is not None:
            self._take(self._filters.finish())
        self.series.finish(self._seconds)
        if self._last is not None:
            self._five += [self._last] * (len(STRIP_PARTS) - len(self._five))

    def _take(self, small: Iterator[VideoFrame]) -> None:
        for frame in small:
            at_s = (frame.pts or 0) / TICKS
            self.series.add(at_s, frame.metadata)
            self._last = frame
            while part_at(at_s, STRIP_PARTS[:-1], self._seconds) > len(self._five):
                self._five.append(frame)
            if self._preview is not None:
                try:
                    self._preview.add(frame)
                except av.error.FFmpegError:
                    self._preview = None

    def save(self, preview: Path | None, strip: Path | None) -> None:
        """Writes what is wanted. A preview that cannot be encoded is left out."""
        if preview is not None and self._preview is not None:
            with suppress(av.error.FFmpegError):
                self._preview.save(preview)
        if strip is not None and self._five:
            save_strip([picture_of(frame) for frame in self._five], strip)

    def signature(self) -> str:
        """What ``wanbatch.model.signature`` compares."""
        five = dict(zip(STRIP_PARTS, self._five, strict=False))
        tiny = (five[part].reformat(SIDE, SIDE, "gray") for part in PARTS if part in five)
        return make_signature([_pixels(frame) for frame in tiny])


def _pixels(frame: VideoFrame) -> bytes:
    plane = frame.planes[0]
    data, line = bytes(plane), plane.line_size
    return b"".join(data[row * line : row * line + plane.width] for row in range(plane.height))
