"""Pictures cut from videos: the stills that chained jobs begin or end with, and the
posters that the report shows.

What it may not do: choose where files go, or touch the video.

How it works: FFmpeg decodes from the last keyframe before the wanted instant, so a long
video costs no more than its last seconds. A packet that does not decode is skipped:
"last" means the last frame that can be shown. Frames become RGB by the file's own
colour tags, or, without any, by FFmpeg's default, which is also what untagged encoders
have used; so a chain of clips keeps its colours. What is cut is turned as the track's
matrix says, as a player shows it.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Literal

import av.error
from av.container import InputContainer
from av.video.frame import VideoFrame
from av.video.stream import VideoStream
from PIL import Image, ImageStat

from wanbatch.media.clips import Video, opened_video
from wanbatch.media.container import Undecodable as Undecodable
from wanbatch.media.turning import turn, turned_size
from wanbatch.words.files import open_regular, written_atomically

POSTER_WIDTH, POSTER_HEIGHT = 480, 854
"""A poster fits into this box, in pixels; that of a landscape video is as wide as the
box."""

POSTER_AT = (0.65, 0.5, 0.35, 0.8)
"""Parts of the video's length, the dearest first. Never near 0: all seeds of a job
share the first frame, so it tells nothing; and the way to a last frame shows late."""


def cut_still(video: Path, frame: Literal["first", "last"], target: Path) -> None:
    """Writes the first or the last decodable frame of ``video`` to ``target`` as PNG
    (RGB, no alpha), whole or not at all.

    Raises ``Undecodable`` where there is no such frame, ``OSError`` where a file cannot
    be read or written.
    """
    picture = read_still(video, frame)
    with written_atomically(target) as file:
        picture.save(file, "PNG", compress_level=6)


def read_still(video: Path, frame: Literal["first", "last"]) -> Image.Image:
    """The first or the last decodable frame of ``video`` (RGB), as it is shown. Raises
    ``Undecodable`` where there is no such frame, ``OSError`` where it cannot be
    read."""
    with open_regular(video) as source, opened_video(source) as opened:
        container, stream = _threaded(opened)
        found = (
            next(_frames(container, stream), None)
            if frame == "first"
            else _last_frame(container, stream)
        )
        if found is None:
            raise Undecodable("no frame of it can be decoded")
        return turn(picture_of(found), opened.orientation)


def make_poster(video: Path, target: Path) -> None:
    """Writes a telling frame of ``video`` to ``target`` as WebP, at most 480 x 854 px,
    whole or not at all.

    Raises ``Undecodable`` where no frame can be decoded, ``OSError`` where a file
    cannot be read or written.
    """
    with open_regular(video) as source, opened_video(source) as opened:
        frames = _candidates(*_threaded(opened))
        candidates = [shrink(frame, opened.orientation) for frame in frames]
    if not candidates:
        raise Undecodable("no frame of it can be decoded")
    save_poster(candidates, target)


def save_poster(candidates: Sequence[Image.Image], target: Path) -> None:
    """Writes the most telling of ``candidates``, the dearest first, as WebP, whole or
    not at all."""
    with written_atomically(target) as file:
        max(candidates, key=_telling).save(file, "WEBP", quality=76, method=4)


def _threaded(video: Video) -> tuple[InputContainer, VideoStream]:
    """The video's parts, set to decode on all cores."""
    video.stream.thread_type = "AUTO"
    return video.container, video.stream


def _frames(container: InputContainer, stream: VideoStream) -> Iterator[VideoFrame]:
    """Every frame from here on, in the order of showing; what does not decode is left
    out."""
    for packet in container.demux(stream):
        try:
            yield from packet.decode()
        except av.error.FFmpegError:
            continue


def _last_frame(container: InputContainer, stream: VideoStream) -> VideoFrame | None:
    _seek(container, stream, 1.0)
    if last := deque(_frames(container, stream), maxlen=1):
        return last[0]
    container.seek(0)
    whole = deque(_frames(container, stream), maxlen=1)
    return whole[0] if whole else None


def _seek(container: InputContainer, stream: VideoStream, part: float) -> None:
    """To the last keyframe that is not after ``part`` of the stream's length."""
    if stream.duration:
        container.seek((stream.start_time or 0) + int(stream.duration * part), stream=stream)


def _candidates(container: InputContainer, stream: VideoStream) -> list[VideoFrame]:
    """The frames at ``POSTER_AT``, the dearest first; of a video that ends before, its
    last frame."""
    wanted = sorted(POSTER_AT)
    start, length = stream.start_time or 0, stream.duration or 0
    found: dict[float, VideoFrame] = {}
    frame = None
    _seek(container, stream, wanted[0])
    for frame in _frames(container, stream):
        instant = (frame.pts or 0) - start
        while wanted and instant >= wanted[0] * length:
            found[wanted.pop(0)] = frame
        if not wanted:
            break
    if frame is not None and not found:
        return [frame]
    return [found[part] for part in POSTER_AT if part in found]


def picture_of(frame: VideoFrame) -> Image.Image:
    """The frame as RGB, as it is stored."""
    plane = frame.reformat(format="rgb24").planes[0]
    return Image.frombuffer(
        "RGB", (plane.width, plane.height), bytes(plane), "raw", "RGB", plane.line_size, 1
    )


def shrink(frame: VideoFrame, orientation: int) -> Image.Image:
    """The frame as a poster shows it."""
    width, height = turned_size(frame.width, frame.height, orientation)
    scale = min(POSTER_WIDTH / width, POSTER_HEIGHT / height, 1.0)
    size = max(1, round(frame.width * scale)), max(1, round(frame.height * scale))
    small = picture_of(frame).resize(size, Image.Resampling.LANCZOS, reducing_gap=2.0)
    return turn(small, orientation)


def _telling(picture: Image.Image) -> int:
    """How much there is to see, in steps wide enough that the dearest instant wins
    unless it is plainly emptier than another."""
    return int(ImageStat.Stat(picture.convert("L")).stddev[0] / 8)
