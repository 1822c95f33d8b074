"""Facts against limits: what there is to object to in a file, in words.

What it may not do: read files (but the names beside a missing one, to say what was
meant), or know about manifests and places.

How it works: each rule of the table is one function from facts to objections. A message
says what was found, a label what is allowed, a help what to do.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from wanbatch.media import codes
from wanbatch.media.limits import (
    EXPIRES_SOON_S,
    KINDS,
    LIMITS,
    LONGEST_SIDE_RATIO,
    MEGABYTE,
    Limits,
)
from wanbatch.model.job import MediaType
from wanbatch.model.media import AudioFacts, ClipFacts, FileDigest, ImageFacts, UnreadableFile
from wanbatch.words.lookalike import similar_names
from wanbatch.words.quoting import escape_unsafe


@dataclass(frozen=True, slots=True)
class Examined:
    """A file as it was found; ``digest`` where it was hashed."""

    facts: ImageFacts | AudioFacts | ClipFacts | UnreadableFile
    length: int = 0
    digest: FileDigest | None = None


@dataclass(frozen=True, slots=True)
class Objection:
    code: str
    message: str
    label: str = ""
    help: tuple[str, ...] = ()


_UNREADABLE = {
    "missing": codes.NOT_FOUND,
    "closed": codes.UNREADABLE,
    "special": codes.NOT_A_FILE,
    "empty": codes.EMPTY,
    "format": codes.WRONG_FORMAT,
    "damaged": codes.DAMAGED,
}


def objections(
    name: str, path: Path, media_type: MediaType, examined: Examined
) -> Iterator[Objection]:
    """All that the API would refuse about a file that the manifest calls ``name`` and
    uses as ``media_type``."""
    name, limits, facts = escape_unsafe(name), LIMITS[KINDS[media_type]], examined.facts
    yield from _size(name, examined.length, media_type, limits)
    if isinstance(facts, UnreadableFile):
        yield _unreadable(name, path, media_type, facts)
        return
    if isinstance(facts, (ImageFacts, ClipFacts)):
        yield from _pixels(name, facts.width, facts.height, media_type, limits)
    if isinstance(facts, ImageFacts) and facts.transparency and facts.mime == "image/png":
        yield _alpha(name, facts.transparency)
    if isinstance(facts, (AudioFacts, ClipFacts)):
        yield from _duration(name, facts.seconds, media_type, limits)


def oddity(name: str, examined: Examined) -> Objection | None:
    """What is odd about a file that can be read all the same."""
    facts = examined.facts
    if isinstance(facts, UnreadableFile) or not facts.remark:
        return None
    return Objection(
        codes.ODD_FILE,
        f"{escape_unsafe(name)}: {facts.remark}",
        "most readers let this pass; whether the API does is not known",
        ("export it anew to be safe",),
    )


def length_in_job(name: str, examined: Examined, seconds: int) -> Objection | None:
    """A clip that leaves nothing to make in a video of ``seconds``, or a sound that
    will be cut."""
    name, facts = escape_unsafe(name), examined.facts
    if isinstance(facts, ClipFacts) and facts.seconds >= seconds:
        return Objection(
            codes.CLIP_FILLS_VIDEO,
            f"{name} lasts {_shown_seconds(facts.seconds)}, and the whole video {seconds} s",
            "seconds counts the clip too, so nothing new would be made",
            (f"set seconds to {int(facts.seconds) + 1} or more, or shorten the clip",),
        )
    if isinstance(facts, AudioFacts) and facts.seconds > seconds:
        return Objection(
            codes.SOUND_IS_CUT,
            f"{name} lasts {_shown_seconds(facts.seconds)}, longer than the video",
            f"the API cuts it to {seconds} s",
            ("raise seconds, or cut the sound yourself",),
        )
    return None


def expiry(end: float, now: float) -> Objection | None:
    """A signature that is no longer good, or not for long. Both instants are Unix
    seconds."""
    left = end - now
    if left > EXPIRES_SOON_S:
        return None
    message = (
        f"the URL's signature expires in {_shown_span(left)}"
        if left > 0
        else f"the URL's signature expired {_shown_span(-left)} ago"
    )
    return Objection(
        codes.URL_EXPIRES,
        message,
        "the API fetches it when it begins to work on the job",
        ("sign the URL anew with a longer life; the job stays the same",),
    )


def _size(name: str, length: int, media_type: MediaType, limits: Limits) -> Iterator[Objection]:
    if length > limits.megabytes * MEGABYTE:
        yield Objection(
            codes.TOO_BIG,
            f"{name} has {_shown_megabytes(length, limits.megabytes)} MB",
            f"{media_type} may have {limits.megabytes} MB",
            ("compress it more, or scale it down",),
        )


def _unreadable(name: str, path: Path, media_type: MediaType, trouble: UnreadableFile) -> Objection:
    code = _UNREADABLE[trouble.kind]
    if trouble.kind == "missing":
        return Objection(
            code,
            f"there is no file {name}",
            "paths are relative to the manifest",
            _near(name, path) or ("put the file there, or correct the path",),
        )
    if trouble.kind == "format":
        formats = LIMITS[KINDS[media_type]].formats_shown
        return Objection(
            code,
            f"{name} is {trouble.problem}",
            f"{media_type} takes {formats}",
            trouble.help or (f"convert it to {formats}",),
        )
    return Objection(
        code, f"{name}: {trouble.problem}", "", trouble.help or _ADVICE.get(trouble.kind, ())
    )


_ADVICE = {
    "damaged": ("copy, download or export it again",),
    "empty": ("make or fetch it again",),
    "closed": ("check where it leads, and its permissions",),
    "special": ("name an image, a sound or a clip",),
}


def _near(name: str, path: Path) -> tuple[str, ...]:
    """What was probably meant, of the files in the same folder."""
    try:
        with os.scandir(path.parent) as entries:
            names = [entry.name for entry in islice(entries, 2000)]
    except (OSError, ValueError):
        return (f"there is no folder {escape_unsafe(path.parent.name)} either",)
    folder = name[: -len(path.name)] if name.endswith(path.name) else ""
    return similar_names(path.name, names, folder)


def _pixels(
    name: str, width: int, height: int, media_type: MediaType, limits: Limits
) -> Iterator[Objection]:
    least, most = limits.sides
    if not (least <= min(width, height) and max(width, height) <= most):
        yield Objection(
            codes.PIXELS,
            f"{name} has {width} x {height} px",
            f"each side of {media_type} has {least} to {most} px",
            (_scaling(width, height, least, most),),
        )
    if max(width, height) > LONGEST_SIDE_RATIO * min(width, height):
        wide = width > height
        ratio = _shown_ratio(max(width, height) / min(width, height))
        yield Objection(
            codes.ASPECT,
            f"{name} has an aspect ratio of {f'{ratio}:1' if wide else f'1:{ratio}'} ({width}"
            f" x {height} px)",
            f"that of {media_type} lies between 1:{LONGEST_SIDE_RATIO} and {LONGEST_SIDE_RATIO}:1",
            (
                (
                    f"crop it to at most {LONGEST_SIDE_RATIO * min(width, height)} px in"
                    f" {'width' if wide else 'height'}"
                ),
            ),
        )


def _scaling(width: int, height: int, least: int, most: int) -> str:
    if min(width, height) < least:
        return f"use a larger original, or enlarge it to at least {least} px on each side"
    factor = most / max(width, height)
    return f"scale it down to {max(1, int(width * factor))} x {max(1, int(height * factor))} px"


def _alpha(name: str, transparency: str) -> Objection:
    return Objection(
        codes.ALPHA,
        f"{name} has {transparency}",
        "the API takes PNG only without transparency",
        ("flatten it onto a background, or save it as JPEG",),
    )


def _duration(
    name: str, seconds: float, media_type: MediaType, limits: Limits
) -> Iterator[Objection]:
    least, most = limits.seconds
    if not least <= seconds <= most:
        advice = f"cut it to at most {most} s" if seconds > most else f"use at least {least} s"
        yield Objection(
            codes.DURATION,
            f"{name} lasts {_shown_seconds(seconds)}",
            f"{media_type} lasts {least} to {most} s",
            (advice,),
        )


def _shown_seconds(seconds: float) -> str:
    """With as many decimals as tell it from a whole number: 30.02 s, 2 s, 1.9999 s."""
    for digits in (2, 4, 6):
        text = f"{seconds:.{digits}f}"
        if float(text) != round(seconds) or seconds == round(seconds):
            break
    return f"{text.rstrip('0').rstrip('.')} s"


def _shown_ratio(ratio: float) -> str:
    """Rounded up, so that what is over a limit never looks as if it were on it."""
    return f"{-(-ratio * 100 // 1) / 100:g}"


def _shown_megabytes(length: int, most: int) -> str:
    for digits in (1, 3, 6):
        text = f"{length / MEGABYTE:.{digits}f}"
        if float(text) > most:
            break
    return text


def _shown_span(seconds: float) -> str:
    for name, length in (("days", 86400.0), ("hours", 3600.0), ("minutes", 60.0)):
        if seconds >= 2 * length:
            return f"{int(seconds / length)} {name}"
    return f"{int(seconds)} s"
