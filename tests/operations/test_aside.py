"""A run beside a program's own loop: whatever the program does, no paid video is lost,
and the folder is free again when the call has returned.

How it works: a scene's tasks take longer than any test, so a run that has submitted all
is at work until somebody ends it; the books and the ledger then say what is true. Where
something must not wait, the test waits for it, and would wait for ever.
"""

from __future__ import annotations

import asyncio
import gc
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import anyio
import pytest
import trio
from scene import FILE, Scene

import wanbatch
from wanbatch import WanbatchError
from wanbatch.ledger.lock import RunLock
from wanbatch.model.plan import Action
from wanbatch.operations.aside import _Aside
from wanbatch.operations.events import Event, Submitted
from wanbatch.words.errors import ExitCode

LONG_S = 90


@pytest.fixture
def scene(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Scene]:
    yield from _scene(tmp_path, monkeypatch, "--latency 120 --render cached")


@pytest.fixture
def quick_scene(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Scene]:
    yield from _scene(tmp_path, monkeypatch, "--latency 0.3 --render cached")


def _scene(folder: Path, monkeypatch: pytest.MonkeyPatch, emulator: str) -> Iterator[Scene]:
    with Scene(folder, jobs=3, emulator=emulator) as scene:
        for name in ("WANBATCH_CONFIG", "ROUGH_KEY"):
            monkeypatch.setenv(name, scene.environ[name])
        monkeypatch.chdir(scene.folder)
        yield scene


async def states(scene: Scene, state: str) -> None:
    """Waits for a state of all three."""
    with anyio.fail_after(LONG_S):
        while [row.state for row in scene.rows()] != [state] * 3:  # noqa: ASYNC110 - by the disk
            await anyio.sleep(0.05)


class AllSubmitted:
    """An observer that calls ``then`` once three tasks were accepted."""

    def __init__(self, then: Callable[[], object]) -> None:
        self.then, self.seen = then, 0

    def __call__(self, event: Event) -> None:
        self.seen += isinstance(event, Submitted)
        if isinstance(event, Submitted) and self.seen == 3:
            self.then()


def at_work() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name == "wanbatch run"]


def hold(scene: Scene) -> None:
    """What was bought stands in the ledger and is watched by the next run; nobody holds
    the folder; nothing goes on."""
    assert scene.charges() == 3
    assert [row.state for row in scene.rows()] == ["accepted"] * 3
    with RunLock(scene.reports, command="test"):
        pass
    assert wanbatch.plan(FILE, backend="rough").count()[Action.RESUME] == 3
    assert not at_work()


# -- whoever waits leaves --------------------------------------------------------------


def test_a_cancelled_task_leaves_the_folder_in_good_order(scene: Scene) -> None:
    async def main() -> None:
        submitted = asyncio.Event()
        run = asyncio.create_task(
            wanbatch.run(FILE, backend="rough", yes=True, on_event=AllSubmitted(submitted.set))
        )
        await submitted.wait()
        run.cancel()
        with pytest.raises(asyncio.CancelledError):
            await run

    asyncio.run(asyncio.wait_for(main(), LONG_S))
    hold(scene)
    assert scene.report()["run"]["exit_code"] == ExitCode.INTERRUPTED, "the report is written"


def test_a_timeout_of_the_caller_leaves_the_folder_in_good_order(scene: Scene) -> None:
    async def main() -> None:
        async with asyncio.timeout(None) as limit:
            now = asyncio.get_running_loop().time
            soon = AllSubmitted(lambda: limit.reschedule(now()))
            await wanbatch.run(FILE, backend="rough", yes=True, on_event=soon)

    with pytest.raises(TimeoutError):
        asyncio.run(asyncio.wait_for(main(), LONG_S))
    hold(scene)


def test_under_trio_a_run_is_cancelled_alike(scene: Scene) -> None:
    async def main() -> None:
        with trio.fail_after(LONG_S), trio.CancelScope() as scope:
            soon = AllSubmitted(scope.cancel)
            await wanbatch.run(FILE, backend="rough", yes=True, on_event=soon)
        assert scope.cancelled_caught

    trio.run(main)
    hold(scene)


def test_under_anyio_a_group_that_is_cancelled_waits_for_its_run(scene: Scene) -> None:
    async def main() -> None:
        async with anyio.create_task_group() as group:
            soon = AllSubmitted(group.cancel_scope.cancel)
            await wanbatch.run(FILE, backend="rough", yes=True, on_event=soon)

    anyio.run(main)
    hold(scene)


def test_a_second_cancellation_does_not_lose_what_was_accepted(scene: Scene) -> None:
    async def main() -> None:
        submitted = asyncio.Event()
        run = asyncio.create_task(
            wanbatch.run(FILE, backend="rough", yes=True, on_event=AllSubmitted(submitted.set))
        )
        await submitted.wait()
        for _ in range(3):
            run.cancel()
            await asyncio.sleep(0)
        with pytest.raises(asyncio.CancelledError):
            await run

    asyncio.run(asyncio.wait_for(main(), LONG_S))
    hold(scene)


def test_a_loop_that_is_torn_down_ends_its_run(scene: Scene) -> None:
    """Nobody awaits the coroutine any more: it is closed, as a garbage collector does
    it."""
    submitted = threading.Event()

    async def main() -> None:
        coroutine = wanbatch.run(
            FILE, backend="rough", yes=True, on_event=AllSubmitted(submitted.set)
        )
        waiting = coroutine.send(None)  # up to where it waits for its thread
        assert waiting is not None
        await states(scene, "accepted")
        coroutine.close()
        gc.collect()

    asyncio.run(main())
    for thread in at_work():
        thread.join(LONG_S)
    hold(scene)


def test_who_waits_for_the_lock_can_leave(scene: Scene) -> None:
    """Waiting for it stops no loop."""

    async def main() -> None:
        with RunLock(scene.reports, command="test"):
            with anyio.move_on_after(0.5) as scope:
                await wanbatch.run(FILE, backend="rough", yes=True, lock_timeout_s=3600)
            assert scope.cancelled_caught

    asyncio.run(main())
    assert scene.charges() == 0


def test_who_is_asked_can_leave_without_an_answer(scene: Scene) -> None:
    async def main() -> None:
        with anyio.CancelScope() as scope:

            async def approve(_plan: object) -> bool:
                scope.cancel()
                await anyio.sleep_forever()
                return True

            await wanbatch.run(FILE, backend="rough", approve=approve)
        assert scope.cancelled_caught

    asyncio.run(main())
    assert scene.charges() == 0
    with RunLock(scene.reports, command="test"):
        pass


# -- threads ---------------------------------------------------------------------------


def test_a_call_that_has_returned_leaves_no_thread(
    quick_scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However long the thread takes to end once all is told."""
    work = _Aside._work

    def dawdle(aside: _Aside) -> None:
        work(aside)
        time.sleep(0.2)

    monkeypatch.setattr(_Aside, "_work", dawdle)
    wanbatch.run_sync(FILE, backend="rough", yes=True)
    assert not at_work()
    with pytest.raises(LookupError):
        wanbatch.run_sync(FILE, backend="rough", yes=True, on_event=lambda _: _fail())
    assert not at_work()


def _fail() -> None:
    raise LookupError


# -- callbacks -------------------------------------------------------------------------


def test_a_callback_that_raises_loses_no_paid_video(scene: Scene) -> None:
    def fail() -> None:
        raise LookupError("no such row in my table")

    observer = AllSubmitted(fail)
    with pytest.raises(LookupError, match="no such row"):
        wanbatch.run_sync(FILE, backend="rough", yes=True, on_event=observer)
    assert observer.seen == 3
    hold(scene)


def test_what_a_callback_raises_stays_what_it_is(scene: Scene) -> None:
    """An error of the program's own disk is none of ours."""

    def fail() -> None:
        raise PermissionError(13, "my own log")

    with pytest.raises(PermissionError, match="my own log"):
        wanbatch.run_sync(FILE, backend="rough", yes=True, on_event=AllSubmitted(fail))
    hold(scene)


def test_a_callback_that_never_returns_stops_no_poll(quick_scene: Scene) -> None:
    """The first event waits until all videos are stored: the run is not waited for."""

    async def take(_event: Event) -> None:
        await states(quick_scene, "stored")

    result = wanbatch.run_sync(FILE, backend="rough", yes=True, on_event=take)
    assert result.exit_code == ExitCode.DONE


def test_a_program_that_blocks_its_loop_stops_no_poll(quick_scene: Scene) -> None:
    def take(_event: Event) -> None:
        until = time.monotonic() + LONG_S
        while [row.state for row in quick_scene.rows()] != ["stored"] * 3:
            assert time.monotonic() < until
            time.sleep(0.05)

    result = wanbatch.run_sync(FILE, backend="rough", yes=True, on_event=take)
    assert result.exit_code == ExitCode.DONE


def test_a_run_stops_no_loop(quick_scene: Scene) -> None:
    """The program's own task goes on from the first check to the last report."""

    async def main() -> int:
        turns = 0

        async def turn() -> None:
            nonlocal turns
            while True:
                turns += 1
                await asyncio.sleep(0.01)

        own = asyncio.create_task(turn())
        await wanbatch.run(FILE, backend="rough", yes=True)
        own.cancel()
        return turns

    assert asyncio.run(main()) > 20


def test_the_callbacks_run_in_the_callers_own_loop_and_task(quick_scene: Scene) -> None:
    async def main() -> None:
        mine = asyncio.current_task()

        async def take(_event: Event) -> None:
            assert asyncio.current_task() is mine
            assert threading.current_thread() is threading.main_thread()

        await wanbatch.run(FILE, backend="rough", approve=_yes, on_event=take)

    asyncio.run(main())
    assert quick_scene.charges() == 3


def _yes(_plan: object) -> bool:
    return threading.current_thread() is threading.main_thread()


def test_what_stops_a_run_on_its_way_is_raised_once_all_is_home(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "script.yaml").write_text(
        "faults: [{route: submit, call: 3, do: answer, status: 401}]\n"
    )
    words = f"--latency 0.3 --render cached --script {tmp_path / 'script.yaml'}"
    for scene in _scene(tmp_path, monkeypatch, words):
        with pytest.raises(WanbatchError) as caught:
            wanbatch.run_sync(FILE, backend="rough", yes=True)
        assert caught.value.exit_code == ExitCode.ENVIRONMENT
        assert caught.value.hints
        report = wanbatch.open_report("reports/scene")
        assert (report.totals.done, scene.charges()) == (2, 2)
