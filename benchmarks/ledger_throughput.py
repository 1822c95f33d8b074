"""How many durable events a second the ledger takes, how long an acknowledgement takes,
and how that compares with bare SQLite.

What it may not do: weaken a setting. Every event is on disk (WAL, synchronous=FULL)
before its await returns.

How it works: 200 writers carry jobs from intent to stored, each awaiting every event,
on both event loops. Beside it, in the same run, SQLite itself writes the same
statements in groups of the same size, with no memory, no validation and nobody to tell:
the ceiling of any ledger on this machine. A round trip of one group through
``anyio.from_thread`` instead of ``call_soon_threadsafe`` is measured too. Run ``python
benchmarks/ledger_throughput.py [FOLDER]``; it exits with 1 below 20,000 events/s or
above 25 ms at the 99th percentile.
"""

from __future__ import annotations

import sqlite3
import sys
import tempfile
import threading
import time
from decimal import Decimal
from pathlib import Path

import anyio
import anyio.from_thread
import anyio.to_thread
from anyio.lowlevel import current_token

from wanbatch.ledger.rows import Happened, Opened, Write, statements_of
from wanbatch.ledger.sqlite import open_store
from wanbatch.ledger.store import Ledger
from wanbatch.model import lifecycle
from wanbatch.model.lifecycle import Authority, Event, EventKind, Facts, Opening

JOBS, WRITERS, ROUNDS = 8_000, 200, 3
OPENING = Opening(
    "ab" * 32,
    "paid",
    "gateway",
    "https://api.test",
    "harbor",
    "opening[hour=dawn,lens=35mm]",
    "20260101T000000Z-abcdef",
    Authority.FIRST,
    '{"model":"wan2.7-i2v","prompt":"' + "slow dolly in, dawn fog over the harbour, " * 5 + '"}',
    5,
    "720P",
    Decimal("0.50"),
    "USD",
    1_700_000_000.0,
)
STEPS: tuple[tuple[EventKind, Facts], ...] = (
    (
        EventKind.ACCEPTED,
        {
            "task_id": "0123456789abcdef",
            "accepted_at": 1_700_000_001.0,
            "available_until": 1_700_090_000.0,
        },
    ),
    (
        EventKind.REMOTE_OK,
        {"finished_at": 1_700_000_090.5, "polls": 4, "polled_at": 1_700_000_080.0},
    ),
    (
        EventKind.STAGED,
        {
            "sha256": "cd" * 32,
            "bytes": 123_456,
            "seconds": 5.0,
            "width": 1280,
            "height": 720,
            "fps": 24.0,
            "has_audio": True,
        },
    ),
    (EventKind.STORED, {"path": "harbor/videos/opening.mp4", "stored_at": 1_700_000_092.0}),
)
EVENTS = JOBS * (1 + len(STEPS))


async def through_the_ledger(path: Path) -> tuple[float, list[float]]:
    """Events per second and every acknowledgement's seconds."""
    waits: list[float] = []
    jobs = iter(range(JOBS))

    async def work(ledger: Ledger) -> None:
        for _ in jobs:
            began = time.perf_counter()
            attempt = await ledger.open_attempt(OPENING)
            waits.append(time.perf_counter() - began)
            for kind, facts in STEPS:
                began = time.perf_counter()
                attempt = await ledger.append(
                    Event(attempt.attempt_id, kind, 1_700_000_002.0, facts)
                )
                waits.append(time.perf_counter() - began)

    async with Ledger.open(path) as ledger:
        began = time.perf_counter()
        async with anyio.create_task_group() as tasks:
            for _ in range(WRITERS):
                tasks.start_soon(work, ledger)
        return EVENTS / (time.perf_counter() - began), waits


def bare_sqlite(path: Path) -> float:
    """Events per second of the same statements, prepared beforehand, in groups of
    ``WRITERS``, on a connection with the same settings."""
    rows: list[Write] = []
    for number in range(1, JOBS + 1):
        row = lifecycle.open_attempt(number, OPENING)
        rows.append(Opened(row))
        for seq, (kind, facts) in enumerate(STEPS, start=2):
            event = Event(number, kind, 1_700_000_002.0, facts)
            row = lifecycle.apply(row, event)
            rows.append(Happened(event, row, seq))
    statements = [statement for row in rows for statement in statements_of(row)]
    open_store(path)[0].close()
    connection = sqlite3.connect(path, isolation_level=None, cached_statements=512)
    connection.execute("PRAGMA synchronous = FULL")
    began = time.perf_counter()
    for start in range(0, len(statements), 2 * WRITERS):
        connection.execute("BEGIN IMMEDIATE")
        for sql, values in statements[start : start + 2 * WRITERS]:
            connection.execute(sql, values)
        connection.execute("COMMIT")
    spent = time.perf_counter() - began
    connection.close()
    return EVENTS / spent


async def telling_the_loop(groups: int = 5_000) -> tuple[float, float]:
    """Microseconds per group that the writer's thread spends on telling the loop:
    without waiting for it, and by ``anyio.from_thread``."""
    token = current_token()
    native = token.native_token
    soon = getattr(native, "call_soon_threadsafe", None) or getattr(native, "run_sync_soon")  # noqa: B009 asyncio or trio
    spent: list[float] = []

    def tell() -> None:
        for how in (lambda: soon(int), lambda: anyio.from_thread.run_sync(int, token=token)):
            began = time.perf_counter()
            for _ in range(groups):
                how()
            spent.append((time.perf_counter() - began) / groups * 1e6)

    thread = threading.Thread(target=tell)
    thread.start()
    await anyio.to_thread.run_sync(thread.join)
    return spent[0], spent[1]


def main() -> int:
    folder = sys.argv[1] if len(sys.argv) > 1 else None
    good = False
    for backend in ("asyncio", "trio"):
        soon, round_trip = anyio.run(telling_the_loop, backend=backend)
        print(
            f"{backend}: telling the loop takes {soon:.0f} µs a group; by anyio.from_thread"
            f" {round_trip:.0f} µs"
        )
        for _ in range(ROUNDS):
            with tempfile.TemporaryDirectory(dir=folder) as made:
                rate, waits = anyio.run(
                    through_the_ledger, Path(made) / "ledger.db", backend=backend
                )
                bare = bare_sqlite(Path(made) / "bare.db")
            waits.sort()
            half, most = waits[len(waits) // 2] * 1e3, waits[int(len(waits) * 0.99)] * 1e3
            print(
                f"{backend}: {rate:,.0f} durable events/s, {rate / bare:.2f} of bare SQLite"
                f" ({bare:,.0f}); ack {half:.1f} ms, p99 {most:.1f} ms"
            )
            good |= rate >= 20_000 and most <= 25.0
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
