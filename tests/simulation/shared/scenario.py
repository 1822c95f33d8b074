"""What befalls the machines of a seed: drawn once, from nothing but its number.

What it may not do: know what happens.

How it works: rates are drawn themselves, and are zero for many seeds: where everything
goes wrong at once little comes to happen. A machine's ``lives`` are its processes, one
after the other; each may end in the middle of something.
"""

from __future__ import annotations

from dataclasses import dataclass
from random import Random
from typing import Literal

TROUBLE_S = 1500.0
"""How long there are faults."""

DeathKind = Literal[
    "store", "store_done", "commit", "commit_done", "post", "post_seen", "post_answered", "time"
]
DEATHS: tuple[DeathKind, ...] = (
    "store",
    "store_done",
    "commit",
    "commit_done",
    "post",
    "post_seen",
    "post_answered",
    "time",
)
STORE_FAULTS = ("dropped", "lost", "late", "repeated", "slow", "stale")
API_FAULTS = ("refused", "lost", "limited", "rejected")


@dataclass(frozen=True, slots=True)
class Life:
    """One process: how long after the last it begins, what kills it at which count
    (seconds, for ``time``), how long it waits for a living owner, whether the machine's
    copy is gone before, and when it is interrupted."""

    after_s: float
    death: tuple[DeathKind, int] | None
    patience_s: float
    forgets: bool
    interrupt_s: float | None


@dataclass(frozen=True, slots=True)
class Machine:
    """``stops`` are (instant, length) of what stops it; ``stops_in_post`` how long it
    stops between its last check and its n-th POST; ``jumps`` set its wall clock."""

    name: str
    drift: float
    wall_off_s: float
    stops: tuple[tuple[float, float], ...]
    stops_in_post: tuple[float, ...]
    jumps: tuple[tuple[float, float], ...]
    lives: tuple[Life, ...]
    commit_fails: float


@dataclass(frozen=True, slots=True)
class Scenario:
    seed: int
    machines: tuple[Machine, ...]
    jobs: int
    submit_concurrency: int
    store: dict[str, float]
    api: dict[str, float]
    fails: float
    lists: bool
    latency_s: float
    limit_jobs: int | None
    snapshot_after: int
    has_own_ledger: bool
    person: tuple[str, ...]


def draw(seed: int) -> Scenario:
    chance = Random(f"shared {seed}")

    def rate(likely: float, most: float) -> float:
        return chance.uniform(0.0, most) if chance.random() < likely else 0.0

    number = chance.randint(2, 4)
    return Scenario(
        seed,
        tuple(_machine(chance, f"m{n}") for n in range(number)),
        chance.randint(1, 4),
        chance.choice((1, 1, 1, 2)),
        {name: rate(0.4, 0.4) for name in STORE_FAULTS},
        {name: rate(0.4, 0.4) for name in API_FAULTS},
        rate(0.2, 0.6),
        chance.random() < 0.6,
        chance.choice((0.02, 0.3, 2.0)),
        chance.randint(1, 4) if chance.random() < 0.2 else None,
        chance.choice((5, 20, 10_000)),
        chance.random() < 0.25,
        tuple(chance.choice(("adopt", "resubmit", "abandon")) for _ in range(20)),
    )


def _machine(chance: Random, name: str) -> Machine:
    def some(most: int, length: tuple[float, ...]) -> tuple[tuple[float, float], ...]:
        count = chance.randint(0, most)
        return tuple(
            sorted((chance.uniform(0.0, TROUBLE_S), chance.choice(length)) for _ in range(count))
        )

    stops = some(3, (3.0, 16.0, 35.0, 100.0, 400.0)) if chance.random() < 0.6 else ()
    in_post = tuple(
        chance.choice((0.0, 0.0, 14.0, 40.0, 200.0, 500.0)) if chance.random() < 0.7 else 0.0
        for _ in range(6)
    )
    return Machine(
        name,
        chance.choice((-0.01, 0.0, 0.01)),
        chance.choice((0.0, 0.0, 3600.0, -3600.0, 40.0)),
        stops,
        in_post if chance.random() < 0.5 else (),
        some(2, (-7200.0, -40.0, 40.0, 7200.0)) if chance.random() < 0.4 else (),
        tuple(_life(chance, n) for n in range(chance.randint(1, 4))),
        0.02 if chance.random() < 0.1 else 0.0,
    )


def _life(chance: Random, number: int) -> Life:
    death = None
    if chance.random() < 0.6:
        kind = chance.choice(DEATHS)
        most = {"time": 300, "post": 3, "post_seen": 3, "post_answered": 3}.get(kind, 40)
        death = kind, chance.randint(1, most)
    return Life(
        chance.uniform(0.0, 30.0 if number == 0 else 120.0),
        death,
        chance.choice((0.0, 20.0, 300.0)),
        chance.random() < 0.15,
        chance.uniform(1.0, 200.0) if chance.random() < 0.15 else None,
    )
