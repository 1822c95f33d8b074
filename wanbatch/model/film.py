"""The values of a film: the jobs that it shows, and where each stands in it.

What it may not do: I/O, or decide which job stands where (``videos.film`` does).
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Footage:
    """A stored video as it was measured: what there is to show of a job."""

    path: Path
    seconds: float
    width: int
    height: int
    fps: float
    has_audio: bool


@dataclass(frozen=True, slots=True)
class Shot:
    """A job as a film shows it.

    ``axes`` are (name, value) as texts, in axis order; what a job has beside them, as
    its id, stands there too. ``footage`` is ``None`` where there is no video, and
    ``standing`` then says why in a word or two. ``follows`` names the shot that this
    one goes on from: as a continuation, which begins with all of it, or else with its
    last frame.
    """

    name: str
    axes: tuple[tuple[str, str], ...]
    footage: Footage | None
    standing: str = ""
    follows: str = ""
    continues: bool = False

    def value(self, axis: str) -> str:
        """The shot's value on ``axis``; empty where it has none."""
        return next((value for name, value in self.axes if name == axis), "")


@dataclass(frozen=True, slots=True)
class Grid:
    """Shots in columns and rows, row by row; ``None`` where no job stands.

    Without headings it is a contact sheet: each cell has its own name below it.
    """

    cells: tuple[Shot | None, ...]
    width: int
    column_headings: tuple[str, ...] = ()
    row_headings: tuple[str, ...] = ()

    @property
    def height(self) -> int:
        return -(-len(self.cells) // self.width)


@dataclass(frozen=True, slots=True)
class Piece:
    """A shot in a sequence, from ``start_s`` of it on; before that it repeats what the
    film has shown."""

    shot: Shot
    start_s: float
    seconds: float


@dataclass(frozen=True, slots=True)
class Film:
    """A film that was written, and what was chosen for it."""

    width: int
    height: int
    fps: float
    seconds: float
    crf: float
    bytes: int
    has_audio: bool
