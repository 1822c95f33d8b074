"""After a failed commit: nothing new is bought, nothing that was acknowledged is lost,
memory shows what the disk holds."""

from __future__ import annotations

import os
import random
import resource
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import anyio
import anyio.lowlevel
import pytest
from builders import opening
from ledger.samples import TO_THE_END, bring_to_end

from wanbatch.ledger import writer
from wanbatch.ledger.rows import Happened, Write
from wanbatch.ledger.sqlite import Busy, SqliteStore, open_store
from wanbatch.ledger.store import Ledger, LedgerFailed, read_snapshot
from wanbatch.ledger.verify import verify_ledger
from wanbatch.model.lifecycle import Event, EventKind, Placement, State
from wanbatch.testing.ledger import InlineWriter
from wanbatch.words.errors import ExitCode, WanbatchError

pytestmark = pytest.mark.anyio

ACCEPT = (EventKind.ACCEPTED, TO_THE_END[0][1])
ROOT = Path(__file__).parent.parent.parent
POINTS = int(os.environ.get("WANBATCH_DISK_FAULTS", "10"))
"""How many points of failure are tried; ``make torture`` asks for fifty."""


class FaultyDisk:
    """A store on a real ledger whose commits fail while ``broken`` says so."""

    def __init__(
        self, store: SqliteStore, broken: Callable[[Sequence[Write]], Exception | None]
    ) -> None:
        self.store, self.broken = store, broken
        self.commits = 0

    def commit(self, batch: Sequence[Write]) -> None:
        self.commits += 1
        failure = self.broken(batch)
        if failure is not None:
            raise failure
        self.store.commit(batch)

    def rest(self, *, idle: bool = True) -> None:
        self.store.rest(idle=idle)

    def close(self) -> None:
        self.store.close()


DISK_FULL = WanbatchError(
    ExitCode.ENVIRONMENT, "the ledger cannot grow: the disk is full", "free some space"
)


@pytest.mark.parametrize("kind", [writer.ThreadWriter, InlineWriter])
async def test_after_a_failed_commit_nothing_more_is_bought_but_an_answer_may_still_be_recorded(
    tmp_path: Path, kind: type[writer.Writer]
) -> None:
    path = tmp_path / "ledger.db"
    broken: list[Exception] = []
    store, contents = open_store(path)
    async with Ledger(
        FaultyDisk(store, lambda _: broken[0] if broken else None), contents, kind
    ) as ledger:
        in_flight = await ledger.open_attempt(opening())
        failed_before = ledger.failed
        broken.append(DISK_FULL)
        with pytest.raises(
            LedgerFailed, match="the disk is full; nothing more is submitted"
        ) as caught:
            await ledger.open_attempt(opening())
        assert caught.value.exit_code is ExitCode.ENVIRONMENT
        assert caught.value.hints == ("free some space",)
        assert (failed_before, ledger.failed) == (False, True)
        assert ledger.snapshot.attempts == (in_flight,)
        with pytest.raises(LedgerFailed):
            await ledger.append(Event(in_flight.attempt_id, *ACCEPT[:1], 2.0, ACCEPT[1]))
        assert ledger.attempt(in_flight.attempt_id) == in_flight
        broken.clear()
        with pytest.raises(LedgerFailed):
            await ledger.open_attempt(opening())
        accepted = await ledger.append(Event(in_flight.attempt_id, ACCEPT[0], 2.0, ACCEPT[1]))
        await ledger.place(Placement("m", "j", accepted.attempt_id, "p", 1))
        assert ledger.failed
        assert ledger.attempt(in_flight.attempt_id) == accepted
    assert read_snapshot(path).attempts == (accepted,)
    assert verify_ledger(path) == []


async def test_a_failed_placement_is_told_and_not_remembered(tmp_path: Path) -> None:
    store, contents = open_store(tmp_path / "ledger.db")
    async with Ledger(FaultyDisk(store, lambda _: DISK_FULL), contents) as ledger:
        with pytest.raises(LedgerFailed):
            await ledger.place(Placement("m", "j", 1, "p", 1))
        assert ledger.snapshot.placements == ()


async def test_an_event_whose_predecessor_was_not_written_is_not_written_either(
    tmp_path: Path,
) -> None:
    path = tmp_path / "ledger.db"
    store, contents = open_store(path)

    def fails(batch: Sequence[Write]) -> Exception | None:
        if hold:
            time.sleep(0.01)
            return Busy()
        return (
            DISK_FULL
            if any(
                isinstance(e, Happened) and e.event.kind is EventKind.ACCEPTED and e.event.at < 10.0
                for e in batch
            )
            else None
        )

    hold: list[bool] = []
    async with Ledger(FaultyDisk(store, fails), contents) as ledger:
        attempt = await ledger.open_attempt(opening())
        other = await ledger.open_attempt(opening())
        failures: list[str] = []

        async def append(event: Event) -> None:
            try:
                await ledger.append(event)
            except LedgerFailed:
                failures.append(event.kind)

        hold.append(True)  # until all four are on their way
        async with anyio.create_task_group() as tasks:
            for number, (kind, facts) in enumerate(TO_THE_END):
                tasks.start_soon(append, Event(attempt.attempt_id, kind, float(number), facts))
                await anyio.lowlevel.checkpoint()
            hold.clear()
        assert sorted(failures) == sorted(kind for kind, _ in TO_THE_END)
        assert ledger.attempt(attempt.attempt_id) == attempt
        assert (
            await ledger.append(Event(other.attempt_id, EventKind.REJECTED, 3.0))
        ).state is State.REJECTED
        accepted = await ledger.append(Event(attempt.attempt_id, ACCEPT[0], 20.0, ACCEPT[1]))
    assert read_snapshot(path).attempts[0] == accepted
    assert verify_ledger(path) == []


def test_the_writer_refuses_what_was_queued_behind_a_failure(tmp_path: Path) -> None:
    """The same as above, group by group: what the thread meets when entries were queued
    before anybody knew of the failure."""

    async def main() -> None:
        from wanbatch.ledger.rows import Opened
        from wanbatch.model import lifecycle

        store, _ = open_store(tmp_path / "ledger.db")
        broken = [True]
        keeper = InlineWriter(FaultyDisk(store, lambda _: DISK_FULL if broken[0] else None))
        row = lifecycle.open_attempt(1, opening())
        first, second = Event(1, ACCEPT[0], 2.0, ACCEPT[1]), Event(1, EventKind.REMOTE_OK, 3.0)
        after_first = lifecycle.apply(row, first)
        broken[0] = False
        keeper.write([writer.Ticket(Opened(row))])
        broken[0] = True
        lost = writer.Ticket(Happened(first, after_first, 2))
        keeper.write([lost])
        assert lost.failure is DISK_FULL
        broken[0] = False
        orphan = writer.Ticket(Happened(second, lifecycle.apply(after_first, second), 3))
        late = writer.Ticket(Opened(lifecycle.open_attempt(2, opening())))
        keeper.write([orphan, late])
        assert orphan.failure is DISK_FULL
        assert late.failure is DISK_FULL
        again = writer.Ticket(Happened(first, after_first, 2))
        then = writer.Ticket(Happened(second, lifecycle.apply(after_first, second), 3))
        keeper.write([again, then])
        assert again.failure is None
        assert then.failure is None
        store.close()

    anyio.run(main)
    assert verify_ledger(tmp_path / "ledger.db") == []
    assert read_snapshot(tmp_path / "ledger.db").attempts[0].state is State.REMOTE_OK


async def test_a_late_failure_does_not_disturb_a_newer_event_of_the_same_attempt(
    tmp_path: Path,
) -> None:
    store, contents = open_store(tmp_path / "ledger.db")
    async with Ledger(store, contents) as ledger:
        attempt = await ledger.open_attempt(opening())
        stale = writer.Ticket(
            Happened(Event(attempt.attempt_id, EventKind.REMOTE_OK, 3.0), attempt, 3)
        )
        stale.failure = DISK_FULL
        ledger._release([stale])
        assert (
            await ledger.append(Event(attempt.attempt_id, ACCEPT[0], 2.0, ACCEPT[1]))
        ).state is State.ACCEPTED


async def test_a_real_full_database_is_told_as_a_full_disk(tmp_path: Path) -> None:
    path = tmp_path / "ledger.db"
    store, contents = open_store(path)
    store._connection.execute("PRAGMA max_page_count = 30")
    written = 0

    async def write_on() -> None:
        nonlocal written
        while True:
            await bring_to_end(ledger)
            written += 1

    async with Ledger(store, contents) as ledger:
        with pytest.raises(LedgerFailed, match="cannot grow: the disk is full"):
            await write_on()
    assert written > 0
    assert len(read_snapshot(path).attempts) >= written
    assert verify_ledger(path) == []


async def test_a_second_process_that_writes_is_noticed_and_nothing_of_it_is_overwritten(
    tmp_path: Path,
) -> None:
    path = tmp_path / "ledger.db"
    async with Ledger.open(path) as ledger:
        async with Ledger.open(path) as intruder:
            theirs = await intruder.open_attempt(opening(job="theirs"))
        with pytest.raises(LedgerFailed, match="was changed by another process"):
            await ledger.open_attempt(opening(job="ours"))
        assert ledger.failed
    assert read_snapshot(path).attempts == (theirs,)
    assert verify_ledger(path) == []


# -- locked by somebody else -----------------------------------------------------------


async def test_a_locked_ledger_is_waited_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "ledger.db"
    async with Ledger.open(path) as ledger:
        blocker = sqlite3.connect(path, isolation_level=None)
        blocker.execute("BEGIN IMMEDIATE")
        done: list[int] = []

        async def open_one() -> None:
            done.append((await ledger.open_attempt(opening())).attempt_id)

        async with anyio.create_task_group() as tasks:
            tasks.start_soon(open_one)
            await anyio.sleep(0.6)  # longer than one busy step
            assert done == []
            assert not ledger.failed
            blocker.execute("COMMIT")
        assert done == [1]
        blocker.close()


async def test_a_lock_that_outlives_the_run_ends_the_waiting(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(writer, "CLOSING_STEPS", 2)
    path = tmp_path / "ledger.db"
    ledger = await Ledger.open(path).__aenter__()
    blocker = sqlite3.connect(path, isolation_level=None)
    blocker.execute("BEGIN IMMEDIATE")
    told: list[str] = []

    async def open_one() -> None:
        try:
            await ledger.open_attempt(opening())
        except LedgerFailed as failure:
            told.append(str(failure))

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(open_one)
        await anyio.sleep(0.05)
        tasks.start_soon(ledger.__aexit__, None, None, None)
    blocker.execute("ROLLBACK")
    blocker.close()
    assert len(told) == 1
    assert "still locked by another program" in told[0]
    assert read_snapshot(path).attempts == ()


# -- real disks that fail, in processes of their own -----------------------------------

CHILD = """
import anyio, sys
from pathlib import Path
from builders import opening
from ledger.samples import TO_THE_END
from wanbatch.words.errors import WanbatchError
from wanbatch.ledger.store import Ledger
from wanbatch.model.lifecycle import Event

async def main():
    async with Ledger.open(Path(sys.argv[1])) as ledger:
        for _ in range(int(sys.argv[2])):
            attempt = await ledger.open_attempt(opening(request="x" * 2000))
            print("acknowledged", attempt.attempt_id, attempt.state.value, flush=True)
            for kind, facts in TO_THE_END:
                attempt = await ledger.append(Event(attempt.attempt_id, kind, 2.0, facts))
                print("acknowledged", attempt.attempt_id, attempt.state.value, flush=True)

try:
    anyio.run(main)
except WanbatchError as refusal:
    print("refused", refusal.exit_code.value, refusal.message, "|", *refusal.hints, flush=True)
    sys.exit(refusal.exit_code)
"""


def run_child(
    path: Path, jobs: int, *prefix: str, limit: int | None = None
) -> subprocess.CompletedProcess[str]:
    def limit_file_size() -> None:
        if limit is not None:
            signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
            resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))

    return subprocess.run(
        [*prefix, sys.executable, "-c", CHILD, str(path), str(jobs)],
        capture_output=True,
        text=True,
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": f"{ROOT}:{ROOT / 'tests'}"},
        preexec_fn=limit_file_size,
        check=False,
    )


def check_nothing_acknowledged_is_lost(path: Path, output: str) -> int:
    """The last acknowledged state of each attempt, or a later one, stands in the
    ledger; returns how many were acknowledged."""
    told = [line.split()[1:] for line in output.splitlines() if line.startswith("acknowledged")]
    last = {int(number): state for number, state in told}
    order = [State.INTENT, *(State(k.value) for k, _ in TO_THE_END)]
    rows = {a.attempt_id: a for a in read_snapshot(path).attempts}
    for number, state in last.items():
        assert order.index(rows[number].state) >= order.index(State(state)), (
            number,
            state,
            rows[number].state,
        )
    assert verify_ledger(path) == []
    return len(told)


@pytest.mark.parametrize("limit", [100_000, 200_000, 700_000])
def test_a_disk_that_takes_no_more_ends_the_run_with_4_and_loses_nothing(
    tmp_path: Path, limit: int
) -> None:
    path = tmp_path / "ledger.db"
    done = run_child(path, 400, limit=limit)
    assert done.returncode == 4, done.stderr
    assert "refused 4 the ledger" in done.stdout
    assert check_nothing_acknowledged_is_lost(path, done.stdout) > 0
    again = run_child(path, 1)
    assert again.returncode == 0, again.stderr


@pytest.mark.skipif(shutil.which("strace") is None, reason="strace is not installed")
@pytest.mark.parametrize(
    ("inject", "text"),
    [
        ("fdatasync:error=EIO:when=12", "the disk reports an error"),
        ("pwrite64:error=EIO:when=60", "the disk reports an error"),
        ("pwrite64:error=ENOSPC:when=75", "the disk is full"),
        ("fdatasync:error=EIO:when=12+", "the disk reports an error"),
    ],
)
def test_errors_of_the_disk_end_the_run_with_4_and_lose_nothing(
    tmp_path: Path, inject: str, text: str
) -> None:
    path = tmp_path / "ledger.db"
    call = inject.split(":")[0]
    done = run_child(
        path,
        40,
        "strace",
        "-f",
        "-qq",
        "-o",
        str(tmp_path / "trace"),
        "-e",
        f"trace={call}",
        "-e",
        f"inject={inject}",
    )
    assert done.returncode == 4, (done.stdout[-500:], done.stderr[-2000:])
    assert text in done.stdout
    assert check_nothing_acknowledged_is_lost(path, done.stdout) > 0


@pytest.mark.skipif(shutil.which("strace") is None, reason="strace is not installed")
def test_errors_of_the_disk_at_any_point_lose_nothing(tmp_path: Path) -> None:
    """From the first write to the last, full or broken, once or for good: what was
    acknowledged is there, and the next run opens the ledger."""
    rnd = random.Random(5)
    for number in range(POINTS):
        call = rnd.choice(["pwrite64", "fdatasync", "openat", "ftruncate"])
        point = rnd.randint(
            1, {"pwrite64": 400, "fdatasync": 60, "openat": 200, "ftruncate": 4}[call]
        )
        inject = f"{call}:error={rnd.choice(['EIO', 'ENOSPC'])}:when={point}{rnd.choice(['', '+'])}"
        path = tmp_path / str(number) / "ledger.db"
        done = run_child(
            path,
            12,
            "strace",
            "-f",
            "-qq",
            "-o",
            str(tmp_path / "trace"),
            "-P",
            str(path),
            "-P",
            f"{path}-wal",
            "-e",
            f"inject={inject}",
        )
        assert done.returncode in (0, 4), (inject, done.stdout[-500:], done.stderr[-2000:])
        check_nothing_acknowledged_is_lost(path, done.stdout)
        Ledger.open(path).close()


async def test_an_intent_that_became_durable_beside_a_failed_commit_is_not_posted(
    tmp_path: Path,
) -> None:
    """The intent is on disk, and so is uncertain at the next start; but this process
    has lost its ledger and sends nothing more."""
    store, contents = open_store(tmp_path / "ledger.db")
    disk = FaultyDisk(
        store,
        lambda batch: DISK_FULL if any(isinstance(entry, Happened) for entry in batch) else None,
    )
    refused: list[str] = []

    async def buy() -> None:
        try:
            await ledger.open_attempt(opening(job="second"))
        except LedgerFailed:
            refused.append("second")

    async def hear() -> None:
        try:
            await ledger.append(Event(first.attempt_id, ACCEPT[0], 2.0, ACCEPT[1]))
        except LedgerFailed:
            refused.append("first")

    async with Ledger(disk, contents, writer=InlineWriter) as ledger:
        first = await ledger.open_attempt(opening(job="first"))
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(buy)
            tasks.start_soon(hear)
    assert sorted(refused) == ["first", "second"]
