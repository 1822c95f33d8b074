"""Looks at a video once: what it measures, and the small files that the report shows
beside it, from one decode.

What it may not do: judge, choose where files go, or touch the video.

How it works: the packets are counted first, which costs no decoding and says how long
the picture really plays. Then every packet is decoded once, on one thread: many videos
are looked at side by side, and all that costs time leaves the interpreter's lock. Each
frame goes through the filters small (``small_frames``), five are looked at in full
(``full_frames``), the sound beside them is heard (``hearing``). A packet that does not
decode is counted and left out; a frame that the decoder had to fill in is counted too.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import av.error
from av.audio.frame import AudioFrame
from av.audio.stream import AudioStream
from av.packet import Packet
from av.stream import Discard
from av.video.frame import VideoFrame

from wanbatch.media.clips import Video, opened_video
from wanbatch.media.container import Undecodable as Undecodable
from wanbatch.media.container import count_packets, has_codec
from wanbatch.media.turning import turned_size
from wanbatch.model.measures import Joint, Level, Measures, References, Sound, Targets
from wanbatch.videos.full_frames import FullFrames
from wanbatch.videos.hearing import Hearing
from wanbatch.videos.previews import TICKS, Preview
from wanbatch.videos.small_frames import SmallFrames
from wanbatch.videos.stills import make_poster
from wanbatch.words.files import open_regular

_USUAL_RATE = 24
"""Frames a second of a video whose time stamps say nothing: the emulator's."""


def look_at(video: Path, references: References, targets: Targets, level: Level) -> Measures:
    """The measures of ``video``, whose files in ``targets`` are written beside.

    Runs on one core, and leaves the others to other threads. Raises ``Undecodable``
    where it holds no picture that can be shown, ``OSError`` where a file cannot be read
    or written. A reference that cannot be read is none.
    """
    with open_regular(video) as file, opened_video(file) as opened:
        counted = _count(opened, level)
        if level is Level.ALL:
            return _Looking(opened, counted, references, targets).look()
    if targets.poster is not None:
        make_poster(video, targets.poster)
    return counted


def _count(video: Video, level: Level) -> Measures:
    """What the container says, and its packets add up to."""
    stream, sound = video.stream, _sound_track(video)
    played = count_packets(video.container, stream, video.end, edited=video.edited)
    context = stream.codec_context
    heard = float((sound.duration or 0) * (sound.time_base or 0)) if sound else 0.0
    return Measures(
        level,
        played.seconds,
        *turned_size(context.width, context.height, video.orientation),
        float(stream.average_rate or 0),
        played.packets,
        sound=Sound(heard) if sound else None,
    )


def _sound_track(video: Video) -> AudioStream | None:
    return next(iter(video.container.streams.audio), None)


class _Looking:
    """One decode in the making."""

    def __init__(
        self, video: Video, counted: Measures, references: References, targets: Targets
    ) -> None:
        self.video, self.counted, self.targets = video, counted, targets
        rate = video.stream.average_rate or Fraction(_USUAL_RATE)
        preview = Preview(counted.packets, rate) if targets.preview else None
        self.small = SmallFrames(counted.seconds, video.orientation, preview)
        self.full = FullFrames(video, counted, references, poster=targets.poster is not None)
        self.hearing = self._hearing()
        self.step = round(TICKS / rate)
        self.start: int | None = None
        self.frames = self.undecodable = 0

    def look(self) -> Measures:
        for packet in self._packets():
            try:
                frames: Iterable[object] = packet.decode()
            except av.error.FFmpegError:
                self.undecodable += 1
                continue
            for frame in frames:
                if isinstance(frame, VideoFrame):
                    self._see(frame)
                elif isinstance(frame, AudioFrame):
                    self._hear(frame)
        self.small.finish()
        if not self.full.finish():
            raise Undecodable("no frame of it can be decoded")
        if self.targets.poster is not None:
            self.full.save_poster(self.targets.poster)
        self.small.save(self.targets.preview, self.targets.frames)
        return self._measures()

    def _packets(self) -> Iterator[Packet[Any]]:
        """Those of the picture and of the sound beside it, as they lie in the file."""
        container, sound = self.video.container, _sound_track(self.video)
        wanted = [self.video.stream, *([sound] if sound and self.hearing else [])]
        for stream in wanted:
            stream.discard = Discard.default
        self.video.stream.codec_context.thread_count = 1
        container.seek(0)
        packets = container.demux(*wanted)
        while True:
            try:
                yield next(packets)
            except StopIteration:
                return
            except av.error.FFmpegError:
                self.undecodable += 1
                return

    def _see(self, frame: VideoFrame) -> None:
        if self.start is None:
            self.start = frame.pts or 0
        pts = self.frames * self.step
        if frame.pts is not None and frame.time_base:
            pts = round((frame.pts - self.start) * frame.time_base * TICKS)
        frame.pts, frame.time_base = pts, Fraction(1, TICKS)
        self.frames += 1
        self.undecodable += frame.is_corrupt
        self.full.add(frame, pts / TICKS)
        self.small.add(frame)

    def _hearing(self) -> Hearing | None:
        sound = _sound_track(self.video)
        try:
            return Hearing(sound) if sound and has_codec(sound) else None
        except (av.error.FFmpegError, ValueError):
            return None  # coded in a way that no filter takes

    def _hear(self, frame: AudioFrame) -> None:
        try:
            if self.hearing:
                self.hearing.add(frame)
        except (av.error.FFmpegError, ValueError):
            self.undecodable += 1

    def _measures(self) -> Measures:
        series, full, sound = self.small.series, self.full, self.counted.sound
        if self.hearing:
            with suppress(av.error.FFmpegError, ValueError):
                sound = self.hearing.finish()
        first_look, last_look = full.looks
        return replace(
            self.counted,
            frames=self.frames,
            undecodable=self.undecodable,
            missing=series.missing_frames(),
            frozen_s=round(series.frozen_s, 3),
            black_s=round(series.black_s, 3),
            flicker=round(series.flicker(), 5),
            cuts=tuple(round(at_s, 3) for at_s in series.cuts()),
            motion=round(series.motion(), 5),
            motion_course=series.course("motion"),
            blur=round(full.blur, 3),
            dark=round(series.mean("dark"), 4),
            light=round(series.mean("light"), 4),
            luma_course=series.course("luma"),
            blue_course=series.course("blue"),
            red_course=series.course("red"),
            first_frame=_rounded(full.first_likeness),
            last_frame=_rounded(full.last_likeness),
            first_picture=first_look,
            last_picture=last_look,
            joint=self._joint(),
            sound=sound,
            signature=self.small.signature(),
        )

    def _joint(self) -> Joint | None:
        found = self.full.joint
        if found is None:
            return None
        at_s, likeness = found
        jump = self.small.series.jump(at_s, self.full.near_s)
        return Joint(round(at_s, 3), round(likeness, 4), round(jump, 5))


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 4)
