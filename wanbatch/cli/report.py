"""``wanbatch report``: rebuilds the report from the ledger, or writes it in another format."""

from __future__ import annotations

from pathlib import Path

import click

from wanbatch.cli import guard, stages
from wanbatch.cli.options import Settings, planning_options
from wanbatch.words.errors import ExitCode, Refusal


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
    from wanbatch.report.formats.json import to_bytes
    from wanbatch.report.formats.render import base_for, format_of, render

    formats = [format_of(target) for target in targets]
    checked = stages.read_and_check(settings, quiet_warnings=True)
    if targets and len(checked.manifests) != 1:
        raise Refusal(ExitCode.INVALID, "-o takes one manifest at a time")
    stages.refuse_shared_folders(settings, checked.manifests)
    chosen = stages.choose_backend(settings, checked.manifests, offline=True)
    guard.refuse_odd_places(settings, [m.name for m in checked.manifests])
    plan, snapshot, around = stages.look_and_plan(settings, checked, chosen.profile)
    guard.refuse_older_ledger(settings, around)
    written = stages.write_reports(settings, checked, plan, snapshot)
    for path, _ in written:
        click.echo(path)
    for target, form in zip(targets, formats, strict=True):
        path, report = written[0]
        stages.save(target, to_bytes(render(report, form, base_for(target, path.parent))))
        click.echo(target)
