"""``wanbatch verify``: whether manifest, media and videos are what the lock says.

What it may not do: send, write or mend anything.
"""

from __future__ import annotations

import click

from wanbatch.cli.command import Command
from wanbatch.cli.console import say
from wanbatch.cli.options import CommonOptions, planning_options
from wanbatch.cli.output import observer
from wanbatch.words.errors import ExitCode
from wanbatch.words.humanize import plural


@click.command("verify", cls=Command)
@planning_options
def command(options: CommonOptions) -> int:
    """Hold manifest, media and videos against the committed lock. Sends nothing.

    Exits 0 where all agree, 3 where something differs.
    """
    from wanbatch.operations.locks import verify

    found = verify(options, observer(options, quiet_warnings=True))
    for one in found:
        say(f"  x {one}")
    if found:
        say(f"{plural(len(found), 'difference')} from the lock.")
        return ExitCode.REFUSED
    say("Manifest, media and videos are what the lock says.")
    return ExitCode.DONE
