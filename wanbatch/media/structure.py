"""Whether the structure of an MP4 or MOV file holds, and what it says about the file.

What it may not do: decode, load media data, raise anything but ``Broken`` and the
disk's errors.

How it works: puts together the boxes at the top, the tracks of the header and the
fragments.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import BinaryIO

from wanbatch.media.boxes import Broken, content, read_layout
from wanbatch.media.fragments import Pieces, check_index
from wanbatch.media.tracks import Movie, read_movie

_SLACK_S = 0.2
"""Encoders round, and count a sound's beginning that is not heard; a piece is seldom
shorter."""

_UNKNOWN_S = 3600.0
"""A promise of more stands for none: live packagers write the largest number there
is."""


@dataclass(frozen=True, slots=True)
class Structure:
    """A file that is whole up to byte ``end``; ``orientations`` by the ids of its
    tracks, as in EXIF."""

    end: int
    remark: str
    fragmented: bool
    orientations: Mapping[int, int]


def check_structure(file: BinaryIO, length: int) -> Structure:
    """The structure of an open file of ``length`` bytes: whole, with a video track.

    Raises ``Broken`` where it does not hold, ``OSError`` where reading fails.
    """
    layout = read_layout(file, length)
    header = next((box for box in layout.boxes if box.type == "moov"), None)
    if header is None:
        raise Broken("there is no moov box (the table of contents of an MP4)")
    movie = read_movie(content(file, header), layout.end)
    pieces = Pieces(layout.end, movie.defaults)
    for box in layout.boxes:
        if box.type == "moof":
            pieces.add(content(file, box), box)
        elif box.type == "sidx":
            check_index(content(file, box), box, layout.end)
    if not any(track.handler == "vide" for track in movie.tracks):
        raise Broken("it has no video track")
    _check_promise(movie, pieces)
    return Structure(
        layout.end,
        layout.remark,
        movie.extends or pieces.samples > 0,
        {track.id: track.orientation for track in movie.tracks},
    )


def _check_promise(movie: Movie, pieces: Pieces) -> None:
    """Holds the length that the header states for all fragments against what they
    hold."""
    held = max(
        (
            (track.ticks + pieces.ticks[track.id]) / track.timescale
            for track in movie.tracks
            if track.timescale
        ),
        default=0.0,
    )
    if held + _SLACK_S < movie.promised_s < _UNKNOWN_S:
        raise Broken(
            f"it is truncated: its header (mehd) says {movie.promised_s:.2f} s, "
            f"and its fragments hold {held:.2f} s"
        )
