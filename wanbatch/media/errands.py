"""What the work pool does with files: hash them, and say what they are.

What it may not do: decide what follows, or know who asked.

How it works: each function may run in any process that sees the file; the reader beside
it makes a value of its plain answer. That a file is no video is believed of this
machine alone: somebody may have paid for it.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from wanbatch.model.media import UnreadableFile, VideoFacts
from wanbatch.model.plain import as_record, read_record, read_sha256
from wanbatch.model.pool import Errand, Lane, Misfit, Plain, Where, near
from wanbatch.words.files import hash_file

_HEAD = 64
"""Bytes that tell whether a file begins as a video."""


def hash_where(where: Where) -> Plain:
    """Raises ``OSError``."""
    return hash_file(where.path)


HASH: Errand[str] = Errand(hash_where, read_sha256, Lane.NEAR)
"""SHA-256 of a file's bytes. What a purchase or a record hangs on, so this machine
reads them itself."""


def hash_if_there(where: Where) -> Plain:
    try:
        return hash_file(where.path)
    except (OSError, ValueError):
        return ""


HASH_IF_THERE: Errand[str] = Errand(hash_if_there, str, Lane.NEAR)
"""The same, and empty for a file that is not there or cannot be read."""


def probe_where(where: Where) -> Plain:
    """The facts of a downloaded video with its hash, or why it is none."""
    from wanbatch.media.probe import probe_video  # PyAV is heavy, and not every command needs it

    return as_record(probe_video(Path(where.path)))


def _read_probed(found: Plain) -> VideoFacts | UnreadableFile:
    if isinstance(found, Mapping) and "kind" in found:
        return UnreadableFile(found["kind"], found["problem"], tuple(found["help"]))
    facts = read_record(VideoFacts, found)
    read_sha256(facts.sha256)
    if not (facts.bytes and facts.width and facts.height):
        raise Misfit("a video without bytes or a picture")
    return facts


def _probe_claims(values: Sequence[Any], found: Plain) -> Mapping[str, str] | None:
    """That it is no video, a worker may only be wrong about."""
    return None if "kind" in found else {values[0].path: found["sha256"]}


PROBE: Errand[VideoFacts | UnreadableFile] = Errand(
    probe_where, _read_probed, Lane.SOON, _probe_claims
)
"""What a file is that should be a video."""


def _sync(path: Path) -> None:
    with path.open("rb") as file:
        os.fsync(file.fileno())


SYNC: Errand[None] = near(_sync)
"""A file's bytes are on the disk."""
