"""``wanbatch compare``: two reports side by side, matched by job name. Looks only."""

from __future__ import annotations

from pathlib import Path
from typing import cast

import click

from wanbatch.cli.command import Command
from wanbatch.cli.console import say
from wanbatch.cli.output import save


@click.command("compare", cls=Command)
@click.argument("a", type=click.Path(path_type=Path), metavar="A")
@click.argument("b", type=click.Path(path_type=Path), metavar="B")
@click.option(
    "--format",
    "form",
    type=click.Choice(("text", "json", "markdown")),
    default="text",
    show_default=True,
    help="How the comparison is printed on stdout.",
)
@click.option(
    "-o",
    "page",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Also write a page that shows both, A beside B: an .html file.",
)
@click.option("-v", "--verbose", is_flag=True, help="Name the identical jobs too.")
def command(a: Path, b: Path, form: str, page: Path | None, verbose: bool) -> None:
    """Say what is new, gone, changed or identical between A and B: report folders,
    report.json files, records under runs/, or .lock.json files. Jobs are matched by
    name.
    """
    from wanbatch.operations.compare import CompareFormat, compare_reports

    found = compare_reports(a, b, cast("CompareFormat", form), page, all_jobs=verbose)
    click.echo(found.text, nl=False)
    if page is not None and found.page is not None:
        save(page, found.page)
        say(f"the page of both: {page}")
