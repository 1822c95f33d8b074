"""``wanbatch import``: what others bought, taken into this output folder.

What it may not do: send anything, or overwrite a video.
"""

from __future__ import annotations

from pathlib import Path

import click

from wanbatch.cli.command import Command
from wanbatch.cli.completing import complete_backend
from wanbatch.cli.console import say
from wanbatch.cli.options import Amount
from wanbatch.model.lifecycle import Attempt
from wanbatch.operations.merge import Imported, Request, merge
from wanbatch.operations.options import DEFAULT_OUTPUT
from wanbatch.words.errors import ExitCode
from wanbatch.words.humanize import plural

SHOWN = 10
"""So many jobs stand under one sentence; ``wanbatch status`` has them all (chosen)."""


@click.command("import", cls=Command)
@click.argument(
    "folders", nargs=-1, required=True, type=click.Path(path_type=Path), metavar="FOLDER..."
)
@click.option(
    "--output",
    type=click.Path(path_type=Path, file_okay=False),
    default=DEFAULT_OUTPUT,
    show_default=True,
    help="The output folder that takes it all.",
)
@click.option(
    "--backend",
    shell_complete=complete_backend,
    metavar="NAME",
    help="Whom to ask for tasks of reports and locks whose backend is not configured here.",
)
@click.option(
    "--lock-timeout",
    type=Amount(0),
    default=0.0,
    metavar="SECONDS",
    help="How long to wait for another run on this output folder.",
)
def command(
    folders: tuple[Path, ...], output: Path, backend: str | None, lock_timeout: float
) -> int:
    """Take up what others bought, so that nothing of it is bought again. Sends nothing.

    FOLDER is another output folder with its ledger.db (a CI artifact, a shard, another
    machine's), a report folder (reports/NAME), or a NAME.lock.json. Attempts and their
    history go into this ledger, tasks that still run are taken up by 'wanbatch fetch',
    videos are checked by their SHA-256 and linked or copied. Importing twice does no
    harm.

    Exits 0, or 1 where a video that was stored is missing or altered.
    """
    results = merge(Request(folders, output, backend, lock_timeout))
    for result in results:
        _say_result(result)
    click.echo(output / "ledger.db")
    lost = any(result.missing or result.altered for result in results)
    return ExitCode.UNFINISHED if lost else ExitCode.DONE


def _say_result(one: Imported) -> None:
    counts = [
        f"{plural(one.new + one.known + one.continued, 'attempt')}: {one.new} new",
        f"{one.continued} continued, {one.known} known",
    ]
    videos = f"videos: {one.copied} brought, {one.here} here already"
    lost = [(one.missing, "missing"), (one.altered, "altered")]
    videos += "".join(f", {len(rows)} {word}" for rows, word in lost if rows)
    say(f"{one.place}: {', '.join(counts)}; {videos}.")
    _say_lost(one.missing, "its video is not there")
    _say_lost(one.altered, "its video was altered, and is not taken")
    for job, what in one.apart[:SHOWN]:
        say(f"  ! {job}: {what}")
    _say_more(len(one.apart))
    for line in _sum_up(one):
        say(f"  {line}")


def _say_lost(rows: list[Attempt], what: str) -> None:
    for row in rows[:SHOWN]:
        task = f"; task {row.task_id}" if row.task_id else ""
        say(f"  x {row.job}: {what}; known as bought{task}")
    _say_more(len(rows))
    if rows:
        say("    help: 'wanbatch fetch' asks the provider for it, which keeps a result for a day")


def _say_more(count: int) -> None:
    if count > SHOWN:
        say(f"    and {count - SHOWN} more")


def _sum_up(one: Imported) -> list[str]:
    lines = []
    if one.running:
        lines.append(
            f"{plural(one.running, 'task')} not on disk yet: 'wanbatch fetch FILE' goes on"
        )
    if one.undecided:
        lines.append(
            f"{plural(one.undecided, 'job')} to decide: see 'wanbatch status FILE', then"
            " 'wanbatch resolve'"
        )
    if one.rehearsed:
        lines.append(
            f"{plural(one.rehearsed, 'unfinished task')} of the emulator left out: they are free,"
            " and a run makes them anew"
        )
    if one.allowed:
        lines.append(
            f"{plural(one.allowed, 'unused permission')} to buy again left out: say"
            " --regenerate or --retry-failed here where that is still wanted"
        )
    if one.unended:
        lines.append(
            "the last run of this shard had not ended: where it goes on, what it buys from now on"
            " is not known here; import it again when it has ended, before a run without --shard"
        )
    lines += [f"{path} cannot be read, and tells nothing" for path in one.unread]
    return lines
