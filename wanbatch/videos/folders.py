"""What stands in an output folder where wanbatch is going to write.

What it may not do: write, remove or follow anything.

How it works: an output folder may have come with a cloned repository, and then a
symbolic link in it could lead a write to any file of the user's. Before anything is
bought each place that a run writes to is looked at by itself (``lstat``): folders must
be folders, files must be files. The output folder itself is the user's own word and may
be a link.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from pathlib import Path

from wanbatch.videos.outputs import PART_FOLDER
from wanbatch.words.errors import ExitCode, WanbatchError
from wanbatch.words.files import kind_of

_LEDGER = ("ledger.lock", "ledger.db", "ledger.db-wal", "ledger.db-shm", "ledger.db-journal")
_PAGES = ("report.html", "report.json")
_SHOWN = ("posters", "previews", "frames")
_ROOMS = ("videos", f"videos/{PART_FOLDER}", *_SHOWN, "stills", "runs")
_GATHERED = (f"videos/{PART_FOLDER}", "stills", *_SHOWN, "runs")
"""Folders whose files are ours alone; a video may be a link that a person made to save
room."""
_EMULATOR = ".emulator"
_EMULATOR_FILES = ("lock", "tasks.jsonl", "secret", "emulator.log")
_EMULATOR_ROOMS = ("media", "videos", "parts")


def refuse_odd_places(output: Path, names: Iterable[str]) -> None:
    """``names`` are the manifests whose folders are written to.

    Raises ``WanbatchError`` (ENVIRONMENT) for a link, or for a thing of another kind,
    where a folder or a file of ours belongs or stands.
    """
    names = tuple(dict.fromkeys(names))
    for name in names:
        if Path(name).name != name:  # a ledger may have come with a repository, too
            raise WanbatchError(
                ExitCode.ENVIRONMENT,
                f"the ledger in {output} names a folder outside of it: {name!r}",
                "choose another output folder with --output",
            )
    for folder in _folders(output, names):
        kind = _look(folder) or ("a file" if folder.exists() else "")
        if kind not in ("", "a folder"):
            raise _refusal(folder, kind, "a folder")
    for file in _files(output, names):
        kind = _look(file)
        if kind:
            raise _refusal(file, kind, "a file")


def _folders(output: Path, names: Iterable[str]) -> Iterator[Path]:
    for name in names:
        yield output / name
        yield from (output / name / room for room in _ROOMS)
    yield output / _EMULATOR
    yield from (output / _EMULATOR / room for room in _EMULATOR_ROOMS)


def _files(output: Path, names: Iterable[str]) -> Iterator[Path]:
    yield from (output / name for name in _LEDGER)
    yield from (output / _EMULATOR / name for name in _EMULATOR_FILES)
    for name in names:
        yield from (output / name / page for page in _PAGES)
        for room in _GATHERED:
            yield from _links_in(output / name / room)


def _links_in(folder: Path) -> Iterator[Path]:
    try:
        with os.scandir(folder) as entries:
            yield from (Path(entry.path) for entry in entries if entry.is_symlink())
    except OSError:
        return  # not there yet, or trouble that the first write tells better


def _look(place: Path) -> str:
    try:
        return kind_of(place)
    except OSError as error:
        raise WanbatchError(
            ExitCode.ENVIRONMENT,
            f"{place} cannot be looked at: {error.strerror}",
            "choose another output folder with --output, or mend its permissions",
        ) from error


def _refusal(place: Path, found: str, wanted: str) -> WanbatchError:
    hints = ["move it away, or choose another output folder with --output"]
    if found == "a symbolic link":
        hints = [
            f"remove the link, not what it leads to: rm {place}",
            "to keep the videos on another disk, name a folder there with --output",
        ]
    return WanbatchError(
        ExitCode.ENVIRONMENT,
        f"{place} is {found} where wanbatch keeps {wanted}: nothing was written, nothing was sent",
        *hints,
    )
