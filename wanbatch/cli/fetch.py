"""``wanbatch fetch``: polls and downloads what was already paid for. Never submits."""

from __future__ import annotations

import click

from wanbatch.cli.options import Amount, Settings, planning_options
from wanbatch.cli.session import Order, start


@click.command("fetch")
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
def command(settings: Settings, wait: float, lock_timeout: float) -> int:
    """Poll and download everything that was paid for and is not on disk yet. Never submits, so it never costs anything."""
    return start(settings, Order(buys=False, wait_s=wait, lock_timeout_s=lock_timeout))
