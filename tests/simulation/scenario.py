"""What one seed is about: jobs, limits, the faults with their rates, deaths, and what
people do.

What it may not do: decide while the simulation runs; all rates are drawn here, and
``Chance`` alone draws afterwards.

How it works: every kind of trouble has an intensity between 0 and 0.9 and a set of
kinds that may come; most seeds have few kinds of trouble at a high rate, because a bug
needs its own weather, and too many kinds at once let nothing happen at all.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from random import Random
from typing import Literal

from simulation.circumstances import Circumstances, draw_circumstances

SUBMIT_FAULTS = (
    "dns", "refused_connection", "connect_timeout", "tls",
    "too_early", "rate", "concurrency", "unknown_limit", "empty_429", "html_429",
    "quota", "bill", "key", "no_credit", "forbidden", "redirect",
    "rejected", "not_found", "too_large", "html_400",
    "timeout_unseen", "timeout_taken", "reset_unseen", "reset_taken", "closed_taken", "short_reply",
    "conflict_taken", "server_error", "server_error_taken", "bad_gateway_taken", "slow_408_taken",
    "html_200_taken", "bad_id_taken", "no_id", "duplicate_id", "redirect_taken",
)  # fmt: skip
"""``…_taken``: the API accepted the task, and the client never learns its id from this
reply."""

POLL_FAULTS = (
    "connect",
    "timeout",
    "reset",
    "server_error",
    "html",
    "throttled",
    "unknown_word",
    "error_beside_running",
    "falling_progress",
    "forbidden",
    "not_found",
    "not_exist",
    "nonsense",
    "shorn",
    "conflict",
    "another_task",
)

DOWNLOAD_FAULTS = (
    "connect",
    "reset",
    "short",
    "no_length_short",
    "foreign",
    "html",
    "stall",
    "trickle",
    "expired_link",
    "server_error",
    "redirect",
    "redirect_home",
    "no_length",
    "other_video_cut",
    "empty",
)

HALTS = frozenset({"quota", "bill", "key", "no_credit", "forbidden", "redirect"})
REFUSALS = frozenset({"rejected", "not_found", "too_large"})

DISK_FAULTS = ("fsync_fails", "link_fails", "commit_fails", "commit_busy")

DEATHS = (
    "step",
    "commit",
    "commit_torn",
    "commit_done",
    "post",
    "post_seen",
    "post_answered",
    "file",
    "file_done",
    "time",
)


@dataclass(frozen=True, slots=True)
class Weather:
    """One kind of request and its faults: each request fails with probability ``rate``,
    by one of ``kinds``."""

    rate: float
    kinds: tuple[str, ...]

    def strikes(self, chance: Random) -> str | None:
        roll = chance.random()
        return chance.choice(self.kinds) if self.kinds and roll < self.rate else None


@dataclass(frozen=True, slots=True)
class Death:
    """When a process ends by force: at the ``count``-th thing of kind ``at`` (for
    ``time``: second). ``power`` takes what was not synced along."""

    at: str
    count: int
    power: bool


@dataclass(frozen=True, slots=True)
class Interruption:
    """Ctrl-C at a second of the run, and maybe again."""

    first_s: float
    second_s: float | None


@dataclass(frozen=True, slots=True)
class Scenario:
    """Everything that a seed decides beforehand."""

    seed: int
    jobs: int
    twins: bool
    chained: bool
    retries: int
    on_failure: Literal["continue", "stop"]
    submit_concurrency: int
    max_in_flight: int
    ceiling: int
    rate: float | None
    queries_per_second: float | None
    poll_interval_s: float
    price: Decimal
    spare_jobs: int | None
    faults_until_s: float
    submit: Weather
    poll: Weather
    download: Weather
    disk: Weather
    fails: float
    fails_retryably: float
    forgets_by: Literal["failed", "not_exist", "unknown"]
    latency_s: float
    slow: float
    deaths: tuple[Death, ...]
    sleeps: tuple[tuple[float, float], ...]
    clock_jumps: tuple[tuple[float, float], ...]
    interruptions: tuple[Interruption | None, ...]
    pauses_s: tuple[float, ...]
    intruder_s: float | None
    url_shape: Literal["signed", "content", "both"]
    hasty_person: float
    regenerates: bool
    squatter: bool
    vandal: float
    wait_s: float
    around: Circumstances


def weather(chance: Random, kinds: tuple[str, ...], clear: float) -> Weather:
    """``clear`` is how likely it is that nothing of the kind happens at all."""
    if chance.random() < clear:
        return Weather(0.0, ())
    several = chance.randint(1, min(len(kinds), chance.choice((2, 4, 8))))
    return Weather(chance.uniform(0.02, 0.9), tuple(sorted(chance.sample(kinds, several))))


def draw(seed: int) -> Scenario:
    """The scenario of a seed; the same for the same seed in every process and
    Python."""
    chance = Random(f"wanbatch {seed}")
    faults_until_s = chance.choice((600.0, 1800.0, 3600.0, 7200.0, 20_000.0))
    return Scenario(
        seed=seed,
        jobs=chance.randint(2, 7),
        twins=chance.random() < 0.2,
        chained=chance.random() < 0.15,
        retries=chance.choice((0, 1, 1, 2)),
        on_failure="stop" if chance.random() < 0.15 else "continue",
        submit_concurrency=chance.choice((1, 1, 1, 2, 3)),
        max_in_flight=chance.choice((1, 3, 5, 20)),
        ceiling=chance.choice((2, 5, 100, 100)),
        rate=chance.choice((None, 0.2, 2.0, 5.0)),
        queries_per_second=chance.choice((None, None, None, 0.5, 5.0)),
        poll_interval_s=chance.choice((15.0, 60.0, 200.0)),
        price=Decimal("0.50"),
        spare_jobs=chance.choice((None, None, -2, -1, 0, 1)),
        faults_until_s=faults_until_s,
        submit=weather(chance, SUBMIT_FAULTS, 0.15),
        poll=weather(chance, POLL_FAULTS, 0.3),
        download=weather(chance, DOWNLOAD_FAULTS, 0.3),
        disk=weather(chance, DISK_FAULTS, 0.8),
        fails=chance.choice((0.0, 0.0, 0.1, 0.5, 0.9)),
        fails_retryably=chance.choice((0.0, 0.5, 1.0)),
        forgets_by=chance.choice(("failed", "failed", "failed", "not_exist", "unknown")),
        latency_s=chance.choice((10.0, 60.0, 90.0, 400.0)),
        slow=chance.choice((0.0, 0.0, 0.0, 0.1, 0.4)),
        deaths=tuple(_death(chance) for _ in range(chance.choice((0, 1, 1, 2, 3, 5, 8)))),
        sleeps=_events(chance, 0.25, 4 * 3600.0, lambda: chance.choice((600.0, 7200.0, 90_000.0))),
        clock_jumps=_events(
            chance,
            0.25,
            4 * 3600.0,
            lambda: chance.choice((-3600.0, -30.0, 30.0, 3600.0, 100_000.0)),
        ),
        interruptions=tuple(_interruption(chance) for _ in range(4)),
        pauses_s=tuple(
            chance.choice((1.0, 1.0, 60.0, 600.0, 3600.0, 40_000.0, 90_000.0))
            if chance.random() < 0.4
            else 2.0
            for _ in range(40)
        ),
        intruder_s=chance.uniform(0, 300) if chance.random() < 0.3 else None,
        url_shape=chance.choice(("signed", "content", "both", "both")),
        hasty_person=chance.choice((0.0, 0.0, 0.3, 0.9)),
        regenerates=chance.random() < 0.25,
        squatter=chance.random() < 0.1,
        vandal=chance.choice((0.0, 0.0, 0.0, 0.2)),
        wait_s=chance.choice((300.0, 1800.0, 7200.0)),
        around=draw_circumstances(seed),
    )


def _death(chance: Random) -> Death:
    at = chance.choice(DEATHS)
    most = {
        "step": 1500,
        "commit": 30,
        "commit_torn": 30,
        "commit_done": 30,
        "file": 25,
        "file_done": 25,
        "time": 2000,
    }.get(at, 8)
    return Death(at, max(1, round(most ** chance.random())), power=chance.random() < 0.4)


def _events(
    chance: Random, likely: float, within_s: float, size: object
) -> tuple[tuple[float, float], ...]:
    if chance.random() >= likely:
        return ()
    return tuple((chance.uniform(0, within_s) ** 0.9, size()) for _ in range(chance.randint(1, 3)))  # type: ignore[operator]


def _interruption(chance: Random) -> Interruption | None:
    if chance.random() < 0.85:
        return None
    first = chance.uniform(0, 300)
    return Interruption(first, first + chance.uniform(0.01, 20) if chance.random() < 0.5 else None)
