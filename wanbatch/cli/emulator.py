"""``wanbatch emulator``: serves the local emulator on loopback.

What it may not do: anything but read its options and hand them to
``wanbatch.emulator.serve``.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import click

from wanbatch.cli.command import Command
from wanbatch.cli.options import Amount, Count
from wanbatch.words.errors import ExitCode, WanbatchError

if TYPE_CHECKING:
    from wanbatch.emulator.faults.script import Script


@click.command("emulator", cls=Command)
@click.option(
    "--host", default="127.0.0.1", show_default=True, help="Loopback address to listen on."
)
@click.option(
    "--port",
    type=Count(0, 65535),
    default=0,
    show_default=True,
    help="Port; 0 takes a free one.",
)
@click.option(
    "--store",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path("reports/.emulator"),
    show_default=True,
    help="Folder of its books.",
)
@click.option(
    "--dialect",
    type=click.Choice(["gateway", "gateway-metadata", "dashscope"]),
    default="gateway",
    show_default=True,
    help="Personality of /v1/videos; DashScope's own routes are always served.",
)
@click.option(
    "--latency",
    type=Amount(0, 86400),
    default=0.0,
    metavar="SECONDS",
    help="Simulated time from submit to result; 0: as fast as it renders.",
)
@click.option(
    "--latency-sigma",
    type=Amount(0, 3),
    default=0.0,
    metavar="S",
    help="Spread of a lognormal latency about that median.",
)
@click.option(
    "--render",
    type=click.Choice(["full", "cached", "tiny"]),
    default="full",
    show_default=True,
    help="What a result holds; the others are for load tests.",
)
@click.option("--max-running", type=Count(1), metavar="N", help="Tasks worked on at once.")
@click.option(
    "--over-limit",
    type=click.Choice(["queue", "refuse"]),
    default="queue",
    show_default=True,
    help="What a task beyond --max-running meets.",
)
@click.option(
    "--submits-per-second",
    type=Amount(min=0, min_open=True),
    metavar="N",
    help="Answer 429 to submits beyond.",
)
@click.option(
    "--queries-per-second",
    type=Amount(min=0, min_open=True),
    metavar="N",
    help="Answer 429 to status queries beyond.",
)
@click.option(
    "--retry-after", type=Amount(0), metavar="SECONDS", help="Send Retry-After with every 429."
)
@click.option(
    "--expire-after",
    type=Amount(0),
    default=86400.0,
    show_default=True,
    metavar="SECONDS",
    help="How long a result can be had.",
)
@click.option(
    "--row-delay",
    type=Amount(0),
    default=0.2,
    show_default=True,
    metavar="SECONDS",
    help="gateway-metadata: how late a task is known.",
)
@click.option(
    "--script",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    help="YAML file of scripted faults; see docs/emulator.md.",
)
@click.option(
    "--api-key-env",
    metavar="NAME",
    help="Accept only the token in this environment variable; without it any token will do.",
)
@click.option(
    "--exit-on-stdin-eof",
    is_flag=True,
    help="Leave when stdin ends, for a parent that may be killed.",
)
def command(
    host: str,
    port: int,
    store: Path,
    dialect: str,
    latency: float,
    latency_sigma: float,
    render: str,
    max_running: int | None,
    over_limit: str,
    submits_per_second: float | None,
    queries_per_second: float | None,
    retry_after: float | None,
    expire_after: float,
    row_delay: float,
    script: Path | None,
    api_key_env: str | None,
    exit_on_stdin_eof: bool,
) -> None:
    """Serve a local API that renders real videos, costs nothing, and can be told to
    misbehave.

    Prints one line of JSON with its base_url when it listens. Its tasks live in the
    store and outlive the process: start it again on the same folder and unfinished ones
    go on.
    """
    from wanbatch.emulator.serve import serve
    from wanbatch.emulator.settings import EmulatorSettings

    api_key = os.environ.get(api_key_env, "") if api_key_env else ""
    if api_key_env and not api_key:
        raise WanbatchError(
            ExitCode.INVALID,
            f"--api-key-env: the environment variable {api_key_env} is not set",
            f"set it to the key that clients shall send: export {api_key_env}=…",
        )
    serve(
        EmulatorSettings(
            store=store,
            host=host,
            port=port,
            dialect=dialect,  # type: ignore[arg-type]
            latency_s=latency,
            latency_sigma=latency_sigma,
            render=render,  # type: ignore[arg-type]
            max_running=max_running,
            over_limit=over_limit,  # type: ignore[arg-type]
            submits_per_second=submits_per_second,
            queries_per_second=queries_per_second,
            retry_after_s=retry_after,
            expire_after_s=expire_after,
            row_delay_s=row_delay,
            api_key=api_key,
            script=_read_script(script),
            exit_on_stdin_eof=exit_on_stdin_eof,
        )
    )


def _read_script(path: Path | None) -> Script | None:
    if path is None:
        return None
    from wanbatch.emulator.faults.script_file import (
        read_script,  # jsonschema is heavy, and few need it
    )

    return read_script(path)
