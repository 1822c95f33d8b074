"""``wanbatch lock``: what was bought, for those who have no ledger.

What it may not do: send anything, or change a ledger or a video.
"""

from __future__ import annotations

import click

from wanbatch.cli.command import Command
from wanbatch.cli.console import say
from wanbatch.cli.options import CommonOptions, planning_options
from wanbatch.cli.output import observer
from wanbatch.words.errors import ExitCode
from wanbatch.words.humanize import plural


@click.command("lock", cls=Command)
@planning_options
@click.option("--prune", is_flag=True, help="Drop entries that this ledger does not know.")
def command(options: CommonOptions, prune: bool) -> int:
    """Write NAME.lock.json beside each manifest: what was bought, and as what.

    Commit it. A machine without this ledger then buys none of it again.
    """
    from wanbatch.operations.locks import write_locks

    for lock in write_locks(options, observer(options, quiet_warnings=True), prune=prune):
        kept = f", {lock.kept} of them of other ledgers" if lock.kept else ""
        what = f"{plural(lock.entries, 'job')} bought{kept}"
        say(f"{lock.path}: {what}" + ("." if lock.changed else "; nothing changed."))
        click.echo(lock.path)
    return ExitCode.DONE
