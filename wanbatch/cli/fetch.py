"""``wanbatch fetch``: polls and downloads what was already paid for. Never submits."""

from __future__ import annotations

import click

from wanbatch.cli.command import Command
from wanbatch.cli.console import say
from wanbatch.cli.options import Amount, CommonOptions, planning_options
from wanbatch.cli.output import observer
from wanbatch.words.errors import ExitCode
from wanbatch.words.humanize import plural


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
@click.option(
    "--store",
    "from_store",
    is_flag=True,
    help="Bring home the selected videos that live in the profile's object store.",
)
def command(options: CommonOptions, wait: float, lock_timeout: float, from_store: bool) -> int:
    """Poll and download everything that was paid for and is not on disk yet. Never
    submits, so it never costs anything."""
    if from_store:
        return _bring_home(options, lock_timeout)
    from wanbatch.cli.run_view import show_run
    from wanbatch.operations.options import RunOptions

    return show_run(options, RunOptions(buys=False, wait_s=wait, lock_timeout_s=lock_timeout))


def _bring_home(options: CommonOptions, lock_timeout: float) -> int:
    from wanbatch.operations.homecoming import bring_home

    found = bring_home(options, observer(options, quiet_warnings=True), lock_timeout)
    say(f"brought {plural(found.brought, 'video')} home")
    for job, why in found.failed:
        say(f"  left       {job}: {why}")
    for page in found.pages:
        click.echo(page)
    return ExitCode.UNFINISHED if found.failed else ExitCode.DONE
