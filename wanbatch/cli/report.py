"""``wanbatch report``: rebuilds the report from the ledger, or writes it in another format."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import click

from wanbatch.cli import stages
from wanbatch.cli.options import Settings, planning_options
from wanbatch.errors import ExitCode, Refusal

Format = Literal["html", "json", "junit", "csv", "md"]
SUFFIXES: dict[str, Format] = {".html": "html", ".json": "json", ".xml": "junit", ".csv": "csv", ".md": "md"}


@click.command("report")
@planning_options
@click.option(
    "-o",
    "targets",
    multiple=True,
    type=click.Path(path_type=Path, dir_okay=False),
    help="Also write to this file: .html, .json, .xml (JUnit), .csv or .md.",
)
def command(settings: Settings, targets: tuple[Path, ...]) -> None:
    """Rebuild every manifest's report.html and report.json from the ledger, as after the last run."""
    formats = [_format_of(target) for target in targets]
    checked = stages.read_and_check(settings, quiet_warnings=True)
    if targets and len(checked.manifests) != 1:
        raise Refusal(ExitCode.INVALID, "-o takes one manifest at a time")
    chosen = stages.choose_backend(settings, checked.manifests, offline=True)
    plan, snapshot = stages.look_and_plan(settings, checked, chosen.profile)
    for path in stages.write_reports(settings, checked, plan, snapshot):
        click.echo(path)
    if targets:
        from wanbatch.report.render import render

        report = stages.collect_report(checked.manifests[0], plan, snapshot)
        for target, name in zip(targets, formats, strict=True):
            target.write_text(render(report, name), encoding="utf-8")
            click.echo(target)


def _format_of(target: Path) -> Format:
    if target.suffix.lower() not in SUFFIXES:
        raise Refusal(ExitCode.INVALID, f"-o {target}: the format is told by the ending", "endings: " + ", ".join(SUFFIXES))
    return SUFFIXES[target.suffix.lower()]
