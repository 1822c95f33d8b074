"""Threads as the work pool: each lane by itself, errors where they are waited for, and
nobody who leaves is held up."""

from __future__ import annotations

import os
import threading
import time
from pathlib import Path

import anyio
import pytest

from wanbatch.compute.threads import DISK_THREADS, LOWEST, Threads, cores
from wanbatch.model.pool import Errand, Lane, Misfit


def errand(function, lane: Lane = Lane.SOON) -> Errand[object]:
    return Errand(function, lambda found: found, lane)


def run(*errands: Errand[object], most: int | None = None) -> list[object]:
    found: dict[int, object] = {}

    async def one(pool: Threads, number: int) -> None:
        found[number] = await pool.submit(errands[number])

    async def main() -> None:
        pool = Threads(most)
        async with anyio.create_task_group() as group:
            for number in range(len(errands)):
                group.start_soon(one, pool, number)
        pool.close()

    anyio.run(main)
    return [found[number] for number in range(len(errands))]


def test_as_many_run_at_once_as_there_are_threads_and_no_more() -> None:
    running, most, lock = 0, 0, threading.Lock()

    def work() -> int:
        nonlocal running, most
        with lock:
            running += 1
            most = max(most, running)
        time.sleep(0.02)
        with lock:
            running -= 1
        return threading.get_ident()

    assert len(set(run(*[errand(work)] * 12, most=3))) == 3
    assert most == 3
    assert Threads().width == cores() == len(os.sched_getaffinity(0))


def test_a_list_is_worked_through_without_an_event_loop() -> None:
    pool, barrier = Threads(2), threading.Barrier(2)
    found = pool.work_through(Errand(lambda n: (barrier.wait(20), n)[1], int), [(1,), (2,)])
    assert found == [1, 2]
    with pytest.raises(ValueError, match="invalid literal"):
        pool.work_through(Errand(int, int), [("1",), ("x",)])
    assert pool.work_through(Errand(int, int), []) == []
    pool.close()


def test_a_lane_does_not_stand_in_the_way_of_another() -> None:
    may_end = threading.Event()
    waiting = [errand(may_end.wait, Lane.SPARE), errand(may_end.wait, Lane.SOON)]
    assert run(*waiting, errand(may_end.set, Lane.NEAR), most=1) == [True, True, None]


def test_the_disk_has_more_threads_than_there_are_cores() -> None:
    barrier = threading.Barrier(DISK_THREADS)
    found = run(*[errand(lambda: barrier.wait(20), Lane.NEAR)] * DISK_THREADS, most=1)
    assert sorted(map(str, found)) == sorted(map(str, range(DISK_THREADS)))


def test_what_nobody_waits_for_gives_way() -> None:
    def nice() -> int:
        return os.getpriority(os.PRIO_PROCESS, threading.get_native_id())

    assert run(errand(nice, Lane.SPARE), errand(nice, Lane.SOON)) == [LOWEST, os.nice(0)]


def test_what_it_raises_and_what_does_not_fit_is_raised_where_it_is_waited_for() -> None:
    async def main() -> None:
        pool = Threads(1)
        with pytest.raises(FileNotFoundError):
            await pool.submit(errand(Path("/nowhere/at all").read_bytes))

        def refuse(_found: object) -> object:
            raise Misfit("no")

        with pytest.raises(Misfit):
            await pool.submit(Errand(lambda: 1, refuse))
        assert await pool.submit(errand(lambda: 2)) == 2
        pool.listen(lambda _news: None)
        pool.close()

    anyio.run(main)


@pytest.mark.parametrize("backend", ["asyncio", "trio"])
def test_who_leaves_waits_for_what_changes_the_disk_and_for_nothing_else(backend: str) -> None:
    began, ended, never = threading.Event(), threading.Event(), threading.Event()

    def write() -> None:
        began.set()
        time.sleep(0.3)
        ended.set()

    async def main() -> None:
        pool = Threads(1)
        with anyio.move_on_after(0.05):
            await pool.submit(errand(write, Lane.NEAR))
        assert began.is_set()
        assert ended.is_set()
        with anyio.move_on_after(0.05):
            await pool.submit(errand(lambda: never.wait(60), Lane.SPARE))
        with anyio.CancelScope() as scope:
            scope.cancel()
            await pool.submit(errand(never.set, Lane.NEAR))
        assert not never.is_set(), "nothing was begun"
        pool.close()

    start = time.monotonic()
    anyio.run(main, backend=backend)
    assert time.monotonic() - start < 20
    never.set()


def test_what_waits_for_a_thread_is_not_begun_where_nobody_wants_it_any_more() -> None:
    done: list[int] = []
    may_end = threading.Event()

    async def main() -> None:
        pool = Threads(1)
        async with anyio.create_task_group() as group:
            group.start_soon(pool.submit, errand(lambda: may_end.wait(20), Lane.SPARE))
            await anyio.sleep(0.05)
            with anyio.move_on_after(0.05):
                await pool.submit(errand(lambda: done.append(1), Lane.SPARE))
            may_end.set()
        await pool.submit(errand(lambda: done.append(2), Lane.SPARE))
        pool.close()

    anyio.run(main)
    assert done == [2]


def test_an_answer_that_comes_after_the_loop_is_gone_harms_nobody() -> None:
    may_end = threading.Event()

    async def main() -> None:
        with anyio.move_on_after(0.05):
            await pool.submit(errand(lambda: may_end.wait(20), Lane.SPARE))

    pool = Threads(1)
    anyio.run(main)
    may_end.set()
    anyio.run(pool.submit, errand(lambda: None, Lane.SPARE))
    pool.close()
