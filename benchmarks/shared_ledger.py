"""A ledger that machines share: durable events a second at 20 ms of store latency, and
how soon a new owner goes on with 100,000 jobs.

The store is in memory, in a process of its own behind a loopback socket, and lets each
answer wait. A bound stands beside each figure: writing alone, one segment's way to the
store; taking over, one lease length, and unpacking the snapshot.

    env -u PYTHONDONTWRITEBYTECODE .venv/bin/python benchmarks/shared_ledger.py
"""

from __future__ import annotations

import argparse
import multiprocessing
import multiprocessing.connection
import resource
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Sequence
from decimal import Decimal
from functools import partial
from itertools import count
from pathlib import Path
from typing import Any

import anyio
import anyio.lowlevel
import anyio.to_thread

from wanbatch.ledger.rows import Happened, Opened, Write
from wanbatch.ledger.shared.door import SharedPorts, open_shared
from wanbatch.ledger.shared.entries import write_line
from wanbatch.ledger.shared.lease import LEASE, read_lease
from wanbatch.ledger.shared.segments import place_of
from wanbatch.model import lifecycle
from wanbatch.model.lifecycle import Authority, Event, EventKind, Opening
from wanbatch.model.objects import ObjectChanged, ObjectExists, StoredObject
from wanbatch.testing.objects import MemoryObjects

LEAST_EVENTS, MOST_S = 2_000, 3.0
LINES = 32
"""Questions under way at a time."""


# -- the store's process ---------------------------------------------------------------


def serve(address: str, latency_s: float) -> None:
    """Answers until it is killed."""
    shelf, lock = MemoryObjects(), threading.Lock()

    def talk(line: multiprocessing.connection.Connection) -> None:
        while True:
            try:
                method, args = line.recv()
            except EOFError:
                return
            time.sleep(latency_s)
            with lock:
                line.send(_done(shelf, method, args))

    with multiprocessing.connection.Listener(address) as listener:
        while True:
            threading.Thread(target=talk, args=(listener.accept(),), daemon=True).start()


def _done(shelf: MemoryObjects, method: str, args: Sequence[Any]) -> object:
    deed = getattr(shelf, method)(*args)
    try:
        deed.send(None)
    except StopIteration as done:
        return done.value
    except (ObjectExists, ObjectChanged) as error:
        return error
    raise AssertionError


class Remote:
    """An ``ObjectStore``: the other process, asked by threads. ``moved`` counts
    bytes."""

    def __init__(self, address: str) -> None:
        self._free = [multiprocessing.connection.Client(address) for _ in range(LINES)]
        self._limiter = anyio.CapacityLimiter(LINES)
        self.moved = 0

    async def _ask(self, method: str, *args: Any) -> Any:
        found = await anyio.to_thread.run_sync(self._talk, method, args, limiter=self._limiter)
        if isinstance(found, Exception):
            raise found
        return found

    def _talk(self, method: str, args: Sequence[Any]) -> object:
        line = self._free.pop()
        try:
            line.send((method, args))
            found = line.recv()
        finally:
            self._free.append(line)
        self.moved += sum(len(a) for a in args if isinstance(a, bytes))
        self.moved += len(found.data) if isinstance(found, StoredObject) else 0
        return found

    async def read(self, name: str) -> StoredObject | None:
        found: StoredObject | None = await self._ask("read", name)
        return found

    async def create(self, name: str, data: bytes) -> str:
        return str(await self._ask("create", name, data))

    async def replace(self, name: str, data: bytes, tag: str) -> str:
        return str(await self._ask("replace", name, data, tag))

    async def names(self, prefix: str, after: str = "") -> Sequence[str]:
        found: Sequence[str] = await self._ask("names", prefix, after)
        return found

    async def delete(self, name: str) -> None:
        await self._ask("delete", name)


# -- what is written -------------------------------------------------------------------

_nonces = count()


def ports(objects: Any, folder: Path, owner: str, lease_s: float) -> SharedPorts:
    folder.mkdir(exist_ok=True)
    clock = partial(time.clock_gettime, time.CLOCK_BOOTTIME)
    mark = f"{owner}-{time.time_ns()}"
    return SharedPorts(
        objects, folder, owner, clock, time.time, lambda: f"{mark}-{next(_nonces)}", lease_s
    )


def opening(number: int) -> Opening:
    prompt = f"a harbour at dawn, number {number}, slow pan, mist over the water"
    return Opening(
        f"wb2:{number:056x}", "paid", "gateway", "https://api.test", "harbor", f"shot[{number}]",
        "run-1", Authority.FIRST, f'{{"model":"wan2.7-i2v","prompt":"{prompt}"}}', 5, "720P",
        Decimal("0.50"), "USD", 1_800_000_000.25 + number, 0.5,
    )  # fmt: skip


LIFE: tuple[tuple[EventKind, dict[str, Any]], ...] = (
    (EventKind.ACCEPTED, {"task_id": "", "accepted_at": 1_800_000_001.5}),
    (EventKind.REMOTE_OK, {"finished_at": 1_800_000_100.5, "polls": 6}),
    (EventKind.STAGED, {"sha256": "ab" * 32, "bytes": 8_123_456, "width": 1280, "height": 720}),
    (EventKind.STORED, {"path": "harbor/videos/shot.mp4", "stored_at": 1_800_000_101.5}),
)


def event(number: int, step: int) -> Event:
    kind, facts = LIFE[step]
    told = facts | ({"task_id": f"task-{number}"} if step == 0 else {})
    return Event(number, kind, 1_800_000_002.0 + step, told)  # type: ignore[arg-type]


def life(number: int) -> list[Write]:
    row = lifecycle.open_attempt(number, opening(number))
    writes: list[Write] = [Opened(row)]
    for step in range(len(LIFE)):
        happened = event(number, step)
        row = lifecycle.apply(row, happened)
        writes.append(Happened(happened, row, step + 2))
    return writes


async def write_much(objects: Remote, folder: Path, writers: int, jobs: int) -> float:
    """Whole lives of jobs, one await for each event, by so many writers at once;
    returns durable events a second, their segments included."""
    async with open_shared(ports(objects, folder, "writer", 30.0)) as shared:
        waiting = iter(range(jobs))

        async def work() -> None:
            for number in waiting:
                row = await shared.ledger.open_attempt(opening(number))
                for step in range(len(LIFE)):
                    await shared.ledger.append(event(row.attempt_id, step))

        began = time.perf_counter()
        async with anyio.create_task_group() as group:
            for _ in range(writers):
                group.start_soon(work)
        await shared.ledger.open_attempt(opening(jobs))  # stands when all before it does
        took = time.perf_counter() - began
    return (jobs * (1 + len(LIFE)) + 1) / took


async def fill(objects: Remote, folder: Path, jobs: int, lease_s: float) -> float:
    """An owner of so many jobs that is killed: its lease is left as it stands. Returns
    when it was last renewed, by the clock that runs during sleep."""
    given = ports(objects, folder, "first", lease_s)
    with anyio.CancelScope() as scope:
        async with open_shared(given) as shared:
            for first in range(1, jobs + 1, 5_000):
                numbers = range(first, min(first + 5_000, jobs + 1))
                await shared.ledger.take_up([entry for n in numbers for entry in life(n)])
            nonce, end = "", place_of(max(await objects.names("segments/")))
            while True:  # until a snapshot of all is named, and something is behind it
                there = await objects.read(LEASE)
                lease = read_lease(there.data) if there else None
                if lease is not None and lease.nonce != nonce and nonce:
                    renewed_at = given.clock()
                    scope.cancel()
                    break
                if lease is not None and place_of(lease.snapshot) >= end:
                    nonce = nonce or lease.nonce
                await shared.ledger.keep_note("behind", str(given.clock()))
                await anyio.sleep(0.02)
            await anyio.lowlevel.checkpoint()
    return renewed_at


async def follow(
    objects: Remote, folder: Path, jobs: int, lease_s: float, renewed_at: float
) -> tuple[float, float, int]:
    """Takes over; returns after how long since the last renewal the lease was taken,
    how long it then took until a purchase could stand, and how many bytes moved."""
    given = ports(objects, folder, "second", lease_s)
    taken: list[float] = []
    real = objects.replace

    async def replace(name: str, data: bytes, tag: str) -> str:
        found = await real(name, data, tag)
        taken.append(given.clock())
        return found

    objects.replace = replace  # type: ignore[method-assign]
    before = objects.moved
    async with open_shared(given) as shared:
        assert len(shared.ledger.snapshot.attempts) == jobs
        await shared.ledger.open_attempt(opening(jobs + 1))
        assert not shared.permit.refusal()
        ready = given.clock()
        await shared.ledger.append(event(jobs + 1, 0))
    return taken[0] - renewed_at, ready - taken[0], objects.moved - before


def run(work: Callable[..., Any], *args: Any) -> Any:
    return anyio.run(work, *args)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--latency-ms", type=float, default=20.0)
    parser.add_argument("--writers", type=int, default=200)
    parser.add_argument("--jobs", type=int, default=100_000)
    parser.add_argument("--lease-s", type=float, default=30.0)
    chosen = parser.parse_args()
    latency_s = chosen.latency_ms / 1000.0
    spawn = multiprocessing.get_context("spawn")
    with tempfile.TemporaryDirectory() as name:
        root, good = Path(name), True
        for part in ("events", "takeover"):
            address = str(root / f"{part}.sock")
            store = spawn.Process(target=serve, args=(address, latency_s), daemon=True)
            store.start()
            while not Path(address).exists():
                time.sleep(0.05)
            if part == "events":
                rate = run(write_much, Remote(address), root / "w", chosen.writers, 4_000)
                bound = chosen.writers / latency_s
                print(
                    f"{rate:,.0f} durable events/s with {chosen.writers} writers at"
                    f" {chosen.latency_ms:.0f} ms (a segment's way alone allows {bound:,.0f});"
                    f" {LEAST_EVENTS:,} asked"
                )
                good &= rate >= LEAST_EVENTS
            else:
                good &= takeover(address, root, chosen)
            store.kill()
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"memory at most {peak:.0f} MB")
    return 0 if good else 1


def takeover(address: str, root: Path, chosen: argparse.Namespace) -> bool:
    renewed_at = run(fill, Remote(address), root / "first", chosen.jobs, chosen.lease_s)
    after_s, ready_s, moved = run(
        follow, Remote(address), root / "second", chosen.jobs, chosen.lease_s, renewed_at
    )
    raw = sum(len(str(write_line(entry))) for entry in life(1)) * chosen.jobs
    print(
        f"lease of {chosen.lease_s:.0f} s taken over {after_s:.1f} s after the last renewal;"
        f" {chosen.jobs:,} jobs gone on with {ready_s:.2f} s later ({MOST_S:.0f} s asked);"
        f" {moved:,} bytes moved ({raw:,} as lines)"
    )
    return bool(ready_s <= MOST_S and after_s <= 1.1 * chosen.lease_s + 1.0)


if __name__ == "__main__":
    sys.exit(main())
