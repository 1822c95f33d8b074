"""What one emulator is told when it starts.

What it may not do: read files or the environment (``wanbatch.cli.emulator`` does).
"""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from wanbatch.emulator.faults.script import Script

Dialect = Literal["gateway", "gateway-metadata", "dashscope"]
Render = Literal["full", "cached", "tiny"]
OverLimit = Literal["queue", "refuse"]

DAY_S = 86_400.0
"""How long results and task ids live at the real API (documented: 24 hours)."""


@dataclass(frozen=True, slots=True)
class EmulatorSettings:
    """Where an emulator listens, where it keeps its store, and how it behaves.
    Durations are seconds.

    ``dialect`` is the personality of ``/v1/videos``; with ``dashscope`` that route is
    not served, while DashScope's own routes always are. ``latency_s`` is the time from
    submit to result, the median of a lognormal where ``latency_sigma`` is not 0; with 0
    a video is ready when it is rendered. ``max_running`` tasks are worked on at once; a
    further one waits (``queue``) or its submit is answered 429 (``refuse``).
    ``api_key`` is the only token accepted; empty: any. ``expire_after_s`` is how long a
    result can be had. ``row_delay_s`` is how long stock new-api does not know a task
    that it has just accepted.
    """

    store: Path
    host: str = "127.0.0.1"
    port: int = 0
    dialect: Dialect = "gateway"
    latency_s: float = 0.0
    latency_sigma: float = 0.0
    render: Render = "full"
    max_running: int | None = None
    over_limit: OverLimit = "queue"
    submits_per_second: float | None = None
    queries_per_second: float | None = None
    retry_after_s: float | None = None
    expire_after_s: float = DAY_S
    row_delay_s: float = 0.2
    api_key: str = ""
    script: Script | None = None
    exit_on_stdin_eof: bool = False


def is_loopback(host: str) -> bool:
    """Whether ``host`` is this machine and no one else can reach it: the emulator takes
    any token and listens nowhere else."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False
