"""The ledger as its users see it: what was awaited is on disk, memory follows the disk,
illegal events change nothing."""
# ruff: noqa: ASYNC240  files of a few kB are looked at between awaits

from __future__ import annotations

import gc
import sqlite3
import stat
import subprocess
import sys
from decimal import Decimal
from pathlib import Path
from typing import Any

import anyio
import anyio.lowlevel
import pytest
from builders import opening
from ledger.samples import TO_THE_END, bring_to_end

from wanbatch.ledger import writer
from wanbatch.ledger.rows import Write
from wanbatch.ledger.store import Ledger, read_ledger_id, read_snapshot
from wanbatch.ledger.verify import verify_ledger
from wanbatch.model.lifecycle import (
    Event,
    EventKind,
    Facts,
    IllegalTransition,
    Placement,
    RunRecord,
    Snapshot,
    State,
)
from wanbatch.testing.ledger import InlineWriter
from wanbatch.words.collector import collector_resting

pytestmark = pytest.mark.anyio


async def test_what_was_awaited_is_seen_by_another_process_at_once(tmp_path: Path) -> None:
    path = tmp_path / "reports" / "ledger.db"
    async with Ledger.open(path) as ledger:
        attempt = await ledger.open_attempt(opening())
        assert read_snapshot(path).attempts == (attempt,)
        attempt = await ledger.append(Event(attempt.attempt_id, *_first_event()))
        assert read_snapshot(path).attempts == (attempt,)
        assert ledger.attempt(attempt.attempt_id) == attempt
        assert attempt.state is State.ACCEPTED
        assert attempt.task_id == "task-1"


def _first_event() -> tuple[EventKind, float, Facts]:
    kind, facts = TO_THE_END[0]
    return kind, 1_700_000_001.0, facts


async def test_a_reopened_ledger_holds_the_same_rows(tmp_path: Path) -> None:
    path = tmp_path / "ledger.db"
    run = RunRecord("run-1", "harbor", "gateway", "paid", 1_700_000_000.0)
    async with Ledger.open(path) as ledger:
        await ledger.begin_run(run)
        stored = await bring_to_end(ledger)
        unpriced = await ledger.open_attempt(opening(price=None, currency=""))
        placement = Placement(
            "harbor", "opening[hour=dawn]", stored.attempt_id, "harbor/videos/one.mp4", 17
        )
        await ledger.place(placement)
        before = ledger.snapshot
        ledger_id = ledger.ledger_id
    assert before == Snapshot((stored, unpriced), (placement,), (run,))
    assert read_snapshot(path) == before
    async with Ledger.open(path) as ledger:
        assert ledger.snapshot == before
        assert ledger.ledger_id == ledger_id == read_ledger_id(path)
        assert ledger.snapshot.attempts[0].price == Decimal("0.50")
        assert ledger.snapshot.attempts[0].has_audio is True
        assert (await ledger.open_attempt(opening())).attempt_id == 3
    assert verify_ledger(path) == []


async def test_a_later_placement_or_run_record_takes_the_place_of_the_earlier(
    tmp_path: Path,
) -> None:
    path = tmp_path / "ledger.db"
    async with Ledger.open(path) as ledger:
        await ledger.begin_run(RunRecord("run-1", "harbor", "gateway", "paid", 1.0))
        await ledger.begin_run(RunRecord("run-1", "quay", "gateway", "paid", 1.0))
        finished = RunRecord("run-1", "harbor", "gateway", "paid", 1.0, 2.0, 0, 7, "0.1.0")
        await ledger.finish_run(finished)
        attempt = await bring_to_end(ledger)
        await ledger.place(
            Placement("harbor", "one", attempt.attempt_id, "harbor/videos/one.mp4", 1)
        )
        await ledger.place(
            Placement("harbor", "one", attempt.attempt_id, "harbor/videos/one-2.mp4", 2)
        )
        assert ledger.snapshot.runs == (
            finished,
            RunRecord("run-1", "quay", "gateway", "paid", 1.0),
        )
    snapshot = read_snapshot(path)
    assert snapshot.placements == (
        Placement("harbor", "one", attempt.attempt_id, "harbor/videos/one-2.mp4", 2),
    )
    assert finished in snapshot.runs


async def test_an_illegal_event_raises_and_leaves_no_trace(tmp_path: Path) -> None:
    path = tmp_path / "ledger.db"
    async with Ledger.open(path) as ledger:
        attempt = await ledger.open_attempt(opening())
        with pytest.raises(
            IllegalTransition, match=r"attempt 1: event 'stored' is not allowed in state 'intent'"
        ):
            await ledger.append(Event(attempt.attempt_id, EventKind.STORED, 2.0))
        with pytest.raises(KeyError):
            await ledger.append(Event(99, EventKind.ACCEPTED, 2.0))
        assert not ledger.failed
        assert ledger.attempt(1) == attempt
        assert (
            await ledger.append(Event(1, EventKind.ACCEPTED, 2.0, {"task_id": "t"}))
        ).state is State.ACCEPTED
    assert verify_ledger(path) == []


@pytest.mark.parametrize(
    ("facts", "text"),
    [
        ({"finished_at": float("nan")}, "finished_at is not a finite number"),
        ({"bytes": 2**63}, "bytes is out of range"),
        ({"price": 3}, "'price' is not a fact"),
    ],
)
async def test_facts_that_no_ledger_holds_are_refused_before_they_are_queued(
    tmp_path: Path, facts: dict[str, object], text: str
) -> None:
    async with Ledger.open(tmp_path / "ledger.db") as ledger:
        attempt = await ledger.open_attempt(opening())
        with pytest.raises(ValueError, match=text):
            await ledger.append(Event(attempt.attempt_id, EventKind.ACCEPTED, 2.0, facts))  # type: ignore[arg-type]
        with pytest.raises(ValueError, match="at is not a finite number"):
            await ledger.append(Event(attempt.attempt_id, EventKind.ACCEPTED, float("inf")))
        for wrong in (opening(price=Decimal("NaN")), opening(at=float("nan"))):
            with pytest.raises(ValueError, match="finite"):
                await ledger.open_attempt(wrong)
        assert not ledger.failed


async def test_text_that_utf8_cannot_carry_is_kept_readable_and_equal_in_memory_and_on_disk(
    tmp_path: Path,
) -> None:
    path = tmp_path / "ledger.db"
    async with Ledger.open(path) as ledger:
        attempt = await ledger.open_attempt(opening(job="夜明け \ud83d", request="nul \0 here"))
        attempt = await ledger.append(
            Event(
                attempt.attempt_id, EventKind.REJECTED, 2.0, {"error_message": "bad \udfff 😀 text"}
            )
        )
        assert attempt.error_message == "bad \ufffd 😀 text"
        assert attempt.job == "夜明け \ufffd"
    assert read_snapshot(path).attempts == (attempt,)
    assert attempt.request == "nul \0 here"
    assert verify_ledger(path) == []


async def test_events_of_one_attempt_may_be_on_their_way_together(tmp_path: Path) -> None:
    path = tmp_path / "ledger.db"
    async with Ledger.open(path) as ledger:
        attempt = await ledger.open_attempt(opening())
        async with anyio.create_task_group() as tasks:
            for number, (kind, facts) in enumerate(TO_THE_END):
                tasks.start_soon(
                    ledger.append, Event(attempt.attempt_id, kind, float(number), facts)
                )
                await anyio.lowlevel.checkpoint()
        assert ledger.attempt(attempt.attempt_id).state is State.STORED
    assert verify_ledger(path) == []


async def test_many_writers_at_once_lose_nothing(tmp_path: Path) -> None:
    path = tmp_path / "ledger.db"
    async with Ledger.open(path) as ledger, anyio.create_task_group() as tasks:
        for number in range(300):
            tasks.start_soon(_one_job, ledger, f"job-{number}")
    snapshot = read_snapshot(path)
    assert [a.attempt_id for a in snapshot.attempts] == list(range(1, 301))
    assert {a.state for a in snapshot.attempts} == {State.STORED}
    assert {a.job for a in snapshot.attempts} == {f"job-{n}" for n in range(300)}
    assert verify_ledger(path) == []


async def test_a_group_has_a_largest_size(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(writer, "LARGEST_GROUP", 3)
    async with Ledger.open(tmp_path / "ledger.db") as ledger:
        sizes: list[int] = []
        commit = ledger._writer.store.commit

        def count(batch: list[Write]) -> None:
            sizes.append(len(batch))
            commit(batch)

        monkeypatch.setattr(ledger._writer.store, "commit", count)
        async with anyio.create_task_group() as tasks:
            for _ in range(20):
                tasks.start_soon(ledger.open_attempt, opening())
    assert max(sizes) <= 3
    assert sum(sizes) == 20


async def _one_job(ledger: Ledger, name: str) -> None:
    await bring_to_end(ledger, job=name)


async def test_a_cancelled_append_is_written_all_the_same(tmp_path: Path) -> None:
    path = tmp_path / "ledger.db"
    async with Ledger.open(path) as ledger:
        attempt = await ledger.open_attempt(opening())
        with anyio.CancelScope() as scope:
            scope.cancel()
            await ledger.append(
                Event(attempt.attempt_id, EventKind.ACCEPTED, 2.0, {"task_id": "t"})
            )
    assert read_snapshot(path).attempts[0].task_id == "t"
    assert verify_ledger(path) == []


async def test_leaving_under_cancellation_still_waits_for_what_was_queued(tmp_path: Path) -> None:
    path = tmp_path / "ledger.db"
    with anyio.CancelScope() as scope:
        async with Ledger.open(path) as ledger, anyio.create_task_group() as tasks:
            for _ in range(50):
                tasks.start_soon(ledger.open_attempt, opening())
            await anyio.lowlevel.checkpoint()
            scope.cancel()
    assert len(read_snapshot(path).attempts) == 50


async def test_nothing_is_written_outside_the_context(tmp_path: Path) -> None:
    ledger = Ledger.open(tmp_path / "ledger.db")
    with pytest.raises(RuntimeError, match="only inside 'async with ledger'"):
        await ledger.open_attempt(opening())
    async with ledger:
        pass
    with pytest.raises(RuntimeError, match="only inside 'async with ledger'"):
        await ledger.begin_run(RunRecord("r", "m", "b", "paid", 1.0))


async def test_an_uncommitted_intent_is_not_shown(tmp_path: Path) -> None:
    """``snapshot`` and ``attempt`` speak of what is durable, never of what is on its
    way."""
    path = tmp_path / "ledger.db"
    async with Ledger.open(path) as ledger:
        blocker = sqlite3.connect(path, isolation_level=None)
        blocker.execute("BEGIN IMMEDIATE")
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(ledger.open_attempt, opening())
            await anyio.sleep(0.05)
            assert ledger.snapshot.attempts == ()
            blocker.execute("ROLLBACK")
        assert len(ledger.snapshot.attempts) == 1
        blocker.close()


async def test_a_ledger_that_was_never_entered_can_be_closed(tmp_path: Path) -> None:
    path = tmp_path / "ledger.db"
    Ledger.open(path).close()
    assert sorted(p.name for p in tmp_path.iterdir()) == ["ledger.db"]
    assert read_snapshot(path) == Snapshot()


async def test_a_simulated_ledger_commits_in_the_callers_own_step(tmp_path: Path) -> None:
    from wanbatch.ledger.sqlite import open_store

    path = tmp_path / "ledger.db"
    async with Ledger(*open_store(path), writer=InlineWriter) as ledger:
        stored = await bring_to_end(ledger)
        assert read_snapshot(path).attempts == (stored,)
    assert verify_ledger(path) == []


async def test_a_new_ledger_is_for_its_owner_alone(tmp_path: Path) -> None:
    path = tmp_path / "reports" / "ledger.db"
    async with Ledger.open(path) as ledger:
        await ledger.open_attempt(opening())
        modes = {p.name: stat.S_IMODE(p.stat().st_mode) for p in path.parent.iterdir()}
        assert modes == {"ledger.db": 0o600, "ledger.db-wal": 0o600, "ledger.db-shm": 0o600}
        assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700


async def test_a_closed_ledger_is_one_file(tmp_path: Path) -> None:
    path = tmp_path / "ledger.db"
    async with Ledger.open(path) as ledger:
        await bring_to_end(ledger)
    read_snapshot(path)
    assert [p.name for p in tmp_path.iterdir()] == ["ledger.db"]


async def test_a_long_log_is_folded_into_the_file_while_the_run_goes_on(tmp_path: Path) -> None:
    path = tmp_path / "ledger.db"
    async with Ledger.open(path) as ledger:
        async with anyio.create_task_group() as tasks:
            for number in range(1_100):
                tasks.start_soon(_one_job, ledger, f"job-{number}")
        for number in range(3):
            await bring_to_end(ledger, job=f"later-{number}")
        grown = path.stat().st_size
        log = path.with_name("ledger.db-wal").stat().st_size
    assert grown > 200_000, "no checkpoint happened during the run"
    assert log < 40_000_000


def test_a_killed_process_leaves_what_it_was_told_is_durable(tmp_path: Path) -> None:
    path = tmp_path / "ledger.db"
    program = f"""
import anyio, os, signal
from pathlib import Path
from builders import opening
from wanbatch.ledger import writer
from wanbatch.ledger.store import Ledger

async def main():
    async with Ledger.open(Path({str(path)!r})) as ledger:
        for _ in range(20):
            attempt = await ledger.open_attempt(opening())
            print(attempt.attempt_id, flush=True)
        os.kill(os.getpid(), signal.SIGKILL)

anyio.run(main)
"""
    root = Path(__file__).parent.parent.parent
    path_of_tests = {"PYTHONPATH": f"{root}:{root / 'tests'}"}
    done = subprocess.run(
        [sys.executable, "-c", program],
        check=False,
        capture_output=True,
        text=True,
        cwd=root,
        env=path_of_tests,
    )
    assert done.returncode == -9, done.stderr
    told = [int(line) for line in done.stdout.split()]
    assert told == list(range(1, 21))
    assert [a.attempt_id for a in read_snapshot(path).attempts] == told
    assert verify_ledger(path) == []


@pytest.mark.anyio
async def test_what_a_person_asked_for_is_kept_and_read_again(tmp_path: Path) -> None:
    path = tmp_path / "ledger.db"
    said: dict[str, Any] = {
        "realm": "paid",
        "manifest": "m",
        "job": "one",
        "run_id": "r",
        "at": 5.0,
    }
    async with Ledger.open(path) as ledger:
        one = await ledger.authorise(fingerprint="f1", kind="regenerate", **said)
        two = await ledger.authorise(fingerprint="f2", kind="retry_failed", **said)
        assert ledger.snapshot.authorisations == (one, two)
    assert (one.authorisation_id, two.authorisation_id) == (1, 2)
    assert read_snapshot(path).authorisations == (one, two)


def test_the_collector_rests_only_meanwhile() -> None:
    with collector_resting():
        assert not gc.isenabled()
        with collector_resting():
            pass
        assert not gc.isenabled()
    assert gc.isenabled()
