"""What is looked at in full, because 320 pixels do not tell: how sharp the picture is,
how like the pictures that were given, how it goes on from a clip, and the poster.

What it may not do: decode, or measure every frame: five are enough to tell how sharp a
video is, and one in full costs as much as forty small ones.
"""

from __future__ import annotations

from pathlib import Path
from statistics import median

from av.video.frame import VideoFrame
from PIL import Image

from wanbatch.media.clips import Video
from wanbatch.media.turning import turn
from wanbatch.model.measures import Look, Measures, References
from wanbatch.videos import references as given
from wanbatch.videos.filters import edge_width
from wanbatch.videos.previews import STRIP_PARTS
from wanbatch.videos.series import part_at
from wanbatch.videos.stills import POSTER_AT, picture_of, save_poster, shrink

AROUND_JOINT = 2.5
"""Frames before and after the end of a clip among which its last one is looked for: a
clip of 30 frames a second is retimed to 24."""


class FullFrames:
    """The frames of one video as they were decoded, in the order of showing."""

    def __init__(
        self, video: Video, counted: Measures, references: References, *, poster: bool
    ) -> None:
        self._video, self._seconds, self._poster = video, counted.seconds, poster
        size = counted.width, counted.height
        weights = given.MATRICES.get(video.stream.codec_context.colorspace, given.BT601)
        self._first_given = given.read_picture(references.first_frame, size, weights)
        self._last_given = given.read_picture(references.last_frame, size, weights)
        self._clip = given.read_clip(references.first_clip, size)
        self.near_s = AROUND_JOINT / (counted.fps or 24)
        self._blurs: list[float] = []
        self._joints: list[float] = []
        self._posters: dict[float, Image.Image] = {}
        self._last: VideoFrame | None = None
        self.first_likeness: float | None = None
        self.last_likeness: float | None = None

    def add(self, frame: VideoFrame, at_s: float) -> None:
        """The next frame."""
        is_first, self._last = self._last is None, frame
        wanted = part_at(at_s, STRIP_PARTS[:-1], self._seconds)
        if is_first or wanted > len(self._blurs):
            picture = self._shown(frame)
            self._blurs.append(edge_width(picture.convert("L")))
            if is_first and self._first_given:
                self.first_likeness = self._first_given.likeness(given.comparable(picture))
        if self._clip and abs(at_s - self._joint_s) <= self.near_s:
            self._joints.append(self._clip.likeness(given.comparable(self._shown(frame))))
        if self._poster:
            self._keep_poster(frame, at_s)

    def finish(self) -> bool:
        """Looks at the last frame; whether there is one."""
        if self._last is None:
            return False
        picture = self._shown(self._last)
        self._blurs.append(edge_width(picture.convert("L")))
        if self._last_given:
            self.last_likeness = self._last_given.likeness(given.comparable(picture))
        return True

    @property
    def blur(self) -> float:
        """The median of the frames that have edges."""
        return median([width for width in self._blurs if width] or [0.0])

    @property
    def looks(self) -> tuple[Look | None, Look | None]:
        """The pictures that were given for the first and the last frame."""
        first, last = self._first_given, self._last_given
        return first.look if first else None, last.look if last else None

    @property
    def joint(self) -> tuple[float, float] | None:
        """Where the clip ends, and how like its last frame the video is there."""
        return (self._joint_s, max(self._joints)) if self._joints else None

    @property
    def _joint_s(self) -> float:
        """A video shorter than its clip joins it at its own end."""
        return min(self._clip.seconds, self._seconds) if self._clip else 0.0

    def save_poster(self, target: Path) -> None:
        """Writes the most telling of the frames at ``POSTER_AT``."""
        found = [self._posters[part] for part in POSTER_AT if part in self._posters]
        if not found and self._last is not None:
            found = [shrink(self._last, self._video.orientation)]
        save_poster(found, target)

    def _keep_poster(self, frame: VideoFrame, at_s: float) -> None:
        stream = self._video.stream
        length_s = float((stream.duration or 0) * (stream.time_base or 0))
        for part in POSTER_AT:
            if part not in self._posters and at_s >= part * length_s - 1e-6:
                self._posters[part] = shrink(frame, self._video.orientation)

    def _shown(self, frame: VideoFrame) -> Image.Image:
        return turn(picture_of(frame), self._video.orientation)
