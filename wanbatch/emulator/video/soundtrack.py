"""The sound of a video: driving audio cut or padded to the length, or a soft room tone
where there is none.

What it may not do: encode or mux (``animatic`` does), open files by name.

How it works: an FFmpeg filter graph ends in stereo float samples at 48 kHz, exactly as
many as the length asks for. Real wan2.7-i2v cuts longer driving audio, leaves the rest
silent where it is shorter, and writes its own soundtrack without one (docs), so there
is always a track.
"""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import AbstractContextManager

import av
from av.container import InputContainer
from av.filter import Graph
from av.filter.context import FilterContext

from wanbatch.media.container import opened
from wanbatch.media.sounds import has_sound_alone, opened_sound

RATE = 48_000
"""Samples a second: what AAC in MP4 has mostly, and what needs no resampling of a
video."""


def sound_frames(seconds: int, source: bytes | None, seed: int) -> Iterator[av.AudioFrame]:
    """Frames of ``seconds`` × 48,000 samples: of ``source`` (WAV, MP3, MP4 or MOV)
    where it has sound, else of a room tone chosen by ``seed``."""
    if source is not None:
        with _opened(io.BytesIO(source)) as container:
            if container.streams.audio:
                yield from _fitted(container, seconds)
                return
    yield from _room_tone(seconds, seed)


def _opened(source: io.BytesIO) -> AbstractContextManager[InputContainer]:
    return opened_sound(source) if has_sound_alone(source) else opened(source, "mp4")


def silent_frames(seconds: int) -> Iterator[av.AudioFrame]:
    """Exactly ``seconds`` of silence."""
    graph = Graph()
    head = graph.add("anullsrc", f"r={RATE}:cl=stereo:duration={seconds}")
    _chain(graph, head, ("aformat", f"sample_fmts=fltp:sample_rates={RATE}:channel_layouts=stereo"))
    yield from _ready(graph)


def _fitted(container: av.container.InputContainer, seconds: int) -> Iterator[av.AudioFrame]:
    stream = container.streams.audio[0]
    graph = Graph()
    head = graph.add_abuffer(template=stream)
    samples = seconds * RATE
    _chain(
        graph,
        head,
        ("aresample", f"{RATE}"),
        ("aformat", f"sample_fmts=fltp:sample_rates={RATE}:channel_layouts=stereo"),
        ("asetpts", "N/SR/TB"),
        ("apad", f"whole_len={samples}"),
        ("atrim", f"end_sample={samples}"),
    )
    for frame in container.decode(stream):
        graph.push(frame)
        yield from _ready(graph)
    graph.push(None)
    yield from _ready(graph)


def _room_tone(seconds: int, seed: int) -> Iterator[av.AudioFrame]:
    graph = Graph()
    head = graph.add(
        "anoisesrc",
        f"color=brown:sample_rate={RATE}:amplitude=0.12:duration={seconds}"
        f":seed={seed % 2**31}:nb_samples=1024",
    )
    _chain(
        graph,
        head,
        ("lowpass", "f=420"),
        ("afade", "type=in:duration=0.6"),
        ("afade", f"type=out:start_time={seconds - 0.8}:duration=0.8"),
        ("aformat", f"sample_fmts=fltp:sample_rates={RATE}:channel_layouts=stereo"),
        ("atrim", f"end_sample={seconds * RATE}"),
    )
    yield from _ready(graph)


def _chain(graph: Graph, head: FilterContext, *steps: tuple[str, str]) -> None:
    for name, arguments in (*steps, ("abuffersink", "")):
        step = graph.add(name, arguments or None)
        head.link_to(step)
        head = step
    graph.configure()


def _ready(graph: Graph) -> Iterator[av.AudioFrame]:
    while True:
        try:
            frame = graph.pull()
        except (av.error.BlockingIOError, av.error.EOFError):
            return
        if isinstance(frame, av.AudioFrame):
            yield frame
