"""Puts small copies of the pictures that jobs were given beside the report.

What it may not do: change a picture, or fail a report for one: what cannot be read is
shown without.

How it works: copies lie under ``inputs/`` and are named by the picture's SHA-256, so a
second report makes only what is new. The report folder keeps them when it is moved or
copied, and when the pictures are gone.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from wanbatch.model.report import Report
from wanbatch.videos.thumbnails import NoPicture, make_thumbnail

FOLDER = "inputs"


def add_thumbnails(report: Report, folder: Path) -> Report:
    """The report with ``thumbnails`` of the pictures that there are copies of, after
    making those that were missing."""
    wanted = {
        sha256
        for job in (*report.jobs, *report.former)
        for sha256 in digests_of(job.request.get("media"))
    }
    made = {}
    for sha256 in sorted(wanted):
        name = f"{FOLDER}/{sha256[:24]}.webp"
        if (folder / name).is_file() or _make(report.pictures.get(sha256), folder / name):
            made[sha256] = name
    return replace(report, thumbnails=made)


def digests_of(media: object) -> tuple[str, ...]:
    """The SHA-256 of the frames among a request's media: hexadecimal digits alone make
    the name of a file."""
    if not isinstance(media, list):
        return ()
    return tuple(
        str(item["sha256"])
        for item in media
        if str(item.get("type")).endswith("_frame")
        and len(str(item.get("sha256"))) == 64
        and set(str(item["sha256"])) <= set("0123456789abcdef")
    )


def _make(picture: Path | None, target: Path) -> bool:
    if picture is None:
        return False
    try:
        target.parent.mkdir(exist_ok=True)
        make_thumbnail(picture, target)
    except (NoPicture, OSError):
        return False
    return True
