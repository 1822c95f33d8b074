"""Makes a film of shots: a grid in step, or one after the other.

What it may not do: decide which shots there are or where they stand (``arrange`` does),
or replace a file unless that was asked for.

How it works: a canvas of three planes carries what stays (ground, headings, grey
cells); for each instant every player gives its cell's picture where that changed, and
the canvas goes to the encoder. So a film takes the memory of its open decoders and one
picture, however long it is. It gathers beside its target under a name of its own; with
a limit it is made again as ``fitting`` says until it keeps it.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from fractions import Fraction
from itertools import repeat
from pathlib import Path

from PIL import Image

from wanbatch.media.container import Undecodable
from wanbatch.model.film import Film, Footage, Grid, Piece, Shot
from wanbatch.videos.film import fitting
from wanbatch.videos.film.encode import Form, encode
from wanbatch.videos.film.layout import (
    BOX,
    Box,
    Layout,
    common_fps,
    common_shape,
    fit,
    lay_out,
    lay_out_within,
)
from wanbatch.videos.film.lettering import BRIGHT, DIM, write
from wanbatch.videos.film.players import Planes, Player
from wanbatch.videos.film.sound import RATE, Heard, sound_frames
from wanbatch.words.disk import rename_new
from wanbatch.words.errors import ExitCode, WanbatchError
from wanbatch.words.files import create_anew

_GROUND, _GREY = 24, 62
"""Luma of what lies between cells, and of a cell without a video."""
_COLOURLESS = 128  # chroma of every grey

Tell = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Wish:
    """What a person asked of the file. ``most_bytes`` 0 is no limit."""

    target: Path
    replace: bool = False
    most_bytes: int = 0


def film_grid(grid: Grid, sound: Shot | None, wish: Wish, tell: Tell) -> Film:
    """The grid as a film, with the sound of one shot.

    A video that cannot be decoded becomes a grey cell; ``tell`` names it. Raises
    ``WanbatchError`` where no film can be made as wished, ``OSError`` as the disk does.
    """
    shots = [cell for cell in grid.cells if cell is not None]
    footage = [shot.footage for shot in shots if shot.footage is not None]
    shape, fps = common_shape(footage), Fraction(common_fps(footage)).limit_denominator(1001)
    count = max(1, round(max(one.seconds for one in footage) * fps))
    longest = max((len(heading) for heading in grid.row_headings), default=0)
    told: set[str] = set()

    def tell_once(text: str) -> None:
        if text not in told:
            told.add(text)
            tell(text)

    whole = lay_out(grid, shape, longest)

    def attempt(path: Path, setting: fitting.Setting) -> tuple[Form, int]:
        layout = whole
        if setting.scale < 1:
            box = (whole.width * setting.scale, whole.height * setting.scale)
            layout = lay_out_within(grid, shape, longest, box)
        form = Form(layout.width, layout.height, fps)
        heard = [Heard(_path_of(sound), 0.0, round(count / fps * RATE))] if sound else []
        pictures = _grid_pictures(grid, layout, fps, count, tell_once)
        return form, encode(path, form, setting, pictures, sound_frames(heard) if heard else None)

    return _fitted(attempt, wish, float(count / fps), has_audio=sound is not None)


def film_sequence(pieces: Sequence[Piece], wish: Wish) -> Film:
    """The pieces one after the other as a film, each with its own sound.

    Raises ``WanbatchError`` where a video cannot be decoded or no film can be made as
    wished, ``OSError`` as the disk does.
    """
    footage = [_footage(piece.shot) for piece in pieces]
    shape, fps = common_shape(footage), Fraction(common_fps(footage)).limit_denominator(1001)
    ends = _ends([piece.seconds for piece in pieces], fps)
    has_audio = any(one.has_audio for one in footage)

    whole = fit(*shape, Box(0, 0, *(BOX if shape[0] >= shape[1] else BOX[::-1])))

    def attempt(path: Path, setting: fitting.Setting) -> tuple[Form, int]:
        room = Box(0, 0, int(whole.width * setting.scale), int(whole.height * setting.scale))
        place = fit(whole.width, whole.height, room)
        form = Form(place.width, place.height, fps)
        starts = [0, *ends]
        heard = [
            Heard(
                piece.shot.footage.path if piece.shot.footage else None,
                piece.start_s,
                round(end / fps * RATE) - round(start / fps * RATE),
            )
            for piece, start, end in zip(pieces, starts, ends, strict=False)
        ]
        pictures = _sequence_pictures(pieces, ends, form)
        return form, encode(
            path, form, setting, pictures, sound_frames(heard) if has_audio else None
        )

    return _fitted(attempt, wish, float(ends[-1] / fps), has_audio=has_audio)


def _fitted(
    attempt: Callable[[Path, fitting.Setting], tuple[Form, int]],
    wish: Wish,
    seconds: float,
    *,
    has_audio: bool,
) -> Film:
    """The film under its final name, made as often as the limit asks for."""
    if not wish.replace:
        refuse_existing(wish.target)
    making = wish.target.with_name(f".{wish.target.name}.{os.getpid()}.part")
    setting: fitting.Setting | None = fitting.Setting()
    smallest = None
    try:
        create_anew(making).close()
        for _ in range(fitting.MOST_TRIES):
            assert setting is not None  # noqa: S101 - the loop ends with the last one
            form, weighed = attempt(making, setting)
            smallest = min(weighed, smallest or weighed)
            if not wish.most_bytes or weighed <= wish.most_bytes:
                _give_name(making, wish)
                return Film(
                    form.width,
                    form.height,
                    float(form.fps),
                    seconds,
                    setting.crf,
                    weighed,
                    has_audio,
                )
            setting = fitting.next_setting(
                setting, weighed, wish.most_bytes, seconds, has_audio=has_audio
            )
            if setting is None:
                break
    finally:
        making.unlink(missing_ok=True)
    raise WanbatchError(
        ExitCode.INVALID,
        f"{seconds:.1f} s of film do not fit into {wish.most_bytes} bytes: the smallest that was"
        f" tried has {smallest}",
        "allow more with --max-bytes, or choose fewer jobs with --select",
    )


def refuse_existing(target: Path) -> None:
    """Raises ``WanbatchError`` (2) where something has the name."""
    if os.path.lexists(target):
        raise WanbatchError(
            ExitCode.INVALID,
            f"{target} is there already, and is left as it is",
            "--force replaces it; or name another file with -o",
        )


def _give_name(making: Path, wish: Wish) -> None:
    with making.open("rb") as file:
        os.fsync(file.fileno())
    if wish.replace:
        making.replace(wish.target)
        return
    try:
        rename_new(making, wish.target)
    except FileExistsError:
        refuse_existing(wish.target)


# -- a grid ----------------------------------------------------------------------------


def _grid_pictures(
    grid: Grid, layout: Layout, fps: Fraction, count: int, tell: Tell
) -> Iterator[Planes]:
    canvas = _blank(layout.width, layout.height)
    threads = 1 if sum(cell is not None for cell in grid.cells) > 2 else 0
    with ExitStack() as stack, ThreadPoolExecutor(os.cpu_count() or 1) as pool:
        players: list[Player] = []
        for cell, box in zip(grid.cells, layout.cells, strict=True):
            if cell is not None:
                player = _open(cell, box, threads, tell)
                if player is not None:
                    players.append(stack.enter_context(player))
                else:
                    _draw_grey(canvas[0], cell, box, layout.letters)
        _draw_words(canvas[0], grid, layout)
        for number in range(count):
            instants = repeat(float(number / fps), len(players))
            shown = pool.map(Player.at, players, instants)
            for player, planes in zip(players, shown, strict=True):
                if planes is not None:
                    _paste(canvas, planes, player.place)
            yield canvas


def _open(shot: Shot, box: Box, threads: int, tell: Tell) -> Player | None:
    if shot.footage is None:
        return None
    try:
        return Player(shot.footage.path, box, threads)
    except (Undecodable, OSError) as error:
        tell(f"{shot.name}: {shot.footage.path} cannot be shown: {_why(error)}")
        return None


def _draw_grey(luma: Image.Image, shot: Shot, box: Box, letters: int) -> None:
    """A cell without a video: its name, and why."""
    luma.paste(_GREY, (box.left, box.top, box.left + box.width, box.top + box.height))
    line = min(box.height // 2, letters * 2)
    middle = box.top + box.height // 2
    why = shot.standing or "cannot be shown"
    write(luma, shot.name, Box(box.left, middle - line, box.width, line), letters)
    write(luma, why, Box(box.left, middle, box.width, line), letters, DIM)


def _draw_words(luma: Image.Image, grid: Grid, layout: Layout) -> None:
    for words, boxes in (
        (grid.column_headings, layout.columns),
        (grid.row_headings, layout.rows),
    ):
        for text, box in zip(words, boxes, strict=True):
            write(luma, text, box, layout.letters, BRIGHT)
    for cell, box in zip(grid.cells, layout.captions, strict=False):
        if cell is not None:
            write(luma, cell.name, box, layout.letters, DIM)


# -- a sequence ------------------------------------------------------------------------


def _ends(seconds: Sequence[float], fps: Fraction) -> list[int]:
    """The frame at which each piece ends; rounding does not add up."""
    ends, total = [], 0.0
    for length in seconds:
        total += length
        ends.append(max(1, round(total * fps)))
    return ends


def _sequence_pictures(
    pieces: Sequence[Piece], ends: Sequence[int], form: Form
) -> Iterator[Planes]:
    whole = Box(0, 0, form.width, form.height)
    for piece, start, end in zip(pieces, [0, *ends], ends, strict=False):
        canvas = _blank(form.width, form.height)
        for place, planes in _play(piece, whole, end - start, form.fps):
            if planes is not None:
                _paste(canvas, planes, place)
            yield canvas


def _play(piece: Piece, box: Box, count: int, fps: Fraction) -> Iterator[tuple[Box, Planes | None]]:
    try:
        player = Player(_path_of(piece.shot), box, 0)
    except (Undecodable, OSError) as error:
        raise WanbatchError(
            ExitCode.INVALID,
            f"{piece.shot.name}: {_path_of(piece.shot)} cannot be shown: {_why(error)}",
            "leave it out with --select, or run the manifest again to bring it home",
        ) from None
    with player:
        for number in range(count):
            yield player.place, player.at(piece.start_s + float(number / fps))


# -- the canvas ------------------------------------------------------------------------


def _blank(width: int, height: int) -> Planes:
    small = (width // 2, height // 2)
    return (
        Image.new("L", (width, height), _GROUND),
        Image.new("L", small, _COLOURLESS),
        Image.new("L", small, _COLOURLESS),
    )


def _paste(canvas: Planes, planes: Planes, place: Box) -> None:
    for plane, picture, part in zip(canvas, planes, (1, 2, 2), strict=True):
        plane.paste(picture, (place.left // part, place.top // part))


def _footage(shot: Shot) -> Footage:
    assert shot.footage is not None  # noqa: S101 - only such shots are put in order
    return shot.footage


def _path_of(shot: Shot) -> Path:
    return _footage(shot).path


def _why(error: Exception) -> str:
    return getattr(error, "strerror", None) or str(error) or type(error).__name__
