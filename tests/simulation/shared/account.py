"""The API of the simulation: one account, its books, and each process's client.

What it may not do: know the ledger; the books decide what was bought.

How it works: ``Books`` hold every POST that was seen, with the instant and the process.
``Client`` stands where the product's does. Between the run's last check and the POST
the machine may stop for as long as the seed says.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import anyio

from wanbatch.model.job import MediaType
from wanbatch.model.media import VideoFacts
from wanbatch.model.outcomes import (
    Accepted,
    Delivered,
    DeliveryOutcome,
    Downloaded,
    DownloadOutcome,
    Failed,
    ListedTask,
    NotAccepted,
    PollOutcome,
    ProbeOutcome,
    ProbePassed,
    Rejected,
    Running,
    SubmitOutcome,
    Succeeded,
    TaskListing,
    Uncertain,
)
from wanbatch.model.plan import MediaRef, Request
from wanbatch.words.clock import ServerClock

if TYPE_CHECKING:
    from simulation.shared.machine import Process


@dataclass(slots=True)
class Task:
    task_id: str
    fingerprint: str
    prompt: str
    created_at: float
    ends_at: float
    error: str

    @property
    def body(self) -> bytes:
        return f"the video of {self.task_id}".encode()


@dataclass(slots=True)
class Post:
    """A POST that was seen; ``attempt`` is the intent in history that it used."""

    at: float
    process: str
    run_id: str
    fingerprint: str
    attempt: int
    task_id: str = ""


@dataclass(slots=True)
class Books:
    posts: list[Post] = field(default_factory=list)
    tasks: dict[str, Task] = field(default_factory=dict)

    def accept(self, fingerprint: str, prompt: str, at: float, ends_at: float, error: str) -> Task:
        task = Task(f"task-{len(self.tasks) + 1}", fingerprint, prompt, at, ends_at, error)
        self.tasks[task.task_id] = task
        return task

    def bought(self, fingerprint: str) -> list[Task]:
        """What was charged for: failures are free."""
        return [t for t in self.tasks.values() if t.fingerprint == fingerprint and not t.error]


class Client:
    """A ``RunClient``."""

    def __init__(self, process: Process, clock: ServerClock) -> None:
        self._process, self._world, self._clock = process, process.world, clock
        self._books = process.world.books
        self.requests = 0
        self.lists_tasks = process.world.scenario.lists

    async def _asked(self) -> None:
        self.requests += 1
        await self._process.passes("api")
        await anyio.sleep(0.1)
        await self._process.thaw()
        self._clock.hear(self._world.true())

    async def probe(self) -> ProbeOutcome:
        await self._asked()
        return ProbePassed()

    async def deliver(
        self, media: list[tuple[MediaRef, Path | None]], model: str
    ) -> DeliveryOutcome:
        return Delivered({})

    async def submit(self, request: Request, urls: Mapping[MediaType, str]) -> SubmitOutcome:
        process, world = self._process, self._world
        self.requests += 1
        world.about_to_post(process)
        await process.stops_in_post()
        await process.passes("post")
        if world.strikes(process, "api", "refused"):
            await anyio.sleep(0.1)
            await process.thaw()
            return NotAccepted("connection refused")
        post = world.post_seen(process, request)
        outcome = self._taken(post, request)
        process.dies("post_seen")
        await anyio.sleep(0.2)
        await process.thaw()
        process.dies("post_answered")
        if isinstance(outcome, Accepted) and world.strikes(process, "api", "lost"):
            return Uncertain("the answer was lost")
        self._clock.hear(world.true())
        return outcome

    def _taken(self, post: object, request: Request) -> SubmitOutcome:
        process, world = self._process, self._world
        assert hasattr(post, "task_id")
        if world.strikes(process, "api", "limited"):
            return NotAccepted("HTTP 429", retry_after_s=2.0)
        if world.strikes(process, "api", "rejected"):
            return Rejected("InvalidParameter", "no")
        task = world.accept(process, request)
        post.task_id = task.task_id
        return Accepted(task.task_id)

    async def poll(self, task_id: str, submitted_at: float) -> PollOutcome:
        self._world.polled(self._process, task_id)
        await self._asked()
        task = self._books.tasks[task_id]
        if self._world.true() < task.ends_at:
            return Running()
        return Failed(task.error, "it failed", retryable=False) if task.error else Succeeded()

    async def download(self, task_id: str, result: Succeeded, part: Path) -> DownloadOutcome:
        await self._asked()
        body = self._books.tasks[task_id].body
        part.write_bytes(body)  # noqa: ASYNC240 - time is virtual
        digest = hashlib.sha256(body).hexdigest()
        facts = VideoFacts(digest, len(body), 5.0, 1280, 720, 30.0, has_audio=False)
        return Downloaded(facts, declared=True)

    async def list_tasks(self, since: float, until: float) -> TaskListing | None:
        if not self.lists_tasks:
            return None
        started_at = self._process.wall()
        await self._asked()
        ahead_s = self._world.true() - self._process.wall()
        tasks = tuple(
            ListedTask(t.task_id, self._word(t), "wan2.7-i2v", None, t.created_at - ahead_s)
            for t in self._books.tasks.values()
        )
        return TaskListing(tasks, started_at, complete=True, offset_s=ahead_s)

    def _word(self, task: Task) -> str:
        if self._world.true() < task.ends_at:
            return "RUNNING"
        return "FAILED" if task.error else "SUCCEEDED"

    async def look_at(self, task_id: str) -> ListedTask | None:
        task = self._books.tasks[task_id]
        return ListedTask(task_id, "RUNNING", "wan2.7-i2v", task.prompt, None)
