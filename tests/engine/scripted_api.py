"""The shipped run against an API that a test scripts answer by answer: real ledger,
real files, virtual time.

What it may not do: decide anything. What a run asks, and in which order, is
``Run.execute``; an answer that no test scripted is the plain one.

How it works: ``Api`` stands where the client does and notes what it was asked. Answers
are taken from lists, the last one stays. Time is the simulation's (``virtual``), and
what would go to a thread is done at once, so that a run is the same each time.
"""

from __future__ import annotations

import hashlib
import signal
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager, nullcontext
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any, TypeAlias, TypeVar

import anyio
import anyio.lowlevel
import anyio.to_thread
import pytest
from anyio.abc import TaskStatus
from builders import job, manifest, media
from simulation.virtual import Clock, VirtualLoop

from wanbatch.ledger.sqlite import open_store
from wanbatch.ledger.store import Ledger
from wanbatch.model.archive import NotArchived, archived_name, archived_poster
from wanbatch.model.job import FileMedia, Job, MediaType
from wanbatch.model.lifecycle import Attempt, Event, Snapshot
from wanbatch.model.media import FileDigest, VideoFacts
from wanbatch.model.outcomes import (
    Accepted,
    Delivered,
    DeliveryOutcome,
    Downloaded,
    DownloadFailed,
    DownloadOutcome,
    ListedTask,
    PollOutcome,
    ProbeOutcome,
    ProbePassed,
    Running,
    SubmitOutcome,
    Succeeded,
    TaskListing,
)
from wanbatch.model.period import PeriodLimit
from wanbatch.model.plan import MediaRef, Request
from wanbatch.model.price import PriceList
from wanbatch.model.wire import MediaDelivery, Profile
from wanbatch.operations.approval import Nobody
from wanbatch.operations.check import Checked
from wanbatch.operations.choose import SpendingLimit
from wanbatch.operations.events import Planned, RunEvent, StageEvent
from wanbatch.operations.notifying import Notify
from wanbatch.operations.options import PlanningOptions, RunOptions
from wanbatch.operations.run import Prepared, Run, RunPorts
from wanbatch.operations.wakefulness import Awake, let_it_sleep
from wanbatch.testing.ledger import InlineWriter
from wanbatch.testing.pool import AtOnce
from wanbatch.words.clock import ServerClock

START = 1_800_000_000.0
"""The wall clock when the virtual one shows 0."""
ORIGIN = "https://api.test"

T = TypeVar("T")
Answer: TypeAlias = T | Callable[[], T | Awaitable[T]]
"""An answer, or what is called for it when its turn comes."""


def virtual_time() -> tuple[str, dict[str, Any]]:
    """For a fixture ``anyio_backend``: an event loop that jumps to its next timer."""
    return "asyncio", {"loop_factory": lambda: VirtualLoop(Clock(), lambda: None)}


def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """What would go to a thread is done in its caller: nothing but the clock decides an
    order."""

    async def run_sync(work: Callable[..., T], *args: Any, **_: Any) -> T:
        await anyio.lowlevel.checkpoint()
        return work(*args)

    monkeypatch.setattr(anyio.to_thread, "run_sync", run_sync)


def video_of(task_id: str) -> bytes:
    return f"the video of {task_id}".encode()


@dataclass(frozen=True)
class Video:
    """Bytes that a download gives, and what they are."""

    content: bytes
    seconds: float = 5.0
    size: tuple[int, int] = (1280, 720)
    declared: bool = True

    def write(self, part: Path) -> Downloaded:
        part.write_bytes(self.content)
        digest = hashlib.sha256(self.content).hexdigest()
        facts = VideoFacts(
            digest, len(self.content), self.seconds, *self.size, 30.0, has_audio=False
        )
        return Downloaded(facts, self.declared)


@dataclass(frozen=True)
class Page:
    """Bytes that came whole and are no video: they stay under the part's name."""

    content: bytes

    def write(self, part: Path) -> DownloadFailed:
        part.write_bytes(self.content)
        digest = hashlib.sha256(self.content).hexdigest()
        return DownloadFailed("what came is no whole video", refused=digest, denied=True)


class Api:
    """``submits``, ``downloads``, ``lists`` are answers in turn; ``polls`` are answers
    by task id. A function among them is called for its answer. ``calls`` are all that
    was asked, ``called_at`` with the instants."""

    lists_tasks = False

    def __init__(self) -> None:
        self.submits: list[Answer[SubmitOutcome]] = []
        self.polls: dict[str, list[Answer[PollOutcome]]] = {}
        self.downloads: list[Answer[Video | Page | DownloadFailed]] = []
        self.lists: list[Answer[TaskListing | None]] = []
        self.delivery: DeliveryOutcome | None = None
        self.shown: dict[str, ListedTask] = {}
        self.sent: list[Request] = []
        self.delivered: list[list[tuple[str, bytes | None]]] = []
        self.calls: list[str] = []
        self.called_at: list[tuple[float, str]] = []
        self.requests = 0

    def _note(self, call: str) -> None:
        self.calls.append(call)
        self.called_at.append((anyio.current_time(), call))

    async def probe(self) -> ProbeOutcome:
        return ProbePassed()

    async def deliver(
        self, media: list[tuple[MediaRef, Path | None]], model: str
    ) -> DeliveryOutcome:
        self.delivered.append(
            [(ref.sha256, path.read_bytes() if path else None) for ref, path in media]
        )
        urls = {ref.type: ref.url or f"https://media/{ref.type}" for ref, _ in media}
        return self.delivery or Delivered(urls)

    async def submit(self, request: Request, urls: Mapping[MediaType, str]) -> SubmitOutcome:
        self.sent.append(request)
        self._note("submit")
        await anyio.sleep(0.1)
        return await _next(self.submits, Accepted(f"t{len(self.sent)}"))

    async def poll(self, task_id: str, submitted_at: float) -> PollOutcome:
        self._note(f"poll {task_id}")
        await anyio.sleep(0.1)
        return await _next(self.polls.get(task_id, []), Succeeded())

    async def download(self, task_id: str, result: Succeeded, part: Path) -> DownloadOutcome:
        self._note(f"download {task_id}")
        await anyio.sleep(0.1)
        given: Video | Page | DownloadFailed = await _next(self.downloads, Video(video_of(task_id)))
        return given.write(part) if isinstance(given, (Video, Page)) else given

    async def list_tasks(self, since: float, until: float) -> TaskListing | None:
        self._note("list")
        return await _next(self.lists, None)

    async def look_at(self, task_id: str) -> ListedTask | None:
        return self.shown.get(task_id)


async def _next(answers: list[Answer[T]], plain: T) -> T:
    if not answers:
        return plain
    answer = answers[0] if len(answers) == 1 else answers.pop(0)
    found = answer() if callable(answer) else answer
    return await found if isinstance(found, Awaitable) else found


class MemoryArchive:
    """A store of videos. ``is_silent`` is what it does not answer for: ``learn``,
    ``keep``, ``fetch``; ``deny`` says in words that a video cannot be kept."""

    def __init__(self) -> None:
        self.objects: dict[str, bytes] = {}
        self.sizes: dict[str, int] = {}
        self.is_silent: set[str] = set()
        self.deny = ""
        self.trouble = ""
        self.asked: list[str] = []
        self.posters = MemoryPosters(self)

    def _ask(self, what: str) -> None:
        self.asked.append(what)
        if what in self.is_silent:
            self.trouble = "the store s3://clips could not be reached"
            raise NotArchived(self.trouble)

    async def learn(self) -> None:
        self._ask("learn")
        self.sizes = {name: len(data) for name, data in self.objects.items()}

    async def keep(self, sha256: str, video: Path) -> None:
        self._ask("keep")
        if self.deny:
            raise NotArchived(self.deny)
        with video.open("rb") as file:
            data, name = file.read(), archived_name(sha256)
        assert hashlib.sha256(data).hexdigest() == sha256
        self.objects[name], self.sizes[name] = data, len(data)
        self.trouble = ""

    async def fetch(self, sha256: str, target: Path) -> None:
        self._ask("fetch")
        self.fetch_now(sha256, target)

    def fetch_now(self, sha256: str, target: Path) -> None:
        if archived_name(sha256) not in self.objects:
            raise NotArchived("the store s3://clips does not have it")
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(self.objects[archived_name(sha256)])


class MemoryPosters:
    """The posters of a ``MemoryArchive``. ``is_silent``: it answers nothing."""

    def __init__(self, archive: MemoryArchive) -> None:
        self._archive = archive
        self.is_silent = False
        self.asked: list[str] = []

    def _ask(self, what: str) -> None:
        self.asked.append(what)
        if self.is_silent:
            raise NotArchived("the store s3://clips could not be reached")

    def has(self, sha256: str) -> bool:
        return archived_poster(sha256) in self._archive.sizes

    def learn(self, start: str) -> None:
        self._ask(f"learn {start}")
        found = self._archive.objects.items()
        self._archive.sizes |= {n: len(d) for n, d in found if n.startswith(f"sha256/{start}/")}

    def keep(self, sha256: str, poster: Path) -> None:
        self._ask(f"keep {sha256[:2]}")
        data, name = poster.read_bytes(), archived_poster(sha256)
        self._archive.objects.setdefault(name, data)
        self._archive.sizes[name] = len(data)

    def fetch(self, sha256: str, target: Path) -> None:
        self._ask(f"fetch {sha256[:2]}")
        if archived_poster(sha256) not in self._archive.objects:
            raise NotArchived("the store s3://clips does not have it")
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(self._archive.objects[archived_poster(sha256)])


class Stage:
    """An output folder, its ledger, and an ``Api``; ``run`` is one whole run, as often
    as a test wants."""

    def __init__(self, output: Path) -> None:
        self.output, self.api = output, Api()
        self.seen: list[StageEvent | RunEvent] = []
        self.picture = output / "picture.png"
        self.picture.write_bytes(b"a picture")
        digest = hashlib.sha256(b"a picture").hexdigest()
        self.digests = {self.picture: FileDigest(digest, 9, "image/png")}
        self.free_bytes: Callable[[], int] | None = None
        self.start = START
        self.clock: ServerClock | None = None
        self.select: tuple[str, ...] = ()
        self.awake: Awake = let_it_sleep
        self.notify: Notify | None = None
        self.archive: MemoryArchive | None = None
        self.interrupt_at: list[tuple[float, signal.Signals]] = []
        self.profile = Profile(
            "gateway",
            "gateway",
            ORIGIN,
            ORIGIN,
            rate=None,
            poll_interval_s=15.0,
            prices=PriceList({"720P": Decimal("0.10")}, "USD"),
            delivery=MediaDelivery("s3", "bucket"),
        )

    def job(self, name: str = "one", **changes: Any) -> Job:
        own = (media(source=FileMedia("picture.png", self.picture)),)
        return job(name, **{"media": own, **changes})

    def wall(self) -> float:
        return self.start + anyio.current_time()

    @asynccontextmanager
    async def open_ledger(self) -> AsyncIterator[Ledger]:
        async with Ledger(*open_store(self.output / "ledger.db"), writer=InlineWriter) as ledger:
            yield ledger

    @asynccontextmanager
    async def _client(self, clock: ServerClock) -> AsyncIterator[Api]:
        self.clock = clock
        yield self.api

    async def _watch(self, run: Run, task_status: TaskStatus[None]) -> None:
        task_status.started()
        for at, number in self.interrupt_at:
            await anyio.sleep(at)
            run.interrupt(number)

    async def run(
        self,
        *jobs: Job,
        settings: Mapping[str, Any] | None = None,
        limit: Decimal | None = None,
        periods: Sequence[PeriodLimit] = (),
        run_id: str = "run-1",
        **options: Any,
    ) -> Snapshot:
        """The ledger at the end; ``result`` holds the rest, ``plan`` what was begun
        with."""
        self.seen.clear()
        prepared = Prepared(
            PlanningOptions(
                files=(self.output / "m.wanbatch.yaml",), output=self.output, select=self.select
            ),
            RunOptions(**{"yes": True, **options}),
            Checked((manifest(*jobs, **(settings or {})),), self.digests, ()),
            self.profile,
            SpendingLimit() if limit is None else SpendingLimit(limit),
            periods=tuple(periods),
        )
        ports = RunPorts(
            run_id=run_id,
            wall=self.wall,
            ticks=anyio.current_time,
            chance=lambda: 0.5,
            lock=nullcontext,
            open_ledger=self.open_ledger,
            open_client=self._client,
            free_bytes=self.free_bytes,
            watch=self._watch,
            pool=AtOnce(),
            look=None,
            report=lambda *_: (),
            awake=self.awake,
            notify=self.notify,
            archive=self.archive,
        )
        run = Run(prepared, ports, Nobody(), self.seen.append)
        self.result = await run.execute()
        self.scheduler = run.scheduler
        self.plan = next(e.plan for e in self.seen if isinstance(e, Planned))
        return self.result.snapshot

    def told(self, kind: type[T]) -> list[T]:
        """The events of ``kind``, in the order they were told."""
        return [event for event in self.seen if isinstance(event, kind)]

    def bytes_of(self, attempt: Attempt) -> bytes:
        return (self.output / attempt.path).read_bytes()

    async def append(self, *events: Event) -> None:
        """Adds to the ledger what an earlier process would have."""
        async with self.open_ledger() as ledger:
            for event in events:
                await ledger.append(event)


def running(times: int, *then: PollOutcome) -> list[Answer[PollOutcome]]:
    return [*[Running()] * times, *then]
