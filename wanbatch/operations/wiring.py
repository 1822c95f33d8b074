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
from pathlib import Path

from anyio.abc import TaskStatus

from wanbatch.emulator.process import start_emulator
from wanbatch.ledger.lock import RunLock
from wanbatch.ledger.store import Ledger
from wanbatch.model.lifecycle import Snapshot
from wanbatch.model.plan import Plan
from wanbatch.model.report import Report
from wanbatch.model.wire import Profile, Secret
from wanbatch.operations.looking import look
from wanbatch.operations.reporting import write_reports
from wanbatch.operations.run import Prepared, Run, RunPorts
from wanbatch.operations.ticks import choose_ticks
from wanbatch.providers.client import Client
from wanbatch.words.clock import ServerClock


def real_ports(
    prepared: Prepared,
    watch: Callable[[Run, TaskStatus[None]], Awaitable[None]],
    *,
    command: str | None = None,
    sleep: Callable[[float], object] = time.sleep,
) -> RunPorts:
    """The ports of a run on this machine. ``command`` is what others are told who find
    the folder locked (by default this process's command line), ``sleep`` waits for
    another one's lock."""
    options, manifests = prepared.options, prepared.checked.manifests
    started = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime())

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
        open_client=lambda clock: open_client(prepared.profile, options.output, clock),
        free_bytes=lambda: shutil.disk_usage(options.output).free,
        watch=watch,
        look=look,
        report=report,
    )


@asynccontextmanager
async def open_client(profile: Profile, output: Path, clock: ServerClock) -> AsyncIterator[Client]:
    """The API's client; for the emulator without an address, a server of its own for as
    long as the run lasts."""
    if profile.realm == "emulator" and not profile.base_url:
        words = os.environ.get("WANBATCH_EMULATOR_OPTIONS", "").split()
        with start_emulator(output / ".emulator", *words) as server:
            given = replace(profile, base_url=server.base_url, api_key=Secret("emulator"))
            async with Client(given, clock=clock.now, hear=clock.hear) as client:
                yield client
        return
    async with Client(profile, clock=clock.now, hear=clock.hear) as client:
        yield client
