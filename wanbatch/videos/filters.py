"""FFmpeg's own filters, as one look at a video uses them: a graph that every frame goes
through, one for the sound, and two that compare or measure single pictures.

What it may not do: open files, or know what a number means.

How it works: a filter leaves what it found in the metadata of the frames it passes on,
as text. The picture is scaled down first, because most filters cost by the pixel: six
of them are eight times dearer at 720P. Sizes and turns come from the first frame; one
that differs later is fitted to it. All work is done without the interpreter's lock.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping

import av.error
from av.audio.frame import AudioFrame
from av.audio.stream import AudioStream
from av.filter import Graph
from av.filter.context import FilterContext
from av.video.frame import VideoFrame
from PIL import Image

from wanbatch.media.turning import turned_size

WIDTH, HEIGHT = 320, 640
"""The box of the small picture, in pixels: 320 wide as previews are (the contract of
the report), and no higher than is seen of a tall one."""
_LEAST = 32
"""Sides that every filter can work on; of a picture 2 pixels wide some read beyond its
edge."""

_TURNS: Mapping[int, tuple[tuple[str, str], ...]] = {
    2: (("hflip", ""),),
    3: (("hflip", ""), ("vflip", "")),
    4: (("vflip", ""),),
    5: (("transpose", "dir=cclock_flip"),),
    6: (("transpose", "dir=clock"),),
    7: (("transpose", "dir=clock_flip"),),
    8: (("transpose", "dir=cclock"),),
}
"""The filters that show a picture as its orientation says (Exif's numbers)."""

_MEASURING = (
    ("freezedetect", "noise=0.0002:duration=0.5"),
    ("blackdetect", "black_min_duration=0.04:picture_black_ratio_th=0.98:pixel_black_th=0.06"),
    ("scdet", "threshold=100"),
    ("signalstats", ""),
    ("vmafmotion", ""),
)
"""Frozen is what changes by less than a twentieth of a grey level for half a second:
the slow beginning of a camera move changes by more, and what an encoder leaves of a
still by less (measured on the emulator's clips). Black is what is below 6 % in 98 % of
the picture. Cuts are found from the changes themselves (``series``)."""

_LISTENING = (
    ("asetnsamples", "n=4800:p=0"),
    ("silencedetect", "noise=-60dB:duration=0.3:mono=0"),
    ("astats", "metadata=1:measure_perchannel=none:measure_overall=Peak_level"),
    ("aformat", "sample_fmts=u8"),
)
"""Silence is below -60 dB; what comes out are bytes, of which 0 and 255 are as loud as
can be."""


def small_size(width: int, height: int) -> tuple[int, int]:
    """The sides of the small picture of one that is shown at ``width`` × ``height``;
    both are even, as H.264 wants them."""
    scale = min(1.0, WIDTH / width, HEIGHT / height)
    return tuple(max(_LEAST, round(side * scale / 2) * 2) for side in (width, height))  # type: ignore[return-value]


class PictureFilters:
    """The graph of a video's frames, made from its first one."""

    def __init__(self, first: VideoFrame, orientation: int) -> None:
        self._first = first
        width, height = small_size(*turned_size(first.width, first.height, orientation))
        stored_width, stored_height = turned_size(width, height, orientation)
        self._graph, self._source, self._sink = _graph_of(
            ("buffer", _buffer_of(first)),
            ("scale", f"{stored_width}:{stored_height}:flags=area:out_range=limited"),
            ("format", "yuv420p"),
            *_TURNS.get(orientation, ()),
            *_MEASURING,
            ("buffersink", ""),
        )

    def put(self, frame: VideoFrame) -> Iterator[VideoFrame]:
        """Gives the graph a frame; what it has done with this one and those before."""
        first = self._first
        if (frame.width, frame.height, frame.format.name) != (
            first.width,
            first.height,
            first.format.name,
        ):
            pts, time_base = frame.pts, frame.time_base
            frame = frame.reformat(first.width, first.height, first.format.name)
            frame.pts, frame.time_base = pts, time_base
        self._source.push(frame)
        return self._pull()

    def finish(self) -> Iterator[VideoFrame]:
        """What is left after the last frame."""
        self._source.push(None)
        return self._pull()

    def _pull(self) -> Iterator[VideoFrame]:
        return (frame for frame in _pulled(self._sink) if isinstance(frame, VideoFrame))


class SoundFilters:
    """The graph of a sound track."""

    def __init__(self, stream: AudioStream) -> None:
        rate = stream.sample_rate
        coded = f"sample_fmt={stream.format.name}:channel_layout={stream.layout.name}"
        self._graph, self._source, self._sink = _graph_of(
            ("abuffer", f"sample_rate={rate}:{coded}:time_base=1/{rate}"),
            *_LISTENING,
            ("abuffersink", ""),
        )

    def put(self, frame: AudioFrame | None) -> Iterator[AudioFrame]:
        """Gives the graph a frame, or its end; what it has done so far."""
        self._source.push(frame)
        return (found for found in _pulled(self._sink) if isinstance(found, AudioFrame))


def ssim(one: Image.Image, other: Image.Image) -> float:
    """How alike two grey pictures of one size are, by structure: 1 for equal ones."""
    graph = Graph()
    graph.threads = 1
    frames = [_grey_frame(one), _grey_frame(other)]
    sources = [graph.add("buffer", _buffer_of(frame)) for frame in frames]
    compare, sink = graph.add("ssim"), graph.add("buffersink")
    for number, source in enumerate(sources):
        source.link_to(compare, 0, number)
    compare.link_to(sink)
    graph.configure()
    for source, frame in zip(sources, frames, strict=True):
        source.push(frame)
        source.push(None)
    return float(sink.pull().metadata["lavfi.ssim.Y"])


def edge_width(grey: Image.Image) -> float:
    """How wide the edges of a grey picture are, in pixels: the wider, the more blurred.
    0 where it has none."""
    frame = _grey_frame(grey)
    _graph, source, sink = _graph_of(
        ("buffer", _buffer_of(frame)), ("blurdetect", ""), ("buffersink", "")
    )
    source.push(frame)
    width = float(sink.pull().metadata["lavfi.blur"])
    return width if math.isfinite(width) else 0.0


def _graph_of(*nodes: tuple[str, str]) -> tuple[Graph, FilterContext, FilterContext]:
    """A chain of filters on one thread, with its ends."""
    graph = Graph()
    graph.threads = 1
    made = [graph.add(name, options or None) for name, options in nodes]
    graph.link_nodes(*made)
    graph.configure()
    return graph, made[0], made[-1]


def _pulled(sink: FilterContext) -> Iterator[object]:
    while True:
        try:
            yield sink.pull()
        except (av.error.BlockingIOError, av.error.EOFError):
            return


def _buffer_of(frame: VideoFrame) -> str:
    base = frame.time_base or "1/1000"
    return (
        f"video_size={frame.width}x{frame.height}:pix_fmt={frame.format.name}"
        f":time_base={base}:pixel_aspect=1/1"
    )


def _grey_frame(grey: Image.Image) -> VideoFrame:
    frame = VideoFrame(grey.width, grey.height, "gray")
    plane, data = frame.planes[0], grey.tobytes()
    if plane.line_size != grey.width:
        filling = bytes(plane.line_size - grey.width)
        rows = (data[i : i + grey.width] for i in range(0, len(data), grey.width))
        data = b"".join(row + filling for row in rows)
    plane.update(data)
    frame.pts = 0
    return frame
