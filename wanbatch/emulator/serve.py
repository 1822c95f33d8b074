"""Listens: binds a loopback port, opens the store, serves until told to stop.

What it may not do: decide anything about tasks or answers.

How it works: the socket is bound and the store is open before the ready line is
printed, one JSON object on stdout, the only thing that is ever printed there. The end
of stdin (the parent died) ends the process at once: what was accepted is on disk.
"""

from __future__ import annotations

import asyncio
import json
import os
import socket
import sys
import threading
from collections.abc import Callable

import uvicorn

from wanbatch.emulator.app import build_app
from wanbatch.emulator.service import Service
from wanbatch.emulator.settings import EmulatorSettings, is_loopback
from wanbatch.emulator.store import TaskStore, open_store
from wanbatch.emulator.uvicorn_protocol import OpenProtocol
from wanbatch.words.errors import ExitCode, WanbatchError


def serve(settings: EmulatorSettings, announce: Callable[[str], None] | None = None) -> None:
    """Serves until SIGINT, SIGTERM or, with ``exit_on_stdin_eof``, the end of stdin.
    Blocks.

    ``announce`` is called with the ready line; it is printed where none is given.
    Raises ``WanbatchError`` where the store or the port cannot be had.
    """
    if not is_loopback(settings.host):
        raise WanbatchError(
            ExitCode.INVALID,
            f"the emulator listens on loopback only, not on {settings.host!r}",
            "use --host 127.0.0.1",
        )
    listening = _bind(settings.host, settings.port)
    with listening, open_store(settings.store) as store:
        asyncio.run(_serve(settings, store, listening, announce or _print_line))


def _bind(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # With the protocol named, asyncio switches Nagle's algorithm off for each
    # connection; else every answer waits 40 ms for an acknowledgement.
    listening = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind((host.strip("[]"), port))
    except OSError as error:
        listening.close()
        raise WanbatchError(
            ExitCode.ENVIRONMENT,
            f"the emulator cannot listen on {host} port {port}: {error.strerror or error}",
            "choose another with --port; 0 takes a free one",
        ) from error
    return listening


async def _serve(
    settings: EmulatorSettings,
    store: TaskStore,
    listening: socket.socket,
    announce: Callable[[str], None],
) -> None:
    host = f"[{settings.host}]" if ":" in settings.host else settings.host
    base_url = f"http://{host}:{listening.getsockname()[1]}"
    service = Service(settings, store)
    config = uvicorn.Config(
        build_app(service, base_url),
        http=OpenProtocol,
        log_config=None,
        access_log=False,
        lifespan="off",
        server_header=False,
        date_header=False,  # the gate writes it, so that a script can have it wrong
        timeout_keep_alive=120,
        timeout_graceful_shutdown=1,
        backlog=1024,
    )
    ready = json.dumps({"base_url": base_url, "store": str(settings.store), "pid": os.getpid()})
    server = _AnnouncingServer(config, lambda: announce(ready))
    if settings.exit_on_stdin_eof:
        threading.Thread(target=_leave_at_eof, daemon=True).start()
    service.resume()
    try:
        await server.serve(sockets=[listening])
    finally:
        service.stop()


class _AnnouncingServer(uvicorn.Server):
    """A server that says when it listens."""

    def __init__(self, config: uvicorn.Config, listening: Callable[[], None]) -> None:
        super().__init__(config)
        self._listening = listening

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self._listening()


def _print_line(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def _leave_at_eof() -> None:
    """Reads stdin to its end, which comes when the parent closes it or dies, and leaves
    without ceremony."""
    while os.read(0, 65_536):
        pass
    os._exit(0)
