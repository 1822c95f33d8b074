"""``wanbatch init [DIR]``: a project that runs.

What it may not do: overwrite anything.
"""

from __future__ import annotations

from pathlib import Path

import click

from wanbatch.cli.command import Command
from wanbatch.cli.console import say
from wanbatch.words.humanize import quoted


@click.command("init", cls=Command)
@click.argument(
    "folder", type=click.Path(path_type=Path, file_okay=False), default=Path(), metavar="[DIR]"
)
def command(folder: Path) -> None:
    """Write a starter manifest that runs, one picture, and the schema that its first
    line points to. Nothing is overwritten."""
    from wanbatch.operations.starting import MANIFEST, start_project

    started = start_project(folder)
    for path in started.files:
        say(f"  wrote {path}")
    if folder != Path():
        say(f"Go there: {quoted(['cd', str(folder)])}")
    say(f"Then make six videos, for free: {quoted(['wanbatch', 'run', MANIFEST])}")
