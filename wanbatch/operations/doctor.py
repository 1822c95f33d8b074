"""What ``wanbatch doctor`` looks at: configuration, backend, budget, key, clock,
bucket, object store, disk. Spends nothing.

What it may not do: print (``cli`` does), submit a task, or repair anything.

How it works: each check returns a ``Finding``: how it stands, what was seen, what to
do. A check that needs the one before it is left out where that one failed. The key is
tried by asking for a task that cannot exist; a bucket by writing and reading back one
small object; a store by what ``stores.trial`` does.
"""

from __future__ import annotations

import os
import shutil
import stat
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import partial
from pathlib import Path

import anyio

from wanbatch.compute.threads import Threads
from wanbatch.config.price_advice import state_price
from wanbatch.config.profiles import (
    Profiles,
    ProjectSettings,
    load_profiles,
    load_project,
    resolve_profile,
)
from wanbatch.model.objects import StoreSilent
from wanbatch.model.outcomes import ProbeFailed
from wanbatch.model.period import PeriodLimit
from wanbatch.model.storage import Storage
from wanbatch.model.wire import Profile
from wanbatch.operations.allowance import describe_allowance, periods_of, refuse_uncountable
from wanbatch.operations.choose import period_limits
from wanbatch.operations.shared import read_now
from wanbatch.operations.wiring import fresh_nonce
from wanbatch.providers.client import Client
from wanbatch.providers.http.network import Network
from wanbatch.stores.bucket import BucketObjects
from wanbatch.stores.opening import open_objects
from wanbatch.stores.trial import Untrue, try_ledger, try_videos
from wanbatch.words.errors import WanbatchError

SKEW_LIMIT_S = 60.0
"""Machines with NTP differ by less than a second; by a minute something is wrong, and
signed addresses still work."""
ROOM_BYTES = 2 * 1024**3
"""Room for about a hundred videos; below it a run may end with a full disk."""


class Health(StrEnum):
    GOOD = "good"
    WARNING = "warning"
    BAD = "bad"


@dataclass(frozen=True, slots=True)
class Finding:
    """``subject`` is what was looked at, ``seen`` what was found; ``help`` says what to
    do, and is empty where all is good."""

    subject: str
    health: Health
    seen: str
    help: tuple[str, ...] = ()


def examine_all(backend: str | None, output: Path) -> tuple[Finding, ...]:
    """Every check for ``backend``, else for the project's, else for the user's
    default."""
    profiles, project = load_profiles(os.environ), load_project(Path.cwd())
    name = backend or project.backend or profiles.default
    look = partial(examine, profiles, name, os.environ, output, time.time, project=project)
    return anyio.run(look)


async def examine(
    profiles: Profiles,
    name: str | None,
    environ: Mapping[str, str],
    output: Path,
    clock: Callable[[], float],
    *,
    network: Network | None = None,
    project: ProjectSettings | None = None,
    nonce: Callable[[], str] = fresh_nonce,
) -> tuple[Finding, ...]:
    """Every check in order, for the backend ``name`` (else the user's default) and the
    output folder ``output``; ``clock`` gives Unix seconds. ``project`` may lower
    limits."""
    findings = [examine_configuration(profiles), examine_disk(output)]
    try:
        profile = resolve_profile(profiles, name, environ)
    except WanbatchError as refusal:
        return (*findings, Finding("backend", Health.BAD, refusal.message, refusal.hints))
    findings.append(_describe(profile, profiles.path))
    findings += await examine_stores(profile, nonce)
    if profile.kind == "emulator":
        return (
            *findings,
            Finding("key", Health.GOOD, "the emulator needs none; run starts it by itself"),
        )
    limits = period_limits(profiles.budget, profile, [project] if project else [])
    findings += await examine_budget(limits, profile, output / "ledger.db", clock())
    pool = Threads()  # nothing is read: none of them starts
    async with Client(profile, pool=pool, network=network, clock=clock) as backend:
        findings += await _examine_api(backend)
        findings += await _examine_bucket(backend)
    return tuple(findings)


def examine_configuration(profiles: Profiles) -> Finding:
    """Where the user's configuration is, and that nobody else can change it."""
    path = profiles.path
    if path is None or not profiles.found:
        return Finding(
            "configuration",
            Health.GOOD,
            f"none at {path}; the built-in backends are: {', '.join(profiles.names())}",
        )
    try:
        mode = path.stat().st_mode
    except OSError as error:
        return Finding("configuration", Health.BAD, f"{path} cannot be looked at: {error.strerror}")
    if mode & (stat.S_IWGRP | stat.S_IWOTH):
        return Finding(
            "configuration",
            Health.BAD,
            f"{path} can be changed by others: they could send your key elsewhere",
            (f"chmod 600 {path}",),
        )
    if mode & (stat.S_IRGRP | stat.S_IROTH):
        return Finding(
            "configuration", Health.WARNING, f"{path} can be read by others", (f"chmod 600 {path}",)
        )
    return Finding(
        "configuration", Health.GOOD, f"{path}; the backends are: {', '.join(profiles.names())}"
    )


def examine_disk(output: Path) -> Finding:
    """Whether the output folder, or the nearest one above it that exists, has room."""
    place = next(
        (folder for folder in (output.absolute(), *output.absolute().parents) if folder.exists()),
        Path("/"),
    )
    try:
        free = shutil.disk_usage(place).free
    except OSError as error:
        return Finding("disk", Health.BAD, f"{place} cannot be looked at: {error.strerror}")
    if free < ROOM_BYTES:
        return Finding(
            "disk",
            Health.WARNING,
            f"{free / 1024**3:.1f} GiB are free at {place}",
            ("make room, or choose another folder with --output",),
        )
    return Finding("disk", Health.GOOD, f"{free / 1024**3:.0f} GiB are free at {place}")


def _describe(profile: Profile, configuration: Path | None) -> Finding:
    price = (
        "no price is stated, so no budget can be kept"
        if profile.prices is None
        else f"prices in {profile.prices.currency}"
    )
    where = f"at {profile.base_url}" if profile.base_url else "on loopback"
    seen = (
        f"{profile.name} speaks {profile.kind} {where}, {profile.max_in_flight} in flight;"
        f" {price}; local media go {profile.delivery.way}"
    )
    if profile.prices is None:
        hint = state_price(profile.name, None, configuration)
        return Finding("backend", Health.WARNING, seen, (hint,))
    return Finding("backend", Health.GOOD, seen)


async def examine_budget(
    limits: Sequence[PeriodLimit], profile: Profile, ledger: Path, now: float
) -> list[Finding]:
    """What is left of the budgets of day and month; nothing where there is none."""
    if not limits:
        return []
    if profile.prices is None:
        seen = f"{limits[0].source} cannot be kept: backend {profile.name} has no price"
        return [Finding("budget", Health.WARNING, seen)]
    try:
        snapshot = await read_now(ledger, profile)
        refuse_uncountable(limits, profile, snapshot)
    except WanbatchError as refusal:
        return [Finding("budget", Health.BAD, refusal.message, refusal.hints)]
    left = periods_of(limits, profile, snapshot, now).allowances()
    seen = "; ".join(
        f"{describe_allowance(one, profile.prices.currency)} ({one.limit.source})" for one in left
    )
    return [Finding("budget", Health.GOOD, seen)]


async def examine_stores(profile: Profile, nonce: Callable[[], str]) -> list[Finding]:
    """Whether the profile's store can hold videos, and whether its ledger's can hold
    that; each ``nonce`` is another text. Nothing where neither is set."""
    found = []
    if profile.store is not None:
        store = profile.store
        found.append(await _tried("store", store, lambda: try_videos(open_objects(store), nonce())))
    if profile.ledger is not None:
        ledger = profile.ledger
        found.append(
            await _tried("ledger", ledger, lambda: try_ledger(BucketObjects(ledger), nonce()))
        )
    return found


async def _tried(subject: str, storage: Storage, trial: Callable[[], Awaitable[str]]) -> Finding:
    try:
        seen = await trial()
    except WanbatchError as refusal:
        return Finding(subject, Health.BAD, refusal.message, refusal.hints)
    except StoreSilent as silent:
        help_ = "check its address, its credentials and what they may do there"
        return Finding(subject, Health.BAD, str(silent), (help_,))
    except Untrue as untrue:
        return Finding(
            subject,
            Health.BAD,
            f"the store {storage.url} cannot be used: {untrue}",
            ("use one that honours If-None-Match and If-Match, as Amazon S3 does",),
        )
    return Finding(subject, Health.GOOD, f"{storage.url}: {seen}")


async def _examine_api(backend: Client) -> list[Finding]:
    outcome = await backend.probe()
    if isinstance(outcome, ProbeFailed):
        return [Finding("key", Health.BAD, outcome.reason, (outcome.hint,) if outcome.hint else ())]
    key = Finding(
        "key",
        Health.GOOD,
        "the API answers in its own words and accepts the key; nothing was spent",
    )
    skew = outcome.clock_skew_s
    if skew is None:
        return [
            key,
            Finding(
                "clock",
                Health.WARNING,
                "the API does not tell its time, so this machine's clock could not be compared",
            ),
        ]
    if abs(skew) > SKEW_LIMIT_S:
        direction = "ahead of" if skew > 0 else "behind"
        help_ = ("set this machine's clock; results expire by the server's time",)
        return [
            key,
            Finding(
                "clock",
                Health.WARNING,
                f"the server's clock is {abs(skew):.0f} s {direction} this machine's",
                help_,
            ),
        ]
    return [key, Finding("clock", Health.GOOD, f"within {abs(skew):.0f} s of the server's")]


async def _examine_bucket(backend: Client) -> list[Finding]:
    if backend.profile.delivery.way != "s3":
        return []
    bucket = backend.profile.delivery.bucket
    try:
        problem = await backend.check_bucket()
    except WanbatchError as refusal:
        return [Finding("bucket", Health.BAD, refusal.message, refusal.hints)]
    if problem is None:
        return [
            Finding(
                "bucket",
                Health.GOOD,
                f"{bucket} takes objects, and gives them by presigned address",
            )
        ]
    return [
        Finding(
            "bucket",
            Health.BAD,
            problem.message,
            ("check bucket, endpoint, region and the access key's rights",),
        )
    ]
