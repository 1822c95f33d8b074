"""Power loss: whatever a disk forgets that was not synced, no acknowledged event is
missing and the ledger is sound.

How it works: the ledger runs over a VFS of apsw that records every write, truncation,
sync and deletion, and the acknowledgements between them. Then the power is cut at many
instants: each file is rebuilt from what was synced, plus, of what was not, a random
part in any order, writes torn at sectors. The real ledger opens what is left. As a
control the same with ``synchronous=NORMAL``, which must be caught.
"""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from pathlib import Path

import anyio
import pytest
from builders import opening
from ledger.samples import TO_THE_END

from wanbatch.ledger import sqlite
from wanbatch.ledger.sqlite import Contents, SqliteStore
from wanbatch.ledger.store import Ledger, read_snapshot
from wanbatch.ledger.verify import verify_ledger
from wanbatch.model.lifecycle import Event, State
from wanbatch.model.looked import Looked
from wanbatch.testing.ledger import InlineWriter

apsw = pytest.importorskip("apsw")

SECTOR = 512
CUTS = 250
ORDER = [State.INTENT, *(State(kind.value) for kind, _ in TO_THE_END)]


@dataclass
class Recording:
    """All that reached the disk, in order: (what, file, offset or size, data), and
    acknowledgements as (``ack``, "", attempt, state)."""

    steps: list[tuple[str, str, int, bytes]] = field(default_factory=list)

    def note(self, what: str, name: str, number: int = 0, data: bytes = b"") -> None:
        self.steps.append((what, Path(name).name, number, data))


def recording_vfs(recording: Recording) -> object:
    """Registers a VFS called ``recording`` that passes everything on to the real
    one."""

    class File(apsw.VFSFile):  # type: ignore[name-defined, misc]
        def __init__(self, name: object, flags: list[int]) -> None:
            self.name = name.filename() if isinstance(name, apsw.URIFilename) else str(name)
            super().__init__("", name, flags)

        def xWrite(self, data: bytes, offset: int) -> None:  # noqa: N802
            recording.note("write", self.name, offset, bytes(data))
            super().xWrite(data, offset)

        def xTruncate(self, size: int) -> None:  # noqa: N802
            recording.note("truncate", self.name, size)
            super().xTruncate(size)

        def xSync(self, flags: int) -> None:  # noqa: N802
            super().xSync(flags)
            recording.note("sync", self.name)

    class Disk(apsw.VFS):  # type: ignore[name-defined, misc]
        def xOpen(self, name: object, flags: list[int]) -> File:  # noqa: N802
            return File(name, flags)

        def xDelete(self, name: str, sync: bool) -> None:  # noqa: N802
            super().xDelete(name, sync)
            recording.note("delete", name)

    return Disk("recording", "")


def record(path: Path, synchronous: str) -> Recording:
    """A run of 60 jobs, from a new file to a closed one, with many checkpoints."""
    recording = Recording()
    disk = recording_vfs(recording)
    connection = apsw.Connection(str(path), vfs="recording")
    sqlite._prepare(path, connection)
    connection.execute(f"PRAGMA synchronous = {synchronous}")

    async def main() -> None:
        async with Ledger(SqliteStore(path, connection), Contents(), writer=InlineWriter) as ledger:
            for number in range(60):
                attempt = await ledger.open_attempt(opening(job=f"job-{number}"))
                recording.note("ack", "", attempt.attempt_id, attempt.state.value.encode())
                for kind, facts in TO_THE_END[: number % 5]:
                    attempt = await ledger.append(Event(attempt.attempt_id, kind, 2.0, facts))
                    recording.note("ack", "", attempt.attempt_id, attempt.state.value.encode())
                if synchronous == "FULL":  # a look is not synced; what comes after it is
                    await ledger.keep_look(Looked(f"{number:064x}", "", 1, "all", "{}"))
                ledger._writer.store.rest()

    anyio.run(main)
    del disk
    return recording


def cut(recording: Recording, at: int, folder: Path, rnd: random.Random) -> dict[int, State]:
    """Writes into ``folder`` what a power cut after ``at`` steps may leave; returns the
    last acknowledged state of each attempt."""
    files: dict[str, bytearray] = {}
    loose: dict[str, list[tuple[str, int, bytes]]] = {}
    told: dict[int, State] = {}
    for what, name, number, data in recording.steps[:at]:
        if what == "ack":
            told[number] = State(data.decode())
        elif what == "delete":
            files.pop(name, None)
            loose.pop(name, None)
        elif what == "sync":
            for step in loose.pop(name, []):
                apply(files.setdefault(name, bytearray()), *step)
        else:
            loose.setdefault(name, []).append((what, number, data))
    for name, steps in loose.items():
        for step in rnd.sample(steps, rnd.randint(0, len(steps))):
            apply(files.setdefault(name, bytearray()), *torn(step, rnd))
    for name, content in files.items():
        (folder / name).write_bytes(content)
    return told


def apply(content: bytearray, what: str, number: int, data: bytes) -> None:
    if what == "truncate":
        del content[number:]
        return
    content.extend(bytes(max(0, number - len(content))))
    content[number : number + len(data)] = data


def torn(step: tuple[str, int, bytes], rnd: random.Random) -> tuple[str, int, bytes]:
    what, number, data = step
    sectors = len(data) // SECTOR
    return (
        (what, number, data[: SECTOR * rnd.randint(0, sectors)])
        if sectors and rnd.random() < 0.3
        else step
    )


def lost_at(recording: Recording, at: int, folder: Path, rnd: random.Random) -> list[str]:
    """What is wrong after a power cut at this step."""
    folder.mkdir()
    told = cut(recording, at, folder, rnd)
    path = folder / "ledger.db"
    rows = {a.attempt_id: a.state for a in read_snapshot(path).attempts}
    missing = [
        f"attempt {n}: {state.value} was acknowledged"
        for n, state in told.items()
        if n not in rows or ORDER.index(rows[n]) < ORDER.index(state)
    ]
    return missing + verify_ledger(path)


def after_creation(recording: Recording) -> int:
    return next(n for n, step in enumerate(recording.steps) if step[0] == "ack")


def test_no_acknowledged_event_is_lost_whatever_the_disk_forgets(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sqlite, "CHECKPOINT_AFTER", 40)
    (tmp_path / "run").mkdir()
    recording = record(tmp_path / "run" / "ledger.db", "FULL")
    rewritten = [s for s in recording.steps if s[:3] == ("write", "ledger.db-wal", 0)]
    assert len(rewritten) > 3, "the log was never begun anew, so checkpoints were not tested"
    rnd = random.Random(20)
    for number in range(CUTS):
        at = rnd.randint(after_creation(recording), len(recording.steps))
        assert lost_at(recording, at, tmp_path / str(number), rnd) == [], (
            f"cut {number} after step {at}"
        )


def test_the_model_catches_a_ledger_that_does_not_sync_every_commit(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sqlite, "CHECKPOINT_AFTER", 40)
    (tmp_path / "run").mkdir()
    recording = record(tmp_path / "run" / "ledger.db", "NORMAL")
    rnd = random.Random(20)
    assert any(
        lost_at(
            recording,
            rnd.randint(after_creation(recording), len(recording.steps)),
            tmp_path / str(n),
            rnd,
        )
        for n in range(20)
    )


def test_a_cut_while_the_ledger_is_being_created_leaves_nothing_that_stands_in_the_way(
    tmp_path: Path,
) -> None:
    (tmp_path / "run").mkdir()
    recording = record(tmp_path / "run" / "ledger.db", "FULL")
    rnd = random.Random(21)
    for at in range(after_creation(recording)):
        folder = tmp_path / str(at)
        folder.mkdir()
        assert cut(recording, at, folder, rnd) == {}
        Ledger.open(folder / "ledger.db").close()
        assert verify_ledger(folder / "ledger.db") == []
