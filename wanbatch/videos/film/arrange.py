"""Which shot stands where: the grid of a sweep by its axes, the order of a sequence.

What it may not do: I/O, or know a pixel (``layout`` does).

How it works: the axis with most values goes across, the next one down, as on the
report's page; what other axes there are go down too, so that no cell holds two jobs.
Where that would leave most of the grid empty (jobs of different axes) the shots stand
in manifest order instead, each with its name.

In a sequence a shot stands right behind the one that it goes on from. A continuation
begins with the clip that it was given: where the film has shown that clip, or one that
the clip goes on from, so much of its beginning is left out.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from wanbatch.model.film import Footage, Grid, Piece, Shot
from wanbatch.words.errors import ExitCode, WanbatchError
from wanbatch.words.quoting import closest, listed, shown

QUIET_AXES = ("size", "seconds")
"""What every job has and no sweep is about: placed only where a person names it."""


def arrange(shots: Sequence[Shot], columns: str | None, rows: str | None) -> Grid:
    """The shots as a grid; ``None`` leaves an axis to the default.

    Raises ``WanbatchError`` (2) for an axis that no shot has.
    """
    for option, axis in (("--columns", columns), ("--rows", rows)):
        _refuse_unknown(option, axis, shots)
    if columns is not None and columns == rows:
        raise WanbatchError(
            ExitCode.INVALID, f"--columns and --rows both name {columns}", "name two axes"
        )
    varying = [axis for axis in _axes(shots) if len(_values(shots, axis)) > 1]
    free = sorted(
        (a for a in varying if a not in (columns, rows, *QUIET_AXES)),
        key=lambda axis: -len(_values(shots, axis)),
    )
    across = columns if columns is not None or not free else free.pop(0)
    if across is None and rows is None:
        return contact_sheet(shots)
    down = ([rows] if rows is not None else []) + free
    grid = _place(shots, across, down)
    filled = sum(cell is not None for cell in grid.cells)
    if columns is None and rows is None and 2 * filled < len(grid.cells):
        return contact_sheet(shots)
    return grid


def contact_sheet(shots: Sequence[Shot]) -> Grid:
    """The shots in their order, about as many across as down; each has its name."""
    width = next(n for n in range(1, len(shots) + 2) if n * n >= len(shots))
    return Grid((*shots, *([None] * (-len(shots) % width))), width)


def _place(shots: Sequence[Shot], across: str | None, down: Sequence[str]) -> Grid:
    columns = _values(shots, across) if across is not None else [""]
    rows = list(dict.fromkeys(_row_of(shot, down) for shot in shots))
    placed = {
        (_row_of(shot, down), shot.value(across) if across is not None else ""): shot
        for shot in shots
    }
    return Grid(
        tuple(placed.get((row, column)) for row in rows for column in columns),
        len(columns),
        tuple(_heading([(across, value)]) for value in columns) if across is not None else (),
        tuple(_heading(zip(down, row, strict=True)) for row in rows) if down else (),
    )


def _row_of(shot: Shot, down: Sequence[str]) -> tuple[str, ...]:
    return tuple(shot.value(axis) for axis in down)


def _heading(pairs: Iterable[tuple[str | None, str]]) -> str:
    return ", ".join(f"{axis}={value}" for axis, value in pairs if value)


def _axes(shots: Sequence[Shot]) -> list[str]:
    return list(dict.fromkeys(name for shot in shots for name, _ in shot.axes))


def _values(shots: Sequence[Shot], axis: str) -> list[str]:
    return list(dict.fromkeys(shot.value(axis) for shot in shots))


def _refuse_unknown(option: str, axis: str | None, shots: Sequence[Shot]) -> None:
    known = _axes(shots)
    if axis is None or axis in known:
        return
    near = closest(axis, known)
    raise WanbatchError(
        ExitCode.INVALID,
        f"{option} {shown(axis)}: no selected job has such an axis",
        *([f"did you mean {near}?"] if near else []),
        f"one of: {listed(known)}",
    )


# -- a sequence ------------------------------------------------------------------------


def put_in_order(shots: Sequence[Shot]) -> tuple[Piece, ...]:
    """The shots that have a video one after the other, without what they repeat."""
    present = {shot.name: shot for shot in shots if shot.footage is not None}
    by_name = {shot.name: shot for shot in shots}
    pieces: list[Piece] = []
    placed: set[str] = set()

    def put(shot: Shot) -> None:
        pieces.append(_piece(shot, by_name, placed, pieces[-1] if pieces else None))
        placed.add(shot.name)
        for other in present.values():
            if other.follows == shot.name and other.name not in placed:
                put(other)

    for shot in present.values():
        if shot.name not in placed and _leader(shot, present) is None:
            put(shot)
    return tuple(piece for piece in pieces if piece.seconds > 0)


def _leader(shot: Shot, present: dict[str, Shot]) -> Shot | None:
    """The shot right behind which this one stands."""
    return present.get(shot.follows)


def _piece(shot: Shot, by_name: dict[str, Shot], placed: set[str], before: Piece | None) -> Piece:
    footage = _footage(shot)
    start = 0.0
    if shot.continues:
        start = _repeated_s(shot, by_name, placed)
    elif shot.follows and before is not None and before.shot.name == shot.follows:
        start = 1 / footage.fps if footage.fps > 0 else 0.0  # the frame that both have
    return Piece(shot, start, max(0.0, footage.seconds - start))


def _repeated_s(shot: Shot, by_name: dict[str, Shot], placed: set[str]) -> float:
    """How much of a continuation's beginning the film has shown: the length of the
    nearest clip behind it that stands in the film."""
    above: Shot | None = shot
    while above is not None and above.continues:
        above = by_name.get(above.follows)
        if above is not None and above.name in placed:
            return _footage(above).seconds
    return 0.0


def _footage(shot: Shot) -> Footage:
    assert shot.footage is not None  # noqa: S101 - only such shots are put in order
    return shot.footage
