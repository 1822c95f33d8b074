"""The emulator's store on disk: accepted tasks, media, videos. It outlives the process,
and it is the truth that tests compare with.

What it may not do: decide what happens to a task, render, speak HTTP.

How it works: ``tasks.jsonl`` is append-only; an ``accepted`` line is on disk (fsync)
before the submit is answered, an ``ended`` line is only written, for what it tells can
be worked out again. A last line that was cut off by a crash is dropped: its submit was
never answered. Media and videos are files named by a hash, written beside and renamed.
One process at a time holds the store, by a kernel lock.
"""

from __future__ import annotations

import errno
import fcntl
import hashlib
import json
import os
import secrets
import time
from collections.abc import Container
from pathlib import Path
from typing import IO, Self

from wanbatch.emulator.task import Task, accepted_record, apply_end, ended_record, task_from_record
from wanbatch.words.disk import sync_folder
from wanbatch.words.errors import ExitCode, WanbatchError
from wanbatch.words.files import create_anew, open_own

LOCK_WAIT_S = 2.0
"""How long a new emulator waits for one whose parent was killed a moment ago."""


UPLOAD_LIFE_S = 48 * 3600.0
"""How long an upload can be used (docs)."""


class TaskStore:
    """An open store. ``close`` it, or use it as a context manager."""

    def __init__(self, folder: Path, lock: IO[bytes]) -> None:
        self.folder = folder
        self._lock = lock
        self._log = folder / "tasks.jsonl"
        self._uploads: dict[str, tuple[str, float]] = {}
        self._fd = open_own(self._log, os.O_RDWR | os.O_CREAT | os.O_APPEND)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        os.close(self._fd)
        self._lock.close()

    def load(self) -> dict[str, Task]:
        """Every task ever accepted, in order, as it stood last. Drops a torn last
        line."""
        text = self._log.read_bytes()
        whole = text[: text.rfind(b"\n") + 1]
        if len(whole) != len(text):
            os.ftruncate(self._fd, len(whole))
        tasks: dict[str, Task] = {}
        for line in whole.splitlines():
            record = json.loads(line)
            if record["event"] == "accepted":
                task = task_from_record(record)
                tasks[task.id] = task
            elif record["event"] == "uploaded":
                self._uploads[record["url"]] = record["sha256"], record["at"]
            else:
                apply_end(tasks[record["id"]], record)
        return tasks

    def accept(self, task: Task) -> None:
        """Makes the task durable; only then may its submit be answered."""
        self._append(accepted_record(task))
        os.fsync(self._fd)

    def end(self, task: Task) -> None:
        """Notes the end; without fsync, for a lost line is worked out again."""
        self._append(ended_record(task))

    def upload(self, url: str, sha256: str, at: float) -> None:
        """Notes that ``url`` (``oss://…``) holds the media with that hash since Unix
        second ``at``."""
        self._uploads[url] = sha256, at
        self._append({"event": "uploaded", "url": url, "sha256": sha256, "at": at})
        os.fsync(self._fd)

    def uploaded(self, url: str, now: float) -> str:
        """The hash of what was uploaded under ``url`` within the last 48 hours, else an
        empty string."""
        sha256, at = self._uploads.get(url, ("", 0.0))
        return sha256 if now - at < UPLOAD_LIFE_S else ""

    def _append(self, record: dict[str, object]) -> None:
        line = json.dumps(record, ensure_ascii=True, separators=(",", ":")) + "\n"
        view = memoryview(line.encode("ascii"))
        while view:
            view = view[os.write(self._fd, view) :]

    def secret(self) -> bytes:
        """32 random bytes that belong to this store, for signing links."""
        path = self.folder / "secret"
        if not path.exists():
            part = self.part_path()
            with create_anew(part, 0o600) as file:
                file.write(secrets.token_bytes(32))
            self.publish(part, path)
        return path.read_bytes()

    def media_path(self, sha256: str) -> Path:
        """Where media with this hash are, if they are; ``sha256`` must be 64 hex
        digits."""
        return self.folder / "media" / sha256

    def video_path(self, name: str) -> Path:
        return self.folder / "videos" / name

    def has_video(self, name: str) -> bool:
        """Whether the video is there; then it counts as used now."""
        return _used(self.video_path(name))

    def sweep(self, kept: Container[str], before: float) -> None:
        """Deletes media and videos that were last used before Unix second ``before``,
        but those whose names are in ``kept``."""
        for room in ("media", "videos"):
            for path in (self.folder / room).iterdir():
                if path.name not in kept and path.stat().st_mtime < before:
                    path.unlink()

    def keep_media(self, data: bytes) -> str:
        """Stores media and returns their SHA-256. Blocks for an fsync."""
        sha256 = hashlib.sha256(data).hexdigest()
        path = self.media_path(sha256)
        if not _used(path):
            part = self.part_path()
            with create_anew(part) as file:
                file.write(data)
            self.publish(part, path)
        return sha256

    def part_path(self) -> Path:
        """A name for a file that is still being written."""
        return self.folder / "parts" / secrets.token_hex(8)

    def publish(self, part: Path, path: Path) -> None:
        """Gives a finished file its name, durably: absent or whole at every instant."""
        with part.open("rb") as file:
            os.fsync(file.fileno())
        part.replace(path)
        sync_folder(path.parent)


def open_store(folder: Path, wait_s: float = LOCK_WAIT_S) -> TaskStore:
    """Opens, and if need be creates, the store in ``folder``. Raises ``WanbatchError``
    where another emulator holds it or it cannot be written."""
    try:
        for room in ("media", "videos", "parts"):
            (folder / room).mkdir(parents=True, exist_ok=True)
            if (folder / room).is_symlink():  # its files would be deleted as leftovers
                raise OSError(errno.ELOOP, f"{room} is a symbolic link")
        lock = os.fdopen(open_own(folder / "lock", os.O_WRONLY | os.O_CREAT | os.O_APPEND), "ab")
    except OSError as error:
        raise WanbatchError(
            ExitCode.ENVIRONMENT,
            f"the emulator's store {folder} cannot be written: {error.strerror or error}",
            "choose another folder with --store, or mend this one",
        ) from error
    if not _locked(lock, wait_s):
        lock.close()
        raise WanbatchError(
            ExitCode.ENVIRONMENT,
            f"another emulator is using the store {folder}",
            "stop it, or choose another folder with --store",
        )
    for left in (folder / "parts").iterdir():
        left.unlink()
    try:
        return TaskStore(folder, lock)
    except OSError as error:
        lock.close()
        raise WanbatchError(
            ExitCode.ENVIRONMENT,
            f"the emulator's store {folder} cannot be written: {error.strerror or error}",
            "choose another folder with --store, or mend this one",
        ) from error


def _used(path: Path) -> bool:
    """Whether the file exists; its time is set to now, so that a sweep knows what is
    still wanted."""
    try:
        os.utime(path)
    except FileNotFoundError:
        return False
    return True


def _locked(lock: IO[bytes], wait_s: float) -> bool:
    deadline = time.monotonic() + wait_s
    while True:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            if time.monotonic() >= deadline:
                return False
            time.sleep(0.05)
        else:
            return True
