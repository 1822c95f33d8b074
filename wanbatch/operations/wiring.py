"""The real ports of a run: clocks, chance, the lock, the ledger, the API, the report.

What it may not do: decide anything. Whoever wants other ports builds a ``RunPorts`` of
them.
"""

from __future__ import annotations

import os
import pwd
import random
import secrets
import shutil
import socket
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from anyio.abc import TaskStatus

from wanbatch.config.profiles import load_profiles, load_project, resolve_profile
from wanbatch.emulator.process import start_emulator
from wanbatch.ledger.lock import RunLock
from wanbatch.model.lifecycle import Snapshot
from wanbatch.model.objects import ObjectStore
from wanbatch.model.plan import Plan
from wanbatch.model.pool import Pool
from wanbatch.model.report import Report
from wanbatch.model.wire import Profile, Secret
from wanbatch.operations.archives import open_archive, shelf_of
from wanbatch.operations.beginning import Begun, GitBoard, begin, begin_shared
from wanbatch.operations.journal import Journal
from wanbatch.operations.looking import look
from wanbatch.operations.notifying import run_command
from wanbatch.operations.others import without_secrets
from wanbatch.operations.pools import choose_workers, open_pool
from wanbatch.operations.reporting import write_reports
from wanbatch.operations.run import Prepared, Run, RunPorts
from wanbatch.operations.shared import Ports, ledger_opener, shared_ledger
from wanbatch.operations.ticks import choose_ticks
from wanbatch.operations.wakefulness import stay_awake
from wanbatch.providers.client import Client
from wanbatch.providers.scrubbing import scrub
from wanbatch.words.clock import ServerClock

if TYPE_CHECKING:
    from wanbatch.ledger.shared.door import SharedPorts

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

    archive = open_archive(prepared.profile)
    shared = shared_ports(options.output, prepared.run.lock_timeout_s)

    def report(plan: Plan, snapshot: Snapshot, run_id: str) -> Sequence[tuple[Path, Report]]:
        shelf = shelf_of(prepared.profile, archive)
        return write_reports(options, manifests, plan, snapshot, run_id, shelf=shelf)

    return RunPorts(
        run_id=f"{started}-{secrets.token_hex(3)}",
        wall=time.time,
        ticks=choose_ticks(),
        chance=random.random,
        lock=lambda: RunLock(
            options.output, prepared.run.lock_timeout_s, sleep=sleep, command=command
        ),
        open_ledger=ledger_opener(
            options, prepared.profile, shared, pool, archive, buys=prepared.run.buys
        ),
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
        archive=archive,
    )


def shared_ports(output: Path, patience_s: float = 0.0) -> Ports:
    """What a ledger that machines share knows of this one. ``patience_s`` is how long a
    living owner is waited for."""

    def ports(objects: ObjectStore) -> SharedPorts:
        from wanbatch.ledger.shared.door import SharedPorts

        return SharedPorts(
            objects,
            output,
            f"{_user()}@{socket.gethostname()}",
            choose_ticks(),
            time.time,
            lambda: secrets.token_hex(16),
            patience_s=patience_s,
        )

    return ports


def _user() -> str:
    try:
        return pwd.getpwuid(os.getuid()).pw_name
    except KeyError:
        return f"user {os.getuid()}"


def fresh_nonce() -> str:
    """What nobody else says, and nobody said before."""
    return secrets.token_hex(16)


def begin_plan(output: Path, digest: str, remote: str, backend: str | None) -> Begun:
    """Marks a saved plan as begun: in the ledger that ``backend`` shares with other
    machines, else by this one, on a git remote of the working folder. Raises as
    ``begin`` and ``begin_shared``."""
    profiles, project = load_profiles(os.environ), load_project(Path.cwd())
    named, mark = backend or project.backend or profiles.default, secrets.token_hex(16)
    profile = resolve_profile(profiles, named, os.environ, offline=True) if named else None
    storage = shared_ledger(profile) if profile is not None else None
    if storage is None:
        return begin(output, digest, GitBoard(Path.cwd(), remote), mark)
    from wanbatch.operations.sharing import in_own_loop, keep_shared_mark

    ports = shared_ports(output)
    return begin_shared(
        output,
        digest,
        lambda: in_own_loop(lambda: keep_shared_mark(storage, output, ports, digest, mark)),
    )


def environment_of_others(profile: Profile) -> dict[str, str]:
    """What other programs may know of ours: no key of any backend."""
    delivery = profile.delivery
    stored = [one for one in (profile.store, profile.ledger) if one is not None]
    secrets = (
        profile.api_key,
        delivery.secret_key,
        delivery.session_token,
        *(key for one in stored for key in (one.secret_key, one.session_token)),
    )
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
