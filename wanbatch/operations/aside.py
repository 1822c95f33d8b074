"""A run beside somebody else's event loop: for programs that have one of their own.

What it may not do: decide anything, read signals, print. The order of a run is
``operations.run``'s.

Theory of operation
-------------------
The run has a thread and an event loop of its own. So nothing that the program does in
its loop delays a poll, or the record of a purchase, and nothing that a run does in one
piece (hashing media, waiting for the lock, starting the emulator) stops the program.

What is to be told goes through one list into the program's loop, in order, and is
handed over by the task that waits for the run. The list has no bound: an event is a
reference to a row that the ledger holds anyway, about six for a job, and to wait for a
slow reader would be to delay the run.

Whoever waits may be cancelled, and may raise from its own callback. Both are a wish to
end, as the first Ctrl-C is at the terminal: no new request goes out, those that are out
are waited for, the report is written, the lock is given back; only then it goes on. A
second wish leaves at once, and the ledger still tells the truth. A call that has
returned leaves no thread behind. The thread is no daemon: a program that ends without
waiting ends when the run has.
"""

from __future__ import annotations

import contextlib
import inspect
import signal
import threading
from collections import deque
from collections.abc import Awaitable, Callable
from contextvars import Context
from dataclasses import dataclass
from queue import Empty, SimpleQueue
from typing import TypeVar

import anyio
from anyio.abc import TaskStatus

from wanbatch.model.plan import Plan
from wanbatch.operations.asking import in_python
from wanbatch.operations.events import Event
from wanbatch.operations.options import PlanningOptions, RunOptions
from wanbatch.operations.run import Prepared, Run, RunPorts, RunResult, carry_out
from wanbatch.operations.wiring import real_ports
from wanbatch.words.loops import door_into_loop

HOLDER = "a program, by wanbatch.run"
"""What others read who find the folder locked."""
GLANCE_S = 0.2
"""So often who waits for an answer looks whether it is still wanted."""

T = TypeVar("T")
OnEvent = Callable[[Event], Awaitable[None] | None]
Approve = Callable[[Plan], Awaitable[bool] | bool]


class GivenUp(Exception):
    """Somebody wanted to leave before there was anything to end in good order."""


@dataclass(frozen=True, slots=True)
class Question:
    """The plan that waits for consent, and where the answer goes."""

    plan: Plan
    answer: SimpleQueue[bool]


async def run_aside(
    options: PlanningOptions,
    run: RunOptions,
    on_event: OnEvent | None,
    approve: Approve | None,
) -> RunResult:
    """A run, from its checks to its report. Raises ``WanbatchError``, and whatever a
    callback raises once the run has come to its end."""
    return await _Aside(options, run, on_event, approve).until_ended()


class _Aside:
    """One run in its thread. What the program's loop calls stands first (and ends in
    "here"), then what the thread does; ``end`` is for both."""

    def __init__(
        self,
        options: PlanningOptions,
        run: RunOptions,
        on_event: OnEvent | None,
        approve: Approve | None,
    ) -> None:
        self._options, self._run = options, run
        self._on_event, self._approve = on_event, approve
        self._messages: deque[Event | Question] = deque()
        self._knock = door_into_loop()
        self._changed, self._ended = anyio.Event(), anyio.Event()
        self._wishes = self._heeded = 0
        self._wanted = threading.Event()
        self._leave: Callable[[], object] = lambda: None
        self._door: Callable[..., object] | None = None
        self._result: RunResult | None = None
        self._failure: BaseException | None = None
        # In a context of its own: the program's says which loop runs there.
        self._thread = threading.Thread(
            target=Context().run, args=(self._work,), name="wanbatch run"
        )

    # -- in the program's loop ---------------------------------------------------------

    async def until_ended(self) -> RunResult:
        self._thread.start()
        try:
            await self._listen_here()
        except GeneratorExit:  # nobody waits any more, and nothing can be awaited
            self.end()
            raise
        except BaseException:
            self.end()
            await self._wait_here()
            self._thread.join()
            raise
        self._thread.join()  # it has said its last word: a thousandth of a second
        if self._failure is not None:
            with in_python():
                raise self._failure
        assert self._result is not None  # noqa: S101 - a thread ends with one of the two
        return self._result

    async def _listen_here(self) -> None:
        while True:
            while self._messages:
                await self._hand_over_here(self._messages.popleft())
            if self._ended.is_set():
                return
            await self._changed.wait()
            self._changed = anyio.Event()

    async def _hand_over_here(self, message: Event | Question) -> None:
        if isinstance(message, Question):
            if self._approve is not None:
                message.answer.put(await _answer(self._approve(message.plan)) is True)
        elif self._on_event is not None:
            await _answer(self._on_event(message))

    async def _wait_here(self) -> None:
        """Until the thread has ended, whatever happens. asyncio's own ``cancel`` comes
        through a shield: it is the second wish."""
        with anyio.CancelScope(shield=True):
            while not self._ended.is_set():
                try:
                    await self._ended.wait()
                except BaseException:  # noqa: BLE001 - the first one is raised at the end
                    self.end()

    def _wake_here(self) -> None:
        self._changed.set()

    def _finish_here(self) -> None:
        self._ended.set()
        self._changed.set()

    def end(self) -> None:
        """A wish to end. The first one in good order, the second at once."""
        self._wishes += 1
        self._wanted.set()
        self._messages.clear()
        if self._door is not None:
            with contextlib.suppress(RuntimeError):  # that loop is closed: it has ended
                self._door(self._heed)

    # -- in the run's thread -----------------------------------------------------------

    def _work(self) -> None:
        try:
            self._result = carry_out(
                self._options, self._run, self, self._take, self._open_ports, self._execute
            )
        except BaseException as error:  # noqa: BLE001 - raised where the run is waited for
            self._failure = error
        with contextlib.suppress(RuntimeError):  # nobody waits: that loop is closed
            self._knock(self._finish_here)

    def _open_ports(self, prepared: Prepared) -> RunPorts:
        return real_ports(prepared, self._watch, command=HOLDER, sleep=self._sleep)

    async def _execute(self, run: Run) -> RunResult:
        """Before the run can be asked to end in good order, nothing is under way that
        would have to be waited for."""
        with anyio.CancelScope() as scope:
            self._open_door(scope.cancel)
            return await run.execute()
        raise GivenUp

    async def _watch(self, run: Run, task_status: TaskStatus[None]) -> None:
        self._open_door(lambda: run.interrupt(signal.SIGINT))
        task_status.started()
        await anyio.sleep_forever()

    def _open_door(self, leave: Callable[[], object]) -> None:
        self._leave, self._door = leave, door_into_loop()
        self._heed()

    def _heed(self) -> None:
        while self._heeded < self._wishes:
            self._heeded += 1
            self._leave()

    def _sleep(self, seconds: float) -> None:
        if self._wanted.wait(seconds):
            raise GivenUp

    def _take(self, event: Event) -> None:
        """The run's observer."""
        if self._on_event is not None:
            self._post(event)

    def _post(self, message: Event | Question) -> None:
        if not self._wanted.is_set():
            self._messages.append(message)
            with contextlib.suppress(RuntimeError):  # nobody listens: that loop is closed
                self._knock(self._wake_here)

    def approve(self, plan: Plan) -> bool | None:
        """The run's approver. Nothing is under way while it waits."""
        if self._approve is None:
            return None
        question = Question(plan, SimpleQueue())
        self._post(question)
        while not self._wanted.is_set():
            with contextlib.suppress(Empty):
                return question.answer.get(timeout=GLANCE_S)
        raise GivenUp


async def _answer(said: Awaitable[T] | T) -> T:
    """What a callback says, whether it is a coroutine or a plain function."""
    return await said if inspect.isawaitable(said) else said
