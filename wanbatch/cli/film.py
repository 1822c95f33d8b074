"""``wanbatch film``: the grid of a sweep, or the chosen in order, as one MP4."""

from __future__ import annotations

from pathlib import Path

import click

from wanbatch.cli.command import Command
from wanbatch.cli.console import say
from wanbatch.cli.options import CommonOptions, planning_options
from wanbatch.cli.output import LISTED, observer
from wanbatch.words.errors import ExitCode
from wanbatch.words.humanize import duration, plural
from wanbatch.words.quoting import escape_unsafe


@click.command("film", cls=Command)
@planning_options
@click.option(
    "-o",
    "target",
    required=True,
    type=click.Path(path_type=Path, dir_okay=False),
    help="The film: an MP4 that is not there yet.",
)
@click.option("--columns", metavar="AXIS", help="What goes across: an axis, seed, take, job, size.")
@click.option("--rows", metavar="AXIS", help="What goes down.")
@click.option("--sound", metavar="NAME", help="Give the grid the sound of this job's video.")
@click.option(
    "--sequence", is_flag=True, help="Join the videos in order, each with its sound, in one film."
)
@click.option("--max-bytes", metavar="SIZE", help="Make it no larger than this: 10MB, 8MiB, 900k.")
@click.option("--force", is_flag=True, help="Replace the file that has the film's name.")
def command(
    options: CommonOptions,
    target: Path,
    columns: str | None,
    rows: str | None,
    sound: str | None,
    sequence: bool,
    max_bytes: str | None,
    force: bool,
) -> int:
    """Show many videos as one: the grid of a sweep, playing in step, or the chosen one
    after the other. A job without a video is a grey cell with its name. Needs no key
    and sends nothing.
    """
    from wanbatch.operations.film import FilmOptions, make_film

    wanted = FilmOptions(
        target=target,
        columns=columns,
        rows=rows,
        sound=sound,
        sequence=sequence,
        max_bytes=max_bytes,
        force=force,
    )
    done = make_film(options, wanted, observer(options, quiet_warnings=True))
    for name, why in done.missing[:LISTED]:
        say(f"  {'left out' if sequence else 'grey'}: {name} ({why.lower()})")
    if len(done.missing) > LISTED:
        say(f"  and {len(done.missing) - LISTED} more")
    for sentence in done.unreadable:
        say(f"warning: {escape_unsafe(sentence)}")
    film = done.film
    what = (
        f"{plural(len(done.shown), 'video')} in order"
        if sequence
        else f"{done.shape[0]} × {done.shape[1]} cells"
    )
    heard = "with sound" if film.has_audio else "without sound"
    say(
        f"{what}, {duration(film.seconds)}, {film.width} × {film.height} at {film.fps:g} frames a"
        f" second, {heard}, quality crf {film.crf:g}, {_bytes(film.bytes)}"
    )
    click.echo(target)
    return ExitCode.UNFINISHED if done.unreadable else ExitCode.DONE


def _bytes(count: int) -> str:
    """``812 kB``, ``3.4 MB``: in steps of a thousand, as chats and web sites count."""
    return f"{count / 1e6:.1f} MB" if count >= 1e6 else f"{max(1, round(count / 1e3))} kB"
