"""``wanbatch cancel``, step by step: a wish is sent once, and only the provider's own
word in a poll ends a task.

How it works: the operation on a real ledger, against a backend that answers from a
list.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import anyio
import pytest
from builders import opening
from PIL import Image

from wanbatch.engine.interpret import acceptance_facts
from wanbatch.ledger.store import Ledger, read_snapshot
from wanbatch.ledger.verify import verify_ledger
from wanbatch.model.lifecycle import Attempt, Event, EventKind, Facts, State
from wanbatch.model.media import VideoFacts
from wanbatch.model.outcomes import (
    CancelOutcome,
    CancelRefused,
    CancelTaken,
    CancelUnanswered,
    Downloaded,
    DownloadFailed,
    DownloadOutcome,
    Failed,
    PollOutcome,
    ProbeFailed,
    ProbeOutcome,
    ProbePassed,
    Running,
    Succeeded,
    Unreadable,
)
from wanbatch.model.wire import Profile
from wanbatch.operations.cancel import (
    LOOKS,
    Cancellation,
    CancelPorts,
    Ending,
    Prepared,
    cancel,
    prepare,
)
from wanbatch.operations.check import check
from wanbatch.operations.events import ignore
from wanbatch.operations.options import PlanningOptions
from wanbatch.operations.planning import build_plan
from wanbatch.testing.pool import AtOnce
from wanbatch.words.clock import ServerClock
from wanbatch.words.errors import ExitCode, WanbatchError

MANIFEST = """\
wanbatch: 1
name: m
jobs:
  - id: one
    prompt: A harbour
    prompt_extend: false
    seconds: 2
    media: {first_frame: picture.png}
    seeds: {start: 0, count: 2}
run: {backend: far}
"""
FAR = Profile("far", "dashscope", "https://far.test", "https://far.test", queries_per_second=20.0)
CALLED_OFF = Failed("CANCELED", "the provider says CANCELED", certain=False)
BROKE = Failed("InternalError", "it broke", retryable=True)
NO_BYTES = DownloadFailed("there is no content route", denied=True)
VIDEO = Downloaded(VideoFacts("ab" * 32, 5, 2.0, 1280, 720, 24.0, has_audio=False))
NOW = 1_790_000_000.0


class Api:
    """A backend that says ``polls`` one after the other, the last again and again."""

    def __init__(
        self,
        *polls: PollOutcome,
        wish: CancelOutcome | None = None,
        download: DownloadOutcome = NO_BYTES,
        probe: ProbeOutcome | None = None,
    ) -> None:
        self._polls, self._wish = list(polls), wish or CancelTaken()
        self._download, self._probe = download, probe or ProbePassed()
        self.calls: list[str] = []

    async def probe(self) -> ProbeOutcome:
        return self._probe

    async def cancel(self, task_id: str) -> CancelOutcome:
        self.calls.append(f"cancel {task_id}")
        return self._wish

    async def poll(self, task_id: str, submitted_at: float) -> PollOutcome:
        self.calls.append(f"poll {task_id}")
        return self._polls.pop(0) if len(self._polls) > 1 else self._polls[0]

    async def download(self, task_id: str, result: Succeeded, part: Path) -> DownloadOutcome:
        assert part.parent.is_dir()
        if isinstance(self._download, Downloaded):
            part.write_bytes(b"video")  # noqa: ASYNC240 - a few bytes
        return self._download


class Stage:
    """A project of two jobs in ``folder``."""

    def __init__(self, folder: Path) -> None:
        Image.new("RGB", (320, 240), "teal").save(folder / "picture.png")
        (folder / "m.wanbatch.yaml").write_text(MANIFEST)
        self.options = PlanningOptions(files=(folder / "m.wanbatch.yaml",), output=folder / "out")
        self.waits: list[float] = []

    async def accept(self, number: int = 0, task_id: str = "t1", **changes: str) -> None:
        """A task of the job of that number, at the provider for a minute."""
        plan = build_plan(
            self.options, check(self.options, ignore), FAR, read_snapshot(self.options.ledger),
            frozenset(), NOW,
        )  # fmt: skip
        entry = plan.jobs[number]
        given: dict[str, str] = {"origin": FAR.origin, "fingerprint": entry.fingerprint, **changes}
        async with Ledger.open(self.options.ledger) as ledger:
            born = replace(opening(manifest="m", job=entry.name), at=NOW - 61, **given)  # type: ignore[arg-type]
            row = await ledger.open_attempt(born)
            facts = acceptance_facts(task_id, NOW - 60)
            await ledger.append(Event(row.attempt_id, EventKind.ACCEPTED, NOW - 60, facts))

    async def append(self, kind: EventKind, facts: Facts) -> None:
        async with Ledger.open(self.options.ledger) as ledger:
            await ledger.append(Event(1, kind, NOW - 30, facts))

    async def cancel(self, api: Api, *select: str) -> Cancellation:
        @asynccontextmanager
        async def client(_clock: ServerClock) -> AsyncIterator[Api]:
            yield api

        async def sleep(seconds: float) -> None:
            self.waits.append(seconds)

        options = replace(self.options, select=select)
        prepared = Prepared(options, check(options, ignore), FAR)
        clock = ServerClock(lambda: NOW, lambda: 0.0)
        ports = CancelPorts(lambda: Ledger.open(options.ledger), client, clock, AtOnce(), sleep)
        found = await cancel(prepared, ports, ignore)
        assert verify_ledger(options.ledger) == []
        return found

    def row(self, number: int = 1) -> Attempt:
        return read_snapshot(self.options.ledger).attempts[number - 1]


def play(folder: Path, script: Callable[[Stage], Awaitable[None]]) -> Stage:
    """Acts ``script`` out on a stage of its own."""
    stage = Stage(folder)
    anyio.run(script, stage)
    return stage


async def called_off(stage: Stage, api: Api) -> Cancellation:
    await stage.accept()
    return await stage.cancel(api)


@pytest.mark.parametrize(
    ("api", "ending", "state", "polls"),
    [
        (Api(CALLED_OFF), Ending.CANCELLED, State.REMOTE_FAILED, 2),
        (Api(Running("PENDING"), CALLED_OFF), Ending.CANCELLED, State.REMOTE_FAILED, 3),
        (Api(Unreadable("HTTP 502"), CALLED_OFF), Ending.CANCELLED, State.REMOTE_FAILED, 3),
        (Api(Running("PENDING")), Ending.GOES_ON, State.ACCEPTED, LOOKS),
        (Api(CALLED_OFF, Running("RUNNING")), Ending.GOES_ON, State.ACCEPTED, LOOKS),
        (Api(Unreadable("HTTP 502")), Ending.UNKNOWN, State.ACCEPTED, LOOKS),
        (Api(BROKE), Ending.FAILED, State.REMOTE_FAILED, 1),
        (Api(Succeeded()), Ending.MADE, State.REMOTE_OK, 1),
        (Api(CALLED_OFF, download=VIDEO), Ending.UNKNOWN, State.ACCEPTED, LOOKS),
        (
            Api(CALLED_OFF, download=DownloadFailed("the network is down")),
            Ending.UNKNOWN,
            State.ACCEPTED,
            LOOKS,
        ),
        (
            Api(Running("RUNNING"), wish=CancelRefused("it runs")),
            Ending.GOES_ON,
            State.ACCEPTED,
            1,
        ),
        (
            Api(CALLED_OFF, wish=CancelRefused("it is over")),
            Ending.CANCELLED,
            State.REMOTE_FAILED,
            2,
        ),
        (
            Api(CALLED_OFF, wish=CancelUnanswered("the connection broke")),
            Ending.CANCELLED,
            State.REMOTE_FAILED,
            2,
        ),
        (
            Api(Running("PENDING"), wish=CancelUnanswered("the connection broke")),
            Ending.GOES_ON,
            State.ACCEPTED,
            LOOKS,
        ),
    ],
)
def test_the_providers_word_decides_and_a_wish_is_sent_once(tmp_path, api, ending, state, polls):
    async def script(stage: Stage) -> None:
        found = await called_off(stage, api)
        assert [task.ending for task in found.tasks] == [ending]

    stage = play(tmp_path, script)
    assert stage.row().state is state
    assert api.calls == ["cancel t1", *["poll t1"] * polls]
    assert not list(stage.options.output.glob("*/videos/.part/*")), "what was asked for is dropped"


def test_what_was_called_off_is_not_bought_again_by_policy(tmp_path):
    async def script(stage: Stage) -> None:
        await called_off(stage, Api(replace(CALLED_OFF, retryable=True)))

    row = play(tmp_path, script).row()
    assert (row.error_code, row.retryable, row.polls) == ("CANCELED", False, 2)


def test_between_two_looks_some_seconds_pass_and_queries_keep_their_pace(tmp_path):
    async def script(stage: Stage) -> None:
        await called_off(stage, Api(CALLED_OFF))

    assert play(tmp_path, script).waits == [0.05, 5.0, 0.05]


def test_a_failure_a_day_later_proves_nothing(tmp_path):
    async def script(stage: Stage) -> None:
        await stage.accept()
        await stage.append(EventKind.ADOPTED, acceptance_facts("t1", NOW - 23.5 * 3600))
        await stage.append(EventKind.OBSERVED, {"confirmed_at": NOW - 20})
        found = await stage.cancel(Api(CALLED_OFF))
        assert [task.ending for task in found.tasks] == [Ending.UNKNOWN]

    assert play(tmp_path, script).row().state is State.EXPIRED


def test_a_certain_failure_a_day_later_proves_nothing_either(tmp_path):
    async def script(stage: Stage) -> None:
        await stage.accept()
        await stage.append(EventKind.ADOPTED, acceptance_facts("t1", NOW - 23.5 * 3600))
        await stage.append(EventKind.OBSERVED, {"confirmed_at": NOW - 20})
        found = await stage.cancel(Api(BROKE))
        assert [task.ending for task in found.tasks] == [Ending.UNKNOWN]

    assert play(tmp_path, script).row().state is State.ACCEPTED


def test_an_id_that_a_person_named_is_not_ours_before_a_poll_has_confirmed_it(tmp_path):
    api = Api(CALLED_OFF)

    async def script(stage: Stage) -> None:
        await stage.accept()
        await stage.append(
            EventKind.ADOPTED, {**acceptance_facts("t2", NOW - 30), "confirmed_at": 0.0}
        )
        found = await stage.cancel(api)
        assert (found.tasks, [a.task_id for a in found.unconfirmed]) == ((), ["t2"])

    play(tmp_path, script)
    assert api.calls == []


@pytest.mark.parametrize("change", [{"origin": "https://other.test"}, {"realm": "emulator"}])
def test_tasks_of_another_place_are_left_alone(tmp_path, change):
    api = Api(CALLED_OFF)

    async def script(stage: Stage) -> None:
        await stage.accept(**change)
        found = await stage.cancel(api)
        assert found.tasks == ()

    assert play(tmp_path, script).row().state is State.ACCEPTED
    assert api.calls == []


def test_only_what_is_selected_is_called_off(tmp_path):
    api = Api(CALLED_OFF)

    async def script(stage: Stage) -> None:
        await stage.accept(0, "t1")
        await stage.accept(1, "t2")
        await stage.cancel(api, "seed=1")

    stage = play(tmp_path, script)
    assert [stage.row(number).state for number in (1, 2)] == [State.ACCEPTED, State.REMOTE_FAILED]
    assert [call for call in api.calls if call.startswith("cancel")] == ["cancel t2"]


def test_a_job_that_the_manifest_has_no_more_is_called_off_too_but_not_under_a_selection(tmp_path):
    api = Api(CALLED_OFF)

    async def script(stage: Stage) -> None:
        await stage.accept(0, "t1", fingerprint="ab" * 32, job="gone")
        assert (await stage.cancel(api, "seed=1")).tasks == ()
        assert [task.ending for task in (await stage.cancel(api)).tasks] == [Ending.CANCELLED]

    play(tmp_path, script)


def test_a_backend_that_answers_oddly_is_told_nothing(tmp_path):
    api = Api(CALLED_OFF, probe=ProbeFailed("the key was refused"))

    async def script(stage: Stage) -> None:
        await stage.accept()
        with pytest.raises(WanbatchError) as caught:
            await stage.cancel(api)
        assert caught.value.exit_code is ExitCode.ENVIRONMENT
        assert caught.value.message == (
            "backend far did not answer as it should: the key was refused; nothing was called off"
        )
        assert caught.value.hints == ("see what is wrong with: wanbatch doctor",)

    play(tmp_path, script)
    assert api.calls == []


def test_an_api_that_cannot_is_refused_before_the_lock(tmp_path):
    stage = Stage(tmp_path)
    with pytest.raises(WanbatchError) as caught:
        prepare(replace(stage.options, backend="emulator"), ignore)
    assert caught.value.exit_code is ExitCode.INVALID
    assert caught.value.message == (
        "backend emulator has no way to call a task off; nothing was sent"
    )
