"""Looks at a video once: what it measures, and the small files that the report shows
beside it, from one decode.

What it may not do: judge, choose where files go, or touch the video.

How it works: the packets are counted first, which costs no decoding and says how long
the picture really plays.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from wanbatch.media.clips import Video, opened_video
from wanbatch.media.container import Undecodable as Undecodable
from wanbatch.media.container import count_packets
from wanbatch.media.turning import turned_size
from wanbatch.model.measures import Level, Measures, References, Sound
from wanbatch.videos.stills import make_poster
from wanbatch.words.files import open_regular


@dataclass(frozen=True, slots=True)
class Targets:
    """Files to write, each whole or not at all; ``None`` is not wanted. ``preview`` and
    ``frames`` need the whole video decoded: they are made at the level ``all``
    alone."""

    poster: Path | None = None
    preview: Path | None = None
    frames: Path | None = None


def look_at(video: Path, references: References, targets: Targets, level: Level) -> Measures:
    """The measures of ``video``, whose files in ``targets`` are written beside.

    Runs on one core, and leaves the others to other threads. Raises ``Undecodable``
    where it holds no video, ``OSError`` where a file cannot be read or written. A
    reference that cannot be read is none.
    """
    with open_regular(video) as file, opened_video(file) as opened:
        measures = _count(opened, level)
    if targets.poster is not None:
        make_poster(video, targets.poster)
    return measures


def _count(video: Video, level: Level) -> Measures:
    stream = video.stream
    played = count_packets(video.container, stream, video.end, edited=video.edited)
    width, height = turned_size(
        stream.codec_context.width, stream.codec_context.height, video.orientation
    )
    sound = next(iter(video.container.streams.audio), None)
    heard = float((sound.duration or 0) * (sound.time_base or 0)) if sound else 0.0
    return Measures(
        level,
        played.seconds,
        width,
        height,
        float(stream.average_rate or 0),
        played.packets,
        sound=Sound(heard) if sound else None,
    )
