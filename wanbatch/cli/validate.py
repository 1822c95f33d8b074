"""``wanbatch validate``: every check that needs no network."""

from __future__ import annotations

import click

from wanbatch.cli import stages
from wanbatch.cli.console import plural, say
from wanbatch.cli.options import Settings, planning_options


@click.command("validate")
@planning_options
def command(settings: Settings) -> None:
    """Check manifests: YAML, schema, templates, expansion and local media. Needs no network, no key and no ledger."""
    from wanbatch.media.urls import describe_urls, url_uses

    checked = stages.read_and_check(settings, always=True)
    if settings.quiet:
        return
    for manifest in checked.manifests:
        files = {
            m.source.path for job in manifest.jobs for m in job.media if hasattr(m.source, "path")
        }
        say(
            f"{manifest.path}: valid, {plural(len(manifest.jobs), 'job')}, {plural(len(files), 'media file')}"
        )
        if settings.verbose:
            for line in describe_urls(url_uses([manifest])):
                say(f"  {line}")
