"""The sound track of a video, in the same pass as its picture: how long it is, how much
of it is silent, how loud it gets.

What it may not do: judge.
"""

from __future__ import annotations

import math

from av.audio.frame import AudioFrame
from av.audio.stream import AudioStream

from wanbatch.model.measures import Sound
from wanbatch.videos.filters import SoundFilters


class Hearing:
    """Gathers what the filters say of a sound track."""

    def __init__(self, stream: AudioStream) -> None:
        self._filters = SoundFilters(stream)
        self._samples = self._values = self._full = 0
        self._rate = stream.sample_rate or 1
        self._silent_s = 0.0
        self._silent_since: float | None = None
        self._peak_db = -math.inf

    def add(self, frame: AudioFrame | None) -> None:
        """The next frame, or the end. One that says otherwise than the track how it is
        coded is only counted."""
        self._samples += frame.samples if frame else 0
        if frame is not None:
            frame.pts = self._samples - frame.samples
        for found in self._filters.put(frame):
            self._note(found)

    def _note(self, frame: AudioFrame) -> None:
        said = frame.metadata
        if "lavfi.silence_start" in said:
            self._silent_since = max(0.0, float(said["lavfi.silence_start"]))
        if "lavfi.silence_end" in said and self._silent_since is not None:
            self._silent_s += float(said["lavfi.silence_end"]) - self._silent_since
            self._silent_since = None
        self._peak_db = float(said.get("lavfi.astats.Overall.Peak_level", self._peak_db))
        values = bytes(frame.planes[0])[: frame.samples * frame.layout.nb_channels]
        self._values += len(values)
        self._full += values.count(0) + values.count(255)

    def finish(self) -> Sound:
        """What was heard in all."""
        self.add(None)
        seconds = self._samples / self._rate
        if self._silent_since is not None:
            self._silent_s += max(0.0, seconds - self._silent_since)
        return Sound(
            round(seconds, 4),
            round(min(self._silent_s, seconds), 3),
            round(self._peak_db, 2) if math.isfinite(self._peak_db) else None,
            round(self._full / max(1, self._values), 6),
        )
