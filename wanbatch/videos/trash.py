"""The trash of an output folder: videos that nobody needs, until somebody does or it is
emptied.

What it may not do: decide what nobody needs (``operations.clean`` does), replace a
file, or touch one that its own list does not name.

How it works: ``trash/`` holds each file under the path that it had, and ``index.json``
says whose it is. The list is written before a file moves, and a file counts as being in
the trash only where it stands there: so a crash between the two loses nothing. All
moves are renames on one disk that replace nothing. What was emptied stays in the list,
so that a missing video can be told from a lost one.
"""

from __future__ import annotations

import fcntl
import json
import os
import stat
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path, PurePosixPath
from typing import Any

from wanbatch.model.lifecycle import Snapshot, State
from wanbatch.words.disk import rename_new, sync_folder
from wanbatch.words.errors import ExitCode, WanbatchError
from wanbatch.words.files import hash_file, kind_of, open_regular, written_atomically

FOLDER = "trash"
INDEX = "index.json"
SCHEMA = "wanbatch/trash@1"


@dataclass(frozen=True, slots=True)
class Discarded:
    """One file in the trash. ``path`` is where it was and ``trash`` where it is, below
    the output folder; ``sha256`` is empty for a leftover. ``emptied_at`` is 0.0 while
    it is there."""

    path: str
    trash: str
    attempt_id: int
    manifest: str
    job: str
    sha256: str
    bytes: int
    moved_at: float
    emptied_at: float = 0.0


def read_trash(output: Path) -> list[Discarded]:
    """All that the list names, in the order in which it was moved; nothing where there
    is no trash. Raises ``WanbatchError`` (ENVIRONMENT) for a list that cannot be read,
    or that names places outside."""
    index = output / FOLDER / INDEX
    _refuse_odd(output)
    try:
        with open_regular(index) as file:
            document = json.loads(file.read())
        found = [_entry(one) for one in document["videos"] if document["schema"] == SCHEMA]
    except FileNotFoundError:
        return []
    except OSError as error:
        raise _unreadable(index, error.strerror or str(error)) from error
    except (ValueError, TypeError, KeyError) as error:
        raise _unreadable(index, "it is no list of the trash") from error
    if not all(_is_inside(place) for one in found for place in (one.path, one.trash)):
        raise _unreadable(index, "it names a place outside of the folder")
    return found


def _entry(values: dict[str, Any]) -> Discarded:
    entry = Discarded(**{f.name: values[f.name] for f in fields(Discarded)})
    texts = (entry.path, entry.trash, entry.manifest, entry.job, entry.sha256)
    numbers = (entry.attempt_id, entry.bytes, entry.moved_at, entry.emptied_at)
    if not all(isinstance(text, str) for text in texts):
        raise TypeError("a text is none")
    if not all(isinstance(number, (int, float)) for number in numbers):
        raise TypeError("a number is none")
    return entry


def _unreadable(index: Path, why: str) -> WanbatchError:
    return WanbatchError(
        ExitCode.ENVIRONMENT,
        f"{index} cannot be read: {why}",
        f"nothing is moved or deleted while that is so; look at it, and move {index.parent} away"
        " if it is not wanbatch's",
    )


def _refuse_odd(output: Path) -> None:
    """An output folder may have come with a repository: the trash is no link to
    elsewhere. Raises ``WanbatchError`` (ENVIRONMENT)."""
    place = output / FOLDER
    kind = kind_of(place) or ("a file" if place.exists() else "")
    if kind not in ("", "a folder"):
        raise WanbatchError(
            ExitCode.ENVIRONMENT,
            f"{place} is {kind} where wanbatch keeps a folder: nothing was moved",
            "move it away, or choose another output folder with --output",
        )


@contextmanager
def _alone(output: Path) -> Iterator[None]:
    """Keeps others from the list between reading and writing it: a report takes videos
    back while a run or ``clean`` goes on. Where the disk locks no folders, there is no
    lock."""
    folder, handle = output / FOLDER, -1
    folder.mkdir(parents=True, exist_ok=True)
    try:
        with suppress(OSError):
            handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
            fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        if handle >= 0:
            os.close(handle)


def _is_inside(path: str) -> bool:
    pure = PurePosixPath(path)
    return bool(pure.parts) and not pure.is_absolute() and ".." not in pure.parts


def lies_there(output: Path, entry: Discarded) -> bool:
    """Whether the file of ``entry`` stands in the trash, plain and of its length."""
    try:
        facts = (output / FOLDER / entry.trash).lstat()
    except OSError:
        return False
    return stat.S_ISREG(facts.st_mode) and facts.st_size == entry.bytes


def discard(output: Path, wanted: Sequence[Discarded]) -> list[Discarded]:
    """Moves files into the trash; returns the entries of those that are there now. A
    name that is taken there gets a number.

    Raises ``OSError`` as the disk does, with every file at one of its two places.
    """
    _refuse_odd(output)
    with _alone(output):
        return _discard(output, wanted)


def _discard(output: Path, wanted: Sequence[Discarded]) -> list[Discarded]:
    listed = read_trash(output)
    taken = {one.trash for one in listed}
    named = []
    for entry in wanted:
        free = _free(output, entry.trash, taken)
        taken.add(free)
        named.append(replace(entry, trash=free))
    write_trash(output, [*listed, *named])
    for entry in named:
        target = output / FOLDER / entry.trash
        target.parent.mkdir(parents=True, exist_ok=True)
        rename_new(output / entry.path, target)
    # The new names first: a disk that loses power keeps one of the two, or both.
    _sync_names(output, (output / FOLDER / entry.trash for entry in named))
    _sync_names(output, (output / entry.path for entry in named))
    return named


def _sync_names(output: Path, paths: Iterable[Path]) -> None:
    """Makes the names of files durable, with those of the folders that they lie in."""
    folders = {up for path in paths for up in path.parents if up.is_relative_to(output)}
    for folder in sorted(folders):
        sync_folder(folder)


def _free(output: Path, wanted: str, taken: set[str]) -> str:
    pure, free, number = PurePosixPath(wanted), wanted, 2
    while free in taken or os.path.lexists(output / FOLDER / free):
        free = str(pure.with_name(f"{pure.stem}-{number}{pure.suffix}"))
        number += 1
    return free


def write_trash(output: Path, entries: Iterable[Discarded]) -> None:
    """Writes the list anew, whole or not at all. Raises ``OSError``."""
    document = {"schema": SCHEMA, "videos": [asdict(entry) for entry in entries]}
    text = json.dumps(document, ensure_ascii=False, indent=1)
    with written_atomically(output / FOLDER / INDEX) as file:
        file.write(text.encode())
    sync_folder(output / FOLDER)


def trashed_paths(output: Path, snapshot: Snapshot) -> frozenset[str]:
    """Where stored videos would stand that wait in the trash whole, relative to
    ``output``: a plan counts them as there, and a run puts them back. Raises
    ``WanbatchError``."""
    stored = {a.attempt_id: a.sha256 for a in snapshot.attempts if a.state is State.STORED}
    return frozenset(
        entry.path
        for entry in read_trash(output)
        if entry.sha256
        and stored.get(entry.attempt_id) == entry.sha256
        and lies_there(output, entry)
        and not os.path.lexists(output / entry.path)
    )


def put_back(output: Path, attempts: Iterable[int]) -> list[Discarded]:
    """Gives the videos of these attempts their places again, and returns what was moved
    back. Nothing is replaced, and bytes that were changed in the trash stay there.

    Raises ``WanbatchError`` (ENVIRONMENT), ``OSError`` as the disk does.
    """
    wanted = frozenset(attempts)
    if not any(one.attempt_id in wanted for one in read_trash(output)):
        return []
    with _alone(output):
        return _put_back(output, wanted)


def _put_back(output: Path, wanted: frozenset[int]) -> list[Discarded]:
    listed = read_trash(output)
    moved = [
        entry
        for entry in listed
        if entry.attempt_id in wanted and lies_there(output, entry) and _restore(output, entry)
    ]
    if moved:
        write_trash(output, [entry for entry in listed if entry not in moved])
    return moved


def _restore(output: Path, entry: Discarded) -> bool:
    source, home = output / FOLDER / entry.trash, output / entry.path
    if os.path.lexists(home) or (entry.sha256 and hash_file(source) != entry.sha256):
        return False
    home.parent.mkdir(parents=True, exist_ok=True)
    rename_new(source, home)
    _sync_names(output, [home])
    _sync_names(output, [source])
    return True


def empty(output: Path, wanted: Iterable[Discarded], at: float) -> list[Discarded]:
    """Deletes these files of the trash, for good; returns those that were deleted. Only
    what is still what the list says goes. Raises ``OSError`` as the disk does."""
    chosen = frozenset(wanted)
    if chosen.isdisjoint(read_trash(output)):
        return []
    with _alone(output):
        return _empty(output, chosen, at)


def _empty(output: Path, chosen: frozenset[Discarded], at: float) -> list[Discarded]:
    listed = read_trash(output)
    gone = [e for e in listed if e in chosen and lies_there(output, e) and _is_same(output, e)]
    if not gone:
        return []
    # First the list: a file that it calls emptied, and that stands, is only in the way.
    write_trash(output, [replace(e, emptied_at=at) if e in gone else e for e in listed])
    for entry in gone:
        (output / FOLDER / entry.trash).unlink()
    return gone


def _is_same(output: Path, entry: Discarded) -> bool:
    return not entry.sha256 or hash_file(output / FOLDER / entry.trash) == entry.sha256
