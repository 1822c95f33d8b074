"""What the work pool does with stored videos: look at one, cut a still from it, give it
its name.

What it may not do: decide which video or which file, or talk to the ledger.

How it works: as ``media.errands``. Names are given by this machine alone. Of a look,
the small files that it wrote are proven by their bytes; that a video cannot be decoded
is believed of this machine alone.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from wanbatch.media.errands import HASH as HASH
from wanbatch.media.errands import HASH_IF_THERE as HASH_IF_THERE
from wanbatch.media.loading import load_decoders
from wanbatch.model.looked import Found, Undecodable
from wanbatch.model.measures import (
    Level,
    Measures,
    References,
    Targets,
    decode_measures,
    encode_measures,
)
from wanbatch.model.plain import read_sha256
from wanbatch.model.pool import Errand, Lane, Misfit, Plain, Where, near
from wanbatch.videos import outputs
from wanbatch.words.files import hash_file


def _publish(output: Path, part: Path, wanted: str, sha256: str) -> str:
    return outputs.publish(output, part, wanted, sha256)


def _copy(output: Path, source: str, wanted: str, sha256: str) -> str:
    return outputs.copy_video(output, source, wanted, sha256)


PUBLISH, COPY = near(_publish), near(_copy)
MODIFIED = near(outputs.modified_at_ns)


def cut_where(video: Where, frame: str, target: str) -> Plain:
    """Cuts a frame to a PNG; its SHA-256. Raises ``OSError``, ``Undecodable``."""
    load_decoders()
    from wanbatch.videos.stills import cut_still

    cut_still(Path(video.path), "first" if frame == "first" else "last", Path(target))
    return hash_file(target)


def _still_claims(values: Sequence[Any], found: Plain) -> Mapping[str, str]:
    return {values[2]: found}


STILL: Errand[str] = Errand(cut_where, read_sha256, Lane.SOON, _still_claims)
"""The hash of a still that was cut. Values: video, ``first`` or ``last``, path."""


def look_where(
    video: Where, references: Mapping[str, str], targets: Mapping[str, str], level: str
) -> Plain:
    """One look at a video. Raises nothing: what a broken video does to a decoder is an
    answer, and so is a disk that does not allow it."""
    load_decoders()
    from wanbatch.videos.looking import Undecodable as NoPicture
    from wanbatch.videos.looking import look_at

    files = {name: Path(path) for name, path in targets.items()}
    try:
        for target in files.values():
            target.parent.mkdir(parents=True, exist_ok=True)
        beside = References(**{name: Path(path) for name, path in references.items()})
        measures = look_at(Path(video.path), beside, Targets(**files), Level(level))
        wrote = {path: hash_file(path) for path in targets.values() if Path(path).exists()}
    except NoPicture as error:
        return {"undecodable": str(error) or "no picture can be read from it"}
    except OSError as error:
        return {"closed": error.strerror or "input/output error"}
    except Exception as error:  # noqa: BLE001 - the decoder is not ours, and the run goes on
        return {"undecodable": f"{type(error).__name__}: {error}"}
    return {"measures": encode_measures(measures), "wrote": wrote}


@dataclass(frozen=True, slots=True)
class Closed:
    """The disk did not allow the look: nothing is known of the video."""

    reason: str


def _read_look(found: Plain) -> Found | Closed:
    match found:
        case {"measures": Mapping() as measures, "wrote": Mapping()}:
            known = decode_measures(measures)
            if known is None:
                raise Misfit("the measures are none")
            return known
        case {"undecodable": str(reason)}:
            return Undecodable(reason)
        case {"closed": str(reason)}:
            return Closed(reason)
        case _:
            raise Misfit("it is no look")


def _look_claims(values: Sequence[Any], found: Plain) -> Mapping[str, str] | None:
    """What was wrote must be among what was asked for, and there."""
    wanted = set(values[2].values())
    if "wrote" not in found or not set(found["wrote"]) <= wanted:
        return None
    return {path: read_sha256(sha256) for path, sha256 in found["wrote"].items()}


LOOK: Errand[Measures | Undecodable | Closed] = Errand(
    look_where, _read_look, Lane.SPARE, _look_claims
)
"""What one look found. Values: video, references and targets by their names, level."""


def look_values(
    video: Where, references: References, targets: Targets, level: Level
) -> tuple[Where, dict[str, str], dict[str, str], str]:
    """The values of ``LOOK``."""
    return video, _paths(references), _paths(targets), level.value


def _paths(record: References | Targets) -> dict[str, str]:
    """The paths that are given, by the names of their fields."""
    given = {field.name: getattr(record, field.name) for field in fields(record)}
    return {name: str(path.absolute()) for name, path in given.items() if path is not None}
