"""The gateway's own books: what was asked, accepted, charged, made and forgotten. The
truth that the engine's ledger is judged by.

What it may not do: know the engine, or lose anything.

How it works: a task's fate (how long it runs, whether it fails, whether it is called
failed first) is drawn when it is accepted; everything else follows from the world's
true time. A task is charged when it ends well, whoever looks. A day after its end the
gateway has forgotten it: its result is gone, and a query gets whatever the scenario's
gateway says of tasks that it does not know. Every account has books of its own, and
ids that others may have too.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from random import Random

from simulation.protocols import task_name
from simulation.scenario import Scenario

DAY_S = 24 * 3600.0
SLOW_S = 3 * 3600.0


@dataclass(slots=True)
class Post:
    """A POST that the gateway saw. ``attempt_id`` is the intent that was on disk then,
    negative where the ledger with it was lost; ``task_id`` is empty where it was not
    accepted."""

    at: float
    process: int
    fingerprint: str
    attempt_id: int
    prompt: str
    task_id: str = ""


@dataclass(frozen=True, slots=True)
class Task:
    """A video in the making. Instants are true Unix seconds; between ``ends_at`` and
    ``turns_at`` a task that ends well is called failed."""

    task_id: str
    fingerprint: str
    prompt: str
    created_at: float
    ends_at: float
    turns_at: float
    error: str
    retryable: bool
    body: bytes
    token: str

    def charged(self, at: float) -> bool:
        return not self.error and at >= self.turns_at

    def says_failed(self, at: float) -> bool:
        return at >= self.ends_at if self.error else self.ends_at <= at < self.turns_at

    def forgotten(self, at: float) -> bool:
        return at >= self.turns_at + DAY_S


@dataclass(slots=True)
class Books:
    """One account's. ``realm`` is what the product calls the kind of money."""

    scenario: Scenario
    name: str = "home"
    realm: str = "paid"
    posts: list[Post] = field(default_factory=list)
    tasks: dict[str, Task] = field(default_factory=dict)
    told_failed: list[tuple[float, str]] = field(default_factory=list)
    """When the account was told of which task that it failed."""
    content_asked: set[str] = field(default_factory=set)
    """The tasks whose bytes somebody asked for."""

    def accept(self, post: Post, chance: Random, video: bytes) -> Task:
        """Takes the task in. ``video`` becomes its own by a box that names it."""
        scenario, number = self.scenario, len(self.tasks) + 1
        runs_s = scenario.latency_s * chance.lognormvariate(0.0, 0.4)
        if chance.random() < scenario.slow:
            runs_s = chance.uniform(0, SLOW_S)
        fails = chance.random() < scenario.fails
        turns = not fails and chance.random() < scenario.around.turns
        retryable = chance.random() < scenario.fails_retryably
        error = ("InternalError" if retryable else "DataInspectionFailed") if fails else ""
        task_id = task_name(scenario.around.naming, number)
        ends_at = post.at + runs_s
        task = Task(
            task_id,
            post.fingerprint,
            post.prompt,
            post.at,
            ends_at,
            ends_at + (scenario.around.turns_for_s if turns else 0.0),
            error,
            retryable,
            named(video, f"{scenario.seed}/{self.name}/{task_id}"),
            f"Sig{scenario.seed:06d}{self.name}{number:04d}Zq",
        )
        self.tasks[task_id] = task
        post.task_id = task_id
        return task

    def running(self, at: float) -> int:
        return sum(task.ends_at > at for task in self.tasks.values())

    def tasks_for(self, fingerprint: str) -> list[Task]:
        return [task for task in self.tasks.values() if task.fingerprint == fingerprint]

    def task_of(self, attempt_id: int) -> Task | None:
        """The task that an attempt's POST brought into being."""
        made = [
            post.task_id for post in self.posts if post.attempt_id == attempt_id and post.task_id
        ]
        return self.tasks[made[0]] if made else None

    def by_token(self, token: str) -> Task | None:
        return next((task for task in self.tasks.values() if task.token == token), None)


def named(video: bytes, name: str) -> bytes:
    """``video`` with a box at its end that players skip: so each task's bytes are its
    own."""
    content = name.encode()
    return video + (8 + len(content)).to_bytes(4, "big") + b"free" + content
