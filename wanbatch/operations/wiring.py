"""The real ports of a run: clocks, chance, the lock, the ledger, the API, the report.

What it may not do: decide anything. Whoever wants other ports builds a ``RunPorts`` of
them.
"""

from __future__ import annotations

import os
import random
import secrets
import shutil
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path

from anyio.abc import TaskStatus

from wanbatch.config.profiles import load_profiles
from wanbatch.emulator.process import start_emulator
from wanbatch.ledger.lock import RunLock
from wanbatch.ledger.store import Ledger
from wanbatch.model.lifecycle import Snapshot
from wanbatch.model.plan import Plan
from wanbatch.model.pool import Pool
from wanbatch.model.report import Report
from wanbatch.model.wire import Profile, Secret
from wanbatch.operations.beginning import Begun, GitBoard, begin
from wanbatch.operations.journal import Journal
from wanbatch.operations.looking import look
from wanbatch.operations.notifying import run_command
from wanbatch.operations.others import without_secrets
from wanbatch.operations.pools import choose_workers, open_pool
from wanbatch.operations.reporting import write_reports
from wanbatch.operations.run import Prepared, Run, RunPorts
from wanbatch.operations.ticks import choose_ticks
from wanbatch.operations.wakefulness import stay_awake
from wanbatch.providers.client import Client
from wanbatch.providers.scrubbing import scrub
from wanbatch.words.clock import ServerClock

FORECAST_EVERY_S = 2.0
"""As often as a person looks at a time that is left (chosen)."""


def real_ports(
    prepared: Prepared,
    watch: Callable[[Run, TaskStatus[None]], Awaitable[None]],
    *,
    echo: Callable[[str], None] | None = None,
    command: str | None = None,
    sleep: Callable[[float], object] = time.sleep,
) -> RunPorts:
    """The ports of a run on this machine. ``echo`` hears each line of its journal.
    ``command`` is what others are told who find the folder locked (by default this
    process's command line), ``sleep`` waits for another one's lock."""
    options, manifests = prepared.options, prepared.checked.manifests
    environ, notify = environment_of_others(prepared.profile), prepared.run.notify
    key = prepared.profile.api_key.reveal()
    started = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime())
    workers = choose_workers(options.workers, prepared.profile.workers)
    pool = open_pool(workers, options.output, os.environ.keys() - environ.keys())

    def report(plan: Plan, snapshot: Snapshot, run_id: str) -> Sequence[tuple[Path, Report]]:
        return write_reports(options, manifests, plan, snapshot, run_id)

    return RunPorts(
        run_id=f"{started}-{secrets.token_hex(3)}",
        wall=time.time,
        ticks=choose_ticks(),
        chance=random.random,
        lock=lambda: RunLock(
            options.output, prepared.run.lock_timeout_s, sleep=sleep, command=command
        ),
        open_ledger=lambda: Ledger.open(options.ledger),
        open_client=lambda clock: open_client(prepared.profile, options.output, clock, pool),
        free_bytes=lambda: shutil.disk_usage(options.output).free,
        watch=watch,
        pool=pool,
        look=look,
        report=report,
        awake=lambda: stay_awake(environ, os.getpid()),
        notify=(lambda facts: run_command(notify, facts, environ)) if notify else None,
        journal=lambda: Journal(options.output, partial(scrub, key=key), echo),
        forecast_every_s=FORECAST_EVERY_S,
    )


def begin_plan(output: Path, digest: str, remote: str) -> Begun:
    """Marks a saved plan as begun by this ledger, on a git remote of the working
    folder. Raises as ``begin``."""
    return begin(output, digest, GitBoard(Path.cwd(), remote), secrets.token_hex(16))


def environment_of_others(profile: Profile) -> dict[str, str]:
    """What other programs may know of ours: no key of any backend."""
    delivery = profile.delivery
    secrets = (profile.api_key, delivery.secret_key, delivery.session_token)
    names = load_profiles(os.environ).secret_names()
    return without_secrets(os.environ, names, [secret.reveal() for secret in secrets])


@asynccontextmanager
async def open_client(
    profile: Profile, output: Path, clock: ServerClock, pool: Pool
) -> AsyncIterator[Client]:
    """The API's client; for the emulator without an address, a server of its own for as
    long as the run lasts."""
    if profile.realm == "emulator" and not profile.base_url:
        words = os.environ.get("WANBATCH_EMULATOR_OPTIONS", "").split()
        with start_emulator(output / ".emulator", *words) as server:
            given = replace(profile, base_url=server.base_url, api_key=Secret("emulator"))
            async with Client(given, pool=pool, clock=clock.now, hear=clock.hear) as client:
                yield client
        return
    async with Client(profile, pool=pool, clock=clock.now, hear=clock.hear) as client:
        yield client
