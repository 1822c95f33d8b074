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
from collections.abc import Sequence
from contextlib import asynccontextmanager, nullcontext
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

import anyio
import anyio.to_thread
from builders import job, manifest, media
from simulation.virtual import Clock, VirtualLoop

from wanbatch.ledger.sqlite import open_store
from wanbatch.ledger.store import Ledger
from wanbatch.model.job import FileMedia
from wanbatch.model.media import FileDigest, VideoFacts
from wanbatch.model.outcomes import (
    Accepted,
    Delivered,
    Downloaded,
    DownloadFailed,
    ProbePassed,
    Running,
    Succeeded,
)
from wanbatch.model.price import PriceList
from wanbatch.model.wire import MediaDelivery, Profile
from wanbatch.operations.approval import Nobody
from wanbatch.operations.check import Checked
from wanbatch.operations.choose import SpendingLimit
from wanbatch.operations.events import Planned
from wanbatch.operations.options import PlanningOptions, RunOptions
from wanbatch.operations.run import Prepared, Run, RunPorts
from wanbatch.testing.ledger import InlineWriter

START = 1_800_000_000.0
"""The wall clock when the virtual one shows 0."""
ORIGIN = "https://api.test"


def virtual_time():
    """For a fixture ``anyio_backend``: an event loop that jumps to its next timer."""
    return "asyncio", {"loop_factory": lambda: VirtualLoop(Clock(), lambda: None)}


def at_once(monkeypatch):
    """What would go to a thread is done in its caller: nothing but the clock decides an
    order."""

    async def run_sync(work, *args, **_):
        await anyio.lowlevel.checkpoint()
        return work(*args)

    monkeypatch.setattr(anyio.to_thread, "run_sync", run_sync)


def video_of(task_id):
    return f"the video of {task_id}".encode()


@dataclass(frozen=True)
class Video:
    """Bytes that a download gives, and what they are."""

    content: bytes
    seconds: float = 5.0
    size: tuple[int, int] = (1280, 720)
    declared: bool = True

    def write(self, part: Path):
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

    def write(self, part: Path):
        part.write_bytes(self.content)
        digest = hashlib.sha256(self.content).hexdigest()
        return DownloadFailed("what came is no whole video", refused=digest, denied=True)


class Api:
    """``submits``, ``downloads``, ``lists`` are answers in turn; ``polls`` are answers
    by task id. A function among them is called for its answer. ``calls`` are all that
    was asked, ``called_at`` with the instants."""

    lists_tasks = False

    def __init__(self):
        self.submits, self.downloads, self.lists = [], [], []
        self.polls = {}
        self.delivery = None
        self.shown = {}
        self.sent, self.calls, self.delivered = [], [], []
        self.called_at = []
        self.requests = 0

    def _note(self, call):
        self.calls.append(call)
        self.called_at.append((anyio.current_time(), call))

    async def probe(self):
        return ProbePassed()

    async def deliver(self, media, model):
        self.delivered.append([(ref.sha256, path and path.read_bytes()) for ref, path in media])
        urls = {ref.type: ref.url or f"https://media/{ref.type}" for ref, _ in media}
        return self.delivery or Delivered(urls)

    async def submit(self, request, urls):
        self.sent.append(request)
        self._note("submit")
        await anyio.sleep(0.1)
        return await _next(self.submits, Accepted(f"t{len(self.sent)}"))

    async def poll(self, task_id, submitted_at):
        self._note(f"poll {task_id}")
        await anyio.sleep(0.1)
        return await _next(self.polls.get(task_id, []), Succeeded())

    async def download(self, task_id, result, part):
        self._note(f"download {task_id}")
        await anyio.sleep(0.1)
        given = await _next(self.downloads, Video(video_of(task_id)))
        return given.write(part) if isinstance(given, (Video, Page)) else given

    async def list_tasks(self, since, until):
        self._note("list")
        return await _next(self.lists, None)

    async def look_at(self, task_id):
        return self.shown.get(task_id)


async def _next(answers, plain):
    if not answers:
        return plain
    answer = answers[0] if len(answers) == 1 else answers.pop(0)
    found = answer() if callable(answer) else answer
    return await found if hasattr(found, "__await__") else found


class Stage:
    """An output folder, its ledger, and an ``Api``; ``run`` is one whole run, as often
    as a test wants."""

    def __init__(self, output: Path):
        self.output, self.api, self.seen = output, Api(), []
        self.picture = output / "picture.png"
        self.picture.write_bytes(b"a picture")
        digest = hashlib.sha256(b"a picture").hexdigest()
        self.digests = {self.picture: FileDigest(digest, 9, "image/png")}
        self.free_bytes = None
        self.select = ()
        self.interrupt_at = []
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

    def job(self, name="one", **changes):
        own = (media(source=FileMedia("picture.png", self.picture)),)
        return job(name, **{"media": own, **changes})

    def wall(self):
        return START + anyio.current_time()

    @asynccontextmanager
    async def open_ledger(self):
        async with Ledger(*open_store(self.output / "ledger.db"), writer=InlineWriter) as ledger:
            yield ledger

    @asynccontextmanager
    async def _client(self, _clock):
        yield self.api

    async def _watch(self, run, task_status):
        task_status.started()
        for at, number in self.interrupt_at:
            await anyio.sleep(at)
            run.interrupt(number)

    async def run(self, *jobs, settings=None, limit=None, **options):
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
        )
        ports = RunPorts(
            run_id="run-1",
            wall=self.wall,
            ticks=anyio.current_time,
            chance=lambda: 0.5,
            lock=nullcontext,
            open_ledger=self.open_ledger,
            open_client=self._client,
            free_bytes=self.free_bytes,
            watch=self._watch,
            report=lambda *_: (),
        )
        run = Run(prepared, ports, Nobody(), self.seen.append)
        self.result = await run.execute()
        self.scheduler = run.scheduler
        self.plan = next(e.plan for e in self.seen if isinstance(e, Planned))
        return self.result.snapshot

    def told(self, kind):
        """The events of ``kind``, in the order they were told."""
        return [event for event in self.seen if isinstance(event, kind)]

    def bytes_of(self, attempt) -> bytes:
        return (self.output / attempt.path).read_bytes()

    async def append(self, *events) -> None:
        """Adds to the ledger what an earlier process would have."""
        async with self.open_ledger() as ledger:
            for event in events:
                await ledger.append(event)


def running(times: int, *then) -> Sequence[object]:
    return [*[Running()] * times, *then]
