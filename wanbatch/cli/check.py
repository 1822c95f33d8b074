"""``wanbatch check``: what is wrong with videos, of a report or any others."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from wanbatch.cli.command import Command
from wanbatch.cli.console import say
from wanbatch.words.errors import ExitCode

if TYPE_CHECKING:
    from wanbatch.operations.inspection import Inspected


@click.command("check", cls=Command)
@click.argument("paths", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option(
    "--format",
    "form",
    type=click.Choice(("text", "json", "junit")),
    default="text",
    show_default=True,
    help="json and junit go to stdout.",
)
@click.option("-q", "--quiet", is_flag=True, help="Text: nothing about videos without a fault.")
@click.option("-v", "--verbose", is_flag=True, help="Text: every check, not only what failed.")
def command(paths: tuple[Path, ...], form: str, quiet: bool, verbose: bool) -> int:
    """Check the videos in PATHS: report folders, report.json files, or any videos.

    Of a report, videos are held against what was asked for; of a video alone, only
    itself is known. Writes nothing and needs no network. Exit code 1 where one falls
    short.
    """
    from wanbatch.operations.inspection import inspect, render

    found = inspect(paths)
    if form == "text":
        _tell(found, quiet=quiet, verbose=verbose)
    else:
        click.echo(render(found, form))
    return ExitCode.DONE if all(one.passed for one in found) else ExitCode.UNFINISHED


def _tell(found: Sequence[Inspected], *, quiet: bool, verbose: bool) -> None:
    for one in found:
        if quiet and one.passed:
            continue
        say(f"{'ok   ' if one.passed else 'short'}  {_legible(one.path)}")
        for check in one.checks:
            if verbose or not check.passed:
                mark = " " if check.passed else "!"
                say(f"     {mark} {check.name}: {_legible(check.message)}")
    short = sum(not one.passed for one in found)
    if not quiet or short:
        noun = "video" if len(found) == 1 else "videos"
        ends = {0: "none falls short", 1: "1 falls short"}.get(short, f"{short} fall short")
        say(f"{len(found)} {noun} checked, {ends}.")


def _legible(text: str) -> str:
    """A text from outside on one line, without what moves a terminal's cursor."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)
