"""What one pass over a video found, as plain values: what every check is made from.

What it may not do: I/O, judge (``report.checks`` does), or know how anything was
measured (``videos.looking`` does).

How it works: ``None`` means *not measured*, never zero: a video without sound has no
``Sound``, one that was looked at cheaply has no ``flicker``. Brightness, colours and
motion are parts of the full range (0 to 1), durations and instants seconds from the
first frame. Measures travel between processes and live in the ledger as JSON, under a
version: what another version wrote is measured anew, never guessed at.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import MISSING, asdict, dataclass, fields
from enum import StrEnum
from pathlib import Path
from typing import Any

MEASURES_VERSION = 1
"""Of the fields and of how they are measured; raised with either, so that nothing old
is read as new."""

COURSE = 16
"""The most values that a course (of motion, of brightness) has: a line of the page."""


class Level(StrEnum):
    """How much is looked at: everything, what costs no decoding, or no more than a
    poster needs."""

    ALL = "all"
    BASIC = "basic"
    NONE = "none"


@dataclass(frozen=True, slots=True)
class References:
    """What a video was made from, on disk, as far as it was given and is still
    there."""

    first_frame: Path | None = None
    last_frame: Path | None = None
    first_clip: Path | None = None
    driving_audio: Path | None = None


@dataclass(frozen=True, slots=True)
class Targets:
    """Files to write, each whole or not at all; ``None`` is not wanted. ``preview`` and
    ``frames`` need the whole video decoded: they are made at the level ``all`` alone,
    and a preview only of what can be encoded."""

    poster: Path | None = None
    preview: Path | None = None
    frames: Path | None = None


@dataclass(frozen=True, slots=True)
class Look:
    """The sides of a picture as it is shown, its mean brightness and colours (``blue``
    and ``red`` are the chroma planes, 0.5 is grey), and how wide its edges are in
    pixels of the video's size."""

    width: int
    height: int
    luma: float
    blue: float
    red: float
    blur: float | None = None


@dataclass(frozen=True, slots=True)
class Joint:
    """Where a continuation leaves its clip: the instant, the SSIM of the frame there to
    the clip's last one, and the greatest change from frame to frame around it."""

    at_s: float
    ssim: float
    jump: float


@dataclass(frozen=True, slots=True)
class Sound:
    """A sound track: ``peak_db`` in dBFS (``None``: nothing but zeros), ``full_scale``
    the part of its samples that are as loud as can be."""

    seconds: float
    silent_s: float | None = None
    peak_db: float | None = None
    full_scale: float | None = None


@dataclass(frozen=True, slots=True)
class Measures:
    """One video. ``packets`` are those of its picture, ``frames`` what they decoded to,
    ``undecodable`` how many gave an error, ``missing`` the frames that its time stamps
    leave out.

    ``flicker`` is the mean swing of brightness there and back, ``motion`` the mean
    change from frame to frame of the blurred picture. ``dark`` and ``light`` are the
    brightness that a tenth of the pixels are below and above. Courses are means over
    equal parts of the length. ``first_frame`` and ``last_frame`` are SSIM to the
    pictures given, ``signature`` four tiny grey pictures of it.
    """

    level: Level
    seconds: float
    width: int
    height: int
    fps: float
    packets: int
    frames: int | None = None
    undecodable: int | None = None
    missing: int | None = None
    frozen_s: float | None = None
    black_s: float | None = None
    flicker: float | None = None
    cuts: tuple[float, ...] | None = None
    motion: float | None = None
    motion_course: tuple[float, ...] = ()
    blur: float | None = None
    dark: float | None = None
    light: float | None = None
    luma_course: tuple[float, ...] = ()
    blue_course: tuple[float, ...] = ()
    red_course: tuple[float, ...] = ()
    first_frame: float | None = None
    last_frame: float | None = None
    first_picture: Look | None = None
    last_picture: Look | None = None
    joint: Joint | None = None
    sound: Sound | None = None
    signature: str = ""


_Fields = Measures | Look | Joint | Sound
_PARTS: Mapping[str, type[Look] | type[Joint] | type[Sound]] = {
    "first_picture": Look,
    "last_picture": Look,
    "joint": Joint,
    "sound": Sound,
}
"""The fields that have fields of their own."""


def encode_measures(measures: Measures) -> dict[str, object]:
    """``measures`` as JSON knows it, with the version; what was not measured is left
    out."""
    found: dict[str, object] = {"version": MEASURES_VERSION}
    for name, value in asdict(measures).items():
        if value not in (None, (), ""):
            found[name] = list(value) if isinstance(value, tuple) else value
    if measures.cuts is not None:
        found["cuts"] = list(measures.cuts)
    return found


def decode_measures(found: Mapping[str, object]) -> Measures | None:
    """The measures of ``encode_measures``; ``None`` for those of another version, and
    for what is no such thing: then the video is measured anew."""
    if not isinstance(found, Mapping) or found.get("version") != MEASURES_VERSION:
        return None
    try:
        return Measures(**_read(Measures, {k: v for k, v in found.items() if k != "version"}))
    except (TypeError, ValueError, OverflowError):
        return None


def _read(kind: type[_Fields], found: Mapping[str, object]) -> dict[str, Any]:
    """The arguments of ``kind``. Raises ``TypeError`` or ``ValueError`` for any that
    does not fit."""
    known = {field.name: field for field in fields(kind)}
    if not found.keys() <= known.keys():
        raise ValueError("an unknown field")
    if any(f.default is MISSING and f.name not in found for f in known.values()):
        raise ValueError("a field is missing")
    return {name: _value(name, str(known[name].type), value) for name, value in found.items()}


def _value(name: str, declared: str, value: object) -> object:
    if value is None and declared.endswith(" | None"):
        return None
    match declared.removesuffix(" | None"):
        case "int" if isinstance(value, int) and not isinstance(value, bool):
            return value
        case "float":
            return _number(value)
        case "tuple[float, ...]" if isinstance(value, list):
            return tuple(map(_number, value))
        case "str" if isinstance(value, str):
            return value
        case "Level" if isinstance(value, str):
            return Level(value)
        case _ if name in _PARTS and isinstance(value, Mapping):
            return _PARTS[name](**_read(_PARTS[name], value))
    raise TypeError(name)


def _number(value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise TypeError("no number")
    return float(value)
