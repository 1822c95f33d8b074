"""``wanbatch fetch``: polls and downloads what was already paid for. Never submits."""

from __future__ import annotations

import click

from wanbatch.cli.command import Command
from wanbatch.cli.options import Amount, CommonOptions, planning_options


@click.command("fetch", cls=Command)
@planning_options
@click.option(
    "--wait",
    type=Amount(0),
    default=7200.0,
    show_default=True,
    metavar="SECONDS",
    help="How long to wait for a running task.",
)
@click.option(
    "--lock-timeout",
    type=Amount(0),
    default=0.0,
    metavar="SECONDS",
    help="How long to wait for another run on this output folder.",
)
def command(options: CommonOptions, wait: float, lock_timeout: float) -> int:
    """Poll and download everything that was paid for and is not on disk yet. Never
    submits, so it never costs anything."""
    from wanbatch.cli.run_view import show_run
    from wanbatch.operations.options import RunOptions

    return show_run(options, RunOptions(buys=False, wait_s=wait, lock_timeout_s=lock_timeout))
