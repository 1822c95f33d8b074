"""The sound of a film: that of one video, or of one after the other, as long as the
pictures.

What it may not do: encode, or mix two sounds.

How it works: a filter graph of FFmpeg brings every sound to stereo floats of 48 kHz,
takes the asked-for part by the file's own clock (so that it stays with its pictures),
and adds silence up to the exact number of samples.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import av.error
from av.audio.frame import AudioFrame
from av.filter import Graph
from av.filter.context import FilterContext

from wanbatch.media.container import has_codec, opened
from wanbatch.words.files import open_regular

RATE = 48_000
"""Samples a second: what AAC in MP4 mostly has, and what needs no resampling of a
video."""
_FORM = f"sample_fmts=fltp:sample_rates={RATE}:channel_layouts=stereo"


@dataclass(frozen=True, slots=True)
class Heard:
    """``samples`` of the sound of ``video`` from ``start_s`` on; silence where that is
    ``None``, has no sound or ends before."""

    video: Path | None
    start_s: float
    samples: int


def sound_frames(parts: Sequence[Heard]) -> Iterator[AudioFrame]:
    """The parts one after the other, each as long as it says.

    Raises ``Undecodable`` and ``OSError`` for a file that cannot be read.
    """
    for part in parts:
        left = part.samples
        for frame in _from_video(part):
            left -= frame.samples
            yield frame
        if left > 0:
            yield from _silence(left)


def _from_video(part: Heard) -> Iterator[AudioFrame]:
    if part.video is None:
        return
    with open_regular(part.video) as file, opened(file, "mp4") as container:
        stream = next((s for s in container.streams.audio if has_codec(s)), None)
        if stream is None:
            return
        graph = Graph()
        _chain(
            graph,
            graph.add_abuffer(template=stream),
            ("aresample", f"{RATE}:async=1:first_pts=0"),
            ("aformat", _FORM),
            ("atrim", f"start={part.start_s:.6f}"),
            ("asetpts", "N/SR/TB"),
            ("atrim", f"end_sample={part.samples}"),
        )
        for packet in container.demux(stream):
            try:
                for frame in packet.decode():
                    graph.push(frame)
            except av.error.InvalidDataError:
                continue  # async=1 fills the gap
            yield from _ready(graph)
        graph.push(None)
        yield from _ready(graph)


def _silence(samples: int) -> Iterator[AudioFrame]:
    graph = Graph()
    head = graph.add("anullsrc", f"r={RATE}:cl=stereo")
    _chain(graph, head, ("aformat", _FORM), ("atrim", f"end_sample={samples}"))
    yield from _ready(graph)


def _chain(graph: Graph, head: FilterContext, *steps: tuple[str, str]) -> None:
    for name, arguments in (*steps, ("abuffersink", "")):
        step = graph.add(name, arguments or None)
        head.link_to(step)
        head = step
    graph.configure()


def _ready(graph: Graph) -> Iterator[AudioFrame]:
    while True:
        try:
            frame = graph.pull()
        except (av.error.BlockingIOError, av.error.EOFError):
            return
        if isinstance(frame, AudioFrame):
            yield frame
