"""``wanbatch report``: rebuilds the report from the ledger, or writes it in another
format."""

from __future__ import annotations

from pathlib import Path

import click

from wanbatch.cli.command import Command
from wanbatch.cli.console import say
from wanbatch.cli.options import CommonOptions, planning_options
from wanbatch.cli.output import observer, save
from wanbatch.words.humanize import plural


@click.command("report", cls=Command)
@planning_options
@click.option(
    "-o",
    "targets",
    multiple=True,
    type=click.Path(path_type=Path, dir_okay=False),
    help="Also write to this file: .html, .json, .xml (JUnit), .csv, .md or .parquet.",
)
@click.option(
    "--export",
    nargs=2,
    type=(click.Choice(("videofolder",)), click.Path(path_type=Path, file_okay=False)),
    metavar="videofolder DIR",
    help="Also put the done videos and a metadata.jsonl into a new folder, as data sets have it.",
)
@click.option(
    "--presign",
    default="",
    metavar="TIME",
    help="Make the -o pages copies whose links to an object store work for so long: 7d, 12h, 30m.",
)
def command(
    options: CommonOptions,
    targets: tuple[Path, ...],
    export: tuple[str, Path] | None,
    presign: str,
) -> None:
    """Rebuild every manifest's report.html and report.json from the ledger, as after
    the last run.
    """
    from wanbatch.operations.reporting import rebuild_reports

    folder = export[1] if export else None
    built = rebuild_reports(
        options, targets, observer(options, quiet_warnings=True), folder, presign=presign
    )
    for path in built.pages:
        click.echo(path)
    for target, content in built.rendered:
        save(target, content)
        click.echo(target)
    if folder is not None:
        say(f"{plural(len(built.exported), 'video')} exported")
        click.echo(folder)
