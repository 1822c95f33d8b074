"""``wanbatch report``: rebuilds the report from the ledger, or writes it in another
format."""

from __future__ import annotations

from pathlib import Path

import click

from wanbatch.cli.options import CommonOptions, planning_options
from wanbatch.cli.output import observer, save


@click.command("report")
@planning_options
@click.option(
    "-o",
    "targets",
    multiple=True,
    type=click.Path(path_type=Path, dir_okay=False),
    help="Also write to this file: .html, .json, .xml (JUnit), .csv or .md.",
)
def command(options: CommonOptions, targets: tuple[Path, ...]) -> None:
    """Rebuild every manifest's report.html and report.json from the ledger, as after
    the last run."""
    from wanbatch.operations.reporting import rebuild_reports

    written, rendered = rebuild_reports(options, targets, observer(options, quiet_warnings=True))
    for path in written:
        click.echo(path)
    for target, content in rendered:
        save(target, content)
        click.echo(target)
